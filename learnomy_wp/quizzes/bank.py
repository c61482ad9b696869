"""What a quiz takes from the question bank: questions that its editor may use, and categories to draw from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select

from learnomy_wp.kernel import db
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import Detail, ValidationFailed
from learnomy_wp.questions import lookups, policies, service
from wp_schema.tables import terms

CATEGORY = select(terms.c.id).where(terms.c.id == bindparam("id"), terms.c.taxonomy == "question_category")


def add_question(actor: Actor, quiz: Mapping[str, Any], body: Mapping[str, Any]) -> int:
    """A new question in the bank of the quiz's course, else in the caller's own; gives its id.

    May end the round with a question to WordPress, so nothing may be written before. Raises `ValidationFailed`.
    """
    try:
        return service.add_question(actor, {"course_id": quiz["course_id"], **body})
    except ValidationFailed as error:
        raise ValidationFailed(details=[_below(detail) for detail in error.details]) from None


def _below(detail: Detail) -> Detail:
    return Detail(f"question.{detail.field}", detail.code, detail.message)


def check_usable(actor: Actor, question_id: int, field: str) -> None:
    """Refuse a question that the caller may not put into a quiz: not of a course of theirs, nor of their own bank."""
    facts = db.row(policies.FACTS, {"id": question_id, "actor_id": actor.id})
    found = lookups.find_questions([question_id]).get(question_id)
    if facts is None or found is None or found["status"] == "trash" or not policies.may_edit(actor, facts):
        raise ValidationFailed.of(field, "You have no such question.", "unknown")


def check_category(category_id: int, field: str) -> None:
    """Refuse what is no category of questions."""
    if db.value(CATEGORY, {"id": category_id}) is None:
        raise ValidationFailed.of(field, "There is no such category of questions.", "unknown")
