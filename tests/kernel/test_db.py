"""Units of work and reads: what commits, what runs again, and what is never left open."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError

from learnomy_wp.app import _translate
from learnomy_wp.kernel import clock, db, engines
from learnomy_wp.kernel.errors import BackendUnavailable
from tests.client import Api
from tests.kernel.databases import several_writers
from wp_schema.tables import expiring_keys

KEYS = expiring_keys


def row(name: str, counter: int = 0) -> dict[str, Any]:
    return {"scope": "test", "key_hash": name, "value": b"", "counter": counter, "expires_at": clock.now()}


def is_(name: str) -> Any:
    return (KEYS.c.scope == "test") & (KEYS.c.key_hash == name)


def counter_of(name: str) -> int | None:
    return db.value(select(KEYS.c.counter).where(is_(name)))


def count_up(name: str) -> None:
    db.execute(update(KEYS).where(is_(name)).values(counter=KEYS.c.counter + 1))


def lock(name: str) -> int:
    return db.value(select(KEYS.c.counter).where(is_(name)).with_for_update())


@pytest.fixture
def api(probe_api: Api) -> Api:
    with probe_api.inside():
        db.write(delete(KEYS).where(KEYS.c.scope == "test"))
        db.write(insert(KEYS), [row("a"), row("b")])
    return probe_api


# --- one unit of work --------------------------------------------------------------------


def test_all_or_nothing(api: Api) -> None:
    def work() -> None:
        count_up("a")
        db.execute(insert(KEYS), row("a"))

    with api.inside():
        with pytest.raises(IntegrityError):
            db.transaction(work)
        assert counter_of("a") == 0
        assert not db.in_unit_of_work()


def test_a_nested_unit_joins_the_open_one(api: Api) -> None:
    @db.unit_of_work
    def inner() -> None:
        count_up("a")

    def outer() -> None:
        inner()
        db.write(update(KEYS).where(is_("b")).values(counter=5))
        raise RuntimeError

    with api.inside():
        with pytest.raises(RuntimeError):
            db.transaction(outer)
        assert (counter_of("a"), counter_of("b")) == (0, 0)


@several_writers
def test_reads_inside_see_what_was_written_and_others_do_not(api: Api) -> None:
    seen: list[Any] = []

    def outside() -> None:
        with api.inside():
            seen.append(counter_of("a"))

    def work() -> None:
        count_up("a")
        seen.append(counter_of("a"))
        thread = threading.Thread(target=outside)
        thread.start()
        thread.join(10)

    with api.inside():
        db.transaction(work)
        assert counter_of("a") == 1
    assert seen == [1, 0]


def test_a_write_needs_a_unit(api: Api) -> None:
    with api.inside():
        with pytest.raises(RuntimeError):
            db.execute(delete(KEYS))
        with pytest.raises(RuntimeError):
            db.after_commit(lambda: None)


def test_what_follows_a_commit_follows_no_rollback(api: Api) -> None:
    done: list[str] = []

    def work(fails: bool) -> None:
        db.after_commit(lambda: done.append(f"in unit: {db.in_unit_of_work()}"))
        db.after_commit(lambda: 1 / 0)  # type: ignore[arg-type, return-value]
        db.after_commit(lambda: done.append("second"))
        if fails:
            raise RuntimeError

    with api.inside():
        with pytest.raises(RuntimeError):
            db.transaction(lambda: work(True))
        assert done == []
        db.transaction(lambda: work(False))
    assert done == ["in unit: False", "second"]


@several_writers
def test_writes_run_read_committed(api: Api) -> None:
    """Under REPEATABLE READ "lock, count, insert" lets several through a limit of one."""

    def enter() -> bool:
        with api.inside():

            def work() -> bool:
                lock("a")
                taken = db.value(select(func.count()).where(KEYS.c.scope == "test", KEYS.c.key_hash.like("seat%")))
                if taken:
                    return False
                db.execute(insert(KEYS), row(f"seat{threading.get_ident()}"))
                return True

            return db.transaction(work)

    with ThreadPoolExecutor(8) as pool:
        entered = [done.result() for done in [pool.submit(enter) for _ in range(16)]]
    assert sum(entered) == 1


# --- run again ---------------------------------------------------------------------------


@several_writers
def test_a_deadlock_runs_the_whole_again(api: Api) -> None:
    """Two lock the same rows the other way round: the database ends one, which begins anew."""
    both = threading.Barrier(2)
    attempts: list[str] = []

    def work(first: str, second: str) -> None:
        attempts.append(first)
        lock(first)
        if len(attempts) <= 2:
            both.wait(10)
        lock(second)
        count_up(first)
        count_up(second)

    def run(first: str, second: str) -> None:
        with api.inside():
            db.transaction(lambda: work(first, second))

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(run, "a", "b"), pool.submit(run, "b", "a")]:
            done.result()
    with api.inside():
        assert (counter_of("a"), counter_of("b")) == (2, 2)
    assert len(attempts) == 3


def _database_error(code: int) -> OperationalError:
    return OperationalError("SELECT 1", {}, Exception(code, "as the driver says it"))


@pytest.mark.parametrize("code", sorted(db.RETRYABLE))
def test_three_times_and_then_it_is_told(api: Api, code: int) -> None:
    runs: list[int] = []

    def work() -> None:
        count_up("a")
        runs.append(1)
        raise _database_error(code)

    with api.inside():
        with pytest.raises(OperationalError) as raised:
            db.transaction(work)
        assert len(runs) == 1 + db.RERUNS
        assert counter_of("a") == 0
    assert isinstance(_translate(raised.value), BackendUnavailable)


def test_another_error_runs_nothing_again(api: Api) -> None:
    runs: list[int] = []

    def work() -> None:
        runs.append(1)
        raise _database_error(1054)

    with api.inside(), pytest.raises(OperationalError):
        db.transaction(work)
    assert len(runs) == 1


def test_what_a_first_attempt_left_to_do_is_not_done_twice(api: Api) -> None:
    done: list[int] = []
    runs: list[int] = []

    def work() -> None:
        runs.append(1)
        db.after_commit(lambda: done.append(len(runs)))
        if len(runs) < 3:
            raise _database_error(1213)

    with api.inside():
        db.transaction(work)
    assert done == [3]


@several_writers
def test_nobody_waits_long_for_a_lock(api: Api) -> None:
    """InnoDB's own patience is 50 s; a request has ten, and gives up at its deadline."""
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with api.inside():

            def work() -> None:
                lock("a")
                held.set()
                release.wait(30)

            db.transaction(work)

    with ThreadPoolExecutor(1) as pool:
        holder = pool.submit(hold)
        assert held.wait(10)
        began = time.monotonic()
        with api.inside():
            db.set_deadline(began + 1)
            with pytest.raises(db.DeadlinePassed):
                db.transaction(lambda: lock("a"))
        waited = time.monotonic() - began
        release.set()
        holder.result()
    assert engines.LOCK_WAIT_SECONDS - 1 < waited < engines.LOCK_WAIT_SECONDS + 3


