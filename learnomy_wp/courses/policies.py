"""Rules about courses: who may see content at all, and who may do what with a course."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, bindparam, select

from learnomy_wp.courses import hooks
from learnomy_wp.kernel import db, settings
from learnomy_wp.kernel.actor import EDIT_COURSES, EDIT_OTHERS_COURSES, PUBLISH_COURSES, Actor
from learnomy_wp.kernel.errors import Forbidden, NotFound, Unauthenticated
from learnomy_wp.kernel.policy import USER, Params, Rule, on_object
from learnomy_wp.progress import outline
from wp_schema.tables import attachments, course_instructors, courses, lessons, sections

OWNER = ("owner",)
EDITORS = ("owner", "co")
STAFF = ("owner", "co", "assistant")


def check_content(actor: Actor, _params: Params) -> None:
    """Refuse whoever a private academy does not let in."""
    if not hooks.require_login_for_content(settings.get(hooks.PRIVATE_ACADEMY)):
        return
    if not hooks.content_can_access(actor.is_logged_in, actor.id):
        raise Unauthenticated if not actor.is_logged_in else Forbidden


# Public content: anybody, unless the academy is private.
CONTENT = Rule("public", check_content, is_open=True, is_public=True)


def course_facts(
    source: FromClause, here: ColumnElement[bool], known: ColumnElement[bool] | None = None
) -> Select[Any]:
    """The course that a path leads to, with the caller's role in it. Binds `id` and `actor_id`.

    `known` says that learners of the course may know of the part that the path names.
    """
    is_published = courses.c.status == "published"
    member = and_(course_instructors.c.course_id == courses.c.id, course_instructors.c.user_id == bindparam("actor_id"))
    return (
        select(
            courses.c.id.label("course_id"),
            courses.c.status.label("course_status"),
            courses.c.author_id,
            course_instructors.c.role,
            (is_published if known is None else and_(is_published, known)).label("is_known"),
        )
        .select_from(source.outerjoin(course_instructors, member))
        .where(here)
    )


BY_COURSE = course_facts(courses, courses.c.id == bindparam("id"))
BY_SECTION = course_facts(
    courses.join(sections, sections.c.course_id == courses.c.id),
    sections.c.id == bindparam("id"),
    sections.c.status == "published",
)
BY_LESSON = course_facts(
    outline.SOURCE.join(courses, courses.c.id == lessons.c.course_id),
    lessons.c.id == bindparam("id"),
    outline.IS_PART,
)


def has_role(actor: Actor, facts: dict[str, Any], roles: tuple[str, ...], capability: str = "") -> bool:
    """Whether the caller holds one of the roles in the course (with a capability), or edits others' courses."""
    holds = facts["role"] in roles and (not capability or actor.can(capability))
    return holds or actor.can(EDIT_OTHERS_COURSES)


def is_staff(actor: Actor, facts: dict[str, Any]) -> bool:
    """Whether the caller teaches the course whose `role` the facts hold, edits others' courses, or manages the site."""
    return actor.is_manager or has_role(actor, facts, STAFF)


def course_rule(
    name: str, statement: Select[Any], roles: tuple[str, ...], capability: str = "", *, parameter: str = "id"
) -> Rule:
    """A rule about the course that `statement` finds by a path parameter; gives the endpoint its facts."""

    def load(actor: Actor, params: Params) -> dict[str, Any]:
        facts = db.row(statement, {"id": params[parameter], "actor_id": actor.id})
        if facts is None:
            raise NotFound
        if has_role(actor, facts, roles, capability):
            return facts
        # What is not published may be known of by its staff only.
        raise Forbidden if facts["is_known"] or facts["role"] else NotFound

    return on_object(name, load)


# Learners know of the files of the lessons they know of.
BY_ATTACHMENT = course_facts(
    outline.SOURCE.join(courses, courses.c.id == lessons.c.course_id).join(
        attachments, attachments.c.lesson_id == lessons.c.id
    ),
    and_(attachments.c.id == bindparam("id"), attachments.c.deleted_at.is_(None)),
    outline.IS_PART,
)


EDIT = course_rule("course-editor", BY_COURSE, EDITORS, EDIT_COURSES)
PUBLISH = course_rule("course-publisher", BY_COURSE, EDITORS, PUBLISH_COURSES)
OWN = course_rule("course-owner", BY_COURSE, OWNER, EDIT_COURSES)
# Without a course in the path: lists show what the caller is staff of.
STAFF_SOMEWHERE = USER.named("course-staff")
EDIT_SECTION = course_rule("course-editor", BY_SECTION, EDITORS, EDIT_COURSES)
EDIT_LESSON = course_rule("course-editor", BY_LESSON, EDITORS, EDIT_COURSES)
EDIT_ATTACHMENT = course_rule("course-editor", BY_ATTACHMENT, EDITORS, EDIT_COURSES)
