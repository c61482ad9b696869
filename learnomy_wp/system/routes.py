"""`/health`, `/status` and `/openapi.json`."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app

from learnomy_wp.kernel import envelope
from learnomy_wp.kernel.endpoint import Blueprint
from learnomy_wp.kernel.policy import MANAGER, PUBLIC
from learnomy_wp.system import service
from learnomy_wp.system.schemas import HealthOut, StatusOut

bp = Blueprint("system", group="system")


@bp.endpoint("get", "/health", can=PUBLIC, returns=HealthOut, limit="none")
def get_health() -> dict[str, Any]:
    """Tell whether database, queue and clock work; no secrets."""
    return service.health()


@bp.endpoint("get", "/status", can=MANAGER, returns=StatusOut, limit="none")
def get_status() -> dict[str, Any]:
    """Tell versions, pending migrations, queue depth, last event fired, limit store and clock skew."""
    return service.status()


@bp.endpoint("get", "/openapi.json", can=PUBLIC, limit="none", raw=True)
def get_openapi() -> Response:
    """Describe the namespace in OpenAPI 3.1."""
    document = current_app.extensions["learnomy_api"].spec.to_dict()
    return envelope.respond(document, headers={"Cache-Control": "public, no-cache"})
