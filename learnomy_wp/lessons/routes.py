"""Lessons and topics: lists, reading and editing."""

from __future__ import annotations

from typing import Any

from learnomy_wp.courses import policies
from learnomy_wp.courses.hooks import CONTENT_FILTERS
from learnomy_wp.enrollments.access import REFUSALS
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.endpoint import Blueprint
from learnomy_wp.kernel.page import Page
from learnomy_wp.kernel.serialize import DeletedOut
from learnomy_wp.kernel.trash import InTrash, TrashExpired
from learnomy_wp.lessons import listing, queries, service
from learnomy_wp.lessons.schemas import LessonIn, LessonOut, LessonPatch, LessonQuery, LessonRowOut
from learnomy_wp.progress.state import LESSON_ACCESS, LessonLocked

bp = Blueprint("lessons", group="sections, lessons, topics")
PAYLOAD = "learnomy_rest_lesson_payload"


@bp.endpoint(
    "get",
    "/lessons",
    can=policies.STAFF_SOMEWHERE,
    query=LessonQuery,
    returns=LessonRowOut,
    many=True,
    query_filter="learnomy_lesson_query",
)
def list_lessons(actor: Actor, query: dict[str, Any]) -> Page:
    """List the lessons of the caller's courses, unattached ones too."""
    return listing.list_lessons(actor, query)


@bp.endpoint(
    "post",
    "/sections/<int:id>/lessons",
    can=policies.EDIT_SECTION,
    body=LessonIn,
    returns=LessonOut,
    status=201,
    payload_filter=PAYLOAD,
    errors=(InTrash,),
)
def create_lesson(actor: Actor, id: int, found: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Add a lesson to a section."""
    return service.create_lesson(actor, found["course_id"], id, body=body)


@bp.endpoint(
    "get",
    "/lessons/<int:id>",
    can=LESSON_ACCESS,
    returns=LessonOut,
    filters=CONTENT_FILTERS,
    payload_filter=PAYLOAD,
    errors=(*REFUSALS.values(), LessonLocked),
)
def get_lesson(actor: Actor, id: int, found: dict[str, Any]) -> dict[str, Any]:
    """Read a lesson or topic: content, video, attachments, drip and lock state, previous and next."""
    return queries.get_lesson(actor, id, found)


@bp.endpoint(
    "patch",
    "/lessons/<int:id>",
    can=policies.EDIT_LESSON,
    body=LessonPatch,
    returns=LessonOut,
    payload_filter=PAYLOAD,
    errors=(InTrash, TrashExpired),
)
def update_lesson(actor: Actor, id: int, found: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Change a lesson or topic, move it, or bring it back from the trash."""
    return service.update_lesson(actor, found["course_id"], id, body=body)


@bp.endpoint("delete", "/lessons/<int:id>", can=policies.EDIT_LESSON, returns=DeletedOut)
def delete_lesson(id: int, found: dict[str, Any]) -> dict[str, Any]:
    """Put a lesson or topic into the trash, a lesson with its topics."""
    return service.trash_lesson(found["course_id"], id)


@bp.endpoint(
    "post",
    "/lessons/<int:id>/topics",
    can=policies.EDIT_LESSON,
    body=LessonIn,
    returns=LessonOut,
    status=201,
    payload_filter=PAYLOAD,
    errors=(InTrash, service.NotALesson),
)
def create_topic(actor: Actor, id: int, found: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Add a topic to a lesson."""
    return service.create_topic(actor, found["course_id"], id, body=body)
