"""What is over goes: each table's rows at their time, in batches that hold nobody up, by one job at a time."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, delete, insert, select, text

from learnomy_wp.kernel import cleanup, clock, db, jobrun, jobs, local, retention, schedules
from learnomy_wp.kernel.keystore import DatabaseKeyStore
from learnomy_wp.kernel.schedules import Timetable
from learnomy_wp.system import queries
from tests.client import Api, make_api
from tests.kernel.conftest import engine
from wp_schema.tables import activity, auth_tokens, expiring_keys, outbox
from wp_schema.tables import jobs as job_rows

STATUS = ("WAITING", "SKIPPED", "FIRED_ONCE", "REPEATED", "JOBS")
TABLES = (outbox, activity, auth_tokens, job_rows, expiring_keys)


@pytest.fixture
def inside(api: Api) -> Iterator[Api]:
    with api.inside():
        for table in TABLES:
            db.write(delete(table))
        api._tokens.clear()
        db.transaction(lambda: local.set_option("learnomy_settings", {}))
        yield api


@pytest.fixture
def on_mariadb(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Api]:
    with engine(request, "mariadb", tmp_path) as (url, _):
        made = make_api(url, tmp_path)
        with made.inside():
            yield made
        made.runtime.database.dispose()


def ago(days: float) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) - timedelta(days=days)


def put(table: Table, *rows: dict[str, Any]) -> None:
    db.transaction(lambda: db.execute(insert(table), list(rows)))


def event(days: float, state: str = "done", attempts: int = 0, aggregate: str = "a") -> dict[str, Any]:
    is_over = state in ("done", "skipped")
    return {
        "aggregate": aggregate,
        "event": "probe.done",
        "hook": "h",
        "args": [],
        "payload": {},
        "state": state,
        "attempts": attempts,
        "created_at": ago(days + 1),
        "done_at": ago(days) if is_over else None,
    }


def logged(days: float) -> dict[str, Any]:
    return {"at": ago(days), "event": "probe.done", "summary": {}}


def token(name: str, expires: float | None, revoked: float | None = None, rotated: float | None = None) -> Any:
    """Each instant in days ago; a negative one is to come."""
    return {
        "family_id": name,
        "token_hash": name,
        "created_at": ago(90),
        "expires_at": None if expires is None else ago(expires),
        "revoked_at": None if revoked is None else ago(revoked),
        "rotated_at": None if rotated is None else ago(rotated),
    }


def run() -> dict[str, Any]:
    """Ask for a cleanup and run it, as the worker does; gives its job's row."""
    cleanup.schedule_clean_up()
    (job_id,) = jobs.due_jobs()
    assert jobrun.run(job_id)
    found = db.row(select(job_rows).where(job_rows.c.id == job_id))
    assert found is not None
    return found


def test_events_go_thirty_days_after_they_were_heard_of(inside: Api) -> None:
    put(outbox, event(31), event(31, "skipped"), event(29), event(29, "skipped"))
    put(outbox, event(90, "pending"), event(90, "claimed"), event(90, "firing"))
    job = run()
    assert (job["state"], job["report"], job["done"]) == ("done", {"outbox": 2}, 2)
    assert db.values(select(outbox.c.state).order_by(outbox.c.id)) == [
        "done",
        "skipped",
        "pending",
        "claimed",
        "firing",
    ]


def test_the_owner_says_how_long(inside: Api) -> None:
    admin = inside.as_("admin")
    put(outbox, event(8), event(6))
    put(activity, logged(8), logged(6))
    assert admin.patch("/settings", json={"outbox_days": 7, "activity_days": 7}).status == 200
    assert run()["report"] == {"outbox": 1, "activity": 1}
    for wrong in ({"outbox_days": 0}, {"activity_days": -1}, {"activity_days": 1.5}, {"outbox_days": "7"}):
        answer = admin.patch("/settings", json=wrong)
        assert (answer.status, answer.body["error"]["details"][0]["field"]) == (422, next(iter(wrong)))


def test_the_audit_log_is_kept_for_a_year_or_for_ever(inside: Api) -> None:
    put(activity, logged(366), logged(364))
    assert inside.as_("admin").patch("/settings", json={"activity_days": 0}).status == 200
    assert run()["report"] is None
    assert inside.as_("admin").patch("/settings", json={"activity_days": 365}).status == 200
    assert run()["report"] == {"activity": 1}


def test_ended_tokens_are_known_for_thirty_days_more(inside: Api) -> None:
    kept = [
        token("live", expires=-5),
        token("rotated", expires=-5, rotated=20),
        token("expired", expires=29),
        token("revoked", expires=-5, revoked=29),
        token("for good", expires=None),
    ]
    put(auth_tokens, *kept, token("old", 31), token("gone", -5, revoked=31), token("key", None, revoked=31))
    assert run()["report"] == {"auth_tokens_expired": 1, "auth_tokens_revoked": 2}
    assert db.values(select(auth_tokens.c.token_hash).order_by(auth_tokens.c.id)) == [row["token_hash"] for row in kept]


def test_ended_jobs_go_after_thirty_days(inside: Api) -> None:
    times = {"run_at": ago(90), "created_at": ago(90), "updated_at": ago(90)}
    put(job_rows, *({"kind": "old", "state": state, "finished_at": ago(31), **times} for state in ("done", "failed")))
    put(job_rows, {"kind": "young", "state": "cancelled", "finished_at": ago(29), **times})
    put(job_rows, {"kind": "waiting", "state": "queued", "finished_at": None, **times, "run_at": ago(-1)})
    assert run()["report"] == {"jobs": 2}
    assert db.values(select(job_rows.c.kind).order_by(job_rows.c.id))[:2] == ["young", "waiting"]


