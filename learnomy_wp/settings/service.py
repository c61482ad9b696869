"""Changing settings: judged here, written by WordPress, which keeps them in its options."""

from __future__ import annotations

from typing import Any

from learnomy_wp.kernel import cache, db, settings, site
from learnomy_wp.kernel.wordpress import Effects


def change_settings(changes: dict[str, Any]) -> Effects:
    """The site's settings with these changed. What an option holds beyond them stays."""
    values = {**site.record().settings, **changes}
    if db.in_unit_of_work():
        cache.bump_after_commit([settings.TAG])
    return Effects(
        [{"kind": "update_settings", "settings": changes}], {name: _value(name, values) for name in settings.DECLARED}
    )


def _value(name: str, values: dict[str, Any]) -> Any:
    return values[name] if name in values else settings.DECLARED[name][0]
