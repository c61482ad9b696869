"""The directory of instructors, and applications to become one."""

from __future__ import annotations

from typing import Any

from learnomy_wp.courses import policies
from learnomy_wp.courses.hooks import CONTENT_FILTERS
from learnomy_wp.instructors import applying, listing
from learnomy_wp.instructors.schemas import (
    ApplicationIn,
    ApplicationOut,
    ApplicationQuery,
    DecisionIn,
    InstructorOut,
    InstructorQuery,
    ProfileOut,
)
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.endpoint import Blueprint
from learnomy_wp.kernel.page import Page
from learnomy_wp.kernel.policy import MANAGER, USER

bp = Blueprint("instructors", group="instructors")
PAYLOAD = "learnomy_rest_instructor_payload"
TAGS = ("courses", "instructors")


@bp.endpoint(
    "get",
    "/instructors",
    can=policies.CONTENT,
    query=InstructorQuery,
    returns=InstructorOut,
    many=True,
    cache=TAGS,
    filters=CONTENT_FILTERS,
    payload_filter=PAYLOAD,
    query_filter="learnomy_instructor_query",
)
def list_instructors(query: dict[str, Any]) -> Page:
    """List those who teach a published course."""
    return listing.list_instructors(query)


@bp.endpoint(
    "get",
    "/instructors/<int:id>",
    can=policies.CONTENT,
    returns=ProfileOut,
    cache=TAGS,
    filters=CONTENT_FILTERS,
    payload_filter=PAYLOAD,
)
def get_instructor(id: int) -> dict[str, Any]:
    """Read an instructor's profile, with courses and rating."""
    return listing.get_instructor(id)


@bp.endpoint(
    "post",
    "/instructor-applications",
    can=USER,
    body=ApplicationIn,
    returns=ApplicationOut,
    status=201,
    errors=(applying.AlreadyInstructor, applying.ApplicationPending, applying.ApplicationsClosed),
)
def create_instructor_application(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Apply to become an instructor. After a rejection one may apply again."""
    return applying.apply(actor, body=body)


@bp.endpoint(
    "get",
    "/instructor-applications",
    can=MANAGER,
    query=ApplicationQuery,
    returns=ApplicationOut,
    many=True,
    query_filter="learnomy_instructor_application_query",
)
def list_instructor_applications(query: dict[str, Any]) -> Page:
    """List applications to become an instructor."""
    return applying.list_applications(query)


@bp.endpoint(
    "post",
    "/instructor-applications/<int:id>/decision",
    can=MANAGER,
    body=DecisionIn,
    returns=ApplicationOut,
    errors=(applying.AlreadyDecided, applying.ApplicantGone),
)
def decide_instructor_application(actor: Actor, id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Approve an application, or reject it with a reason. Approval gives the role of an instructor."""
    return applying.decide(actor, id, body=body)
