"""Links that open one thing for one user, for five minutes: a signature in the address stands in for a login.

A browser that follows a link sends no token, and a cookie without a nonce counts as nobody.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import urlencode

from learnomy_wp.kernel import clock, db, site
from learnomy_wp.kernel.endpoint import NAMESPACE
from learnomy_wp.kernel.errors import refusal

LIVES_SECONDS = 300
LinkExpired = refusal("link_expired", "This link has expired. Open the page that it was on again.", status=403)
_NUMBER = re.compile("[0-9]{1,19}")


def rest_url(path: str) -> str:
    """The address of a path of the API on the current blog, however the site spells its REST addresses."""
    current = site.current()
    for blog in current.pairing.get("blogs", ()):
        if int(blog["id"]) == db.blog_id():
            return f"{str(blog['rest_url']).rstrip('/')}/{NAMESPACE}{path}"
    return f"{site.record().home}/wp-json/{NAMESPACE}{path}"


def signed(path: str, user_id: int) -> str:
    """The address of a path of the API with a signature for one user; the plain address for nobody."""
    address = rest_url(path)
    if not user_id:
        return address
    expires = int(clock.now().timestamp()) + LIVES_SECONDS
    query = {"user": user_id, "expires": expires, "signature": _signature(path, user_id, expires)}
    return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"


def user_of(path: str, query: Mapping[str, str]) -> int:
    """Whom a signature in the query stands for, 0 where there is none or a wrong one. Raises `LinkExpired`."""
    user, expires, signature = (query.get(name, "") for name in ("user", "expires", "signature"))
    if not (_NUMBER.fullmatch(user) and _NUMBER.fullmatch(expires)):
        return 0
    if not hmac.compare_digest(signature.encode(), _signature(path, int(user), int(expires)).encode()):
        return 0
    if int(expires) < clock.now().timestamp():
        raise LinkExpired
    return int(user)


def _signature(path: str, user_id: int, expires: int) -> str:
    said = f"{db.blog_id()}\n{path}\n{user_id}\n{expires}"
    return hmac.new(site.current().key("link"), said.encode(), hashlib.sha256).hexdigest()
