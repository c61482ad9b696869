"""Certificates and their templates."""

from __future__ import annotations

from typing import Any

from flask import Response

from learnomy_wp.certificates import badge, layouts, listing, policies, queries, service, templates
from learnomy_wp.certificates.fonts import FontsMissing
from learnomy_wp.certificates.schemas import (
    CertificateIn,
    CertificateOut,
    CertificateQuery,
    RevocationIn,
    VerificationOut,
)
from learnomy_wp.certificates.template_schemas import TemplateIn, TemplateOut, TemplatePatch, TemplateQuery
from learnomy_wp.kernel import envelope, site
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.endpoint import Blueprint
from learnomy_wp.kernel.errors import Conflict
from learnomy_wp.kernel.page import Page
from learnomy_wp.kernel.policy import INSTRUCTOR, MANAGER, PUBLIC, USER

bp = Blueprint("certificates", group="certificates")
PAYLOAD = "learnomy_rest_certificate_payload"


@bp.endpoint(
    "get",
    "/certificates",
    can=USER,
    query=CertificateQuery,
    returns=CertificateOut,
    many=True,
    payload_filter=PAYLOAD,
    query_filter="learnomy_certificate_query",
)
def list_certificates(actor: Actor, query: dict[str, Any]) -> Page:
    """List certificates: one's own; staff see those of their courses, managers all."""
    return listing.list_certificates(actor, query)


@bp.endpoint(
    "post",
    "/certificates",
    can=policies.ISSUE,
    body=CertificateIn,
    returns=CertificateOut,
    status=201,
    payload_filter=PAYLOAD,
    errors=(service.NotCompleted, service.CertificateExists, service.AlreadyReplaced),
)
def issue_certificate(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Issue a certificate by hand, or with replaces renew or correct one: that one is revoked."""
    return service.create_certificate(actor, body)


@bp.endpoint("get", "/certificates/<int:id>", can=policies.READ, returns=CertificateOut, payload_filter=PAYLOAD)
def get_certificate(id: int) -> dict[str, Any]:
    """Read one certificate."""
    return queries.find_certificate(id)


@bp.endpoint(
    "get",
    "/certificates/<int:id>/pdf",
    can=policies.READ,
    raw=True,
    filters=(layouts.certificate_texts.name,),
    errors=(service.CertificateIsRevoked, FontsMissing),
)
def download_certificate(id: int) -> Response:
    """Download a certificate as PDF, printed with its template as that is now."""
    from learnomy_wp.certificates import pdf  # takes a quarter of a second to load, which commands need not wait for

    row, template, texts = queries.find_printed(id)
    if row["status"] != "active":
        raise service.CertificateIsRevoked
    texts = {**texts, **layouts.certificate_texts(texts, id)}
    document = pdf.draw(template, texts, issued_at=row["issued_at"], language=site.record().locale)
    return _file(document, "application/pdf", f"certificate-{row['uuid'][:8]}.pdf")


@bp.endpoint(
    "get", "/certificates/<int:id>/credential", can=policies.READ, raw=True, errors=(service.CertificateIsRevoked,)
)
def get_certificate_credential(id: int) -> Response:
    """Download the Open Badges 3.0 credential, a signed JWT that any verifier reads."""
    found = service.find_credential(id)
    return _file(found["credential"].encode(), badge.CONTENT_TYPE, f"certificate-{found['uuid'][:8]}.jwt")


def _file(content: bytes, content_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": envelope.PRIVATE}
    return Response(content, content_type=content_type, headers=headers)


@bp.endpoint("get", "/certificates/verify/<uuid>", can=PUBLIC, returns=VerificationOut, limit="verify")
def verify_certificate(uuid: str) -> dict[str, Any]:
    """Tell whether a certificate is valid, expired, revoked or unknown, with its signature checked."""
    return queries.verify_certificate(uuid)


@bp.endpoint(
    "post",
    "/certificates/<int:id>/revoke",
    can=policies.REVOKE,
    body=RevocationIn,
    returns=CertificateOut,
    payload_filter=PAYLOAD,
)
def revoke_certificate(actor: Actor, id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Revoke a certificate for good, with the reason."""
    return service.revoke_certificate(actor, id, body["reason"])


@bp.endpoint("get", "/certificate-templates", can=INSTRUCTOR, query=TemplateQuery, returns=TemplateOut, many=True)
def list_certificate_templates(query: dict[str, Any]) -> Page:
    """List the templates that courses may use, or the archived ones."""
    return templates.list_templates(query)


@bp.endpoint(
    "post",
    "/certificate-templates",
    can=MANAGER,
    body=TemplateIn,
    returns=TemplateOut,
    status=201,
    errors=(Conflict,),
)
def create_certificate_template(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Add a template: fields, fonts, logo, background, QR code."""
    return templates.create_template(actor, body)


@bp.endpoint(
    "patch",
    "/certificate-templates/<int:id>",
    can=MANAGER,
    body=TemplatePatch,
    returns=TemplateOut,
    errors=(Conflict,),
)
def update_certificate_template(actor: Actor, id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Change a template, or archive it."""
    return templates.update_template(actor, id, body=body)
