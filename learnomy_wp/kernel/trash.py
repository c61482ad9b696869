"""The trash: what goes there can come back for 30 days, and is removed for good after 31.

Each feature registers its removal (`retention.removes`), and keeps what a student's record needs.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from learnomy_wp.kernel import clock
from learnomy_wp.kernel.errors import refusal

KEPT = timedelta(days=30)
# So that nobody restores what is being removed.
_GRACE = timedelta(days=1)

InTrash = refusal("in_trash", "This is in the trash. Restore it first, by setting its status.")
TrashExpired = refusal("trash_expired", "This has been in the trash for more than 30 days and cannot be restored.")


def removed_before() -> datetime:
    """What went into the trash before this may be removed for good."""
    return clock.now() - KEPT - _GRACE


def check_restorable(deleted_at: datetime) -> None:
    """Refuse what has been in the trash for too long. Raises `TrashExpired`."""
    if clock.now() - deleted_at > KEPT:
        raise TrashExpired
