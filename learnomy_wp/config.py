"""What the process is told: the environment first, then the site's wp-config.php, then defaults.

`Config.load` reads everything once; nothing else in the program looks at the environment.
The pairing with the plugin comes later and wins over wp-config.php (kernel/site.py).
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from learnomy_wp.kernel.wpconfig import PLACEHOLDER, WpConfig, WpConfigError, read_wp_config
from wp_schema.prefix import check_prefix

MINIMUM_SECRET = 32
MINIMUM_VARIETY = 10
# Matched without case, spaces and punctuation, also repeated: nobody's secret, whatever its length.
KNOWN_SECRETS = (
    PLACEHOLDER,
    "put your own secret here",
    "your-secret-key",
    "your-256-bit-secret",
    "your-top-secret-key",
    "change me to a long random string",
    "changeme",
    "change-this",
    "replace-me",
    "example",
    "default",
    "development",
    "insecure",
    "learnomy",
    "learnomy-demo",
    "learnomy-secret",
    "password",
    "secret",
    "supersecret",
    "test",
    "wordpress",
    "0123456789",
    "0123456789abcdef",
    "abcdefghijklmnopqrstuvwxyz",
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "qwertyuiopasdfghjklzxcvbnm",
)
DEFAULT_PROXIES = ("127.0.0.0/8", "::1", "unix")
MOST_PEERS = 100
_ON = frozenset({"1", "on", "true", "yes"})
_OFF = frozenset({"0", "off", "false", "no"})
_LEVELS = ("debug", "info", "warning", "error", "critical")

T = TypeVar("T")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ConfigError(Exception):
    """The configuration cannot be used; the message names the variable and says what to do."""


@dataclass(frozen=True)
class Config:
    """The configuration of one process."""

    database_url: str
    embedded: bool
    base_prefix: str
    redis_url: str | None
    redis_namespace: str
    state_dir: Path
    files_dir: Path
    secret: str | None
    wordpress: WpConfig | None
    salts: Mapping[str, str]
    bridge_salt: str
    host: str
    port: int
    socket: Path | None
    workers: int
    threads: int
    log_level: str
    log_format: str
    lease_seconds: int
    trusted_proxies: tuple[Network, ...]
    trusts_unix: bool
    response_cache: bool
    metrics: bool
    server_timing: bool
    outbound_hosts: frozenset[str]

    @classmethod
    def load(cls, environ: Mapping[str, str], cwd: Path | None = None) -> Config:
        """Read the configuration, or raise ConfigError.

        On the embedded default this makes `state_dir` and a secret in it at the first start.
        """
        read = _Environment(environ)
        cwd = cwd or Path.cwd()
        state_dir = cwd / read.text("LEARNOMY_STATE_DIR", "var")
        wordpress = _wordpress(read, cwd)
        given = read.text("DATABASE_URL")
        url = _database_url(given, wordpress, state_dir)
        embedded = url.startswith("sqlite")  # no WordPress site lives in SQLite
        prefix = _base_prefix(read, wordpress)
        networks, trusts_unix = _proxies(read)
        return cls(
            database_url=url,
            embedded=embedded,
            base_prefix=prefix,
            redis_url=_redis_url(read),
            redis_namespace=read.text("LEARNOMY_REDIS_NAMESPACE") or _namespace(url, prefix),
            state_dir=state_dir,
            files_dir=cwd / (read.text("LEARNOMY_FILES_DIR") or state_dir / "files"),
            secret=_secret(environ, wordpress, state_dir if embedded else None),
            wordpress=wordpress,
            salts=_constant(wordpress, WpConfig.salts, {}),
            bridge_salt=_constant(wordpress, WpConfig.bridge_salt, ""),
            host=read.text("LEARNOMY_HOST", "127.0.0.1"),
            port=read.integer("PORT", 8000, 1, 65535),
            socket=cwd / read.text("LEARNOMY_SOCKET") if read.text("LEARNOMY_SOCKET") else None,
            workers=read.integer("LEARNOMY_WORKERS", 1 if embedded else 2, 1, 256),
            threads=read.integer("LEARNOMY_THREADS", 4, 1, 256),
            log_level=read.choice("LEARNOMY_LOG_LEVEL", "info", _LEVELS),
            log_format=read.choice("LEARNOMY_LOG_FORMAT", "auto", ("auto", "json", "console")),
            lease_seconds=_lease_seconds(read, wordpress),
            trusted_proxies=networks,
            trusts_unix=trusts_unix,
            response_cache=read.switch("LEARNOMY_RESPONSE_CACHE", default=True),
            metrics=read.switch("LEARNOMY_METRICS", default=True),
            server_timing=read.switch("LEARNOMY_SERVER_TIMING", default=False),
            outbound_hosts=frozenset(host.lower() for host in read.words("LEARNOMY_OUTBOUND_HOSTS")),
        )

    def trusts(self, peer: str | None) -> bool:
        """Whether `peer` (an address; empty for a unix socket) may say who its client is."""
        if not peer or peer.startswith("unix"):
            return self.trusts_unix
        known = self._trusted.get(peer)
        if known is None:
            known = self._judge(peer)
            if len(self._trusted) < MOST_PEERS:
                self._trusted[peer] = known
        return known

    @cached_property
    def _trusted(self) -> dict[str, bool]:
        """Peers that were judged: the few proxies in front ask at every request."""
        return {}

    def _judge(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in self.trusted_proxies)


@dataclass(frozen=True)
class _Environment:
    """Typed reads of the environment; every complaint names the variable."""

    environ: Mapping[str, str]

    def text(self, name: str, default: str = "") -> str:
        return self.environ.get(name, "").strip() or default

    def words(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        return tuple(self.text(name).replace(",", " ").split()) or default

    def integer(self, name: str, default: int, minimum: int, maximum: int) -> int:
        written = self.text(name, str(default))
        if not written.isascii() or not written.isdigit() or not minimum <= int(written) <= maximum:
            raise ConfigError(f"{name} must be a whole number from {minimum} to {maximum}, not {written!r}.")
        return int(written)

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        written = self.text(name, default).lower()
        if written not in allowed:
            raise ConfigError(f"{name} must be one of {', '.join(allowed)}, not {written!r}.")
        return written

    def switch(self, name: str, *, default: bool) -> bool:
        written = self.text(name, "on" if default else "off").lower()
        if written not in _ON | _OFF:
            raise ConfigError(f"{name} must be on or off, not {written!r}.")
        return written in _ON


def _wordpress(read: _Environment, cwd: Path) -> WpConfig | None:
    written = read.text("LEARNOMY_WP_CONFIG")
    if not written:
        return None
    path = cwd / written
    try:
        return read_wp_config(path / "wp-config.php" if path.is_dir() else path, read.environ)
    except WpConfigError as error:
        raise ConfigError(f"LEARNOMY_WP_CONFIG: {error}") from error


def _database_url(given: str, wordpress: WpConfig | None, state_dir: Path) -> str:
    if given:
        return _given_url(given).render_as_string(hide_password=False)
    if wordpress is None:
        return f"sqlite:///{state_dir.absolute() / 'learnomy.sqlite3'}"
    try:
        return _with_driver(wordpress.database_url()).render_as_string(hide_password=False)
    except WpConfigError as error:
        raise ConfigError(f"LEARNOMY_WP_CONFIG: {error} Set DATABASE_URL instead.") from error


def _given_url(given: str) -> URL:
    try:
        url = make_url(given)
    except (ArgumentError, ValueError) as error:
        raise ConfigError("DATABASE_URL is no database address; write mysql://user:password@host/database.") from error
    backend = url.get_backend_name()
    if backend not in {"mysql", "mariadb", "sqlite"}:
        raise ConfigError(f"DATABASE_URL must begin with mysql:// or sqlite://, not {url.drivername}://.")
    if not url.database:
        raise ConfigError("DATABASE_URL names no database.")
    return _with_driver(url)


def _with_driver(url: URL) -> URL:
    """The address with a driver named: mysqlclient where it is installed, else PyMySQL, which needs no compiler."""
    if url.drivername not in {"mysql", "mariadb"}:
        return url
    return url.set(drivername="mysql+mysqldb" if find_spec("MySQLdb") else "mysql+pymysql")


def _base_prefix(read: _Environment, wordpress: WpConfig | None) -> str:
    name, prefix = "LEARNOMY_TABLE_PREFIX", read.text("LEARNOMY_TABLE_PREFIX")
    if not prefix and wordpress is not None:
        name = "LEARNOMY_WP_CONFIG"
        try:
            prefix = wordpress.table_prefix() or ""
        except WpConfigError as error:
            raise ConfigError(f"LEARNOMY_WP_CONFIG: {error} Set LEARNOMY_TABLE_PREFIX instead.") from error
    try:
        return check_prefix(prefix or "wp_")
    except ValueError as error:
        raise ConfigError(f"{name}: {error}.") from error


def _redis_url(read: _Environment) -> str | None:
    url = read.text("LEARNOMY_REDIS_URL")
    if url and not url.startswith(("redis://", "rediss://", "unix://")):
        raise ConfigError("LEARNOMY_REDIS_URL must begin with redis://, rediss:// or unix://.")
    return url or None


def _namespace(url: str, prefix: str) -> str:
    """Sites that share one Redis must not read each other's keys."""
    place = make_url(url)
    named = f"{place.host}|{place.port}|{place.query.get('unix_socket')}|{place.database}|{prefix}"
    return f"lrn.{hashlib.sha256(named.encode()).hexdigest()[:8]}"


