"""Who may change a question: the editors of its course; of none, its author."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, bindparam, select

from learnomy_wp.courses import policies as course_policies
from learnomy_wp.kernel import db
from learnomy_wp.kernel.actor import EDIT_COURSES, EDIT_OTHERS_COURSES, Actor
from learnomy_wp.kernel.errors import Forbidden, NotFound, ValidationFailed
from learnomy_wp.kernel.policy import Params, on_object
from wp_schema.tables import course_instructors, questions

Row = dict[str, Any]

FACTS = (
    select(
        questions.c.id.label("question_id"),
        questions.c.course_id,
        questions.c.author_id,
        course_instructors.c.role,
    )
    .select_from(
        questions.outerjoin(
            course_instructors,
            and_(
                course_instructors.c.course_id == questions.c.course_id,
                course_instructors.c.user_id == bindparam("actor_id"),
            ),
        )
    )
    .where(questions.c.id == bindparam("id"))
)


def _load(actor: Actor, params: Params) -> Row:
    facts = db.row(FACTS, {"id": params["id"], "actor_id": actor.id})
    if facts is None:
        raise NotFound("question")
    if may_edit(actor, facts):
        return facts
    # That a question is there is known to the staff of its course only.
    raise Forbidden if facts["role"] or facts["author_id"] == actor.id else NotFound("question")


EDIT = on_object("course-editor", _load)


def may_edit(actor: Actor, facts: Row) -> bool:
    """Whether the caller may change a question, by its `course_id`, `author_id` and the caller's `role` there."""
    if actor.can(EDIT_OTHERS_COURSES):
        return True
    if facts["course_id"] is None:
        return bool(facts["author_id"] == actor.id and actor.can(EDIT_COURSES))
    return course_policies.has_role(actor, facts, course_policies.EDITORS, EDIT_COURSES)


def check_course(actor: Actor, course_id: int, field: str = "course_id") -> None:
    """Refuse a course that the caller may not put questions into. Raises `ValidationFailed`."""
    facts = db.row(course_policies.BY_COURSE, {"id": course_id, "actor_id": actor.id})
    if facts is None or not course_policies.has_role(actor, facts, course_policies.EDITORS, EDIT_COURSES):
        raise ValidationFailed.of(field, "You edit no such course.", "unknown")
