"""A learner's progress through one course, as it is at the moment of asking."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, bindparam, select

from learnomy_wp.courses.policies import is_staff
from learnomy_wp.enrollments import access
from learnomy_wp.kernel import db
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import Forbidden, NotFound
from learnomy_wp.progress import counts
from learnomy_wp.progress.policies import OPEN_STATES
from learnomy_wp.progress.state import LessonState, curriculum_states, quiz_states
from wp_schema.tables import course_instructors, courses, enrollments, lessons, progress, quizzes, sections

Row = dict[str, Any]

COURSE = (
    select(
        courses.c.id.label("course_id"),
        courses.c.status.label("course_status"),
        course_instructors.c.role,
        enrollments.c.id.label("enrollment_id"),
        enrollments.c.status,
        enrollments.c.enrolled_at,
        enrollments.c.completed_at,
        enrollments.c.last_activity_at,
    )
    .select_from(access.with_caller(courses, "user_id"))
    .where(courses.c.id == bindparam("course_id"))
)
QUIZZES = (
    select(quizzes.c.id, progress.c.state, progress.c.completed_at)
    .select_from(
        quizzes.outerjoin(sections, sections.c.id == quizzes.c.section_id).outerjoin(
            progress,
            and_(
                progress.c.user_id == bindparam("user_id"),
                progress.c.object_type == "quiz",
                progress.c.object_id == quizzes.c.id,
            ),
        )
    )
    .where(quizzes.c.course_id == bindparam("course_id"), quizzes.c.status == "published", quizzes.c.mode == "graded")
    .order_by(sections.c.position, quizzes.c.position, quizzes.c.id)
)
LESSON = select(lessons.c.id, lessons.c.title, lessons.c.slug, lessons.c.parent_id).where(
    lessons.c.id == bindparam("lesson_id")
)


def find_course_progress(actor: Actor, course_id: int, user_id: int | None = None) -> Row:
    """A learner's progress in a course: the caller's own, or that of a student of the staff's.

    Raises `NotFound`, `NotEnrolled` and, for somebody else's, `Forbidden`.
    """
    learner = user_id or actor.id
    course = _find_standing(actor, course_id, learner)
    # Another learner's locks are the learner's, not those of who asks.
    whose = actor if learner == actor.id else Actor(id=learner)
    states = curriculum_states(whose, course_id)
    parts = {lesson_id: state for lesson_id, state in states.items() if state.is_part}
    tests = db.rows(QUIZZES, {"course_id": course_id, "user_id": learner})
    locks = quiz_states(whose, course_id, states) if tests else {}
    tests = [test for test in tests if test["id"] in locks and locks[test["id"]].is_part]
    completed = sum(state.completed_at is not None for state in parts.values())
    return {
        "course_id": course_id,
        "user_id": learner,
        "enrollment_id": course["enrollment_id"],
        "status": course["status"],
        "percent": counts.percent(completed, len(parts)),
        "lessons_completed": completed,
        "lessons_total": len(parts),
        "quizzes_passed": sum(test["state"] == "completed" for test in tests),
        "quizzes_total": len(tests),
        "enrolled_at": course["enrolled_at"],
        "completed_at": course["completed_at"],
        "last_activity_at": course["last_activity_at"],
        "next_lesson": _find_next(parts),
        "items": [*(_lesson_item(*part) for part in parts.items()), *(_quiz_item(test, locks) for test in tests)],
    }


def _find_standing(actor: Actor, course_id: int, learner: int) -> Row:
    """A course with the learner's enrolment in it, as far as the caller may know of both."""
    course = db.row(COURSE, {"course_id": course_id, "user_id": learner, "actor_id": actor.id})
    if course is None:
        raise NotFound("course")
    staff, is_published = is_staff(actor, course), course["course_status"] == "published"
    if not staff and course["course_status"] not in OPEN_STATES:
        raise NotFound("course")
    if learner != actor.id and not staff:
        raise Forbidden if is_published else NotFound("course")
    if course["enrollment_id"] is None:
        if learner != actor.id:
            raise NotFound("enrolment")
        raise access.NotEnrolled if staff or is_published else NotFound("course")
    return course


def _find_next(parts: dict[int, LessonState]) -> Row | None:
    waiting = next((lesson_id for lesson_id, state in parts.items() if state.completed_at is None), None)
    return db.row(LESSON, {"lesson_id": waiting}) if waiting is not None else None


def _lesson_item(lesson_id: int, state: LessonState) -> Row:
    return {
        "type": "lesson" if state.parent_id is None else "topic",
        "id": lesson_id,
        "parent_id": state.parent_id,
        "state": state.state,
        "locked_reason": state.locked_reason,
        "available_at": state.available_at,
        "completed_at": state.completed_at,
    }


def _quiz_item(test: Row, locks: dict[int, LessonState]) -> Row:
    state = locks[test["id"]]
    return {
        "type": "quiz",
        "id": test["id"],
        "state": state.state,
        "locked_reason": state.locked_reason,
        "available_at": state.available_at,
        "completed_at": test["completed_at"] if test["state"] == "completed" else None,
    }
