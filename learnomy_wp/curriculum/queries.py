"""A course's curriculum as one caller sees it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import bindparam, select

from learnomy_wp.courses import lookups
from learnomy_wp.kernel import db
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.progress.state import LessonState, curriculum_states, quiz_states
from wp_schema.tables import enrollments, lessons, quizzes, sections

Row = dict[str, Any]

SECTIONS = (
    select(sections.c.id, sections.c.title, sections.c.description, sections.c.position)
    .where(sections.c.course_id == bindparam("course_id"), sections.c.status == "published")
    .order_by(sections.c.position, sections.c.id)
)
LESSONS = (
    select(
        *(
            lessons.c[name]
            for name in (
                "id",
                "section_id",
                "parent_id",
                "title",
                "slug",
                "content_type",
                "duration_seconds",
                "is_preview",
                "status",
            )
        )
    )
    .where(lessons.c.course_id == bindparam("course_id"), lessons.c.status.in_(("draft", "published")))
    .order_by(lessons.c.position, lessons.c.id)
)
QUIZZES = (
    select(
        quizzes.c.id,
        quizzes.c.section_id,
        quizzes.c.lesson_id,
        quizzes.c.title,
        quizzes.c.slug,
        quizzes.c.mode,
        quizzes.c.status,
        quizzes.c.is_required,
    )
    .where(quizzes.c.course_id == bindparam("course_id"), quizzes.c.status.in_(("draft", "published")))
    .order_by(quizzes.c.position, quizzes.c.id)
)
PROGRESS = select(
    enrollments.c.status,
    enrollments.c.progress_percent,
    enrollments.c.lessons_completed,
    enrollments.c.lessons_total,
).where(enrollments.c.user_id == bindparam("user_id"), enrollments.c.course_id == bindparam("course_id"))


def get_curriculum(actor: Actor, reference: str | int) -> Row:
    """Sections, lessons, topics and quizzes of a course with their states for the caller.

    Learners find what counts for them; staff also find drafts, and lessons in no section.
    `version` counts changes of the order. Raises `NotFound`.
    """
    course = lookups.find_course(actor, reference)
    course_id, is_staff = course["id"], lookups.is_staff(actor, course)
    states = curriculum_states(actor, course_id)
    shown = [row for row in db.rows(LESSONS, {"course_id": course_id}) if is_staff or _counts(states, row)]
    topics = _grouped(row for row in shown if row["parent_id"] is not None)
    top = [
        {**_lesson(row, states), "topics": [_lesson(topic, states) for topic in topics.get(row["id"], ())]}
        for row in shown
        if row["parent_id"] is None
    ]
    asked = _quizzes(actor, course, states, is_staff=is_staff)
    found = db.rows(SECTIONS, {"course_id": course_id})
    places = {row["id"] for row in found}
    return {
        "course_id": course_id,
        "version": course["curriculum_version"],
        "sections": [
            {
                **section,
                "lessons": [lesson for lesson in top if lesson["section_id"] == section["id"]],
                "quizzes": [quiz for quiz in asked if quiz["section_id"] == section["id"]],
            }
            for section in found
        ],
        "quizzes": [quiz for quiz in asked if quiz["section_id"] not in places],
        "unattached": [lesson for lesson in top if lesson["section_id"] not in places],
    }


def find_progress(actor: Actor, course_id: int) -> Row | None:
    """How far the caller's enrolment is, None without one."""
    return db.row(PROGRESS, {"user_id": actor.id, "course_id": course_id})


def _counts(states: Mapping[int, LessonState], row: Row) -> bool:
    state = states.get(row["id"])
    return state is not None and state.is_part


def _lesson(row: Row, states: Mapping[int, LessonState]) -> Row:
    state = states.get(row["id"]) or LessonState("locked")
    return {
        **row,
        "state": state.state,
        "locked_reason": state.locked_reason,
        "available_at": state.available_at,
        "completed_at": state.completed_at,
    }


def _quizzes(actor: Actor, course: Row, lesson_states: Mapping[int, LessonState], *, is_staff: bool) -> list[Row]:
    if not course["quiz_count"] and not is_staff:
        return []
    rows = db.rows(QUIZZES, {"course_id": course["id"]})
    states = quiz_states(actor, course["id"], lesson_states) if rows else {}
    return [_quiz(row, states) for row in rows if is_staff or _counts(states, row)]


def _quiz(row: Row, states: Mapping[int, LessonState]) -> Row:
    state = states.get(row["id"]) or LessonState("locked")
    known = {"state": state.state, "locked_reason": state.locked_reason, "available_at": state.available_at}
    return {**row, **known, "completed_at": state.completed_at}


def _grouped(rows: Iterable[Row]) -> dict[int, list[Row]]:
    groups: dict[int, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["parent_id"], []).append(row)
    return groups
