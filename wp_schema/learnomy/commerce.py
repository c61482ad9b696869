"""What is sold and how it is paid: plans, subscriptions, transactions, coupons."""

from __future__ import annotations

from sqlalchemy import Column, String

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
    maybe_count,
    money,
    ref,
    state,
    table,
    unique,
    version,
    when,
)
from wp_schema.types import Count, Id, SortTitle, key_string

membership_plans = table(
    "membership_plans",
    id_column(),
    Column("title", String(255), nullable=False),
    key("slug", 200),
    Column("sort_title", SortTitle, nullable=False),
    body("description"),
    body("description_html"),
    state("status", "draft"),  # draft | active | inactive | deleted
    money("price_minor"),
    state("currency", "", 3),
    state("billing_interval", "month"),  # once | day | week | month | year
    count("billing_interval_count", 1),
    count("trial_days"),
    maybe_count("access_days"),  # of a plan bought once; NULL = for ever
    state("course_scope", "selected"),  # selected | all | categories
    json("category_ids"),
    maybe_count("course_limit"),
    json("features"),
    flag("is_featured"),
    count("position"),
    count("member_count"),
    json("gateway_ids"),
    key("demo_key", 64, null=True),
    version(),
    at("created_at", null=False),
    at("updated_at", null=False),
    at("deleted_at"),
    check("price", "price_minor >= 0"),
    unique("slug", "slug"),
    unique("demo", "demo_key"),
    index("position", "status", "position", "id"),
    index("title", "status", "sort_title", "id"),
    index("price", "status", "price_minor", "id"),
    index("created", "status", "created_at", "id"),
)

subscriptions = table(
    "subscriptions",
    id_column(),
    ref("user_id"),
    ref("plan_id"),
    state("status", "pending"),  # pending | trialing | active | past_due | paused | cancelled | expired
    state("gateway", "", 32),
    Column("gateway_subscription_id", key_string(191), nullable=True),
    Column("gateway_customer_id", key_string(191), nullable=True),
    money("price_minor"),
    state("currency", "", 3),
    state("billing_interval", "month"),
    count("billing_interval_count", 1),
    ref("coupon_id", null=True),
    at("starts_at"),
    at("trial_ends_at"),
    at("period_start_at"),
    at("period_end_at"),
    at("next_payment_at"),
    flag("cancel_at_period_end"),
    at("cancelled_at"),
    ref("cancelled_by", null=True),
    Column("cancel_reason", String(500), nullable=True),
    at("paused_at"),
    at("resumes_at"),
    at("ended_at"),
    count("renewal_count"),
    count("failed_count"),
    at("retry_at"),
    json("extra"),
    version(),
    at("created_at", null=False),
    at("updated_at", null=False),
    when("live_plan_id", Id, "status IN ('trialing', 'active', 'past_due', 'paused')", "plan_id"),
    unique("live", "user_id", "live_plan_id"),
    unique("gateway", "gateway", "gateway_subscription_id"),
    index("user", "user_id", "created_at", "id"),
    index("plan", "plan_id", "status", "created_at", "id"),
    index("status", "status", "created_at", "id"),
    index("created", "created_at", "id"),
    index("period", "status", "period_end_at", "id"),
    index("payment", "status", "next_payment_at", "id"),
    index("customer", "gateway", "gateway_customer_id"),
)

