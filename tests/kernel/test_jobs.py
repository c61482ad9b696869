"""Jobs run once at a time and to their end, whatever is lost on the way."""

from __future__ import annotations

import contextvars
import itertools
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import delete, func, select, update

import tests.kernel.worker_process  # noqa: F401 - declares the kinds of the worker process
from learnomy_wp.kernel import clock, db, jobrun, jobs, schedules, site
from learnomy_wp.kernel.jobrun import Job, JobRefused
from learnomy_wp.kernel.keystore import RedisKeyStore
from learnomy_wp.kernel.runtime import Runtime
from learnomy_wp.kernel.schedules import Schedule, Timetable, run_once
from learnomy_wp.kernel.worker import Worker
from tests.kernel.databases import kernel_environment, kernel_site
from wp_schema.tables import expiring_keys
from wp_schema.tables import jobs as table

T = TypeVar("T")
THREADS = 20
ROOT = Path(__file__).parents[2]

calls: list[Job] = []
_lock = threading.Lock()
behaviour: Callable[[Job], Any] = lambda _: None  # noqa: E731


def behave(running: Job) -> Any:
    with _lock:
        calls.append(running)
    return behaviour(running)


jobs.job("t.plain", retries=2)(behave)
jobs.job("t.once", retries=0)(behave)
jobs.job("t.reruns", reruns=True)(behave)
jobs.job("t.brief", timeout_seconds=1, retries=0)(behave)


@pytest.fixture(params=["redis", "mariadb", "sqlite"])
def runtime(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Runtime]:
    kind = request.param
    redis_url = request.getfixturevalue("redis_url") if kind == "redis" else ""
    url = request.getfixturevalue("sqlite" if kind == "sqlite" else "database_url")
    with kernel_site(url, tmp_path, redis_url) as started:
        empty()
        calls.clear()
        jobrun.stopping.clear()
        doing(lambda _: None)
        yield started


def empty() -> None:
    db.transaction(lambda: [db.execute(delete(table)), db.execute(delete(expiring_keys))])


def doing(what: Callable[[Job], Any]) -> None:
    global behaviour
    behaviour = what


def enqueue(kind: str = "t.plain", payload: dict[str, Any] | None = None, **options: Any) -> int:
    return db.transaction(lambda: jobs.enqueue(kind, payload, **options))


def row(job_id: int) -> dict[str, Any]:
    found = db.row(select(table).where(table.c.id == job_id))
    assert found is not None
    return found


def at_once(work: Callable[[int], T], threads: int = THREADS) -> list[T]:
    barrier = threading.Barrier(threads)

    def begin(number: int) -> T:
        barrier.wait(30)
        return work(number)

    with ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(contextvars.copy_context().run, begin, number) for number in range(threads)]
        return [future.result(60) for future in futures]


def eventually(condition: Callable[[], T], seconds: float = 10) -> T:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)
    return found


# --- one job ---------------------------------------------------------------------------


def test_a_job_runs_and_its_row_says_so(runtime: Runtime) -> None:
    def work(running: Job) -> dict[str, Any]:
        running.progress(3)
        assert row(running.id)["done"] == 3
        assert row(running.id)["state"] == "running"
        running.progress(5, 5)
        return {"made": running.payload["a"]}

    doing(work)
    job_id = enqueue(payload={"a": ["ä", 1, None]}, owner_id=7, total=5)
    assert row(job_id)["state"] == "queued"
    assert jobs.due_jobs() == [job_id]
    assert jobrun.run(job_id)
    found = row(job_id)
    assert (found["state"], found["done"], found["total"], found["owner_id"]) == ("done", 5, 5, 7)
    assert found["report"] == {"made": ["ä", 1, None]}
    assert found["finished_at"] is not None
    assert found["locked_by"] is None
    assert jobs.due_jobs() == []
    assert not jobrun.run(job_id)
    assert len(calls) == 1


