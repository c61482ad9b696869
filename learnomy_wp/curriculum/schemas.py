"""What the curriculum and section endpoints take and give."""

from __future__ import annotations

from marshmallow import fields, validate

from learnomy_wp.kernel.serialize import Id, In, Line, Out, Time

MAX_DAYS = 36_500
MAX_ITEMS = 2000
STATES = ("locked", "available", "in_progress", "completed")


class TopicStateOut(Out):
    """A topic, as it stands for the caller."""

    id = fields.Integer(required=True)
    title = fields.String(required=True)
    slug = fields.String(required=True)
    content_type = fields.String(required=True)
    duration_seconds = fields.Integer(required=True)
    is_preview = fields.Boolean(required=True)
    status = fields.String(required=True)
    state = fields.String(required=True, metadata={"enum": STATES})
    locked_reason = fields.String(required=True, allow_none=True)
    available_at = Time(required=True, allow_none=True)
    completed_at = Time(required=True, allow_none=True)


class LessonStateOut(TopicStateOut):
    """A lesson with its topics, as it stands for the caller."""

    topics = fields.List(fields.Nested(TopicStateOut), required=True)


class QuizStateOut(Out):
    """A quiz, as it stands for the caller."""

    id = fields.Integer(required=True)
    title = fields.String(required=True)
    slug = fields.String(required=True)
    lesson_id = fields.Integer(required=True, allow_none=True)
    mode = fields.String(required=True)
    status = fields.String(required=True)
    is_required = fields.Boolean(required=True)
    state = fields.String(required=True, metadata={"enum": STATES})
    locked_reason = fields.String(required=True, allow_none=True)
    available_at = Time(required=True, allow_none=True)
    completed_at = Time(required=True, allow_none=True)


class SectionStateOut(Out):
    """A section with what stands in it."""

    id = fields.Integer(required=True)
    title = fields.String(required=True)
    description = fields.String(required=True)
    position = fields.Integer(required=True)
    lessons = fields.List(fields.Nested(LessonStateOut), required=True)
    quizzes = fields.List(fields.Nested(QuizStateOut), required=True)


class CurriculumOut(Out):
    """A course's curriculum for the caller."""

    course_id = fields.Integer(required=True)
    sections = fields.List(fields.Nested(SectionStateOut), required=True)
    quizzes = fields.List(
        fields.Nested(QuizStateOut), required=True, metadata={"description": "Of the course, in no section."}
    )
    unattached = fields.List(
        fields.Nested(LessonStateOut), required=True, metadata={"description": "In no section; for staff only."}
    )


class TopicOrderIn(In):
    """A topic in its place."""

    id = Id(required=True)


class LessonOrderIn(In):
    """A lesson in its place. Without `topics` its topics stay as they are."""

    id = Id(required=True)
    topics = fields.List(fields.Nested(TopicOrderIn), validate=validate.Length(max=MAX_ITEMS))


class QuizOrderIn(In):
    """A quiz in its place."""

    id = Id(required=True)


class SectionOrderIn(In):
    """A section in its place. Without `quizzes` its quizzes stay as they are."""

    id = Id(required=True)
    lessons = fields.List(fields.Nested(LessonOrderIn), required=True, validate=validate.Length(max=MAX_ITEMS))
    quizzes = fields.List(fields.Nested(QuizOrderIn), validate=validate.Length(max=MAX_ITEMS))


class CurriculumIn(In):
    """The whole order: every section, and every lesson that is in one."""

    sections = fields.List(fields.Nested(SectionOrderIn), required=True, validate=validate.Length(max=MAX_ITEMS))
    unattached = fields.List(
        fields.Nested(LessonOrderIn),
        load_default=list,
        validate=validate.Length(max=MAX_ITEMS),
        metadata={"description": "Lessons taken out of their sections."},
    )


class SectionOut(Out):
    """A section."""

    id = fields.Integer(required=True)
    course_id = fields.Integer(required=True)
    title = fields.String(required=True)
    description = fields.String(required=True)
    position = fields.Integer(required=True)
    status = fields.String(required=True)
    drip_days = fields.Integer(required=True, allow_none=True)
    drip_at = Time(required=True, allow_none=True)
    created_at = Time(required=True)
    updated_at = Time(required=True)
    deleted_at = Time(required=True, allow_none=True)


class SectionFields(In):
    """What may be set of a section."""

    description = fields.String(validate=validate.Length(max=5000))
    drip_days = fields.Integer(
        strict=True,
        allow_none=True,
        validate=validate.Range(0, MAX_DAYS),
        metadata={"description": "Its lessons open so many days after enrolling, where the course drips so."},
    )
    drip_at = Time(allow_none=True, metadata={"description": "When its lessons open, where the course drips so."})


class SectionIn(SectionFields):
    """A new section."""

    title = Line(255, required=True)
    position = fields.Integer(
        strict=True, validate=validate.Range(0, MAX_ITEMS), metadata={"description": "Its place; else the last."}
    )


class SectionPatch(SectionFields):
    """Changes to a section; what is not named stays."""

    title = Line(255)
    status = fields.String(
        validate=validate.OneOf(("published", "trash")),
        metadata={"description": "published brings it back from the trash, within 30 days, with its lessons."},
    )
