"""Identifiers: sortable ids of requests, and secrets for tokens."""

from __future__ import annotations

import secrets

from ulid import ULID


def request_id() -> str:
    """A new request id: a ULID, 26 characters, sortable by time."""
    return str(ULID())


def token_hex(size: int = 32) -> str:
    """A secret of `size` random bytes in hexadecimal digits."""
    return secrets.token_hex(size)
