"""`/settings`."""

from __future__ import annotations

from functools import cache
from typing import Any

from learnomy_wp.kernel import settings
from learnomy_wp.kernel.endpoint import Blueprint
from learnomy_wp.kernel.policy import MANAGER
from learnomy_wp.kernel.wordpress import Effects
from learnomy_wp.settings import service
from learnomy_wp.settings.schemas import settings_out, settings_patch


@cache
def blueprint() -> Blueprint:
    """Declared last, once every feature has declared its settings: they are the schema."""
    bp, shown = Blueprint("settings", group="admin"), settings_out()

    @bp.endpoint("get", "/settings", can=MANAGER, returns=shown)
    def get_settings() -> dict[str, Any]:
        """Read the site's settings."""
        return settings.all_values()

    @bp.endpoint("patch", "/settings", can=MANAGER, body=settings_patch(), returns=shown, writes_wordpress=True)
    def update_settings(body: dict[str, Any]) -> Effects:
        """Change settings; what is not named stays."""
        return service.change_settings(body)

    return bp
