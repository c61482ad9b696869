"""What other features may ask of progress: the lesson rule, a curriculum's states, whole enrolments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from learnomy_wp.courses.policies import is_staff
from learnomy_wp.enrollments import access
from learnomy_wp.kernel import clock, db
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.progress import drip
from learnomy_wp.progress.changes import complete_course, recount, restart
from learnomy_wp.progress.drip import opens_at
from learnomy_wp.progress.outline import IS_PART, ORDER, SOURCE, find_neighbours, progress_on
from learnomy_wp.progress.policies import LESSON_ACCESS, LESSON_PROGRESS, LessonLocked, find_lesson_facts
from learnomy_wp.progress.quizzes import drip_lock, list_quizzes
from learnomy_wp.progress.rows import lock_enrollment
from wp_schema.tables import courses, lessons, progress

__all__ = [
    "LESSON_ACCESS",
    "LESSON_PROGRESS",
    "LessonLocked",
    "LessonState",
    "complete_course",
    "curriculum_states",
    "find_lesson_facts",
    "find_neighbours",
    "lock_enrollment",
    "opens_at",
    "quiz_states",
    "recount",
    "restart",
]

COURSE = (
    select(courses.c.id.label("course_id"), courses.c.drip_mode, courses.c.access_starts_at, *access.CALLER_COLUMNS)
    .select_from(access.with_caller(courses))
    .where(courses.c.id == bindparam("course_id"))
)
LESSONS = (
    select(
        lessons.c.id,
        lessons.c.parent_id,
        lessons.c.is_preview,
        IS_PART.label("is_part"),
        *drip.COLUMNS,
        progress.c.state,
        progress.c.completed_at,
        progress.c.position_seconds,
    )
    .select_from(SOURCE.outerjoin(progress, progress_on(bindparam("user_id"))))
    .where(lessons.c.course_id == bindparam("course_id"), lessons.c.status != "trash")
    .order_by(*ORDER)
)


@dataclass(frozen=True)
class LessonState:
    """Where one user stands with one lesson or topic.

    `state` is locked, available, in_progress or completed. `locked_reason` is one of
    login_required, not_enrolled, enrollment_pending, access_expired, course_not_started,
    prerequisites_unmet, not_yet_open (with `available_at`), previous_lesson. `is_part` says
    whether it counts for learners: drafts and unattached lessons do not.
    """

    state: str
    locked_reason: str | None = None
    available_at: datetime | None = None
    completed_at: datetime | None = None
    position_seconds: int = 0
    parent_id: int | None = None
    is_part: bool = True


def curriculum_states(actor: Actor, course_id: int) -> dict[int, LessonState]:
    """The states of a course's lessons and topics for the caller, in the curriculum's order.

    Two queries. Staff find everything open, a guest everything but previews locked.
    """
    now = clock.now()
    course = db.row(COURSE, {"course_id": course_id, "actor_id": actor.id, "now": now})
    if course is None:
        return {}
    rows = db.rows(LESSONS, {"course_id": course_id, "user_id": actor.id})
    if is_staff(actor, course):
        return {row["id"]: _state(row, None) for row in rows}
    closed = _why_closed(actor, course, now)
    completed = {row["id"] for row in rows if row["state"] == "completed"}
    before = drip.previous_ids((row["id"], row["parent_id"]) for row in rows if row["is_part"])
    states = {}
    for row in rows:
        lock = closed or _lesson_lock(row, course, completed, before, now)
        if row["is_preview"]:
            lock = None
        states[row["id"]] = _state(row, lock)
    return states


def quiz_states(actor: Actor, course_id: int, lessons: Mapping[int, LessonState]) -> dict[int, LessonState]:
    """The states of a course's quizzes for the caller, in order; `lessons` is what `curriculum_states` gave.

    Two queries. A quiz of a lesson is locked while the lesson is. `is_part` says that it is published, and its lesson.
    """
    now = clock.now()
    course = db.row(COURSE, {"course_id": course_id, "actor_id": actor.id, "now": now})
    if course is None:
        return {}
    staff = is_staff(actor, course)
    closed = None if staff else _why_closed(actor, course, now)
    states = {}
    for row in list_quizzes(actor.id, course_id):
        lock = None if staff else _quiz_lock(row, course, lessons, closed, now)
        is_part = row["status"] == "published" and (row["lesson_id"] is None or _is_part(lessons, row["lesson_id"]))
        states[row["id"]] = _state({**row, "is_part": is_part, "parent_id": None, "position_seconds": 0}, lock)
    return states


def _is_part(lessons: Mapping[int, LessonState], lesson_id: int) -> bool:
    lesson = lessons.get(lesson_id)
    return lesson is not None and lesson.is_part


Lock = tuple[str, datetime | None]


def _quiz_lock(
    row: Mapping[str, Any],
    course: Mapping[str, Any],
    lessons: Mapping[int, LessonState],
    closed: Lock | None,
    now: datetime,
) -> Lock | None:
    lesson = lessons.get(row["lesson_id"]) if row["lesson_id"] is not None else None
    if lesson is not None:
        return (lesson.locked_reason or "not_yet_open", lesson.available_at) if lesson.state == "locked" else None
    return closed or drip_lock(row, course["drip_mode"], course["enrolled_at"], now)


def _why_closed(actor: Actor, course: Mapping[str, Any], now: datetime) -> Lock | None:
    if not actor.is_logged_in:
        return "login_required", None
    standing = access.access_of(course, now)
    if standing.reason is not None:
        return standing.reason, standing.starts_at if standing.reason == "course_not_started" else None
    if course["started_at"] is None and access.is_prerequisite_unmet(course, actor.id, course["course_id"]):
        return "prerequisites_unmet", None
    return None


def _lesson_lock(
    row: Mapping[str, Any],
    course: Mapping[str, Any],
    completed: set[int],
    before: Mapping[int, list[int]],
    now: datetime,
) -> Lock | None:
    if row["id"] in completed:
        return None
    mode = course["drip_mode"]
    opens_at = drip.opens_at(row, mode, course["enrolled_at"])
    if opens_at is not None and opens_at > now:
        return "not_yet_open", opens_at
    if mode == drip.SEQUENTIAL and not completed.issuperset(before.get(row["id"], ())):
        return "previous_lesson", None
    return None


def _state(row: Mapping[str, Any], lock: Lock | None) -> LessonState:
    done = row["state"] or "none"
    shown = done if done in ("in_progress", "completed") else "available"
    if lock is not None:
        shown = "locked"
    return LessonState(
        state=shown,
        locked_reason=lock[0] if lock else None,
        available_at=lock[1] if lock else None,
        completed_at=row["completed_at"] if done == "completed" else None,
        position_seconds=row["position_seconds"] or 0,
        parent_id=row["parent_id"],
        is_part=bool(row["is_part"]),
    )
