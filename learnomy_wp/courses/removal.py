"""Deleting a course for good, with everything that hangs on it; only where nobody was ever enrolled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table, bindparam, delete, or_, select

from learnomy_wp.courses import changes, directory, events, lookups, tagging
from learnomy_wp.kernel import db, pipeline, rollups
from learnomy_wp.kernel import events as bus
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import refusal
from wp_schema.tables import (
    announcements,
    attachments,
    attempt_answers,
    course_instructors,
    course_links,
    course_terms,
    courses,
    discussions,
    enrollments,
    lessons,
    notes,
    progress,
    quiz_attempts,
    quiz_slots,
    quizzes,
    reviews,
    sections,
)

CourseHasStudents = refusal(
    "course_has_students", "Somebody is or was enrolled in this course. It can be put into the trash, not deleted."
)

ENROLLED = select(enrollments.c.id).where(enrollments.c.course_id == bindparam("of_course")).limit(1)
_quiz_ids = select(quizzes.c.id).where(quizzes.c.course_id == bindparam("of_course"))
REMOVE_SLOTS = delete(quiz_slots).where(quiz_slots.c.quiz_id.in_(_quiz_ids))
# Its staff may have tried its quizzes.
REMOVE_ANSWERS = delete(attempt_answers).where(attempt_answers.c.quiz_id.in_(_quiz_ids))
REMOVE_LINKS = delete(course_links).where(
    or_(
        course_links.c.course_id == bindparam("of_course"),
        (course_links.c.owner_id == bindparam("of_course")) & (course_links.c.kind != "plan"),
    )
)
_BY_COURSE: tuple[Table, ...] = (
    quiz_attempts,
    quizzes,
    attachments,
    lessons,
    sections,
    notes,
    discussions,
    reviews,
    announcements,
    progress,
    course_terms,
    course_instructors,
)
REMOVE = [
    REMOVE_SLOTS,
    REMOVE_ANSWERS,
    *(delete(table).where(table.c.course_id == bindparam("of_course")) for table in _BY_COURSE),
    REMOVE_LINKS,
    delete(courses).where(courses.c.id == bindparam("of_course")),
]


def delete_course(actor: Actor, course_id: int) -> dict[str, Any]:
    """Delete a course for good. Emits `CourseDeleted`. Raises `CourseHasStudents`."""
    course = lookups.lock_course(course_id)
    pipeline.check_version(course["version"])
    if db.value(ENROLLED, {"of_course": course_id}) is not None:
        raise CourseHasStudents
    remove(course, actor_id=actor.id)
    return {"id": course_id, "deleted": True}


def remove(course: Mapping[str, Any], *, actor_id: int) -> None:
    """Remove a course whose row is locked, with everything that hangs on it. Emits `CourseDeleted`."""
    course_id = course["id"]
    if course["status"] == "published":
        held = {row["term_id"] for row in db.rows(tagging.BY_COURSE, {"course_id": course_id})}
        tagging.count_changes(held, set())
    teachers = db.values(directory.TEACHERS, {"of_course": course_id})
    for statement in REMOVE:
        db.execute(statement, {"of_course": course_id})
    directory.recount(teachers)
    rollups.replace(rollups.course(course_id), {})
    changes.content_changed(course_id)
    bus.emit(events.CourseDeleted(course_id=course_id, user_id=actor_id), actor_id=actor_id)
