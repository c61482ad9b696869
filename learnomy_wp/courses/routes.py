"""Courses: `/courses`, publishing, copying and instructors."""

from __future__ import annotations

from typing import Any

from learnomy_wp.courses import duplication, instructors, listing, policies, queries, removal, service
from learnomy_wp.courses.bodies import CourseIn, CoursePatch, DuplicateIn, InstructorIn
from learnomy_wp.courses.hooks import CONTENT_FILTERS
from learnomy_wp.courses.schemas import CourseDetailOut, CourseOut, CourseQuery, DeleteQuery, StaffOut
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.endpoint import Blueprint
from learnomy_wp.kernel.jobview import JobOut
from learnomy_wp.kernel.page import Page
from learnomy_wp.kernel.policy import INSTRUCTOR
from learnomy_wp.kernel.serialize import DeletedOut
from learnomy_wp.kernel.trash import InTrash, TrashExpired

bp = Blueprint("courses", group="courses")
PAYLOAD = "learnomy_rest_course_payload"


@bp.endpoint(
    "get",
    "/courses",
    can=policies.CONTENT,
    query=CourseQuery,
    returns=CourseOut,
    many=True,
    cache=("courses",),
    filters=CONTENT_FILTERS,
    payload_filter=PAYLOAD,
    query_filter="learnomy_course_query",
)
def list_courses(actor: Actor, query: dict[str, Any]) -> Page:
    """List courses: search, category, tag, level, price, instructor, language, rating, featured, sort."""
    return listing.list_courses(actor, query)


@bp.endpoint(
    "post",
    "/courses",
    can=INSTRUCTOR,
    body=CourseIn,
    returns=CourseDetailOut,
    status=201,
    payload_filter=PAYLOAD,
)
def create_course(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Begin a course as a draft, with the caller as its owner."""
    return service.create_course(actor, body)


@bp.endpoint(
    "get",
    "/courses/<id>",
    can=policies.CONTENT,
    returns=CourseDetailOut,
    cache=("courses",),
    filters=CONTENT_FILTERS,
    payload_filter=PAYLOAD,
)
def get_course(actor: Actor, id: str) -> dict[str, Any]:
    """Read a course by id or slug."""
    return queries.read_course(actor, id)


@bp.endpoint(
    "patch",
    "/courses/<int:id>",
    can=policies.EDIT,
    body=CoursePatch,
    returns=CourseDetailOut,
    payload_filter=PAYLOAD,
    errors=(InTrash, TrashExpired),
)
def update_course(actor: Actor, id: int, found: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Change a course: settings, price, drip, prerequisites (circles are refused), status."""
    return service.update_course(actor, id, found, body=body)


@bp.endpoint(
    "delete",
    "/courses/<int:id>",
    can=policies.EDIT,
    query=DeleteQuery,
    returns=DeletedOut,
    errors=(removal.CourseHasStudents,),
)
def delete_course(actor: Actor, id: int, query: dict[str, Any]) -> dict[str, Any]:
    """Put a course into the trash; force=true deletes it where nobody was ever enrolled."""
    return removal.delete_course(actor, id) if query["force"] else service.trash_course(actor, id)


@bp.endpoint(
    "post",
    "/courses/<int:id>/publish",
    can=policies.PUBLISH,
    returns=CourseDetailOut,
    payload_filter=PAYLOAD,
    errors=(InTrash,),
)
def publish_course(actor: Actor, id: int, found: dict[str, Any]) -> dict[str, Any]:
    """Publish a course, or hand it in for review where the site asks for that."""
    return service.publish_course(actor, id, found)


@bp.endpoint(
    "post",
    "/courses/<int:id>/duplicate",
    can=policies.EDIT,
    body=DuplicateIn,
    returns=JobOut,
    status=201,
    errors=(InTrash,),
)
def duplicate_course(actor: Actor, id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Copy a course with sections, lessons, topics and quizzes into a new draft; the job's report names it."""
    return duplication.start_copy(actor, id, title=body.get("title"))


@bp.endpoint(
    "put",
    "/courses/<int:id>/instructors/<int:user_id>",
    can=policies.OWN,
    body=InstructorIn,
    returns=StaffOut,
    errors=(instructors.LastOwner,),
)
def put_course_instructor(actor: Actor, id: int, user_id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Give a user a role and a revenue share in a course."""
    return instructors.put_instructor(actor, id, user_id, body=body)


@bp.endpoint(
    "delete",
    "/courses/<int:id>/instructors/<int:user_id>",
    can=policies.OWN,
    returns=DeletedOut,
    errors=(instructors.LastOwner,),
)
def remove_course_instructor(actor: Actor, id: int, user_id: int) -> dict[str, Any]:
    """Take a user off a course's staff; the last owner stays."""
    return instructors.remove_instructor(actor, id, user_id)
