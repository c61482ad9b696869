"""The numbers behind analytics and reports: what they count, and how they follow each write.

Whoever writes an enrolment or a learner's progress says here what the row was and what it is now. The numbers of a
course mirror its rows at any moment: how many enrolments stand where, how many learners began and completed each
lesson. What happened on a day is added up by `reports.listeners`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from learnomy_wp.kernel import rollups

Row = Mapping[str, Any]

QUARTERS = (25, 50, 75, 100)
STATUS, STARTED, REACHED, COMPLETED = "status:", "started", "reached:", "completed"
LESSON = "lesson:"


def facets(enrollment: Row | None) -> frozenset[str]:
    """What an enrolment counts for; nothing where there is none."""
    if enrollment is None:
        return frozenset()
    found = {STATUS + enrollment["status"]}
    found |= {f"{REACHED}{share}" for share in QUARTERS if enrollment["progress_percent"] >= share}
    if enrollment["started_at"] is not None:
        found.add(STARTED)
    if enrollment["completion_no"]:
        found.add(COMPLETED)
    return frozenset(found)


def enrollment_moved(before: Row | None, after: Row) -> None:
    """An enrolment is written in this unit of work: `before` and `after` are its row, `before` None for a new one."""
    was, is_now = facets(before), facets(after)
    scope = rollups.course(after["course_id"])
    for names, change in ((is_now - was, 1), (was - is_now, -1)):
        for name in names:
            rollups.add(scope, name, change)
            if name.startswith(STATUS):
                rollups.add(rollups.SITE, name, change)


def lesson_moved(course_id: int, lesson_id: int, before: str, after: str) -> None:
    """A learner's `state` in a lesson or topic is written in this unit of work."""
    scope = rollups.course(course_id)
    for name, states in ((STARTED, ("in_progress", "completed")), (COMPLETED, ("completed",))):
        change = int(after in states) - int(before in states)
        if change:
            rollups.add(scope, lesson_key(lesson_id, name), change)


def progress_forgotten(course_id: int, done: Iterable[Row]) -> None:
    """A learner's lessons, by `object_id` and `state`, are put back to nothing in this unit of work."""
    for row in done:
        lesson_moved(course_id, row["object_id"], row["state"], "none")


def lesson_key(lesson_id: int, name: str) -> str:
    """The counter of a lesson."""
    return f"{LESSON}{lesson_id}:{name}"
