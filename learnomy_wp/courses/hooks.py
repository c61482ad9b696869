"""Filters around the catalogue and course content."""

from __future__ import annotations

from marshmallow import fields

from learnomy_wp.kernel import settings
from learnomy_wp.kernel.hooks import Filter

PRIVATE_ACADEMY = settings.declare(
    "require_login_for_content",
    False,
    fields.Boolean(metadata={"description": "Guests get no catalogue, category or course."}),
)

require_login_for_content = Filter(
    "learnomy_require_login_for_content",
    "Whether guests get no catalogue, category pages or courses.",
    result=bool,
)
content_can_access = Filter(
    "learnomy_content_can_access",
    "Whether a user may see content of an academy that asks for a login; asked only where it does.",
    arguments=("user_id",),
    result=bool,
)
CONTENT_FILTERS = (require_login_for_content.name, content_can_access.name)
