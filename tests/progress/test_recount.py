"""A changed curriculum: everybody's counts follow, nothing fires twice."""

from __future__ import annotations

import itertools
import threading
import time
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import event, insert, select, update

from learnomy_wp.kernel import db, jobs
from tests.progress.world import Course, World
from wp_schema.tables import courses, enrollments, progress

NOW = datetime.now(UTC)


def change_curriculum(world: World, course: Course) -> None:
    """What every change below a course does: another version, and the job."""
    with world.api.inside():
        db.transaction(lambda: _bump(course))
    world.run_jobs()


def _bump(course: Course) -> None:
    version = courses.c.curriculum_version + 1
    db.execute(update(courses).where(courses.c.id == course.id).values(curriculum_version=version))
    jobs.enqueue("recount_course", {"course_id": course.id}, unique_key=str(course.id))


def numbers(course: Course, who: str = "student") -> tuple[Any, ...]:
    row = course.enrollment(who)
    names = ("lessons_completed", "lessons_total", "progress_percent", "next_lesson_id")
    return tuple(row[name] for name in names)


def test_percent_follows_lessons_added_moved_and_removed(world: World) -> None:
    course = world.course(lessons=2)
    course.enrol("student")
    first, second = course.lessons
    world.as_("student").post(f"/lessons/{first}/complete")
    added = course.add_lesson(position=0)
    change_curriculum(world, course)
    assert numbers(course) == (1, 3, 33, added)
    course.change_lesson(first, status="trash", deleted_at=NOW)
    change_curriculum(world, course)
    assert numbers(course) == (0, 2, 0, added)
    course.change_lesson(added, status="draft")
    change_curriculum(world, course)
    assert numbers(course) == (0, 1, 0, second)
    course.change_lesson(first, status="published", deleted_at=None)
    change_curriculum(world, course)
    assert numbers(course) == (1, 2, 50, second)
    row = course.enrollment("student")
    assert row["curriculum_version"] == course.row()["curriculum_version"]
    assert world.events(course.id) == ["enrollment.created", "lesson.completed"]


def test_a_completed_enrolment_stays_completed_and_fires_nothing(world: World) -> None:
    course = world.course(lessons=1)
    course.enrol("student")
    world.as_("student").post(f"/lessons/{course.lessons[0]}/complete")
    before = world.events(course.id)
    added = course.add_lesson()
    change_curriculum(world, course)
    assert numbers(course) == (1, 2, 50, added)
    course.change_lesson(added, status="draft")
    change_curriculum(world, course)
    assert numbers(course) == (1, 1, 100, None)
    row = course.enrollment("student")
    assert (row["status"], row["completion_no"]) == ("completed", 1)
    assert world.events(course.id) == before


def test_a_removal_completes_whom_it_leaves_nothing_to_do(world: World) -> None:
    course = world.course(lessons=2)
    for who in ("student", "student2", "student3"):
        course.enrol(who)
    world.as_("student").post(f"/lessons/{course.lessons[0]}/complete")
    world.as_("student3").post(f"/lessons/{course.lessons[0]}/complete")
    world.as_("student3").delete(f"/courses/{course.id}/enroll")
    course.change_lesson(course.lessons[1], status="trash", deleted_at=NOW)
    change_curriculum(world, course)
    change_curriculum(world, course)
    assert numbers(course) == (1, 1, 100, None)
    assert course.enrollment("student")["status"] == "completed"
    assert course.enrollment("student2")["status"] == "active"
    assert course.enrollment("student3")["status"] == "cancelled", "who has left completes nothing"
    assert world.events(course.id, topic="enrollment.completed") == ["enrollment.completed"]
    assert world.actions(course.id, "student")[-1][0] == "learnomy_course_completed"
    assert course.row()["completion_count"] == 1


def test_other_rules_of_completion_are_looked_at_too(world: World) -> None:
    course = world.course(lessons=4)
    course.enrol("student")
    for lesson in course.lessons[:2]:
        world.as_("student").post(f"/lessons/{lesson}/complete")
    answer = world.as_("teacher").patch(
        f"/courses/{course.id}", json={"completion_mode": "share", "completion_share": 60}
    )
    assert answer.status == 200, answer.body
    world.run_jobs()
    assert course.enrollment("student")["status"] == "active"
    world.as_("teacher").patch(f"/courses/{course.id}", json={"completion_share": 50})
    world.run_jobs()
    assert course.enrollment("student")["status"] == "completed"
    assert world.events(course.id, topic="enrollment.completed") == ["enrollment.completed"]
    by_hand = world.course(lessons=2)
    by_hand.change(completion_mode="manual")
    by_hand.enrol("student")
    world.as_("student").post(f"/lessons/{by_hand.lessons[0]}/complete")
    by_hand.change_lesson(by_hand.lessons[1], status="draft")
    change_curriculum(world, by_hand)
    assert by_hand.enrollment("student")["status"] == "active"


