"""Apache's snippet in a real Apache: PHP sees the Authorization header with it, and not without."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from learnomy_site.layout import can_connect, free_port, socket_path

from tests.site import REPOSITORY, Site

MODULES = Path("/usr/lib/apache2/modules")
# On Debian some of these are built in.
NEEDED = ("mpm_event", "authz_core", "dir", "env", "mime", "proxy", "proxy_fcgi", "rewrite", "setenvif")
CONFIG = """
{modules}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {folder}/apache.pid
ErrorLog {folder}/apache.log
DocumentRoot {root}
DirectoryIndex index.php
TypesConfig /dev/null
<Directory {root}>
    AllowOverride {override}
    Require all granted
</Directory>
<FilesMatch "\\.php$">
    SetHandler "proxy:unix:{php}|fcgi://localhost"
</FilesMatch>
{more}
"""
ECHO = "if ( '/authorization' === $_SERVER['REQUEST_URI'] ) { exit( $_SERVER['HTTP_AUTHORIZATION'] ?? 'none' ); }"
FRONT = "FallbackResource /index.php\n"


@pytest.fixture
def echo(bare_site: Site) -> Iterator[Site]:
    with bare_site.must_use("authorization", ECHO):
        yield bare_site


def ask(site: Site, folder: Path, *, more: str, override: str = "None") -> str:
    """What PHP saw of an Authorization header that went through an Apache of that configuration."""
    port = free_port(set())
    modules = [f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in NEEDED]
    present = [line for line in modules if Path(line.split()[-1]).exists()]
    config = folder / "apache.conf"
    config.write_text(
        CONFIG.format(
            modules="\n".join(present),
            port=port,
            folder=folder,
            root=site.root,
            php=socket_path(site.folder, "php-fpm.sock"),
            override=override,
            more=more,
        )
    )
    with subprocess.Popen(["apache2", "-X", "-f", config], start_new_session=True) as apache:
        try:
            deadline = time.monotonic() + 10
            while not can_connect(("127.0.0.1", port)):
                assert apache.poll() is None, (folder / "apache.log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)
            with requests.Session() as session:
                session.trust_env = False
                return session.get(
                    f"http://127.0.0.1:{port}/authorization", headers={"Authorization": "Bearer abc"}, timeout=10
                ).text
        finally:
            apache.send_signal(signal.SIGTERM)


@pytest.fixture
def front(bare_site: Site) -> Iterator[Path]:
    path = bare_site.root / ".htaccess"
    yield path
    path.unlink(missing_ok=True)


def test_without_the_snippet_the_header_is_gone(echo: Site, tmp_path: Path) -> None:
    assert ask(echo, tmp_path, more=f"<Location />\n{FRONT}</Location>") == "none"


def test_with_the_snippet_it_arrives(echo: Site, tmp_path: Path) -> None:
    snippet = REPOSITORY / "bridge/apache/learnomy.conf"
    assert ask(echo, tmp_path, more=f"<Location />\n{FRONT}</Location>\nInclude {snippet}") == "Bearer abc"


def test_it_works_in_htaccess_too(echo: Site, tmp_path: Path, front: Path) -> None:
    front.write_text(FRONT + (REPOSITORY / "bridge/apache/learnomy.conf").read_text())
    assert ask(echo, tmp_path, more="", override="All") == "Bearer abc"
