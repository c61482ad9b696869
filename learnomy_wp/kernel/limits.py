"""Rate limits by class, counted in Redis, else in the database; never in a process of its own.

A class's number a minute is the setting `limits`; failed logins have a rule of their own.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import RedisStorage
from limits.storage.base import Storage
from marshmallow import fields, validate
from redis.exceptions import RedisError

from learnomy_wp.kernel import clock, db, log, metrics, settings, site
from learnomy_wp.kernel.errors import RateLimited
from learnomy_wp.kernel.keystore import KeyStore, RedisKeyStore

LIMITED = ("login", "quiz-start", "autosave", "coupon", "checkout", "sync", "batch", "verify")
# Limited only where the owner gives a number.
OPEN = ("read", "write")
UNLIMITED = 0
DEFAULTS: dict[str, int] = {**dict.fromkeys(LIMITED, 60), **dict.fromkeys(OPEN, UNLIMITED), "none": UNLIMITED}
WINDOW_SECONDS = 60

LOGIN_FAILURES = 10
LOGIN_WINDOW_SECONDS = 900
_LOGIN_SCOPE = "login-failures"

LIMITS = settings.declare(
    "limits",
    {},
    fields.Dict(
        keys=fields.String(validate=validate.OneOf([*LIMITED, *OPEN])),
        values=fields.Integer(strict=True, validate=validate.Range(0, 100_000)),
    ),
)


@dataclass(frozen=True)
class LimitState:
    """Where a subject stands with a class after a charge."""

    limit: int
    remaining: int
    reset_seconds: int
    allowed: bool

    def headers(self) -> dict[str, str]:
        """The RateLimit fields of the answer."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_seconds),
        }


class KeyStoreStorage(Storage):
    """The `limits` package's counters in a key store of ours."""

    STORAGE_SCHEME = None

    def __init__(self, store: KeyStore) -> None:
        super().__init__()
        self._store = store

    @property
    def base_exceptions(self) -> type[Exception] | tuple[type[Exception], ...]:
        return ()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        return self._store.increment("limit", key, expiry, amount)

    def get(self, key: str) -> int:
        return int(self._store.get("limit", key) or 0)

    def get_expiry(self, key: str) -> float:
        return clock.now().timestamp() + self._store.seconds_left("limit", key)

    def check(self) -> bool:
        self._store.get("limit", "check")
        return True

    def reset(self) -> int | None:
        raise NotImplementedError("counters end by themselves")

    def clear(self, key: str) -> None:
        self._store.delete("limit", key)


@lru_cache(maxsize=8)
def _storage(store: KeyStore) -> Storage:
    if isinstance(store, RedisKeyStore):
        prefix = f"{store.namespace}:limits"
        pool = store.client.connection_pool
        return RedisStorage(store.url, connection_pool=pool, key_prefix=prefix, wrap_exceptions=True)
    return KeyStoreStorage(store)


def per_minute(limit_class: str) -> int:
    """How many a minute the site allows; 0 is no limit."""
    given = settings.get(LIMITS)
    written = given.get(limit_class) if isinstance(given, Mapping) else None
    try:
        number = int(written)  # type: ignore[arg-type]  # PHP may have stored a string, or nothing
    except (TypeError, ValueError):
        number = -1
    return number if number >= 0 else DEFAULTS[limit_class]


def charge(limit_class: str, subject: str, *, exempt: bool = False) -> LimitState | None:
    """Count one call of `subject` (`user:5`, `address:203.0.113.9`) against a class.

    None where nothing limits it. A counter that cannot be reached lets the call through: a
    limit protects the site, it must not stop it.
    """
    limit = 0 if exempt else per_minute(limit_class)
    if not limit:
        return None
    now = clock.now().timestamp()
    left = max(1, math.ceil(WINDOW_SECONDS - now % WINDOW_SECONDS))
    try:
        count = _storage(site.current().store).incr(_key(limit_class, subject, limit, now), WINDOW_SECONDS)
    except StorageError as error:
        log.get().warning("limit_not_counted", limit_class=limit_class, error=str(error))
        return LimitState(limit, limit, left, allowed=True)
    if count > limit:
        metrics.count_limited(limit_class)
    return LimitState(limit, max(0, limit - count), left, count <= limit)


def give_back(limit_class: str, subject: str) -> None:
    """Undo a charge: the call is served anew elsewhere, and charged there."""
    key = _key(limit_class, subject, per_minute(limit_class), clock.now().timestamp())
    try:
        _storage(site.current().store).incr(key, WINDOW_SECONDS, -1)
    except StorageError as error:
        log.get().warning("limit_not_given_back", limit_class=limit_class, error=str(error))


def _key(limit_class: str, subject: str, limit: int, now: float) -> str:
    window = int(now // WINDOW_SECONDS)
    return RateLimitItemPerMinute(limit).key_for(str(db.blog_id()), limit_class, _folded(subject), str(window))


def _folded(subject: str) -> str:
    kind, _, address = subject.partition(":")
    return f"{kind}:{network_of(address)}" if kind == "address" else subject


def network_of(address: str) -> str:
    """An IPv4 address itself, of IPv6 its /64: whoever has one address there has all of them."""
    try:
        found: Any = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if found.version == 4:
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))


# --- failed logins ---------------------------------------------------------------------


def _login_keys(account: str, address: str) -> tuple[str, str]:
    network = network_of(address)
    return f"pair|{network}|{account.strip().casefold()}", f"address|{network}"


def record_login_failure(account: str, address: str) -> None:
    """Count a wrong password for the account from the address, and for the address."""
    store = site.current().store
    try:
        for key in _login_keys(account, address):
            store.increment(_LOGIN_SCOPE, key, LOGIN_WINDOW_SECONDS)
    except RedisError as error:
        log.get().warning("login_failure_not_counted", error=str(error))


def check_login(account: str, address: str) -> None:
    """Refuse to try another password after too many wrong ones. Raises `RateLimited`."""
    wait = login_blocked(account, address)
    if wait:
        raise RateLimited("Too many failed logins. Wait a quarter of an hour.", headers={"Retry-After": str(wait)})


def login_blocked(account: str, address: str) -> int:
    """Seconds until the account may be tried again from the address; 0 where it may be now."""
    store = site.current().store
    keys = _login_keys(account, address)
    try:
        counts = store.get_many([(_LOGIN_SCOPE, key) for key in keys])
        full = [key for key, count in zip(keys, counts, strict=True) if int(count or 0) >= LOGIN_FAILURES]
        return max((math.ceil(store.seconds_left(_LOGIN_SCOPE, key)) for key in full), default=0)
    except RedisError as error:
        log.get().warning("login_limit_not_read", error=str(error))
        return 0
