"""Completing lessons and courses."""

from __future__ import annotations

import pytest

from tests.client import Api
from tests.progress.world import World


@pytest.fixture
def world(api: Api) -> World:
    return World(api)


def test_completing_every_lesson_completes_the_course(world: World) -> None:
    course = world.course(lessons=2, topics=1)
    enrolled = course.enrol("student")
    assert enrolled["enrollment_id"] == enrolled["id"]
    student = world.as_("student")
    first, second = course.lessons
    [topic] = course.topics

    answer = student.post(f"/topics/{topic}/complete")
    assert answer.status == 200, answer.body
    assert answer.data["course_progress"]["percent"] == 33
    assert student.post(f"/lessons/{first}/complete").data["course_progress"]["percent"] == 66
    answer = student.post(f"/lessons/{second}/complete")
    assert answer.data["course_progress"]["percent"] == 100
    assert answer.data["course_progress"]["status"] == "completed"
    assert world.events(course.id, user="student") == [
        "enrollment.created",
        "lesson.completed",
        "lesson.completed",
        "lesson.completed",
        "enrollment.completed",
    ]
