"""The progress rows of learners, read and written under the lock of their enrolment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, func, select, update
from sqlalchemy.dialects import mysql, sqlite

from learnomy_wp.kernel import clock, db
from wp_schema.tables import enrollments, progress

ENROLLMENT = (
    "id",
    "user_id",
    "course_id",
    "status",
    "progress_percent",
    "lessons_completed",
    "lessons_total",
    "next_lesson_id",
    "last_lesson_id",
    "completion_no",
    "has_access",
    "started_at",
    "completed_at",
    "last_activity_at",
    "reset_at",
)
# What a learner's progress in a lesson consists of, as answers show it and rules ask for it.
SHOWN = ("state", "position_seconds", "watched_seconds", "watched_share", "scrolled", "started_at", "completed_at")
MINE = (*SHOWN, "announced_no")
EMPTY: dict[str, Any] = {
    **dict.fromkeys(MINE),
    "state": "none",
    "position_seconds": 0,
    "watched_seconds": 0,
    "watched_share": 0,
    "scrolled": False,
}
# The columns that each kind of write owns, beside the time of its operation. An ordinary write
# is an operation of the server's own, so it has no id.
COMPLETION = ("state", "started_at", "completed_at", "announced_no", "sync_at", "sync_op_id")
POSITION = (
    "state",
    "started_at",
    "position_seconds",
    "watched_seconds",
    "watched_share",
    "scrolled",
    "position_sync_at",
    "position_sync_op_id",
)
_PREFIX = "lesson_"

LOCK = select(*(enrollments.c[name] for name in ENROLLMENT)).with_for_update()
LOCK_PAIR = LOCK.where(enrollments.c.user_id == bindparam("user_id"), enrollments.c.course_id == bindparam("course_id"))
LOCK_ID = LOCK.where(enrollments.c.id == bindparam("enrollment_id"))
LOCK_WITH_LESSON = (
    LOCK.add_columns(*(progress.c[name].label(_PREFIX + name) for name in MINE))
    .select_from(
        enrollments.outerjoin(
            progress,
            and_(
                progress.c.user_id == enrollments.c.user_id,
                progress.c.object_type == "lesson",
                progress.c.object_id == bindparam("lesson_id"),
            ),
        )
    )
    .where(enrollments.c.id == bindparam("enrollment_id"))
)
RESET = (
    update(progress)
    .where(
        progress.c.course_id == bindparam("in_course"),
        progress.c.user_id == bindparam("of_user"),
        progress.c.object_type.in_(("lesson", "quiz")),
    )
    .values(
        state="none",
        position_seconds=0,
        watched_seconds=0,
        watched_share=0,
        scrolled=False,
        best_percent=None,
        attempts_used=0,
        started_at=None,
        completed_at=None,
        sync_at=bindparam("at"),
        sync_op_id=None,
        position_sync_at=bindparam("at"),
        position_sync_op_id=None,
        updated_at=bindparam("at"),
    )
)
BEGUN = select(progress.c.object_id, progress.c.state).where(
    progress.c.course_id == bindparam("in_course"),
    progress.c.user_id == bindparam("of_user"),
    progress.c.object_type == "lesson",
    progress.c.state != "none",
)

TOUCH = (
    update(enrollments)
    .where(enrollments.c.id == bindparam("enrollment_id"))
    .values(
        last_lesson_id=bindparam("lesson"),
        started_at=func.coalesce(enrollments.c.started_at, bindparam("at")),
        last_activity_at=bindparam("at"),
        updated_at=bindparam("at"),
    )
)
BEGIN_AGAIN = (
    update(enrollments)
    .where(enrollments.c.id == bindparam("enrollment_id"))
    .values(reset_at=bindparam("at"), updated_at=bindparam("at"))
)


class _Upsert:
    """Writes some columns of a progress row that may not be there yet."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        changed = (*names, "course_id", "updated_at")
        on_mysql, on_sqlite = mysql.insert(progress), sqlite.insert(progress)
        self.on_mysql = on_mysql.on_duplicate_key_update({name: on_mysql.inserted[name] for name in changed})
        self.on_sqlite = on_sqlite.on_conflict_do_update(
            index_elements=[progress.c.user_id, progress.c.object_type, progress.c.object_id],
            set_={name: on_sqlite.excluded[name] for name in changed},
        )

    def __call__(self, enrollment: Mapping[str, Any], lesson_id: int, done: Mapping[str, Any], at: datetime) -> None:
        values = {
            **{name: done.get(name) for name in self.names},
            "user_id": enrollment["user_id"],
            "object_type": "lesson",
            "object_id": lesson_id,
            "course_id": enrollment["course_id"],
            "created_at": at,
            "updated_at": at,
        }
        db.execute(self.on_sqlite if db.current().is_sqlite else self.on_mysql, values)


# Both write a learner's progress in one lesson; the enrolment is locked.
save_completion, save_position = _Upsert(COMPLETION), _Upsert(POSITION)


def lock_with_lesson(enrollment_id: int, lesson_id: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Lock an enrolment; gives it and the learner's progress in one lesson."""
    found = db.row(LOCK_WITH_LESSON, {"enrollment_id": enrollment_id, "lesson_id": lesson_id})
    assert found is not None, "enrolments are never removed"
    done = {name: found.pop(_PREFIX + name) for name in MINE}
    return found, done if done["state"] is not None else dict(EMPTY)


def lock_enrollment(enrollment_id: int) -> dict[str, Any]:
    """Lock an enrolment; gives its row, as `progress.state.recount` takes it."""
    found = db.row(LOCK_ID, {"enrollment_id": enrollment_id})
    assert found is not None, "enrolments are never removed"
    return found


def reset(enrollment: Mapping[str, Any]) -> None:
    """Forget what a learner did in a course; the rows stay, for synchronisation and for wishes."""
    db.execute(RESET, {"in_course": enrollment["course_id"], "of_user": enrollment["user_id"], "at": clock.now()})


def list_begun(enrollment: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The lessons and topics of a course that a learner began or completed: `object_id` and `state`."""
    return db.rows(BEGUN, {"in_course": enrollment["course_id"], "of_user": enrollment["user_id"]})


def touch(enrollment: Mapping[str, Any], lesson_id: int) -> None:
    """Note that a learner is at work in a lesson."""
    db.execute(TOUCH, {"enrollment_id": enrollment["id"], "lesson": lesson_id, "at": clock.now()})


def begin_again(enrollment: Mapping[str, Any]) -> dict[str, Any]:
    """The row of an enrolment as it is at its beginning; only `reset_at` is written here."""
    db.execute(BEGIN_AGAIN, {"enrollment_id": enrollment["id"], "at": clock.now()})
    return {
        **enrollment,
        "status": "active" if enrollment["has_access"] else enrollment["status"],
        "started_at": None,
        "completed_at": None,
        "last_lesson_id": None,
    }
