"""Starting: tables, the embedded default with its demo academy, and the HTTP server."""

from __future__ import annotations

import ipaddress
import socket
import sys
from pathlib import Path

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server as Granian

import wp_schema.install as installer
from learnomy_wp.config import Config, ConfigError
from learnomy_wp.kernel import db
from learnomy_wp.kernel.runtime import Runtime, share_metrics, start
from learnomy_wp.system import installation

# One statement of a job or of the seeder may take far longer than a request's.
WORK_ANSWER_SECONDS = 600
# The web server runs as another user; who may come near the socket is its folder's matter.
SOCKET_MODE = 0o666
DEMO_PASSWORD = "learnomy-demo"  # noqa: S105 - of a demo that is bound to loopback


def boot(config: Config) -> Runtime:
    """The runtime of a process that serves no HTTP, with its features loaded."""
    from learnomy_wp import features

    share_metrics(config)
    features.blueprints()
    return start(config, answer_seconds=WORK_ANSWER_SECONDS)


def migrate(config: Config) -> None:
    """Create or update Learnomy's tables in every blog."""
    runtime = boot(config)
    with runtime.request_stack():
        installation.install_all()


def serve(config: Config) -> int:
    """Serve HTTP in the foreground until told to stop, at a port or at a unix socket. Raises `ConfigError`."""
    if config.socket is not None:
        _claim(config.socket)
    elif config.embedded:
        _require_loopback(config.host)
    if config.embedded:
        prepare_embedded(config)
    where = f"unix:{config.socket}" if config.socket else f"http://{config.host}:{config.port}/wp-json/learnomy/v1"
    print(f"Learnomy serves {where}", flush=True)  # noqa: T201
    if config.embedded and config.socket is None:
        _welcome(config)
    Granian(
        "learnomy_wp.wsgi:app",
        address=config.host,
        port=config.port,
        uds=config.socket,
        uds_permissions=SOCKET_MODE if config.socket else None,
        interface=Interfaces.WSGI,
        workers=config.workers,
        blocking_threads=config.threads,
        log_access=False,
        log_level=LogLevels.warning,
    ).serve()
    return 0


def _claim(path: Path) -> None:
    """Remove a socket that a killed process left behind. Raises `ConfigError` where somebody listens at it."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        return
    if not path.is_socket():
        raise ConfigError(f"LEARNOMY_SOCKET is {path}: a file that is no socket. Choose another name or remove it.")
    with socket.socket(socket.AF_UNIX) as visitor:
        visitor.settimeout(1)
        try:
            visitor.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
        except OSError:
            pass  # too busy to answer, or not for us: it is somebody's
    raise ConfigError(f"LEARNOMY_SOCKET is {path}: another process listens there. Stop it first.")


def _require_loopback(host: str) -> None:
    """Everybody knows the logins of the embedded default, so nobody else may reach it. Raises `ConfigError`."""
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise ConfigError(f"LEARNOMY_HOST is {host}: without a WordPress site only loopback is served, as 127.0.0.1.")


def prepare_embedded(config: Config) -> None:
    """A bare WordPress in SQLite with Learnomy's tables and, at the first start, the demo academy."""
    from learnomy_wp.seed import demo

    Path(config.state_dir).mkdir(parents=True, exist_ok=True)
    runtime = boot(config)
    home = f"http://{config.host}:{config.port}"
    if installer.is_installed(runtime.database.read, config.base_prefix) and not installer.pending_migrations(
        runtime.database.write, config.base_prefix
    ):
        demo.set_home(home)
    else:
        installer.install_bare_wordpress(runtime.database.write, prefix=config.base_prefix, home=home)
        migrate(config)
        with runtime.request_stack(), db.blog(1):
            demo.build(home=home, password=DEMO_PASSWORD)
    runtime.database.dispose()


def _welcome(config: Config) -> None:
    base = f"http://{config.host}:{config.port}/wp-json/learnomy/v1"
    sys.stdout.write(
        f"""
Demo logins (this machine only), password {DEMO_PASSWORD}: admin, teacher, student

  curl -s '{base}/courses?per_page=3'
  curl -s -X POST -H 'Content-Type: application/json' \\
       -d '{{"username":"student","password":"{DEMO_PASSWORD}"}}' {base}/auth/token
  curl -s {base}/courses/1/curriculum

Stop with Ctrl-C.
"""
    )
    sys.stdout.flush()
