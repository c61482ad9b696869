"""Keys that expire, on Redis, MariaDB and SQLite alike: the same tests run against each store."""

from __future__ import annotations

import contextvars
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import event, func, select

from learnomy_wp.kernel import clock, db
from learnomy_wp.kernel.keystore import DatabaseKeyStore, KeyStore, RedisKeyStore
from tests.kernel.databases import kernel_database
from wp_schema.tables import expiring_keys

T = TypeVar("T")
THREADS = 20
ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["redis", "mariadb", "sqlite"])
def store(request: pytest.FixtureRequest) -> Iterator[KeyStore]:
    if request.param == "redis":
        with kernel_database(request.getfixturevalue("sqlite")):
            yield RedisKeyStore(request.getfixturevalue("redis_url"), namespace="test")
        return
    url = request.getfixturevalue("database_url" if request.param == "mariadb" else "sqlite")
    with kernel_database(url):
        wipe()
        yield DatabaseKeyStore()


@pytest.fixture(params=["mariadb", "sqlite"])
def database_store(request: pytest.FixtureRequest) -> Iterator[DatabaseKeyStore]:
    with kernel_database(request.getfixturevalue("database_url" if request.param == "mariadb" else "sqlite")):
        wipe()
        yield DatabaseKeyStore()


def wipe() -> None:
    for blog_id in (1, 2):
        with db.blog(blog_id):
            db.transaction(lambda: db.execute(expiring_keys.delete()))


def at_once(work: Callable[[int], T], threads: int = THREADS) -> list[T]:
    """Run `work(number)` in threads that begin together; each has this context's blog."""
    barrier = threading.Barrier(threads)

    def begin(number: int) -> T:
        barrier.wait(30)
        return work(number)

    with ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(contextvars.copy_context().run, begin, number) for number in range(threads)]
        return [future.result(60) for future in futures]


def count_rows() -> int:
    return int(db.value(select(func.count()).select_from(expiring_keys)))


# --- what every store does -------------------------------------------------------------


def test_a_key_is_added_once(store: KeyStore) -> None:
    assert store.get("nonce", "a") is None
    assert store.add("nonce", "a", b"one", ttl_seconds=60)
    assert not store.add("nonce", "a", b"two", ttl_seconds=60)
    assert store.get("nonce", "a") == b"one"
    assert store.add("other", "a", b"two", ttl_seconds=60)


def test_an_expired_key_is_absent_and_can_be_added_again(store: KeyStore) -> None:
    assert store.add("nonce", "a", b"one", ttl_seconds=0.05)
    assert store.increment("count", "a", 0.05) == 1
    store.put("value", "a", b"x", 0.05)
    time.sleep(0.1)
    assert store.get("nonce", "a") is None
    assert store.get_many([("value", "a"), ("count", "a")]) == [None, None]
    assert store.seconds_left("nonce", "a") == 0
    assert store.increment("count", "a", 60) == 1
    assert store.add("nonce", "a", b"two", ttl_seconds=60)
    assert store.get("nonce", "a") == b"two"


def test_values_are_bytes_of_any_kind(store: KeyStore) -> None:
    value = bytes(range(256)) * 400
    store.put("answer", "k", value, 60)
    assert store.get("answer", "k") == value
    store.put("answer", "k", b"", 60)
    assert store.get("answer", "k") == b""


def test_keys_may_be_long_and_strange(store: KeyStore) -> None:
    keys = ["", " ", "é", "E", "e", "a" * 5000, "a\nb", "a:b", "\x00", "' OR 1=1 --"]
    for number, key in enumerate(keys):
        assert store.add("strange", key, str(number).encode(), ttl_seconds=60)
    assert [store.get("strange", key) for key in keys] == [str(number).encode() for number in range(len(keys))]
    store.put("a-scope-name-that-is-longer-than-its-column", "k", b"1", 60)
    assert store.get("a-scope-name-that-is-longer-than-its-column", "k") == b"1"
    assert store.get("a-scope-name-that-is-longer-than-its-colu", "k") is None


def test_put_replaces_and_delete_removes(store: KeyStore) -> None:
    store.put("v", "k", b"1", 60)
    store.put("v", "k", b"2", 60)
    assert store.get("v", "k") == b"2"
    store.delete("v", "k")
    store.delete("v", "k")
    assert store.get("v", "k") is None


def test_a_counter_counts_and_its_time_begins_with_the_first(store: KeyStore) -> None:
    assert [store.increment("c", "k", 60), store.increment("c", "k", 900), store.increment("c", "k", 60, by=5)] == [
        1,
        2,
        7,
    ]
    assert store.get("c", "k") == b"7"
    assert 55 < store.seconds_left("c", "k") <= 60


