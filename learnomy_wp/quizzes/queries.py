"""A whole quiz as one caller sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, case, func, or_, select

from learnomy_wp.kernel import clock, db, pages, wordpress
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import NotFound
from learnomy_wp.quizzes import overrides, policies, rules, standing
from wp_schema.tables import questions, quiz_slots

Row = dict[str, Any]

STAFF_ONLY = ("author_id", "content_raw", "access_code", "attempt_count", "passed_count")
_each = func.coalesce(quiz_slots.c.points, questions.c.points, 1)
_number = case((quiz_slots.c.question_id.is_not(None), 1), else_=quiz_slots.c.draw_count)
# What an attempt started now would consist of; a question in the trash is given to nobody.
WORTH = (
    select(
        func.coalesce(func.sum(_number), 0).label("question_count"),
        func.coalesce(func.sum(_number * _each), 0).label("max_score"),
    )
    .select_from(quiz_slots.outerjoin(questions, questions.c.id == quiz_slots.c.question_id))
    .where(
        quiz_slots.c.quiz_id == bindparam("quiz_id"),
        or_(quiz_slots.c.question_id.is_(None), questions.c.status != "trash"),
    )
)


def find_worth(quiz_id: int) -> Row:
    """How many questions an attempt of the quiz gets, and how many points they are worth together."""
    found = db.row(WORTH, {"quiz_id": quiz_id})
    assert found is not None
    return {"question_count": int(found["question_count"]), "max_score": float(found["max_score"])}


def get_quiz(actor: Actor, facts: Mapping[str, Any]) -> Row:
    """The quiz that the caller was let into, with what the rule found; may ask WordPress for dynamic parts."""
    found = describe(actor, facts)
    return {**found, "content_html": wordpress.fill_slots(found["content_html"], facts["content_slots"])}


def get_quiz_for_staff(actor: Actor, quiz_id: int) -> Row:
    """The quiz as its editor gets it back, dynamic parts left out. Raises `NotFound`."""
    facts = policies.find_quiz_facts(actor, quiz_id)
    if facts is None:
        raise NotFound("quiz")
    return describe(actor, facts)


def describe(actor: Actor, facts: Mapping[str, Any]) -> Row:
    """The quiz, and where the caller stands with it."""
    staff = facts["is_staff"]
    shown = dict.fromkeys(STAFF_ONLY) if not staff else {}
    return {
        **facts,
        **shown,
        **find_worth(facts["id"]),
        **_of_caller(actor, facts),
        "permalink": pages.url("quiz", slug=facts["slug"]),
        "review_rule": rules.review_rule_of(facts),
        "requires_access_code": facts["access_code"] is not None,
        "overrides": overrides.list_overrides(facts) if staff else None,
    }


def _of_caller(actor: Actor, facts: Mapping[str, Any]) -> Row:
    now, terms = clock.now(), rules.terms_of(facts, facts["override"])
    mine = standing.find_standing(actor.id, facts["id"], facts["reset_at"])
    attempt = mine.open_attempt
    found: Row = {
        "opens_at": terms.opens_at,
        "closes_at": terms.closes_at,
        "attempt_limit": terms.attempt_limit,
        "time_limit_seconds": terms.time_limit_seconds,
        "attempts_used": mine.used,
        "attempts_left": mine.left(terms),
        "next_attempt_at": mine.next_at(terms, now) if attempt is None else None,
        "open_attempt_id": None if attempt is None else attempt["id"],
        "best_percent": None,
        "passed": None,
    }
    if facts["mode"] == rules.GRADED and mine.percents() and _may_see_points(facts, mine, terms):
        found |= {"best_percent": facts["best_percent"], "passed": facts["progress_state"] == "completed"}
    if facts["is_staff"]:  # who edits the quiz sees its own rules
        names = ("opens_at", "closes_at", "attempt_limit", "time_limit_seconds")
        found |= {name: facts[name] for name in names}
    return found


def _may_see_points(facts: Mapping[str, Any], mine: standing.Standing, terms: rules.Terms) -> bool:
    """Whether the points of every attempt that makes up the result may be shown now."""
    rule, now = rules.review_rule_of(facts), clock.now()
    moments = {rules.moment_of(attempt, terms.closes_at, now) for attempt in mine.ended}
    return all(rule[moment]["points"] for moment in moments)
