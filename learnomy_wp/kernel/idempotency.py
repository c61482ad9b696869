"""Idempotency-Key: the stored first answer for a repeated POST.

The marker is committed first with a lease of 60 s, the answer in the write's own transaction,
kept for 24 h and encrypted, since answers hold tokens.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from learnomy_wp.kernel import clock, db, site
from learnomy_wp.kernel.errors import Conflict, IdempotencyInFlight, IdempotencyMismatch
from wp_schema.tables import expiring_keys

SCOPE = "idempotency"
LEASE = timedelta(seconds=60)
KEPT = timedelta(hours=24)
MAX_KEY_LENGTH = 255

_here = (expiring_keys.c.scope == SCOPE, expiring_keys.c.key_hash == bindparam("hash"))
READ = select(expiring_keys.c.value, expiring_keys.c.counter, expiring_keys.c.expires_at).where(*_here)
INSERT = insert(expiring_keys)
TAKE_OVER = (
    update(expiring_keys)
    .where(*_here, expiring_keys.c.counter == bindparam("old"))
    .values(value=bindparam("marker"), counter=bindparam("lease"), expires_at=bindparam("until"))
)
FINISH = (
    update(expiring_keys)
    .where(*_here, expiring_keys.c.counter == bindparam("lease"))
    .values(value=bindparam("answer"), expires_at=bindparam("until"))
)
# Only the marker: where the connection was lost at the commit, the answer may stand there by now.
RELEASE = delete(expiring_keys).where(
    *_here, expiring_keys.c.counter == bindparam("lease"), expiring_keys.c.value == bindparam("marker")
)


@dataclass(frozen=True)
class Answer:
    """A stored answer."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Lease:
    """This request's right to run under its key."""

    hash: str
    number: int
    fingerprint: bytes


def begin(key: str, caller: str, fingerprint: bytes, held: int | None = None) -> Lease | Answer:
    """Take the key, or give the stored answer.

    `held` is the lease of an earlier round of the same request. Raises `IdempotencyMismatch`
    for another body, `IdempotencyInFlight` while the first still runs.
    """
    hashed = _hash(key, caller)
    number, now = secrets.randbits(62), clock.now()
    lease = Lease(hashed, number, fingerprint)
    marker = {"marker": fingerprint, "lease": number, "until": now + LEASE, "hash": hashed}
    try:
        first = {"scope": SCOPE, "key_hash": hashed, "value": fingerprint, "counter": number}
        db.write(INSERT, {**first, "expires_at": now + LEASE})
    except IntegrityError:
        pass
    else:
        return lease
    found = db.row(READ, {"hash": hashed})
    if found is None:
        raise IdempotencyInFlight
    stored, mine = bytes(found["value"]), found["counter"] == held
    if found["expires_at"] > now and not mine:
        if stored[:32] != fingerprint:
            raise IdempotencyMismatch
        if len(stored) == len(fingerprint):
            raise IdempotencyInFlight(headers={"Retry-After": "1"})
        return _open(stored[32:])
    taken = db.write(TAKE_OVER, {**marker, "old": found["counter"]}).rowcount
    if not taken:
        raise IdempotencyInFlight(headers={"Retry-After": "1"})
    return lease


def recall(key: str, caller: str, fingerprint: bytes) -> Answer | None:
    """The stored answer, without taking the key; None where this request has none."""
    found = db.row(READ, {"hash": _hash(key, caller)})
    if found is None or found["expires_at"] <= clock.now():
        return None
    stored = bytes(found["value"])
    if stored[:32] != fingerprint or len(stored) == len(fingerprint):
        return None
    return _open(stored[32:])


def finish(lease: Lease, answer: Answer) -> None:
    """Store the answer in the current unit of work; fails the write where the lease was lost."""
    row = {
        "hash": lease.hash,
        "lease": lease.number,
        "answer": lease.fingerprint + _seal(answer),
        "until": clock.now() + KEPT,
    }
    if not db.execute(FINISH, row).rowcount:
        raise Conflict("Another request took over this Idempotency-Key.")


def release(lease: Lease) -> None:
    """Forget the marker, so that the request can be sent again; a stored answer stays."""
    db.write(RELEASE, {"hash": lease.hash, "lease": lease.number, "marker": lease.fingerprint})


def _hash(key: str, caller: str) -> str:
    return hashlib.sha256(f"{db.blog_id()}|{caller}|{key}".encode()).hexdigest()


def _cipher() -> ChaCha20Poly1305:
    return ChaCha20Poly1305(hashlib.sha256(b"learnomy answers" + site.current().secret().encode()).digest())


def _seal(answer: Answer) -> bytes:
    nonce = os.urandom(12)
    plain = orjson.dumps([answer.status, answer.headers, answer.body.decode()])
    return nonce + _cipher().encrypt(nonce, plain, SCOPE.encode())


def _open(sealed: bytes) -> Answer:
    parts: list[Any] = orjson.loads(_cipher().decrypt(sealed[:12], sealed[12:], SCOPE.encode()))
    return Answer(parts[0], parts[1], parts[2].encode())
