"""Rows that make room or come along: changed for whoever synchronises, and nobody's edit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.courses.school import School
from wp_schema.tables import lessons, sections


@pytest.fixture
def course(school: School) -> dict[str, Any]:
    """Two sections, the first with two lessons, the first of those with two topics."""
    made = school.filled(lessons=2)
    second = school.section(made["id"])["id"]
    topics = [school.topic(made["lessons"][0])["id"] for _ in range(2)]
    return {**made, "second": second, "topics": topics}


def put_section_first(school: School, course: dict[str, Any]) -> tuple[Any, list[int]]:
    school.section(course["id"], position=0)
    return sections, [course["section"], course["second"]]


def put_lesson_first(school: School, course: dict[str, Any]) -> tuple[Any, list[int]]:
    school.lesson(course["section"], position=0)
    return lessons, course["lessons"]


def put_topic_first(school: School, course: dict[str, Any]) -> tuple[Any, list[int]]:
    school.topic(course["lessons"][0], position=0)
    return lessons, course["topics"]


def move_their_lesson(school: School, course: dict[str, Any]) -> tuple[Any, list[int]]:
    answer = school.as_("teacher").patch(f"/lessons/{course['lessons'][0]}", json={"section_id": course["second"]})
    assert answer.status == 200
    return lessons, course["topics"]


def remove_their_section(school: School, course: dict[str, Any]) -> tuple[Any, list[int]]:
    assert school.as_("teacher").delete(f"/sections/{course['section']}").status == 200
    return lessons, [*course["lessons"], *course["topics"]]


def restore_their_section(school: School, course: dict[str, Any]) -> tuple[Any, list[int]]:
    answer = school.as_("teacher").patch(f"/sections/{course['section']}", json={"status": "published"})
    assert answer.status == 200
    return lessons, [*course["lessons"], *course["topics"]]


Change = Callable[[School, dict[str, Any]], tuple[Any, list[int]]]


@pytest.mark.parametrize(
    "change",
    [
        put_section_first,
        put_lesson_first,
        put_topic_first,
        move_their_lesson,
        remove_their_section,
        restore_their_section,
    ],
    ids=lambda change: change.__name__,
)
def test_what_is_moved_along_is_found_by_its_time_and_keeps_its_version(
    school: School, course: dict[str, Any], change: Change
) -> None:
    if change is restore_their_section:
        remove_their_section(school, course)
    before = {table: {row["id"]: row for row in school.rows(table.select())} for table in (sections, lessons)}
    table, ids = change(school, course)
    for row_id in ids:
        row, was = school.row(table, row_id), before[table][row_id]
        assert row is not None
        assert (row["position"], row.get("section_id")) != (was["position"], was.get("section_id"))
        assert row["updated_at"] > was["updated_at"]
        assert row["version"] == was["version"]


def test_an_edit_read_before_a_shift_still_holds(school: School, course: dict[str, Any]) -> None:
    """Two teachers: one inserts a lesson above the one that the other is writing."""
    lesson, teacher = course["lessons"][1], school.as_("teacher")
    tag = teacher.get(f"/lessons/{lesson}").headers["ETag"]
    school.lesson(course["section"], position=0)
    answer = teacher.patch(f"/lessons/{lesson}", json={"title": "Better"}, headers={"If-Match": tag})
    assert answer.status == 200
