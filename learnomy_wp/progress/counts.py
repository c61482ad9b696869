"""How far an enrolment is: counted afresh under its lock, so that the numbers are exact.

Whoever changes a learner's progress locks the enrolment's row first. A statement after the lock
sees everything that was committed before it (READ COMMITTED).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, case, exists, func, or_, select, true, update

from learnomy_wp.kernel import clock, db, events
from learnomy_wp.progress.events import CourseCompleted
from learnomy_wp.progress.outline import IS_PART, ORDER, SOURCE, progress_on
from learnomy_wp.reports import tallies
from wp_schema.tables import courses, enrollments, lessons, progress, quizzes

Row = dict[str, Any]

_with_progress = SOURCE.outerjoin(progress, progress_on(bindparam("user_id")))
_is_here = lessons.c.course_id == bindparam("course_id")
_is_done = progress.c.state == "completed"
_counted = (
    select(func.count().label("total"), func.coalesce(func.sum(case((_is_done, 1), else_=0)), 0).label("completed"))
    .select_from(_with_progress)
    .where(_is_here, IS_PART)
    .subquery("counted")
)
_next_lesson = (
    select(lessons.c.id)
    .select_from(_with_progress)
    .where(_is_here, IS_PART, func.coalesce(progress.c.state, "none") != "completed")
    .order_by(*ORDER)
    .limit(1)
    .scalar_subquery()
)
_open_topics = (
    select(func.count())
    .select_from(_with_progress)
    .where(
        lessons.c.parent_id == bindparam("lesson_id"), IS_PART, func.coalesce(progress.c.state, "none") != "completed"
    )
    .scalar_subquery()
)


def _has_passed(quiz_id: Any) -> Any:
    """Whether the user passed a quiz; one that was withdrawn, so that nobody can take it, asks for nothing."""
    is_withdrawn = exists(select(quizzes.c.id).where(quizzes.c.id == quiz_id, quizzes.c.status != "published"))
    has_passed = exists(
        select(progress.c.id).where(
            progress.c.user_id == bindparam("user_id"),
            progress.c.object_type == "quiz",
            progress.c.object_id == quiz_id,
            progress.c.state == "completed",
        )
    )
    return or_(has_passed, is_withdrawn)


TALLY = (
    select(
        courses.c.curriculum_version,
        courses.c.completion_mode,
        courses.c.completion_share,
        courses.c.completion_quiz_id,
        _counted.c.total,
        _counted.c.completed,
        _next_lesson.label("next_lesson_id"),
        _open_topics.label("open_topics"),
        _has_passed(bindparam("quiz_id")).label("has_passed_quiz"),
        _has_passed(courses.c.completion_quiz_id).label("has_passed_final"),
    )
    .select_from(courses.join(_counted, true()))
    .where(courses.c.id == bindparam("course_id"))
)
# What is written of an enrolment, and the bind parameter of each column.
WRITTEN = {
    "lessons_completed": "completed",
    "lessons_total": "total",
    "progress_percent": "percent",
    "next_lesson_id": "next_lesson",
    "curriculum_version": "version_counted",
    "last_lesson_id": "last_lesson",
    "started_at": "started",
    "last_activity_at": "active",
    "status": "status_now",
    "completed_at": "completed_on",
    "completion_no": "times_completed",
    "updated_at": "now",
}
WRITE = (
    update(enrollments)
    .where(enrollments.c.id == bindparam("enrollment_id"))
    .values({enrollments.c[name]: bindparam(bind) for name, bind in WRITTEN.items()})
)
COUNT_COMPLETION = (
    update(courses)
    .where(courses.c.id == bindparam("in_course"))
    .values({courses.c.completion_count: courses.c.completion_count + 1})
)


def tally(enrollment: Mapping[str, Any], *, lesson_id: int = 0, quiz_id: int | None = None) -> Row:
    """The counts of an enrolment, its next lesson and the course's rule for completion.

    `open_topics` counts the uncompleted topics of `lesson_id`, `has_passed_quiz` is about `quiz_id`.
    """
    found = db.row(
        TALLY,
        {
            "course_id": enrollment["course_id"],
            "user_id": enrollment["user_id"],
            "lesson_id": lesson_id,
            "quiz_id": quiz_id or 0,
        },
    )
    assert found is not None, "an enrolment's course is never removed"
    return found


def percent(completed: int, total: int) -> int:
    """Whole percent, rounded down: 100 means everything."""
    return completed * 100 // total if total else 0


def is_complete(counted: Mapping[str, Any]) -> bool:
    """Whether the course's rule for completion is met."""
    completed, total, mode = counted["completed"], counted["total"], counted["completion_mode"]
    if not total or mode == "manual":
        return False
    if mode == "share":
        return bool(completed * 100 >= (counted["completion_share"] or 100) * total)
    if completed < total:
        return False
    return mode != "lessons_and_quiz" or not counted["completion_quiz_id"] or bool(counted["has_passed_final"])


def write(
    enrollment: Row,
    counted: Mapping[str, Any],
    *,
    actor_id: int,
    last_lesson_id: int | None = None,
    complete: bool = False,
) -> Row:
    """Write the counts to a locked enrolment, and complete it where it is due; gives the new row.

    `complete` completes it whatever the counts say. A completed enrolment stays completed and
    completes no second time. Events: `CourseCompleted`.
    """
    now = clock.now()
    completes = enrollment["completed_at"] is None and (complete or (enrollment["has_access"] and is_complete(counted)))
    changed = {
        **enrollment,
        "lessons_completed": int(counted["completed"]),
        "lessons_total": counted["total"],
        "progress_percent": percent(int(counted["completed"]), counted["total"]),
        "next_lesson_id": counted["next_lesson_id"],
        "curriculum_version": counted["curriculum_version"],
        "updated_at": now,
    }
    if last_lesson_id is not None:
        changed |= {
            "last_lesson_id": last_lesson_id,
            "started_at": enrollment["started_at"] or now,
            "last_activity_at": now,
        }
    if completes:
        changed |= {"status": "completed", "completed_at": now, "completion_no": enrollment["completion_no"] + 1}
    db.execute(WRITE, {"enrollment_id": enrollment["id"], **{bind: changed[name] for name, bind in WRITTEN.items()}})
    tallies.enrollment_moved(enrollment, changed)
    if completes:
        _announce(changed, actor_id)
    return changed


def _announce(enrollment: Row, actor_id: int) -> None:
    db.execute(COUNT_COMPLETION, {"in_course": enrollment["course_id"]})
    events.emit(
        CourseCompleted(
            enrollment_id=enrollment["id"],
            user_id=enrollment["user_id"],
            course_id=enrollment["course_id"],
            completion_no=enrollment["completion_no"],
        ),
        actor_id=actor_id,
    )
