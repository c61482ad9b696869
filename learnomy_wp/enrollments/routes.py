"""Enrolments: the learner's own doors, and the staff's."""

from __future__ import annotations

from typing import Any

from learnomy_wp.courses.hooks import CONTENT_FILTERS
from learnomy_wp.enrollments import bulk, listing, policies, queries, service
from learnomy_wp.enrollments.access import NotEnrolled
from learnomy_wp.enrollments.errors import SELF_ENROL_ERRORS, AlreadyEnrolled, CourseFull
from learnomy_wp.enrollments.schemas import (
    AccessOut,
    BulkIn,
    EndedOut,
    EnrollmentIn,
    EnrollmentOut,
    EnrollmentPatch,
    EnrollmentQuery,
)
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.endpoint import Blueprint
from learnomy_wp.kernel.jobview import JobOut
from learnomy_wp.kernel.page import Page
from learnomy_wp.kernel.policy import ANY, USER
from learnomy_wp.kernel.trash import InTrash
from learnomy_wp.kernel.uploads import Upload

courses_bp = Blueprint("course_access", group="courses")
bp = Blueprint("enrollments", group="enrollments")
PAYLOAD = "learnomy_rest_enrollment_payload"


@courses_bp.endpoint(
    "post",
    "/courses/<int:id>/enroll",
    can=policies.ENROL,
    returns=EnrollmentOut,
    status=201,
    filters=CONTENT_FILTERS,
    payload_filter=PAYLOAD,
    errors=SELF_ENROL_ERRORS,
)
def enroll_in_course(actor: Actor, id: int) -> dict[str, Any]:
    """Enrol oneself: active where enrolment is open, pending where it needs approval."""
    return service.enroll(actor, id)


@courses_bp.endpoint("delete", "/courses/<int:id>/enroll", can=USER, returns=EndedOut, errors=(NotEnrolled,))
def leave_course(actor: Actor, id: int) -> dict[str, Any]:
    """Leave a course, or withdraw the request to join it."""
    return service.leave(actor, id)


@courses_bp.endpoint(
    "get",
    "/courses/<int:id>/access",
    can=ANY,
    returns=AccessOut,
    filters=CONTENT_FILTERS,
    payload_filter="learnomy_rest_access_payload",
)
def get_course_access(actor: Actor, id: int) -> dict[str, Any]:
    """Tell whether the caller may open a course, and why not: price, dates, prerequisites, capacity, membership."""
    return queries.explain_access(actor, id, {"id": id})


@bp.endpoint(
    "get",
    "/enrollments",
    can=USER,
    query=EnrollmentQuery,
    returns=EnrollmentOut,
    many=True,
    payload_filter=PAYLOAD,
    query_filter="learnomy_enrollment_query",
)
def list_enrollments(actor: Actor, query: dict[str, Any]) -> Page:
    """List enrolments: one's own; staff see those of their courses, managers all."""
    return listing.list_enrollments(actor, query)


@bp.endpoint(
    "post",
    "/enrollments",
    can=policies.CREATE,
    body=EnrollmentIn,
    returns=EnrollmentOut,
    status=201,
    payload_filter=PAYLOAD,
    errors=(AlreadyEnrolled, CourseFull),
)
def create_enrollment(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Give somebody a course, from a source; a further source adds to the same enrolment."""
    return service.create_enrollment(actor, body)


@bp.endpoint(
    "post",
    "/enrollments/bulk",
    can=policies.CREATE,
    body=BulkIn,
    returns=JobOut,
    status=201,
    takes_file=True,
)
def bulk_enroll(actor: Actor, body: dict[str, Any], upload: Upload | None) -> dict[str, Any]:
    """Give courses to up to 5,000 people in one job, which reports row by row.

    Each row becomes `enrolled`, `added` (a further source of access that is there), `scheduled`, `closed` (the
    course's access window is over), `unchanged` (this source gives it already) or `failed` with its errors.
    """
    return bulk.start(actor, body, upload)


@bp.endpoint("get", "/enrollments/<int:id>", can=policies.READ, returns=EnrollmentOut, payload_filter=PAYLOAD)
def get_enrollment(actor: Actor, id: int) -> dict[str, Any]:
    """Read one enrolment."""
    return queries.find_enrollment(id, actor)


@bp.endpoint(
    "patch",
    "/enrollments/<int:id>",
    can=policies.MANAGE,
    body=EnrollmentPatch,
    returns=EnrollmentOut,
    payload_filter=PAYLOAD,
    errors=(service.NotActive, service.CompletedStays, service.WindowClosed, CourseFull, InTrash),
)
def update_enrollment(actor: Actor, id: int, found: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Change status and expiry: grants change, and the status follows them."""
    return service.change_enrollment(actor, id, found["course_id"], body)


@bp.endpoint("delete", "/enrollments/<int:id>", can=policies.MANAGE, returns=EndedOut)
def delete_enrollment(actor: Actor, id: int, found: dict[str, Any]) -> dict[str, Any]:
    """End an enrolment; it stays with its history."""
    return service.delete_enrollment(actor, id, found["course_id"])
