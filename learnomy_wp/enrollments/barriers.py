"""What keeps somebody from enrolling: asked by `/access`, enforced by `/enroll`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marshmallow import fields, validate

from learnomy_wp.kernel import settings

OPEN, APPROVAL = "open", "approval"
ENROLLMENT_MODE = settings.declare(
    "enrollment_mode",
    OPEN,
    fields.String(
        validate=validate.OneOf((OPEN, APPROVAL)),
        metadata={
            "description": "Whether enrolling oneself takes effect at once or waits for approval; "
            "a course may have its own mode."
        },
    ),
)


def needs_approval(course: Mapping[str, Any]) -> bool:
    """Whether a request to enrol waits for staff: the course's own mode, else the site's."""
    return bool((course["enrollment_mode"] or settings.get(ENROLLMENT_MODE)) == APPROVAL)


def is_full(course: Mapping[str, Any]) -> bool:
    """Whether every seat is taken. `student_count` counts who has access now."""
    return course["capacity"] is not None and course["student_count"] >= course["capacity"]


def find_barriers(course: Mapping[str, Any], *, has_unmet_prerequisite: bool, now: datetime) -> list[str]:
    """The codes of all that keeps a person from enrolling, the weightiest first."""
    found = []
    if course["opens_at"] is not None and course["opens_at"] > now:
        found.append("enrollment_not_open")
    ends = (course["closes_at"], course["access_ends_at"])
    if course["status"] in ("archived", "trash") or any(at is not None and at <= now for at in ends):
        found.append("enrollment_closed")
    if course["price_minor"]:
        found.append("payment_required")
    if has_unmet_prerequisite:
        found.append("prerequisites_unmet")
    if is_full(course):
        found.append("course_full")
    return found
