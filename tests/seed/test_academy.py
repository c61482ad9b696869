"""The demo academy: its size, a second run, its scale, its removal."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import Table, func, insert, select

from learnomy_wp.kernel import clock, db
from learnomy_wp.seed import academy, people, removing
from tests.client import Api
from wp_schema.tables import (
    attempt_answers,
    course_links,
    course_terms,
    courses,
    enrollments,
    lessons,
    metadata_learnomy,
    progress,
    question_versions,
    questions,
    quiz_attempts,
    quiz_slots,
    quizzes,
    terms,
    users,
)


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
        assert removing.remove() == 60
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
        removing.remove()
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
        removing.remove()
        people.remove()


UNIQUE = ("user_id", "object_id", "enrollment_id")  # what rows may not have in common


def some_row(table: Table, **values: Any) -> dict[str, Any]:
    """A row of any table, with a value in each column that must have one and makes no difference."""
    row: dict[str, Any] = {name: secrets.randbits(40) for name in UNIQUE if name in table.c}
    for column in table.c:
        is_free = column.nullable or column.server_default is not None or column.computed is not None
        if column.name not in row and not column.primary_key and not is_free:
            kind = column.type.python_type
            row[column.name] = {int: 1, str: secrets.token_hex(4), bool: False, bytes: b"1"}.get(kind, clock.now())
    return {**row, **values}


KEPT = {"activity", "earnings", "webhook_deliveries"}  # they tell of what was


def below_a_course() -> dict[str, Table]:
    named = {table.name.removeprefix("zblog_lrn_"): table for table in metadata_learnomy.sorted_tables}
    return {name: table for name, table in named.items() if "course_id" in table.c and name not in KEPT}


def test_its_removal_leaves_nothing_behind_and_takes_nothing_else(api: Api) -> None:
    with api.inside():
        build()
        demo = db.value(select(func.min(courses.c.id)).where(courses.c.demo_key.is_not(None)))
        own = db.insert_id(db.write(insert(courses), some_row(courses, slug="own", status="published")))
        shared = db.value(select(course_terms.c.term_id).where(course_terms.c.course_id == demo).limit(1))
        for table in below_a_course().values():
            if table is not course_terms:
                db.write(insert(table), some_row(table, course_id=demo))
            if table is not course_links:
                db.write(insert(table), some_row(table, course_id=own, **_term(table, shared)))
        db.write(insert(course_links), some_row(course_links, kind="prerequisite", owner_id=own, course_id=demo))
        attempt = db.value(select(quiz_attempts.c.id).where(quiz_attempts.c.course_id == demo))
        db.write(insert(attempt_answers), some_row(attempt_answers, attempt_id=attempt))
        question = db.value(select(questions.c.id).where(questions.c.course_id == demo))
        db.write(insert(question_versions), some_row(question_versions, question_id=question))
        quiz = db.value(select(quizzes.c.id).where(quizzes.c.course_id == demo))
        db.write(insert(quiz_slots), some_row(quiz_slots, quiz_id=quiz, question_id=question))
        removing.remove()
        people.remove()
        for name, table in below_a_course().items():
            left = db.values(select(table.c.course_id).where(table.c.course_id.is_not(None)))
            assert left == ([] if table is course_links else [own]), name
        for table in (quiz_slots, attempt_answers, question_versions):
            assert db.values(select(table.c.id)) == [], table.name
        assert db.rows(select(terms.c.id, terms.c.course_count)) == [{"id": shared, "course_count": 1}]
        assert db.values(select(courses.c.id)) == [own]


def _term(table: Table, term_id: int) -> dict[str, Any]:
    return {"term_id": term_id, "course_status": "published"} if table is course_terms else {}
