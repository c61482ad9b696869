"""The audit log: one line per event, written with the change itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from marshmallow import fields, validate
from sqlalchemy import insert

from learnomy_wp.kernel import call as calls
from learnomy_wp.kernel import clock, db, retention, settings
from wp_schema.tables import activity

if TYPE_CHECKING:
    from learnomy_wp.kernel.events import Event

KEPT_DAYS = settings.declare(
    "activity_days",
    365,
    fields.Integer(
        strict=True,
        validate=validate.Range(0, 36_500),
        metadata={"description": "How many days the audit log is kept; 0 = for ever."},
    ),
)
retention.keep(activity, activity.c.at, days=lambda: int(settings.get(KEPT_DAYS)), index="at")

INSERT = insert(activity)


def record(event: Event, values: Mapping[str, Any], actor_id: int) -> None:
    """Write who did what to which object, from where."""
    call = calls.current()
    object_type, id_field = event.about
    db.execute(
        INSERT,
        {
            "at": clock.now(),
            "actor_id": actor_id,
            "event": event.topic,
            "object_type": object_type,
            "object_id": values[id_field] if id_field else 0,
            "course_id": values.get("course_id", 0),
            "user_id": values.get("user_id", 0),
            "summary": dict(values),
            "ip": call.client if call else "",
            "request_id": call.request_id if call else "",
            "door": call.door if call else "",
        },
    )
