"""Lists whose worker is lost, stopped or doubled on the way: each row once, each event once, a whole report."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from learnomy_wp.kernel import db, jobrun
from tests.client import SECRET, Api, make_api
from tests.progress.world import Course, World, together
from wp_schema.tables import enrollment_grants, jobs, outbox

ROOT = Path(__file__).parents[2]
PEOPLE = 400


@pytest.fixture(scope="module")
def beside(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Api, dict[str, str]]:
    """An API over MariaDB, and the environment of another process over the same."""
    folder = tmp_path_factory.mktemp("bulk")
    environ = {"PATH": os.environ["PATH"], "DATABASE_URL": database_url, "LEARNOMY_STATE_DIR": str(folder)}
    environ |= {"LEARNOMY_SECRET": SECRET, "LEARNOMY_LOG_LEVEL": "error", "LEARNOMY_LEASE_SECONDS": "2"}
    return make_api(database_url, folder), environ


@pytest.fixture
def world(beside: tuple[Api, dict[str, str]]) -> World:
    return World(beside[0])


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for each in started:
        each.kill()
        each.wait()


def begin(world: World, course: Course) -> int:
    rows = [{"user_id": user} for user in world.people(PEOPLE)]
    sent = world.as_("teacher").post("/enrollments/bulk", json={"rows": rows, "course_id": course.id})
    assert sent.status == 201, sent.body
    return int(sent.data["job_id"])


def job(world: World, job_id: int) -> dict[str, Any]:
    return world.rows(select(jobs).where(jobs.c.id == job_id))[0]


def abandon(world: World, job_id: int) -> None:
    """Let the lease of whoever had the job run out."""
    gone = datetime.now(UTC) - timedelta(seconds=1)
    world.set(jobs, jobs.c.id == job_id, locked_until=gone)


def run(world: World, job_id: int) -> None:
    with world.api.inside():
        jobrun.run(job_id)


def check(world: World, course: Course, job_id: int) -> None:
    found = job(world, job_id)
    assert (found["state"], found["done"], found["error"]) == ("done", PEOPLE, None)
    rows = found["report"]["rows"]
    assert [row["row"] for row in rows] == list(range(1, PEOPLE + 1))
    assert Counter(row["status"] for row in rows) == {"enrolled": PEOPLE}
    assert len({row["enrollment_id"] for row in rows}) == PEOPLE
    assert world.events(course.id) == ["enrollment.created"] * PEOPLE
    sent = world.rows(select(outbox.c.id).where(outbox.c.aggregate.like(f"course_user:{course.id}:%")))
    assert len(sent) == PEOPLE
    grants = world.rows(select(enrollment_grants.c.id).where(enrollment_grants.c.course_id == course.id))
    assert len(grants) == PEOPLE
    assert course.row()["student_count"] == PEOPLE


def test_a_killed_process_takes_nothing_with_it(
    world: World, beside: tuple[Api, dict[str, str]], processes: list[subprocess.Popen[bytes]]
) -> None:
    course = world.course()
    job_id = begin(world, course)
    for least in (50, 175):
        command = [sys.executable, "-m", "tests.enrollments.bulk_process", str(job_id)]
        running = subprocess.Popen(command, env=beside[1], cwd=ROOT)
        processes.append(running)
        ends = time.monotonic() + 60
        while job(world, job_id)["done"] < least:
            assert time.monotonic() < ends
            assert running.poll() is None
            time.sleep(0.005)
        running.send_signal(signal.SIGKILL)
        running.wait()
        assert least <= job(world, job_id)["done"] < PEOPLE, "killed on the way"
        abandon(world, job_id)
    run(world, job_id)
    check(world, course, job_id)


def test_a_worker_that_stops_gives_the_rest_to_the_next(world: World) -> None:
    course = world.course()
    job_id = begin(world, course)
    jobrun.stopping.set()
    try:
        run(world, job_id)
    finally:
        jobrun.stopping.clear()
    assert job(world, job_id)["state"] == "queued"
    assert world.events(course.id) == [], "what is rolled back is not reported either"
    run(world, job_id)
    check(world, course, job_id)


def test_a_list_that_is_cancelled_keeps_what_is_done(world: World) -> None:
    course = world.course()
    job_id = begin(world, course)
    world.set(jobs, jobs.c.id == job_id, cancel_requested=True)
    run(world, job_id)
    found = job(world, job_id)
    assert found["state"] == "cancelled"
    assert len((found["report"] or {"rows": []})["rows"]) == len(world.events(course.id)) == found["done"]


def test_a_worker_that_comes_back_too_late_writes_nothing(world: World) -> None:
    """It was taken for lost and another has the job: its next rows are rolled back with its report."""
    course = world.course()
    job_id = begin(world, course)

    def steal() -> None:
        ends = time.monotonic() + 30
        while job(world, job_id)["done"] < 50 and time.monotonic() < ends:
            time.sleep(0.002)
        abandon(world, job_id)
        run(world, job_id)

    together([lambda: run(world, job_id), steal])
    check(world, course, job_id)


def test_two_lists_of_the_same_people_enrol_each_once(world: World) -> None:
    course = world.course()
    people = world.people(120)
    ids = []
    for order in (people, people[::-1]):
        rows = [{"user_id": user} for user in order]
        sent = world.as_("teacher").post("/enrollments/bulk", json={"rows": rows, "course_id": course.id})
        ids.append(sent.data["job_id"])
    together([lambda job_id=job_id: run(world, job_id) for job_id in ids])  # type: ignore[misc]
    counts = [job(world, job_id)["report"]["counts"] for job_id in ids]
    assert (sum(c["enrolled"] for c in counts), sum(c["unchanged"] for c in counts)) == (120, 120)
    assert world.events(course.id) == ["enrollment.created"] * 120
    assert course.row()["student_count"] == 120


def test_learners_enrol_themselves_while_a_list_is_done(world: World) -> None:
    """No wait for the list's end, and no seat too many."""
    course = world.course(capacity=PEOPLE // 2)
    job_id = begin(world, course)
    answers = together(
        [lambda: run(world, job_id)]
        + [lambda who=who: world.as_(who).post(f"/courses/{course.id}/enroll") for who in ("student", "student2")]  # type: ignore[misc]
    )
    assert {answer.status for answer in answers[1:]} <= {201, 409}
    counts = job(world, job_id)["report"]["counts"]
    selves = sum(answer.status == 201 for answer in answers[1:])
    assert counts["enrolled"] + selves == course.row()["student_count"] == PEOPLE // 2
    with world.api.inside():
        held = db.value(select(jobs.c.attempts).where(jobs.c.id == job_id))
    assert held == 1
