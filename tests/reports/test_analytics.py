"""A course in numbers: what is shown, to whom, and that no learner's row is read for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from learnomy_wp.kernel import db
from tests.progress.test_statements import statements
from tests.progress.world import Course, World
from wp_schema.tables import course_instructors, enrollments, quizzes

DAY = timedelta(days=1)


def analytics(world: World, course: Course, who: str = "teacher") -> dict[str, Any]:
    answer = world.as_(who).get(f"/courses/{course.id}/analytics")
    assert answer.status == 200, answer.body
    return dict(answer.data)


def complete(world: World, who: str, *lessons: int) -> None:
    for lesson in lessons:
        assert world.as_(who).post(f"/lessons/{lesson}/complete").status == 200


def steps(found: dict[str, Any]) -> dict[str, int]:
    return {step["step"]: step["count"] for step in found["funnel"]}


def test_a_course_that_nobody_is_in(world: World) -> None:
    course = world.course(lessons=2)
    found = analytics(world, course)
    assert found["course_id"] == course.id
    assert found["enrollments"] == {
        "total": 0, "with_access": 0, "pending": 0, "active": 0, "completed": 0, "cancelled": 0, "expired": 0,
        "refunded": 0,
    }  # fmt: skip
    assert set(steps(found).values()) == {0}
    assert [(lesson["id"], lesson["started"], lesson["completed"]) for lesson in found["lessons"]] == [
        (lesson, 0, 0) for lesson in course.lessons
    ]
    assert (found["time_to_complete"]["count"], found["time_to_complete"]["average_seconds"]) == (0, None)
    assert found["quizzes"] == []
    assert found["generated_at"].endswith("Z")


def test_how_far_learners_come_and_where_they_stop(world: World) -> None:
    course = world.course(lessons=4)
    first, second, third, fourth = course.lessons
    for who in ("student", "student2", "student3", "subscriber"):
        course.enrol(who)
    complete(world, "student", first, second, third, fourth)
    complete(world, "student2", first, second)
    world.as_("student3").put(f"/lessons/{first}/position", json={"position_seconds": 5})
    found = analytics(world, course)
    assert steps(found) == {
        "enrolled": 4, "started": 3, "reached_25": 2, "reached_50": 2, "reached_75": 1, "reached_100": 1,
        "completed": 1,
    }  # fmt: skip
    assert [step["percent"] for step in found["funnel"]][:3] == [100.0, 75.0, 50.0]
    rows = [(x["started"], x["completed"], x["dropped"], x["dropped_percent"]) for x in found["lessons"]]
    assert rows == [(3, 2, 2, 50.0), (2, 2, 0, 0.0), (1, 1, 1, 50.0), (1, 1, 0, 0.0)]
    assert found["enrollments"]["active"] == 3
    assert found["enrollments"]["completed"] == 1

    world.as_("student2").delete(f"/courses/{course.id}/enroll")
    world.as_("student2").delete(f"/lessons/{second}/complete")
    complete(world, "student3", first)
    found = analytics(world, course)
    assert steps(found)["reached_25"] == 3
    assert (found["enrollments"]["cancelled"], found["enrollments"]["with_access"]) == (1, 3)


def test_topics_stand_below_their_lessons(world: World) -> None:
    course = world.course(lessons=2, topics=2)
    course.enrol("student")
    complete(world, "student", course.topics[0])
    found = analytics(world, course)["lessons"]
    assert [row["id"] for row in found] == [course.lessons[0], *course.topics, course.lessons[1]]
    assert [row["dropped"] for row in found] == [1, None, None, 0]
    assert found[1]["completed"] == 1


def test_a_request_is_no_enrolment_yet(world: World) -> None:
    course = world.course(enrollment_mode="approval")
    course.enrol("student")
    found = analytics(world, course)
    assert (found["enrollments"]["pending"], steps(found)["enrolled"]) == (1, 0)


def test_how_long_a_completion_takes(world: World) -> None:
    course = world.course(lessons=1, allow_retake=True)
    for who, ago in (("student", 2 * DAY), ("student2", 40 * DAY)):
        course.enrol(who)
        course.move_clock(who, ago)
        complete(world, who, course.lessons[0])
    found = analytics(world, course)["time_to_complete"]
    assert found["count"] == 2
    assert abs(found["average_seconds"] - 21 * 86_400) < 60
    held = {row["up_to_seconds"]: row["count"] for row in found["distribution"]}
    assert held == {3600: 0, 86_400: 0, 604_800: 1, 2_592_000: 0, 7_776_000: 1, 31_536_000: 0, None: 0}
    assert world.as_("student").delete(f"/courses/{course.id}/progress").status == 200
    complete(world, "student", course.lessons[0])
    held = {x["up_to_seconds"]: x["count"] for x in analytics(world, course)["time_to_complete"]["distribution"]}
    assert (held[3600], held[604_800]) == (1, 1), "another time through counts from its own beginning"


def test_starting_again_takes_back_what_was_done(world: World) -> None:
    course = world.course(lessons=2, allow_retake=True)
    course.enrol("student")
    complete(world, "student", *course.lessons)
    assert world.as_("student").delete(f"/courses/{course.id}/progress").status == 200
    found = analytics(world, course)
    assert [(row["started"], row["completed"]) for row in found["lessons"]] == [(0, 0), (0, 0)]
    assert steps(found) == {
        "enrolled": 1, "started": 0, "reached_25": 0, "reached_50": 0, "reached_75": 0, "reached_100": 0,
        "completed": 1,
    }  # fmt: skip


def test_a_changed_curriculum_moves_the_funnel(world: World) -> None:
    course = world.course(lessons=1)
    for who in ("student", "student2"):
        course.enrol(who)
    complete(world, "student", course.lessons[0])
    section = {"title": "More", "status": "published"}
    made = world.as_("teacher").post(f"/sections/{course.sections[0]}/lessons", json=section)
    assert made.status == 201
    world.run_jobs()
    found = steps(analytics(world, course))
    assert (found["reached_50"], found["reached_75"], found["completed"]) == (1, 0, 1)


def test_quizzes_by_difficulty(world: World) -> None:
    course = world.course()
    values = {"course_id": course.id, "title": "Hard", "slug": f"hard-{course.id}", "sort_title": "hard"}
    values |= {"status": "published", "attempt_count": 8, "passed_count": 2, "statistics": {"average_percent": 41.5}}
    quiz = world.insert(quizzes, **values)
    world.insert(quizzes, **{**values, "slug": f"draft-{course.id}", "status": "draft"})
    assert analytics(world, course)["quizzes"] == [
        {
            "id": quiz, "title": "Hard", "slug": f"hard-{course.id}", "attempt_count": 8, "passed_count": 2,
            "passed_percent": 25.0, "average_percent": 41.5,
        }
    ]  # fmt: skip


def test_it_is_for_those_who_may_view_the_courses_reports(world: World) -> None:
    course, draft = world.course(), world.course(status="draft")
    for who, role in (("co", "co"), ("assistant", "assistant")):
        for each in (course, draft):
            world.insert(course_instructors, course_id=each.id, user_id=world.ids[who], role=role)
    expected = {
        None: (401, 401), "student": (403, 404), "assistant": (403, 403), "co": (200, 200), "teacher": (200, 200),
        "teacher2": (403, 404), "admin": (200, 200),
    }  # fmt: skip
    for who, statuses in expected.items():
        session = world.as_(who)
        found = [session.get(f"/courses/{each.id}/analytics").status for each in (course, draft)]
        assert tuple(found) == statuses, who
    assert world.as_("admin").get("/courses/987654321/analytics").status == 404


@pytest.mark.parametrize("people", [0, 2000])
def test_it_costs_the_same_however_many_learn(world: World, people: int) -> None:
    course = world.course(lessons=5)
    if people:
        now = datetime.now(UTC)
        rows = [
            {
                "user_id": user, "course_id": course.id, "status": "active", "enrolled_at": now,
                "last_activity_at": now, "created_at": now, "updated_at": now,
            }
            for user in world.people(people)
        ]  # fmt: skip
        with world.api.inside():
            db.transaction(lambda: db.execute(insert(enrollments), rows))
    world.as_("teacher")
    with statements(world) as sent:
        analytics(world, course)
    # Identity and site record; the rule; the numbers, the course, its lessons, its quizzes.
    assert len(sent) == 2 + 1 + 4, sent
    assert not [statement for statement in sent if "lrn_enrollments" in statement or "lrn_progress" in statement]
