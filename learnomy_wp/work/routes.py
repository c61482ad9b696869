"""`/jobs/{id}`."""

from __future__ import annotations

from typing import Any

from learnomy_wp.kernel import jobview
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.endpoint import Blueprint
from learnomy_wp.kernel.errors import NotFound
from learnomy_wp.kernel.policy import USER

bp = Blueprint("work", group="system")


@bp.endpoint("get", "/jobs/<int:id>", can=USER, returns=jobview.JobOut)
def get_job(actor: Actor, id: int) -> dict[str, Any]:
    """Read the progress and the report of the caller's own long work; managers read any."""
    found = jobview.find_job(id)
    if found["owner_id"] != actor.id and not actor.is_manager:
        raise NotFound("job")
    return found
