"""Completing lessons and courses: the rules, the bypasses, and what is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.progress.world import Course, World
from wp_schema.tables import course_instructors, progress

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.fixture(params=["advisory", "off"])
def lenient(world: World, request: pytest.FixtureRequest) -> Iterator[str]:
    """A site whose completion rules bind nobody."""
    assert world.as_("admin").patch("/settings", json={"completion_rules": request.param}).status == 200
    yield request.param
    world.as_("admin").patch("/settings", json={"completion_rules": "strict"})


def complete(world: World, lesson_id: int, who: str = "student", kind: str = "lessons") -> Any:
    return world.as_(who).post(f"/{kind}/{lesson_id}/complete")


def test_completing_every_lesson_completes_the_course(world: World) -> None:
    course = world.course(lessons=2, topics=1)
    enrolled = course.enrol("student")
    first, second = course.lessons
    [topic] = course.topics

    answer = complete(world, topic, kind="topics")
    assert answer.status == 200, answer.body
    data = answer.data
    assert (data["lesson_id"], data["course_id"], data["parent_id"]) == (topic, course.id, first)
    assert (data["state"], data["warnings"]) == ("completed", [])
    assert data["completed_at"].endswith("Z")
    assert data["course_progress"] == {
        "enrollment_id": enrolled["id"],
        "status": "active",
        "percent": 33,
        "lessons_completed": 1,
        "lessons_total": 3,
        "next_lesson_id": first,
        "completed_at": None,
    }
    assert complete(world, first).data["course_progress"]["next_lesson_id"] == second
    standing = complete(world, second).data["course_progress"]
    assert (standing["percent"], standing["status"], standing["next_lesson_id"]) == (100, "completed", None)
    assert standing["completed_at"] is not None
    student = world.ids["student"]
    assert world.actions(course.id, "student") == [
        ("learnomy_student_enrolled", [enrolled["id"], student, course.id, "self"]),
        ("learnomy_lesson_completed", [student, topic, course.id]),
        ("learnomy_lesson_completed", [student, first, course.id]),
        ("learnomy_lesson_completed", [student, second, course.id]),
        ("learnomy_course_completed", [enrolled["id"], student, course.id]),
    ]
    row = course.enrollment("student")
    assert (row["completion_no"], row["last_lesson_id"]) == (1, second)
    assert row["started_at"] is not None
    assert course.row()["completion_count"] == 1


def test_completing_again_changes_nothing(world: World) -> None:
    course = world.course(lessons=1)
    course.enrol("student")
    first = complete(world, course.lessons[0])
    before = course.enrollment("student"), course.progress("student", course.lessons[0])
    again = complete(world, course.lessons[0])
    assert (again.status, again.data) == (200, first.data)
    assert (course.enrollment("student"), course.progress("student", course.lessons[0])) == before
    assert world.events(course.id) == ["enrollment.created", "lesson.completed", "enrollment.completed"]


def test_a_write_counts_as_an_operation_at_server_time(world: World) -> None:
    course = world.course(lessons=1)
    course.enrol("student")
    [lesson] = course.lessons
    world.insert(
        progress,
        user_id=world.ids["student"],
        object_type="lesson",
        object_id=lesson,
        course_id=course.id,
        sync_at=NOW - DAY,
        sync_op_id="op-1",
    )
    complete(world, lesson)
    row = course.progress("student", lesson)
    assert row["sync_op_id"] is None
    assert row["sync_at"] == row["completed_at"] == row["updated_at"]
    world.as_("student").put(f"/lessons/{lesson}/position", json={"position_seconds": 5})
    later = course.progress("student", lesson)
    assert later["position_sync_at"] == later["updated_at"] > row["updated_at"]
    assert (later["sync_at"], later["state"]) == (row["sync_at"], "completed")


def test_taking_a_completion_back(world: World) -> None:
    course = world.course(lessons=2)
    course.enrol("student")
    student = world.as_("student")
    complete(world, course.lessons[0])
    answer = student.delete(f"/lessons/{course.lessons[0]}/complete")
    assert (answer.status, answer.data["state"], answer.data["completed_at"]) == (200, "in_progress", None)
    assert (answer.data["id"], answer.data["deleted"]) == (course.lessons[0], True), "a deletion answers as all do"
    assert answer.data["course_progress"]["percent"] == 0
    untouched = student.delete(f"/lessons/{course.lessons[1]}/complete")
    assert (untouched.status, untouched.data["state"]) == (200, "available")
    for lesson in course.lessons:
        complete(world, lesson)
    student.delete(f"/lessons/{course.lessons[0]}/complete")
    row = course.enrollment("student")
    assert (row["status"], row["progress_percent"]) == ("completed", 50)
    complete(world, course.lessons[0])
    assert world.events(course.id, topic="enrollment.completed") == ["enrollment.completed"]
    assert course.enrollment("student")["completion_no"] == 1


def test_a_completion_is_announced_once_however_often_it_is_taken_back(world: World) -> None:
    """Plugins pay points for it, so it must not be farmed: once per learner, lesson and run through the course."""
    course = world.course(lessons=2, topics=1, allow_retake=True)
    course.enrol("student")
    student, (first, second), topic = world.as_("student"), course.lessons, course.topics[0]

    def fired() -> list[int]:
        hook = "learnomy_lesson_completed"
        return sorted(args[1] for name, args in world.actions(course.id, "student") if name == hook)

    def again(lesson: int) -> None:
        assert student.delete(f"/lessons/{lesson}/complete").status == 200
        complete(world, lesson)

    for lesson in (topic, first):
        complete(world, lesson)
        again(lesson)
        again(lesson)
    assert fired() == sorted([topic, first])
    assert world.events(course.id, topic="lesson.completed") == ["lesson.completed"] * 2
    assert student.delete(f"/courses/{course.id}/progress").status == 200
    complete(world, topic)
    complete(world, first)
    assert fired() == sorted([topic, first]), "started again before it was ever completed: the same run"
    complete(world, second)
    assert course.enrollment("student")["completion_no"] == 1
    for lesson in (first, second):
        again(lesson)
    assert fired() == sorted([topic, first, second]), "the run lasts until another begins"

    assert student.delete(f"/courses/{course.id}/progress").status == 200
    for lesson in (topic, first, second):
        complete(world, lesson)
        again(lesson)
    assert fired() == sorted([topic, first, second] * 2)


def test_leaving_and_coming_back_announces_no_completion_again(world: World) -> None:
    course = world.course(lessons=2)
    course.enrol("student")
    complete(world, course.lessons[0])
    world.as_("student").delete(f"/courses/{course.id}/enroll")
    course.enrol("student")
    world.as_("student").delete(f"/lessons/{course.lessons[0]}/complete")
    complete(world, course.lessons[0])
    assert world.events(course.id, topic="lesson.completed") == ["lesson.completed"]


def test_a_topics_completion_is_taken_back_as_a_lessons(world: World) -> None:
    course = world.course(lessons=1, topics=1)
    course.enrol("student")
    complete(world, course.topics[0])
    answer = world.as_("student").delete(f"/lessons/{course.topics[0]}/complete")
    assert answer.data["state"] == "in_progress"


def test_a_lesson_is_no_topic(world: World) -> None:
    course = world.course()
    course.enrol("student")
    assert complete(world, course.lessons[0], kind="topics").status == 404


# --- who may --------------------------------------------------------------------------------


def test_who_is_not_enrolled_completes_nothing(world: World) -> None:
    course = world.course()
    lesson = course.lessons[0]
    for method, path in (
        ("POST", f"/lessons/{lesson}/complete"),
        ("DELETE", f"/lessons/{lesson}/complete"),
        ("PUT", f"/lessons/{lesson}/position"),
    ):
        assert world.as_(None).request(method, path).status == 401
        refused = world.as_("student").request(method, path)
        assert (refused.status, refused.code) == (403, "not_enrolled")
        for staff in ("teacher", "admin"):
            assert world.as_(staff).request(method, path).code == "not_enrolled"
        assert world.as_("student").request(method, path.replace(str(lesson), "987654321")).status == 404
    assert world.rows(progress.select().where(progress.c.course_id == course.id)) == []


def test_a_preview_can_be_read_but_not_completed_from_outside(world: World) -> None:
    course = world.course(lessons=1)
    course.change_lesson(course.lessons[0], is_preview=True)
    assert complete(world, course.lessons[0]).code == "not_enrolled"
    assert world.as_(None).post(f"/lessons/{course.lessons[0]}/complete").status == 401


@pytest.mark.parametrize(
    ("values", "status"),
    [({"status": "draft"}, 404), ({"section_id": None}, 404), ({"status": "trash", "deleted_at": NOW}, 404)],
)
def test_what_is_no_part_of_the_course_is_not_found(world: World, values: dict[str, Any], status: int) -> None:
    course = world.course(lessons=1)
    course.enrol("student")
    course.change_lesson(course.lessons[0], **values)
    assert complete(world, course.lessons[0]).status == status


def test_a_topic_goes_with_its_lesson(world: World) -> None:
    course = world.course(lessons=1, topics=1)
    course.enrol("student")
    course.change_lesson(course.lessons[0], status="draft")
    assert complete(world, course.topics[0]).status == 404


@pytest.mark.parametrize(("status", "found"), [("private", True), ("archived", True), ("draft", False)])
def test_courses_that_are_not_published(world: World, status: str, found: bool) -> None:
    course = world.course(lessons=1)
    course.enrol("student")
    course.change(status=status)
    assert complete(world, course.lessons[0]).status == (200 if found else 404)
    assert complete(world, course.lessons[0], "student2").status == 404


def test_a_course_that_has_not_started_is_closed(world: World) -> None:
    course = world.course(access_starts_at=NOW + DAY)
    course.enrol("student")
    refused = complete(world, course.lessons[0])
    assert (refused.status, refused.code) == (403, "course_not_started")


def test_prerequisites_close_a_course_that_was_not_begun(world: World) -> None:
    first, second = world.course(lessons=1), world.course(lessons=2)
    second.enrol("student2")
    complete(world, second.lessons[0], "student2")
    second.require(first)
    world.as_("admin").post("/enrollments", json={"course_id": second.id, "user_id": world.ids["student"]})
    refused = complete(world, second.lessons[0])
    assert (refused.status, refused.code) == (403, "prerequisites_unmet")
    assert complete(world, second.lessons[1], "student2").status == 200, "whoever has begun goes on"
    first.enrol("student")
    complete(world, first.lessons[0])
    assert complete(world, second.lessons[0]).status == 200


# --- what a lesson asks for -----------------------------------------------------------------

RULES: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"min_watch_seconds": 60}, {"watched_seconds": 60}, "min_watch_seconds"),
    ({"required_video_share": 80}, {"watched_share": 80}, "required_video_share"),
    ({"requires_scroll": True}, {"scrolled": True}, "requires_scroll"),
]


@pytest.mark.parametrize(("rules", "done", "field"), RULES)
def test_strict_rules_have_to_be_met(world: World, rules: dict[str, Any], done: dict[str, Any], field: str) -> None:
    course = world.course(lessons=1)
    course.change_lesson(course.lessons[0], **rules)
    course.enrol("student")
    refused = complete(world, course.lessons[0])
    assert (refused.status, refused.code) == (409, "requirements_unmet")
    [detail] = refused.body["error"]["details"]
    assert (detail["field"], detail["code"]) == (field, "unmet")
    assert detail["message"] in refused.body["error"]["message"]
    assert world.events(course.id) == ["enrollment.created"]
    assert world.rows(progress.select().where(progress.c.course_id == course.id)) == []
    student = world.as_("student")
    less = {name: value if value is True else value - 1 for name, value in done.items()}
    if less != done:
        student.put(f"/lessons/{course.lessons[0]}/position", json=less)
        assert complete(world, course.lessons[0]).code == "requirements_unmet"
    assert student.put(f"/lessons/{course.lessons[0]}/position", json=done).status == 200
    assert complete(world, course.lessons[0]).data["course_progress"]["status"] == "completed"


def test_all_that_is_missing_is_named_at_once(world: World) -> None:
    course = world.course(lessons=1, topics=2)
    course.change_lesson(
        course.lessons[0], min_watch_seconds=9, required_video_share=9, requires_scroll=True, required_quiz_id=1
    )
    course.enrol("student")
    refused = complete(world, course.lessons[0])
    assert {detail["field"] for detail in refused.body["error"]["details"]} == {
        "topics",
        "min_watch_seconds",
        "required_video_share",
        "requires_scroll",
        "required_quiz_id",
    }


def test_a_quiz_has_to_be_passed(world: World) -> None:
    course = world.course(lessons=1)
    course.change_lesson(course.lessons[0], required_quiz_id=4711)
    course.enrol("student")
    assert complete(world, course.lessons[0]).code == "requirements_unmet"
    row = {"user_id": world.ids["student"], "object_type": "quiz", "object_id": 4711, "course_id": course.id}
    made = world.insert(progress, **row, state="in_progress")
    assert complete(world, course.lessons[0]).code == "requirements_unmet"
    world.set(progress, progress.c.id == made, state="completed")
    assert complete(world, course.lessons[0]).status == 200


def test_topics_come_before_their_lesson(world: World) -> None:
    course = world.course(lessons=1, topics=2)
    course.enrol("student")
    for topic in course.topics:
        assert complete(world, course.lessons[0]).code == "requirements_unmet"
        complete(world, topic)
    assert complete(world, course.lessons[0]).data["course_progress"]["percent"] == 100
    course.change_lesson(course.topics[0], status="trash", deleted_at=NOW)
    assert world.as_("student").delete(f"/lessons/{course.lessons[0]}/complete").status == 200
    assert complete(world, course.lessons[0]).status == 200


def test_lenient_rules_bind_nobody(world: World, lenient: str) -> None:
    course = world.course(lessons=1, topics=1)
    course.change_lesson(course.lessons[0], min_watch_seconds=60)
    course.enrol("student")
    answer = complete(world, course.lessons[0])
    assert answer.status == 200
    told = [warning["field"] for warning in answer.data["warnings"]]
    assert told == (["topics", "min_watch_seconds"] if lenient == "advisory" else [])
    assert answer.data["course_progress"]["percent"] == 50


def test_a_courses_own_rules_go_before_the_sites(world: World) -> None:
    course = world.course(lessons=1, completion_rules="off")
    course.change_lesson(course.lessons[0], min_watch_seconds=60)
    course.enrol("student")
    assert complete(world, course.lessons[0]).status == 200


def test_the_courses_own_staff_and_managers_bypass_the_rules(world: World) -> None:
    foreign = world.course(teacher="teacher2", drip_mode="sequential", lessons=2)
    foreign.change_lesson(foreign.lessons[1], min_watch_seconds=60)
    world.insert(course_instructors, course_id=foreign.id, user_id=world.ids["student3"], role="assistant")
    for who, status in (("admin", 200), ("teacher2", 200), ("student3", 200), ("teacher", 403), ("student", 403)):
        foreign.enrol(who)
        assert complete(world, foreign.lessons[1], who).status == status, who


# --- when a course is completed -------------------------------------------------------------


def test_a_share_of_the_lessons_may_be_enough(world: World) -> None:
    course = world.course(lessons=3, completion_mode="share", completion_share=60)
    course.enrol("student")
    assert complete(world, course.lessons[0]).data["course_progress"]["status"] == "active"
    standing = complete(world, course.lessons[2]).data["course_progress"]
    assert (standing["status"], standing["percent"]) == ("completed", 66)
    complete(world, course.lessons[1])
    assert world.events(course.id, topic="enrollment.completed") == ["enrollment.completed"]


def test_by_hand_means_by_hand(world: World) -> None:
    course = world.course(lessons=1, completion_mode="manual")
    course.enrol("student")
    standing = complete(world, course.lessons[0]).data["course_progress"]
    assert (standing["status"], standing["percent"]) == ("active", 100)


def test_lessons_and_the_final_quiz(world: World) -> None:
    course = world.course(lessons=2, completion_mode="lessons_and_quiz", completion_quiz_id=815)
    course.enrol("student")
    for lesson in course.lessons:
        assert complete(world, lesson).data["course_progress"]["status"] == "active"
    row = {"user_id": world.ids["student"], "object_type": "quiz", "object_id": 815, "course_id": course.id}
    world.insert(progress, **row, state="completed")
    world.as_("student").delete(f"/lessons/{course.lessons[0]}/complete")
    assert complete(world, course.lessons[0]).data["course_progress"]["status"] == "completed"


def test_after_the_completion_access_goes_on(world: World) -> None:
    course = world.course(lessons=1)
    course.enrol("student")
    complete(world, course.lessons[0])
    added = course.add_lesson()
    answer = complete(world, added)
    assert (answer.status, answer.data["course_progress"]["lessons_total"]) == (200, 2)
    assert answer.data["course_progress"]["status"] == "completed"


def test_counts_are_fresh_though_no_job_has_run(world: World) -> None:
    course: Course = world.course(lessons=2)
    course.enrol("student")
    course.add_lesson()
    standing = complete(world, course.lessons[0]).data["course_progress"]
    assert (standing["lessons_total"], standing["percent"]) == (3, 33)
    course.change_lesson(course.lessons[0], status="draft")
    standing = complete(world, course.lessons[1]).data["course_progress"]
    assert (standing["lessons_total"], standing["lessons_completed"], standing["percent"]) == (2, 1, 50)
