"""Becoming an instructor, and the ledger of what instructors earn."""

from __future__ import annotations

from sqlalchemy import Column, String

from wp_schema.learnomy.base import (
    at,
    body,
    chars,
    check,
    count,
    id_column,
    index,
    json,
    maybe_body,
    money,
    ref,
    state,
    table,
    unique,
    version,
    when,
)
from wp_schema.types import Id

instructor_applications = table(
    "instructor_applications",
    id_column(),
    ref("user_id"),
    state("status", "pending"),  # pending | approved | rejected | withdrawn
    body("about"),
    chars("expertise", 2100),
    body("course_idea"),
    maybe_body("experience"),
    json("answers"),
    maybe_body("reason"),
    ref("decided_by", null=True),
    at("decided_at"),
    version(),
    at("created_at", null=False),
    at("updated_at", null=False),
    when("pending_user_id", Id, "status = 'pending'", "user_id"),
    unique("pending", "pending_user_id"),
    index("user", "user_id", "created_at", "id"),
    index("status", "status", "created_at", "id"),
    index("created", "created_at", "id"),
)

earnings = table(
    "earnings",
    id_column(),
    ref("user_id"),
    state("type", "sale"),  # sale | refund | withdrawal | adjustment
    ref("transaction_id"),
    ref("course_id"),
    ref("subscription_id"),
    ref("withdrawal_id"),
    money("gross_minor"),
    money("fee_minor"),
    money("tax_minor"),
    money("net_minor"),
    count("share_bp"),  # hundredths of a percent
    money("amount_minor"),  # signed: what the balance moves by
    state("currency", "", 3),
    json("split"),  # the rule that made it
    state("status", "pending"),  # pending | cleared | reversed
    at("clears_at"),
    at("cleared_at"),
    Column("note", String(500), nullable=True),
    ref("created_by"),
    at("created_at", null=False),
    at("updated_at", null=False),
    check("share", "share_bp <= 10000"),
    when(
        "source_id",
        Id,
        "type <> 'adjustment'",
        "CASE WHEN type = 'withdrawal' THEN withdrawal_id ELSE transaction_id END",
    ),
    unique("source", "source_id", "type", "course_id", "user_id"),
    index("user", "user_id", "created_at", "id"),
    index("user_type", "user_id", "type", "created_at", "id"),
    index("balance", "user_id", "currency", "status", "amount_minor"),
    index("clears", "status", "clears_at", "id"),
    index("course", "course_id", "created_at", "id"),
    index("created", "created_at", "id"),
    index("paid", "transaction_id"),
)

withdrawals = table(
    "withdrawals",
    id_column(),
    ref("user_id"),
    money("amount_minor"),
    state("currency", "", 3),
    state("method", "manual", 32),
    maybe_body("details"),  # encrypted
    state("status", "requested"),  # requested | approved | rejected | paid | cancelled
    Column("reason", String(500), nullable=True),
    Column("reference", String(191), nullable=True),
    ref("decided_by", null=True),
    at("decided_at"),
    at("paid_at"),
    version(),
    at("created_at", null=False),
    at("updated_at", null=False),
    check("amount", "amount_minor > 0"),
    index("user", "user_id", "created_at", "id"),
    index("user_status", "user_id", "currency", "status"),
    index("status", "status", "created_at", "id"),
    index("created", "created_at", "id"),
)