def test_one_round_trip_gives_several_scopes(store: KeyStore) -> None:
    store.put("answer", "a", b"1", 60)
    store.put("tag", "a", b"2", 60)
    store.increment("count", "c", 60)
    wanted = [("tag", "a"), ("missing", "a"), ("answer", "a"), ("count", "c"), ("tag", "missing"), ("tag", "a")]
    assert store.get_many(wanted) == [b"2", None, b"1", b"1", None, b"2"]
    assert store.get_many([]) == []


def test_blogs_do_not_see_each_other(store: KeyStore) -> None:
    store.put("v", "k", b"one", 60)
    store.bump(["t"])
    with db.blog(2):
        assert store.get("v", "k") is None
        assert store.stamps(["t"]) == [b"0"]
        assert store.add("v", "k", b"two", ttl_seconds=60)
    assert store.get("v", "k") == b"one"


def test_stamps_never_come_back(store: KeyStore) -> None:
    assert store.stamps(["course:1", "courses"]) == [b"0", b"0"]
    assert store.stamps([]) == []
    store.bump([])
    seen = {b"0"}
    for _ in range(20):
        store.bump(["course:1", "courses", "course:1"])
        one, other = store.stamps(["course:1", "courses"])
        assert one not in seen
        assert other not in seen
        assert b"." not in one  # stamps are joined with dots
        seen |= {one, other}


def test_a_lease_belongs_to_its_holder(store: KeyStore) -> None:
    assert store.add("lease", "k", b"me", ttl_seconds=1)
    assert not store.extend("lease", "k", b"you", 60)
    assert not store.release("lease", "k", b"you")
    assert store.extend("lease", "k", b"me", 60)
    assert store.seconds_left("lease", "k") > 50
    assert store.release("lease", "k", b"me")
    assert not store.release("lease", "k", b"me")
    assert not store.extend("lease", "k", b"me", 60)
    assert store.add("lease", "k", b"you", ttl_seconds=60)


def test_an_expired_lease_cannot_be_extended(store: KeyStore) -> None:
    store.add("lease", "k", b"me", ttl_seconds=0.05)
    time.sleep(0.1)
    assert not store.extend("lease", "k", b"me", 60)


# --- at once ---------------------------------------------------------------------------


def test_one_of_many_adds_a_key(store: KeyStore) -> None:
    for turn in range(5):
        won = at_once(lambda number, turn=turn: store.add("nonce", f"k{turn}", str(number).encode(), ttl_seconds=60))  # type: ignore[misc]
        assert sum(won) == 1
        assert store.get("nonce", f"k{turn}") == str(won.index(True)).encode()


def test_one_of_many_takes_over_an_expired_key(store: KeyStore) -> None:
    store.add("nonce", "k", b"old", ttl_seconds=0.01)
    time.sleep(0.05)
    assert sum(at_once(lambda _: store.add("nonce", "k", b"new", ttl_seconds=60))) == 1


def test_no_increment_is_lost(store: KeyStore) -> None:
    found = at_once(lambda _: [store.increment("c", "k", 60) for _ in range(5)])
    assert sorted(value for values in found for value in values) == list(range(1, THREADS * 5 + 1))
    assert store.get("c", "k") == str(THREADS * 5).encode()


def test_bumps_of_overlapping_tags_do_not_deadlock(store: KeyStore) -> None:
    tags = [f"t{number}" for number in range(8)]
    at_once(lambda number: [store.bump(tags[number % 8 :] + tags[: number % 8]) for _ in range(3)])
    assert b"0" not in store.stamps(tags)


PROCESS = """
import sys
from tests.kernel.databases import prefixes
from learnomy_wp.kernel import db
from learnomy_wp.kernel.keystore import DatabaseKeyStore, RedisKeyStore
kind, url = sys.argv[1:]
db.use(db.Database(url if kind != "redis" else "sqlite://", prefixes))
store = RedisKeyStore(url, namespace="test") if kind == "redis" else DatabaseKeyStore()
with db.blog(1):
    won = sum(store.add("nonce", f"p{n}", ttl_seconds=60) for n in range(50))
    for _ in range(50):
        store.increment("c", "processes", 60)
print(won)
"""