transactions = table(
    "transactions",
    id_column(),
    key("uuid", 36),
    ref("user_id"),
    state("type", "course"),  # course | bundle | membership | renewal | refund
    state("status", "pending"),  # pending | completed | failed | refunded | partially_refunded
    state("item_type", "course"),  # course | bundle | plan
    ref("item_id"),
    chars("item_title", 255),
    ref("subscription_id", null=True),
    ref("original_id", null=True),  # of a refund
    ref("coupon_id", null=True),
    state("currency", "", 3),
    money("subtotal_minor"),
    money("discount_minor"),
    money("tax_minor"),
    money("fee_minor"),
    money("amount_minor"),  # what was charged; a refund's is what was given back
    money("refunded_minor"),
    state("gateway", "", 32),
    Column("gateway_reference", key_string(191), nullable=True),  # payment or refund id
    Column("gateway_session_id", key_string(191), nullable=True),
    Column("invoice_number", key_string(64), nullable=True),
    json("invoice"),
    chars("customer_name", 250),
    chars("customer_email", 100),
    json("items"),
    key("failure_code", 64, null=True),
    Column("failure_message", String(500), nullable=True),
    Column("reason", String(500), nullable=True),
    ref("created_by"),
    Column("ip", String(45), nullable=True),
    json("extra"),
    version(),
    at("created_at", null=False),
    at("updated_at", null=False),
    at("completed_at"),
    at("expires_at"),  # of a pending checkout
    check("amounts", "amount_minor >= 0 AND discount_minor >= 0 AND refunded_minor BETWEEN 0 AND amount_minor"),
    unique("uuid", "uuid"),
    unique("reference", "gateway", "gateway_reference"),
    unique("session", "gateway", "gateway_session_id"),
    unique("invoice", "invoice_number"),
    index("user", "user_id", "created_at", "id"),
    index("status", "status", "created_at", "id"),
    index("gateway_list", "gateway", "created_at", "id"),
    index("type", "type", "created_at", "id"),
    index("created", "created_at", "id"),
    index("completed", "status", "completed_at"),
    index("item", "item_type", "item_id", "created_at"),
    index("subscription", "subscription_id", "created_at"),
    index("original", "original_id"),
    index("coupon", "coupon_id"),
    index("email", "customer_email"),
    index("expires", "status", "expires_at"),
)

coupons = table(
    "coupons",
    id_column(),
    Column("code", String(64), nullable=False),  # as typed by its maker
    Column("code_key", key_string(64), nullable=False),  # folded: what is looked up
    chars("description", 255),
    state("type", "percentage"),  # percentage | fixed
    money("value"),  # hundredths of a percent, or minor units
    state("currency", "", 3),
    state("applies_to", "both"),  # courses | plans | both
    json("course_ids"),
    json("plan_ids"),
    state("duration", "once"),  # once | forever | repeating: payments of a subscription it lowers
    maybe_count("duration_payments"),
    state("status", "active"),  # active | inactive | deleted
    maybe_count("usage_limit"),
    maybe_count("per_user_limit"),
    money("min_purchase_minor"),
    count("used_count"),
    at("starts_at"),
    at("expires_at"),
    ref("created_by"),
    version(),
    at("created_at", null=False),
    at("updated_at", null=False),
    at("deleted_at"),
    check("value", "value >= 0 AND (type <> 'percentage' OR value <= 10000)"),
    check("limit", "usage_limit IS NULL OR used_count <= usage_limit"),
    unique("code", "code_key"),
    index("status", "status", "created_at", "id"),
    index("created", "created_at", "id"),
)

coupon_redemptions = table(
    "coupon_redemptions",
    id_column(),
    ref("coupon_id"),
    ref("user_id"),
    ref("transaction_id"),
    count("use_no"),  # 1 .. usage_limit, so that two cannot take the last one
    count("user_use_no"),  # 1 .. per_user_limit
    state("state", "reserved"),  # reserved | used | released
    money("discount_minor"),
    state("currency", "", 3),
    at("created_at", null=False),
    at("updated_at", null=False),
    at("expires_at"),  # of a reservation
    at("used_at"),
    at("released_at"),
    when("live_use_no", Count, "state <> 'released'", "use_no"),
    when("live_user_use_no", Count, "state <> 'released'", "user_use_no"),
    when("live_transaction_id", Id, "state <> 'released'", "transaction_id"),
    unique("use", "coupon_id", "live_use_no"),
    unique("user_use", "coupon_id", "user_id", "live_user_use_no"),
    unique("transaction", "coupon_id", "live_transaction_id"),
    index("user", "user_id", "created_at"),
    index("paid", "transaction_id"),
    index("expires", "state", "expires_at"),
)
