"""Reviews of courses."""

from __future__ import annotations

from typing import Any

from learnomy_wp.courses.hooks import CONTENT_FILTERS
from learnomy_wp.enrollments.access import NotEnrolled
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.endpoint import Blueprint
from learnomy_wp.kernel.page import Page
from learnomy_wp.kernel.policy import MANAGER
from learnomy_wp.kernel.serialize import DeletedOut
from learnomy_wp.kernel.trash import InTrash, TrashExpired
from learnomy_wp.reviews import listing, policies, service
from learnomy_wp.reviews.events import TAG
from learnomy_wp.reviews.schemas import ModerationIn, ReviewIn, ReviewOut, ReviewPatch, ReviewQuery

bp = Blueprint("reviews", group="reviews")
PAYLOAD = "learnomy_rest_review_payload"


@bp.endpoint(
    "get",
    "/courses/<int:id>/reviews",
    can=policies.READ,
    query=ReviewQuery,
    returns=ReviewOut,
    many=True,
    cache=(TAG, "courses"),
    filters=CONTENT_FILTERS,
    payload_filter=PAYLOAD,
    query_filter="learnomy_review_query",
)
def list_reviews(actor: Actor, found: dict[str, Any], query: dict[str, Any]) -> Page:
    """List the approved reviews with the distribution of stars; staff see the others by status=pending."""
    return listing.list_reviews(actor, found, query)


@bp.endpoint(
    "post",
    "/courses/<int:id>/reviews",
    can=policies.WRITE,
    body=ReviewIn,
    returns=ReviewOut,
    status=201,
    filters=CONTENT_FILTERS,
    payload_filter=PAYLOAD,
    errors=(NotEnrolled, service.TooEarly, service.ReviewExists, InTrash),
)
def submit_review(actor: Actor, found: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Review a course; one review for each student."""
    return service.submit_review(actor, found, body)


@bp.endpoint(
    "patch",
    "/reviews/<int:id>",
    can=policies.OWN,
    body=ReviewPatch,
    returns=ReviewOut,
    payload_filter=PAYLOAD,
    errors=(service.ReviewExists, InTrash, TrashExpired),
)
def update_review(actor: Actor, id: int, found: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Change one's own review, or bring it back from the trash."""
    return service.update_review(actor, id, found["course_id"], body)


@bp.endpoint("delete", "/reviews/<int:id>", can=policies.REMOVE, returns=DeletedOut)
def delete_review(actor: Actor, id: int, found: dict[str, Any]) -> dict[str, Any]:
    """Put a review into the trash."""
    return service.delete_review(actor, id, found["course_id"])


@bp.endpoint(
    "post",
    "/reviews/<int:id>/moderate",
    can=MANAGER,
    body=ModerationIn,
    returns=ReviewOut,
    payload_filter=PAYLOAD,
    errors=(service.ReviewExists, InTrash, TrashExpired),
)
def moderate_review(actor: Actor, id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Approve, reject or reply to a review."""
    return service.moderate_review(actor, id, body)
