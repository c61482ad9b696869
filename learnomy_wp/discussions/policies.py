"""`owner-or-staff`: who wrote a post, or teaches its course."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, bindparam, select

from learnomy_wp.courses import policies
from learnomy_wp.kernel import db
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import ApiError, Forbidden, NotFound
from learnomy_wp.kernel.policy import Params, on_object
from learnomy_wp.progress.state import LESSON_ACCESS
from wp_schema.tables import course_instructors, discussions

FACTS = (
    select(
        discussions.c.id,
        discussions.c.course_id,
        discussions.c.lesson_id,
        discussions.c.parent_id,
        discussions.c.user_id,
        discussions.c.shown_as,
        discussions.c.status,
        course_instructors.c.role,
    )
    .select_from(
        discussions.outerjoin(
            course_instructors,
            and_(
                course_instructors.c.course_id == discussions.c.course_id,
                course_instructors.c.user_id == bindparam("actor_id"),
            ),
        )
    )
    .where(discussions.c.id == bindparam("id"))
)


def _load(actor: Actor, params: Params) -> dict[str, Any]:
    found = db.row(FACTS, {"id": params["id"], "actor_id": actor.id})
    if found is None:
        raise NotFound("post")
    found["is_staff"] = policies.is_staff(actor, found)
    if found["is_staff"] or (found["user_id"] == actor.id and found["status"] not in ("trash", "spam")):
        return found
    raise Forbidden if _is_shown(actor, found) else NotFound("post")


def _is_shown(actor: Actor, post: dict[str, Any]) -> bool:
    """Whether the caller may know that the post is there."""
    if post["shown_as"] != "visible":
        return False
    try:
        LESSON_ACCESS.check(actor, {"id": post["lesson_id"]})
    except ApiError:
        return False
    return True


OWNER_OR_STAFF = on_object("owner-or-staff", _load)
