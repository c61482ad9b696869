"""A course's curriculum and its sections."""

from __future__ import annotations

from typing import Any

from learnomy_wp.courses import policies
from learnomy_wp.courses.hooks import CONTENT_FILTERS
from learnomy_wp.curriculum import ordering, queries, sections
from learnomy_wp.curriculum.schemas import CurriculumIn, CurriculumOut, SectionIn, SectionOut, SectionPatch
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.endpoint import Blueprint
from learnomy_wp.kernel.serialize import DeletedOut
from learnomy_wp.kernel.trash import InTrash, TrashExpired

courses_bp = Blueprint("curriculum", group="courses")
bp = Blueprint("sections", group="sections, lessons, topics")


@courses_bp.endpoint(
    "get",
    "/courses/<int:id>/curriculum",
    can=policies.CONTENT,
    returns=CurriculumOut,
    cache=("courses",),
    filters=CONTENT_FILTERS,
    payload_filter="learnomy_rest_curriculum_payload",
)
def get_curriculum(actor: Actor, id: int) -> dict[str, Any]:
    """Read a course's sections, lessons, topics and quizzes with their lock state for the caller."""
    return queries.get_curriculum(actor, id)


@courses_bp.endpoint(
    "put",
    "/courses/<int:id>/curriculum",
    can=policies.EDIT,
    body=CurriculumIn,
    returns=CurriculumOut,
    errors=(InTrash,),
)
def put_curriculum(actor: Actor, id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Put a whole course in order in one write."""
    return ordering.put_order(actor, id, body=body)


@bp.endpoint(
    "post",
    "/courses/<int:id>/sections",
    can=policies.EDIT,
    body=SectionIn,
    returns=SectionOut,
    status=201,
    errors=(InTrash,),
)
def create_section(id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Add a section to a course."""
    return sections.create_section(id, body=body)


@bp.endpoint(
    "patch",
    "/sections/<int:id>",
    can=policies.EDIT_SECTION,
    body=SectionPatch,
    returns=SectionOut,
    errors=(InTrash, TrashExpired),
)
def update_section(id: int, found: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Change a section, or bring it back from the trash."""
    return sections.update_section(found["course_id"], id, body=body)


@bp.endpoint("delete", "/sections/<int:id>", can=policies.EDIT_SECTION, returns=DeletedOut)
def delete_section(id: int, found: dict[str, Any]) -> dict[str, Any]:
    """Put a section into the trash; its lessons stay, unattached."""
    return sections.delete_section(found["course_id"], id)
