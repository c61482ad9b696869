"""Avatar addresses: Gravatar's, as WordPress makes them, and WordPress's own word where a plugin filters them.

A list names many people, so whoever is not known yet is noted, and all of them are asked for together
when the answer is ready (`settle`). What WordPress said is kept for some minutes, so that most answers
on such a site need no WordPress.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Hashable
from urllib.parse import urlencode

from learnomy_wp.kernel import call as calls
from learnomy_wp.kernel import db, site, wordpress

HOOKS = ("pre_get_avatar_data", "get_avatar_url", "get_avatar_data")
SIZE = 96
KEPT_SECONDS = 300
MOST_KEPT = 20_000
# WordPress's names of Gravatar's stand-ins; without one, Gravatar shows its own.
STAND_INS = {"mystery": "mm", "mysteryman": "mm", "gravatar_default": ""}

_kept: dict[Hashable, tuple[str, float]] = {}


def url(email: str) -> str:
    """The address of the avatar of whoever has an e-mail address."""
    hashed = hashlib.sha256(email.strip().lower().encode()).hexdigest()
    listeners = _listeners()
    call = calls.current()
    if not listeners or call is None:
        return _gravatar(hashed)
    key = (db.blog_id(), listeners, hashed)
    for answer in call.answers.values():
        if isinstance(answer, dict) and hashed in (answer.get("avatars") or ()):
            _keep(key, str(answer["avatars"][hashed]))
    said, until = _kept.get(key, ("", 0.0))
    if until > time.monotonic():
        return said
    call.wanted_avatars[hashed] = email
    return _gravatar(hashed)


def settle() -> None:
    """Ask WordPress for the avatars that were not known; the answer is then made again."""
    call = calls.current()
    if call is not None and call.wanted_avatars:
        wordpress.find_avatars(call.wanted_avatars, SIZE)


def _listeners() -> tuple[str, ...]:
    """Who has a say in avatars; empty where nobody has."""
    if site.current().is_embedded:
        return ()
    record = site.record()
    if "avatars" not in record.memo:
        record.memo["avatars"] = tuple(owner for hook in HOOKS for owner in record.listeners.get(hook) or ())
    found: tuple[str, ...] = record.memo["avatars"]
    return found


def _keep(key: Hashable, said: str) -> None:
    if len(_kept) >= MOST_KEPT:
        _kept.clear()
    _kept[key] = said, time.monotonic() + KEPT_SECONDS


def _gravatar(hashed: str) -> str:
    record = site.record()
    stand_in = STAND_INS.get(record.avatar_default, record.avatar_default)
    query = {"s": str(SIZE), "d": stand_in, "r": record.avatar_rating.lower()}
    return f"https://secure.gravatar.com/avatar/{hashed}?{urlencode({k: v for k, v in query.items() if v})}"
