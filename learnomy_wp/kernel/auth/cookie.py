"""WordPress's login cookie with a REST nonce, judged here on the embedded default.

On a WordPress site a cookie makes the request WordPress's: a plugin may have its say there.
"""

from __future__ import annotations

from typing import Any

from flask import Request
from sqlalchemy import bindparam, select

from learnomy_wp.kernel import clock, db, site
from learnomy_wp.kernel.actor import NOBODY, Actor
from learnomy_wp.kernel.auth import users
from learnomy_wp.kernel.errors import Forbidden
from wp_schema import cookies
from wp_schema.tables import usermeta

SESSIONS = select(usermeta.c.meta_value).where(
    usermeta.c.user_id == bindparam("user_id"), usermeta.c.meta_key == "session_tokens"
)


def is_sent(request: Request) -> bool:
    """Whether a login cookie of WordPress's came along, right or wrong."""
    if "HTTP_COOKIE" not in request.environ:
        return False
    own = site.current().pairing.get("cookies", {}).get("logged_in", "")
    return any(name.startswith("wordpress_logged_in_") or name == own for name in request.cookies)


def is_guests_nonce(request: Request) -> bool:
    """Whether the nonce that came along, if one did, is what WordPress gives visitors."""
    nonce = _nonce(request)
    if not nonce:
        return True
    salt, now = site.current().salt("nonce"), int(clock.now().timestamp())
    return bool(cookies.verify_nonce(nonce, "wp_rest", 0, "", salt, now))


def _nonce(request: Request) -> str:
    return request.headers.get("X-WP-Nonce") or request.args.get("_wpnonce") or ""


def identify(request: Request) -> Actor:
    """The cookie's user where a valid nonce is sent; nobody without one, `Forbidden` with a wrong one."""
    current = site.current()
    raw = request.cookies.get(cookies.logged_in_name(site.record().siteurl))
    nonce = _nonce(request)
    if not nonce:
        return NOBODY
    wrong = Forbidden("The nonce is not valid. Load the page again.")
    now = int(clock.now().timestamp())
    nonce_salt = current.salt("nonce")
    found = _session_user(raw, now) if raw else None
    if found is None or raw is None:
        if is_guests_nonce(request):
            return NOBODY
        raise wrong
    cookie = cookies.parse_login_cookie(raw)
    assert cookie is not None
    if not cookies.verify_nonce(nonce, "wp_rest", int(found["ID"]), cookie.token, nonce_salt, now):
        raise wrong
    return users.to_actor(found, credential="cookie")


def _session_user(raw: str, now: int) -> dict[str, Any] | None:
    cookie = cookies.parse_login_cookie(raw)
    is_text = cookie is not None and not any("\ud800" <= letter <= "\udfff" for letter in cookie.login)
    found = users.find_by_login(cookie.login) if cookie and is_text else None
    if cookie is None or found is None or users.is_barred(found):
        return None
    current = site.current()
    if not cookies.verify_login_cookie(
        cookie, found["user_pass"], current.salt("logged_in"), now, before_6_8=current.is_before_6_8
    ):
        return None
    sessions = cookies.parse_sessions(db.value(SESSIONS, {"user_id": found["ID"]}))
    return found if cookies.session_is_live(sessions, cookie.token, now) else None
