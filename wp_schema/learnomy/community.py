"""What people write in a course: notes, questions and answers, reviews."""

from __future__ import annotations

from sqlalchemy import Column, Computed, String

from wp_schema.learnomy.base import (
    at,
    body,
    chars,
    check,
    count,
    flag,
    id_column,
    index,
    json,
    key,
    maybe_body,
    maybe_count,
    ref,
    state,
    table,
    trash_check,
    unique,
    version,
    when,
)
from wp_schema.types import Id, Small, key_string

notes = table(
    "notes",
    id_column(),
    key("client_id", 64),  # made by whoever made the note, so that an offline one is known again
    ref("user_id"),
    ref("course_id"),
    ref("lesson_id"),
    body("body"),
    maybe_count("position_seconds"),
    at("sync_at"),
    key("sync_op_id", 64, null=True),
    version(),
    at("created_at", null=False),
    at("updated_at", null=False),
    at("deleted_at"),  # a tombstone until the sync window is over
    unique("client", "user_id", "client_id"),
    index("lesson", "user_id", "lesson_id", "created_at", "id"),
    index("of_lesson", "lesson_id"),
    index("course", "user_id", "course_id", "created_at", "id"),
    index("changed", "user_id", "updated_at", "id"),
    index("deleted", "deleted_at"),
)

discussions = table(
    "discussions",
    id_column(),
    ref("course_id"),
    ref("lesson_id"),
    ref("parent_id", null=True),  # NULL = a question
    ref("user_id"),
    Column("title", String(255), nullable=True),
    body("body_raw"),
    body("body_html"),
    json("mentions"),
    state("status", "visible"),  # visible | pending | hidden | spam | trash
    key("previous_status", 16, null=True),
    flag("is_solution"),
    flag("is_resolved"),
    flag("is_staff"),
    count("reply_count"),  # visible answers
    # A deleted question stays in its place, without its words, while there are answers to it.
    Column(
        "shown_as",
        key_string(16),
        Computed("CASE WHEN status = 'trash' AND reply_count > 0 THEN 'visible' ELSE status END", persisted=True),
        nullable=True,
    ),
    at("last_reply_at"),
    ref("last_reply_id", null=True),
    ref("moderated_by", null=True),
    at("edited_at"),
    version(),
    at("created_at", null=False),
    at("updated_at", null=False),
    at("last_activity_at", null=False),
    at("deleted_at"),
    trash_check(),
    index("lesson", "lesson_id", "parent_id", "shown_as", "created_at", "id"),
    index("lesson_active", "lesson_id", "parent_id", "shown_as", "last_activity_at", "id"),
    index("fresh", "lesson_id", "shown_as", "id"),
    index("thread", "parent_id", "status", "created_at", "id"),
    index("course", "course_id", "status", "created_at", "id"),
    index("user", "user_id", "created_at", "id"),
    index("status", "status", "created_at", "id"),
    index("changed", "course_id", "updated_at", "id"),
    index("deleted", "deleted_at"),
)

reviews = table(
    "reviews",
    id_column(),
    ref("course_id"),
    ref("user_id"),
    Column("rating", Small, nullable=False),
    chars("title", 255),
    body("body"),
    state("status", "pending"),  # pending | approved | rejected | trash
    key("previous_status", 16, null=True),
    maybe_body("reply"),
    ref("replied_by", null=True),
    at("replied_at"),
    ref("moderated_by", null=True),
    at("moderated_at"),
    Column("reject_reason", String(500), nullable=True),
    version(),
    at("created_at", null=False),
    at("updated_at", null=False),
    at("deleted_at"),
    ref("deleted_by", null=True),  # only who deleted it brings it back
    when("live_user_id", Id, "deleted_at IS NULL", "user_id"),
    trash_check(),
    check("rating", "rating BETWEEN 1 AND 5"),
    unique("live", "course_id", "live_user_id"),
    index("course", "course_id", "status", "created_at", "id"),
    index("course_rating", "course_id", "status", "rating", "created_at", "id"),
    index("status", "status", "created_at", "id"),
    index("user", "user_id", "created_at", "id"),
    index("deleted", "deleted_at"),
)
