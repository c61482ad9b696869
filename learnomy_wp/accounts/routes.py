"""Tokens and the caller: `/auth/*`."""

from __future__ import annotations

from typing import Any

from flask import request

from learnomy_wp.accounts import service
from learnomy_wp.accounts.schemas import RefreshIn, RevokedOut, RevokeIn, TokenIn, TokenOut, WhoOut
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.endpoint import Blueprint
from learnomy_wp.kernel.policy import PUBLIC, USER

bp = Blueprint("accounts", group="auth")


@bp.endpoint(
    "post",
    "/auth/token",
    can=PUBLIC,
    body=TokenIn,
    returns=TokenOut,
    limit="login",
    idempotent=False,
    checks_password=True,
    transactional=False,
)
def create_token(body: dict[str, Any]) -> dict[str, Any]:
    """Log in: a user name (or e-mail address) and a password give an access and a refresh token."""
    return service.log_in(body["username"], body["password"], user_agent=request.headers.get("User-Agent", ""))


@bp.endpoint(
    "post",
    "/auth/token/refresh",
    can=PUBLIC,
    body=RefreshIn,
    returns=TokenOut,
    limit="login",
    idempotent=False,
    transactional=False,
)
def refresh_token(body: dict[str, Any]) -> dict[str, Any]:
    """Rotate a refresh token; a reused one revokes its family."""
    return service.refresh(body["refresh_token"])


@bp.endpoint("post", "/auth/token/revoke", can=USER, body=RevokeIn, returns=RevokedOut)
def revoke_token(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Revoke one refresh token, or all of the caller's with all=true."""
    return service.log_out(actor, body.get("refresh_token"), everywhere=body["all"])


@bp.endpoint("get", "/auth/me", can=USER, returns=WhoOut)
def get_auth_me(actor: Actor) -> dict[str, Any]:
    """Who the credentials are: id, name, roles and Learnomy's capabilities."""
    return service.describe(actor)
