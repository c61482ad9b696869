"""The numbers of reports made anew from the rows: for what was written without them (seeds, imports, repairs).

A course's mirrors come out exact, under the lock of its enrolments. What happened on a day is told by what
enrolments and grants still say of it: the first beginning, the last completion, each end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select

from learnomy_wp.kernel import db, jobs, rollups
from learnomy_wp.kernel.jobrun import Job
from learnomy_wp.reports import listeners, tallies
from wp_schema.tables import courses, enrollment_grants, enrollments, expiring_keys, progress

KIND = "rebuild_reports"
AT_ONCE = 200

COURSES = select(courses.c.id).where(courses.c.id > bindparam("after_id")).order_by(courses.c.id).limit(AT_ONCE)
# Who enrols holds the course, who learns the enrolment: with both nothing else is added meanwhile.
LOCK_COURSE = select(courses.c.id).where(courses.c.id == bindparam("course_id")).with_for_update()
HOW_MANY = select(func.count()).select_from(courses)
_enrolled = (
    "user_id", "course_id", "status", "source", "progress_percent", "started_at", "completion_no", "enrolled_at",
    "reset_at", "completed_at", "has_access",
)  # fmt: skip
ENROLLMENTS = (
    select(*(enrollments.c[name] for name in _enrolled))
    .where(enrollments.c.course_id == bindparam("course_id"))
    .with_for_update()
)
ENDS = select(enrollment_grants.c.ended_at, enrollment_grants.c.end_reason).where(
    enrollment_grants.c.course_id == bindparam("course_id"), enrollment_grants.c.ended_at.is_not(None)
)
LESSONS = (
    select(progress.c.object_id, progress.c.state, func.count().label("people"))
    .where(
        progress.c.course_id == bindparam("course_id"),
        progress.c.object_type == "lesson",
        progress.c.state != "none",
    )
    .group_by(progress.c.object_id, progress.c.state)
)
_of_courses = expiring_keys.c.scope.between(rollups.course(0)[:-1], rollups.course(0)[:-1] + rollups.END)
ALL = select(courses.c.id)
SCOPES = select(expiring_keys.c.scope).where(_of_courses).distinct()
OF_COURSES = (
    select(expiring_keys.c.key_hash, func.sum(expiring_keys.c.counter).label("total"))
    .where(
        _of_courses,
        expiring_keys.c.key_hash.between(bindparam("first"), bindparam("last")),
    )
    .group_by(expiring_keys.c.key_hash)
)
# What the site's numbers repeat of the courses'.
SHARED = (listeners.DAY, listeners.MONTH, tallies.STATUS)


@jobs.job(KIND, reruns=True)
def rebuild_reports(job: Job) -> dict[str, Any]:
    """Count every course again, then the site."""
    after_id = done = 0
    total = int(db.value(HOW_MANY))
    while ids := db.values(COURSES, {"after_id": after_id}):
        for course_id in ids:
            rebuild_course(course_id)
            done += 1
            job.progress(done, max(total, done))
        after_id = ids[-1]
    rebuild_site()
    return {"courses": done}


def rebuild() -> None:
    """Count everything again: at once where that takes a moment, else by a job."""
    if int(db.value(HOW_MANY)) > AT_ONCE:
        db.transaction(lambda: jobs.enqueue(KIND, unique_key="all"))
        return
    for course_id in db.values(COURSES, {"after_id": 0}):
        rebuild_course(course_id)
    rebuild_site()


@db.unit_of_work
def rebuild_course(course_id: int) -> None:
    """Count one course again."""
    sums: Counter[str] = Counter()
    db.rows(LOCK_COURSE, {"course_id": course_id})
    for row in db.rows(ENROLLMENTS, {"course_id": course_id}):
        sums.update(tallies.facets(row))
        _dated(sums, row)
    for end in db.rows(ENDS, {"course_id": course_id}):
        reason = end["end_reason"] or listeners.CANCELLED
        sums.update(listeners.dated(reason, end["ended_at"]))
    for row in db.rows(LESSONS, {"course_id": course_id}):
        sums[tallies.lesson_key(row["object_id"], tallies.STARTED)] += row["people"]
        if row["state"] == "completed":
            sums[tallies.lesson_key(row["object_id"], tallies.COMPLETED)] += row["people"]
    rollups.replace(rollups.course(course_id), sums)


@db.unit_of_work
def rebuild_site() -> None:
    """Add the courses' numbers up for the site, without those of courses that are gone."""
    ids = set(db.values(ALL))
    for scope in db.values(SCOPES):
        if int(scope.rpartition(":")[2]) not in ids:
            rollups.replace(scope, {})
    for prefix in SHARED:
        first, last = prefix, prefix + rollups.END
        rollups.lock(rollups.SITE, first, last)
        found = {row["key_hash"]: int(row["total"]) for row in db.rows(OF_COURSES, {"first": first, "last": last})}
        rollups.replace(rollups.SITE, found, first, last)


def _dated(sums: Counter[str], row: Mapping[str, Any]) -> None:
    if row["has_access"] or row["status"] != "pending":
        sums.update(listeners.dated(listeners.ENROLLED + row["source"], row["enrolled_at"]))
    completed_at: datetime | None = row["completed_at"]
    if completed_at is None:
        return
    sums.update(listeners.dated(listeners.COMPLETED, completed_at))
    begun = row["reset_at"] if row["reset_at"] is not None and row["completion_no"] > 1 else row["enrolled_at"]
    seconds = max(0, int((completed_at - begun).total_seconds()))
    sums.update({listeners.TIME_COUNT: 1, listeners.TIME_SECONDS: seconds, listeners.duration_key(seconds): 1})
