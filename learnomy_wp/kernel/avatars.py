"""Avatar addresses, as WordPress makes them where no plugin filters them."""

from __future__ import annotations

import hashlib


def url(email: str, size: int = 96) -> str:
    """The Gravatar address of an e-mail address (SHA-256, as WordPress 6.8 and later)."""
    hashed = hashlib.sha256(email.strip().lower().encode()).hexdigest()
    return f"https://secure.gravatar.com/avatar/{hashed}?s={size}&d=mm&r=g"
