"""What status reads."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, literal, select

from learnomy_wp.kernel import db
from wp_schema.tables import jobs, outbox

ALIVE = select(literal(1))
WAITING = select(func.count(), func.min(outbox.c.created_at).label("oldest")).where(
    outbox.c.state.in_(("pending", "claimed", "firing"))
)
# What nobody listens to was never claimed.
LAST_FIRED = select(func.max(outbox.c.done_at)).where(outbox.c.state == "done", outbox.c.attempts > 0)
SKIPPED = select(func.count()).where(outbox.c.state == "skipped")
REPEATED = select(func.count()).where(outbox.c.state == "done", outbox.c.attempts > 1)
JOBS = select(jobs.c.state, func.count().label("n")).group_by(jobs.c.state)


def is_alive() -> bool:
    """Whether the database answers."""
    return bool(db.value(ALIVE) == 1)


def outbox_state() -> dict[str, Any]:
    """How many rows wait, since when, and when one was last fired."""
    waiting = db.row(WAITING) or {"count_1": 0, "oldest": None}
    oldest: datetime | None = waiting["oldest"]
    return {
        "waiting": waiting["count_1"],
        "oldest": oldest,
        "last_fired_at": db.value(LAST_FIRED),
        "skipped": db.value(SKIPPED) or 0,
        "repeated": db.value(REPEATED) or 0,
    }


def job_counts() -> dict[str, int]:
    """Jobs by state."""
    return {row["state"]: row["n"] for row in db.rows(JOBS)}