def test_the_final_quiz_is_asked_for_where_it_counts(world: World) -> None:
    course = world.course(lessons=2, completion_mode="lessons_and_quiz", completion_quiz_id=55)
    course.enrol("student")
    world.as_("student").post(f"/lessons/{course.lessons[0]}/complete")
    course.change_lesson(course.lessons[1], status="draft")
    change_curriculum(world, course)
    row = course.enrollment("student")
    assert (row["status"], row["curriculum_version"]) == ("active", course.row()["curriculum_version"])


def test_an_empty_curriculum_completes_nobody(world: World) -> None:
    course = world.course(lessons=1)
    course.enrol("student")
    course.change_lesson(course.lessons[0], status="draft")
    change_curriculum(world, course)
    assert numbers(course) == (0, 0, 0, None)
    assert course.enrollment("student")["status"] == "active"


def test_ten_thousand_learners_in_a_bounded_time_and_number_of_statements(world: World) -> None:
    course = world.course(lessons=20)
    people = world.people(10_000)
    with world.api.inside():
        db.transaction(lambda: _seed(course, people))
    course.change_lesson(course.lessons[0], status="draft")
    sent: list[str] = []
    longest = 0.0

    def begin(connection: Any, *_: Any) -> None:
        sent.append("")
        connection.info["began"] = time.perf_counter()

    def end(connection: Any, *_: Any) -> None:
        nonlocal longest
        longest = max(longest, time.perf_counter() - connection.info["began"])

    engines = (world.api.runtime.database.write, world.api.runtime.database.read)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", begin)
        event.listen(engine, "after_cursor_execute", end)
    began = time.perf_counter()
    change_curriculum(world, course)
    took = time.perf_counter() - began
    for engine in engines:
        event.remove(engine, "before_cursor_execute", begin)
        event.remove(engine, "after_cursor_execute", end)
    counted = world.rows(
        select(enrollments.c.lessons_completed, enrollments.c.lessons_total, enrollments.c.progress_percent)
        .where(enrollments.c.course_id == course.id)
        .distinct()
    )
    # Everybody had completed the first five lessons; one of them is gone.
    assert counted == [{"lessons_completed": 4, "lessons_total": 19, "progress_percent": 21}]
    assert len(sent) < 700, "about twelve for each batch of 200"
    assert longest < 1.0, "no statement holds its rows for long"
    assert took < 60


def test_requests_go_on_while_ten_thousand_are_counted(world: World) -> None:
    course = world.course(lessons=20)
    people = world.people(10_000)
    with world.api.inside():
        db.transaction(lambda: _seed(course, people))
    course.enrol("student")
    course.change_lesson(course.lessons[0], status="draft")
    student = world.as_("student")
    counting = threading.Thread(target=change_curriculum, args=(world, course))
    counting.start()
    waited: list[float] = []
    for lesson in itertools.cycle(course.lessons[1:]):
        for method in ("POST", "DELETE"):
            began = time.perf_counter()
            assert student.request(method, f"/lessons/{lesson}/complete").status == 200
            waited.append(time.perf_counter() - began)
        if not counting.is_alive():
            break
    counting.join()
    assert len(waited) >= 4
    assert sorted(waited)[len(waited) * 9 // 10] < 2.0
    assert numbers(course)[:3] == (0, 19, 0)


def _seed(course: Course, people: list[int]) -> None:
    base = {"course_id": course.id, "created_at": NOW, "updated_at": NOW}
    rows = [
        {
            **base,
            "user_id": user_id,
            "status": "active",
            "has_access": True,
            "lessons_completed": 5,
            "lessons_total": 20,
            "progress_percent": 25,
            "curriculum_version": 1,
            "enrolled_at": NOW,
            "last_activity_at": NOW,
        }
        for user_id in people
    ]
    db.execute(insert(enrollments), rows)
    done = [
        {**base, "user_id": user_id, "object_type": "lesson", "object_id": lesson, "state": "completed"}
        for user_id in people
        for lesson in course.lessons[:5]
    ]
    for start in range(0, len(done), 10_000):
        db.execute(insert(progress), done[start : start + 10_000])
