"""The settings resource: its fields are what the features declared."""

from __future__ import annotations

import copy

from marshmallow import Schema

from learnomy_wp.kernel.serialize import In, Out
from learnomy_wp.kernel.settings import DECLARED


def settings_out() -> Schema:
    """Every declared setting."""
    return _schema("SettingsOut", Out)


def settings_patch() -> Schema:
    """Any of the declared settings."""
    return _schema("SettingsPatch", In)


def _schema(name: str, base: type[Schema]) -> Schema:
    made = {setting: copy.deepcopy(field) for setting, (_default, field) in DECLARED.items()}
    schema: type[Schema] = type(name, (base,), {"__doc__": "The site's settings.", **made})
    return schema()
