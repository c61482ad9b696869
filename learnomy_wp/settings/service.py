"""Changing settings: judged here, written by WordPress, which keeps them in its options."""

from __future__ import annotations

from typing import Any

from learnomy_wp.kernel import cache, db, settings
from learnomy_wp.kernel.wordpress import Effects


def change_settings(changes: dict[str, Any]) -> Effects:
    """The site's settings with these changed. What an option holds beyond them stays."""
    if db.in_unit_of_work():
        cache.bump_after_commit([settings.TAG])
    return Effects([{"kind": "update_settings", "settings": changes}], settings.all_values(changes))
