"""The report on enrolments: what began, was completed and ended in each day, week or month.

Periods are those of UTC, each named by the instant at which it begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import bindparam, select

from learnomy_wp.kernel import clock, db, rollups
from learnomy_wp.kernel.errors import ValidationFailed
from learnomy_wp.reports import listeners, tallies
from learnomy_wp.reports.analytics import STATUSES
from wp_schema.tables import courses

Row = dict[str, Any]

DAY, WEEK, MONTH = "day", "week", "month"
INTERVALS = (DAY, WEEK, MONTH)
MOST_DAYS, MOST_MONTHS = 366, 120
RECENT_DAYS = 30
TOP = 10
METRICS = ("enrolled", listeners.COMPLETED, listeners.CANCELLED, listeners.REFUNDED, listeners.EXPIRED)

COURSE = select(courses.c.id).where(courses.c.id == bindparam("course_id"))
MOST_STUDENTS = (
    select(courses.c.id, courses.c.title, courses.c.slug, courses.c.student_count, courses.c.completion_count)
    .with_hint(courses, "FORCE INDEX (zblog_lrn_courses_students)", "mysql")
    .where(courses.c.status == "published")
    .order_by(courses.c.student_count.desc(), courses.c.id.desc())
    .limit(TOP)
)


def report(query: Mapping[str, Any]) -> Row:
    """The report of the whole site or of one course. Raises `ValidationFailed`."""
    interval, course_id = query["interval"], query.get("course_id")
    first, last = _span(query, interval)
    if course_id is not None and db.value(COURSE, {"course_id": course_id}) is None:
        raise ValidationFailed.of("course_id", "There is no such course.", "unknown")
    scope = rollups.SITE if course_id is None else rollups.course(course_id)
    starts = list(_starts(first, last, interval))
    periods = {at: dict.fromkeys(METRICS, 0) for at in starts}
    sources: dict[str, int] = {}
    for at, metric, count in _read(scope, starts[0], last, interval):
        name, _, source = metric.partition(":")
        if source:
            sources[source] = sources.get(source, 0) + count
        periods[_start_of(at, interval)][name] += count
    rows = list(periods.values())
    return {
        "from_date": first,
        "to_date": last,
        "interval": interval,
        "course_id": course_id,
        "totals": {name: sum(row[name] for row in rows) for name in METRICS},
        "by_status": _by_status(scope),
        "by_source": [{"source": name, "enrolled": count} for name, count in sorted(sources.items())],
        "periods": [{"starts_at": _instant(at), **counts} for at, counts in periods.items()],
        "courses": db.rows(MOST_STUDENTS) if course_id is None else [],
    }


def _span(query: Mapping[str, Any], interval: str) -> tuple[date, date]:
    """The days asked for, both of them included."""
    last: date = query.get("to_date") or clock.now().date()
    first: date = query.get("from_date") or last - timedelta(days=RECENT_DAYS - 1)
    if first > last:
        raise ValidationFailed.of("to_date", "This must not be before from_date.", "too_early")
    days = (last - first).days + 1
    if interval != MONTH and days > MOST_DAYS:
        raise ValidationFailed.of("from_date", f"At most {MOST_DAYS} days; by month, {MOST_MONTHS} months.", "too_long")
    if days > MOST_MONTHS * 31:
        raise ValidationFailed.of("from_date", f"At most {MOST_MONTHS} months.", "too_long")
    return first, last


def _start_of(day: date, interval: str) -> date:
    if interval == WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if interval == MONTH else day


def _starts(first: date, last: date, interval: str) -> Iterator[date]:
    at = _start_of(first, interval)
    while at <= last:
        yield at
        at = _start_of(at + timedelta(days={DAY: 1, WEEK: 7, MONTH: 31}[interval]), interval)


def _read(scope: str, first: date, last: date, interval: str) -> Iterator[tuple[date, str, int]]:
    """Date, metric and count. Weeks and months are whole: they begin before `from_date` where they have to."""
    prefix, form = (listeners.MONTH, "%Y-%m") if interval == MONTH else (listeners.DAY, "%Y-%m-%d")
    found = rollups.read(scope, f"{prefix}{first:{form}}", f"{prefix}{last:{form}}:{rollups.END}")
    for key, count in found.items():
        at, _, metric = key.removeprefix(prefix).partition(":")
        yield date.fromisoformat(at if interval != MONTH else f"{at}-01"), metric, count


def _by_status(scope: str) -> Row:
    sums = rollups.read(scope, tallies.STATUS, tallies.STATUS + rollups.END)
    return {status: sums.get(tallies.STATUS + status, 0) for status in STATUSES}


def _instant(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
