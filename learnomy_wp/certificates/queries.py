"""Certificates as answers show them, and what their PDF and their verification need."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, bindparam, select

from learnomy_wp.certificates import keys, layouts, signing
from learnomy_wp.kernel import clock, db, links, pages, site
from learnomy_wp.kernel.errors import NotFound
from wp_schema.tables import certificate_templates, certificates, course_instructors, courses, users

Row = dict[str, Any]

COLUMNS = tuple(
    certificates.c[name]
    for name in (
        "id", "uuid", "user_id", "course_id", "kind", "object_id", "completion_no", "template_id", "status",
        "recipient_name", "title", "issued_by", "replaces_id", "replaced_by_id", "issued_at", "expires_at",
        "revoked_at", "revoke_reason", "version", "updated_at",
    )
)  # fmt: skip
BY_ID = select(*COLUMNS).where(certificates.c.id == bindparam("id"))
CREDENTIAL = select(certificates.c.credential, certificates.c.status, certificates.c.uuid).where(
    certificates.c.id == bindparam("id")
)
_successor = certificates.alias("successor")
BY_UUID = (
    select(
        *COLUMNS,
        certificates.c.payload,
        certificates.c.signature,
        certificates.c.key_id,
        _successor.c.uuid.label("replaced_by"),
    )
    .select_from(certificates.outerjoin(_successor, _successor.c.id == certificates.c.replaced_by_id))
    .where(certificates.c.uuid == bindparam("uuid"))
)
# What of a template its certificates are printed with.
TEMPLATE = ("page_size", "orientation", "layout", "signatures", "background_url", "logo_url")
PRINTED = (
    select(
        *COLUMNS,
        *(certificate_templates.c[name].label(f"of_{name}") for name in TEMPLATE),
        users.c.display_name.label("instructor"),
    )
    .select_from(
        certificates.outerjoin(certificate_templates, certificate_templates.c.id == certificates.c.template_id)
        .outerjoin(
            course_instructors,
            and_(course_instructors.c.course_id == certificates.c.course_id, course_instructors.c.role == "owner"),
        )
        .outerjoin(users, course_instructors.c.user_id == users.c.ID)
    )
    .where(certificates.c.id == bindparam("id"))
    .limit(1)
)
COURSE = select(courses.c.id, courses.c.slug).where(courses.c.id == bindparam("id"))
_UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
UNKNOWN = {"status": "unknown", "is_signature_valid": None}
SHOWN_TO_ALL = ("recipient_name", "title", "issued_at", "expires_at", "revoked_at", "replaced_by")


def find_certificate(certificate_id: int) -> Row:
    """One certificate as answers show it."""
    found = db.row(BY_ID, {"id": certificate_id})
    if found is None:
        raise NotFound("certificate")
    return complete(found)


def complete(row: Row) -> Row:
    """A row with its addresses, and whether it has run out."""
    rest = f"/certificates/{row['id']}"
    return {
        **row,
        "is_expired": row["expires_at"] is not None and row["expires_at"] <= clock.now(),
        "verify_url": pages.url("certificate-verify", uuid=row["uuid"]),
        "pdf_url": links.rest_url(f"{rest}/pdf"),
        "credential_url": links.rest_url(f"{rest}/credential"),
    }


def verify_certificate(uuid: str) -> Row:
    """What anybody may know of a certificate: whether it is genuine, and still good.

    A row whose facts are not those that were signed is `unknown`, as one that was never issued.
    """
    asked = uuid.strip().lower()
    row = db.row(BY_UUID, {"uuid": asked}) if _UUID.fullmatch(asked) else None
    if row is None:
        return {"uuid": asked[:36], **UNKNOWN}
    if not signing.is_genuine(row):
        return {"uuid": asked, **UNKNOWN, "is_signature_valid": False}
    payload = row["payload"]
    return {
        "uuid": asked,
        "status": _standing(row),
        "is_signature_valid": True,
        **{name: row[name] for name in SHOWN_TO_ALL},
        "issuer_name": payload["issuer"]["name"],
        "issuer_url": payload["issuer"]["id"],
        "verify_url": pages.url("certificate-verify", uuid=asked),
        "payload": signing.canonical(payload).decode(),
        "signature": row["signature"],
        "public_key": keys.jwk(row["key_id"], payload["key"]["x"]),
    }


def _standing(row: Row) -> str:
    if row["status"] != "active":
        return "revoked"
    return "expired" if row["expires_at"] is not None and row["expires_at"] <= clock.now() else "valid"


# --- the PDF ------------------------------------------------------------------------------


def find_printed(certificate_id: int) -> tuple[Row, Row, dict[str, str]]:
    """A certificate, the template that it is printed with, and the texts that it bears."""
    row = db.row(PRINTED, {"id": certificate_id})
    if row is None:
        raise NotFound("certificate")
    own: Row = {name: row[f"of_{name}"] for name in TEMPLATE if row[f"of_{name}"] is not None}
    place = {name: own[name] for name in ("orientation", "page_size") if name in own}
    template = {**layouts.standard(**place), **own}
    return row, template, _texts_of(row, template["layout"]["date_format"])


def _texts_of(row: Mapping[str, Any], date_format: str) -> dict[str, str]:
    zone = _zone()
    expires_at = row["expires_at"]
    return {
        "recipient": row["recipient_name"],
        "course": row["title"],
        "issued_on": row["issued_at"].astimezone(zone).strftime(date_format),
        "expires_on": f"Valid until {expires_at.astimezone(zone).strftime(date_format)}" if expires_at else "",
        "number": row["uuid"],
        "site": site.record().name,
        "instructor": row["instructor"] or "",
        "verify_url": pages.url("certificate-verify", uuid=row["uuid"]),
    }


def _zone() -> tzinfo:
    name = site.timezone_name()
    if name[0] in "+-":
        minutes = int(name[1:3]) * 60 + int(name[4:6])
        return timezone(timedelta(minutes=-minutes if name[0] == "-" else minutes))
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError):
        return UTC
