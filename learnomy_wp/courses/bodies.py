"""What course endpoints take as bodies."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from learnomy_wp.courses.schemas import LANGUAGE, LEVELS, MAX_COUNT, ROLES, STATUSES
from learnomy_wp.kernel.serialize import Id, In, Line, MoneyIn, Time, web_address


def _lines(description: str) -> fields.List[Any]:
    return fields.List(
        fields.String(validate=validate.Length(1, 500)),
        validate=validate.Length(max=50),
        metadata={"description": description},
    )


def _count(description: str, least: int = 0) -> fields.Integer:
    return fields.Integer(
        strict=True,
        allow_none=True,
        validate=validate.Range(least, MAX_COUNT),
        metadata={"description": description},
    )


class CourseBody(In):
    """What may be set of a course."""

    slug = fields.String(validate=validate.Length(1, 200))
    excerpt = fields.String(validate=validate.Length(max=5000))
    content = fields.String(metadata={"description": "Blocks or HTML, as WordPress's editor writes it."})
    level = fields.String(validate=validate.OneOf(LEVELS))
    language = fields.String(validate=LANGUAGE)
    thumbnail_id = Id(allow_none=True, metadata={"description": "An image of the media library."})
    intro_video_url = web_address(allow_none=True)
    price = fields.Nested(MoneyIn, metadata={"description": "0 is free."})
    is_featured = fields.Boolean(metadata={"description": "For those who edit everybody's courses."})
    categories = fields.List(
        fields.Raw(), validate=validate.Length(max=20), metadata={"description": "Ids or slugs, in order."}
    )
    tags = fields.List(
        fields.Raw(),
        validate=validate.Length(max=50),
        metadata={"description": "Ids or names, in order; new names become tags."},
    )
    prerequisites = fields.List(
        Id(), validate=validate.Length(max=20), metadata={"description": "Courses to be completed before this one."}
    )
    capacity = _count("How many may be enrolled at once; null = any number.")
    opens_at = Time(allow_none=True)
    closes_at = Time(allow_none=True)
    access_starts_at = Time(allow_none=True)
    access_ends_at = Time(allow_none=True)
    access_days = _count("How long access lasts after enrolling; null = for good.", least=1)
    drip_mode = fields.String(validate=validate.OneOf(("none", "after_enrolment", "on_date", "sequential")))
    completion_mode = fields.String(validate=validate.OneOf(("all_lessons", "share", "manual")))
    completion_share = fields.Integer(strict=True, allow_none=True, validate=validate.Range(1, 100))
    completion_rules = fields.String(
        allow_none=True,
        validate=validate.OneOf(("strict", "advisory", "off")),
        metadata={"description": "Null = as the site's setting says."},
    )
    enrollment_mode = fields.String(
        allow_none=True,
        validate=validate.OneOf(("open", "approval")),
        metadata={"description": "Null = as the site's setting says."},
    )
    allow_retake = fields.Boolean()
    reset_on_retake = fields.Boolean()
    awards_certificate = fields.Boolean()
    certificate_template_id = Id(allow_none=True)
    certificate_days = _count("How long a certificate is valid; null = for good.", least=1)
    requirements = _lines("What a student needs to begin.")
    outcomes = _lines("What a student can do afterwards.")
    audience = _lines("Whom it is for.")
    faq_html = fields.String(allow_none=True)


class CourseIn(CourseBody):
    """A new course. It begins as a draft."""

    title = Line(255, required=True)


class CoursePatch(CourseBody):
    """Changes to a course; what is not named stays."""

    title = Line(255)
    status = fields.String(
        validate=validate.OneOf(STATUSES),
        metadata={"description": "Another than trash also brings a course back from the trash, within 30 days."},
    )


class InstructorIn(In):
    """A place on a course's staff."""

    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    revenue_share_percent = fields.Float(
        allow_none=True,
        validate=validate.Range(0, 100),
        metadata={"description": "Up to two decimals; null = the default split. Not named, it stays."},
    )
    is_listed = fields.Boolean(metadata={"description": "Shown beside the course. Not named, it stays."})


class DuplicateIn(In):
    """How the copy is called."""

    title = Line(255, metadata={"description": "Else the old one with “(copy)”."})
