"""Private notes beside a lesson."""

from __future__ import annotations

from typing import Any

from learnomy_wp.courses.hooks import CONTENT_FILTERS
from learnomy_wp.enrollments.access import REFUSALS
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.endpoint import Blueprint
from learnomy_wp.kernel.page import Page
from learnomy_wp.kernel.serialize import DeletedOut
from learnomy_wp.notes import listing, service
from learnomy_wp.notes.schemas import NoteIn, NoteOut, NotePatch, NoteQuery
from learnomy_wp.progress.state import LESSON_PROGRESS, LessonLocked

bp = Blueprint("notes", group="sections, lessons, topics")
PAYLOAD = "learnomy_rest_note_payload"
CLOSED = (*REFUSALS.values(), LessonLocked)


@bp.endpoint(
    "get",
    "/lessons/<int:id>/notes",
    can=LESSON_PROGRESS,
    query=NoteQuery,
    returns=NoteOut,
    many=True,
    filters=CONTENT_FILTERS,
    payload_filter=PAYLOAD,
    query_filter="learnomy_note_query",
    errors=CLOSED,
)
def list_notes(actor: Actor, id: int, query: dict[str, Any]) -> Page:
    """List the caller's own notes of a lesson."""
    return listing.list_notes(actor.id, id, query)


@bp.endpoint(
    "post",
    "/lessons/<int:id>/notes",
    can=LESSON_PROGRESS,
    body=NoteIn,
    returns=NoteOut,
    status=201,
    filters=CONTENT_FILTERS,
    payload_filter=PAYLOAD,
    errors=(*CLOSED, service.NoteExists),
)
def create_note(actor: Actor, found: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Write a note beside a lesson, at a position of its video if wanted."""
    return service.create_note(actor, found, body=body)


@bp.endpoint("patch", "/notes/<int:id>", can=service.OWNER, body=NotePatch, returns=NoteOut, payload_filter=PAYLOAD)
def update_note(actor: Actor, id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Change a note of the caller's."""
    return service.update_note(actor, id, body=body)


@bp.endpoint("delete", "/notes/<int:id>", can=service.OWNER, returns=DeletedOut)
def delete_note(actor: Actor, id: int) -> dict[str, Any]:
    """Delete a note of the caller's for good."""
    return service.delete_note(actor, id)
