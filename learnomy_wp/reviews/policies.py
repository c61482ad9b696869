"""Rules about reviews: who may write one, whose one is, who stands above it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, bindparam, select

from learnomy_wp.courses import lookups, policies
from learnomy_wp.enrollments import access
from learnomy_wp.kernel import clock, db
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import Forbidden, NotFound
from learnomy_wp.kernel.policy import Params, Rule, on_object
from wp_schema.tables import course_instructors, courses, enrollments, reviews

FACTS = (
    select(
        reviews.c.id,
        reviews.c.user_id,
        reviews.c.course_id,
        reviews.c.status,
        courses.c.status.label("course_status"),
        course_instructors.c.role,
    )
    .select_from(
        reviews.join(courses, courses.c.id == reviews.c.course_id).outerjoin(
            course_instructors,
            and_(
                course_instructors.c.course_id == reviews.c.course_id,
                course_instructors.c.user_id == bindparam("actor_id"),
            ),
        )
    )
    .where(reviews.c.id == bindparam("id"))
)
STANDING = (
    select(enrollments.c.progress_percent, enrollments.c.completion_no, access.IS_LIVE.label("is_live"))
    .select_from(enrollments.join(courses, courses.c.id == enrollments.c.course_id))
    .where(enrollments.c.user_id == bindparam("actor_id"), enrollments.c.course_id == bindparam("course_id"))
)


def _load_course(actor: Actor, params: Params) -> dict[str, Any]:
    policies.check_content(actor, params)
    return lookups.find_course(actor, params["id"])


def _load_as_student(actor: Actor, params: Params) -> dict[str, Any]:
    """The course with the caller's standing in it: in it now, or once completed."""
    course = _load_course(actor, params)
    if course["role"] in policies.STAFF:
        raise Forbidden("Who teaches a course does not review it.")
    standing = db.row(STANDING, {"actor_id": actor.id, "course_id": course["id"], "now": clock.now()})
    if standing is None or not (standing["is_live"] or standing["completion_no"]):
        raise access.NotEnrolled
    return {**course, "standing": standing}


def _load_own(actor: Actor, params: Params) -> dict[str, Any]:
    facts = _load_known(actor, params)
    if facts["user_id"] != actor.id:
        raise Forbidden
    return facts


def _load_own_or_staffed(actor: Actor, params: Params) -> dict[str, Any]:
    facts = _load_known(actor, params)
    if facts["user_id"] != actor.id and not policies.is_staff(actor, facts):
        raise Forbidden
    return facts


def _load_known(actor: Actor, params: Params) -> dict[str, Any]:
    """A review that the caller may know of: shown to all, one's own, or of one's course."""
    facts = db.row(FACTS, {"id": params["id"], "actor_id": actor.id})
    if facts is None:
        raise NotFound("review")
    is_shown = facts["status"] == "approved" and facts["course_status"] == "published"
    if not (is_shown or facts["user_id"] == actor.id or policies.is_staff(actor, facts)):
        raise NotFound("review")
    return facts


READ: Rule = Rule("public", _load_course, is_open=True, is_public=True)
WRITE: Rule = on_object("enrolled", _load_as_student)
OWN: Rule = on_object("owner", _load_own)
REMOVE: Rule = on_object("owner-or-staff", _load_own_or_staffed)
