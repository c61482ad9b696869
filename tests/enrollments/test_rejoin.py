"""Beginning again: whoever was in a course before, completed or not, passes the same doors as everybody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.progress.world import Course, World

DAY = timedelta(days=1)


def leave(world: World, course: Course) -> None:
    assert world.as_("student").delete(f"/courses/{course.id}/enroll").status == 200


def remove(world: World, course: Course) -> None:
    enrollment_id = course.enrollment("student")["id"]
    assert world.as_("teacher").delete(f"/enrollments/{enrollment_id}").status == 200


def refund(world: World, course: Course) -> None:
    _end_as(world, course, "refunded")


def expire(world: World, course: Course) -> None:
    _end_as(world, course, "expired")


def run_out(world: World, course: Course) -> None:
    enrollment_id = course.enrollment("student")["id"]
    until = (datetime.now(UTC) + DAY).isoformat()
    assert world.as_("teacher").patch(f"/enrollments/{enrollment_id}", json={"expires_at": until}).status == 200
    course.move_clock("student", 2 * DAY)


def _end_as(world: World, course: Course, status: str) -> None:
    enrollment_id = course.enrollment("student")["id"]
    answer = world.as_("teacher").patch(f"/enrollments/{enrollment_id}", json={"status": status})
    assert answer.status == 200, answer.body


ENDS = {leave: "cancelled", remove: "cancelled", refund: "refunded", expire: "expired", run_out: "expired"}
every_end = pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
done_or_not = pytest.mark.parametrize("is_completed", [False, True], ids=["unfinished", "completed"])
End = Callable[[World, Course], None]


def was_here(world: World, end: End, *, is_completed: bool, **values: object) -> Course:
    """A course that the student was in, completed or not, and is in no more."""
    course = world.course(lessons=1, **values)
    course.enrol("student")
    if is_completed:
        assert world.as_("student").post(f"/lessons/{course.lessons[0]}/complete").status == 200
        assert course.enrollment("student")["status"] == "completed"
    end(world, course)
    return course


@every_end
@done_or_not
def test_rejoining_waits_for_approval_again(world: World, end: End, is_completed: bool) -> None:
    course = was_here(world, end, is_completed=is_completed)
    course.change(enrollment_mode="approval")
    student, teacher = world.as_("student"), world.as_("teacher")
    asked = course.enrol("student")
    assert (asked["status"], asked["has_access"]) == ("pending", False)
    assert world.events(course.id, topic="enrollment.created") == ["enrollment.created"]
    assert len(course.grants("student")) == 1
    assert student.get(f"/lessons/{course.lessons[0]}").code == "enrollment_pending"
    assert student.post(f"/courses/{course.id}/enroll").code == "already_requested"
    assert course.row()["student_count"] == 0

    approved = teacher.patch(f"/enrollments/{asked['id']}", json={"status": "active"})
    assert approved.status == 200, approved.body
    assert (approved.data["status"], approved.data["has_access"]) == ("completed" if is_completed else "active", True)
    assert course.enrollment("student")["approved_by"] == world.ids["teacher"]
    assert world.events(course.id, topic="enrollment.created") == ["enrollment.created"] * 2
    assert world.events(course.id, topic="enrollment.completed") == ["enrollment.completed"] * is_completed


@every_end
@done_or_not
@pytest.mark.parametrize("by", ["student", "teacher"])
def test_a_request_that_comes_to_nothing_leaves_all_as_it_was(
    world: World, end: End, is_completed: bool, by: str
) -> None:
    course = was_here(world, end, is_completed=is_completed)
    course.change(enrollment_mode="approval")
    asked = course.enrol("student")
    if by == "student":
        leave(world, course)
    else:
        answer = world.as_("teacher").patch(f"/enrollments/{asked['id']}", json={"status": "cancelled"})
        assert answer.status == 200, answer.body
    row = course.enrollment("student")
    assert (row["status"], row["has_access"]) == ("completed" if is_completed else ENDS[end], False)
    assert (row["completed_at"] is not None) is is_completed
    assert course.enrol("student")["status"] == "pending", "it may be asked for again"


@done_or_not
@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"price_minor": 4900, "currency": "EUR"}, "payment_required"),
        ({"opens_at": datetime.now(UTC) + DAY}, "enrollment_not_open"),
        ({"closes_at": datetime.now(UTC) - DAY}, "enrollment_closed"),
        ({"capacity": 0}, "course_full"),
        ({"status": "archived"}, "not_found"),
        ({"status": "private"}, "not_found"),
    ],
)
@pytest.mark.parametrize("mode", ["open", "approval"])
def test_what_keeps_others_out_keeps_out_who_was_here(
    world: World, is_completed: bool, values: dict, code: str, mode: str
) -> None:
    course = was_here(world, leave, is_completed=is_completed)
    before = course.enrollment("student")["status"]
    course.change(enrollment_mode=mode, **values)
    answer = world.as_("student").post(f"/courses/{course.id}/enroll")
    assert answer.code == code
    assert course.enrollment("student")["status"] == before
    assert len(course.grants("student")) == 1


@done_or_not
def test_a_prerequisite_that_came_later_is_asked_of_who_was_here(world: World, is_completed: bool) -> None:
    course, first = was_here(world, leave, is_completed=is_completed), world.course(lessons=1)
    course.require(first)
    assert world.as_("student").post(f"/courses/{course.id}/enroll").code == "prerequisites_unmet"


@done_or_not
def test_the_seat_of_who_left_is_gone(world: World, is_completed: bool) -> None:
    course = was_here(world, leave, is_completed=is_completed, capacity=1)
    course.enrol("student2")
    assert world.as_("student").post(f"/courses/{course.id}/enroll").code == "course_full"


@done_or_not
def test_who_is_to_come_back_later_asks_for_nothing(world: World, is_completed: bool) -> None:
    course = was_here(world, leave, is_completed=is_completed, enrollment_mode="open")
    course.change(enrollment_mode="approval")
    later = {"course_id": course.id, "user_id": world.ids["student"], "starts_at": _tomorrow()}
    assert world.as_("teacher").post("/enrollments", json=later).status == 201
    before = course.enrollment("student")["status"]
    answer = world.as_("student").post(f"/courses/{course.id}/enroll")
    assert (answer.status, answer.code) == (409, "already_enrolled")
    assert course.enrollment("student")["status"] == before


def test_a_retake_after_approval_begins_anew(world: World) -> None:
    course = was_here(world, remove, is_completed=True, reset_on_retake=True)
    course.change(enrollment_mode="approval")
    asked = course.enrol("student")
    assert asked["progress_percent"] == 100, "a request resets nothing"
    approved = world.as_("teacher").patch(f"/enrollments/{asked['id']}", json={"status": "active"}).data
    assert (approved["status"], approved["progress_percent"], approved["completed_at"]) == ("active", 0, None)


def _tomorrow() -> str:
    return (datetime.now(UTC) + DAY).isoformat()
