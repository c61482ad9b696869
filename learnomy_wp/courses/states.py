"""A course's status: publishing, the trash and the way back, its sections, lessons and quizzes with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table, Update, bindparam, update

from learnomy_wp.courses import hooks, policies
from learnomy_wp.kernel import clock, db, settings, trash
from learnomy_wp.kernel.actor import EDIT_OTHERS_COURSES, PUBLISH_COURSES, Actor
from learnomy_wp.kernel.errors import Forbidden
from wp_schema.tables import lessons, quizzes, sections

# Statuses that open a course to students.
OPEN = ("published", "private", "archived")
CHILDREN: tuple[Table, ...] = (sections, lessons, quizzes)


def _trash(table: Table) -> Update:
    kept = [(table.c.previous_status, table.c.status)] if "previous_status" in table.c else []
    return (
        update(table)
        .where(table.c.course_id == bindparam("of_course"), table.c.status != "trash")
        .ordered_values(  # MySQL assigns one after the other
            *kept,
            (table.c.status, "trash"),
            (table.c.trashed_with_parent, True),
            (table.c.deleted_at, bindparam("at")),
            (table.c.updated_at, bindparam("at")),
        )
    )


def _restore(table: Table) -> Update:
    has_previous = "previous_status" in table.c
    cleared: list[Any] = [(table.c.previous_status, None)] if has_previous else []
    return (
        update(table)
        .where(
            table.c.course_id == bindparam("of_course"),
            table.c.status == "trash",
            table.c.trashed_with_parent.is_(True),
            table.c.deleted_at == bindparam("went_at"),  # with the course, not before it
        )
        .ordered_values(
            (table.c.status, table.c.previous_status if has_previous else "published"),
            *cleared,
            (table.c.trashed_with_parent, False),
            (table.c.deleted_at, None),
            (table.c.updated_at, bindparam("at")),
        )
    )


TRASH = [_trash(table) for table in CHILDREN]
RESTORE = [_restore(table) for table in CHILDREN]


def allowed_status(actor: Actor, facts: Mapping[str, Any], wanted: str) -> str:
    """The status that a caller who asks for `wanted` gets: `pending` where publishing waits for review.

    `facts` carries the caller's `role`. Raises `Forbidden` for what opens a course to students
    where the caller may not publish.
    """
    if wanted in OPEN and not policies.has_role(actor, dict(facts), policies.EDITORS, PUBLISH_COURSES):
        raise Forbidden("You may edit this course, but not publish it.")
    if wanted == "published" and settings.get(hooks.REVIEW) and not actor.can(EDIT_OTHERS_COURSES):
        return "pending"
    return wanted


def status_columns(course: Mapping[str, Any], wanted: str) -> dict[str, Any]:
    """The columns that bring a course whose row is locked to another status. Raises `TrashExpired`."""
    now, current = clock.now(), course["status"]
    if wanted == current:
        return {}
    found: dict[str, Any] = {"status": wanted}
    if wanted == "trash":
        return {**found, "previous_status": current, "deleted_at": now}
    if current == "trash":
        trash.check_restorable(course["deleted_at"])
        found |= {"previous_status": None, "deleted_at": None}
    if wanted == "published" and course["first_published_at"] is None:
        found |= {"published_at": now, "first_published_at": now}
    return found


def move_children(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Take what a course consists of into the trash with it, or bring it back; gives whether that was needed."""
    was, is_now = before["status"] == "trash", after["status"] == "trash"
    if was == is_now:
        return False
    values = {"of_course": after["id"], "at": after["updated_at"]}
    if is_now:
        values["at"] = after["deleted_at"]
    else:
        values["went_at"] = before["deleted_at"]
    for statement in TRASH if is_now else RESTORE:
        db.execute(statement, values)
    return True
