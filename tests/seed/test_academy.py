"""The demo academy: its size, a second run, its scale, its removal."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from learnomy_wp.kernel import db
from learnomy_wp.seed import academy, people
from tests.client import Api
from wp_schema.tables import course_terms, courses, enrollments, lessons, progress, terms, users


def totals() -> dict[str, int]:
    tables = (courses, lessons, enrollments, progress, terms, course_terms)
    return {table.name: int(db.value(select(func.count()).select_from(table))) for table in tables}


def build(scale: int = 1) -> academy.Built:
    students = people.ensure("student", 100 * scale, "lrn_student")
    instructors = people.ensure("instructor", 10, "lrn_instructor")
    return academy.build(students, instructors, scale=scale)


def test_built_twice_it_stands_once_and_can_be_removed(api: Api) -> None:
    with api.inside():
        before = totals()
        built = build()
        assert (built.courses, built.enrollments) == (60, 1000)
        assert built.lessons > 60 * 10
        after = totals()
        assert build() == built
        assert totals() == after
        assert built_counts_are_right()
        assert academy.remove() == 60
        assert people.remove() == 110
        assert totals() == before
        assert not db.rows(select(users.c.ID).where(users.c.user_login.startswith("lrn_demo_")))


def built_counts_are_right() -> bool:
    """Stored counts are those of the rows."""
    counted: dict[int, Any] = {
        row["course_id"]: row["n"]
        for row in db.rows(select(enrollments.c.course_id, func.count().label("n")).group_by(enrollments.c.course_id))
    }
    stored = {row["id"]: row["student_count"] for row in db.rows(select(courses.c.id, courses.c.student_count))}
    return all(stored[course_id] == number for course_id, number in counted.items())


def test_a_scale_multiplies_it(api: Api) -> None:
    with api.inside():
        built = build(scale=2)
        assert (built.courses, built.enrollments) == (120, 2000)
        academy.remove()
        people.remove()


def test_it_is_shown_by_the_api(api: Api) -> None:
    with api.inside():
        build()
    listed = api.as_(None).get("/courses?per_page=100")
    assert listed.body["meta"]["total"] == 60
    assert len({row["slug"] for row in listed.data}) == 60
    found = api.as_(None).get("/courses?search=typography")
    assert found.body["meta"]["total"] >= 1
    with api.inside():
        academy.remove()
        people.remove()