def test_processes_share_one_store(store: KeyStore) -> None:
    if isinstance(store, RedisKeyStore):
        arguments = ["redis", store.url]
    else:
        arguments = ["database", db.current().url.render_as_string(hide_password=False)]
    running = [
        subprocess.Popen([sys.executable, "-c", PROCESS, *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT)
        for _ in range(4)
    ]
    won = [int(process.communicate(timeout=120)[0]) for process in running]
    assert sum(won) == 50
    assert store.get("c", "processes") == b"200"


# --- the database only -----------------------------------------------------------------


def test_keys_are_hashed_in_the_database(database_store: DatabaseKeyStore) -> None:
    database_store.add("nonce", "secret-key", ttl_seconds=60)
    (row,) = db.rows(select(expiring_keys))
    assert "secret" not in str(row)
    assert len(row["key_hash"]) == 64


def test_several_keys_are_one_statement(database_store: DatabaseKeyStore) -> None:
    database_store.bump(["a", "b"])
    with db.session():
        database_store.get_many([("answer", "x"), ("tag", "a"), ("tag", "b")])
        assert db.query_count() == 1


def test_writes_outlive_a_unit_of_work_that_is_rolled_back(database_url: str) -> None:
    with kernel_database(database_url):
        wipe()
        store = DatabaseKeyStore()

        def fails() -> None:
            assert store.increment("failures", "k", 60) == 1
            raise LookupError

        with pytest.raises(LookupError):
            db.transaction(fails)
        assert store.get("failures", "k") == b"1"


def test_inside_a_unit_of_work_nothing_waits_for_itself(database_store: DatabaseKeyStore) -> None:
    def work() -> None:
        assert database_store.add("nonce", "k", ttl_seconds=60)
        assert not database_store.add("nonce", "k", ttl_seconds=60)
        assert database_store.increment("c", "k", 60) == 1
        database_store.bump(["a"])

    started = time.monotonic()
    db.transaction(work)
    assert time.monotonic() - started < 2
    assert database_store.get("c", "k") == b"1"


def test_the_sweep_removes_expired_keys_in_batches(database_store: DatabaseKeyStore) -> None:
    now = datetime.now(UTC)
    rows = [
        {
            "scope": "old",
            "key_hash": f"{number:064}",
            "value": b"",
            "counter": 0,
            "expires_at": now - timedelta(minutes=2, seconds=number % 700),
        }
        for number in range(1200)
    ]
    db.transaction(lambda: db.execute(expiring_keys.insert(), rows))
    database_store.put("live", "k", b"", 60)
    database_store.put("just expired", "k", b"", -5)
    deleted: list[int] = []
    listen = lambda *args: deleted.append(args[1].rowcount) if args[2].startswith("DELETE") else None  # noqa: E731
    event.listen(db.current().write, "after_cursor_execute", listen)
    assert database_store.sweep() == 1200
    event.remove(db.current().write, "after_cursor_execute", listen)
    assert len(deleted) >= 3
    assert max(deleted) < 510
    assert count_rows() == 2
    assert database_store.sweep() == 0


def test_the_fixed_clock_of_a_request_counts(database_store: DatabaseKeyStore) -> None:
    at = datetime(2030, 1, 1, tzinfo=UTC)
    with clock.fixed(at):
        database_store.put("v", "k", b"1", 60)
    with clock.fixed(at + timedelta(seconds=59)):
        assert database_store.get("v", "k") == b"1"
        assert database_store.seconds_left("v", "k") == 1
    with clock.fixed(at + timedelta(seconds=60)):
        assert database_store.get("v", "k") is None
        assert database_store.add("v", "k", ttl_seconds=60)


def test_a_connection_that_the_server_closed_is_replaced(database_url: str) -> None:
    with kernel_database(database_url) as database:
        store = DatabaseKeyStore()
        with database.write.connect() as connection:
            number = connection.exec_driver_sql("SELECT CONNECTION_ID()").scalar_one()
        with database.read.connect() as other:
            other.exec_driver_sql(f"KILL {int(number)}")
        assert store.add("nonce", "after", ttl_seconds=60)


# --- Redis only ------------------------------------------------------------------------


def test_redis_keys_carry_namespace_blog_and_scope(redis_url: str, sqlite: str) -> None:
    with kernel_database(sqlite):
        store = RedisKeyStore(redis_url, namespace="lrn.ab")
        with db.blog(2):
            store.add("nonce", "k", ttl_seconds=60)
        found: Any = store.client.keys("*")
        assert found == [b"lrn.ab:2:nonce:k"]
        assert store.sweep() == 0


def test_nothing_stays_in_redis_for_ever(redis_url: str, sqlite: str) -> None:
    with kernel_database(sqlite):
        store = RedisKeyStore(redis_url)
        store.add("a", "k", ttl_seconds=60)
        store.put("b", "k", b"", 60)
        store.increment("c", "k", 60)
        store.bump(["t"])
        store.extend("a", "k", b"", 90)
        names: Any = store.client.keys("*")
        assert len(names) == 4
        assert all(0 < int(store.client.pttl(name)) <= 86_400_000 for name in names)  # type: ignore[arg-type]
