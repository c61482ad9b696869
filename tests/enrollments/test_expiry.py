"""Access that begins and ends by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import event, insert, select

from learnomy_wp.enrollments.jobs import settle_due_enrollments
from learnomy_wp.kernel import db
from tests.progress.world import Course, World
from wp_schema.tables import activity, courses, enrollment_grants, enrollments, jobs

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


def pass_time(world: World) -> None:
    """What the worker does in its round."""
    with world.api.inside():
        settle_due_enrollments()
    world.run_jobs()


def grant(world: World, course: Course, **values: Any) -> Any:
    body = {"course_id": course.id, "user_id": world.ids["student"], **values}
    answer = world.as_("admin").post("/enrollments", json=body)
    assert answer.status == 201, answer.body
    return answer.data


def later(days: int) -> str:
    return (NOW + days * DAY).isoformat().replace("+00:00", "Z")


def test_access_ends_once_at_its_time(world: World) -> None:
    course = world.course(access_days=10)
    data = course.enrol("student")
    pass_time(world)
    assert course.enrollment("student")["status"] == "active"
    course.move_clock("student", 11 * DAY)
    end = course.grants("student")[0]["ends_at"]
    refused = world.as_("student").post(f"/lessons/{course.lessons[0]}/complete")
    assert (refused.status, refused.code) == (403, "access_expired"), "at once, the job only follows"
    pass_time(world)
    pass_time(world)
    row = course.enrollment("student")
    assert (row["status"], row["has_access"], row["expires_at"]) == ("expired", False, end)
    [given] = course.grants("student")
    assert (given["ended_at"], given["end_reason"], given["revoked_at"]) == (end, "expired", None)
    assert world.actions(course.id, "student")[1:] == [
        ("learnomy_enrollment_expired", [data["id"], world.ids["student"], course.id])
    ]
    assert course.row()["student_count"] == 0


def test_it_ends_with_the_last_grant(world: World) -> None:
    course = world.course()
    grant(world, course, source="purchase", expires_at=later(1))
    grant(world, course, source="membership", expires_at=later(5))
    course.move_clock("student", 2 * DAY)
    pass_time(world)
    row = course.enrollment("student")
    assert (row["status"], row["has_access"]) == ("active", True)
    assert [given["ended_at"] is None for given in course.grants("student")] == [False, True]
    assert world.events(course.id) == ["enrollment.created"]
    course.move_clock("student", 5 * DAY)
    pass_time(world)
    assert world.events(course.id) == ["enrollment.created", "enrollment.expired"]


def test_access_begins_at_its_time(world: World) -> None:
    course = world.course(lessons=3)
    grant(world, course, source="purchase", starts_at=later(3))
    course.move_clock("student", 4 * DAY)
    pass_time(world)
    row = course.enrollment("student")
    assert (row["status"], row["lessons_total"]) == ("active", 3)
    assert row["enrolled_at"] == course.grants("student")[0]["starts_at"]
    assert world.events(course.id) == ["enrollment.created"]
    assert course.row()["student_count"] == 1


def test_access_that_has_begun_counts_before_any_job_notes_it(world: World) -> None:
    course = world.course(lessons=1)
    grant(world, course, source="purchase", starts_at=later(3))
    course.move_clock("student", 4 * DAY)
    answer = world.as_("student").post(f"/lessons/{course.lessons[0]}/complete")
    assert (answer.status, answer.data["state"]) == (200, "completed")
    pass_time(world)
    row = course.enrollment("student")
    assert (row["status"], row["completion_no"]) == ("completed", 1)
    assert world.events(course.id) == ["lesson.completed", "enrollment.created", "enrollment.completed"]


def test_a_window_that_opened_again_counts_before_any_job_notes_it(world: World) -> None:
    course = world.course(capacity=1)
    course.enrol("student")
    course.change(access_ends_at=NOW - DAY)
    data = course.enrollment("student")
    assert world.as_("admin").patch(f"/enrollments/{data['id']}", json={}).data["status"] == "expired"
    course.change(access_ends_at=None)
    assert world.as_("student").post(f"/courses/{course.id}/enroll").code == "already_enrolled"
    assert world.as_("admin").patch(f"/enrollments/{data['id']}", json={}).data["status"] == "active"
    assert course.row()["student_count"] == 1


def test_a_completed_one_expires_with_its_event_and_stays_completed(world: World) -> None:
    course = world.course(lessons=1, access_days=10)
    course.enrol("student")
    world.as_("student").post(f"/lessons/{course.lessons[0]}/complete")
    course.move_clock("student", 11 * DAY)
    pass_time(world)
    row = course.enrollment("student")
    assert (row["status"], row["has_access"]) == ("completed", False)
    assert world.events(course.id)[-1] == "enrollment.expired"


def test_enrolling_after_an_end_that_no_job_has_noted(world: World) -> None:
    course = world.course(access_days=10, capacity=1)
    course.enrol("student")
    course.move_clock("student", 11 * DAY)
    again = course.enrol("student")
    assert again["status"] == "active"
    assert world.events(course.id) == ["enrollment.created", "enrollment.expired", "enrollment.created"]
    assert course.row()["student_count"] == 1


def test_moving_the_window_ends_and_reopens_access(world: World) -> None:
    course = world.course()
    course.enrol("student")
    assert course.enrollment("student")["next_transition_at"] is None

    def move(to: datetime | None) -> dict[str, Any]:
        ends_at = to and to.isoformat().replace("+00:00", "Z")
        answer = world.as_("teacher").patch(f"/courses/{course.id}", json={"access_ends_at": ends_at})
        assert answer.status == 200, answer.body
        world.run_jobs()
        return course.enrollment("student")

    closed = move(NOW - DAY)
    assert (closed["status"], closed["expires_at"]) == ("expired", NOW - DAY)
    assert move(NOW - 2 * DAY)["status"] == "expired"
    reopened = move(NOW + 30 * DAY)
    assert (reopened["status"], reopened["expires_at"], reopened["next_transition_at"]) == (
        "active",
        NOW + 30 * DAY,
        NOW + 30 * DAY,
    )
    assert move(None)["expires_at"] is None
    assert world.events(course.id, user="student") == ["enrollment.created", "enrollment.expired", "enrollment.created"]


def test_one_that_cannot_be_settled_stops_no_other(world: World) -> None:
    first, second = world.course(access_days=1), world.course(access_days=1)
    first.enrol("student")
    second.enrol("student")
    for course in (first, second):
        course.move_clock("student", 2 * DAY)
    course_id = first.id
    world.set(enrollments, enrollments.c.course_id == course_id, course_id=987654321)
    pass_time(world)
    assert second.enrollment("student")["status"] == "expired"
    world.set(enrollments, enrollments.c.course_id == 987654321, course_id=course_id, next_transition_at=None)


def test_many_ends_at_once(world: World) -> None:
    course = world.course(lessons=1)
    people = world.people(250)
    ended = NOW - DAY
    with world.api.inside():
        db.transaction(lambda: _enrol_all(course, people, ended))
    sent: list[str] = []
    engine = world.api.runtime.database.write
    event.listen(engine, "before_cursor_execute", lambda *args: sent.append(args[2]))
    pass_time(world)
    found = world.rows(select(enrollments.c.status).where(enrollments.c.course_id == course.id))
    assert {row["status"] for row in found} == {"expired"}
    events = world.rows(select(activity.c.user_id).where(activity.c.course_id == course.id))
    assert sorted(row["user_id"] for row in events) == people
    assert len(sent) < 14 * len(people)
    assert not world.rows(select(jobs).where(jobs.c.state != "done"))
    assert course.row()["student_count"] == 0


def _enrol_all(course: Course, people: list[int], ends_at: datetime) -> None:
    base = {"course_id": course.id, "created_at": NOW, "updated_at": NOW}
    rows = [
        {
            **base,
            "id": 1_000_000 + user_id,
            "user_id": user_id,
            "status": "active",
            "has_access": True,
            "enrolled_at": NOW - 9 * DAY,
            "last_activity_at": NOW,
            "expires_at": ends_at,
            "next_transition_at": ends_at,
        }
        for user_id in people
    ]
    db.execute(insert(enrollments), rows)
    grants = [
        {**base, "enrollment_id": row["id"], "user_id": row["user_id"], "starts_at": NOW - 9 * DAY, "ends_at": ends_at}
        for row in rows
    ]
    db.execute(insert(enrollment_grants), grants)
    db.execute(courses.update().where(courses.c.id == course.id).values(student_count=len(people)))
