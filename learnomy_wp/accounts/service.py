"""Logging in and out: passwords become token pairs, and sessions end."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from learnomy_wp.accounts import tokens
from learnomy_wp.kernel import avatars, db, limits, site, wordpress
from learnomy_wp.kernel import call as calls
from learnomy_wp.kernel.actor import LEARNOMY_CAPABILITIES, Actor
from learnomy_wp.kernel.auth import jwt, users
from learnomy_wp.kernel.errors import Unauthenticated, ValidationFailed
from wp_schema import passwords

WRONG = "The user name or the password is not right."


def log_in(username: str, password: str, *, user_agent: str) -> dict[str, Any]:
    """A token pair for a right password.

    Where WordPress stands behind the call, its `authenticate` filters have judged the password
    already and name the user. Raises `Unauthenticated`, and `RateLimited` after ten failures.
    """
    call = calls.current()
    client = call.client if call else ""
    limits.check_login(username, client)
    found = _named_by_wordpress(call) if call and call.has_wordpress else _check_password(username, password)
    if found is None:
        limits.record_login_failure(username, client)
        raise Unauthenticated(WRONG)
    actor = users.to_actor(found, credential="jwt")
    pair = db.transaction(lambda: tokens.begin_session(actor, found["user_pass"], user_agent))
    return _answer(pair, actor)


def refresh(refresh_token: str) -> dict[str, Any]:
    """A new pair for a refresh token. Raises `Unauthenticated`."""
    pair = tokens.rotate(refresh_token)
    found = users.find(pair.user_id)
    if found is None:
        raise Unauthenticated
    return _answer(pair, users.to_actor(found, credential="jwt"))


def log_out(actor: Actor, refresh_token: str | None, *, everywhere: bool) -> dict[str, Any]:
    """End one session by its refresh token, or all of the caller's."""
    if everywhere:
        tokens.revoke_all(actor.id)
        return {"revoked": True}
    if not refresh_token:
        raise ValidationFailed.of("refresh_token", "Send a refresh_token, or all=true.", "required")
    return {"revoked": tokens.revoke(refresh_token, actor.id)}


def describe(actor: Actor) -> dict[str, Any]:
    """The caller as `/auth/me` shows it."""
    record = site.record()
    return {
        "id": actor.id,
        "username": actor.login,
        "display_name": actor.display_name,
        "email": actor.email,
        "roles": list(actor.roles),
        "capabilities": [name for name in LEARNOMY_CAPABILITIES if actor.can(name)],
        "avatar_url": avatars.url(actor.email),
        "locale": actor.profile.get("locale") or record.locale,
        "timezone": site.timezone_name(),
        "credential": actor.credential,
    }


def _named_by_wordpress(call: calls.Call) -> dict[str, Any] | None:
    """Whom WordPress took the password for. It judges whatever there is to judge; a refusal names nobody."""
    if call.via != "authenticate" or not call.asserted_user:
        return None
    found = users.find(call.asserted_user)
    return found if found and not users.is_barred(found) else None


def _check_password(username: str, password: str) -> dict[str, Any] | None:
    given, found = passwords.as_posted(password), users.find_by_login(username)
    stored = str(found["user_pass"]) if found else _nobodys_hash(site.current().password_style)
    if not passwords.is_known(stored) and not site.current().is_embedded:
        raise wordpress.WordPressNeeded("a password stored in a format of a plugin's")
    is_right = passwords.verify(given, stored) and bool(given)
    return found if found and is_right and not users.is_barred(found) else None


@lru_cache
def _nobodys_hash(style: passwords.Style) -> str:
    """Verified when no such user exists, so that both answers take as long."""
    return passwords.hash_password("no user has this password", style)


def _answer(pair: tokens.Pair, actor: Actor) -> dict[str, Any]:
    return {
        "access_token": jwt.issue(pair.user_id, pair.session_id),
        "refresh_token": pair.refresh_token,
        "expires_in": jwt.LIFETIME_SECONDS,
        "token_type": "Bearer",
        "user": describe(actor),
    }
