"""Rules about certificates: their owner's, the staff's of the course, the manager's all."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, bindparam, select

from learnomy_wp.courses import policies
from learnomy_wp.kernel import db
from learnomy_wp.kernel.actor import EDIT_OTHERS_COURSES, Actor
from learnomy_wp.kernel.errors import Forbidden, NotFound
from learnomy_wp.kernel.policy import Params, Rule, on_object
from wp_schema.tables import certificates, course_instructors

STAFFED = select(course_instructors.c.course_id).where(
    course_instructors.c.user_id == bindparam("user_id"), course_instructors.c.role.in_(policies.STAFF)
)
FACTS = (
    select(certificates.c.id, certificates.c.user_id, certificates.c.course_id, course_instructors.c.role)
    .select_from(
        certificates.outerjoin(
            course_instructors,
            and_(
                course_instructors.c.course_id == certificates.c.course_id,
                course_instructors.c.user_id == bindparam("actor_id"),
            ),
        )
    )
    .where(certificates.c.id == bindparam("id"))
)


def sees_all(actor: Actor) -> bool:
    """Whether the caller is as good as staff of every course."""
    return actor.is_manager or actor.can(EDIT_OTHERS_COURSES)


def list_staffed(user_id: int) -> list[int]:
    """The courses that a user is staff of."""
    return db.values(STAFFED, {"user_id": user_id})


def _load_own_or_staffed(actor: Actor, params: Params) -> dict[str, Any]:
    facts = db.row(FACTS, {"id": params["id"], "actor_id": actor.id})
    if facts is None or not (facts["user_id"] == actor.id or policies.is_staff(actor, facts)):
        raise NotFound("certificate")
    return facts


def _load_staffed(actor: Actor, params: Params) -> dict[str, Any]:
    facts = _load_own_or_staffed(actor, params)
    if not policies.is_staff(actor, facts):
        raise Forbidden
    return facts


def _check_staff_of_any(actor: Actor, _params: Params) -> None:
    if not sees_all(actor) and not list_staffed(actor.id):
        raise Forbidden


READ: Rule = on_object("owner-or-staff", _load_own_or_staffed)
REVOKE: Rule = on_object("course-staff", _load_staffed)
ISSUE: Rule = on_object("course-staff", _check_staff_of_any)
