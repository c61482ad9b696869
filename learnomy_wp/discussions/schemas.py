"""What the discussion endpoints take and give."""

from __future__ import annotations

from marshmallow import fields, validate

from learnomy_wp.discussions.listing import QUESTIONS
from learnomy_wp.kernel.page import PageQuery
from learnomy_wp.kernel.serialize import Id, In, Line, Out, Text, Time

STATUSES = ("visible", "pending", "hidden", "spam", "trash")
MAX_BODY = 20_000


class DiscussionQuery(PageQuery):
    """The questions of a lesson, or with `parent_id` the answers to one."""

    sort = fields.String(
        validate=validate.OneOf(sorted(QUESTIONS.sorts)),
        metadata={"description": "Order; questions with the latest activity first, answers the oldest first."},
    )
    parent_id = Id(strict=False, metadata={"description": "The answers to this question."})
    status = fields.String(
        load_default="visible",
        validate=validate.OneOf(STATUSES),
        metadata={"description": "Learners find their own ones that are pending; the others are for staff."},
    )
    mark_seen = fields.Boolean(
        load_default=False, metadata={"description": "Everything that is there now counts as read afterwards."}
    )


class DiscussionIn(In):
    """A question, or with `parent_id` an answer to one."""

    body = Text(MAX_BODY, required=True, metadata={"description": "Text; the tags that comments may have are kept."})
    title = Line(255, metadata={"description": "Of a question."})
    parent_id = Id(metadata={"description": "The question that is answered."})


class DiscussionPatch(In):
    """Changes to a post: its words by its author, the rest by staff."""

    body = Text(MAX_BODY)
    title = Line(255)
    status = fields.String(
        validate=validate.OneOf(STATUSES),
        metadata={"description": "Approve (visible), hide, mark as spam, or bring back from the trash within 30 days."},
    )
    is_solution = fields.Boolean(metadata={"description": "Whether this answer solves its question; one may."})


class AuthorOut(Out):
    """Who wrote a post."""

    id = fields.Integer(required=True)
    display_name = fields.String(required=True)
    avatar_url = fields.String(required=True)
    is_staff = fields.Boolean(required=True)


class MentionOut(Out):
    """Somebody whom a post names."""

    id = fields.Integer(required=True)
    display_name = fields.String(required=True)
    slug = fields.String(required=True)


class DiscussionOut(Out):
    """A question or an answer. Of a deleted one that has answers only its place is left."""

    id = fields.Integer(required=True)
    course_id = fields.Integer(required=True)
    lesson_id = fields.Integer(required=True)
    parent_id = fields.Integer(required=True, allow_none=True)
    status = fields.String(required=True)
    author = fields.Nested(AuthorOut, required=True, allow_none=True)
    title = fields.String(required=True, allow_none=True)
    body_html = fields.String(required=True, allow_none=True)
    body_raw = fields.String(required=True, allow_none=True, metadata={"description": "For its author and staff."})
    mentions = fields.List(fields.Nested(MentionOut), required=True)
    is_solution = fields.Boolean(required=True)
    is_resolved = fields.Boolean(required=True)
    is_unread = fields.Boolean(required=True)
    reply_count = fields.Integer(required=True)
    last_reply_at = Time(required=True, allow_none=True)
    last_activity_at = Time(required=True)
    created_at = Time(required=True)
    edited_at = Time(required=True, allow_none=True)
    deleted_at = Time(required=True, allow_none=True)
