"""Courses to be completed before others; no chain of them may lead back to its beginning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import and_, bindparam, delete, insert, select, update

from learnomy_wp.courses import policies
from learnomy_wp.kernel import clock, db
from learnomy_wp.kernel.actor import EDIT_OTHERS_COURSES, Actor
from learnomy_wp.kernel.errors import Detail, ValidationFailed
from wp_schema.tables import course_instructors, course_links, courses

KIND = "prerequisite"
MAX_VISITED = 1000

OF_OWNER = (
    select(course_links.c.id, course_links.c.course_id, course_links.c.position)
    .where(course_links.c.kind == KIND, course_links.c.owner_id == bindparam("owner_id"))
    .order_by(course_links.c.position, course_links.c.id)
)
OF_OWNERS = select(course_links.c.course_id).where(
    course_links.c.kind == KIND, course_links.c.owner_id.in_(bindparam("ids", expanding=True))
)
LOCK = (
    select(courses.c.id)
    .where(courses.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(courses.c.id)
    .with_for_update()
)
KNOWN = (
    select(courses.c.id, courses.c.status, course_instructors.c.role)
    .select_from(
        courses.outerjoin(
            course_instructors,
            and_(
                course_instructors.c.course_id == courses.c.id,
                course_instructors.c.user_id == bindparam("actor_id"),
            ),
        )
    )
    .where(courses.c.id.in_(bindparam("ids", expanding=True)), courses.c.status != "trash", courses.c.kind == "course")
)
INSERT = insert(course_links)
REMOVE = delete(course_links).where(course_links.c.id.in_(bindparam("ids", expanding=True)))
MOVE = update(course_links).where(course_links.c.id == bindparam("row_id")).values(position=bindparam("place"))


def require(actor: Actor, course_id: int, ids: Sequence[int]) -> bool:
    """Make these the prerequisites of a course whose row is locked; gives whether that changed them.

    Raises `ValidationFailed` for a course the caller may not know of, and for a circle.
    """
    wanted = list(dict.fromkeys(ids))
    held = db.rows(OF_OWNER, {"owner_id": course_id})
    if [row["course_id"] for row in held] == wanted:
        return False
    _check_known(actor, course_id, wanted)
    _check_circle(course_id, wanted)
    _write(course_id, held, wanted)
    return True


def _check_known(actor: Actor, course_id: int, wanted: Sequence[int]) -> None:
    if not wanted:
        return
    rows = db.rows(KNOWN, {"ids": wanted, "actor_id": actor.id})
    known = {row["id"] for row in rows if _may_know(actor, row)}
    wrong = [
        Detail(f"prerequisites.{place}", "unknown", "There is no such course.")
        for place, wanted_id in enumerate(wanted)
        if wanted_id not in known
    ]
    if course_id in wanted:
        wrong.append(Detail("prerequisites", "cycle", "A course cannot be its own prerequisite."))
    if wrong:
        raise ValidationFailed(details=wrong)


def _may_know(actor: Actor, row: Mapping[str, Any]) -> bool:
    return row["status"] == "published" or row["role"] in policies.STAFF or actor.can(EDIT_OTHERS_COURSES)


def _check_circle(course_id: int, wanted: Sequence[int]) -> None:
    """Walk what the wanted courses ask for. Each is locked as it is met, so that two writes cannot close a circle."""
    frontier, visited = set(wanted), {course_id}
    while frontier:
        visited |= frontier
        db.rows(LOCK, {"ids": sorted(frontier)})
        asked = set(db.values(OF_OWNERS, {"ids": sorted(frontier)}))
        if course_id in asked or len(visited) > MAX_VISITED:
            raise ValidationFailed.of("prerequisites", "One of these already asks for this course first.", "cycle")
        frontier = asked - visited


def _write(course_id: int, held: Sequence[dict[str, Any]], wanted: Sequence[int]) -> None:
    mine = {row["course_id"]: row for row in held}
    gone = [row["id"] for row in held if row["course_id"] not in wanted]
    if gone:
        db.execute(REMOVE, {"ids": gone})
    moved = [
        {"row_id": mine[other]["id"], "place": place}
        for place, other in enumerate(wanted)
        if other in mine and mine[other]["position"] != place
    ]
    if moved:
        db.execute(MOVE, moved)
    added = [
        {"kind": KIND, "owner_id": course_id, "course_id": other, "position": place, "created_at": clock.now()}
        for place, other in enumerate(wanted)
        if other not in mine
    ]
    if added:
        db.execute(INSERT, added)