def test_a_rolled_back_change_leaves_no_job(runtime: Runtime) -> None:
    def fails() -> None:
        jobs.enqueue("t.plain")
        raise LookupError

    with pytest.raises(LookupError):
        db.transaction(fails)
    assert db.value(select(func.count()).select_from(table)) == 0
    if isinstance(runtime.store, RedisKeyStore):
        assert jobs.queue(runtime.store).count == 0


def test_jobs_need_a_unit_of_work_and_a_declared_kind(runtime: Runtime) -> None:
    with pytest.raises(RuntimeError, match="unit of work"):
        jobs.enqueue("t.plain")
    with pytest.raises(LookupError, match=r"t\.unknown"):
        enqueue("t.unknown")
    with pytest.raises(ValueError, match="twice"):
        jobs.job("t.plain")(behave)


def test_a_job_of_the_future_waits(runtime: Runtime) -> None:
    at = datetime.now(UTC) + timedelta(hours=1)
    job_id = enqueue(run_at=at)
    assert jobs.due_jobs() == []
    assert not jobrun.run(job_id)
    with clock.fixed(at):
        assert jobs.due_jobs() == [job_id]
        assert jobrun.run(job_id)


def test_due_jobs_come_in_order_and_by_blog(runtime: Runtime) -> None:
    now = datetime.now(UTC)
    late, early, now_due = (enqueue(run_at=now - timedelta(seconds=age)) for age in (1, 60, 30))
    assert jobs.due_jobs() == [early, now_due, late]
    assert jobs.due_jobs(limit=1) == [early]


# --- failures --------------------------------------------------------------------------


def fail(_: Job) -> None:
    raise ValueError("it broke")


def test_a_failing_job_is_repeated_later_and_later_and_then_given_up(runtime: Runtime) -> None:
    doing(fail)
    job_id = enqueue()
    waits = []
    at = datetime.now(UTC)
    for _ in range(2):
        with clock.fixed(at):
            assert jobrun.run(job_id)
            found = row(job_id)
            assert (found["state"], found["error"]) == ("queued", "ValueError: it broke")
            waits.append((found["run_at"] - at).total_seconds())
            assert not jobrun.run(job_id)
            at = found["run_at"]
    assert 4 <= waits[0] <= 6
    assert 16 <= waits[1] <= 24
    with clock.fixed(at):
        assert jobrun.run(job_id)
        assert (row(job_id)["state"], row(job_id)["finished_at"]) == ("failed", at)
        assert not jobrun.run(job_id)
    assert [running.attempt for running in calls] == [1, 2, 3]


def test_a_job_that_recovers_is_done(runtime: Runtime) -> None:
    doing(lambda running: fail(running) if running.attempt == 1 else None)
    job_id = enqueue()
    jobrun.run(job_id)
    with clock.fixed(datetime.now(UTC) + timedelta(seconds=10)):
        jobrun.run(job_id)
    assert (row(job_id)["state"], row(job_id)["error"]) == ("done", None)


def test_a_refusal_is_final(runtime: Runtime) -> None:
    def refuse(_: Job) -> None:
        raise JobRefused("no such course")

    doing(refuse)
    job_id = enqueue()
    jobrun.run(job_id)
    assert (row(job_id)["state"], row(job_id)["error"]) == ("failed", "no such course")


def test_the_jitter_spreads_and_the_wait_is_bounded() -> None:
    found = {jobrun.retry_seconds(1) for _ in range(50)}
    assert len(found) > 40
    assert max(jobrun.retry_seconds(attempt) for attempt in range(1, 30)) <= 3600 * 1.2


def test_a_kind_that_this_process_does_not_know_is_left_for_later(runtime: Runtime) -> None:
    job_id = enqueue()
    db.transaction(lambda: db.execute(update(table).values(kind="t.from-the-future")))
    jobrun.run(job_id)
    assert row(job_id)["state"] == "queued"
    assert "t.from-the-future" in row(job_id)["error"]


