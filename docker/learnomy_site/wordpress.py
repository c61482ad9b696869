"""The WordPress of a site: its code, configuration, accounts and plugin, and PHP run inside it."""

# ruff: noqa: S603, S607  # commands are made here from fixed parts; programs are found on PATH

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import subprocess
from pathlib import Path
from typing import Any

from learnomy_site import servers
from learnomy_site.layout import PASSWORD, REPOSITORY, USERS, Site
from learnomy_site.parts import PartFailed

SCRIPTS = REPOSITORY / "docker" / "php"
PLUGIN = REPOSITORY / "bridge" / "learnomy"


_ADDRESSES = """\
defined( 'WP_HOME' ) || define( 'WP_HOME', 'http://{{host}}' );
defined( 'WP_SITEURL' ) || define( 'WP_SITEURL', 'http://{{host}}' );"""

_NETWORK_ADDRESSES = """\
if ( 'make' !== getenv( 'LEARNOMY_SITE_NETWORK' ) ) {
	define( 'MULTISITE', true );
	define( 'SUBDOMAIN_INSTALL', false );
	define( 'DOMAIN_CURRENT_SITE', '{{host}}' );
	define( 'PATH_CURRENT_SITE', '/' );
	define( 'SITE_ID_CURRENT_SITE', 1 );
	define( 'BLOG_ID_CURRENT_SITE', 1 );
} else {
	define( 'WP_HOME', 'http://{{host}}' );
	define( 'WP_SITEURL', 'http://{{host}}' );
}"""


class PhpFailed(Exception):
    """A PHP script ended with an error; the message is what it printed."""


def ensure(site: Site) -> None:
    """The database, the code, wp-config.php, the first accounts and the plugin's files."""
    servers.of(site).sql(f"CREATE DATABASE IF NOT EXISTS `{site.database}` CHARACTER SET utf8mb4")
    got = subprocess.run([REPOSITORY / "docker/bin/get-wordpress", site.wp, site.root], check=False)
    if got.returncode != 0:
        raise PartFailed(f"WordPress {site.wp} could not be had")
    for name in ("mail", "tmp"):  # the machine's own /tmp may be closed to PHP's user
        (site.folder / name).mkdir(exist_ok=True)
        (site.folder / name).chmod(0o1777)
    logs = site.folder / "logs"
    logs.mkdir(exist_ok=True)
    (logs / "debug.log").touch()
    (logs / "debug.log").chmod(0o666)
    _write_config(site)
    ensure_plugin_files(site)
    ensure_object_cache(site)
    marker = site.folder / "run" / "installed"
    wanted = f"{site.database} {site.multisite}"
    if not (marker.is_file() and marker.read_text().startswith(wanted)):
        give_to_web_user(site, site.root / "wp-content")
        give_to_web_user(site, site.root, deep=False)  # where WordPress puts its maintenance file
        accounts = {"LEARNOMY_SITE_PASSWORD": PASSWORD, "LEARNOMY_SITE_USERS": json.dumps(USERS)}
        if site.multisite:  # WordPress is installed before it becomes a network
            run_script(site, SCRIPTS / "install.php", {**accounts, "LEARNOMY_SITE_NETWORK": "make"})
        installed = run_script(site, SCRIPTS / "install.php", accounts)
        marker.write_text(f"{wanted}\n{installed}\n")


def forget(site: Site) -> None:
    """Remove what a site gathered in its life: uploads, must-use plugins, mail, logs, the backend's state."""
    content = site.root / "wp-content"
    for folder in (content / "uploads", content / "mu-plugins", site.state, site.folder / "mail", site.folder / "logs"):
        shutil.rmtree(folder, ignore_errors=True)
    for file in (site.folder / "run" / "installed", site.root / ".maintenance"):
        file.unlink(missing_ok=True)
    shipped = {"akismet", "index.php", "learnomy"}
    for plugin in (content / "plugins").glob("*"):
        if plugin.name not in shipped:
            shutil.rmtree(plugin, ignore_errors=True)


def version(site: Site) -> str:
    """The exact version that is installed, as WordPress names it."""
    return (site.folder / "run" / "installed").read_text().splitlines()[1]


def _write_config(site: Site) -> None:
    salts = "\n".join(f"define( '{name}', '{value}' );" for name, value in site.salts.items())
    values = {
        "addresses": _NETWORK_ADDRESSES if site.multisite else _ADDRESSES,
        "folder": str(site.folder),
        "database": site.database,
        "socket": str(servers.of(site).socket),
        "salts": salts,
        "host": site.host,
        "hosts": ", ".join(f"'{host}'" for host in site.hosts),
        "cookiehash": hashlib.md5(f"http://{site.host}".encode()).hexdigest(),  # noqa: S324  # WordPress's own rule
        "debug": "true" if site.debug else "false",
    }
    text = (SCRIPTS / "wp-config.template").read_text()
    for name, value in values.items():
        text = text.replace("{{" + name + "}}", value)
    path = site.root / "wp-config.php"
    if not path.is_file() or path.read_text() != text:
        path.with_suffix(".new").write_text(text)
        path.with_suffix(".new").replace(path)


