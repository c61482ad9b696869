"""What the frequent calls cost in statements, so that none is added unnoticed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from tests.progress.world import World


@contextmanager
def statements(world: World) -> Iterator[list[str]]:
    """The statements sent meanwhile, by their first words; commits are not counted."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(("BEGIN", "COMMIT")):
            sent.append(statement)

    engines = (world.api.runtime.database.read, world.api.runtime.database.write)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize("mode", ["none", "after_enrolment", "on_date"])
def test_completing_a_lesson(world: World, mode: str) -> None:
    course = world.course(lessons=30, topics=3, drip_mode=mode)
    course.enrol("student")
    student = world.as_("student")
    with statements(world) as sent:
        assert student.post(f"/lessons/{course.lessons[5]}/complete").status == 200
    # Identity and the site record; the lesson with its rules; the lock, the lesson's progress, the counts,
    # the enrolment, the outbox, the activity line and the numbers of reports.
    assert len(sent) == 2 + 1 + 7, sent
    with statements(world) as again:
        student.post(f"/lessons/{course.lessons[5]}/complete")
    assert len(again) == 2 + 1 + 1


def test_completing_a_lesson_one_after_another(world: World) -> None:
    course = world.course(lessons=30, drip_mode="sequential")
    course.enrol("student")
    with statements(world) as sent:
        world.as_("student").post(f"/lessons/{course.lessons[0]}/complete")
    assert len(sent) <= 2 + 1 + 1 + 7, "one more, for the lesson before"


def test_completing_the_last_lesson(world: World) -> None:
    course = world.course(lessons=1)
    course.enrol("student")
    with statements(world) as sent:
        world.as_("student").post(f"/lessons/{course.lessons[0]}/complete")
    # Beyond: the course's count, the second event with its line, how long it took, and the stamp of lists.
    assert len(sent) <= 2 + 1 + 7 + 3 + 3, sent


def test_saving_a_position(world: World) -> None:
    course = world.course(lessons=30)
    course.enrol("student")
    with statements(world) as sent:
        world.as_("student").put(f"/lessons/{course.lessons[0]}/position", json={"position_seconds": 1})
    assert len(sent) == 2 + 1 + 3 + 1, "once more for the first: a lesson was begun"
    with statements(world) as again:
        world.as_("student").put(f"/lessons/{course.lessons[0]}/position", json={"position_seconds": 2})
    assert len(again) == 2 + 1 + 3, again


@pytest.mark.parametrize("lessons", [2, 40])
def test_reading_progress(world: World, lessons: int) -> None:
    course = world.course(lessons=lessons)
    course.enrol("student")
    with statements(world) as sent:
        world.as_("student").get(f"/courses/{course.id}/progress")
    # Identity and site record; standing, course, lessons, quizzes, and the next lesson's name.
    assert len(sent) == 2 + 5, sent


@pytest.mark.parametrize("others", [0, 60])
def test_enrolling_costs_the_same_however_many_are_in(world: World, others: int) -> None:
    course = world.course(lessons=5)
    for user_id in world.people(others) if others else ():
        world.as_("admin").post("/enrollments", json={"course_id": course.id, "user_id": user_id})
    world.as_("student")
    with statements(world) as sent:
        course.enrol("student")
    assert len(sent) <= 25, sent
