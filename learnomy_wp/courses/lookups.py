"""Finding a course by id or slug, as far as the caller may know of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, select

from learnomy_wp.courses import policies
from learnomy_wp.enrollments.access import find_access
from learnomy_wp.kernel import db
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import NotFound
from learnomy_wp.kernel.serialize import MAX_ID
from wp_schema import slugs
from wp_schema.tables import course_instructors, course_links, courses

# What nobody finds in lists, but whoever is enrolled may open.
UNLISTED = ("private", "archived")


def _with_role(here: ColumnElement[bool]) -> Select[Any]:
    member = and_(course_instructors.c.course_id == courses.c.id, course_instructors.c.user_id == bindparam("actor_id"))
    has_prerequisites = exists().where(course_links.c.kind == "prerequisite", course_links.c.owner_id == courses.c.id)
    return (
        select(courses, course_instructors.c.role, has_prerequisites.label("has_prerequisites"))
        .select_from(courses.outerjoin(course_instructors, member))
        .where(here)
    )


BY_ID = _with_role(courses.c.id == bindparam("id"))
BY_SLUG = _with_role(courses.c.slug == bindparam("slug"))
LOCK = select(courses).where(courses.c.id == bindparam("id")).with_for_update()


def find_course(actor: Actor, reference: str | int) -> dict[str, Any]:
    """The course's row with the caller's `role`; digits are an id, anything else a slug.

    Raises `NotFound` also for what the caller may not know of: drafts but to its staff, private
    and archived courses but to staff and to whoever is enrolled.
    """
    found = _find(actor, reference)
    if found is None or not is_visible(actor, found):
        raise NotFound("course")
    return found


def is_staff(actor: Actor, course: dict[str, Any]) -> bool:
    """Whether the caller is of the course's staff, by the `role` in its row."""
    return policies.has_role(actor, course, policies.STAFF)


def is_visible(actor: Actor, course: dict[str, Any]) -> bool:
    """Whether the caller may know of the course."""
    if course["status"] == "published" or is_staff(actor, course):
        return True
    return course["status"] in UNLISTED and find_access(actor.id, course["id"]).is_enrolled


def lock_course(course_id: int) -> dict[str, Any]:
    """The course's row, locked until the end of the unit of work: what every write below a course begins with."""
    found = db.row(LOCK, {"id": course_id})
    if found is None:
        raise NotFound("course")
    return found


def _find(actor: Actor, reference: str | int) -> dict[str, Any] | None:
    text = str(reference)
    if not (text.isascii() and text.isdigit()):
        return db.row(BY_SLUG, {"slug": slugs.asked_for(text), "actor_id": actor.id})
    number = int(text[:20])  # a longer one is too large in any case
    return db.row(BY_ID, {"id": number, "actor_id": actor.id}) if number <= MAX_ID else None