def _constant(wordpress: WpConfig | None, take: Callable[[WpConfig], T], default: T) -> T:
    """A value that the pairing will give where wp-config.php has it not, or not readably."""
    if wordpress is not None:
        with suppress(WpConfigError):
            return take(wordpress)
    return default


def _lease_seconds(read: _Environment, wordpress: WpConfig | None) -> int:
    constant = _constant(wordpress, lambda site: site.text("LEARNOMY_LEASE_SECONDS"), None) or ""
    return _Environment({"LEARNOMY_LEASE_SECONDS": constant, **read.environ}).integer(
        "LEARNOMY_LEASE_SECONDS", 60, 1, 3600
    )


def _proxies(read: _Environment) -> tuple[tuple[Network, ...], bool]:
    words = read.words("LEARNOMY_TRUSTED_PROXIES", DEFAULT_PROXIES)
    networks = []
    for word in words:
        if word in {"unix", "none"}:
            continue
        try:
            networks.append(ipaddress.ip_network(word, strict=False))
        except ValueError as error:
            raise ConfigError(f"LEARNOMY_TRUSTED_PROXIES: {word!r} is no address or network.") from error
    return tuple(networks), "unix" in words


# --- the secret ----------------------------------------------------------------------


def _secret(environ: Mapping[str, str], wordpress: WpConfig | None, made_in: Path | None) -> str | None:
    """LEARNOMY_SECRET, else the constant, else the embedded default's own; None leaves it to the pairing."""
    if "LEARNOMY_SECRET" in environ:
        return require_strong_secret(environ["LEARNOMY_SECRET"])
    if wordpress is not None:
        try:
            constant = wordpress.text("LEARNOMY_SECRET")
        except WpConfigError as error:
            raise ConfigError(f"{error} Set the environment variable LEARNOMY_SECRET to the same value.") from error
        if constant is not None:
            return require_strong_secret(constant, "The constant LEARNOMY_SECRET in wp-config.php")
    if made_in is None:
        return None
    return require_strong_secret(_own_secret(made_in), f"The secret in {made_in / 'secret'}")


