"""WordPress's login cookie, session tokens and nonces: read, checked and made.

Salts are what `wp_salt( scheme )` gives; `now` is Unix time in seconds.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from wp_schema import php

SESSIONS_META_KEY = "session_tokens"
NONCE_LIFE_SECONDS = 86400
TOKEN_LENGTH = 43

_ALPHABET = string.ascii_letters + string.digits
_EXPIRATION = re.compile(r"[1-9][0-9]{0,18}")

Session = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LoginCookie:
    """What a `wordpress_logged_in_*` cookie claims; nothing in it is true until verified."""

    login: str
    expiration: int
    token: str
    mac: str

    def __str__(self) -> str:
        return f"{self.login}|{self.expiration}|{self.token}|{self.mac}"

    def header_value(self) -> str:
        """The value as PHP's setcookie() sends it."""
        return quote(str(self), safe="")


def logged_in_name(siteurl: str) -> str:
    """The cookie's name where COOKIEHASH is not defined: `siteurl` of the site, or of the network."""
    return "wordpress_logged_in_" + hashlib.md5(siteurl.encode(), usedforsecurity=False).hexdigest()


def parse_login_cookie(value: str) -> LoginCookie | None:
    """The parts of a cookie's value as the browser sends it; None where it is malformed."""
    parts = unquote(value, errors="surrogateescape").split("|")
    if len(parts) != 4 or not parts[0] or not _EXPIRATION.fullmatch(parts[1]):
        return None
    return LoginCookie(parts[0], int(parts[1]), parts[2], parts[3])


def verify_login_cookie(
    cookie: LoginCookie, user_pass: str, logged_in_salt: str, now: int, *, before_6_8: bool = False
) -> bool:
    """Whether WordPress made this cookie for the user with this password hash, and it is not over.

    The session is checked apart (`session_is_live`). WordPress's hour of grace for POST is left
    out: the session ends at the same second, and it has no grace.
    """
    made = _mac(cookie.login, cookie.expiration, cookie.token, user_pass, logged_in_salt, before_6_8)
    return cookie.expiration >= now and _is_equal(made, cookie.mac)


def make_login_cookie(
    login: str, user_pass: str, expiration: int, token: str, logged_in_salt: str, *, before_6_8: bool = False
) -> LoginCookie:
    """WordPress's wp_generate_auth_cookie() for the scheme `logged_in`."""
    return LoginCookie(login, expiration, token, _mac(login, expiration, token, user_pass, logged_in_salt, before_6_8))


def password_fragment(user_pass: str, *, before_6_8: bool = False) -> str:
    """The part of the password hash that a cookie depends on, so that a new password ends it."""
    if before_6_8 or user_pass.startswith(("$P$", "$2y$")):
        return user_pass[8:12]
    return user_pass[-4:]


def parse_sessions(meta_value: str | None) -> dict[str, Session]:
    """The sessions of a stored `session_tokens`, by the sha256 of their tokens; {} where unreadable."""
    return sessions_of(php.maybe_unserialize(meta_value or ""))


def sessions_of(decoded: Any) -> dict[str, Session]:
    """The sessions of a decoded `session_tokens`; old WordPress kept only the expiration of each."""
    if not isinstance(decoded, dict):
        return {}
    prepared = {str(key): {"expiration": held} if type(held) is int else held for key, held in decoded.items()}
    return {
        key: session
        for key, session in prepared.items()
        if isinstance(session, dict) and isinstance(session.get("expiration"), int)
    }


def session_is_live(sessions: Any, token: str, now: int) -> bool:
    """Whether the token's session is among a user's decoded sessions and is not over."""
    session = sessions_of(sessions).get(verifier(token))
    return session is not None and bool(session["expiration"] >= now)


def verifier(token: str) -> str:
    """The key under which a session is stored."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def make_session(*, now: int, expiration: int, ip: str = "", user_agent: str = "") -> tuple[str, Session]:
    """A new token and the session to store under its `verifier`, as WP_Session_Tokens::create()."""
    token = "".join(secrets.choice(_ALPHABET) for _ in range(TOKEN_LENGTH))
    session: Session = {"expiration": expiration}
    if ip:
        session["ip"] = ip
    if user_agent:
        session["ua"] = user_agent
    return token, {**session, "login": now}


def verify_nonce(
    nonce: str, action: str, user_id: int, token: str, nonce_salt: str, now: int, *, life: int = NONCE_LIFE_SECONDS
) -> int:
    """WordPress's wp_verify_nonce(): 1 in the first half of its life, 2 in the second, else 0.

    `token` is that of the login cookie, '' without one; a guest is user 0.
    """
    tick = _tick(now, life)
    for age in (1, 2):
        if _is_equal(_nonce(tick + 1 - age, action, user_id, token, nonce_salt), nonce):
            return age
    return 0


def make_nonce(
    action: str, user_id: int, token: str, nonce_salt: str, now: int, *, life: int = NONCE_LIFE_SECONDS
) -> str:
    """WordPress's wp_create_nonce()."""
    return _nonce(_tick(now, life), action, user_id, token, nonce_salt)


def _mac(login: str, expiration: int, token: str, user_pass: str, salt: str, before_6_8: bool) -> str:
    fragment = password_fragment(user_pass, before_6_8=before_6_8)
    key = _wp_hash(f"{login}|{fragment}|{expiration}|{token}", salt)
    return hmac.digest(key.encode(), _bytes(f"{login}|{expiration}|{token}"), "sha256").hex()


def _tick(now: int, life: int) -> int:
    return -(-2 * now // life)


def _nonce(tick: int, action: str, user_id: int, token: str, salt: str) -> str:
    return _wp_hash(f"{tick}|{action}|{user_id}|{token}", salt)[-12:-2]


def _wp_hash(data: str, salt: str) -> str:
    return hmac.digest(salt.encode("utf-8", "surrogateescape"), _bytes(data), "md5").hex()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _is_equal(made: str, given: str) -> bool:
    return hmac.compare_digest(made.encode(), given.encode("utf-8", "surrogatepass"))
