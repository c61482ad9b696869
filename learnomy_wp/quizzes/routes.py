"""Quizzes, their slots, and what staff learn from the answers."""

from __future__ import annotations

from typing import Any

from learnomy_wp.courses import policies as course_policies
from learnomy_wp.courses.hooks import CONTENT_FILTERS
from learnomy_wp.enrollments.access import REFUSALS
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.endpoint import Blueprint
from learnomy_wp.kernel.jobview import JobOut
from learnomy_wp.kernel.page import Page
from learnomy_wp.kernel.policy import INSTRUCTOR
from learnomy_wp.kernel.serialize import DeletedOut
from learnomy_wp.kernel.trash import InTrash, TrashExpired
from learnomy_wp.progress.state import LessonLocked
from learnomy_wp.quizzes import errors, listing, policies, queries, regrading, service, slots, statistics
from learnomy_wp.quizzes.schemas import QuizIn, QuizOut, QuizPatch, QuizQuery, QuizRowOut
from learnomy_wp.quizzes.slot_schemas import SlotIn, SlotOut, SlotQuery
from learnomy_wp.quizzes.work_schemas import RegradeIn, StatisticsOut

bp = Blueprint("quizzes", group="quizzes")
PAYLOAD = "learnomy_rest_quiz_payload"
ACCESS_ERRORS = (*REFUSALS.values(), LessonLocked, errors.QuizLocked)


@bp.endpoint(
    "get",
    "/quizzes",
    can=course_policies.STAFF_SOMEWHERE,
    query=QuizQuery,
    returns=QuizRowOut,
    many=True,
    query_filter="learnomy_quiz_query",
)
def list_quizzes(actor: Actor, query: dict[str, Any]) -> Page:
    """List the quizzes of the caller's courses, and the caller's own without a course."""
    return listing.list_quizzes(actor, query)


@bp.endpoint("post", "/quizzes", can=INSTRUCTOR, body=QuizIn, returns=QuizOut, status=201, payload_filter=PAYLOAD)
def create_quiz(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Create a quiz, in a course or on its own."""
    return service.create_quiz(actor, body=body)


@bp.endpoint(
    "get",
    "/quizzes/<int:id>",
    can=policies.QUIZ_ACCESS,
    returns=QuizOut,
    filters=CONTENT_FILTERS,
    payload_filter=PAYLOAD,
    errors=ACCESS_ERRORS,
)
def get_quiz(actor: Actor, found: dict[str, Any]) -> dict[str, Any]:
    """Read a quiz's rules and the caller's attempts left; never an answer."""
    return queries.get_quiz(actor, found)


@bp.endpoint(
    "patch",
    "/quizzes/<int:id>",
    can=policies.EDIT,
    body=QuizPatch,
    returns=QuizOut,
    payload_filter=PAYLOAD,
    errors=(InTrash, TrashExpired),
)
def update_quiz(actor: Actor, id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Change a quiz, the order of its questions or its overrides, or bring it back from the trash."""
    return service.update_quiz(actor, id, body=body)


@bp.endpoint("delete", "/quizzes/<int:id>", can=policies.EDIT, returns=DeletedOut)
def delete_quiz(id: int) -> dict[str, Any]:
    """Put a quiz into the trash; attempts keep their grades."""
    return service.trash_quiz(id)


@bp.endpoint("get", "/quizzes/<int:id>/questions", can=policies.STAFF, query=SlotQuery, returns=SlotOut, many=True)
def list_quiz_questions(actor: Actor, id: int, query: dict[str, Any]) -> Page:
    """List a quiz's questions in order, with their answers."""
    return slots.list_slots(actor, id, query)


@bp.endpoint(
    "post",
    "/quizzes/<int:id>/questions",
    can=policies.EDIT,
    body=SlotIn,
    returns=SlotOut,
    status=201,
    errors=(InTrash, errors.QuestionInQuiz, errors.TooManyQuestions),
)
def add_quiz_question(actor: Actor, id: int, found: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Add a new question to a quiz, one from the bank, or a random draw from a category."""
    return slots.add_slot(actor, id, found, body=body)


@bp.endpoint("post", "/quizzes/<int:id>/regrade", can=policies.EDIT, body=RegradeIn, returns=JobOut, status=201)
def regrade_quiz(actor: Actor, id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Grade a quiz's attempts again by the newest keys, or with dry_run tell who would move from what to what."""
    return regrading.start_regrade(actor, id, body=body)


@bp.endpoint("get", "/quizzes/<int:id>/statistics", can=policies.REPORTS, returns=StatisticsOut)
def get_quiz_statistics(id: int) -> dict[str, Any]:
    """Read how hard each question is, how well it tells learners apart, what is chosen, and how long it takes."""
    return statistics.get_statistics(id)
