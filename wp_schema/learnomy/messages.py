"""What people are told: notifications, announcements, and the devices they are sent to."""

from __future__ import annotations

from sqlalchemy import Column, String

from wp_schema.learnomy.base import (
    at,
    body,
    chars,
    count,
    flag,
    id_column,
    index,
    json,
    key,
    ref,
    state,
    table,
    unique,
    version,
)
from wp_schema.types import LongText

notifications = table(
    "notifications",
    id_column(),
    ref("user_id"),
    state("type", "", 64),
    chars("title", 255),
    body("message"),
    chars("action_url", 2048),
    ref("actor_id"),
    state("object_type", "", 32),
    ref("object_id"),
    ref("course_id", null=True),
    key("thing_key", 64, null=True),  # one notification per thing, however many events
    count("event_count", 1),
    json("payload"),
    at("read_at"),
    at("sync_at"),
    key("sync_op_id", 64, null=True),
    state("email_state", "none"),  # none | queued | digest | sent | failed
    state("push_state", "none"),
    at("deliver_after"),  # quiet hours
    at("emailed_at"),
    at("pushed_at"),
    at("created_at", null=False),
    at("updated_at", null=False),
    at("deleted_at"),
    unique("thing", "user_id", "thing_key"),
    index("user", "user_id", "deleted_at", "created_at", "id"),
    index("unread", "user_id", "deleted_at", "read_at", "created_at", "id"),
    index("user_type", "user_id", "deleted_at", "type", "created_at", "id"),
    index("changed", "user_id", "updated_at", "id"),
    index("object", "object_type", "object_id"),
    index("email", "email_state", "deliver_after", "id"),
    index("push", "push_state", "deliver_after", "id"),
    index("created", "created_at", "id"),
)

announcements = table(
    "announcements",
    id_column(),
    ref("course_id"),  # 0 = to all
    ref("author_id"),
    Column("title", String(255), nullable=False),
    body("body_raw"),
    body("body_html"),
    state("status", "sent"),  # draft | scheduled | sending | sent | deleted
    json("channels"),
    at("scheduled_at"),
    at("sent_at"),
    count("recipient_count"),
    ref("last_user_id"),  # how far the fan-out has come
    ref("job_id", null=True),
    version(),
    at("created_at", null=False),
    at("updated_at", null=False),
    at("deleted_at"),
    index("course", "course_id", "status", "created_at", "id"),
    index("author", "author_id", "created_at", "id"),
    index("status", "status", "created_at", "id"),
    index("scheduled", "status", "scheduled_at"),
)

devices = table(
    "devices",
    id_column(),
    ref("user_id"),
    state("kind", "fcm"),  # fcm | webpush
    key("token_hash", 64),
    Column("token", LongText, nullable=False),  # FCM token or Web Push endpoint
    Column("public_key", String(255), nullable=True),
    Column("auth_secret", String(255), nullable=True),
    chars("name", 191),
    state("platform", "", 32),
    state("app_version", "", 32),
    state("locale", "", 16),
    state("timezone", "", 64),
    flag("is_enabled", True),
    key("family_id", 32, null=True),  # the session it belongs to
    count("failed_count"),
    at("last_seen_at"),
    at("last_push_at"),
    at("created_at", null=False),
    at("updated_at", null=False),
    unique("token", "token_hash"),
    index("user", "user_id", "created_at", "id"),
    index("family", "family_id"),
)
