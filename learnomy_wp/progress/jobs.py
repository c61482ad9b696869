"""A changed curriculum: every learner's counts follow, in short batches that hold up nobody for long."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import and_, bindparam, case, func, select, update

from learnomy_wp.kernel import clock, db, jobs
from learnomy_wp.kernel.jobrun import Job
from learnomy_wp.progress import changes, rows
from learnomy_wp.progress.outline import IDS, IS_PART, ORDER, SOURCE, progress_on
from learnomy_wp.reports import tallies
from wp_schema.tables import courses, enrollments, lessons, progress

BATCH = 200
LONGEST_REST_SECONDS = 0.2

COURSE = select(
    courses.c.status, courses.c.curriculum_version, courses.c.completion_mode, courses.c.completion_share
).where(courses.c.id == bindparam("course_id"))
TOTAL = select(func.count()).select_from(IDS.subquery())
_stale = and_(
    enrollments.c.course_id == bindparam("course_id"),
    enrollments.c.curriculum_version < bindparam("newest"),
)
COUNT_STALE = select(func.count()).select_from(enrollments).where(_stale)
STALE = select(enrollments.c.id).where(_stale).order_by(enrollments.c.curriculum_version, enrollments.c.id).limit(BATCH)
_batch = enrollments.c.id.in_(bindparam("ids", expanding=True))
# What the numbers of reports look at.
STANDINGS = select(
    *(enrollments.c[name] for name in ("id", "course_id", "status", "progress_percent", "started_at", "completion_no"))
).where(_batch)
LOCK = STANDINGS.order_by(enrollments.c.id).with_for_update()
_done = (
    select(func.count())
    .select_from(SOURCE.join(progress, progress_on(enrollments.c.user_id)))
    .where(lessons.c.course_id == bindparam("of_course"), IS_PART, progress.c.state == "completed")
    .correlate(enrollments)
    .scalar_subquery()
)
_next = (
    select(lessons.c.id)
    .select_from(SOURCE.outerjoin(progress, progress_on(enrollments.c.user_id)))
    .where(
        lessons.c.course_id == bindparam("of_course"), IS_PART, func.coalesce(progress.c.state, "none") != "completed"
    )
    .order_by(*ORDER)
    .limit(1)
    .correlate(enrollments)
    .scalar_subquery()
)
# Two statements: MySQL sees a column's new value in the same one, SQLite the old.
COUNT_DONE = (
    update(enrollments)
    .where(_batch)
    .values(
        lessons_completed=_done, next_lesson_id=_next, lessons_total=bindparam("total"), updated_at=bindparam("now")
    )
)
_is_due = and_(
    enrollments.c.status == "active",
    enrollments.c.has_access.is_(True),
    enrollments.c.completed_at.is_(None),
    bindparam("share") > 0,
    enrollments.c.lessons_total > 0,
    enrollments.c.lessons_completed * 100 >= enrollments.c.lessons_total * bindparam("share"),
)
# Whom the change completes is left for a transaction of its own, with its event.
FOLLOW = (
    update(enrollments)
    .where(_batch)
    .values(
        progress_percent=case(
            (enrollments.c.lessons_total == 0, 0),
            else_=enrollments.c.lessons_completed * 100 // enrollments.c.lessons_total,
        ),
        curriculum_version=case((_is_due, enrollments.c.curriculum_version), else_=bindparam("newest")),
    )
)
LEFT = select(enrollments.c.id).where(_batch, enrollments.c.curriculum_version < bindparam("newest"))


@jobs.job("recount_course", reruns=True)
def recount_course(job: Job) -> dict[str, Any]:
    """Count every learner of a course again.

    A completed enrolment stays completed and fires nothing. One that the change completes is
    completed, with its event.
    """
    course_id = job.payload["course_id"]
    course = db.row(COURSE, {"course_id": course_id})
    # What is in the trash has no lessons to count; students keep what they had, and are counted when it comes back.
    if course is None or course["status"] == "trash":
        return {"counted": 0}
    stale = {"course_id": course_id, "newest": course["curriculum_version"]}
    total = int(db.value(COUNT_STALE, stale))
    counted = completed = 0
    while ids := db.values(STALE, stale):
        began = time.perf_counter()
        for enrollment_id in _recount_batch(course_id, ids):
            completed += _complete(enrollment_id)
        counted += len(ids)
        job.progress(counted, max(total, counted))
        # As long again for those who wait: SQLite has one writer, and it is not handed on in turn.
        time.sleep(min(time.perf_counter() - began, LONGEST_REST_SECONDS))
    return {"counted": counted, "completed": completed}


@db.unit_of_work
def _recount_batch(course_id: int, ids: list[int]) -> list[int]:
    """Count a batch again; gives those that are still to be completed."""
    before = {row["id"]: row for row in db.rows(LOCK, {"ids": ids})}
    # Read after the lock, and before the counts: a version is never newer than what was counted.
    course = db.row(COURSE, {"course_id": course_id})
    assert course is not None
    if course["status"] == "trash":
        return []
    here = {"ids": ids, "of_course": course_id, "newest": course["curriculum_version"], "now": clock.now()}
    db.execute(COUNT_DONE, {**here, "total": db.value(TOTAL, {"course_id": course_id})})
    db.execute(FOLLOW, {**here, "share": _share(course)})
    for row in db.rows(STANDINGS, {"ids": ids}):
        tallies.enrollment_moved(before[row["id"]], row)
    return db.values(LEFT, here)


def _share(course: dict[str, Any]) -> int:
    """The percent of the lessons that completes a course, 0 where nothing does by itself."""
    if course["completion_mode"] == "manual":
        return 0
    return int(course["completion_share"] or 100) if course["completion_mode"] == "share" else 100


@db.unit_of_work
def _complete(enrollment_id: int) -> bool:
    enrollment = db.row(rows.LOCK_ID, {"enrollment_id": enrollment_id})
    assert enrollment is not None, "enrolments are never removed"
    after = changes.recount(enrollment, actor_id=0)
    return enrollment["completed_at"] is None and after["completed_at"] is not None