def ensure_plugin_files(site: Site) -> bool:
    """Put the plugin's current files into the site; True when they changed."""
    if not PLUGIN.is_dir():
        return False
    target = site.root / "wp-content" / "plugins" / "learnomy"
    if site.link_plugin:
        if target.is_symlink() and target.readlink() == PLUGIN:
            return False
        shutil.rmtree(target, ignore_errors=True)
        target.unlink(missing_ok=True)
        target.symlink_to(PLUGIN)
        return True
    marker = site.folder / "run" / "plugin"
    digest = fingerprint(PLUGIN)
    if target.is_dir() and not target.is_symlink() and marker.is_file() and marker.read_text() == digest:
        return False
    if target.is_symlink():
        target.unlink()
    fresh = target.with_name(".learnomy-new")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(PLUGIN, fresh)
    give_to_web_user(site, fresh)
    old = target.with_name(".learnomy-old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    marker.parent.mkdir(exist_ok=True)
    marker.write_text(digest)
    return True


def ensure_object_cache(site: Site) -> None:
    """The persistent object cache is there when the site was asked to have one, and only then."""
    target = site.root / "wp-content" / "object-cache.php"
    if not site.object_cache:
        target.unlink(missing_ok=True)
        return
    text = (SCRIPTS / "object-cache.php").read_text()
    text = text.replace("{{socket}}", str(servers.of(site).redis_socket)).replace("{{prefix}}", site.database)
    target.write_text(text.replace("{{database}}", str(site.redis_database)))


def fingerprint(folder: Path) -> str:
    """A digest of a folder's file names, sizes and times."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            stat = path.stat()
            digest.update(f"{path.relative_to(folder)} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def give_to_web_user(site: Site, path: Path, *, deep: bool = True) -> None:
    """Let PHP write there, as it can on a site that updates itself."""
    user = site.web_user
    if user in {None, "root"}:
        return
    subprocess.run(["chown", *(["-R"] if deep else []), f"{user}:{user}", path], check=True)


def run_script(
    site: Site, script: Path, variables: dict[str, str] | None = None, code: str = "", timeout: float = 120
) -> str:
    """Run a PHP script on the command line as PHP-FPM's user; gives what it printed."""
    compiled = site.folder / "run" / "compiled"
    if not compiled.is_dir():
        compiled.mkdir(parents=True)
        give_to_web_user(site, compiled)
    settings = {
        "sendmail_path": f"{REPOSITORY}/docker/bin/keep-mail {site.folder}/mail",
        "memory_limit": "512M",
        "display_errors": "stderr",
        # what was compiled once is kept between scripts: a third of the time
        "opcache.enable_cli": "1",
        "opcache.file_cache": str(compiled),
        "opcache.file_cache_only": "1",
    }
    command = ["php", *(f"-d{name}={value}" for name, value in settings.items()), str(script)]
    environment = {
        **os.environ,
        "LEARNOMY_SITE_ROOT": str(site.root),
        "LEARNOMY_SITE_HOST": site.host,
        **(variables or {}),
    }
    ran: subprocess.CompletedProcess[str] = subprocess.run(
        command,
        input=code,
        capture_output=True,
        text=True,
        env=environment,
        cwd=site.root,
        timeout=timeout,
        check=False,
        **_as_web_user(site),
    )
    if ran.returncode != 0:
        printed = ran.stdout.partition("<!DOCTYPE html>")[0]  # WordPress's error page says less than the log
        log = (site.folder / "logs" / "debug.log").read_text(errors="replace").splitlines()[-12:]
        lines = [ran.stderr, printed, "The debug log ends with:", *log]
        raise PhpFailed(f"{script.name} ended with status {ran.returncode}:\n" + "\n".join(lines))
    return ran.stdout


def _as_web_user(site: Site) -> dict[str, Any]:
    user = site.web_user
    return {} if user in {None, "root"} else {"user": user, "group": user, "extra_groups": []}


def run_code(site: Site, code: str, *, user: str | int = "", path: str = "/", timeout: float = 120) -> Any:
    """Run PHP code as a function's body in the loaded WordPress; gives what it returns, by way of JSON."""
    mark = secrets.token_hex(8)
    variables = {"LEARNOMY_SITE_MARK": mark, "LEARNOMY_SITE_USER": str(user), "LEARNOMY_SITE_PATH": path}
    printed = run_script(site, SCRIPTS / "run.php", variables, code, timeout)
    _, found, result = printed.rpartition(mark)
    if not found:
        raise PhpFailed(f"the code ended before it returned; it printed:\n{printed}")
    return json.loads(result)


def activate_plugin(site: Site) -> None:
    """Activate the plugin as an administrator would, and make `teacher` an instructor."""
    outcome = run_code(
        site,
        """
        require_once ABSPATH . 'wp-admin/includes/plugin.php';
        $network = is_multisite();
        if ( ! is_plugin_active( 'learnomy/learnomy.php' ) ) {
            $made = activate_plugin( 'learnomy/learnomy.php', '', $network );
            if ( is_wp_error( $made ) ) {
                return $made->get_error_message();
            }
        }
        $teacher = get_user_by( 'login', 'teacher' );
        if ( get_role( 'lrn_instructor' ) && ! in_array( 'lrn_instructor', $teacher->roles, true ) ) {
            $teacher->set_role( 'lrn_instructor' );
        }
        return true;
        """,
        user="admin",
    )
    if outcome is not True:
        raise PartFailed(f"the plugin was not activated: {outcome}")
