"""Access tokens: HS256 JWTs that live 15 minutes and die with their session.

Verification costs one query: the token's user, roles and session. A changed password, a role
or capability taken away, a deleted or barred user, or a revoked session ends the token at once.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from functools import lru_cache
from typing import Any

import jwt as pyjwt
import orjson

from learnomy_wp.kernel import clock, site
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.auth import keys, users
from learnomy_wp.kernel.errors import TokenExpired, Unauthenticated

LIFETIME_SECONDS = 900
AUDIENCE = "learnomy/v1"
_USER_ID = re.compile("[1-9][0-9]{0,17}")
_REQUIRED = ["iss", "aud", "sub", "iat", "exp", "jti", "sid"]
_MAX_VERIFIED = 4000
# sha256 of issuer, key and token -> its claims, where the signature holds. All else is judged at every request.
_verified: dict[bytes, dict[str, Any]] = {}


def is_ours(token: str) -> bool:
    """Whether the header names one of our keys, without judging the token."""
    head, _, rest = token.partition(".")
    return "." in rest and len(head) <= 400 and (_kid_of(head) or "").startswith(keys.KID_PREFIX)


@lru_cache(maxsize=64)
def _kid_of(head: str) -> str | None:
    """The key that a token's first part names: the same for all tokens of a key."""
    try:
        header = orjson.loads(pyjwt.utils.base64url_decode(head))
    except ValueError:
        return None
    kid = header.get("kid") if isinstance(header, dict) else None
    return kid if isinstance(kid, str) else None


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
    kid = _kid_of(token.partition(".")[0])
    if kid is None:
        raise Unauthenticated("This token cannot be read.")
    key = dict(keys.jwt_keys()).get(kid)
    if key is None:
        keys.forget()
        key = dict(keys.jwt_keys()).get(kid)
    if key is None:
        raise Unauthenticated("This token was signed with a key that is no longer in use.")
    claims = _checked(token, key, site.record().home)
    is_sane = isinstance(claims["exp"], int) and isinstance(claims["sid"], str)
    if not is_sane or not _USER_ID.fullmatch(claims["sub"]):
        raise Unauthenticated("This token is not valid.")
    if claims["exp"] <= clock.now().timestamp():
        raise TokenExpired
    return claims


def _checked(token: str, key: bytes, issuer: str) -> dict[str, Any]:
    """The claims of a token whose signature holds; each process checks the same token once."""
    name = hashlib.sha256(b"\n".join((issuer.encode(), key, token.encode()))).digest()
    claims = _verified.get(name)
    if claims is None:
        try:
            claims = pyjwt.decode(
                token,
                key,
                algorithms=["HS256"],
                audience=AUDIENCE,
                issuer=issuer,
                options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False},
            )
        except pyjwt.PyJWTError:
            raise Unauthenticated("This token is not valid.") from None
        if len(_verified) >= _MAX_VERIFIED:
            _verified.clear()
        _verified[name] = claims
    return claims