def require_strong_secret(secret: str | None, name: str = "LEARNOMY_SECRET") -> str:
    """Return `secret`, or refuse one that somebody else could know or guess."""
    advice = "Make one with `openssl rand -hex 32`, or unset it and pair the plugin again."
    if not secret or not secret.strip():
        raise ConfigError(f"{name} is empty or missing. {advice}")
    if _is_known(secret):
        raise ConfigError(f"{name} is a well-known example value. {advice}")
    if len(secret) < MINIMUM_SECRET:
        raise ConfigError(f"{name} has {len(secret)} characters; at least {MINIMUM_SECRET} are needed. {advice}")
    if len(set(secret)) < MINIMUM_VARIETY:
        raise ConfigError(f"{name} repeats too few different characters. {advice}")
    return secret


def _folded(text: str) -> str:
    return "".join(character for character in text.lower() if character.isalnum())


def _is_known(secret: str) -> bool:
    """Whether the secret is a known value, or nothing but such a value again and again."""
    folded = _folded(secret)
    for known in map(_folded, KNOWN_SECRETS):
        repeated = known * (len(folded) // len(known) + 1)
        if repeated.startswith(folded) and len(folded) >= min(len(known), 8):
            return True
        if known in folded and len(folded) - len(known) < 8:
            return True
    return False


def _own_secret(state_dir: Path) -> str:
    """The embedded default's secret, made by whichever process starts first."""
    path = state_dir / "secret"
    if not path.exists():
        state_dir.mkdir(parents=True, exist_ok=True)
        draft = state_dir / f".secret.{secrets.token_hex(8)}"
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_hex(32))
            with suppress(FileExistsError):
                os.link(draft, path)  # fails where another process was first: its secret counts
        finally:
            draft.unlink(missing_ok=True)
    return path.read_text(encoding="ascii").strip()
