"""What the caller's own pages take and give."""

from __future__ import annotations

import zoneinfo

from marshmallow import fields, validate

from learnomy_wp.kernel.page import PageQuery
from learnomy_wp.kernel.serialize import In, Matches, Out, Time
from learnomy_wp.me.queries import MY_COURSES

STATUSES = ("pending", "active", "completed", "cancelled", "expired", "refunded")


class CountsOut(Out):
    """How many courses, by state."""

    enrolled = fields.Integer(required=True)
    in_progress = fields.Integer(required=True)
    completed = fields.Integer(required=True)
    certificates = fields.Integer(required=True)
    unread_notifications = fields.Integer(required=True)


class PreferencesOut(Out):
    """Preferences that are set."""

    timezone = fields.String(required=True, allow_none=True)


class MeOut(Out):
    """The caller's profile."""

    id = fields.Integer(required=True)
    username = fields.String(required=True)
    display_name = fields.String(required=True)
    email = fields.String(required=True)
    biography = fields.String(required=True)
    avatar_url = fields.String(required=True)
    avatar_id = fields.Integer(required=True, allow_none=True)
    locale = fields.String(required=True)
    timezone = fields.String(required=True)
    roles = fields.List(fields.String(), required=True)
    registered_at = Time(required=True, allow_none=True)
    preferences = fields.Nested(PreferencesOut, required=True)
    counts = fields.Nested(CountsOut, required=True)


class MePatch(In):
    """Changes to the profile. A new password or e-mail address needs `current_password`."""

    display_name = fields.String(validate=validate.Length(1, 250))
    biography = fields.String(validate=validate.Length(max=20000))
    timezone = fields.String(validate=validate.OneOf(sorted(zoneinfo.available_timezones()), error="No such zone."))
    locale = fields.String(
        validate=Matches(r"^$|^[a-z]{2,3}(_[A-Z]{2})?(_[a-z0-9]+)?$"),
        metadata={"description": "As WordPress names them (de_DE); empty for the site's."},
    )
    avatar_id = fields.Integer(
        strict=True,
        allow_none=True,
        validate=validate.Range(1, 2**63 - 1),
        metadata={"description": "An image of the media library; null for the Gravatar."},
    )
    email = fields.Email(validate=validate.Length(max=100))
    password = fields.String(validate=validate.Length(8, 4096), load_only=True)
    current_password = fields.String(validate=validate.Length(1, 4096), load_only=True)


class CourseCardOut(Out):
    """The course of an enrolment, as a card shows it."""

    id = fields.Integer(required=True)
    slug = fields.String(required=True)
    title = fields.String(required=True)
    excerpt = fields.String(required=True)
    thumbnail_url = fields.String(required=True, allow_none=True)
    permalink = fields.String(required=True)
    lesson_count = fields.Integer(required=True)
    duration_minutes = fields.Integer(required=True)


class MyNextLessonOut(Out):
    """Where to go on."""

    id = fields.Integer(required=True)
    title = fields.String(required=True)
    slug = fields.String(required=True)
    permalink = fields.String(required=True)


class MyCourseOut(Out):
    """An enrolment of the caller with its course, progress and next lesson."""

    id = fields.Integer(required=True)
    enrollment_id = fields.Integer(required=True)
    course_id = fields.Integer(required=True)
    user_id = fields.Integer(required=True)
    status = fields.String(required=True)
    source = fields.String(required=True)
    has_access = fields.Boolean(required=True)
    progress_percent = fields.Integer(required=True)
    lessons_completed = fields.Integer(required=True)
    lessons_total = fields.Integer(required=True)
    enrolled_at = Time(required=True)
    completed_at = Time(required=True, allow_none=True)
    expires_at = Time(required=True, allow_none=True)
    last_activity_at = Time(required=True)
    course = fields.Nested(CourseCardOut, required=True)
    next_lesson = fields.Nested(MyNextLessonOut, required=True, allow_none=True)


class MyCoursesQuery(PageQuery):
    """Which of the caller's courses."""

    status = fields.String(validate=validate.OneOf(STATUSES))
    sort = MY_COURSES.sort_field()


class DashboardOut(Out):
    """What the student's home shows."""

    counts = fields.Nested(CountsOut, required=True)
    average_progress = fields.Integer(required=True, metadata={"description": "Percent, over open courses."})
    average_quiz_score = fields.Float(required=True, allow_none=True)
    continue_learning = fields.List(fields.Nested(MyCourseOut), required=True)
    recently_completed = fields.List(fields.Nested(MyCourseOut), required=True)
