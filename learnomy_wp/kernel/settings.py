"""Settings of a site: declared by the features that use them, kept in the option `learnomy_settings`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import fields

# Ends what is kept of answers: every setting, and what WordPress's own options say, may show in one.
TAG = "settings"
DECLARED: dict[str, tuple[Any, fields.Field[Any]]] = {}


def declare(name: str, default: Any, field: fields.Field[Any]) -> str:
    """Declare a setting with its default and the field that validates it; gives back its name."""
    DECLARED[name] = (default, field)
    return name


def get(name: str) -> Any:
    """The site's value of a setting, else its default."""
    from learnomy_wp.kernel import site

    stored = site.record().settings
    return stored[name] if name in stored else DECLARED[name][0]


def all_values(changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Every declared setting with its value in force, or once these changes are made; null where a map is empty."""
    values = {name: get(name) for name in DECLARED} | dict(changes or {})
    # PHP's empty array is a list.
    return {name: None if value in ({}, []) else value for name, value in values.items()}
