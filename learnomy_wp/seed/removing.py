"""Removes the demo academy: its courses with all that hangs on them, and what only they used."""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy import BindParameter, Delete, Select, Table, bindparam, delete, or_, select

from learnomy_wp.kernel import cache, db
from learnomy_wp.reports import rebuilding
from learnomy_wp.seed.academy import TAGS
from learnomy_wp.seed.bulk import chunks
from learnomy_wp.seed.counting import count_terms
from wp_schema.tables import (
    announcements,
    attachments,
    attempt_answers,
    certificates,
    course_instructors,
    course_links,
    course_terms,
    courses,
    discussions,
    enrollment_grants,
    enrollments,
    lessons,
    notes,
    notifications,
    progress,
    question_versions,
    questions,
    quiz_attempts,
    quiz_slots,
    quizzes,
    reviews,
    sections,
    terms,
)

COURSES = 100  # of a unit of work
_ids: BindParameter[Any] = bindparam("ids", expanding=True)


def _of(parent: Table) -> Select[Any]:
    return select(parent.c.id).where(parent.c.course_id.in_(_ids))


_BY_COURSE: tuple[Table, ...] = (
    quiz_attempts,
    quizzes,
    questions,
    progress,
    enrollment_grants,
    enrollments,
    certificates,
    attachments,
    notes,
    discussions,
    reviews,
    announcements,
    notifications,
    lessons,
    sections,
    course_terms,
    course_instructors,
)
# The audit log, earnings and sent webhooks stay: they tell of what was.
REMOVE: list[Delete] = [
    delete(attempt_answers).where(attempt_answers.c.attempt_id.in_(_of(quiz_attempts))),
    delete(quiz_slots).where(quiz_slots.c.quiz_id.in_(_of(quizzes))),
    delete(question_versions).where(question_versions.c.question_id.in_(_of(questions))),
    *(delete(table).where(table.c.course_id.in_(_ids)) for table in _BY_COURSE),
    delete(course_links).where(
        or_(course_links.c.course_id.in_(_ids), (course_links.c.owner_id.in_(_ids)) & (course_links.c.kind != "plan"))
    ),
    delete(courses).where(courses.c.id.in_(_ids)),
]
_children = terms.alias()
UNUSED_TERMS = select(terms.c.id).where(
    terms.c.demo_key.is_not(None),
    ~select(course_terms.c.id).where(course_terms.c.term_id == terms.c.id).exists(),
    ~select(_children.c.id).where(_children.c.parent_id == terms.c.id).exists(),
)


def remove() -> int:
    """Remove every demo course, and the terms that no other course has; gives how many courses went."""
    ids = db.values(select(courses.c.id).where(courses.c.demo_key.is_not(None)))
    for chunk in chunks(ids, COURSES):
        db.transaction(partial(_remove, chunk))
    for chunk in chunks(db.values(UNUSED_TERMS), 500):
        db.write(delete(terms).where(terms.c.id.in_(chunk)))
    count_terms()
    rebuilding.rebuild()
    cache.bump(TAGS)
    return len(ids)


def _remove(ids: list[int]) -> None:
    for statement in REMOVE:
        db.execute(statement, {"ids": ids})
