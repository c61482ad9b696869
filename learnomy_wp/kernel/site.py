"""The site this backend serves: its pairing, its secret and keys, and the record read at every request.

The record holds the settings, who listens to which hook, and whether the direct and the early
door may answer at all. It is one query, or one Redis read while its copy there is young.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from redis import RedisError
from sqlalchemy import bindparam, select

from learnomy_wp.config import Config, ConfigError, require_strong_secret
from learnomy_wp.kernel import call as calls
from learnomy_wp.kernel import channel, db
from learnomy_wp.kernel.keystore import KeyStore
from wp_schema import passwords, php
from wp_schema.tables import blogs, options, sitemeta

RECORD_MAX_AGE_SECONDS = 300
COPY_SECONDS = 2
RECORD = ("site", "record")  # the copy's place in the key store

OPTION_NAMES = (
    "learnomy_bridge",
    "learnomy_record",
    "learnomy_settings",
    "active_plugins",
    "stylesheet",
    "template",
    "home",
    "siteurl",
    "blogname",
    "permalink_structure",
    "timezone_string",
    "gmt_offset",
    "users_can_register",
    "using_application_passwords",
    "avatar_default",
    "avatar_rating",
    "WPLANG",
)
# What the record takes of the option `learnomy_bridge`.
BRIDGE_FACTS = ("compat", "harmless", "firewall_ok")
OPTIONS = select(options.c.option_name, options.c.option_value).where(options.c.option_name.in_(OPTION_NAMES))
NETWORK_PLUGINS = select(sitemeta.c.meta_value).where(
    sitemeta.c.site_id == select(blogs.c.site_id).where(blogs.c.blog_id == bindparam("blog_id")).scalar_subquery(),
    sitemeta.c.meta_key == "active_sitewide_plugins",
)


@dataclass(frozen=True)
class Record:
    """What is read of the site at every request."""

    home: str
    siteurl: str
    name: str
    permalink_structure: str
    settings: Mapping[str, Any]
    listeners: Mapping[str, list[str]]
    gates: Mapping[str, list[str]]
    firewalls: tuple[str, ...]
    harmless: frozenset[str]
    time: int
    problem: str
    timezone: str
    gmt_offset: float
    users_can_register: bool
    application_passwords_used: bool
    locale: str
    avatar_default: str
    avatar_rating: str

    def listens(self, hook: str) -> bool:
        """Whether PHP has a say by `hook`: any listener to a hook of ours, and at core's who is not marked harmless."""
        if self.listeners.get(hook):
            return True
        return any(owner not in self.harmless for owner in self.gates.get(hook) or ())

    @cached_property
    def memo(self) -> dict[Any, Any]:
        """What others derive from this record, to be made once for it."""
        return {}

    @property
    def is_stale(self) -> bool:
        return time.time() - self.time > RECORD_MAX_AGE_SECONDS


