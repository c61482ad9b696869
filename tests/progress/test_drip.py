"""When lessons open: drip by days, by date and one after another; instants that no zone moves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine

from learnomy_wp.kernel import db, local
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.progress import drip
from learnomy_wp.progress.state import LessonState, curriculum_states
from tests.progress.world import Course, World
from wp_schema.tables import enrollment_grants, enrollments, sections

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


def complete(world: World, lesson_id: int, who: str = "student") -> Any:
    return world.as_(who).post(f"/lessons/{lesson_id}/complete")


def states(world: World, course: Course, who: str | None = "student") -> dict[int, LessonState]:
    with world.api.inside():
        return curriculum_states(Actor(id=world.ids[who] if who else 0), course.id)


def check_agreement(world: World, course: Course) -> None:
    """What the curriculum says of every lesson is what its door does."""
    for lesson_id, state in states(world, course).items():
        answer = world.as_("student").put(f"/lessons/{lesson_id}/position", json={})
        assert (answer.status == 403) == (state.state == "locked"), lesson_id


def test_days_after_enrolment(world: World) -> None:
    course = world.course(lessons=3, drip_mode="after_enrolment")
    first, second, third = course.lessons
    course.change_lesson(second, drip_days=7)
    course.change_lesson(third, drip_days=0)
    course.enrol("student")
    enrolled_at = course.enrollment("student")["enrolled_at"]
    found = states(world, course)
    assert [found[lesson].state for lesson in course.lessons] == ["available", "locked", "available"]
    assert (found[second].locked_reason, found[second].available_at) == ("not_yet_open", enrolled_at + 7 * DAY)
    refused = complete(world, second)
    assert (refused.status, refused.code) == (403, "lesson_locked")
    assert (enrolled_at + 7 * DAY).strftime("%Y-%m-%dT%H:%M:%SZ") in refused.body["error"]["message"]
    check_agreement(world, course)
    course.move_clock("student", 7 * DAY)
    assert states(world, course)[second].state == "available"
    assert complete(world, second).status == 200
    assert complete(world, first).status == 200


def test_on_a_date(world: World) -> None:
    course = world.course(lessons=2, drip_mode="on_date")
    course.change_lesson(course.lessons[0], drip_at=NOW - DAY)
    course.change_lesson(course.lessons[1], drip_at=NOW + DAY, drip_days=0)
    course.enrol("student")
    assert complete(world, course.lessons[0]).status == 200
    assert complete(world, course.lessons[1]).code == "lesson_locked"
    check_agreement(world, course)


def test_one_after_another(world: World) -> None:
    course = world.course(lessons=1, topics=2, drip_mode="sequential")
    course.add_section()
    course.add_lesson()
    first, second = course.lessons
    one, two = course.topics
    course.enrol("student")

    def available() -> set[int]:
        check_agreement(world, course)
        return {
            lesson for lesson, state in states(world, course).items() if state.state in ("available", "in_progress")
        }

    assert available() == {first, one}
    refused = complete(world, second)
    assert refused.code == "lesson_locked"
    title = world.rows(sections.select().where(sections.c.id == course.sections[0]))[0]["title"]
    assert title
    assert "Lesson" in refused.body["error"]["message"]
    complete(world, one)
    assert available() == {first, two}
    complete(world, two)
    assert available() == {first}
    complete(world, first)
    assert available() == {second}
    assert complete(world, second).data["course_progress"]["status"] == "completed"


def test_what_was_completed_stays_open(world: World) -> None:
    course = world.course(lessons=2)
    course.enrol("student")
    complete(world, course.lessons[1])
    course.change(drip_mode="sequential")
    assert complete(world, course.lessons[1]).status == 200
    assert states(world, course)[course.lessons[1]].state == "completed"
    course.change(drip_mode="on_date")
    course.change_lesson(course.lessons[1], drip_at=NOW + DAY)
    assert complete(world, course.lessons[1]).status == 200


def test_without_a_mode_the_values_wait(world: World) -> None:
    course = world.course(lessons=1)
    course.change_lesson(course.lessons[0], drip_days=30, drip_at=NOW + DAY)
    course.enrol("student")
    assert complete(world, course.lessons[0]).status == 200


def test_sections_and_lessons_hand_their_dates_down(world: World) -> None:
    course = world.course(lessons=2, topics=1, drip_mode="after_enrolment")
    world.set(sections, sections.c.id == course.sections[0], drip_days=5)
    course.change_lesson(course.lessons[1], drip_days=0)
    course.enrol("student")
    found = states(world, course)
    assert found[course.lessons[0]].state == "locked"
    assert found[course.lessons[1]].state == "available", "the lesson's own value goes before the section's"
    assert found[course.topics[0]].available_at == found[course.lessons[0]].available_at
    check_agreement(world, course)


def test_previews_and_staff_need_not_wait(world: World) -> None:
    course = world.course(lessons=2, drip_mode="on_date")
    for lesson in course.lessons:
        course.change_lesson(lesson, drip_at=NOW + DAY)
    course.change_lesson(course.lessons[0], is_preview=True)
    course.enrol("student")
    assert [state.state for state in states(world, course).values()] == ["available", "locked"]
    assert [state.state for state in states(world, course, "teacher").values()] == ["available"] * 2
    check_agreement(world, course)


@pytest.mark.parametrize(
    ("who", "reason"), [(None, "login_required"), ("student2", "not_enrolled"), ("student", "enrollment_pending")]
)
def test_reasons_of_a_closed_course(world: World, who: str | None, reason: str) -> None:
    course = world.course(enrollment_mode="approval")
    course.enrol("student")
    assert {state.locked_reason for state in states(world, course, who).values()} == {reason}


def test_reasons_of_time_and_prerequisites(world: World) -> None:
    first, second = world.course(), world.course(access_starts_at=NOW + DAY)
    second.require(first)
    second.change(access_starts_at=None)
    world.as_("admin").post("/enrollments", json={"course_id": second.id, "user_id": world.ids["student"]})
    assert {state.locked_reason for state in states(world, second).values()} == {"prerequisites_unmet"}
    second.change(access_starts_at=NOW + DAY)
    [state, *_] = states(world, second).values()
    assert (state.locked_reason, state.available_at) == ("course_not_started", NOW + DAY)
    ended = world.course(access_days=1)
    ended.enrol("student")
    ended.move_clock("student", 2 * DAY)
    assert {state.locked_reason for state in states(world, ended).values()} == {"access_expired"}


def test_states_take_two_queries_however_many_lessons(world: World) -> None:
    course = world.course(lessons=30, topics=5, drip_mode="sequential")
    course.enrol("student")
    with world.api.inside():
        before = db.query_count()
        assert len(curriculum_states(Actor(id=world.ids["student"]), course.id)) == 35
        assert db.query_count() - before == 2


# --- zones ---------------------------------------------------------------------------------

ZONES = ["Pacific/Pago_Pago", "America/New_York", "UTC", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Kiritimati"]
# On both sides of the clock changes of New York and Berlin.
ENROLLED = [
    datetime(2026, 3, 7, 12, tzinfo=UTC),
    datetime(2026, 3, 28, 23, 30, tzinfo=UTC),
    datetime(2026, 10, 24, 22, tzinfo=UTC),
]


def date_back(world: World, course: Course, at: datetime) -> None:
    """As if everybody had enrolled then."""
    world.set(enrollments, enrollments.c.course_id == course.id, enrolled_at=at)
    world.set(enrollment_grants, enrollment_grants.c.course_id == course.id, starts_at=at)


@pytest.fixture
def zone(world: World, request: pytest.FixtureRequest) -> Iterator[str]:
    """The site's time zone, in WordPress's option."""

    def put(name: str) -> None:
        with world.api.inside():
            db.transaction(lambda: local.set_option("timezone_string", name))

    put(request.param)
    yield request.param
    put("")


@pytest.mark.parametrize("zone", ZONES, indirect=True)
@pytest.mark.parametrize("enrolled_at", ENROLLED)
def test_a_day_is_24_hours_in_every_zone(world: World, zone: str, enrolled_at: datetime) -> None:
    course = world.course(lessons=1, drip_mode="after_enrolment")
    [lesson] = course.lessons
    course.change_lesson(lesson, drip_days=2)
    course.enrol("student")
    date_back(world, course, enrolled_at)
    opens = enrolled_at + timedelta(hours=48)
    assert ZoneInfo(zone)
    with time_machine.travel(opens - timedelta(seconds=1), tick=False):
        closed = states(world, course)[lesson]
    assert (closed.state, closed.available_at) == ("locked", opens), "what is told is when it opens"
    with time_machine.travel(opens, tick=False):
        assert states(world, course)[lesson].state == "available"


def test_changing_the_zone_moves_no_date(world: World) -> None:
    course = world.course(lessons=1, drip_mode="on_date")
    opens = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    course.change_lesson(course.lessons[0], drip_at=opens)
    course.enrol("student")
    date_back(world, course, opens - 30 * DAY)
    for name in ZONES:
        with world.api.inside():
            db.transaction(lambda name=name: local.set_option("timezone_string", name))
        with time_machine.travel(opens - timedelta(seconds=1), tick=False):
            assert states(world, course)[course.lessons[0]].available_at == opens
    with world.api.inside():
        db.transaction(lambda: local.set_option("timezone_string", ""))


# --- the rules alone -----------------------------------------------------------------------


def test_order_of_topics_and_lessons() -> None:
    order = [(1, None), (11, 1), (12, 1), (2, None), (21, 2), (3, None)]
    assert drip.previous_ids(order) == {1: [], 11: [], 12: [11], 2: [1], 21: [1], 3: [2]}
