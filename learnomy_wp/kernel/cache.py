"""Caches by tag: an entry is served while none of its tags was bumped since it was made.

A stamp is read before the rows and stored with the entry, so that a write in between leaves
the entry stale, never wrong. Tags are bumped after the commit, and again by the drain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import orjson
from redis import RedisError

from learnomy_wp.kernel import db, site
from learnomy_wp.kernel.keystore import NO_STAMP, TAG_SCOPE

ENTRY_SECONDS = 60


def stamp(tags: Sequence[str]) -> bytes:
    """What the tags stand at now."""
    return b".".join(site.current().store.stamps(tags))


def joined(stamps: Sequence[bytes | None]) -> str:
    """Several tags' stamps as one, to be kept with an entry."""
    return b".".join(stamp or NO_STAMP for stamp in stamps).decode("latin-1")


def bump(tags: Sequence[str]) -> None:
    """End every entry that carries one of the tags."""
    site.current().store.bump(tags)


def bump_after_commit(tags: Sequence[str]) -> None:
    """End them once the current unit of work is committed."""
    wanted = list(tags)
    db.after_commit(lambda: bump(wanted))


def cached_count(name: str, key: str, tags: Sequence[str]) -> Callable[[Callable[[], int]], int]:
    """A total that is counted once for each stamp of its membership tags; each time while Redis is away."""

    def total(count: Callable[[], int]) -> int:
        store = site.current().store
        try:
            entry, *stamps = store.get_many([(f"count:{name}", key), *((TAG_SCOPE, tag) for tag in tags)])
        except RedisError:
            return count()
        now = joined(stamps)
        kept: list[Any] = orjson.loads(entry) if entry is not None else [None, 0]
        if kept[0] == now:
            return int(kept[1])
        counted = count()
        with suppress(RedisError):
            store.put(f"count:{name}", key, orjson.dumps([now, counted]), ENTRY_SECONDS)
        return counted

    return total
