"""The caller's notes of one lesson."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select

from learnomy_wp.kernel.page import Listing, Page, Sort
from wp_schema.tables import notes

ROW = (
    "id",
    "client_id",
    "course_id",
    "lesson_id",
    "body",
    "position_seconds",
    "version",
    "created_at",
    "updated_at",
)
_INDEX = "zblog_lrn_notes_lesson"

LISTING = Listing(
    select(*(notes.c[name] for name in ROW)).where(
        notes.c.user_id == bindparam("of_user"),
        notes.c.lesson_id == bindparam("of_lesson"),
        notes.c.deleted_at.is_(None),
    ),
    table=notes,
    key=notes.c.id,
    default="created_at",
    sorts={
        "created_at": Sort(notes.c.created_at, index=_INDEX),
        "-created_at": Sort(notes.c.created_at, descending=True, index=_INDEX),
    },
)


def list_notes(user_id: int, lesson_id: int, query: Mapping[str, Any]) -> Page:
    """A page of a user's notes of a lesson."""
    return LISTING.page(query, {"of_user": user_id, "of_lesson": lesson_id}, owner=user_id)
