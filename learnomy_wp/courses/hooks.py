"""Filters around the catalogue and course content."""

from __future__ import annotations

from marshmallow import fields, validate

from learnomy_wp.kernel import settings
from learnomy_wp.kernel.hooks import Filter
from learnomy_wp.kernel.money import CURRENCIES

PRIVATE_ACADEMY = settings.declare(
    "require_login_for_content",
    False,
    fields.Boolean(metadata={"description": "Guests get no catalogue, category or course."}),
)
CURRENCY = settings.declare(
    "currency",
    "USD",
    fields.String(
        validate=validate.OneOf(sorted(CURRENCIES)),
        metadata={"description": "Currency of new prices; old amounts are not converted."},
    ),
)
REVIEW = settings.declare(
    "review_courses",
    False,
    fields.Boolean(metadata={"description": "What instructors publish waits for review."}),
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
