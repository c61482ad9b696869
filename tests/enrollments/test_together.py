"""Many at once: one row, one event, no seat given twice. Mirrors learners added twice elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import func, select

from learnomy_wp.enrollments.jobs import settle_due_enrollments
from tests.progress.world import World, together
from wp_schema.tables import enrollment_grants, enrollments


def test_one_learner_enrolling_fifty_times_is_enrolled_once(world: World) -> None:
    course = world.course()
    student = world.as_("student")
    answers = together([partial(student.post, f"/courses/{course.id}/enroll")] * 50)
    assert Counter(answer.status for answer in answers) == {201: 1, 409: 49}
    assert {answer.code for answer in answers if answer.status == 409} == {"already_enrolled"}
    assert len(course.grants("student")) == 1
    assert world.events(course.id) == ["enrollment.created"]
    assert len(world.actions(course.id, "student")) == 1
    assert course.row()["student_count"] == 1


def test_fifty_learners_and_ten_seats(world: World) -> None:
    course = world.course(capacity=10)
    people = world.people(50)
    admin = world.as_("admin")

    answers = together(
        [partial(admin.post, "/enrollments", json={"course_id": course.id, "user_id": user_id}) for user_id in people]
    )
    assert Counter(answer.status for answer in answers) == {201: 10, 409: 40}
    assert {answer.code for answer in answers if answer.status == 409} == {"course_full"}
    where = enrollments.c.course_id == course.id
    assert world.rows(select(func.count().label("n")).select_from(enrollments).where(where))[0]["n"] == 10
    assert len(world.events(course.id)) == 10
    assert course.row()["student_count"] == 10


def test_seats_of_several_doors_are_the_same_seats(world: World) -> None:
    course = world.course(capacity=2)
    admin = world.as_("admin")
    body = {"course_id": course.id, "user_id": world.people(1)[0]}
    calls: list[Callable[[], Any]] = [partial(admin.post, "/enrollments", json=body)]
    for who in ("student", "student2", "student3"):
        session = world.as_(who)
        calls.append(partial(session.post, f"/courses/{course.id}/enroll"))
    answers = together(calls)
    assert Counter(answer.status for answer in answers) == {201: 2, 409: 2}
    assert course.row()["student_count"] == 2


def test_ending_leaving_and_expiring_at_once_end_once(world: World) -> None:
    course = world.course()
    data = course.enrol("student")
    student, admin = world.as_("student"), world.as_("admin")
    path = f"/enrollments/{data['id']}"
    calls: list[Callable[[], Any]] = []
    for _ in range(5):
        calls += [
            partial(student.delete, f"/courses/{course.id}/enroll"),
            partial(admin.patch, path, json={"status": "refunded"}),
            partial(admin.delete, path),
        ]
    answers = together(calls)
    assert {answer.status for answer in answers} <= {200, 403}
    assert len(world.events(course.id)) == 2
    assert course.enrollment("student")["has_access"] is False
    assert course.row()["student_count"] == 0


def test_two_workers_settle_an_end_once(world: World) -> None:
    course = world.course(access_days=1)
    course.enrol("student")
    course.move_clock("student", timedelta(days=2))

    def work() -> None:
        with world.api.inside():
            settle_due_enrollments()
        world.run_jobs()

    together([work] * 4)
    assert world.events(course.id) == ["enrollment.created", "enrollment.expired"]


def test_grants_of_one_source_at_once_are_one_grant(world: World) -> None:
    course = world.course()
    admin = world.as_("admin")
    body = {"course_id": course.id, "user_id": world.ids["student"], "source": "purchase", "source_id": 9}
    answers = together([partial(admin.post, "/enrollments", json=body)] * 10)
    assert Counter(answer.status for answer in answers) == {201: 1, 409: 9}
    where = enrollment_grants.c.course_id == course.id
    assert len(world.rows(select(enrollment_grants.c.id).where(where))) == 1
