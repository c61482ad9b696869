"""What the machinery keeps: tokens, webhooks, the outbox, jobs, expiring keys, activity."""

from __future__ import annotations

from sqlalchemy import Column, String, text

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
    maybe_body,
    maybe_count,
    ref,
    state,
    table,
    unique,
    version,
    when,
)
from wp_schema.types import Blob, Money, Small, key_string

auth_tokens = table(
    "auth_tokens",
    id_column(),
    state("kind", "refresh"),  # refresh | api_key
    key("family_id", 32),
    ref("parent_id", null=True),  # unique: a refresh token has one successor
    Column("successor", Blob, nullable=True),  # encrypted, for the grace after a lost answer
    ref("user_id"),
    key("token_hash", 64),
    state("hint", "", 16),  # the first characters of an API key
    chars("name", 191),
    json("scopes"),
    json("courses"),
    json("capabilities"),  # at issue: losing one ends the token
    key("password_fingerprint", 64, null=True),
    chars("device", 191),
    chars("user_agent", 255),
    chars("ip", 45),
    at("created_at", null=False),
    at("started_at"),  # of the family
    at("last_used_at"),
    at("expires_at"),
    at("rotated_at"),
    at("revoked_at"),
    key("revoke_reason", 32, null=True),
    unique("token", "token_hash"),
    unique("parent", "parent_id"),
    index("family", "family_id", "id"),
    index("user", "user_id", "kind", "revoked_at", "created_at", "id"),
    index("expires", "expires_at"),
    index("revoked", "revoked_at"),
)

webhooks = table(
    "webhooks",
    id_column(),
    Column("url", String(2048), nullable=False),
    chars("description", 255),
    json("events"),
    json("course_ids"),
    body("secret"),  # encrypted
    maybe_body("previous_secret"),
    at("previous_secret_until"),
    state("status", "active"),  # active | paused | disabled | failed
    key("status_reason", 64, null=True),
    count("payload_version", 1),
    ref("created_by"),
    at("last_triggered_at"),
    at("last_success_at"),
    at("last_failure_at"),
    at("failing_since"),
    count("failure_count"),
    version(),
    at("created_at", null=False),
    at("updated_at", null=False),
    index("status", "status", "id"),
    index("created", "created_at", "id"),
)

webhook_deliveries = table(
    "webhook_deliveries",
    id_column(),
    ref("webhook_id"),
    key("message_id", 64),  # stable over retries and replays
    count("replay_no"),
    state("topic", "", 64),
    ref("outbox_id", null=True),
    ref("course_id", null=True),
    maybe_body("body"),  # the bytes that are sent
    ref("body_of", null=True),  # the delivery that holds them
    state("state", "pending"),  # pending | sending | delivered | failed | cancelled
    count("attempts"),
    at("next_attempt_at"),
    at("locked_until"),
    key("claim_token", 32, null=True),
    json("request_headers"),
    Column("response_status", Small, nullable=True),
    json("response_headers"),
    maybe_body("response_body"),
    maybe_count("latency_ms"),
    Column("error", String(500), nullable=True),
    json("history"),
    flag("is_test"),
    at("created_at", null=False),
    at("updated_at", null=False),
    at("last_attempt_at"),
    at("finished_at"),
    unique("message", "webhook_id", "message_id", "replay_no"),
    index("due", "state", "next_attempt_at", "id"),
    index("webhook_due", "webhook_id", "state", "next_attempt_at", "id"),
    index("webhook", "webhook_id", "created_at", "id"),
    index("topic", "topic", "created_at", "id"),
    index("state", "state", "created_at", "id"),
    index("claim", "claim_token"),
    index("created", "created_at", "id"),
)

outbox = table(
    "outbox",
    id_column(),
    key("aggregate", 64),
    key("event", 64),
    state("kind", "action"),  # action | effect
    key("hook", 96),
    json("args"),
    json("payload"),
    ref("actor_id"),
    state("request_id", "", 128),
    state("state", "pending"),  # pending | claimed | firing | done | skipped
    key("claim_token", 32, null=True),
    at("claimed_until"),
    count("cursor_position"),
    count("attempts"),
    maybe_body("note"),
    at("created_at", null=False),
    at("done_at"),
    index("state", "state", "id"),
    index("aggregate", "aggregate", "state", "id"),
    index("claim", "claim_token"),
    index("done", "done_at"),
    index("attempts", "attempts", "done_at"),
)

jobs = table(
    "jobs",
    id_column(),
    key("kind", 64),
    ref("owner_id"),
    state("state", "queued"),  # queued | running | done | failed | cancelled
    count("done"),
    count("total"),
    json("payload"),
    json("report"),
    key("unique_key", 128, null=True),
    at("run_at", null=False),
    count("attempts"),
    at("locked_until"),
    key("locked_by", 64, null=True),
    flag("cancel_requested"),
    maybe_body("error"),
    at("created_at", null=False),
    at("updated_at", null=False),
    at("started_at"),
    at("finished_at"),
    when("live_key", key_string(128), "state IN ('queued', 'running')", "unique_key"),
    unique("live", "live_key"),
    index("due", "state", "run_at", "id"),
    index("owner", "owner_id", "created_at", "id"),
    index("kind", "kind", "state", "id"),
    index("finished", "finished_at"),
)

expiring_keys = table(
    "expiring_keys",
    Column("scope", key_string(32), primary_key=True),
    Column("key_hash", key_string(64), primary_key=True),
    Column("value", Blob, nullable=True),
    Column("counter", Money, nullable=False, server_default=text("0")),
    at("expires_at", null=False),
    index("expires", "expires_at"),
)

activity = table(
    "activity",
    id_column(),
    at("at", null=False),
    ref("actor_id"),
    key("event", 64),
    state("object_type", "", 32),
    ref("object_id"),
    ref("course_id"),
    ref("user_id"),  # whom it concerns
    json("summary"),
    chars("ip", 45),
    state("request_id", "", 128),
    state("door", ""),
    index("at", "at", "id"),
    index("actor", "actor_id", "at", "id"),
    index("event", "event", "at", "id"),
    index("object", "object_type", "object_id", "at", "id"),
    index("course", "course_id", "at", "id"),
    index("user", "user_id", "at", "id"),
)
