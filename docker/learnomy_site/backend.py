"""The backend and the worker of a site: their environment, processes and pairing."""

from __future__ import annotations

import http.client
import os
import shlex
import socket
from pathlib import Path

from learnomy_site import servers, wordpress
from learnomy_site.layout import PASSWORD, REPOSITORY, Site
from learnomy_site.parts import Part, PartFailed

# An owner without a compiler has PyMySQL alone: the sites of one version stay with it.
PLAIN_VERSION, PLAIN_DRIVER = "6.1", "mysql+pymysql"
HEALTH = "/wp-json/learnomy/v1/health"


def programs() -> Path:
    """Where the project's own commands are installed."""
    venv = Path(os.environ.get("LEARNOMY_VENV", ".venv"))
    return (REPOSITORY / venv if not venv.is_absolute() else venv) / "bin"


def environment(site: Site) -> dict[str, str]:
    """What the backend is told about the site."""
    theirs = servers.of(site)
    return {
        "DATABASE_URL": theirs.database_url(site.database, PLAIN_DRIVER if site.wp == PLAIN_VERSION else "mysql"),
        "LEARNOMY_WP_CONFIG": str(site.root / "wp-config.php"),
        "LEARNOMY_REDIS_URL": theirs.redis_url(site.redis_database, by_socket=site.sockets),
        "LEARNOMY_STATE_DIR": str(site.state),
        "PYTHONUNBUFFERED": "1",
    }


def as_shell(site: Site) -> str:
    """The same as lines that a shell can evaluate."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in environment(site).items())


def code_fingerprint() -> str:
    """Changes whenever the backend's code does, so that a running one is started again."""
    return wordpress.fingerprint(REPOSITORY / "learnomy_wp") + wordpress.fingerprint(REPOSITORY / "wp_schema")


def api(site: Site) -> Part:
    """The backend under granian."""
    where = ["--host", "127.0.0.1", "--port", str(site.api_port)]
    if site.sockets:
        where = ["--uds", str(site.api_socket), "--uds-permissions", "666"]
    command = [
        str(programs() / "granian"), "--interface", "wsgi", *where,
        "--workers", str(site.api_workers), "--blocking-threads", str(site.api_threads), "--no-ws",
        "--respawn-failed-workers", "--log-level", "warning", "learnomy_wp.wsgi:app",
    ]  # fmt: skip
    return Part(
        "api",
        command,
        site.folder,
        ready=lambda: answers(site.api_socket if site.sockets else ("127.0.0.1", site.api_port)),
        environment=environment(site),
        fingerprint=code_fingerprint(),
        leftover=site.api_socket if site.sockets else None,
    )


def worker(site: Site) -> Part:
    """The process that runs jobs and drains the outbox."""
    part = Part(
        "worker",
        [str(programs() / "learnomy"), "worker"],
        site.folder,
        ready=lambda: b"worker_started" in part.said(),
        environment=environment(site),
        fingerprint=code_fingerprint(),
    )
    return part


def answers(address: tuple[str, int] | Path) -> bool:
    """Whether the backend answers at all."""
    connection = _Connection(address)
    try:
        connection.request("GET", HEALTH)
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class _Connection(http.client.HTTPConnection):
    """HTTP to a port or a unix socket."""

    def __init__(self, address: tuple[str, int] | Path) -> None:
        super().__init__("127.0.0.1", timeout=5)
        self._address = address

    def connect(self) -> None:
        if not isinstance(self._address, Path):
            self.sock = socket.create_connection(self._address, self.timeout)
            return
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._address))


def pair(site: Site) -> None:
    """Tell the plugin where the backend is and let it pair, as its settings screen does."""
    loopback = os.environ.get("LEARNOMY_LOOPBACK", "")  # where the backend reaches WordPress, if not at its home
    code = f"""
        \\Learnomy\\Bridge_Options::set( array( 'loopback' => '{loopback}' ) );
        $made = \\Learnomy\\pair( array( 'address' => '{site.backend_address}' ) );
        return is_wp_error( $made ) ? $made->get_error_message() : $made;
    """
    outcome = wordpress.run_code(site, code, user="admin")
    if outcome is not True:
        raise PartFailed(f"the plugin and the backend did not pair: {outcome}")


def seed(site: Site, scale: int) -> None:
    """Fill the site with the model academy, once: the plugin makes the people, the backend the rest."""
    code = f"""
        $made = \\Learnomy\\Seed::run( {scale}, '{PASSWORD}' );
        return is_wp_error( $made ) ? $made->get_error_message() : $made;
    """
    outcome = wordpress.run_code(site, code, user="admin", timeout=1800)
    if not isinstance(outcome, dict):
        raise PartFailed(f"the academy was not made: {outcome}")
