"""Access tokens: HS256 JWTs that live 15 minutes and die with their session.

Verification costs one query: the token's user, roles and session. A changed password, a role
or capability taken away, a deleted or barred user, or a revoked session ends the token at once.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any

import jwt as pyjwt
import orjson

from learnomy_wp.kernel import clock, site
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.auth import keys, users
from learnomy_wp.kernel.errors import TokenExpired, Unauthenticated

LIFETIME_SECONDS = 900
AUDIENCE = "learnomy/v1"
_REQUIRED = ["iss", "aud", "sub", "iat", "exp", "jti", "sid"]


def is_ours(token: str) -> bool:
    """Whether the header names one of our keys, without judging the token."""
    head, _, rest = token.partition(".")
    if not head or "." not in rest or len(head) > 400:
        return False
    try:
        header = orjson.loads(pyjwt.utils.base64url_decode(head))
    except ValueError:
        return False
    return isinstance(header, dict) and str(header.get("kid", "")).startswith(keys.KID_PREFIX)


def issue(user_id: int, session_id: str) -> str:
    """A new access token for a session."""
    kid, key = keys.jwt_keys()[0]
    now = int(clock.now().timestamp())
    claims = {
        "iss": site.record().home,
        "aud": AUDIENCE,
        "sub": str(user_id),
        "iat": now,
        "exp": now + LIFETIME_SECONDS,
        "jti": secrets.token_hex(8),
        "sid": session_id,
    }
    return pyjwt.encode(claims, key, algorithm="HS256", headers={"kid": kid})


def verify(token: str) -> Actor:
    """The token's user. Raises `TokenExpired` or `Unauthenticated`."""
    claims = _claims(token)
    found = users.find_with_session(int(claims["sub"]), claims["sid"])
    if found is None or found["token_id"] is None or users.is_barred(found):
        raise Unauthenticated("This session has ended. Log in again.")
    actor = users.to_actor(found, credential="jwt", session_id=claims["sid"])
    check_session(found, actor)
    return actor


def check_session(found: dict[str, Any], actor: Actor) -> None:
    """Refuse a session whose user changed password or lost a role or capability since it began."""
    if found["password_fingerprint"] != password_fingerprint(found["user_pass"]):
        raise Unauthenticated("The password has changed. Log in again.")
    if not set(found["issued_capabilities"] or ()) <= set(granted(actor)):
        raise Unauthenticated("Your rights have changed. Log in again.")


def granted(actor: Actor) -> list[str]:
    """What a session was begun with: roles and our capabilities."""
    return sorted({*actor.roles, *(name for name in actor.capabilities if name.startswith("learnomy_"))})


def password_fingerprint(user_pass: str) -> str:
    """Tells whether the stored hash is still the same, without holding it."""
    key = b"learnomy fingerprint" + site.current().secret().encode()
    return hmac.new(key, user_pass.encode(), hashlib.sha256).hexdigest()[:32]


def _claims(token: str) -> dict[str, Any]:
    try:
        kid = pyjwt.get_unverified_header(token).get("kid")
    except pyjwt.PyJWTError:
        raise Unauthenticated("This token cannot be read.") from None
    key = dict(keys.jwt_keys()).get(str(kid))
    if key is None:
        keys.forget()
        key = dict(keys.jwt_keys()).get(str(kid))
    if key is None:
        raise Unauthenticated("This token was signed with a key that is no longer in use.")
    try:
        claims: dict[str, Any] = pyjwt.decode(
            token,
            key,
            algorithms=["HS256"],
            audience=AUDIENCE,
            issuer=site.record().home,
            options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False},
        )
    except pyjwt.PyJWTError:
        raise Unauthenticated("This token is not valid.") from None
    if not isinstance(claims["exp"], int) or not str(claims["sub"]).isdigit():
        raise Unauthenticated("This token is not valid.")
    if claims["exp"] <= clock.now().timestamp():
        raise TokenExpired
    return claims
