"""What the certificate endpoints take and give."""

from __future__ import annotations

from marshmallow import ValidationError, fields, validate, validates_schema

from learnomy_wp.certificates.listing import LISTING
from learnomy_wp.kernel.page import PageQuery
from learnomy_wp.kernel.serialize import Id, IdList, In, Line, Out, Time

STATUSES = ("active", "revoked")
STANDINGS = ("valid", "expired", "revoked", "unknown")


class CertificateQuery(PageQuery):
    """Which certificates, in what order."""

    sort = LISTING.sort_field()
    course_id = Id(strict=False)
    user_id = Id(strict=False)
    status = fields.String(validate=validate.OneOf(STATUSES))
    ids = IdList(metadata={"description": "Only these, comma-separated."})


class CertificateIn(In):
    """A certificate by hand: for somebody who completed a course, or in place of another."""

    user_id = Id(metadata={"description": "Whose; not with replaces."})
    course_id = Id(metadata={"description": "For which course; not with replaces."})
    replaces = Id(metadata={"description": "The certificate that this one takes the place of, and that is revoked."})
    template_id = Id(allow_none=True, metadata={"description": "The course's or the site's where not given."})
    recipient_name = Line(250, metadata={"description": "The name on it; the user's display name where not given."})
    title = Line(255, metadata={"description": "What it is for; the course's title where not given."})
    expires_at = Time(allow_none=True, metadata={"description": "null = never; as the course says where not given."})

    @validates_schema
    def check_object(self, data: dict[str, object], **_options: object) -> None:
        """Either whose and for what, or which one is replaced."""
        named = {"user_id", "course_id"} & data.keys()
        if "replaces" in data and named:
            raise ValidationError("The certificate that is replaced says whose and for what.", min(named))
        missing = {"user_id", "course_id"} - data.keys()
        if "replaces" not in data and missing:
            raise ValidationError({name: ["Missing data for required field."] for name in sorted(missing)})


class RevocationIn(In):
    """Why a certificate is no longer good."""

    reason = Line(500, required=True)


class CertificateOut(Out):
    """Somebody's certificate."""

    id = fields.Integer(required=True)
    uuid = fields.String(required=True)
    user_id = fields.Integer(required=True)
    course_id = fields.Integer(required=True, metadata={"description": "0 for that of a learning path."})
    kind = fields.String(required=True, metadata={"description": "course or path."})
    completion_no = fields.Integer(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    is_expired = fields.Boolean(required=True)
    recipient_name = fields.String(required=True)
    title = fields.String(required=True)
    template_id = fields.Integer(required=True, allow_none=True)
    replaces_id = fields.Integer(required=True, allow_none=True)
    replaced_by_id = fields.Integer(required=True, allow_none=True)
    issued_at = Time(required=True)
    expires_at = Time(required=True, allow_none=True)
    revoked_at = Time(required=True, allow_none=True)
    revoke_reason = fields.String(required=True, allow_none=True)
    verify_url = fields.String(required=True)
    pdf_url = fields.String(required=True)
    credential_url = fields.String(required=True)


class PublicKeyOut(Out):
    """The key that signed, as a JSON Web Key."""

    kty = fields.String(required=True)
    crv = fields.String(required=True)
    use = fields.String(required=True)
    alg = fields.String(required=True)
    kid = fields.String(required=True)
    x = fields.String(required=True)


class VerificationOut(Out):
    """Whether a certificate is genuine and still good; nothing but that where it is unknown."""

    uuid = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STANDINGS))
    is_signature_valid = fields.Boolean(
        required=True, allow_none=True, metadata={"description": "false: the record is not what was signed."}
    )
    recipient_name = fields.String(dump_default=None, allow_none=True)
    title = fields.String(dump_default=None, allow_none=True)
    issuer_name = fields.String(dump_default=None, allow_none=True)
    issuer_url = fields.String(dump_default=None, allow_none=True)
    issued_at = Time(dump_default=None, allow_none=True)
    expires_at = Time(dump_default=None, allow_none=True)
    revoked_at = Time(dump_default=None, allow_none=True)
    replaced_by = fields.String(
        dump_default=None, allow_none=True, metadata={"description": "The uuid of the one in its place."}
    )
    verify_url = fields.String(dump_default=None, allow_none=True)
    payload = fields.String(
        dump_default=None, allow_none=True, metadata={"description": "The very text that was signed."}
    )
    signature = fields.String(dump_default=None, allow_none=True, metadata={"description": "Ed25519, base64url."})
    public_key = fields.Nested(PublicKeyOut, dump_default=None, allow_none=True)
