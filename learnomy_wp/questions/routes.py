"""The question bank: `/questions`, with import and export."""

from __future__ import annotations

from typing import Any

from flask import Response

from learnomy_wp.courses.policies import STAFF_SOMEWHERE
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.endpoint import Blueprint
from learnomy_wp.kernel.page import Page
from learnomy_wp.kernel.policy import INSTRUCTOR
from learnomy_wp.kernel.serialize import DeletedOut
from learnomy_wp.kernel.trash import InTrash, TrashExpired
from learnomy_wp.kernel.uploads import Upload
from learnomy_wp.questions import exporting, importing, listing, service
from learnomy_wp.questions.policies import EDIT
from learnomy_wp.questions.schemas import (
    CreatedOut,
    ImportQuery,
    QuestionIn,
    QuestionOut,
    QuestionPatch,
    QuestionQuery,
)
from learnomy_wp.questions.types import question_types

bp = Blueprint("questions", group="quizzes")
PAYLOAD = "learnomy_rest_question_payload"


@bp.endpoint(
    "get",
    "/questions",
    can=STAFF_SOMEWHERE,
    query=QuestionQuery,
    returns=QuestionOut,
    many=True,
    payload_filter=PAYLOAD,
    query_filter="learnomy_question_query",
    deadline="upload",
)
def list_questions(actor: Actor, query: dict[str, Any]) -> Page | Response:
    """List the question bank: the questions of the caller's courses and the caller's own; `format` exports them."""
    if query.get("format") is not None:
        return exporting.export(actor, query)
    return listing.list_questions(actor, query)


@bp.endpoint(
    "post",
    "/questions",
    can=INSTRUCTOR,
    query=ImportQuery,
    body=QuestionIn,
    returns=CreatedOut,
    status=201,
    payload_filter=PAYLOAD,
    filters=(question_types.name,),
    deadline="upload",
    takes_file=True,
)
def create_question(actor: Actor, query: dict[str, Any], body: dict[str, Any], upload: Upload | None) -> dict[str, Any]:
    """Add a question to the bank, or import a file of them in one job, which reports what was not understood.

    Nothing is imported where a question of the file cannot be, unless `skip_invalid` leaves those out.
    """
    if upload is not None:
        return importing.start(actor, body, upload, query)
    return service.create_question(actor, body)


@bp.endpoint(
    "patch",
    "/questions/<int:id>",
    can=EDIT,
    body=QuestionPatch,
    returns=QuestionOut,
    payload_filter=PAYLOAD,
    filters=(question_types.name,),
    errors=(InTrash, TrashExpired),
)
def update_question(actor: Actor, id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Change a question, or bring it back from the trash; one that somebody was given gets a new version."""
    return service.update_question(actor, id, body=body)


@bp.endpoint("delete", "/questions/<int:id>", can=EDIT, returns=DeletedOut)
def delete_question(id: int) -> dict[str, Any]:
    """Put a question into the trash; attempts that have it keep it."""
    return service.trash_question(id)
