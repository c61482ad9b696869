"""Access that begins or ends by itself: found by its time, settled one enrolment at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, exists, or_, select, update

from learnomy_wp.enrollments import access, service
from learnomy_wp.kernel import clock, db, jobs, log, schedules
from learnomy_wp.kernel.jobrun import Job
from wp_schema.tables import enrollment_grants, enrollments

SETTLE = "settle_enrollments"
EVERY_SECONDS = 30
BATCH = 200

_due = enrollments.c.next_transition_at
ANY_DUE = select(enrollments.c.id).where(_due <= bindparam("now")).limit(1)
DUE = (
    select(enrollments.c.id, enrollments.c.course_id, _due)
    .where(
        _due <= bindparam("now"),
        or_(_due > bindparam("after"), and_(_due == bindparam("after"), enrollments.c.id > bindparam("after_id"))),
    )
    .order_by(_due, enrollments.c.id)
    .limit(BATCH)
)
OF_COURSE = (
    select(enrollments.c.id)
    .where(enrollments.c.course_id == bindparam("course_id"), enrollments.c.id > bindparam("after_id"))
    .order_by(enrollments.c.id)
    .limit(BATCH)
)
MAKE_DUE = (
    update(enrollments)
    .where(
        enrollments.c.id.in_(bindparam("ids", expanding=True)),
        exists().where(enrollment_grants.c.enrollment_id == enrollments.c.id, enrollment_grants.c.ended_at.is_(None)),
    )
    .values(next_transition_at=bindparam("now"))
)
LONG_AGO = datetime.fromisoformat("1000-01-01T00:00:00+00:00")


@schedules.every(EVERY_SECONDS)
def settle_due_enrollments() -> None:
    """Settle the enrolments whose access begins or ends by now."""
    if db.value(ANY_DUE, {"now": clock.now()}) is not None:
        _enqueue()


@db.unit_of_work
def _enqueue() -> None:
    jobs.enqueue(SETTLE, unique_key="due")


@jobs.job(SETTLE, reruns=True)
def settle_enrollments(job: Job) -> dict[str, Any]:
    """Settle what is due, each enrolment in a transaction of its own; one that fails stops no other."""
    now, after, after_id = clock.now(), LONG_AGO, 0
    settled = failed = 0
    while due := db.rows(DUE, {"now": now, "after": after, "after_id": after_id}):
        for row in due:
            try:
                service.settle_due(row["id"], row["course_id"])
                settled += 1
            except Exception:
                failed += 1
                log.get().exception("enrollment_not_settled", enrollment_id=row["id"])
        after, after_id = due[-1]["next_transition_at"], due[-1]["id"]
        job.progress(settled)
    return {"settled": settled, "failed": failed}


@jobs.job(access.RESCHEDULE, reruns=True)
def reschedule_course(job: Job) -> dict[str, Any]:
    """A course's access window moved: look again at everybody whose grants it bounds."""
    course_id, after_id = job.payload["course_id"], 0
    found = 0
    while ids := db.values(OF_COURSE, {"course_id": course_id, "after_id": after_id}):
        found += _make_due(ids)
        after_id = ids[-1]
        job.progress(found)
    if found:
        _enqueue()
    return {"rescheduled": found}


@db.unit_of_work
def _make_due(ids: list[int]) -> int:
    return db.execute(MAKE_DUE, {"ids": ids, "now": clock.now()}).rowcount
