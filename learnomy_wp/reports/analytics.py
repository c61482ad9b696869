"""What a course's numbers say: how far its learners come, where they stop, how long they take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select

from learnomy_wp.kernel import clock, db, rollups
from learnomy_wp.progress.outline import IS_PART, ORDER, SOURCE
from learnomy_wp.reports import listeners, tallies
from wp_schema.tables import courses, lessons, quizzes

Row = dict[str, Any]

STATUSES = ("pending", "active", "completed", "cancelled", "expired", "refunded")
COURSE = select(courses.c.student_count).where(courses.c.id == bindparam("course_id"))
LESSONS = (
    select(lessons.c.id, lessons.c.parent_id, lessons.c.title, lessons.c.slug)
    .select_from(SOURCE)
    .where(lessons.c.course_id == bindparam("course_id"), IS_PART)
    .order_by(*ORDER)
)
QUIZZES = (
    select(
        quizzes.c.id, quizzes.c.title, quizzes.c.slug, quizzes.c.attempt_count, quizzes.c.passed_count,
        quizzes.c.statistics,
    )
    .where(quizzes.c.course_id == bindparam("course_id"), quizzes.c.status == "published", quizzes.c.mode == "graded")
    .order_by(quizzes.c.position, quizzes.c.id)
)  # fmt: skip


def describe_course(course_id: int) -> Row:
    """The analytics of a course: four statements, none of them over its learners."""
    here = {"course_id": course_id}
    sums = rollups.read(rollups.course(course_id), first=listeners.DATED + rollups.END)
    by_status = {status: sums.get(tallies.STATUS + status, 0) for status in STATUSES}
    total = sum(by_status.values())
    enrolled = total - by_status["pending"]
    return {
        "course_id": course_id,
        "enrollments": {"total": total, "with_access": int(db.value(COURSE, here) or 0), **by_status},
        "funnel": _funnel(sums, enrolled),
        "lessons": _lessons(db.rows(LESSONS, here), sums, enrolled),
        "time_to_complete": _durations(sums),
        "quizzes": [_quiz(row) for row in db.rows(QUIZZES, here)],
        "generated_at": clock.now(),
    }


def share(part: int, whole: int) -> float:
    """Percent with one decimal, 0 of nothing."""
    return round(part * 100 / whole, 1) if whole else 0.0


def _funnel(sums: Mapping[str, int], enrolled: int) -> list[Row]:
    steps = [("enrolled", enrolled), ("started", sums.get(tallies.STARTED, 0))]
    steps += [(f"reached_{most}", sums.get(f"{tallies.REACHED}{most}", 0)) for most in tallies.QUARTERS]
    steps.append(("completed", sums.get(tallies.COMPLETED, 0)))
    return [{"step": name, "count": count, "percent": share(count, enrolled)} for name, count in steps]


def _lessons(rows: list[Row], sums: Mapping[str, int], enrolled: int) -> list[Row]:
    """Each lesson and topic in the curriculum's order; who is lost on the way from the lesson before is `dropped`."""
    found, before = [], enrolled
    for row in rows:
        started = sums.get(tallies.lesson_key(row["id"], tallies.STARTED), 0)
        completed = sums.get(tallies.lesson_key(row["id"], tallies.COMPLETED), 0)
        dropped = max(0, before - completed) if row["parent_id"] is None else None
        found.append(
            {
                **row,
                "started": started,
                "completed": completed,
                "completed_percent": share(completed, enrolled),
                "dropped": dropped,
                "dropped_percent": None if dropped is None else share(dropped, before),
            }
        )
        if row["parent_id"] is None:
            before = completed
    return found


def _durations(sums: Mapping[str, int]) -> Row:
    count = sums.get(listeners.TIME_COUNT, 0)
    most: list[int | None] = [*listeners.WITHIN, None]
    return {
        "count": count,
        "average_seconds": sums.get(listeners.TIME_SECONDS, 0) // count if count else None,
        "distribution": [
            {
                "up_to_seconds": seconds,
                "count": sums.get(listeners.duration_key(listeners.WITHIN[-1] + 1 if seconds is None else seconds), 0),
            }
            for seconds in most
        ],
    }


def _quiz(row: Row) -> Row:
    """A quiz's difficulty: who passes, and what graded attempts reach on average."""
    counted = row.pop("statistics") or {}
    return {
        **row,
        "passed_percent": share(row["passed_count"], row["attempt_count"]) if row["attempt_count"] else None,
        "average_percent": counted.get("average_percent"),
    }
