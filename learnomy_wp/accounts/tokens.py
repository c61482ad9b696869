"""Refresh tokens: opaque, stored hashed, rotated at every use, revoked as a family on reuse.

A lost answer is forgiven: within ten seconds the direct parent may be sent again and gets the
same successor. Anything older, or later, ends the whole family.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from sqlalchemy import bindparam, insert, select, update

from learnomy_wp.kernel import call as calls
from learnomy_wp.kernel import clock, db, retention, site
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.auth import jwt, users
from learnomy_wp.kernel.errors import Unauthenticated
from wp_schema.tables import auth_tokens

LIFETIME = timedelta(days=30)
GRACE = timedelta(seconds=10)
PREFIX = "lrr_"
# An ended token that comes back is known for as long, and so is a stolen one.
ENDED_KEPT_DAYS = 30

retention.keep(
    auth_tokens, auth_tokens.c.expires_at, days=lambda: ENDED_KEPT_DAYS, index="expires", name="auth_tokens_expired"
)
retention.keep(
    auth_tokens, auth_tokens.c.revoked_at, days=lambda: ENDED_KEPT_DAYS, index="revoked", name="auth_tokens_revoked"
)

INSERT = insert(auth_tokens)
BY_HASH = select(auth_tokens).where(auth_tokens.c.token_hash == bindparam("hash")).with_for_update()
CHILD = select(auth_tokens.c.id, auth_tokens.c.rotated_at).where(auth_tokens.c.parent_id == bindparam("token_id"))
ROTATE = (
    update(auth_tokens)
    .where(auth_tokens.c.id == bindparam("token_id"))
    .values(rotated_at=bindparam("now"), successor=bindparam("sealed"), last_used_at=bindparam("now"))
)
REVOKE_FAMILY = (
    update(auth_tokens)
    .where(auth_tokens.c.family_id == bindparam("family"), auth_tokens.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"), revoke_reason=bindparam("reason"))
)
REVOKE_USER = (
    update(auth_tokens)
    .where(
        auth_tokens.c.user_id == bindparam("user"),
        auth_tokens.c.kind == "refresh",
        auth_tokens.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("now"), revoke_reason=bindparam("reason"))
)


@dataclass(frozen=True)
class Pair:
    """A new refresh token and the session it belongs to."""

    refresh_token: str
    session_id: str
    user_id: int


def begin_session(actor: Actor, user_pass: str, user_agent: str) -> Pair:
    """Begin a session: the first token of a new family. Called inside a unit of work."""
    family, now = secrets.token_hex(16), clock.now()
    row = {
        "family_id": family,
        "parent_id": None,
        "user_id": actor.id,
        "capabilities": jwt.granted(actor),
        "password_fingerprint": jwt.password_fingerprint(user_pass),
        "started_at": now,
        "user_agent": user_agent[:255],
    }
    return Pair(_insert(row, now), family, actor.id)


def rotate(token: str) -> Pair:
    """Exchange a refresh token. Raises `Unauthenticated`; a reused one ends its family.

    Called outside a unit of work: the end of a family is committed though the answer is an error.
    """
    outcome = db.transaction(lambda: _rotate(token))
    if isinstance(outcome, Pair):
        return outcome
    raise Unauthenticated(outcome)


def revoke(token: str, user_id: int) -> bool:
    """End the family of one of the user's own refresh tokens."""
    row = db.row(BY_HASH, {"hash": _hash(token)})
    if row is None or row["user_id"] != user_id:
        return False
    _revoke_family(row["family_id"], "logout")
    return True


def revoke_all(user_id: int, reason: str = "logout") -> int:
    """End every session of a user; gives how many tokens ended."""
    return db.execute(REVOKE_USER, {"user": user_id, "now": clock.now(), "reason": reason}).rowcount


def _rotate(token: str) -> Pair | str:
    row, now = db.row(BY_HASH, {"hash": _hash(token)}), clock.now()
    if row is None or row["kind"] != "refresh":
        return "This refresh token is not one of this site's."
    if row["revoked_at"] is not None or row["expires_at"] <= now:
        return "This session has ended. Log in again."
    refused = _check_user(row)
    if refused:
        _revoke_family(row["family_id"], "user changed")
        return refused
    if row["rotated_at"] is not None:
        return _reused(row, now)
    kept = ("family_id", "user_id", "capabilities", "password_fingerprint", "started_at", "device", "user_agent")
    successor = _insert({name: row[name] for name in kept} | {"parent_id": row["id"]}, now)
    db.execute(ROTATE, {"token_id": row["id"], "now": now, "sealed": _seal(successor, token)})
    return Pair(successor, row["family_id"], row["user_id"])


def _reused(row: dict[str, Any], now: Any) -> Pair | str:
    child = db.row(CHILD, {"token_id": row["id"]})
    is_direct_parent = child is not None and child["rotated_at"] is None
    if is_direct_parent and row["successor"] and now - row["rotated_at"] <= GRACE:
        successor = _open(bytes(row["successor"]), row["token_hash"])
        return Pair(successor, row["family_id"], row["user_id"])
    _revoke_family(row["family_id"], "reused")
    return "This refresh token was already used. Log in again."


def _check_user(row: dict[str, Any]) -> str:
    found = users.find(row["user_id"])
    if found is None or users.is_barred(found):
        return "This account cannot log in."
    facts = {**found, "password_fingerprint": row["password_fingerprint"], "issued_capabilities": row["capabilities"]}
    try:
        jwt.check_session(facts, users.to_actor(found, credential="jwt"))
    except Unauthenticated as error:
        return error.text
    return ""


def _insert(row: dict[str, Any], now: Any) -> str:
    token = PREFIX + secrets.token_urlsafe(32)
    call = calls.current()
    values = {
        **row,
        "kind": "refresh",
        "token_hash": _hash(token),
        "ip": call.client if call else "",
        "created_at": now,
        "last_used_at": now,
        "expires_at": now + LIFETIME,
    }
    db.execute(INSERT, values)
    return token


def _revoke_family(family: str, reason: str) -> None:
    db.execute(REVOKE_FAMILY, {"family": family, "now": clock.now(), "reason": reason})


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _cipher(token_hash: str) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(
        hashlib.sha256(b"learnomy successor" + site.current().secret().encode() + token_hash.encode()).digest()
    )


def _seal(successor: str, token: str) -> bytes:
    nonce = os.urandom(12)
    return nonce + _cipher(_hash(token)).encrypt(nonce, successor.encode(), None)


def _open(sealed: bytes, token_hash: str) -> str:
    return _cipher(token_hash).decrypt(sealed[:12], sealed[12:], None).decode()
