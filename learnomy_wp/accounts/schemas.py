"""What the token endpoints take and give."""

from __future__ import annotations

from marshmallow import fields, validate

from learnomy_wp.kernel.serialize import In, Out


class WhoOut(Out):
    """Who the credentials are."""

    id = fields.Integer(required=True)
    username = fields.String(required=True)
    display_name = fields.String(required=True)
    email = fields.String(required=True)
    roles = fields.List(fields.String(), required=True)
    capabilities = fields.List(fields.String(), required=True)
    avatar_url = fields.String(required=True)
    locale = fields.String(required=True)
    timezone = fields.String(required=True)
    credential = fields.String(required=True)


class TokenIn(In):
    """A login."""

    username = fields.String(
        required=True, validate=validate.Length(1, 255), metadata={"description": "User name or e-mail address."}
    )
    password = fields.String(required=True, validate=validate.Length(1, 4096))
    extra = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        load_default=dict,
        metadata={"description": "What a second-factor plugin asks for; it reaches WordPress as posted fields."},
    )


class TokenOut(Out):
    """An access and a refresh token."""

    access_token = fields.String(required=True)
    refresh_token = fields.String(required=True)
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds until the access token expires."})
    token_type = fields.String(required=True)
    user = fields.Nested(WhoOut, required=True)


class RefreshIn(In):
    """A refresh token to exchange."""

    refresh_token = fields.String(required=True, validate=validate.Length(1, 255))


class RevokeIn(In):
    """Which sessions to end."""

    refresh_token = fields.String(validate=validate.Length(1, 255))
    all = fields.Boolean(load_default=False, metadata={"description": "End every session of the caller."})


class RevokedOut(Out):
    """What was ended."""

    revoked = fields.Boolean(required=True)
