"""Identifiers: sortable ids of requests and messages, uuids of objects, and secrets for tokens."""

from __future__ import annotations

import secrets
import uuid

from ulid import ULID


def request_id() -> str:
    """A new request id: a ULID, 26 characters, sortable by time."""
    return str(ULID())


def new_uuid() -> str:
    """A random uuid in its canonical form."""
    return str(uuid.uuid4())


def token_bytes(size: int = 32) -> bytes:
    """`size` bytes that nobody can guess."""
    return secrets.token_bytes(size)


def token_hex(size: int = 32) -> str:
    """A secret of `size` random bytes in hexadecimal digits."""
    return secrets.token_hex(size)


def token(size: int = 32) -> str:
    """A secret of `size` random bytes, in characters that are safe in an address."""
    return secrets.token_urlsafe(size)
