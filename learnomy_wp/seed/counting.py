"""Sets what is stored as a count of the demo academy from the rows themselves."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table, bindparam, func, select, update

from learnomy_wp.kernel import db
from learnomy_wp.seed.bulk import chunks
from wp_schema.tables import course_terms, courses, enrollments, lessons, sections, terms


def _counted(table: Table, *conditions: Any) -> Any:
    return select(func.count()).where(table.c.course_id == courses.c.id, *conditions).scalar_subquery()


_published = lessons.c.status == "published"
_seconds = (
    select(func.coalesce(func.sum(lessons.c.duration_seconds), 0))
    .where(lessons.c.course_id == courses.c.id, _published)
    .scalar_subquery()
)
COUNT = (
    update(courses)
    .where(courses.c.id.in_(bindparam("ids", expanding=True)))
    .values(
        lesson_count=_counted(lessons, _published),
        section_count=_counted(sections),
        student_count=_counted(enrollments),
        completion_count=_counted(enrollments, enrollments.c.status == "completed"),
        duration_minutes=_seconds / 60,
    )
)
COPY = (
    update(course_terms)
    .where(course_terms.c.course_id.in_(bindparam("ids", expanding=True)))
    .values(
        student_count=select(courses.c.student_count).where(courses.c.id == course_terms.c.course_id).scalar_subquery()
    )
)
COUNT_TERMS = update(terms).values(
    course_count=select(func.count())
    .where(course_terms.c.term_id == terms.c.id, course_terms.c.course_status == "published")
    .scalar_subquery()
)


def count_courses() -> None:
    """Lessons, sections, minutes, students and completions of every demo course."""
    for chunk in chunks(db.values(select(courses.c.id).where(courses.c.demo_key.is_not(None))), 500):
        db.write(COUNT, {"ids": chunk})
        db.write(COPY, {"ids": chunk})


def count_terms() -> None:
    """Published courses of every category and tag."""
    db.write(COUNT_TERMS)
