"""The signed channel between the plugin and this backend: keys, strings and signatures.

Keys come by HKDF-SHA256 from the pairing secret and WordPress's salts, one per direction and
purpose, so that no message of one kind passes for another.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from functools import lru_cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PROTOCOL = 1
SPOKEN = (1,)  # this version and the one before, where there is one
MAX_SKEW_SECONDS = 60
NONCE_SECONDS = 120

HEADER = "X-Learnomy-"
IDENTITY_HEADERS = ("Bridge", "Door", "Blog", "User", "Via", "Client", "Signature", "Host", "Proto", "Deadline")


@lru_cache(maxsize=64)
def key(secret: str, salt: str, purpose: str) -> bytes:
    """The 32-byte key of one purpose (request, response, call, reply, pair, pair-response)."""
    info = f"learnomy bridge {PROTOCOL} {purpose}".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=salt.encode() or None, info=info).derive(secret.encode())


def sign(signing_key: bytes, *parts: str) -> str:
    """Hex HMAC-SHA256 over the parts, one a line."""
    return hmac.new(signing_key, "\n".join(parts).encode(), hashlib.sha256).hexdigest()


def is_signed_by(signature: str, signing_key: bytes, *parts: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(signature.encode(), sign(signing_key, *parts).encode())


def digest(data: bytes) -> str:
    """Hex SHA-256, as the strings carry bodies and credentials."""
    return hashlib.sha256(data).hexdigest()


def request_parts(
    method: str, target: str, body: bytes | str, content_type: str, header: Mapping[str, str], authorization: str
) -> tuple[str, ...]:
    """What the plugin signs of a request. `header` holds the X-Learnomy-* values by their short name.

    `body` is the body itself, or its digest where it is kept elsewhere.
    """
    return (
        str(PROTOCOL),
        "request",
        method,
        target,
        digest(body) if isinstance(body, bytes) else body,
        content_type,
        header.get("Blog", ""),
        header.get("Door", ""),
        header.get("User", ""),
        header.get("Via", ""),
        digest(authorization.encode()),
        header.get("Client", ""),
        header.get("Host", ""),
        header.get("Proto", ""),
        header.get("Idempotency-Key", ""),
        header.get("Time", ""),
        header.get("Nonce", ""),
        header.get("Deadline", ""),
    )


def response_parts(nonce: str, status: int, content_type: str, body: bytes, control: str, fire: str) -> tuple[str, ...]:
    """What this backend signs of its reply."""
    return (str(PROTOCOL), "response", nonce, str(status), content_type, digest(body), control, fire)


def call_parts(verb: str, body: bytes, blog_id: int, time_ms: str, nonce: str) -> tuple[str, ...]:
    """What this backend signs of a call to the plugin."""
    return (str(PROTOCOL), "call", verb, digest(body), str(blog_id), time_ms, nonce)


def reply_parts(nonce: str, status: int, body: bytes) -> tuple[str, ...]:
    """What the plugin signs of its reply to such a call."""
    return (str(PROTOCOL), "reply", nonce, str(status), digest(body))
