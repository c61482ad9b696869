"""Identity: turns the credentials of a call into an `Actor`.

The first credential that is present counts, and a wrong one is an error, never nobody.
`X-Learnomy-Authorization` stands in where a server strips Authorization.
"""

from __future__ import annotations

from dataclasses import replace

from flask import Request

from learnomy_wp.kernel import site, wordpress
from learnomy_wp.kernel.actor import LEARNOMY_CAPABILITIES, NOBODY, Actor
from learnomy_wp.kernel.auth import application_password, cookie, jwt, users
from learnomy_wp.kernel.call import Call
from learnomy_wp.kernel.errors import Unauthenticated
from learnomy_wp.kernel.wordpress import WordPressNeeded

API_KEY_PREFIX = "lrn_"
CAPABILITY_HOOKS = ("user_has_cap", "map_meta_cap")


def kind_of(authorization: str) -> str:
    """jwt, api_key, basic, foreign or nothing, by the look of the header alone."""
    scheme, _, value = authorization.strip().partition(" ")
    scheme, value = scheme.lower(), value.strip()
    if scheme == "basic" and value:
        return "basic"
    if scheme != "bearer":
        return ""
    if value.startswith(API_KEY_PREFIX):
        return "api_key"
    return "jwt" if jwt.is_ours(value) else "foreign"


def identify(call: Call, request: Request) -> Actor:
    """Who calls. Raises `Unauthenticated`, `TokenExpired` or `Forbidden` (a wrong nonce)."""
    if call.has_wordpress and call.asserted_user is not None:
        return _asserted(call)
    kind = kind_of(call.authorization)
    value = call.authorization.strip().partition(" ")[2].strip()
    if kind == "jwt":
        return jwt.verify(value)
    if kind == "basic":
        return _basic(call, request, value)
    if kind in ("api_key", "foreign"):
        raise Unauthenticated("This token is not one of this site's.")
    return cookie.identify(request) if site.current().is_embedded else NOBODY


def _basic(call: Call, request: Request, value: str) -> Actor:
    if not application_password.counts(call):
        return NOBODY
    try:
        return application_password.verify(value)
    except Unauthenticated:
        # The password may be one that the web server asks for; WordPress then goes by the cookie.
        if cookie.is_sent(request) and not site.current().is_embedded:
            raise WordPressNeeded("a login cookie beside another credential") from None
        raise


def as_filtered(actor: Actor) -> Actor:
    """The actor with the capabilities that WordPress grants, where a plugin has a say in them."""
    record = site.record()
    if not any(record.listens(hook) for hook in CAPABILITY_HOOKS):
        return actor
    granted = wordpress.granted_capabilities(actor.id, LEARNOMY_CAPABILITIES)
    return replace(actor, capabilities=(actor.capabilities - set(LEARNOMY_CAPABILITIES)) | granted)


def _asserted(call: Call) -> Actor:
    # Who is logging in is a caller whom nothing names yet: limits count for his address.
    if not call.asserted_user or call.via == "authenticate":
        return NOBODY
    found = users.find(call.asserted_user)
    if found is None or users.is_barred(found):
        raise Unauthenticated
    return users.to_actor(found, credential=call.via or "cookie")
