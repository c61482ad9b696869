"""What waits for approval before others see it. Staff's words never do."""

from __future__ import annotations

from marshmallow import fields, validate
from sqlalchemy import bindparam, select

from learnomy_wp.discussions import content
from learnomy_wp.kernel import db, settings
from wp_schema.tables import discussions

MODERATION = settings.declare(
    "discussion_moderation",
    "off",
    fields.String(
        validate=validate.OneOf(("off", "first", "all")),
        metadata={"description": "Which posts of learners wait for approval: none, each one's first, or all."},
    ),
)
MAX_LINKS = settings.declare(
    "discussion_max_links",
    2,
    fields.Integer(
        strict=True,
        validate=validate.Range(0, 100),
        metadata={"description": "A learner's post with more links than this waits for approval."},
    ),
)
APPROVED = (
    select(discussions.c.id)
    .where(discussions.c.user_id == bindparam("of_user"), discussions.c.status == "visible")
    .limit(1)
)


def status_of(user_id: int, html: str, *, is_staff: bool) -> str:
    """`visible`, or `pending` where somebody must look at it first."""
    if is_staff:
        return "visible"
    mode = settings.get(MODERATION)
    is_held = mode == "all" or content.count_links(html) > settings.get(MAX_LINKS)
    if not is_held and mode == "first":
        is_held = db.value(APPROVED, {"of_user": user_id}) is None
    return "pending" if is_held else "visible"
