"""Categories and tags: `/course-categories`."""

from __future__ import annotations

from typing import Any

from learnomy_wp.courses import categories, policies
from learnomy_wp.courses.category_schemas import CategoryIn, CategoryPatch, CategoryQuery, CourseCategoryOut
from learnomy_wp.courses.hooks import CONTENT_FILTERS
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.endpoint import Blueprint
from learnomy_wp.kernel.page import Page
from learnomy_wp.kernel.policy import MANAGER
from learnomy_wp.kernel.serialize import DeletedOut

bp = Blueprint("course_categories", group="courses")


@bp.endpoint(
    "get",
    "/course-categories",
    can=policies.CONTENT,
    query=CategoryQuery,
    returns=CourseCategoryOut,
    many=True,
    cache=("courses", categories.TAG),
    filters=CONTENT_FILTERS,
    payload_filter="learnomy_rest_category_payload",
    query_filter="learnomy_category_query",
)
def list_course_categories(query: dict[str, Any]) -> Page:
    """List the categories as a tree with counts, or with taxonomy=tag the tags."""
    return categories.list_categories(query)


@bp.endpoint("post", "/course-categories", can=MANAGER, body=CategoryIn, returns=CourseCategoryOut, status=201)
def create_course_category(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Add a category, or with taxonomy=tag a tag."""
    return categories.create_category(actor, body)


@bp.endpoint("patch", "/course-categories/<int:id>", can=MANAGER, body=CategoryPatch, returns=CourseCategoryOut)
def update_course_category(actor: Actor, id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Change a category or tag."""
    return categories.update_category(actor, id, body=body)


@bp.endpoint("delete", "/course-categories/<int:id>", can=MANAGER, returns=DeletedOut)
def delete_course_category(id: int) -> dict[str, Any]:
    """Delete a category or tag; categories below it move up, courses stay."""
    return categories.delete_category(id)
