"""Progress is exact under concurrency: one completion, one event, whatever happens at once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from learnomy_wp.kernel import db, jobs
from tests.progress.world import World, together
from wp_schema.tables import courses


def test_the_last_two_lessons_at_once_complete_the_course_once(world: World) -> None:
    student = world.as_("student")
    for _ in range(10):
        course = world.course(lessons=2)
        course.enrol("student")
        answers = together([partial(student.post, f"/lessons/{lesson}/complete") for lesson in course.lessons])
        assert {answer.status for answer in answers} == {200}
        assert sorted(answer.data["course_progress"]["percent"] for answer in answers) == [50, 100]
        row = course.enrollment("student")
        assert (row["status"], row["progress_percent"], row["completion_no"]) == ("completed", 100, 1)
        assert Counter(world.events(course.id)) == {
            "enrollment.created": 1,
            "lesson.completed": 2,
            "enrollment.completed": 1,
        }
        assert world.actions(course.id, "student")[-1][0] == "learnomy_course_completed"
        assert course.row()["completion_count"] == 1


def test_one_lesson_twenty_times_at_once_is_completed_once(world: World) -> None:
    course = world.course(lessons=2)
    course.enrol("student")
    student = world.as_("student")
    path = f"/lessons/{course.lessons[0]}/complete"
    answers = together([partial(student.post, path)] * 20)
    assert {answer.status for answer in answers} == {200}
    assert {answer.data["completed_at"] for answer in answers} == {answers[0].data["completed_at"]}
    assert world.events(course.id, topic="lesson.completed") == ["lesson.completed"]
    assert course.enrollment("student")["lessons_completed"] == 1


def test_one_key_at_once_is_one_completion(world: World) -> None:
    course = world.course(lessons=1)
    course.enrol("student")
    student = world.as_("student")
    headers = {"Idempotency-Key": f"complete-{course.id}"}
    path = f"/lessons/{course.lessons[0]}/complete"
    answers = together([partial(student.post, path, headers=headers)] * 8)
    assert {answer.status for answer in answers} <= {200, 409}
    assert 200 in {answer.status for answer in answers}
    assert {answer.code for answer in answers if answer.status == 409} <= {"idempotency_in_flight"}
    assert world.events(course.id, topic="enrollment.completed") == ["enrollment.completed"]


def test_any_mixture_ends_in_numbers_that_fit_the_rows(world: World) -> None:
    course = world.course(lessons=4, allow_retake=True)
    course.enrol("student")
    student = world.as_("student")
    dice = random.Random(7)
    calls: list[Callable[[], Any]] = []
    for lesson in course.lessons * 3:
        verb = dice.choice(["POST", "DELETE", "PUT"])
        path = f"/lessons/{lesson}/{'position' if verb == 'PUT' else 'complete'}"
        body = {"position_seconds": 4} if verb == "PUT" else None
        calls.append(partial(student.request, verb, path, json=body))
    calls.append(partial(student.delete, f"/courses/{course.id}/progress"))
    answers = together(calls)
    assert {answer.status for answer in answers} == {200}
    done = sum(item["state"] == "completed" for item in student.get(f"/courses/{course.id}/progress").data["items"])
    row = course.enrollment("student")
    assert (row["lessons_completed"], row["progress_percent"]) == (done, done * 25)
    events = Counter(world.events(course.id))
    assert events["enrollment.completed"] == row["completion_no"] <= 1


def test_completing_beside_a_recount_loses_nothing(world: World) -> None:
    course = world.course(lessons=4)
    people = ["student", "student2", "student3"]
    for who in people:
        course.enrol(who)
    with world.api.inside():
        db.transaction(lambda: _bump(course.id))
    calls: list[Callable[[], Any]] = [world.run_jobs]
    for who in people:
        session = world.as_(who)
        for lesson in course.lessons:
            calls.append(partial(session.post, f"/lessons/{lesson}/complete"))
    together(calls)
    world.run_jobs()
    for who in people:
        row = course.enrollment(who)
        assert (row["lessons_completed"], row["status"], row["completion_no"]) == (4, "completed", 1)
    assert world.events(course.id, topic="enrollment.completed") == ["enrollment.completed"] * 3


def _bump(course_id: int) -> None:
    version = courses.c.curriculum_version + 1
    db.execute(courses.update().where(courses.c.id == course_id).values(curriculum_version=version))
    jobs.enqueue("recount_course", {"course_id": course_id}, unique_key=str(course_id))


def test_leaving_while_completing(world: World) -> None:
    for _ in range(5):
        course = world.course(lessons=1)
        course.enrol("student")
        student = world.as_("student")
        path = f"/lessons/{course.lessons[0]}/complete"
        done, _left = together([partial(student.post, path), partial(student.delete, f"/courses/{course.id}/enroll")])
        row = course.enrollment("student")
        assert row["has_access"] is False
        events = Counter(world.events(course.id))
        assert events["enrollment.completed"] == (1 if done.status == 200 else 0)
        assert row["status"] == ("completed" if done.status == 200 else "cancelled")
        assert course.row()["student_count"] == 0
