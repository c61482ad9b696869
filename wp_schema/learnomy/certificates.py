"""Certificates and the templates they are printed from."""

from __future__ import annotations

from sqlalchemy import Column, String

from wp_schema.learnomy.base import (
    at,
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
from wp_schema.types import Count, SortTitle

certificates = table(
    "certificates",
    id_column(),
    key("uuid", 36),
    ref("user_id"),
    ref("course_id"),  # 0 for a learning path
    state("kind", "course"),  # course | path
    ref("object_id"),  # the course or the path
    count("completion_no", 1),
    ref("template_id", null=True),
    count("template_version", 1),
    state("status", "active"),  # active | revoked
    Column("recipient_name", String(250), nullable=False),
    Column("title", String(255), nullable=False),
    json("payload"),  # what was signed
    maybe_body("signature"),
    key("key_id", 64, null=True),
    maybe_body("credential"),  # Open Badges 3.0, JWT-VC
    ref("issued_by"),  # 0 = by completion
    ref("replaces_id", null=True),
    ref("replaced_by_id", null=True),
    at("issued_at", null=False),
    at("expires_at"),
    at("revoked_at"),
    ref("revoked_by", null=True),
    Column("revoke_reason", String(500), nullable=True),
    version(),
    at("created_at", null=False),
    at("updated_at", null=False),
    when("active_no", Count, "status = 'active'", "completion_no"),
    unique("uuid", "uuid"),
    unique("active", "user_id", "kind", "object_id", "active_no"),
    index("user", "user_id", "issued_at", "id"),
    index("course", "course_id", "issued_at", "id"),
    index("course_status", "course_id", "status", "issued_at", "id"),
    index("status", "status", "issued_at", "id"),
    index("issued", "issued_at", "id"),
    index("expires", "status", "expires_at"),
    index("template", "template_id"),
)

certificate_templates = table(
    "certificate_templates",
    id_column(),
    Column("title", String(255), nullable=False),
    Column("sort_title", SortTitle, nullable=False),
    state("status", "active"),  # active | archived
    flag("is_default"),
    ref("author_id"),
    state("page_size", "A4"),
    state("orientation", "landscape"),
    json("layout"),  # fields with places, fonts, colours, QR code
    ref("background_id", null=True),
    Column("background_url", String(2048), nullable=True),
    ref("logo_id", null=True),
    Column("logo_url", String(2048), nullable=True),
    json("signatures"),
    maybe_count("valid_days"),
    version(),
    at("created_at", null=False),
    at("updated_at", null=False),
    when("default_key", Count, "is_default = 1 AND status = 'active'", "1"),
    unique("default", "default_key"),
    index("title", "status", "sort_title", "id"),
    index("created", "status", "created_at", "id"),
)
