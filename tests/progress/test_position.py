"""Positions: where a learner is in a lesson, and how much was watched."""

from __future__ import annotations

from typing import Any

import pytest

from tests.progress.world import World


def test_a_position_is_kept_and_what_was_watched_only_grows(world: World) -> None:
    course = world.course(lessons=2)
    course.enrol("student")
    [lesson, other] = course.lessons
    student = world.as_("student")
    answer = student.put(
        f"/lessons/{lesson}/position", json={"position_seconds": 40, "watched_seconds": 35, "watched_share": 50}
    )
    assert answer.status == 200, answer.body
    data = answer.data
    assert (data["state"], data["position_seconds"], data["watched_share"]) == ("in_progress", 40, 50)
    assert data["course_progress"]["percent"] == 0
    data = student.put(
        f"/lessons/{lesson}/position", json={"position_seconds": 5, "watched_seconds": 10, "scrolled": True}
    ).data
    assert (data["position_seconds"], data["watched_seconds"], data["watched_share"]) == (5, 35, 50)
    assert student.put(f"/lessons/{lesson}/position", json={"position_seconds": 6}).data["scrolled"] is True
    row = course.enrollment("student")
    assert (row["last_lesson_id"], row["next_lesson_id"]) == (lesson, lesson)
    assert row["started_at"] is not None
    assert row["last_activity_at"] == row["updated_at"] > row["enrolled_at"]
    assert world.events(course.id) == ["enrollment.created"]
    student.put(f"/lessons/{other}/position", json={})
    assert course.progress("student", other)["state"] == "in_progress"


def test_a_position_takes_no_completion_back(world: World) -> None:
    course = world.course(lessons=1)
    course.enrol("student")
    student = world.as_("student")
    student.post(f"/lessons/{course.lessons[0]}/complete")
    data = student.put(f"/lessons/{course.lessons[0]}/position", json={"position_seconds": 3}).data
    assert (data["state"], data["position_seconds"]) == ("completed", 3)
    assert data["completed_at"] is not None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"position_seconds": -1}, "position_seconds"),
        ({"position_seconds": "3"}, "position_seconds"),
        ({"position_seconds": 2**31}, "position_seconds"),
        ({"watched_share": 101}, "watched_share"),
        ({"watched_seconds": 1.5}, "watched_seconds"),
        ({"scrolled": "perhaps"}, "scrolled"),
        ({"state": "completed"}, "state"),
    ],
)
def test_wrong_positions_are_named(world: World, body: dict[str, Any], field: str) -> None:
    course = world.course(lessons=1)
    course.enrol("student")
    answer = world.as_("student").put(f"/lessons/{course.lessons[0]}/position", json=body)
    assert answer.status == 422
    assert answer.body["error"]["details"][0]["field"] == field