# --- once at a time --------------------------------------------------------------------


def test_of_many_workers_one_runs_the_job(runtime: Runtime) -> None:
    doing(lambda _: time.sleep(0.2))
    job_id = enqueue()
    assert sum(at_once(lambda _: jobrun.run(job_id))) == 1
    assert len(calls) == 1


def test_the_lease_is_renewed_while_the_job_runs(runtime: Runtime) -> None:
    doing(lambda _: time.sleep(3))  # the lease of these tests is 2 seconds
    job_id = enqueue()
    thread = threading.Thread(target=contextvars.copy_context().run, args=(jobrun.run, job_id))
    thread.start()
    eventually(lambda: calls)
    while thread.is_alive():
        assert not jobrun.run(job_id)
        assert jobs.due_jobs() == []
        time.sleep(0.3)
    assert len(calls) == 1
    assert row(job_id)["state"] == "done"


def lose(job_id: int) -> None:
    """As if its process was killed a while ago."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    values = {"state": "running", "locked_by": "gone", "locked_until": past, "started_at": past}
    db.transaction(lambda: db.execute(update(table).where(table.c.id == job_id).values(attempts=1, **values)))


def test_a_lost_job_is_found_and_runs_again(runtime: Runtime) -> None:
    job_id = enqueue()
    lose(job_id)
    assert jobs.due_jobs() == [job_id]
    assert jobrun.run(job_id)
    assert (calls[0].attempt, row(job_id)["state"]) == (2, "done")


def test_a_job_that_kills_its_process_each_time_is_given_up(runtime: Runtime) -> None:
    job_id = enqueue("t.once")
    lose(job_id)
    assert jobrun.run(job_id)
    assert calls == []
    assert row(job_id)["state"] == "failed"
    assert "lost each time" in row(job_id)["error"]


def test_a_worker_that_lost_its_lease_stops_and_changes_nothing(runtime: Runtime) -> None:
    reached: list[str] = []

    def work(running: Job) -> None:
        values = {"locked_by": "another"}
        db.transaction(lambda: db.execute(update(table).where(table.c.id == running.id).values(**values)))
        try:
            running.progress(1)
        except Exception:
            reached.append("swallowed")
        reached.append("went on")

    doing(work)
    job_id = enqueue()
    assert jobrun.run(job_id)
    assert reached == []
    assert (row(job_id)["state"], row(job_id)["locked_by"]) == ("running", "another")


def test_a_job_that_takes_too_long_ends_at_its_next_progress(runtime: Runtime) -> None:
    def work(running: Job) -> None:
        for _ in range(100):
            time.sleep(0.05)
            running.progress(1)

    doing(work)
    job_id = enqueue("t.brief")
    jobrun.run(job_id)
    assert row(job_id)["state"] == "failed"
    assert "more than 1 seconds" in row(job_id)["error"]


# --- unique keys -----------------------------------------------------------------------


def test_a_live_job_is_joined(runtime: Runtime) -> None:
    first = enqueue(payload={"n": 1}, unique_key="course:5")
    assert enqueue(payload={"n": 2}, unique_key="course:5") == first
    assert enqueue(unique_key="course:6") != first
    assert enqueue("t.once", unique_key="course:5") != first
    assert enqueue() != enqueue()
    jobrun.run(first)
    assert enqueue(unique_key="course:5") != first


def test_unique_keys_of_any_kind(runtime: Runtime) -> None:
    for key in ("", "ä", "a" * 500, "A", "a"):
        assert enqueue(unique_key=key) == enqueue(unique_key=key)
    assert db.value(select(func.count()).select_from(table)) == 5


def test_many_at_once_join_one_job(runtime: Runtime) -> None:
    found = at_once(lambda number: enqueue(payload={"n": number}, unique_key="course:5"))
    assert len(set(found)) == 1
    assert db.value(select(func.count()).select_from(table)) == 1


@pytest.mark.parametrize(("kind", "runs"), [("t.reruns", 2), ("t.plain", 1)])
def test_what_is_asked_for_while_it_runs_is_not_lost(runtime: Runtime, kind: str, runs: int) -> None:
    job_id = enqueue(kind, unique_key="course:5")

    def work(_: Job) -> None:
        if len(calls) == 1:
            assert enqueue(kind, unique_key="course:5") == job_id

    doing(work)
    jobrun.run(job_id)
    for due in jobs.due_jobs():
        jobrun.run(due)
    assert len(calls) == runs
    assert row(job_id)["state"] == "done"
    assert calls[-1].attempt == 1


# --- ending early ----------------------------------------------------------------------


def test_a_waiting_job_can_be_cancelled(runtime: Runtime) -> None:
    job_id = enqueue()
    db.transaction(lambda: jobs.cancel(job_id))
    assert row(job_id)["state"] == "cancelled"
    assert not jobrun.run(job_id)
    db.transaction(lambda: jobs.cancel(job_id))
    assert row(job_id)["state"] == "cancelled"


def test_a_running_job_can_be_cancelled(runtime: Runtime) -> None:
    def work(running: Job) -> None:
        db.transaction(lambda: jobs.cancel(running.id))
        for number in range(100):
            time.sleep(0.05)
            running.progress(number)

    doing(work)
    job_id = enqueue()
    jobrun.run(job_id)
    assert row(job_id)["state"] == "cancelled"
    assert row(job_id)["done"] < 99


def test_a_process_that_stops_gives_its_job_back_unharmed(runtime: Runtime) -> None:
    def work(running: Job) -> None:
        jobrun.stopping.set()
        running.progress(4)
        raise AssertionError("went on")

    doing(work)
    job_id = enqueue("t.once")
    jobrun.run(job_id)
    jobrun.stopping.clear()
    assert (row(job_id)["state"], row(job_id)["attempts"]) == ("queued", 0)
    doing(lambda _: None)
    assert jobs.due_jobs() == [job_id]
    assert jobrun.run(job_id)
    assert row(job_id)["state"] == "done"


def test_an_exit_in_a_handler_gives_the_job_back(runtime: Runtime) -> None:
    def leave(_: Job) -> None:
        raise SystemExit

    doing(leave)
    job_id = enqueue()
    with pytest.raises(SystemExit):
        jobrun.run(job_id)
    assert row(job_id)["state"] == "queued"


# --- Redis -----------------------------------------------------------------------------


@pytest.fixture
def with_redis(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[RedisKeyStore]:
    with kernel_site(database_url, tmp_path, redis_url) as started:
        empty()
        assert isinstance(started.store, RedisKeyStore)
        yield started.store


def test_only_the_id_goes_through_redis(with_redis: RedisKeyStore) -> None:
    job_id = enqueue(payload={"secret": "hunter2"})
    (queued,) = jobs.queue(with_redis).jobs
    assert queued.func_name == jobs.PERFORM
    assert list(queued.args) == [1, job_id]
    assert "hunter2" not in str(queued.to_dict())


def test_a_job_is_announced_once_a_minute(with_redis: RedisKeyStore) -> None:
    enqueue()
    assert [jobs.push_due() for _ in range(3)] == [1, 1, 1]
    assert jobs.queue(with_redis).count == 1


def test_a_dead_redis_fails_no_write(with_redis: RedisKeyStore) -> None:
    site.current().store = RedisKeyStore("redis://127.0.0.1:1/0")
    job_id = enqueue()
    assert jobs.due_jobs() == [job_id]
    site.current().store = with_redis
    with_redis.client.flushdb()
    assert jobs.push_due() == 1
    assert jobs.queue(with_redis).count == 1


# --- schedules -------------------------------------------------------------------------


def test_a_schedule_runs_once_at_a_time_and_once_an_interval(runtime: Runtime) -> None:
    ran: list[int] = []
    schedule = Schedule("t-once", 1.0, lambda: [ran.append(1), time.sleep(0.2)])
    assert sum(at_once(lambda _: run_once(schedule))) == 1
    assert len(ran) == 1
    assert not run_once(schedule)
    time.sleep(1.0)
    assert run_once(schedule)


def test_a_long_schedule_keeps_its_lease(runtime: Runtime) -> None:
    ran: list[int] = []
    schedule = Schedule("t-long", 0.1, lambda: [ran.append(1), time.sleep(3)])
    thread = threading.Thread(target=contextvars.copy_context().run, args=(run_once, schedule))
    thread.start()
    eventually(lambda: ran)
    ends = time.monotonic() + 2.6  # the lease is 2 seconds, the task takes 3
    while time.monotonic() < ends:
        assert not run_once(schedule)
        time.sleep(0.2)
    thread.join()
    assert len(ran) == 1


def test_a_schedule_that_fails_has_its_next_turn(runtime: Runtime) -> None:
    ran: list[int] = []

    def task() -> None:
        ran.append(1)
        raise ValueError("broken")

    schedule = Schedule("t-fails", 0.2, task)
    assert run_once(schedule)
    time.sleep(0.25)
    assert run_once(schedule)
    assert len(ran) == 2


def test_the_timetable_asks_for_a_schedule_once_an_interval(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[int] = []
    monkeypatch.setattr(schedules, "SCHEDULES", {"t": Schedule("t", 0.5, lambda: ran.append(db.blog_id()))})
    timetable = Timetable()
    assert [timetable.run_due() for _ in range(3)] == [1, 0, 0]
    time.sleep(0.55)
    assert timetable.run_due() == 1
    assert ran == [1, 1]


def test_schedules_have_one_name_each() -> None:
    with pytest.raises(ValueError, match="twice"):
        schedules.every(5)(schedules.SCHEDULES["sweep_expiring_keys"].task)


# --- the worker in the serving process -------------------------------------------------


@pytest.fixture
def without_redis(sqlite: str, tmp_path: Path) -> Iterator[Runtime]:
    with kernel_site(sqlite, tmp_path) as started:
        calls.clear()
        doing(lambda _: None)
        yield started


def test_the_thread_drains_runs_jobs_and_schedules(without_redis: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    drained, scheduled = [3, 2, 0], []
    monkeypatch.setitem(schedules.SCHEDULES, "t", Schedule("t", 60, lambda: scheduled.append(db.blog_id())))
    worker = Worker(without_redis, drain_once=lambda: drained.pop(0) if drained else 0)
    worker.start()
    try:
        eventually(lambda: not drained and scheduled == [1])
        began = time.monotonic()
        job_id = enqueue()
        eventually(lambda: row(job_id)["state"] == "done")
        assert time.monotonic() - began < 1
    finally:
        worker.stop()
    assert len(calls) == 1


def test_a_failing_drain_pauses_and_stops_nothing_else(without_redis: Runtime) -> None:
    tried: list[float] = []

    def drain() -> int:
        tried.append(time.monotonic())
        raise ConnectionError("WordPress does not answer")

    worker = Worker(without_redis, drain_once=drain)
    worker.start()
    try:
        job_id = enqueue()
        eventually(lambda: row(job_id)["state"] == "done")
        eventually(lambda: len(tried) >= 3)
    finally:
        worker.stop()
    pauses = [later - earlier for earlier, later in itertools.pairwise(tried)]
    assert pauses[0] >= 1
    assert pauses[1] >= 2


def test_stopping_the_thread_gives_a_long_job_back(without_redis: Runtime) -> None:
    def work(running: Job) -> None:
        for number in range(1000):
            time.sleep(0.02)
            running.progress(number)

    doing(work)
    worker = Worker(without_redis, drain_once=lambda: 0)
    worker.start()
    job_id = enqueue()
    eventually(lambda: calls)
    began = time.monotonic()
    worker.stop()
    assert time.monotonic() - began < 2
    assert row(job_id)["state"] == "queued"


# --- the worker process ----------------------------------------------------------------


@contextmanager
def worker(environ: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.kernel.worker_process"]
    running = subprocess.Popen(
        command, env=environ, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert running.stdout is not None
        assert running.stdout.readline() == "started\n"
        yield running
    finally:
        running.kill()
        running.communicate()


@pytest.fixture(params=["redis", "database"])
def environ(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    redis_url = request.getfixturevalue("redis_url") if request.param == "redis" else ""
    with kernel_site(database_url, tmp_path, redis_url):
        empty()
        pair(tmp_path)
        yield kernel_environment(database_url, tmp_path, redis_url)


def pair(state_dir: Path) -> None:
    """As far as a worker needs to be paired."""
    (state_dir / "pairing.json").write_text('{"base_prefix": "t_", "blogs": [{"id": 1, "prefix": "t_"}]}')


def lines(path: Path) -> list[list[str]]:
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def test_a_worker_process_runs_jobs_soon_and_stops_cleanly(environ: dict[str, str], tmp_path: Path) -> None:
    with worker(environ) as running:
        time.sleep(0.5)
        took = []
        for number in range(3):
            began = time.monotonic()
            file = tmp_path / f"notes-{number}"
            enqueue("test.note", {"file": str(file)})
            eventually(lambda file=file: lines(file))  # type: ignore[misc]
            took.append(time.monotonic() - began)
        assert min(took) < 1.5
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0


def test_two_worker_processes_run_each_job_once(environ: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "notes"
    with worker(environ), worker(environ):
        ids = [enqueue("test.note", {"file": str(file)}) for _ in range(30)]
        eventually(lambda: len(lines(file)) >= 30, 30)
        time.sleep(1.5)
    noted = lines(file)
    assert sorted(int(line[1]) for line in noted) == sorted(ids)


def test_a_killed_worker_is_followed_by_another(environ: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "notes"
    with worker(environ) as first:
        job_id = enqueue("test.long", {"file": str(file), "seconds": 2})
        eventually(lambda: lines(file))
        first.kill()
        first.wait()
    with worker(environ):
        eventually(lambda: row(job_id)["state"] == "done", 30)
    words = [(line[0], line[2]) for line in lines(file)]
    assert words == [("began", "1"), ("began", "2"), ("ended", "2")]


def test_sigterm_in_a_job_gives_it_back_at_once(environ: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "notes"
    with worker(environ) as first:
        job_id = enqueue("test.long", {"file": str(file), "seconds": 30})
        eventually(lambda: lines(file))
        began = time.monotonic()
        first.send_signal(signal.SIGTERM)
        assert first.wait(10) == 0
        assert time.monotonic() - began < 5
    assert (row(job_id)["state"], row(job_id)["attempts"]) == ("queued", 0)
    assert job_id in jobs.due_jobs()  # beside what the worker scheduled itself


def test_a_stranger_in_the_queue_is_not_run(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Whoever can write to Redis must not get a function of their choice called."""
    trap = tmp_path / "trap"
    with kernel_site(database_url, tmp_path, redis_url) as started:
        assert isinstance(started.store, RedisKeyStore)
        empty()
        pair(tmp_path)
        queue = jobs.queue(started.store)
        queue.enqueue("os.mkdir", str(trap))
        with worker(kernel_environment(database_url, tmp_path, redis_url)):
            file = tmp_path / "notes"
            enqueue("test.note", {"file": str(file)})
            eventually(lambda: lines(file))
        assert not trap.exists()
        assert {queued.func_name for queued in queue.jobs} <= {jobs.PERFORM}
