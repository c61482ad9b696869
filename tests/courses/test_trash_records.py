"""What the trash does to students' records: nothing that restoring does not undo, and nothing twice."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from tests.courses.school import School
from wp_schema.tables import activity, enrollments, outbox, progress

# What restoring leaves as it was, of an enrolment and of progress. The curriculum's version counts on.
ENROLLMENT = (
    "id", "user_id", "status", "source", "has_access", "progress_percent", "lessons_completed", "lessons_total",
    "next_lesson_id", "last_lesson_id", "completion_no", "enrolled_at", "started_at", "completed_at", "expires_at",
)  # fmt: skip
PROGRESS = ("id", "user_id", "object_id", "state", "position_seconds", "watched_share", "started_at", "completed_at")


@pytest.fixture
def course(school: School) -> dict[str, Any]:
    """Two sections of two lessons, a topic in the first; one student half through, one done, one gone."""
    made = school.filled(lessons=2)
    second = school.section(made["id"])["id"]
    lessons = [*made["lessons"], *(school.lesson(second)["id"] for _ in range(2))]
    topic = school.topic(lessons[0])["id"]
    school.run_jobs()
    found = {**made, "second": second, "lessons": lessons, "topic": topic}
    for who in ("student", "student2", "student3"):
        school.enrol(made["id"], who)
        _complete(school, who, topic, lessons[0])
    school.as_("student").put(f"/lessons/{lessons[1]}/position", json={"position_seconds": 42, "watched_share": 60})
    _complete(school, "student2", *lessons[1:])
    assert school.as_("student3").delete(f"/courses/{made['id']}/enroll").status == 200
    return found


def _complete(school: School, who: str, *lessons: int) -> None:
    for lesson in lessons:
        answer = school.as_(who).post(f"/lessons/{lesson}/complete")
        assert answer.status == 200, answer.body


def record(school: School, course_id: int) -> tuple[list[Any], list[Any], list[Any]]:
    """Enrolments, progress and what was announced of students in a course."""
    held = school.rows(select(enrollments).where(enrollments.c.course_id == course_id).order_by(enrollments.c.id))
    done = school.rows(select(progress).where(progress.c.course_id == course_id).order_by(progress.c.id))
    told = school.rows(
        select(activity.c.event, activity.c.user_id)
        .where(activity.c.course_id == course_id, activity.c.event.not_like("course.%"))
        .order_by(activity.c.id)
    )
    return (
        [{name: row[name] for name in ENROLLMENT} for row in held],
        [{name: row[name] for name in PROGRESS} for row in done],
        [(row["event"], row["user_id"]) for row in told],
    )


def path(course: dict[str, Any], what: str) -> str:
    return {
        "course": f"/courses/{course['id']}",
        "section": f"/sections/{course['section']}",
        "lesson": f"/lessons/{course['lessons'][0]}",
        "last lesson": f"/lessons/{course['lessons'][3]}",
        "topic": f"/lessons/{course['topic']}",
    }[what]


@pytest.mark.parametrize("what", ["course", "section", "lesson", "last lesson", "topic"])
def test_trash_and_back_leaves_every_students_record(school: School, course: dict[str, Any], what: str) -> None:
    teacher, where = school.as_("teacher"), path(course, what)
    before = record(school, course["id"])
    numbers = teacher.get(f"/courses/{course['id']}/analytics").data
    sent = len(school.rows(select(outbox.c.id).where(outbox.c.aggregate.like("course_user:%"))))
    assert teacher.delete(where).status == 200
    school.run_jobs()
    held, done, told = record(school, course["id"])
    assert (done, told) == before[1:], "no progress is lost, nobody is told that anything was completed"
    if what == "course":
        assert held == before[0], "a course may stay in the trash for good, and so does what was achieved in it"
    restored = teacher.patch(where, json={"status": "published"})
    assert restored.status == 200, restored.body
    school.run_jobs()
    assert record(school, course["id"]) == before
    assert len(school.rows(select(outbox.c.id).where(outbox.c.aggregate.like("course_user:%")))) == sent
    again = teacher.get(f"/courses/{course['id']}/analytics").data
    assert {**again, "generated_at": None} == {**numbers, "generated_at": None}
    shown = school.as_("student").get(f"/courses/{course['id']}/progress").data
    assert (shown["percent"], shown["lessons_completed"], shown["lessons_total"]) == (40, 2, 5)


def test_a_learner_goes_on_where_the_course_was_trashed(school: School, course: dict[str, Any]) -> None:
    teacher, student = school.as_("teacher"), school.as_("student")
    teacher.delete(f"/courses/{course['id']}")
    school.run_jobs()
    assert student.get(f"/courses/{course['id']}/progress").status == 404
    assert student.post(f"/lessons/{course['lessons'][1]}/complete").status == 404
    mine = student.get("/me/courses?per_page=100").data
    assert course["id"] not in [row["course_id"] for row in mine]
    held = student.get(f"/enrollments?course_id={course['id']}").data
    assert [row["progress_percent"] for row in held] == [40], "the record is still the student's to see"
    assert teacher.patch(f"/courses/{course['id']}", json={"status": "published"}).status == 200
    school.run_jobs()
    done = student.post(f"/lessons/{course['lessons'][1]}/complete")
    assert (done.status, done.data["course_progress"]["percent"]) == (200, 60)
    assert done.data["position_seconds"] == 42


def test_enrolments_of_a_trashed_course_are_ended_and_no_more_are_made(school: School, course: dict[str, Any]) -> None:
    """Staff may still end what is there; nobody is let in."""
    teacher = school.as_("teacher")
    assert teacher.delete(f"/courses/{course['id']}").status == 200
    body = {"course_id": course["id"], "user_id": school.ids["subscriber"]}
    assert teacher.post("/enrollments", json=body).status == 422
    held = school.rows(select(enrollments.c.id).where(enrollments.c.course_id == course["id"]))
    for status in ("active", "completed"):
        refused = teacher.patch(f"/enrollments/{held[1]['id']}", json={"status": status})
        assert (refused.status, refused.code) == (409, "in_trash")
    answer = teacher.delete(f"/enrollments/{held[0]['id']}")
    assert answer.status == 200, answer.body
    assert school.row(enrollments, held[0]["id"])["status"] == "cancelled"  # type: ignore[index]
