"""Enrolling oneself, requests that wait for approval, leaving, and coming back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.progress.world import World
from wp_schema.tables import course_terms, sections

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.fixture
def approval(world: World) -> Iterator[None]:
    """The whole site asks for approval."""
    assert world.as_("admin").patch("/settings", json={"enrollment_mode": "approval"}).status == 200
    yield
    world.as_("admin").patch("/settings", json={"enrollment_mode": "open"})


def test_enrolling_gives_the_enrolment_and_its_address(world: World) -> None:
    course = world.course(lessons=3)
    answer = world.as_("student").post(f"/courses/{course.id}/enroll")
    assert answer.status == 201
    data = answer.data
    assert data["id"] == data["enrollment_id"]
    assert answer.headers["Location"] == f"/wp-json/learnomy/v1/enrollments/{data['id']}"
    assert (data["course_id"], data["user_id"]) == (course.id, world.ids["student"])
    assert (data["status"], data["source"], data["progress_percent"]) == ("active", "self", 0)
    assert (data["lessons_total"], data["next_lesson_id"]) == (3, course.lessons[0])
    assert data["enrolled_at"].endswith("Z")
    assert data["completed_at"] is None
    assert data["expires_at"] is None
    assert data["course"]["slug"] == course.row()["slug"]
    assert data["user"]["display_name"] == "Student"
    assert world.actions(course.id, "student") == [
        ("learnomy_student_enrolled", [data["id"], world.ids["student"], course.id, "self"])
    ]
    assert world.as_("student").get(f"/enrollments/{data['id']}").data == data


def test_enrolling_twice_is_refused_and_changes_nothing(world: World) -> None:
    course = world.course()
    course.enrol("student")
    answer = world.as_("student").post(f"/courses/{course.id}/enroll")
    assert (answer.status, answer.code) == (409, "already_enrolled")
    assert world.events(course.id) == ["enrollment.created"]
    assert course.row()["student_count"] == 1


def test_a_repeated_request_with_its_key_gets_the_first_answer(world: World) -> None:
    course = world.course()
    headers = {"Idempotency-Key": f"enrol-{course.id}"}
    first = world.as_("student").post(f"/courses/{course.id}/enroll", headers=headers)
    again = world.as_("student").post(f"/courses/{course.id}/enroll", headers=headers)
    assert (first.status, again.status) == (201, 201)
    assert again.body == first.body
    assert again.headers["Idempotency-Replayed"] == "true"


def test_the_number_of_students_follows_in_course_and_terms(world: World) -> None:
    course = world.course()
    world.insert(course_terms, course_id=course.id, term_id=course.id)

    def counted() -> tuple[int, int]:
        [term] = world.rows(course_terms.select().where(course_terms.c.course_id == course.id))
        return course.row()["student_count"], term["student_count"]

    course.enrol("student")
    course.enrol("student2")
    assert counted() == (2, 2)
    world.as_("student").delete(f"/courses/{course.id}/enroll")
    assert counted() == (1, 1)


@pytest.mark.parametrize(
    ("values", "code", "status"),
    [
        ({"price_minor": 4900, "currency": "EUR"}, "payment_required", 409),
        ({"opens_at": NOW + DAY}, "enrollment_not_open", 409),
        ({"closes_at": NOW - DAY}, "enrollment_closed", 409),
        ({"access_ends_at": NOW - DAY}, "enrollment_closed", 409),
        ({"capacity": 0}, "course_full", 409),
    ],
)
def test_barriers_refuse_with_a_code_and_a_sentence(world: World, values: dict, code: str, status: int) -> None:
    course = world.course(**values)
    answer = world.as_("student").post(f"/courses/{course.id}/enroll")
    assert (answer.status, answer.code) == (status, code)
    assert len(answer.body["error"]["message"].split()) > 3
    assert world.events(course.id) == []


def test_prerequisites_have_to_be_completed(world: World) -> None:
    first, second = world.course(lessons=1), world.course()
    second.require(first)
    answer = world.as_("student").post(f"/courses/{second.id}/enroll")
    assert (answer.status, answer.code) == (403, "prerequisites_unmet")
    first.enrol("student")
    assert world.as_("student").post(f"/courses/{second.id}/enroll").code == "prerequisites_unmet"
    world.as_("student").post(f"/lessons/{first.lessons[0]}/complete")
    second.enrol("student")


def test_a_prerequisite_in_the_trash_asks_for_nothing(world: World) -> None:
    first, second = world.course(lessons=1), world.course()
    second.require(first)
    first.change(status="trash", deleted_at=NOW)
    second.enrol("student")


@pytest.mark.parametrize("status", ["draft", "pending", "private", "archived"])
def test_what_the_caller_may_not_know_of_is_not_found(world: World, status: str) -> None:
    course = world.course(status=status)
    assert world.as_("student").post(f"/courses/{course.id}/enroll").status == 404
    assert world.as_("student").post("/courses/987654321/enroll").status == 404
    assert world.as_(None).post(f"/courses/{course.id}/enroll").status == 401


def test_a_full_course_has_room_again_when_somebody_leaves(world: World) -> None:
    course = world.course(capacity=1)
    course.enrol("student")
    assert world.as_("student2").post(f"/courses/{course.id}/enroll").code == "course_full"
    world.as_("student").delete(f"/courses/{course.id}/enroll")
    course.enrol("student2")


# --- approval ----------------------------------------------------------------------------


@pytest.mark.usefixtures("approval")
def test_a_request_waits_gives_no_access_and_fires_nothing(world: World) -> None:
    course = world.course()
    student = world.as_("student")
    data = course.enrol("student")
    assert data["status"] == "pending"
    assert data["has_access"] is False
    assert world.events(course.id) == []
    assert course.row()["student_count"] == 0
    assert student.post(f"/courses/{course.id}/enroll").code == "already_requested"
    refused = student.post(f"/lessons/{course.lessons[0]}/complete")
    assert (refused.status, refused.code) == (403, "enrollment_pending")

    approved = world.as_("teacher").patch(f"/enrollments/{data['id']}", json={"status": "active"})
    assert approved.status == 200, approved.body
    assert (approved.data["status"], approved.data["source"]) == ("active", "self")
    assert course.enrollment("student")["approved_by"] == world.ids["teacher"]
    assert world.events(course.id) == ["enrollment.created"]
    assert student.post(f"/lessons/{course.lessons[0]}/complete").status == 200


@pytest.mark.usefixtures("approval")
def test_a_request_turned_down_can_be_made_again(world: World) -> None:
    course = world.course()
    data = course.enrol("student")
    answer = world.as_("teacher").patch(f"/enrollments/{data['id']}", json={"status": "cancelled"})
    assert answer.data["status"] == "cancelled"
    again = course.enrol("student")
    assert (again["id"], again["status"]) == (data["id"], "pending")
    for status in ("expired", "refunded"):
        refused = world.as_("teacher").patch(f"/enrollments/{data['id']}", json={"status": status})
        assert (refused.status, refused.code) == (409, "enrollment_not_active")
    assert world.as_("student").delete(f"/courses/{course.id}/enroll").data == {"id": data["id"], "deleted": True}
    assert course.enrollment("student")["status"] == "cancelled"
    assert world.events(course.id) == []


@pytest.mark.usefixtures("approval")
def test_who_left_asks_again_and_waits_again(world: World) -> None:
    course = world.course()
    student, teacher = world.as_("student"), world.as_("teacher")
    data = course.enrol("student")
    teacher.patch(f"/enrollments/{data['id']}", json={"status": "active"})
    student.delete(f"/courses/{course.id}/enroll")
    assert course.enrol("student")["status"] == "pending"
    assert student.post(f"/courses/{course.id}/enroll").code == "already_requested"
    approved = teacher.patch(f"/enrollments/{data['id']}", json={"status": "active"}).data
    assert (approved["status"], approved["source"]) == ("active", "self")
    assert course.enrollment("student")["approved_by"] == world.ids["teacher"]
    assert world.events(course.id) == ["enrollment.created", "enrollment.cancelled", "enrollment.created"]
    student.delete(f"/courses/{course.id}/enroll")
    course.enrol("student")
    assert student.delete(f"/courses/{course.id}/enroll").status == 200, "a request can be withdrawn"
    assert course.enrollment("student")["status"] == "cancelled"


@pytest.mark.usefixtures("approval")
def test_enrolment_counts_from_when_access_begins(world: World) -> None:
    """Not from a request that was turned down long before."""
    course = world.course()
    data = course.enrol("student")
    teacher = world.as_("teacher")
    teacher.patch(f"/enrollments/{data['id']}", json={"status": "cancelled"})
    course.move_clock("student", 30 * DAY)
    asked = course.enrollment("student")["enrolled_at"]
    course.enrol("student")
    approved = teacher.patch(f"/enrollments/{data['id']}", json={"status": "active"}).data
    assert datetime.fromisoformat(approved["enrolled_at"]) - asked > 29 * DAY


@pytest.mark.usefixtures("approval")
def test_approving_does_not_overfill(world: World) -> None:
    course = world.course(capacity=1)
    course.enrol("student")
    other = course.enrol("student2")
    first = course.enrollment("student")
    teacher = world.as_("teacher")
    assert teacher.patch(f"/enrollments/{first['id']}", json={"status": "active"}).status == 200
    assert teacher.patch(f"/enrollments/{other['id']}", json={"status": "active"}).code == "course_full"
    assert course.enrollment("student2")["status"] == "pending"


def test_the_courses_own_mode_goes_before_the_sites(world: World) -> None:
    course = world.course(enrollment_mode="approval")
    assert course.enrol("student")["status"] == "pending"


# --- leaving and coming back ---------------------------------------------------------------


def test_leaving_ends_access_and_keeps_the_history(world: World) -> None:
    course = world.course(lessons=2)
    data = course.enrol("student")
    student = world.as_("student")
    student.post(f"/lessons/{course.lessons[0]}/complete")
    answer = student.delete(f"/courses/{course.id}/enroll")
    assert (answer.status, answer.data) == (200, {"id": data["id"], "deleted": True})
    refused = student.delete(f"/courses/{course.id}/enroll")
    assert (refused.status, refused.code) == (403, "not_enrolled")
    row = course.enrollment("student")
    assert (row["status"], row["progress_percent"]) == ("cancelled", 50)
    assert world.actions(course.id, "student")[-1] == (
        "learnomy_student_unenrolled",
        [data["id"], world.ids["student"], course.id],
    )
    assert student.post(f"/lessons/{course.lessons[1]}/complete").code == "not_enrolled"


def test_coming_back_begins_access_again_where_it_was_left(world: World) -> None:
    course = world.course(lessons=2)
    data = course.enrol("student")
    student = world.as_("student")
    student.post(f"/lessons/{course.lessons[0]}/complete")
    student.delete(f"/courses/{course.id}/enroll")
    again = course.enrol("student")
    assert (again["id"], again["progress_percent"], again["status"]) == (data["id"], 50, "active")
    assert world.events(course.id, topic="enrollment.created") == ["enrollment.created"] * 2
    assert len(course.grants("student")) == 2


def test_coming_back_begins_anew_where_the_course_says_so(world: World) -> None:
    course = world.course(lessons=1, reset_on_retake=True)
    course.enrol("student")
    student = world.as_("student")
    student.post(f"/lessons/{course.lessons[0]}/complete")
    student.delete(f"/courses/{course.id}/enroll")
    assert course.enrollment("student")["status"] == "completed"
    again = course.enrol("student")
    assert (again["status"], again["progress_percent"], again["completed_at"]) == ("active", 0, None)
    student.post(f"/lessons/{course.lessons[0]}/complete")
    assert course.enrollment("student")["completion_no"] == 2
    assert world.events(course.id, topic="enrollment.completed") == ["enrollment.completed"] * 2


def test_coming_back_completes_what_became_complete_meanwhile(world: World) -> None:
    course = world.course(lessons=2)
    course.enrol("student")
    student = world.as_("student")
    student.post(f"/lessons/{course.lessons[0]}/complete")
    student.delete(f"/courses/{course.id}/enroll")
    course.change_lesson(course.lessons[1], status="draft")
    again = course.enrol("student")
    assert (again["status"], again["progress_percent"]) == ("completed", 100)
    assert world.events(course.id)[-2:] == ["enrollment.created", "enrollment.completed"]


def test_days_of_access_count_from_enrolling(world: World) -> None:
    course = world.course(access_days=30)
    data = course.enrol("student")
    enrolled, expires = (datetime.fromisoformat(data[name]) for name in ("enrolled_at", "expires_at"))
    assert expires - enrolled == 30 * DAY


def test_the_window_bounds_the_days_of_access(world: World) -> None:
    end = datetime.now(UTC).replace(microsecond=0) + 3 * DAY
    course = world.course(access_days=30, access_ends_at=end)
    data = course.enrol("student")
    assert datetime.fromisoformat(data["expires_at"]) == end


def test_an_academy_that_is_private_lets_whom_it_may_enrol(world: World) -> None:
    admin = world.as_("admin")
    assert admin.patch("/settings", json={"require_login_for_content": True}).status == 200
    try:
        course = world.course()
        assert world.as_(None).post(f"/courses/{course.id}/enroll").status == 401
        course.enrol("student")
    finally:
        admin.patch("/settings", json={"require_login_for_content": False})


def test_a_course_without_lessons_is_never_complete(world: World) -> None:
    course = world.course(lessons=0)
    data = course.enrol("student")
    assert (data["progress_percent"], data["status"], data["next_lesson_id"]) == (0, "active", None)


def test_lessons_in_a_trashed_section_do_not_count(world: World) -> None:
    course = world.course(lessons=1)
    course.add_section()
    course.add_lesson()
    world.set(sections, sections.c.id == course.sections[1], status="trash", deleted_at=NOW)
    course.add_lesson(section_id=None)
    assert course.enrol("student")["lessons_total"] == 1
