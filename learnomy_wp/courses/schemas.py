"""What the course endpoints take and give."""

from __future__ import annotations

from marshmallow import fields, validate

from learnomy_wp.courses.listing import LISTING
from learnomy_wp.kernel.page import PageQuery
from learnomy_wp.kernel.search import search_field
from learnomy_wp.kernel.serialize import Id, IdList, Matches, MoneyOut, Out, Query, Time

STATUSES = ("draft", "pending", "published", "private", "archived", "trash")
LEVELS = ("all", "beginner", "intermediate", "advanced", "expert")
ROLES = ("owner", "co", "assistant")
LANGUAGE = [
    validate.Length(max=16),
    Matches(r"^$|^[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8}){0,2}$", error="Not a language code."),
]
MAX_COUNT = 1_000_000


class CourseQuery(PageQuery):
    """Which courses, in what order."""

    sort = LISTING.sort_field()
    search = search_field()
    category = fields.String(validate=validate.Length(1, 200), metadata={"description": "A category's id or slug."})
    tag = fields.String(validate=validate.Length(1, 200), metadata={"description": "A tag's id or slug."})
    level = fields.String(validate=validate.OneOf(LEVELS))
    price = fields.String(validate=validate.OneOf(("free", "paid")))
    instructor = Id(strict=False, metadata={"description": "A user id."})
    language = fields.String(validate=LANGUAGE)
    rating_min = fields.Float(validate=validate.Range(0, 5), metadata={"description": "Average rating from here on."})
    featured = fields.Boolean()
    ids = IdList(metadata={"description": "Only these, comma-separated."})
    status = fields.String(
        validate=validate.OneOf(STATUSES),
        metadata={"description": "Other than published: the courses that the caller is staff of."},
    )


class TeacherOut(Out):
    """Who teaches a course."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    slug = fields.String(required=True)
    role = fields.String(required=True, metadata={"enum": ROLES})
    avatar_url = fields.String(required=True)


class StaffOut(TeacherOut):
    """One of a course's staff, as the staff sees it."""

    is_listed = fields.Boolean(required=True)
    revenue_share_percent = fields.Float(
        required=True, allow_none=True, metadata={"description": "Null: the default split, or not the caller's to see."}
    )


class TermRefOut(Out):
    """A category or tag."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    slug = fields.String(required=True)


class CourseOut(Out):
    """A course in a list."""

    id = fields.Integer(required=True)
    slug = fields.String(required=True)
    title = fields.String(required=True)
    excerpt = fields.String(required=True)
    status = fields.String(required=True)
    level = fields.String(required=True)
    language = fields.String(required=True)
    thumbnail_url = fields.String(required=True, allow_none=True)
    permalink = fields.String(required=True)
    price = fields.Nested(MoneyOut, required=True)
    is_free = fields.Boolean(required=True)
    is_featured = fields.Boolean(required=True)
    duration_minutes = fields.Integer(required=True)
    section_count = fields.Integer(required=True)
    lesson_count = fields.Integer(required=True)
    student_count = fields.Integer(required=True)
    rating = fields.Float(required=True, metadata={"description": "0 to 5, 0 while nobody has rated it."})
    rating_count = fields.Integer(required=True)
    instructors = fields.List(fields.Nested(TeacherOut), required=True)
    categories = fields.List(fields.Nested(TermRefOut), required=True)
    tags = fields.List(fields.Nested(TermRefOut), required=True)
    published_at = Time(required=True, allow_none=True)
    updated_at = Time(required=True)


class CourseRefOut(Out):
    """A course that another one names."""

    id = fields.Integer(required=True)
    title = fields.String(required=True)
    slug = fields.String(required=True)
    permalink = fields.String(required=True)


class CourseDetailOut(CourseOut):
    """A whole course."""

    content_html = fields.String(required=True)
    content_raw = fields.String(required=True, allow_none=True, metadata={"description": "For its staff only."})
    thumbnail_id = fields.Integer(required=True, metadata={"description": "0 = none."})
    intro_video_url = fields.String(required=True, allow_none=True)
    author_id = fields.Integer(required=True)
    capacity = fields.Integer(required=True, allow_none=True)
    seats_left = fields.Integer(required=True, allow_none=True)
    opens_at = Time(required=True, allow_none=True, metadata={"description": "When enrolment opens."})
    closes_at = Time(required=True, allow_none=True, metadata={"description": "When enrolment closes."})
    access_starts_at = Time(required=True, allow_none=True)
    access_ends_at = Time(required=True, allow_none=True)
    access_days = fields.Integer(required=True, allow_none=True)
    drip_mode = fields.String(required=True)
    completion_mode = fields.String(required=True)
    completion_share = fields.Integer(required=True, allow_none=True)
    completion_rules = fields.String(required=True, allow_none=True)
    enrollment_mode = fields.String(required=True, allow_none=True)
    allow_retake = fields.Boolean(required=True)
    reset_on_retake = fields.Boolean(required=True)
    awards_certificate = fields.Boolean(required=True)
    certificate_template_id = fields.Integer(required=True, allow_none=True)
    certificate_days = fields.Integer(required=True, allow_none=True)
    requirements = fields.List(fields.String(), required=True)
    outcomes = fields.List(fields.String(), required=True)
    audience = fields.List(fields.String(), required=True)
    faq_html = fields.String(required=True, allow_none=True)
    prerequisites = fields.List(fields.Nested(CourseRefOut), required=True)
    quiz_count = fields.Integer(required=True)
    staff = fields.List(
        fields.Nested(StaffOut), required=True, allow_none=True, metadata={"description": "For its staff only."}
    )
    created_at = Time(required=True)
    deleted_at = Time(required=True, allow_none=True)


class DeleteQuery(Query):
    """How to delete."""

    force = fields.Boolean(
        load_default=False, metadata={"description": "For good; only where nobody was ever enrolled."}
    )
