"""What the verbs about enrolments have in common: the locks they begin with, and what follows a grant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from learnomy_wp.enrollments import barriers, grants, settle
from learnomy_wp.enrollments.errors import AlreadyEnrolled, CourseFull
from learnomy_wp.enrollments.events import MEMBERSHIP
from learnomy_wp.kernel import cache, clock
from learnomy_wp.kernel.errors import NotFound
from learnomy_wp.progress import state as progress

Row = dict[str, Any]


def lock_course(course_id: int) -> Row:
    """The course's row, locked. Raises `NotFound`."""
    course = settle.lock_course(course_id)
    if course is None:
        raise NotFound("course")
    return course


def lock_pair(user_id: int, course: Row) -> Row | None:
    """A user's enrolment in a locked course, locked and as it stands now; None where there is none."""
    row = settle.lock_pair(user_id, course["id"])
    return catch_up(row, course) if row is not None else None


def catch_up(row: Row, course: Row) -> Row:
    """Settle what time or a moved window has changed, so that the row tells what is so now."""
    settled = settle.settle(row, course, actor_id=0)
    course["student_count"] += int(settled["has_access"]) - int(row["has_access"])
    return settled


def has_open(row: Row, **source: Any) -> bool:
    """Whether an enrolment holds an open grant, of this `source` and `source_id` where they are named."""
    return grants.find_open(settle.list_grants(row["id"]), clock.now(), **source)


def give_course(
    user_id: int, course: Row, grant: Mapping[str, Any], *, actor_id: int, is_bulk: bool = False
) -> tuple[Row, Row | None]:
    """Give somebody a locked course; gives the enrolment after it and before it.

    Whatever refuses it does so before anything is written. Raises `AlreadyEnrolled` where the source gives the
    course already, and `CourseFull`. Events: `StudentEnrolled` where access begins.
    """
    source = {"source": grant["source"], "source_id": grant["source_id"]}
    before = lock_pair(user_id, course)
    if before is not None and has_open(before, **source):
        raise AlreadyEnrolled
    if barriers.is_full(course) and not (before and before["has_access"]):
        raise CourseFull
    row = before or settle.add_enrollment(user_id, course["id"], grant["source"])
    settle.give(
        row,
        course,
        **source,
        starts_at=grant.get("starts_at"),
        ends_at=grant.get("expires_at"),
        is_unlimited="expires_at" in grant and grant["expires_at"] is None,
        actor_id=actor_id,
    )
    return begin(row, course, actor_id=actor_id, is_bulk=is_bulk), before


def begin(row: Row, course: Row, *, actor_id: int, is_bulk: bool = False) -> Row:
    """Follow a new grant. Whoever comes back begins anew where the course says so."""
    settled = settle.settle(row, course, actor_id=actor_id, is_bulk=is_bulk)
    cache.bump_after_commit(MEMBERSHIP)
    if row["has_access"]:
        return settled
    if settled["has_access"] and course["reset_on_retake"] and settle.has_had_access(row["id"]):
        return progress.restart(settled, actor_id=actor_id)
    return progress.recount(settled, actor_id=actor_id)
