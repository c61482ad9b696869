"""WordPress Application Passwords over Basic, where WordPress would take them."""

from __future__ import annotations

import base64
import hashlib
import time

from learnomy_wp.kernel import site
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.auth import users
from learnomy_wp.kernel.call import Call
from learnomy_wp.kernel.errors import Unauthenticated
from wp_schema import application_passwords

VERIFIED_SECONDS = 60
_MAX_VERIFIED = 1000
# sha256 of header and stored hash -> until when; the stored hash is read at every request.
_verified: dict[str, float] = {}


def counts(call: Call) -> bool:
    """Whether WordPress would look at Basic here: in use, and over TLS or on a local site."""
    current = site.current()
    if current.is_embedded:
        return True
    is_local = current.pairing.get("environment") == "local"
    return site.record().application_passwords_used and (call.scheme == "https" or is_local)


def verify(value: str) -> Actor:
    """The user of `base64(login:password)`. Raises `Unauthenticated`."""
    refused = Unauthenticated("The user name or the application password is not right.")
    try:
        login, separator, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (ValueError, UnicodeDecodeError):
        raise refused from None
    if not separator or not login or not password or len(value) > 2000:
        raise refused
    found = users.find_for_basic(login)
    if found is None or users.is_barred(found) or not found["application_passwords"]:
        raise refused
    if not _matches(password, application_passwords.parse(found["application_passwords"]), value):
        raise refused
    return users.to_actor(found, credential="application_password")


def _matches(password: str, entries: list[application_passwords.Entry], value: str) -> bool:
    now = time.monotonic()
    names = [hashlib.sha256(f"{value}|{entry.get('password')}".encode()).hexdigest() for entry in entries]
    if any(_verified.get(name, 0) > now for name in names):
        return True
    match = application_passwords.find_match(password, entries)
    if match is None:
        return False
    if len(_verified) > _MAX_VERIFIED:
        _verified.clear()
    _verified[hashlib.sha256(f"{value}|{match.get('password')}".encode()).hexdigest()] = now + VERIFIED_SECONDS
    return True
