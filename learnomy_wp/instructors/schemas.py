"""What the instructor endpoints take and give."""

from __future__ import annotations

from marshmallow import fields, validate

from learnomy_wp.instructors.applying import APPLICATIONS, STATUSES
from learnomy_wp.instructors.listing import LISTING
from learnomy_wp.kernel.page import PageQuery
from learnomy_wp.kernel.serialize import IdList, In, Line, Out, Text, Time

MAX_TEXT = 10_000
MAX_AREAS = 20


class InstructorQuery(PageQuery):
    """Which instructors, in which order."""

    sort = LISTING.sort_field()
    search = fields.String(validate=validate.Length(1, 100), metadata={"description": "Part of the name."})
    ids = IdList(metadata={"description": "Only these, comma-separated."})


class InstructorOut(Out):
    """Somebody who teaches a published course. Students count once for each course."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    slug = fields.String(required=True)
    bio = fields.String(required=True)
    avatar_url = fields.String(required=True)
    permalink = fields.String(required=True)
    course_count = fields.Integer(required=True)
    student_count = fields.Integer(required=True)
    rating = fields.Float(required=True, metadata={"description": "0 to 5 over all courses, 0 while nobody rated one."})
    rating_count = fields.Integer(required=True)


class TaughtOut(Out):
    """A course of an instructor's."""

    id = fields.Integer(required=True)
    slug = fields.String(required=True)
    title = fields.String(required=True)
    excerpt = fields.String(required=True)
    permalink = fields.String(required=True)
    thumbnail_url = fields.String(required=True, allow_none=True)
    lesson_count = fields.Integer(required=True)
    duration_minutes = fields.Integer(required=True)
    student_count = fields.Integer(required=True)
    rating = fields.Float(required=True)
    rating_count = fields.Integer(required=True)
    published_at = Time(required=True)


class ProfileOut(InstructorOut):
    """An instructor with the twenty newest courses; `GET /courses?instructor=` pages through all."""

    courses = fields.List(fields.Nested(TaughtOut), required=True)


class ApplicationQuery(PageQuery):
    """Which applications, in which order."""

    sort = APPLICATIONS.sort_field()
    status = fields.String(validate=validate.OneOf(STATUSES))


class ApplicationIn(In):
    """What an applicant says."""

    about = Text(MAX_TEXT, required=True, metadata={"description": "About you."})
    expertise = fields.List(
        Line(100),
        required=True,
        validate=validate.Length(1, MAX_AREAS),
        metadata={"description": "Areas of expertise."},
    )
    course_idea = Text(MAX_TEXT, required=True)
    experience = Text(MAX_TEXT, allow_none=True, metadata={"description": "Teaching experience."})


class DecisionIn(In):
    """The decision on an application."""

    decision = fields.String(required=True, validate=validate.OneOf(("approve", "reject")))
    reason = Text(2000, metadata={"description": "Told to the applicant."})


class ApplicantOut(Out):
    """Who applies."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    avatar_url = fields.String(required=True)


class ApplicationOut(Out):
    """An application to become an instructor."""

    id = fields.Integer(required=True)
    user = fields.Nested(ApplicantOut, required=True, allow_none=True)
    status = fields.String(required=True)
    about = fields.String(required=True)
    expertise = fields.List(fields.String(), required=True)
    course_idea = fields.String(required=True)
    experience = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    decided_by = fields.Integer(required=True, allow_none=True)
    decided_at = Time(required=True, allow_none=True)
    created_at = Time(required=True)
    updated_at = Time(required=True)
