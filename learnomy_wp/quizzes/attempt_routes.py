"""Attempts: starting, saving, submitting, reading and grading."""

from __future__ import annotations

from typing import Any

from learnomy_wp.courses.hooks import CONTENT_FILTERS
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.endpoint import Blueprint
from learnomy_wp.kernel.page import Page
from learnomy_wp.kernel.policy import USER
from learnomy_wp.quizzes import answers, attempt_listing, attempts, errors, grading, policies, starting, submitting
from learnomy_wp.quizzes.attempt_schemas import (
    AnswersIn,
    AttemptOut,
    AttemptQuery,
    AttemptRowOut,
    GradeIn,
    SavedOut,
    StartIn,
    SubmitIn,
)
from learnomy_wp.quizzes.routes import ACCESS_ERRORS

bp = Blueprint("quiz_attempts", group="quizzes")
PAYLOAD = "learnomy_rest_quiz_attempt_payload"


@bp.endpoint(
    "post",
    "/quizzes/<int:id>/attempts",
    can=policies.TAKE,
    limit="quiz-start",
    body=StartIn,
    returns=AttemptOut,
    status=201,
    filters=CONTENT_FILTERS,
    payload_filter=PAYLOAD,
    errors=(*ACCESS_ERRORS, *errors.START_ERRORS),
)
def start_quiz_attempt(actor: Actor, found: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Start an attempt, or go on with the open one: questions are drawn, shuffled and frozen."""
    return starting.start_attempt(actor, found, body=body)


@bp.endpoint(
    "get",
    "/quiz-attempts",
    can=USER,
    query=AttemptQuery,
    returns=AttemptRowOut,
    many=True,
    query_filter="learnomy_quiz_attempt_query",
)
def list_quiz_attempts(actor: Actor, query: dict[str, Any]) -> Page:
    """List the caller's attempts; for staff those of their quizzes, with status=needs_grading the grading inbox."""
    return attempt_listing.list_attempts(actor, query)


@bp.endpoint("get", "/quiz-attempts/<int:id>", can=policies.READ_ATTEMPT, returns=AttemptOut, payload_filter=PAYLOAD)
def get_quiz_attempt(actor: Actor, id: int, found: dict[str, Any]) -> dict[str, Any]:
    """Read an attempt: answers, results and feedback as the quiz's review rule allows now."""
    return attempts.get_attempt(actor, id, is_staff=found["is_staff"])


@bp.endpoint(
    "put",
    "/quiz-attempts/<int:id>/answers",
    can=policies.OWN_ATTEMPT,
    limit="autosave",
    body=AnswersIn,
    returns=SavedOut,
    errors=(errors.AttemptClosed,),
)
def save_quiz_answers(id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Save answers; of each question the save with the greatest sequence stands."""
    return answers.save_answers(id, body=body)


@bp.endpoint(
    "post",
    "/quiz-attempts/<int:id>/submit",
    can=policies.OWN_ATTEMPT,
    limit="quiz-start",
    body=SubmitIn,
    returns=AttemptOut,
    payload_filter=PAYLOAD,
    errors=(errors.AttemptClosed,),
)
def submit_quiz_attempt(actor: Actor, found: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Hand an attempt in: what a machine can grade is graded, the rest waits for a person."""
    return submitting.submit_attempt(actor, found, body=body)


@bp.endpoint(
    "post",
    "/quiz-attempts/<int:id>/grade",
    can=policies.GRADE_ATTEMPT,
    body=GradeIn,
    returns=AttemptOut,
    payload_filter=PAYLOAD,
    errors=(errors.AttemptOpen, errors.NotGradable),
)
def grade_quiz_attempt(actor: Actor, found: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Give points and feedback for answers that a person grades."""
    return grading.grade_attempt(actor, found, body=body)
