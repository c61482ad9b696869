"""What happened on which day, added up with the event itself: in the course, and for the whole site.

Days are those of UTC, so that no change of the site's time zone moves what was counted.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from learnomy_wp.enrollments.events import EnrollmentExpired, StudentEnrolled, StudentUnenrolled
from learnomy_wp.kernel import clock, db, rollups
from learnomy_wp.kernel.events import listens
from learnomy_wp.progress.events import CourseCompleted
from wp_schema.tables import enrollments

# Keys with a date come before all others.
DATED = "at:"
DAY, MONTH = f"{DATED}day:", f"{DATED}month:"
ENROLLED = "enrolled:"  # and the source
COMPLETED, CANCELLED, REFUNDED, EXPIRED = "completed", "cancelled", "refunded", "expired"
TIME_COUNT, TIME_SECONDS, TIME_WITHIN = "time:count", "time:seconds", "time:within:"
HOUR, WHOLE_DAY = 3600, 86_400
# How long a completion took: within so many seconds, and more than the last.
WITHIN = (HOUR, WHOLE_DAY, 7 * WHOLE_DAY, 30 * WHOLE_DAY, 90 * WHOLE_DAY, 365 * WHOLE_DAY)
LONGER = "longer"

BEGINNING = select(enrollments.c.enrolled_at, enrollments.c.reset_at).where(
    enrollments.c.id == bindparam("enrollment_id")
)


def dated(metric: str, at: datetime) -> tuple[str, str]:
    """The counters of a metric for the day and for the month of an instant."""
    return f"{DAY}{at:%Y-%m-%d}:{metric}", f"{MONTH}{at:%Y-%m}:{metric}"


def duration_key(seconds: int) -> str:
    """The counter of completions that took about so long."""
    return TIME_WITHIN + next((f"{most:09d}" for most in WITHIN if seconds <= most), LONGER)


@listens(StudentEnrolled)
def count_enrolment(event: StudentEnrolled) -> None:
    """Access began."""
    _count(event.course_id, ENROLLED + event.source)


@listens(StudentUnenrolled)
def count_end(event: StudentUnenrolled) -> None:
    """Access was taken away."""
    _count(event.course_id, REFUNDED if event.reason == REFUNDED else CANCELLED)


@listens(EnrollmentExpired)
def count_expiry(event: EnrollmentExpired) -> None:
    """Access ran out."""
    _count(event.course_id, EXPIRED)


@listens(CourseCompleted)
def count_completion(event: CourseCompleted) -> None:
    """A course was completed; how long it took counts from the enrolment, or from the last start anew."""
    _count(event.course_id, COMPLETED)
    row: dict[str, Any] = db.row(BEGINNING, {"enrollment_id": event.enrollment_id}) or {}
    begun = row["reset_at"] if row["reset_at"] is not None and event.completion_no > 1 else row["enrolled_at"]
    seconds = max(0, int((clock.now() - begun).total_seconds()))
    scope = rollups.course(event.course_id)
    rollups.add(scope, TIME_COUNT)
    rollups.add(scope, TIME_SECONDS, seconds)
    rollups.add(scope, duration_key(seconds))


def _count(course_id: int, metric: str) -> None:
    for key in dated(metric, clock.now()):
        rollups.add(rollups.course(course_id), key)
        rollups.add(rollups.SITE, key)
