"""What the lesson endpoints take and give. A topic is a lesson with a parent."""

from __future__ import annotations

from marshmallow import fields, validate

from learnomy_wp.kernel.page import PageQuery
from learnomy_wp.kernel.serialize import Id, IdList, In, Line, Matches, Out, Time, web_address
from learnomy_wp.lessons.listing import LISTING

STATUSES = ("draft", "published", "trash")
MAX_DAYS = 36_500
MAX_SECONDS = 10_000_000
MAX_ITEMS = 2000
CONTENT_TYPE = Matches(r"^[a-z0-9][a-z0-9_-]{0,31}$", error="Lower-case letters, digits and dashes.")
# Of the video type an address; of types that plugins play, their own id of it.
VIDEO_URL = Matches(r"^(https?://\S+|[\w.-]{1,191})$", error="Neither an http address nor an id.")


class LessonQuery(PageQuery):
    """Which lessons of the caller's courses."""

    sort = LISTING.sort_field()
    course_id = Id(strict=False)
    section_id = Id(strict=False)
    parent_id = Id(strict=False, metadata={"description": "The topics of a lesson."})
    unattached = fields.Boolean(metadata={"description": "Lessons in no section."})
    content_type = fields.String(validate=CONTENT_TYPE)
    status = fields.String(
        validate=validate.OneOf(STATUSES), metadata={"description": "All but the trash, if not named."}
    )
    ids = IdList(metadata={"description": "Only these, comma-separated."})


class CourseNameOut(Out):
    """The course of a lesson."""

    id = fields.Integer(required=True)
    title = fields.String(required=True)
    slug = fields.String(required=True)
    status = fields.String(required=True)


class LessonBaseOut(Out):
    """What lists and the whole lesson both tell."""

    id = fields.Integer(required=True)
    course_id = fields.Integer(required=True)
    section_id = fields.Integer(required=True, allow_none=True)
    parent_id = fields.Integer(required=True, allow_none=True)
    title = fields.String(required=True)
    slug = fields.String(required=True)
    content_type = fields.String(required=True)
    status = fields.String(required=True)
    position = fields.Integer(required=True)
    duration_seconds = fields.Integer(required=True)
    is_preview = fields.Boolean(required=True)
    created_at = Time(required=True)
    updated_at = Time(required=True)
    deleted_at = Time(required=True, allow_none=True)


class LessonRowOut(LessonBaseOut):
    """A lesson in a list."""

    course = fields.Nested(CourseNameOut, required=True)
    section_title = fields.String(required=True, allow_none=True)


class RulesOut(Out):
    """What a lesson asks for before it is complete."""

    min_watch_seconds = fields.Integer(required=True, allow_none=True)
    required_video_share = fields.Integer(required=True, allow_none=True)
    requires_scroll = fields.Boolean(required=True)
    required_quiz_id = fields.Integer(required=True, allow_none=True)


class SourceOut(Out):
    """One file of a medium."""

    url = fields.String(required=True)
    type = fields.String(required=True, allow_none=True)


class CaptionOut(Out):
    """Captions in one language."""

    url = fields.String(required=True)
    language = fields.String(required=True)
    label = fields.String(required=True, allow_none=True)


class MediaOut(Out):
    """What is played or opened beside the text."""

    poster_url = fields.String(required=True, allow_none=True)
    document_url = fields.String(required=True, allow_none=True)
    embed_url = fields.String(required=True, allow_none=True)
    meeting_url = fields.String(required=True, allow_none=True)
    sources = fields.List(fields.Nested(SourceOut), required=True)
    captions = fields.List(fields.Nested(CaptionOut), required=True)


class LessonAttachmentOut(Out):
    """A file of a lesson."""

    id = fields.Integer(required=True)
    title = fields.String(required=True)
    filename = fields.String(required=True)
    mime_type = fields.String(required=True)
    size_bytes = fields.Integer(required=True)
    download_url = fields.String(
        required=True, metadata={"description": "Opens the file for the caller, for five minutes and without a login."}
    )


class NeighbourOut(Out):
    """The lesson before or after."""

    id = fields.Integer(required=True)
    title = fields.String(required=True)
    slug = fields.String(required=True)
    parent_id = fields.Integer(required=True, allow_none=True)


