"""Progress through a course, and starting it again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.progress.world import World
from wp_schema.tables import progress, quizzes


def test_progress_names_every_part_with_its_state(world: World) -> None:
    course = world.course(lessons=2, topics=1, drip_mode="sequential")
    course.enrol("student")
    student = world.as_("student")
    first, second = course.lessons
    [topic] = course.topics
    quiz = world.insert(
        quizzes, course_id=course.id, title="Test", slug=f"test-{course.id}", sort_title="", status="published"
    )
    student.post(f"/topics/{topic}/complete")
    data = student.get(f"/courses/{course.id}/progress").data
    assert (data["course_id"], data["user_id"], data["status"]) == (course.id, world.ids["student"], "active")
    assert (data["percent"], data["lessons_completed"], data["lessons_total"]) == (33, 1, 3)
    assert (data["quizzes_passed"], data["quizzes_total"]) == (0, 1)
    assert data["next_lesson"]["id"] == first
    assert data["last_activity_at"].endswith("Z")
    assert [(item["type"], item["id"], item["state"]) for item in data["items"]] == [
        ("lesson", first, "available"),
        ("topic", topic, "completed"),
        ("lesson", second, "locked"),
        ("quiz", quiz, "available"),
    ]
    assert data["items"][1]["parent_id"] == first
    assert data["items"][1]["completed_at"] is not None
    assert data["items"][2]["locked_reason"] == "previous_lesson"
    student.post(f"/lessons/{first}/complete")
    done = student.post(f"/lessons/{second}/complete").data["course_progress"]
    data = student.get(f"/courses/{course.id}/progress").data
    assert (data["percent"], data["status"], data["next_lesson"]) == (100, "completed", None)
    assert data["completed_at"] == done["completed_at"]


def test_drafts_and_unattached_lessons_are_not_on_the_way(world: World) -> None:
    course = world.course(lessons=1)
    course.add_lesson(status="draft")
    course.add_lesson(section_id=None)
    course.enrol("student")
    data = world.as_("student").get(f"/courses/{course.id}/progress").data
    assert [item["id"] for item in data["items"]] == [course.lessons[0]]


def test_who_sees_whose_progress(world: World) -> None:
    course = world.course(lessons=1)
    course.enrol("student")
    path = f"/courses/{course.id}/progress"
    theirs = f"{path}?user_id={world.ids['student']}"
    assert world.as_(None).get(path).status == 401
    refused = world.as_("student2").get(path)
    assert (refused.status, refused.code) == (403, "not_enrolled")
    assert world.as_("teacher").get(path).code == "not_enrolled"
    for who, status in (("student", 200), ("teacher", 200), ("admin", 200), ("student2", 403), ("teacher2", 403)):
        assert world.as_(who).get(theirs).status == status, who
    assert world.as_("teacher").get(theirs).data["user_id"] == world.ids["student"]
    assert world.as_("teacher").get(f"{path}?user_id={world.ids['student3']}").status == 404
    assert world.as_("student").get("/courses/987654321/progress").status == 404
    assert world.as_("student").get(f"{path}?user_id=x").status == 422
    draft = world.course(status="draft")
    assert world.as_("student").get(f"/courses/{draft.id}/progress").status == 404
    assert world.as_("student").get(f"/courses/{draft.id}/progress?user_id={world.ids['teacher']}").status == 404


def test_staff_see_the_learners_locks_not_their_own(world: World) -> None:
    course = world.course(lessons=2, drip_mode="sequential")
    course.enrol("student")
    data = world.as_("teacher").get(f"/courses/{course.id}/progress?user_id={world.ids['student']}").data
    assert [item["state"] for item in data["items"]] == ["available", "locked"]


def test_progress_stays_readable_when_access_has_ended(world: World) -> None:
    course = world.course(lessons=2, access_days=1)
    course.enrol("student")
    world.as_("student").post(f"/lessons/{course.lessons[0]}/complete")
    course.move_clock("student", timedelta(days=2))
    answer = world.as_("student").get(f"/courses/{course.id}/progress")
    assert (answer.status, answer.data["percent"]) == (200, 50)


# --- starting again ------------------------------------------------------------------------


def test_starting_again(world: World) -> None:
    course = world.course(lessons=1, topics=1, allow_retake=True)
    enrolled = course.enrol("student")
    student = world.as_("student")
    student.put(f"/lessons/{course.lessons[0]}/position", json={"position_seconds": 9, "watched_share": 90})
    student.post(f"/topics/{course.topics[0]}/complete")
    student.post(f"/lessons/{course.lessons[0]}/complete")
    wished = {"user_id": world.ids["student"], "object_type": "course", "object_id": course.id}
    world.insert(progress, **wished, course_id=course.id, state="none")
    answer = student.delete(f"/courses/{course.id}/progress")
    assert (answer.status, answer.data) == (200, {"id": enrolled["id"], "deleted": True})
    row = course.enrollment("student")
    assert (row["status"], row["completed_at"], row["started_at"]) == ("active", None, None)
    assert (row["progress_percent"], row["lessons_completed"], row["lessons_total"]) == (0, 0, 2)
    assert (row["completion_no"], row["next_lesson_id"]) == (1, course.lessons[0])
    assert row["reset_at"] is not None
    lesson = course.progress("student", course.lessons[0])
    assert (lesson["state"], lesson["position_seconds"], lesson["watched_share"]) == ("none", 0, 0)
    assert lesson["sync_at"] == lesson["updated_at"], "the row stays, as an operation of now"
    assert world.as_("student").get(f"/courses/{course.id}/progress").data["percent"] == 0
    student.post(f"/topics/{course.topics[0]}/complete")
    student.post(f"/lessons/{course.lessons[0]}/complete")
    assert course.enrollment("student")["completion_no"] == 2
    assert world.events(course.id, topic="enrollment.completed") == ["enrollment.completed"] * 2


def test_a_course_once_completed_stays_a_met_prerequisite(world: World) -> None:
    first, second = world.course(lessons=1, allow_retake=True), world.course()
    second.require(first)
    first.enrol("student")
    student = world.as_("student")
    student.post(f"/lessons/{first.lessons[0]}/complete")
    student.delete(f"/courses/{first.id}/progress")
    second.enrol("student")


@pytest.mark.parametrize(
    ("who", "status", "code"),
    [(None, 401, "unauthenticated"), ("student2", 403, "not_enrolled"), ("student", 409, "retake_not_allowed")],
)
def test_who_may_not_start_again(world: World, who: str | None, status: int, code: str) -> None:
    course = world.course(lessons=1)
    course.enrol("student")
    world.as_("student").post(f"/lessons/{course.lessons[0]}/complete")
    answer = world.as_(who).delete(f"/courses/{course.id}/progress")
    assert (answer.status, answer.code) == (status, code)
    assert course.enrollment("student")["status"] == "completed"


def test_without_access_nothing_is_started_again(world: World) -> None:
    course = world.course(lessons=1, allow_retake=True)
    course.enrol("student")
    world.as_("student").delete(f"/courses/{course.id}/enroll")
    assert world.as_("student").delete(f"/courses/{course.id}/progress").code == "not_enrolled"
