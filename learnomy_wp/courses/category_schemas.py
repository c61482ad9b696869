"""What the category endpoints take and give."""

from __future__ import annotations

from marshmallow import fields, validate

from learnomy_wp.courses.categories import LISTING
from learnomy_wp.courses.schemas import MAX_COUNT
from learnomy_wp.kernel.page import PageQuery
from learnomy_wp.kernel.serialize import Id, In, Line, Out


class CategoryQuery(PageQuery):
    """Which taxonomy; a page counts the highest categories."""

    sort = LISTING.sort_field()
    taxonomy = fields.String(load_default="category", validate=validate.OneOf(("category", "tag")))


class CourseCategoryOut(Out):
    """A category with its children, or a tag."""

    id = fields.Integer(required=True)
    taxonomy = fields.String(required=True)
    parent_id = fields.Integer(required=True, allow_none=True)
    name = fields.String(required=True)
    slug = fields.String(required=True)
    description = fields.String(required=True)
    image_id = fields.Integer(required=True, allow_none=True)
    position = fields.Integer(required=True)
    course_count = fields.Integer(
        required=True, metadata={"description": "Published courses, children's not included."}
    )
    permalink = fields.String(required=True, allow_none=True, metadata={"description": "Tags have no page."})
    children = fields.List(fields.Nested(lambda: CourseCategoryOut()), required=True)  # noqa: PLW0108 - not made yet


class CategoryPatch(In):
    """Changes to a category or tag."""

    name = Line(200)
    slug = fields.String(validate=validate.Length(1, 200))
    description = fields.String(validate=validate.Length(max=5000))
    parent_id = Id(allow_none=True)
    image_id = Id(allow_none=True)
    position = fields.Integer(strict=True, validate=validate.Range(0, MAX_COUNT))


class CategoryIn(CategoryPatch):
    """A new category or tag."""

    taxonomy = fields.String(load_default="category", validate=validate.OneOf(("category", "tag")))
    name = Line(200, required=True)
