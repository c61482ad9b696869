"""Questions about a lesson and their answers."""

from __future__ import annotations

from typing import Any

from learnomy_wp.courses.hooks import CONTENT_FILTERS
from learnomy_wp.discussions import listing, service
from learnomy_wp.discussions.policies import OWNER_OR_STAFF
from learnomy_wp.discussions.schemas import DiscussionIn, DiscussionOut, DiscussionPatch, DiscussionQuery
from learnomy_wp.enrollments.access import REFUSALS
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.endpoint import Blueprint
from learnomy_wp.kernel.page import Page
from learnomy_wp.kernel.serialize import DeletedOut
from learnomy_wp.kernel.trash import InTrash, TrashExpired
from learnomy_wp.progress.state import LESSON_PROGRESS, LessonLocked

bp = Blueprint("discussions", group="sections, lessons, topics")
PAYLOAD = "learnomy_rest_discussion_payload"
CLOSED = (*REFUSALS.values(), LessonLocked)


@bp.endpoint(
    "get",
    "/lessons/<int:id>/discussions",
    can=LESSON_PROGRESS,
    query=DiscussionQuery,
    returns=DiscussionOut,
    many=True,
    filters=CONTENT_FILTERS,
    payload_filter=PAYLOAD,
    query_filter="learnomy_discussion_query",
    errors=CLOSED,
)
def list_discussions(actor: Actor, found: dict[str, Any], query: dict[str, Any]) -> Page:
    """List the questions of a lesson, or the answers to one.

    `meta.unread` says how many posts of others are new to the caller, up to a thousand.
    """
    return listing.list_discussions(actor, found, query)


@bp.endpoint(
    "post",
    "/lessons/<int:id>/discussions",
    can=LESSON_PROGRESS,
    body=DiscussionIn,
    returns=DiscussionOut,
    status=201,
    filters=CONTENT_FILTERS,
    payload_filter=PAYLOAD,
    errors=(*CLOSED, InTrash),
)
def create_discussion(actor: Actor, found: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Ask a question about a lesson, or answer one; where the site moderates, it waits for approval."""
    return service.create_discussion(actor, found, body=body)


@bp.endpoint(
    "patch",
    "/discussions/<int:id>",
    can=OWNER_OR_STAFF,
    body=DiscussionPatch,
    returns=DiscussionOut,
    payload_filter=PAYLOAD,
    errors=(InTrash, TrashExpired),
)
def update_discussion(actor: Actor, found: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Change one's own words; as staff approve, hide or restore a post, or mark an answer as the solution."""
    return service.update_discussion(actor, found, body=body)


@bp.endpoint("delete", "/discussions/<int:id>", can=OWNER_OR_STAFF, returns=DeletedOut)
def delete_discussion(actor: Actor, found: dict[str, Any]) -> dict[str, Any]:
    """Put a post into the trash; answers to it stay readable."""
    return service.delete_discussion(actor, found)
