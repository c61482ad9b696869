"""What the progress endpoints take and give."""

from __future__ import annotations

from marshmallow import fields, validate

from learnomy_wp.kernel.serialize import In, Out, Query, Time

MAX_SECONDS = 2**31 - 1
LESSON_STATES = ("locked", "available", "in_progress", "completed")


class PositionIn(In):
    """Where the player or reader is."""

    position_seconds = fields.Integer(load_default=0, strict=True, validate=validate.Range(0, MAX_SECONDS))
    watched_seconds = fields.Integer(
        load_default=0,
        strict=True,
        validate=validate.Range(0, MAX_SECONDS),
        metadata={"description": "Seconds watched so far, all together; it only grows."},
    )
    watched_share = fields.Integer(
        load_default=0,
        strict=True,
        validate=validate.Range(0, 100),
        metadata={"description": "Percent of the video that was seen; it only grows."},
    )
    scrolled = fields.Boolean(load_default=False, metadata={"description": "The end of the page was reached."})


class CompletionWarningOut(Out):
    """A completion rule that was not met, where rules are advice."""

    field = fields.String(required=True)
    message = fields.String(required=True)


class CourseStandingOut(Out):
    """The course after the change."""

    enrollment_id = fields.Integer(required=True)
    status = fields.String(required=True)
    percent = fields.Integer(required=True)
    lessons_completed = fields.Integer(required=True)
    lessons_total = fields.Integer(required=True)
    next_lesson_id = fields.Integer(required=True, allow_none=True)
    completed_at = Time(required=True, allow_none=True)


class LessonProgressOut(Out):
    """The caller's progress in one lesson, and in its course."""

    lesson_id = fields.Integer(required=True)
    course_id = fields.Integer(required=True)
    parent_id = fields.Integer(required=True, allow_none=True)
    state = fields.String(required=True, validate=validate.OneOf(LESSON_STATES))
    completed_at = Time(required=True, allow_none=True)
    position_seconds = fields.Integer(required=True)
    watched_seconds = fields.Integer(required=True)
    watched_share = fields.Integer(required=True)
    scrolled = fields.Boolean(required=True)
    warnings = fields.List(fields.Nested(CompletionWarningOut), required=True)
    course_progress = fields.Nested(CourseStandingOut, required=True)


class TakenBackOut(LessonProgressOut):
    """A completion that is no more, and how the caller stands without it."""

    id = fields.Integer(required=True, metadata={"description": "The lesson's or topic's."})
    deleted = fields.Boolean(required=True)


class ProgressQuery(Query):
    """Whose progress."""

    user_id = fields.Integer(
        validate=validate.Range(1, 2**63 - 1),
        metadata={"description": "A student of the caller's, for staff of the course; else the caller."},
    )


class ProgressItemOut(Out):
    """One lesson, topic or quiz on the way."""

    type = fields.String(required=True, validate=validate.OneOf(("lesson", "topic", "quiz")))
    id = fields.Integer(required=True)
    parent_id = fields.Integer(dump_default=None, allow_none=True)
    state = fields.String(required=True, validate=validate.OneOf(LESSON_STATES))
    locked_reason = fields.String(dump_default=None, allow_none=True)
    available_at = Time(dump_default=None, allow_none=True)
    completed_at = Time(required=True, allow_none=True)


class ComingLessonOut(Out):
    """The first lesson or topic that is not completed."""

    id = fields.Integer(required=True)
    title = fields.String(required=True)
    slug = fields.String(required=True)
    parent_id = fields.Integer(required=True, allow_none=True)


class CourseProgressOut(Out):
    """A learner's way through a course."""

    course_id = fields.Integer(required=True)
    user_id = fields.Integer(required=True)
    enrollment_id = fields.Integer(required=True)
    status = fields.String(required=True)
    percent = fields.Integer(required=True)
    lessons_completed = fields.Integer(required=True)
    lessons_total = fields.Integer(required=True)
    quizzes_passed = fields.Integer(required=True)
    quizzes_total = fields.Integer(required=True)
    enrolled_at = Time(required=True)
    completed_at = Time(required=True, allow_none=True)
    last_activity_at = Time(required=True, allow_none=True)
    next_lesson = fields.Nested(ComingLessonOut, required=True, allow_none=True)
    items = fields.List(fields.Nested(ProgressItemOut), required=True)


class RestartedOut(Out):
    """Whose progress was reset: the enrolment."""

    id = fields.Integer(required=True)
    deleted = fields.Boolean(required=True)