@dataclass
class Site:
    """One WordPress, single or network, and how this process knows it."""

    config: Config
    store: KeyStore
    _pairing: dict[str, Any] = field(default_factory=dict)
    _pairing_seen: float = -1.0
    _secret: str = ""

    @property
    def is_embedded(self) -> bool:
        """No WordPress runs: this backend owns WordPress's tables."""
        return self.config.embedded

    # -- pairing

    @cached_property
    def pairing_file(self) -> Path:
        return self.config.state_dir / "pairing.json"

    @property
    def pairing(self) -> dict[str, Any]:
        """What the plugin handed over, read again when the file changes."""
        try:
            changed = self.pairing_file.stat().st_mtime
        except OSError:
            return self._pairing
        if changed != self._pairing_seen:
            self._pairing = json.loads(self.pairing_file.read_text())
            self._pairing_seen = changed
            self._secret = ""  # whichever process the plugin paired with: its secret may be a new one
        return self._pairing

    def save_pairing(self, pairing: dict[str, Any]) -> None:
        """Keep what the plugin handed over; readable by this user only."""
        self.pairing_file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.pairing_file.with_suffix(f".{os.getpid()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as handle:
            json.dump(pairing, handle)
        temporary.replace(self.pairing_file)

    @property
    def is_paired(self) -> bool:
        return self.is_embedded or bool(self.pairing)

    @property
    def is_multisite(self) -> bool:
        """Whether the pairing says that this is a network."""
        return bool(self.pairing.get("multisite"))

    @property
    def is_before_6_8(self) -> bool:
        """Whether the paired WordPress is older than 6.8, which changed passwords and cookies."""
        version = str(self.pairing.get("wp_version") or "6.8").split(".")
        return tuple(int(part) if part.isdigit() else 0 for part in version[:2]) < (6, 8)

    @property
    def password_style(self) -> passwords.Style:
        """How the paired WordPress stores passwords."""
        return "phpass" if self.is_before_6_8 else "bcrypt-wp"

    def prefixes(self, blog_id: int) -> tuple[str, str]:
        """The base prefix and the prefix of one blog."""
        base = self.pairing.get("base_prefix") or self.config.base_prefix
        for blog in self.pairing.get("blogs", ()):
            if int(blog["id"]) == blog_id:
                return base, str(blog["prefix"])
        return base, base if blog_id == 1 else f"{base}{blog_id}_"

    def salt(self, scheme: str) -> str:
        """WordPress's final `wp_salt( scheme )`: from the pairing, else from wp-config.php.

        The embedded default has no wp-config.php; its salts follow from its secret.
        """
        if self.is_embedded:
            return hmac.new(self.secret().encode(), scheme.encode(), hashlib.sha256).hexdigest()
        return str(self.pairing.get("salts", {}).get(scheme) or self.config.salts.get(scheme, ""))

    # -- secrets

    def secret(self) -> str:
        """The pairing secret: the environment's, else the option the plugin made."""
        return self._secret or self.refresh_secret()

    def refresh_secret(self) -> str:
        """Read the secret again, as after a new pairing."""
        secret = self.config.secret
        if not secret:
            with db.blog(int(self.pairing.get("main_site", 1))):
                stored = db.value(select(options.c.option_value).where(options.c.option_name == "learnomy_bridge"))
            secret = str(_array(stored).get("secret", "")) if stored else ""
        self._secret = secret = require_strong_secret(secret)
        return secret

    def key(self, purpose: str) -> bytes:
        """A channel key; `pair` and `pair-response` need no salt."""
        salt = "" if purpose.startswith("pair") else self._bridge_salt
        return channel.key(self.secret(), salt, purpose)

    @property
    def _bridge_salt(self) -> str:
        return str(self.pairing.get("bridge_salt") or self.config.bridge_salt)

    # -- the record

    def record(self) -> Record:
        """The record of the current blog, at most `COPY_SECONDS` old."""
        packed = self._copied_record()
        if packed is not None:
            return parse_record(packed)
        found: dict[str, Any] = {row["option_name"]: row["option_value"] for row in db.rows(OPTIONS)}
        found.update(self._addresses())
        if self.is_multisite:
            found["active_sitewide_plugins"] = db.value(NETWORK_PLUGINS, {"blog_id": db.blog_id()}) or ""
        if not self.store.is_shared_memory:
            return parse_record(json.dumps(found, sort_keys=True).encode())
        # The option holds the secret too, which is no other program's to find in Redis.
        bridge = _array(found.get("learnomy_bridge"))
        found["learnomy_bridge"] = {name: bridge[name] for name in BRIDGE_FACTS if name in bridge}
        packed = json.dumps(found, sort_keys=True).encode()
        with suppress(RedisError):
            self.store.put(*RECORD, packed, COPY_SECONDS)
        return parse_record(packed)

    def _copied_record(self) -> bytes | None:
        if not self.store.is_shared_memory:
            return None
        with suppress(RedisError):
            return self.store.get(*RECORD)
        return None

    def _addresses(self) -> dict[str, str]:
        """Where the blog is, as WordPress says: constants may override the options."""
        for blog in self.pairing.get("blogs", ()):
            if int(blog["id"]) == db.blog_id():
                return {"home": str(blog["home"]), "siteurl": str(blog["siteurl"])}
        return {}

    def forget_record(self) -> None:
        """Drop the copy, since an option changed."""
        if self.store.is_shared_memory:
            with suppress(RedisError):  # it is over in a moment anyway
                self.store.delete(*RECORD)

    @cached_property
    def cursor_key(self) -> bytes:
        """Signs paging cursors."""
        return hashlib.sha256(b"learnomy cursors" + self.secret().encode()).digest()


@lru_cache(maxsize=64)
def parse_record(packed: bytes) -> Record:
    """The record out of its copy."""
    raw: dict[str, Any] = json.loads(packed)
    bridge, noted = _array(raw.get("learnomy_bridge")), _array(raw.get("learnomy_record"))
    return Record(
        home=raw.get("home", "").rstrip("/"),
        siteurl=raw.get("siteurl", "").rstrip("/"),
        name=raw.get("blogname", ""),
        permalink_structure=raw.get("permalink_structure", ""),
        settings=_array(raw.get("learnomy_settings")),
        listeners=_lists(noted.get("listeners")),
        gates=_lists(noted.get("gates")),
        firewalls=tuple(x for x in _list(noted.get("firewalls")) if x not in _list(bridge.get("firewall_ok"))),
        harmless=frozenset(_list(bridge.get("harmless"))),
        time=int(noted.get("time") or 0),
        problem=_problem(raw, bridge, noted),
        timezone=raw.get("timezone_string", ""),
        gmt_offset=float(raw.get("gmt_offset") or 0),
        users_can_register=raw.get("users_can_register") == "1",
        application_passwords_used=raw.get("using_application_passwords") == "1",
        locale=raw.get("WPLANG") or "en_US",
        avatar_default=raw.get("avatar_default", "mystery"),
        avatar_rating=raw.get("avatar_rating", "g"),
    )


def _problem(raw: Mapping[str, Any], bridge: Mapping[str, Any], noted: Mapping[str, Any]) -> str:
    if not noted:
        return "nothing is recorded yet"
    if bridge.get("compat"):
        return "compatibility mode"
    if _md5(raw.get("active_plugins", "")) != noted.get("plugins"):
        return "the active plugins changed"
    if "active_sitewide_plugins" in raw and _md5(raw["active_sitewide_plugins"]) != noted.get("network"):
        return "the network's plugins changed"
    if (raw.get("stylesheet"), raw.get("template")) != (noted.get("stylesheet"), noted.get("template")):
        return "the theme changed"
    if any(int(flag or 0) for flag in dict(_array(noted.get("blog"))).values()):
        return "the blog is archived, spam or deleted"
    return ""


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _array(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = php.unserialize(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[str]:
    if isinstance(value, dict):
        value = list(value.values())
    return [str(item) for item in value] if isinstance(value, list) else []


def _lists(value: Any) -> dict[str, list[str]]:
    return {str(name): _list(owners) for name, owners in value.items()} if isinstance(value, dict) else {}


# --- what is current -----------------------------------------------------------------

_site: ContextVar[Site | None] = ContextVar("learnomy_site", default=None)
_process_site: Site | None = None


def use(site: Site) -> None:
    """Make `site` this process's current one."""
    global _process_site
    _process_site = site


@contextmanager
def entered(site: Site) -> Iterator[None]:
    """Make `site` current within this context only."""
    token = _site.set(site)
    try:
        yield
    finally:
        _site.reset(token)


def current() -> Site:
    """The site of this context, else of this process."""
    site = _site.get() or _process_site
    if site is None:
        raise ConfigError("no site is in use")
    return site


def record() -> Record:
    """The record of the current blog, read once a call."""
    call = calls.current()
    if call is None:
        return current().record()
    if call.record is None:
        call.record = current().record()
    return call.record


def timezone_name() -> str:
    """The site's zone: a name, else an offset, as WordPress's wp_timezone_string gives it."""
    found = record()
    if found.timezone:
        return found.timezone
    minutes = round(found.gmt_offset * 60)
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
