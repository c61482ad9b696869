"""What the review endpoints take and give."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from learnomy_wp.kernel.page import PageQuery
from learnomy_wp.kernel.serialize import In, Line, Out, Text, Time
from learnomy_wp.reviews.listing import LISTING, STATUSES
from learnomy_wp.reviews.ratings import STARS

MAX_BODY = 5000
DECISIONS = ("approved", "rejected", "pending")


def _rating(**options: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(STARS[0], STARS[-1]), **options)


class ReviewQuery(PageQuery):
    """Which reviews, in what order."""

    sort = LISTING.sort_field()
    status = fields.String(
        validate=validate.OneOf(STATUSES),
        metadata={"description": "approved where not given; the others are for staff, and for who wrote them."},
    )
    rating = fields.Integer(validate=validate.Range(STARS[0], STARS[-1]), metadata={"description": "So many stars."})


class ReviewIn(In):
    """A review."""

    rating = _rating(required=True)
    title = Text(255, minimum=0, load_default="")
    body = Text(MAX_BODY, minimum=0, load_default="", metadata={"description": "Plain text."})


class ReviewPatch(In):
    """Changes to one's own review; it may have to be approved again."""

    rating = _rating()
    title = Text(255, minimum=0)
    body = Text(MAX_BODY, minimum=0)
    status = fields.String(
        validate=validate.OneOf(("pending",)), metadata={"description": "Brings a deleted review back."}
    )


class ModerationIn(In):
    """A decision on a review, a reply to it, or both."""

    status = fields.String(validate=validate.OneOf(DECISIONS))
    reason = Line(500, allow_none=True, metadata={"description": "Why it is rejected; its author reads it."})
    reply = Text(MAX_BODY, allow_none=True, metadata={"description": "Shown below it; null takes it away."})

    @validates_schema
    def check_whole(self, data: dict[str, object], **_options: object) -> None:
        """Something is decided, and a reason goes with a rejection."""
        if not {"status", "reply"} & data.keys():
            raise ValidationError("Give a status, a reply, or both.", "status")
        if data.get("reason") and data.get("status") != "rejected":
            raise ValidationError("Only a rejection has a reason.", "reason")


class ReviewOut(Out):
    """What somebody says of a course."""

    id = fields.Integer(required=True)
    course_id = fields.Integer(required=True)
    user_id = fields.Integer(required=True, allow_none=True, metadata={"description": "For its author and staff."})
    author_name = fields.String(required=True)
    author_avatar_url = fields.String(required=True)
    is_own = fields.Boolean(required=True)
    rating = fields.Integer(required=True)
    title = fields.String(required=True)
    body = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    reject_reason = fields.String(required=True, allow_none=True)
    reply = fields.String(required=True, allow_none=True)
    replied_by_name = fields.String(required=True, allow_none=True)
    replied_at = Time(required=True, allow_none=True)
    created_at = Time(required=True)
    updated_at = Time(required=True)