def test_expired_keys_go_whatever_holds_the_new_ones(inside: Api) -> None:
    """While Redis is away the database keeps keys, which Redis does not sweep when it is back."""
    with clock.fixed(ago(1)):
        store = DatabaseKeyStore()
        for number in range(3):
            store.add("nonce", str(number), ttl_seconds=120)
    store.add("nonce", "live", ttl_seconds=120)
    cleanup.sweep_expiring_keys()
    assert db.value(select(expiring_keys.c.scope).where(expiring_keys.c.scope == "nonce")) == "nonce"
    assert len(db.values(select(expiring_keys.c.key_hash))) == 1


def test_many_rows_go_batch_by_batch(inside: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    put(activity, *(logged(400 + number / 1000) for number in range(2 * retention.BATCH + 7)), logged(3))
    sizes: list[int] = []
    removal = retention.REMOVALS["activity"]

    def watched() -> int:
        sizes.append(removal())
        return sizes[-1]

    monkeypatch.setitem(retention.REMOVALS, "activity", watched)
    assert run()["report"] == {"activity": 2 * retention.BATCH + 7}
    assert sizes == [retention.BATCH, retention.BATCH, 7]
    assert len(db.values(select(activity.c.id))) == 1


def test_one_removal_that_fails_stops_no_other_and_is_named(inside: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> int:
        raise ValueError("broken")

    monkeypatch.setattr(retention, "REMOVALS", {"broken": fail, **retention.REMOVALS})
    put(activity, logged(400))
    job = run()
    assert (job["state"], job["error"]) == ("failed", "RuntimeError: not removed: broken")
    assert db.values(select(activity.c.id)) == []


def test_there_are_never_two_cleanups(inside: Api) -> None:
    for _ in range(3):
        cleanup.schedule_clean_up()
    (job_id,) = jobs.due_jobs()
    seen: list[list[int]] = []

    def meanwhile() -> int:
        cleanup.schedule_clean_up()
        seen.append(jobs.due_jobs())
        return 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retention, "REMOVALS", {"meanwhile": meanwhile})
        assert jobrun.run(job_id)
    assert seen == [[]]
    assert db.values(select(job_rows.c.id)) == [job_id]


def test_the_worker_asks_for_it(inside: Api) -> None:
    assert {"sweep_expiring_keys", "schedule_clean_up"} <= set(schedules.SCHEDULES)
    Timetable().run_due()
    assert "clean_up" in db.values(select(job_rows.c.kind))


def test_a_removal_has_one_name() -> None:
    with pytest.raises(ValueError, match="twice"):
        retention.removes("outbox")(lambda: 0)


# --- under load ----------------------------------------------------------------------------


def test_a_batch_that_is_being_removed_holds_up_no_event(on_mariadb: Api) -> None:
    """Writers insert, claim and finish rows while a batch waits for its commit."""
    put(outbox, *(event(40, aggregate=f"old:{number}") for number in range(50)), event(1, "pending"))
    removed, go_on = threading.Event(), threading.Event()

    def remove_slowly() -> None:
        def work() -> None:
            assert retention.REMOVALS["outbox"]() == 50
            removed.set()
            assert go_on.wait(20)

        db.transaction(work)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(remove_slowly,))
    thread.start()
    try:
        assert removed.wait(20)
        began = datetime.now(UTC)
        put(outbox, event(0, "pending", aggregate="new"), event(0, aggregate="new"))
        db.write(outbox.update().where(outbox.c.state == "pending").values(state="done", done_at=ago(0)))
        assert datetime.now(UTC) - began < timedelta(seconds=1)
    finally:
        go_on.set()
        thread.join()
    assert len(db.values(select(outbox.c.id))) == 3


def reads() -> int:
    """How many rows this session's connection has read of tables, in MariaDB."""
    return sum(int(row["Value"]) for row in db.rows(text("SHOW SESSION STATUS LIKE 'Handler_read%'")))


def rows_read(statement: Any) -> int:
    """How many rows MariaDB reads for a statement, and for asking that."""
    reads()
    before = reads()
    db.rows(statement)
    return reads() - before


def test_status_reads_no_row_that_is_done(on_mariadb: Api) -> None:
    many = 3000
    put(outbox, *(event(1, attempts=number % 2, aggregate=f"x:{number}") for number in range(many)))
    put(outbox, event(0, "pending"), event(0, "skipped", 1), event(0, attempts=3))
    times = {"run_at": ago(2), "created_at": ago(2), "updated_at": ago(2), "finished_at": ago(1)}
    put(job_rows, *({"kind": "t", "state": "done", **times} for _ in range(many)))
    for name in STATUS:
        assert rows_read(getattr(queries, name)) < 50, name
    assert queries.outbox_state() == {
        "waiting": 1,
        "oldest": db.value(select(outbox.c.created_at).where(outbox.c.state == "pending")),
        "last_fired_at": db.value(select(outbox.c.done_at).where(outbox.c.state == "skipped")),
        "skipped": 1,
        "repeated": 1,
    }


@pytest.mark.parametrize("name", STATUS)
def test_status_searches_by_index_on_sqlite(sqlite: str, tmp_path: Path, name: str) -> None:
    made = make_api(sqlite, tmp_path)
    with made.inside():
        asked = getattr(queries, name).compile(db.current().read, compile_kwargs={"literal_binds": True})
        (step, *_) = db.rows(text(f"EXPLAIN QUERY PLAN {asked}"))
    made.runtime.database.dispose()
    assert step["detail"].startswith("SEARCH")
