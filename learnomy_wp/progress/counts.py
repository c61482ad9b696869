"""How far an enrolment is: counted afresh under its lock, so that the numbers are exact.

Whoever changes a learner's progress locks the enrolment's row first. A statement after the lock
sees everything that was committed before it (READ COMMITTED).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import and_, bindparam, exists, or_, select, update

from learnomy_wp.kernel import clock, db, events
from learnomy_wp.progress.events import CourseCompleted
from learnomy_wp.progress.parts import find_curriculum
from learnomy_wp.reports import tallies
from wp_schema.tables import courses, enrollments, progress, quizzes

Row = dict[str, Any]

# A row for each lesson that a learner has completed in a course; one without a lesson where there is none.
DONE = (
    select(
        courses.c.curriculum_version,
        courses.c.completion_mode,
        courses.c.completion_share,
        courses.c.completion_quiz_id,
        progress.c.object_id,
    )
    .select_from(
        courses.outerjoin(
            progress,
            and_(
                progress.c.course_id == courses.c.id,
                progress.c.user_id == bindparam("user_id"),
                progress.c.object_type == "lesson",
                progress.c.state == "completed",
            ),
        )
    )
    .where(courses.c.id == bindparam("course_id"))
)
# A quiz that was withdrawn, so that nobody can take it, asks for nothing.
PASSED = select(
    or_(
        exists(
            select(progress.c.id).where(
                progress.c.user_id == bindparam("user_id"),
                progress.c.object_type == "quiz",
                progress.c.object_id == bindparam("quiz_id"),
                progress.c.state == "completed",
            )
        ),
        exists(select(quizzes.c.id).where(quizzes.c.id == bindparam("quiz_id"), quizzes.c.status != "published")),
    )
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
    user_id, course_id = enrollment["user_id"], enrollment["course_id"]
    found = db.rows(DONE, {"course_id": course_id, "user_id": user_id})
    assert found, "an enrolment's course is never removed"
    course = found[0]
    done = {row["object_id"] for row in found}
    curriculum = find_curriculum(course_id, course["curriculum_version"])
    left = [part for part in curriculum.parts if part["id"] not in done]
    return {
        "curriculum_version": curriculum.version,
        "completion_mode": course["completion_mode"],
        "completion_share": course["completion_share"],
        "completion_quiz_id": course["completion_quiz_id"],
        "has_passed_quiz": _has_passed(user_id, quiz_id),
        "has_passed_final": _has_passed(user_id, course["completion_quiz_id"]),
        "total": len(curriculum.parts),
        "completed": len(curriculum.parts) - len(left),
        "next_lesson_id": left[0]["id"] if left else None,
        "open_topics": sum(part["parent_id"] == lesson_id for part in left),
    }


def _has_passed(user_id: int, quiz_id: int | None) -> bool:
    return quiz_id is not None and bool(db.value(PASSED, {"user_id": user_id, "quiz_id": quiz_id}))


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
