"""What the backend takes from a site's wp-config.php: the database, the table prefix, the salts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL

from learnomy_wp.kernel.phpconstants import read_constants
from learnomy_wp.kernel.phpexpression import PhpValue

# Where mysqlnd looks for the server of host "localhost", in the order of the common systems.
DEFAULT_SOCKETS = (
    "/run/mysqld/mysqld.sock",
    "/var/run/mysqld/mysqld.sock",
    "/var/lib/mysql/mysql.sock",
    "/tmp/mysql.sock",  # noqa: S108
)
PLACEHOLDER = "put your unique phrase here"
SCHEMES = ("auth", "secure_auth", "logged_in", "nonce")
_MAXIMUM_BYTES = 1_000_000


class WpConfigError(Exception):
    """wp-config.php cannot be used; the message says which name and why."""


@dataclass(frozen=True)
class DatabaseHost:
    """DB_HOST in its parts; `host` is empty where only a socket is named."""

    host: str
    port: int | None = None
    socket: str | None = None


@dataclass(frozen=True)
class WpConfig:
    """A read wp-config.php. `unreadable` maps a constant or variable to the reason."""

    path: Path
    constants: Mapping[str, PhpValue]
    variables: Mapping[str, PhpValue]
    unreadable: Mapping[str, str]
    includes: Sequence[str]

    def text(self, name: str) -> str | None:
        """A constant or `$variable` as a string, None where the file does not set it."""
        if name in self.unreadable:
            raise WpConfigError(f"{name} in {self.path} cannot be read without executing it: {self.unreadable[name]}")
        found = (self.variables if name.startswith("$") else self.constants).get(name)
        if found is None or found is False:
            return None
        return "1" if found is True else str(found)

    def required(self, name: str) -> str:
        """As `text`, but the name must be there."""
        found = self.text(name)
        if found is not None:
            return found
        also = f" It includes other files ({'; '.join(self.includes)})." if self.includes else ""
        raise WpConfigError(f"{name} is not set in {self.path}.{also}")

    def table_prefix(self) -> str | None:
        """`$table_prefix`."""
        return self.text("$table_prefix")

    def database_url(self, default_sockets: Sequence[str] = DEFAULT_SOCKETS) -> URL:
        """The SQLAlchemy URL of the site's database; it names no driver."""
        host = parse_database_host(self.required("DB_HOST"), default_sockets)
        query = {"charset": _charset(self.text("DB_CHARSET") or "")}
        if host.socket:
            query["unix_socket"] = host.socket
        return URL.create(
            "mysql",
            username=self.required("DB_USER"),
            password=self.text("DB_PASSWORD") or None,
            host=None if host.socket else host.host,
            port=None if host.socket else host.port,
            database=self.required("DB_NAME"),
            query=query,
        )

    def salt_parts(self) -> dict[str, str]:
        """`auth_key`, `auth_salt`, ... as far as wp_salt() takes them from constants.

        What is missing here WordPress keeps in site options of the same names. As there, a
        placeholder and a value that two constants share do not count.
        """
        names = [f"{scheme}_{part}" for scheme in (*SCHEMES, "secret") for part in ("key", "salt")]
        values = {name: self.text(name.upper()) or "" for name in names}
        shared = list(values.values())
        parts = {
            name: value
            for name, value in values.items()
            if value not in {"", "0", PLACEHOLDER} and shared.count(value) == 1
        }
        return {name: _part(parts, name) for name in names if not name.startswith("secret") and _part(parts, name)}

    def salts(self) -> dict[str, str]:
        """wp_salt() of each scheme whose key and salt both come from constants."""
        parts = self.salt_parts()
        pairs = {scheme: (parts.get(f"{scheme}_key"), parts.get(f"{scheme}_salt")) for scheme in SCHEMES}
        return {scheme: key + salt for scheme, (key, salt) in pairs.items() if key and salt}

    def bridge_salt(self) -> str:
        """sha256 of AUTH_KEY and AUTH_SALT; empty where a site option stands for one of them."""
        key, salt = self.text("AUTH_KEY"), self.text("AUTH_SALT")
        return hashlib.sha256((key + salt).encode("utf-8", "surrogateescape")).hexdigest() if key and salt else ""


def _part(parts: Mapping[str, str], name: str) -> str:
    """A constant of its own, else the SECRET_KEY (and for auth the SECRET_SALT) of old sites."""
    if name in parts:
        return parts[name]
    fallback = "secret_key" if name.endswith("_key") else "secret_salt" if name == "auth_salt" else ""
    return parts.get(fallback, "")


def read_wp_config(path: Path, environ: Mapping[str, str]) -> WpConfig:
    """Read wp-config.php at `path` without executing it."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise WpConfigError(f"{path} cannot be read ({error.strerror}).") from error
    if len(raw) > _MAXIMUM_BYTES:
        raise WpConfigError(f"{path} is too large to be a wp-config.php.")
    try:
        found = read_constants(raw.decode("utf-8", "surrogateescape"), path, environ)
    except RecursionError as error:
        raise WpConfigError(f"{path} is nested too deeply to be a wp-config.php.") from error
    return WpConfig(path, found.constants, found.variables, found.unreadable, found.includes)


_HOST = re.compile(r"(?P<host>[^:/]*)(?::(?P<port>\d+))?")
_IPV6 = re.compile(r"\[?(?P<host>[0-9a-fA-F:]+)(?:\]:(?P<port>\d+))?")


def parse_database_host(text: str, default_sockets: Sequence[str] = ()) -> DatabaseHost:
    """DB_HOST as wpdb::parse_db_host() reads it; "localhost" means a socket, as for PHP."""
    host, mark, socket = text.partition(":/")
    pattern = _IPV6 if host.count(":") > 1 else _HOST
    match = pattern.match(host)
    assert match is not None or pattern is _IPV6
    if match is None:
        raise WpConfigError(f"DB_HOST {text!r} is not a host, an address or a socket.")
    name = match["host"] or ""
    if mark:
        return DatabaseHost(name, socket=f"/{socket}")
    port = int(match["port"]) if match["port"] else None
    if name in {"", "localhost"}:
        found = next((path for path in default_sockets if Path(path).is_socket()), None)
        return DatabaseHost(name or "127.0.0.1", port, found)
    return DatabaseHost(name, port)


def _charset(written: str) -> str:
    """The connection's charset; like wpdb, utf8 becomes utf8mb4."""
    charset = written.strip().lower()
    return "utf8mb4" if charset in {"", "utf8", "utf8mb3"} else charset
