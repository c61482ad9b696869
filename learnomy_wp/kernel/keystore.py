"""Small values that expire and that every process sees: nonces, counters, leases, tag stamps.

Redis holds them where there is one, else the table `lrn_expiring_keys`. Keys belong to the
current blog. A lease is a value that only its holder can `extend` or `release`.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import Executable, and_, bindparam, case, delete, insert, select, update
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.dml import Insert

from learnomy_wp.kernel import clock, db
from wp_schema.tables import expiring_keys as keys

T = TypeVar("T")
Execute = Callable[[Executable, Any], CursorResult[Any]]

TAG_SCOPE = "tag"
NO_STAMP = b"0"
# Far longer than any cached entry lives, so that a stamp that has expired stands for no entry.
STAMP_SECONDS = 86_400
SWEEP_BATCH = 500
_SWEEP_GRACE = timedelta(seconds=60)
_SCOPE_LENGTH = 32
_ATTEMPTS = 4


class KeyStore(Protocol):
    """Where expiring keys live. `ttl_seconds` counts from the call."""

    is_shared_memory: ClassVar[bool]

    def __hash__(self) -> int: ...

    def add(self, scope: str, key: str, value: bytes = b"", ttl_seconds: float = 60) -> bool:
        """Set a key that is absent or expired; False where it is there."""
        ...

    def get(self, scope: str, key: str) -> bytes | None:
        """The value (a counter in decimal digits), None where there is none."""
        ...

    def get_many(self, wanted: Sequence[tuple[str, str]]) -> list[bytes | None]:
        """The values of several (scope, key) in one round trip."""
        ...

    def put(self, scope: str, key: str, value: bytes, ttl_seconds: float) -> None:
        """Set a key whatever was there."""
        ...

    def delete(self, scope: str, key: str) -> None:
        """Remove a key."""
        ...

    def increment(self, scope: str, key: str, ttl_seconds: float, by: int = 1) -> int:
        """Add to a counter and give its new value; its time begins with the first addition."""
        ...

    def seconds_left(self, scope: str, key: str) -> float:
        """How long a key has to live, 0 where there is none."""
        ...

    def extend(self, scope: str, key: str, value: bytes, ttl_seconds: float) -> bool:
        """Renew a lease, if it still holds `value`."""
        ...

    def release(self, scope: str, key: str, value: bytes) -> bool:
        """Remove a lease, if it still holds `value`."""
        ...

    def stamps(self, tags: Sequence[str]) -> list[bytes]:
        """What the tags stand at: a value that no bump ever gives again."""
        ...

    def bump(self, tags: Sequence[str]) -> None:
        """Give the tags new stamps."""
        ...

    def sweep(self, batches: int = 20) -> int:
        """Remove expired keys of the current blog; gives how many."""
        ...


def _new_stamp() -> bytes:
    return secrets.token_hex(12).encode()


# --- Redis ---------------------------------------------------------------------------

_EXTEND = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end return 0"
_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"


class RedisKeyStore:
    """Keys in Redis, named `{namespace}:{blog}:{scope}:{key}`."""

    is_shared_memory: ClassVar[bool] = True

    def __init__(self, url: str, *, namespace: str = "lrn") -> None:
        self.url = url
        self.namespace = namespace
        self.client: redis.Redis = redis.Redis.from_url(
            url,
            socket_connect_timeout=0.3,
            socket_timeout=1.0,
            health_check_interval=30,
            retry=Retry(NoBackoff(), 1),
        )
        self._extend = self.client.register_script(_EXTEND)
        self._release = self.client.register_script(_RELEASE)

    def _name(self, scope: str, key: str) -> str:
        return f"{self.namespace}:{db.blog_id()}:{scope}:{key}"

    def add(self, scope: str, key: str, value: bytes = b"", ttl_seconds: float = 60) -> bool:
        return bool(self.client.set(self._name(scope, key), value, nx=True, px=_milliseconds(ttl_seconds)))

    def get(self, scope: str, key: str) -> bytes | None:
        return self.get_many([(scope, key)])[0]

    def get_many(self, wanted: Sequence[tuple[str, str]]) -> list[bytes | None]:
        if not wanted:
            return []
        found: Any = self.client.mget([self._name(scope, key) for scope, key in wanted])
        return list(found)

    def put(self, scope: str, key: str, value: bytes, ttl_seconds: float) -> None:
        self.client.set(self._name(scope, key), value, px=_milliseconds(ttl_seconds))

    def delete(self, scope: str, key: str) -> None:
        self.client.delete(self._name(scope, key))

    def increment(self, scope: str, key: str, ttl_seconds: float, by: int = 1) -> int:
        name = self._name(scope, key)
        with self.client.pipeline(transaction=True) as pipeline:
            pipeline.set(name, 0, nx=True, px=_milliseconds(ttl_seconds))
            pipeline.incrby(name, by)
            return int(pipeline.execute()[1])

    def seconds_left(self, scope: str, key: str) -> float:
        left: Any = self.client.pttl(self._name(scope, key))
        return max(0, int(left)) / 1000

    def extend(self, scope: str, key: str, value: bytes, ttl_seconds: float) -> bool:
        return bool(self._extend(keys=[self._name(scope, key)], args=[value, _milliseconds(ttl_seconds)]))

    def release(self, scope: str, key: str, value: bytes) -> bool:
        return bool(self._release(keys=[self._name(scope, key)], args=[value]))

    def stamps(self, tags: Sequence[str]) -> list[bytes]:
        return [stamp or NO_STAMP for stamp in self.get_many([(TAG_SCOPE, tag) for tag in tags])]

    def bump(self, tags: Sequence[str]) -> None:
        with self.client.pipeline(transaction=False) as pipeline:
            for tag in tags:
                pipeline.set(self._name(TAG_SCOPE, tag), _new_stamp(), ex=STAMP_SECONDS)
            pipeline.execute()

    def sweep(self, batches: int = 20) -> int:
        """Redis forgets by itself."""
        return 0


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))


# --- the database --------------------------------------------------------------------

_here = and_(keys.c.scope == bindparam("at_scope"), keys.c.key_hash == bindparam("at_hash"))
_is_live = keys.c.expires_at > bindparam("now")

ADD = insert(keys).prefix_with("IGNORE", dialect="mysql").prefix_with("IGNORE", dialect="mariadb")
ADD = ADD.prefix_with("OR IGNORE", dialect="sqlite")
REPLACE_EXPIRED = (
    update(keys)
    .where(_here, keys.c.expires_at <= bindparam("now"))
    .values(value=bindparam("new_value"), counter=0, expires_at=bindparam("until"))
)
# The order matters: MySQL evaluates assignments from left to right, with the values already set.
COUNT_UP = (
    update(keys)
    .where(_here)
    .ordered_values(
        (keys.c.counter, case((_is_live, keys.c.counter + bindparam("by")), else_=bindparam("by"))),
        (keys.c.expires_at, case((_is_live, keys.c.expires_at), else_=bindparam("until"))),
    )
)
COUNTER = select(keys.c.counter).where(_here)
READ_ONE = select(keys.c.value, keys.c.counter).where(_here, _is_live)
READ_MANY = select(keys.c.scope, keys.c.key_hash, keys.c.value, keys.c.counter).where(
    keys.c.scope.in_(bindparam("scopes", expanding=True)),
    keys.c.key_hash.in_(bindparam("hashes", expanding=True)),
    _is_live,
)
UNTIL = select(keys.c.expires_at).where(_here, _is_live)
DELETE = delete(keys).where(_here)
EXTEND = update(keys).where(_here, _is_live, keys.c.value == bindparam("mine")).values(expires_at=bindparam("until"))
RELEASE = delete(keys).where(_here, keys.c.value == bindparam("mine"))
SWEEP_TO = (
    select(keys.c.expires_at)
    .where(keys.c.expires_at < bindparam("before"))
    .order_by(keys.c.expires_at)
    .limit(1)
    .offset(SWEEP_BATCH - 1)
)
SWEEP = delete(keys).where(keys.c.expires_at <= bindparam("to"))


def _mysql_put() -> Insert:
    statement = mysql.insert(keys)
    given = statement.inserted
    return statement.on_duplicate_key_update(value=given.value, counter=given.counter, expires_at=given.expires_at)


def _sqlite_put() -> Insert:
    statement = sqlite.insert(keys)
    given = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=[keys.c.scope, keys.c.key_hash],
        set_={"value": given.value, "counter": given.counter, "expires_at": given.expires_at},
    )


PUT_MYSQL, PUT_SQLITE = _mysql_put(), _sqlite_put()


class DatabaseKeyStore:
    """Keys in the table `lrn_expiring_keys` of the current blog, hashed.

    Writes are short transactions of their own, so that they outlive a unit of work that is
    rolled back; only on SQLite, which has one writer, do they join an open one.
    """

    is_shared_memory: ClassVar[bool] = False

    def add(self, scope: str, key: str, value: bytes = b"", ttl_seconds: float = 60) -> bool:
        now = clock.now()
        row = _row(scope, key, value, now, ttl_seconds)
        expired = {**_place(scope, key), "now": now, "new_value": value, "until": row["expires_at"]}
        # Each in its own transaction: a duplicate leaves a shared lock, and two of them would deadlock.
        return (
            _rows_changed(ADD, row) > 0
            or _rows_changed(REPLACE_EXPIRED, expired) > 0
            or (not self._is_there(scope, key, now) and _rows_changed(ADD, row) > 0)
        )

    def _is_there(self, scope: str, key: str, now: datetime) -> bool:
        return db.row(READ_ONE, {**_place(scope, key), "now": now}) is not None

    def get(self, scope: str, key: str) -> bytes | None:
        found = db.row(READ_ONE, {**_place(scope, key), "now": clock.now()})
        return None if found is None else _value(found)

    def get_many(self, wanted: Sequence[tuple[str, str]]) -> list[bytes | None]:
        if not wanted:
            return []
        places = [(_scope(scope), _hash(key)) for scope, key in wanted]
        scopes, hashes = {place[0] for place in places}, {place[1] for place in places}
        rows = db.rows(READ_MANY, {"scopes": sorted(scopes), "hashes": sorted(hashes), "now": clock.now()})
        known = {(row["scope"], row["key_hash"]): _value(row) for row in rows}
        return [known.get(place) for place in places]

    def put(self, scope: str, key: str, value: bytes, ttl_seconds: float) -> None:
        row = _row(scope, key, value, clock.now(), ttl_seconds)
        _write(lambda execute: execute(_put(), row))

    def delete(self, scope: str, key: str) -> None:
        _rows_changed(DELETE, _place(scope, key))

    def increment(self, scope: str, key: str, ttl_seconds: float, by: int = 1) -> int:
        now = clock.now()
        row = {**_row(scope, key, None, now, ttl_seconds), "counter": by}
        place = _place(scope, key)
        count = {**place, "now": now, "by": by, "until": row["expires_at"]}

        def count_up(execute: Execute) -> int | None:
            return int(execute(COUNTER, place).scalar_one()) if execute(COUNT_UP, count).rowcount else None

        for _ in range(_ATTEMPTS):
            counted = _write(count_up)
            if counted is not None:
                return counted
            if _rows_changed(ADD, row):
                return by
        raise RuntimeError(f"the counter {scope} could not be kept")

    def seconds_left(self, scope: str, key: str) -> float:
        now = clock.now()
        until: datetime | None = db.value(UNTIL, {**_place(scope, key), "now": now})
        return 0.0 if until is None else (until - now).total_seconds()

    def extend(self, scope: str, key: str, value: bytes, ttl_seconds: float) -> bool:
        now = clock.now()
        until = now + timedelta(seconds=ttl_seconds)
        return _rows_changed(EXTEND, {**_place(scope, key), "now": now, "mine": value, "until": until}) > 0

    def release(self, scope: str, key: str, value: bytes) -> bool:
        return _rows_changed(RELEASE, {**_place(scope, key), "mine": value}) > 0

    def stamps(self, tags: Sequence[str]) -> list[bytes]:
        return [stamp or NO_STAMP for stamp in self.get_many([(TAG_SCOPE, tag) for tag in tags])]

    def bump(self, tags: Sequence[str]) -> None:
        now = clock.now()
        rows = [_row(TAG_SCOPE, tag, _new_stamp(), now, STAMP_SECONDS) for tag in set(tags)]
        rows.sort(key=lambda row: str(row["key_hash"]))  # one order of locks for everybody
        if rows:
            _write(lambda execute: execute(_put(), rows))

    def sweep(self, batches: int = 20) -> int:
        removed = 0
        before = clock.now() - _SWEEP_GRACE
        for _ in range(batches):
            to: datetime | None = db.value(SWEEP_TO, {"before": before})
            gone = _rows_changed(SWEEP, {"to": to or before})
            removed += gone
            if to is None:
                break
        return removed


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _scope(scope: str) -> str:
    return scope if len(scope) <= _SCOPE_LENGTH else _hash(scope)[:_SCOPE_LENGTH]


def _place(scope: str, key: str) -> dict[str, Any]:
    return {"at_scope": _scope(scope), "at_hash": _hash(key)}


def _row(scope: str, key: str, value: bytes | None, now: datetime, ttl_seconds: float) -> dict[str, Any]:
    return {
        "scope": _scope(scope),
        "key_hash": _hash(key),
        "value": value,
        "counter": 0,
        "expires_at": now + timedelta(seconds=ttl_seconds),
    }


def _value(row: dict[str, Any]) -> bytes:
    return str(row["counter"]).encode() if row["value"] is None else bytes(row["value"])


def _put() -> Insert:
    return PUT_SQLITE if db.current().is_sqlite else PUT_MYSQL


def _rows_changed(statement: Any, params: dict[str, Any]) -> int:
    return _write(lambda execute: int(execute(statement, params).rowcount))


def _write(work: Callable[[Execute], T]) -> T:
    """Run `work` in a transaction of its own; again where the database asks for it."""
    database = db.current()
    if database.is_sqlite and db.in_unit_of_work():
        return work(db.execute)
    for attempt in range(_ATTEMPTS):
        try:
            with database.write.begin() as connection:
                return work(connection.execute)
        except DBAPIError as error:
            if attempt == _ATTEMPTS - 1 or not _may_be_repeated(error):
                raise
    raise AssertionError("unreachable")


def _may_be_repeated(error: DBAPIError) -> bool:
    code = error.orig.args[0] if error.orig is not None and error.orig.args else None
    return error.connection_invalidated or code in db.RETRYABLE
