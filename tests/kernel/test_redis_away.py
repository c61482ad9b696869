"""Jobs and schedules while Redis is away: the table is the truth, and Redis takes over again when it is back."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from rq import Worker as QueueWorkers
from sqlalchemy import delete, select

from learnomy_wp.kernel import db, jobs, site
from learnomy_wp.kernel.keystore import RedisKeyStore
from learnomy_wp.kernel.schedules import Schedule, run_once
from tests.kernel.databases import kernel_environment, kernel_site
from tests.kernel.test_jobs import empty, enqueue, eventually, lines, pair, row, worker
from wp_schema.tables import expiring_keys


class OwnRedis:
    """A Redis that a test may stop and start."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen([*command, "--dir", str(self._folder)], stdout=subprocess.DEVNULL)
        eventually(self._answers)

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as connection:
                return bool(connection.ping())
        except redis.ConnectionError:
            return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def workers(self) -> int:
        with redis.Redis.from_url(self.url) as connection:
            return QueueWorkers.count(connection=connection)


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    made = OwnRedis(tmp_path)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def environ(database_url: str, own_redis: OwnRedis, tmp_path: Path) -> Iterator[dict[str, str]]:
    with kernel_site(database_url, tmp_path, own_redis.url):
        empty()
        pair(tmp_path)
        yield kernel_environment(database_url, tmp_path, own_redis.url)


def run_one(folder: Path, name: str) -> float:
    """Seconds until a job that is asked for now has run."""
    began, file = time.monotonic(), folder / name
    enqueue("test.note", {"file": str(file)})
    eventually(lambda: lines(file), 15)
    return time.monotonic() - began


def test_jobs_run_from_the_table_while_redis_is_away_and_by_redis_again(
    environ: dict[str, str], own_redis: OwnRedis, tmp_path: Path
) -> None:
    with worker(environ) as running:
        run_one(tmp_path, "by redis")
        for turn in ("first", "second"):
            own_redis.stop()
            assert run_one(tmp_path, f"{turn}: away") < 10
            assert run_one(tmp_path, f"{turn}: still away") < 5
            own_redis.start()
            eventually(lambda: own_redis.workers() == 1, 15)
            assert run_one(tmp_path, f"{turn}: back") < 3
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0
    assert all(len(lines(file)) == 1 for file in tmp_path.glob("*: *"))


def test_a_job_that_outlasts_redis_ends_once(environ: dict[str, str], own_redis: OwnRedis, tmp_path: Path) -> None:
    file = tmp_path / "notes"
    with worker(environ):
        job_id = enqueue("test.long", {"file": str(file), "seconds": 3})
        eventually(lambda: lines(file))
        own_redis.stop()
        eventually(lambda: row(job_id)["state"] == "done", 15)
        run_one(tmp_path, "next")
    assert [line[0] for line in lines(file)] == ["began", "ended"]


def test_a_worker_that_never_saw_redis_works_and_stops_cleanly(
    environ: dict[str, str], own_redis: OwnRedis, tmp_path: Path
) -> None:
    own_redis.stop()
    with worker(environ) as running:
        run_one(tmp_path, "away")
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0


def test_a_job_asked_for_while_redis_is_away_is_in_the_table(environ: dict[str, str], own_redis: OwnRedis) -> None:
    own_redis.stop()
    began = time.monotonic()
    ids = [enqueue("test.note") for _ in range(3)]
    assert jobs.wake.is_set()
    assert jobs.due_jobs() == ids
    assert jobs.push_due() == 3
    assert time.monotonic() - began < 3, "one failure is enough to see that it is away"
    own_redis.start()
    assert jobs.push_due() == 3
    store = site.current().store
    assert isinstance(store, RedisKeyStore)
    assert jobs.queue(store).count == 3


def test_schedules_run_while_redis_is_away(environ: dict[str, str], own_redis: OwnRedis) -> None:
    ran: list[Any] = []
    schedule = Schedule("t-away", 60, lambda: ran.append(db.blog_id()))
    db.write(delete(expiring_keys))
    assert run_once(schedule)
    own_redis.stop()
    assert not run_once(schedule), "it had its turn, whatever Redis forgets"
    db.write(delete(expiring_keys))
    assert run_once(schedule)
    own_redis.start()
    assert not run_once(schedule)
    assert ran == [1, 1]
    assert "schedule" in db.values(select(expiring_keys.c.scope))
