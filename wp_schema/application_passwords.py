"""WordPress's Application Passwords, as the user meta `_application_passwords` holds them."""

from __future__ import annotations

import re
import secrets
import string
import uuid
from typing import Any, Literal

from wp_schema import passwords, php

META_KEY = "_application_passwords"
LENGTH = 24

_ALPHABET = string.ascii_letters + string.digits
_NOT_ALPHANUMERIC = re.compile(r"[^A-Za-z0-9]")

Entry = dict[str, Any]


def parse(meta_value: str | None) -> list[Entry]:
    """The entries of a stored meta value; [] where it cannot be read.

    Each has uuid, app_id, name, password (the hash), created, last_used and last_ip.
    """
    return entries_of(php.maybe_unserialize(meta_value or ""))


def entries_of(decoded: Any) -> list[Entry]:
    """The usable entries of a decoded meta value, whether PHP's array was a list or had gaps."""
    values = decoded.values() if isinstance(decoded, dict) else decoded if isinstance(decoded, list) else []
    return [entry for entry in values if isinstance(entry, dict) and isinstance(entry.get("password"), str)]


def find_match(presented: str, entries: Any) -> Entry | None:
    """The entry whose password was presented, with or without the spaces that group it."""
    password = _NOT_ALPHANUMERIC.sub("", presented)
    if not password:
        return None
    return next((entry for entry in entries_of(entries) if _is_match(password, entry["password"])), None)


def make(
    name: str, *, now: int, app_id: str = "", style: Literal["generic", "phpass"] = "generic"
) -> tuple[str, Entry]:
    """A new password and its entry, hashed as 6.8 and later do (`generic`) or as before (`phpass`)."""
    password = "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))
    hashed = passwords.fast_hash(password) if style == "generic" else passwords.hash_password(password, "phpass")
    return password, {
        "uuid": str(uuid.uuid4()),
        "app_id": app_id,
        "name": name,
        "password": hashed,
        "created": now,
        "last_used": None,
        "last_ip": None,
    }


def in_groups(password: str) -> str:
    """The password in groups of four, as WordPress shows it."""
    plain = _NOT_ALPHANUMERIC.sub("", password)
    return " ".join(plain[start : start + 4] for start in range(0, len(plain), 4))


def _is_match(password: str, stored_hash: str) -> bool:
    """WP_Application_Passwords::check_password(); before 6.8 they were hashed like user passwords."""
    if stored_hash.startswith(passwords.GENERIC):
        return passwords.verify_fast_hash(password, stored_hash)
    return passwords.verify(password, stored_hash)
