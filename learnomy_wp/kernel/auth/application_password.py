"""WordPress Application Passwords over Basic, where WordPress would take them."""

from __future__ import annotations

import base64
import hashlib
import time

from learnomy_wp.kernel import call as calls
from learnomy_wp.kernel import db, outbox, site
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.auth import users
from learnomy_wp.kernel.call import Call
from learnomy_wp.kernel.errors import Unauthenticated
from wp_schema import application_passwords
from wp_schema.application_passwords import Entry

VERIFIED_SECONDS = 60
NOTED_SECONDS = 86_400
RENOTED_SECONDS = 3600  # where WordPress has not got round to it
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
    entry = _find(password, application_passwords.parse(found["application_passwords"]), value)
    if entry is None:
        raise refused
    _note_use(int(found["ID"]), entry)
    return users.to_actor(found, credential="application_password")


def _find(password: str, entries: list[Entry], value: str) -> Entry | None:
    now = time.monotonic()
    for entry in entries:
        if _verified.get(_name(value, entry), 0) > now:
            return entry
    match = application_passwords.find_match(password, entries)
    if match is not None:
        if len(_verified) > _MAX_VERIFIED:
            _verified.clear()
        _verified[_name(value, match)] = now + VERIFIED_SECONDS
    return match


def _name(value: str, entry: Entry) -> str:
    return hashlib.sha256(f"{value}|{entry.get('password')}".encode()).hexdigest()


def _note_use(user_id: int, entry: Entry) -> None:
    """Have WordPress record the use, as it does once a day itself."""
    used = entry.get("last_used")
    if site.current().is_embedded or (isinstance(used, int) and used + NOTED_SECONDS > time.time()):
        return
    uuid = str(entry.get("uuid") or "")
    use = {"user_id": user_id, "uuid": uuid, "ip": _client()}
    if site.current().store.add("password_use", uuid, ttl_seconds=RENOTED_SECONDS):
        db.transaction(
            lambda: outbox.add(
                aggregate=f"user:{user_id}",
                event="note_application_password",
                hook="",
                arguments=[],
                payload=use,
                actor_id=0,
                kind="effect",
            )
        )


def _client() -> str:
    call = calls.current()
    return call.client if call else ""
