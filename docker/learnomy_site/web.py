"""PHP-FPM and nginx of a site."""

from __future__ import annotations

import shutil
from pathlib import Path

from learnomy_site.layout import REPOSITORY, Site, can_connect, socket_path
from learnomy_site.parts import Part, PartFailed

DOCKER = REPOSITORY / "docker"
# Settings that PHP takes at its start only; a changed file is seen at once.
OPCACHE = {"enable": "1", "memory_consumption": "128", "max_accelerated_files": "20000", "revalidate_freq": "0"}


def fpm_program() -> str:
    """PHP-FPM's program: its name holds a PHP version, of which the newest is taken."""
    names = (path.name for path in Path("/usr/sbin").glob("php-fpm*"))
    found = sorted(names, key=lambda name: [int(part) for part in name.removeprefix("php-fpm").split(".") if part])
    if not found:
        raise PartFailed("php-fpm is not installed: run docker/bin/install-packages")
    return f"/usr/sbin/{found[-1]}"


def fpm(site: Site) -> Part:
    """PHP-FPM with a fixed number of workers."""
    user = site.web_user
    socket = socket_path(site.folder, "php-fpm.sock")
    text = _fill(
        "php-fpm.conf",
        {
            "LOGS": f"{site.folder}/logs",
            "USER": f"user = {user}\ngroup = {user}" if user else "",
            "FPM": str(socket),
            "WORKERS": str(site.fpm_workers),
            "KEEP_MAIL": f"{DOCKER}/bin/keep-mail",
            "MAIL": f"{site.folder}/mail",
            "TMP": f"{site.folder}/tmp",  # noqa: S108 - the site's own folder
        },
    )
    config = site.folder / "run" / "php-fpm.conf"
    settings = [part for name, value in OPCACHE.items() for part in ("-d", f"opcache.{name}={value}")]
    command = [fpm_program(), *settings, "-y", str(config), *(["-R"] if user == "root" else [])]
    return Part(
        "php-fpm",
        command,
        site.folder,
        ready=lambda: can_connect(socket),
        files={config: text},
    )


def nginx(site: Site) -> Part:
    """nginx with two servers: the site's port, and one that knows PHP only."""
    run = site.folder / "run"
    user = site.web_user
    backend = f"unix:{site.api_socket}" if site.sockets else f"127.0.0.1:{site.api_port}"
    names = ["learnomy.conf", *(["learnomy-network.conf"] if site.multisite else [])] if site.door == "direct" else []
    snippets = [REPOSITORY / "bridge" / "nginx" / name for name in names]
    text = _fill(
        "nginx.conf",
        {
            "USER": f"user {user};" if user else "",
            "RUN": str(run),
            "LOGS": f"{site.folder}/logs",
            "BACKEND": backend,
            "FPM": str(socket_path(site.folder, "php-fpm.sock")),
            "BIND": site.bind,
            "PORT": str(site.port),
            "PHP_PORT": str(site.php_port),
            "ROOT": str(site.root),
            "DIRECT_DOOR": " ".join(f"include {path};" for path in snippets),
        },
    )
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    return Part(
        "nginx",
        [program, "-p", str(run), "-e", f"{site.folder}/logs/nginx-error.log", "-c", str(run / "nginx.conf")],
        site.folder,
        ready=lambda: all(can_connect(("127.0.0.1", port)) for port in (site.port, site.php_port)),
        files={run / "nginx.conf": text, run / "nginx-wordpress.conf": (DOCKER / "nginx-wordpress.conf").read_text()},
        fingerprint="".join(path.read_text() for path in snippets),
    )


def _fill(template: str, values: dict[str, str]) -> str:
    text = (DOCKER / template).read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text