class LessonOut(LessonBaseOut):
    """A whole lesson for the caller."""

    permalink = fields.String(required=True)
    excerpt = fields.String(required=True)
    content_html = fields.String(required=True)
    content_raw = fields.String(required=True, allow_none=True, metadata={"description": "For staff only."})
    video_url = fields.String(required=True, allow_none=True)
    media = fields.Nested(MediaOut, required=True, allow_none=True)
    live_starts_at = Time(required=True, allow_none=True)
    live_ends_at = Time(required=True, allow_none=True)
    drip_days = fields.Integer(required=True, allow_none=True)
    drip_at = Time(required=True, allow_none=True)
    completion_rules = fields.Nested(RulesOut, required=True)
    state = fields.String(required=True)
    position_seconds = fields.Integer(required=True)
    completed_at = Time(required=True, allow_none=True)
    attachments = fields.List(fields.Nested(LessonAttachmentOut), required=True)
    topics = fields.List(fields.Nested(NeighbourOut), required=True)
    previous = fields.Nested(NeighbourOut, required=True, allow_none=True)
    next = fields.Nested(NeighbourOut, required=True, allow_none=True)


class RulesIn(In):
    """What a lesson asks for before it is complete. What is not named stays."""

    min_watch_seconds = fields.Integer(strict=True, allow_none=True, validate=validate.Range(0, MAX_SECONDS))
    required_video_share = fields.Integer(strict=True, allow_none=True, validate=validate.Range(0, 100))
    requires_scroll = fields.Boolean()
    required_quiz_id = Id(allow_none=True, metadata={"description": "A quiz of the same course."})


class SourceIn(In):
    """One file of a medium."""

    url = web_address(required=True)
    type = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=127))


class CaptionIn(In):
    """Captions in one language."""

    url = web_address(required=True)
    language = fields.String(required=True, validate=Matches(r"^[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8}){0,2}$"))
    label = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=100))


class MediaIn(In):
    """What is played or opened beside the text; it replaces what was there."""

    poster_url = web_address(load_default=None, allow_none=True)
    document_url = web_address(load_default=None, allow_none=True)
    embed_url = web_address(load_default=None, allow_none=True)
    meeting_url = web_address(load_default=None, allow_none=True)
    sources = fields.List(fields.Nested(SourceIn), load_default=list, validate=validate.Length(max=20))
    captions = fields.List(fields.Nested(CaptionIn), load_default=list, validate=validate.Length(max=50))


class LessonFields(In):
    """What may be set of a lesson or topic."""

    slug = fields.String(validate=validate.Length(1, 200))
    content_type = fields.String(
        validate=CONTENT_TYPE,
        metadata={"description": "text, video, audio, document, embed, live, mediashield, or a plugin's own."},
    )
    excerpt = fields.String(validate=validate.Length(max=5000))
    content = fields.String(metadata={"description": "Blocks or HTML, as WordPress's editor writes it."})
    video_url = fields.String(allow_none=True, validate=[validate.Length(max=2048), VIDEO_URL])
    media = fields.Nested(MediaIn, allow_none=True)
    live_starts_at = Time(allow_none=True)
    live_ends_at = Time(allow_none=True)
    duration_seconds = fields.Integer(strict=True, validate=validate.Range(0, MAX_SECONDS))
    is_preview = fields.Boolean(metadata={"description": "Open to everybody."})
    drip_days = fields.Integer(strict=True, allow_none=True, validate=validate.Range(0, MAX_DAYS))
    drip_at = Time(allow_none=True)
    completion_rules = fields.Nested(RulesIn)


class LessonIn(LessonFields):
    """A new lesson or topic."""

    title = Line(255, required=True)
    status = fields.String(load_default="published", validate=validate.OneOf(("draft", "published")))
    position = fields.Integer(
        strict=True, validate=validate.Range(0, MAX_ITEMS), metadata={"description": "Its place; else the last."}
    )


class LessonPatch(LessonFields):
    """Changes to a lesson or topic; what is not named stays."""

    title = Line(255)
    section_id = Id(allow_none=True, metadata={"description": "A section of the same course; null takes it out."})
    status = fields.String(
        validate=validate.OneOf(STATUSES),
        metadata={"description": "Another than trash also brings it back from the trash, within 30 days."},
    )
