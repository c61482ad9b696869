"""Rules about enrolments: the learner's own, the staff's of the course, the manager's all."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, bindparam, select

from learnomy_wp.courses import lookups, policies
from learnomy_wp.kernel import db
from learnomy_wp.kernel.actor import EDIT_OTHERS_COURSES, Actor
from learnomy_wp.kernel.errors import Forbidden, NotFound
from learnomy_wp.kernel.policy import Params, Rule, on_object
from wp_schema.tables import course_instructors, enrollments

STAFFED = select(course_instructors.c.course_id).where(
    course_instructors.c.user_id == bindparam("user_id"), course_instructors.c.role.in_(policies.STAFF)
)
FACTS = (
    select(enrollments.c.id, enrollments.c.user_id, enrollments.c.course_id, course_instructors.c.role)
    .select_from(
        enrollments.outerjoin(
            course_instructors,
            and_(
                course_instructors.c.course_id == enrollments.c.course_id,
                course_instructors.c.user_id == bindparam("actor_id"),
            ),
        )
    )
    .where(enrollments.c.id == bindparam("id"))
)


def sees_all(actor: Actor) -> bool:
    """Whether the caller is as good as staff of every course."""
    return actor.is_manager or actor.can(EDIT_OTHERS_COURSES)


def list_staffed(user_id: int) -> list[int]:
    """The courses that a user is staff of."""
    return db.values(STAFFED, {"user_id": user_id})


def _load_course(actor: Actor, params: Params) -> dict[str, Any]:
    policies.check_content(actor, params)
    return lookups.find_course(actor, params["id"])


def _load_own_or_staffed(actor: Actor, params: Params) -> dict[str, Any]:
    facts = db.row(FACTS, {"id": params["id"], "actor_id": actor.id})
    if facts is None or not (facts["user_id"] == actor.id or policies.is_staff(actor, facts)):
        raise NotFound("enrolment")
    return facts


def _load_staffed(actor: Actor, params: Params) -> dict[str, Any]:
    facts = _load_own_or_staffed(actor, params)
    if not policies.is_staff(actor, facts):
        raise Forbidden
    return facts


def _check_staff_of_any(actor: Actor, _params: Params) -> None:
    if not sees_all(actor) and not list_staffed(actor.id):
        raise Forbidden


ENROL = on_object("user", _load_course)
READ: Rule = on_object("owner-or-staff", _load_own_or_staffed)
MANAGE: Rule = on_object("manage-or-staff", _load_staffed)
CREATE: Rule = on_object("manage-or-staff", _check_staff_of_any)