def test_writers_of_sqlite_wait_for_each_other(api: Api) -> None:
    def work(_number: int) -> None:
        with api.inside():
            db.transaction(lambda: count_up("a"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(40)))
    with api.inside():
        assert counter_of("a") == 40


# --- the deadline ------------------------------------------------------------------------


def test_after_the_deadline_nothing_is_committed(api: Api) -> None:
    followed: list[int] = []

    def work() -> None:
        count_up("a")
        db.after_commit(lambda: followed.append(1))

    with api.inside():
        db.set_deadline(time.monotonic() - 0.001)
        with pytest.raises(db.DeadlinePassed) as raised:
            db.transaction(work)
        db.set_deadline(time.monotonic() + 60)
        assert counter_of("a") == 0
        db.transaction(work)
        assert counter_of("a") == 1
    assert followed == [1]
    assert isinstance(_translate(raised.value), BackendUnavailable)


# --- reads -------------------------------------------------------------------------------


def test_rows_are_plain_dicts(api: Api) -> None:
    statement = select(KEYS.c.key_hash, KEYS.c.counter).where(KEYS.c.scope == "test").order_by(KEYS.c.key_hash)
    with api.inside():
        assert db.rows(statement) == [{"key_hash": "a", "counter": 0}, {"key_hash": "b", "counter": 0}]
        assert db.row(statement) == {"key_hash": "a", "counter": 0}
        assert db.value(statement) == "a"
        assert db.values(statement) == ["a", "b"]
        nothing = statement.where(KEYS.c.key_hash == "c")
        assert (db.rows(nothing), db.row(nothing), db.value(nothing), db.values(nothing)) == ([], None, None, [])


def test_a_request_reads_on_one_connection_and_counts(api: Api) -> None:
    pool: Any = api.runtime.database.read.pool
    with api.inside():
        before = db.query_count()
        for _ in range(5):
            counter_of("a")
        assert db.query_count() - before == 5
        assert pool.checkedout() == 1
    assert pool.checkedout() == 0


@several_writers
def test_a_lost_connection_is_made_again_for_a_read(api: Api) -> None:
    with api.inside():
        own = db.value(text("SELECT CONNECTION_ID()"))
        with api.runtime.database.write.connect() as other:
            other.execute(text(f"KILL {own}"))
        assert counter_of("a") == 0
        assert db.value(text("SELECT CONNECTION_ID()")) != own


@several_writers
@pytest.mark.parametrize("driver", ["mysqldb", "pymysql"])
def test_a_database_that_is_away_is_503(api: Api, driver: str) -> None:
    away = db.Database(f"mysql+{driver}://nobody@127.0.0.1:1/none", lambda _: ("wp_", "wp_"))
    with pytest.raises(OperationalError) as raised, db.using(away), db.session():
        db.value(text("SELECT 1"))
    assert isinstance(_translate(raised.value), BackendUnavailable)


@several_writers
def test_connections_are_in_utc_and_strict(api: Api) -> None:
    with api.inside():
        assert db.value(text("SELECT @@session.time_zone")) == "+00:00"
        assert "STRICT_TRANS_TABLES" in db.value(text("SELECT @@session.sql_mode"))
        isolation = text("SELECT @@session.tx_isolation")
        assert db.transaction(lambda: db.value(isolation)) == "READ-COMMITTED"


def test_the_blogs_prefix_is_put_in_as_a_statement_is_sent(api: Api) -> None:
    with api.inside():
        assert (db.blog_id(), db.blog_prefix()) == (1, "wp_")
        with db.blog(7):
            assert (db.blog_id(), db.blog_prefix()) == (7, "wp_7_")
            with pytest.raises(Exception, match="wp_7_lrn_expiring_keys"):
                counter_of("a")
        assert counter_of("a") == 0
