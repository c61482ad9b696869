"""What status reads."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, literal, select

from learnomy_wp.kernel import db
from wp_schema.tables import jobs, outbox

ALIVE = select(literal(1))
# Nearly every row is done, and none of those is read but the few that were begun again: each question has its index.
_by_state, _by_attempts = "FORCE INDEX (zblog_lrn_outbox_state)", "FORCE INDEX (zblog_lrn_outbox_attempts)"
WAITING = (
    select(func.count().label("waiting"), func.min(outbox.c.created_at).label("oldest"))
    .where(outbox.c.state.in_(("pending", "claimed", "firing")))
    .with_hint(outbox, _by_state, "mysql")
)
SKIPPED = select(func.count()).where(outbox.c.state == "skipped").with_hint(outbox, _by_state, "mysql")
# What nobody listens to was never claimed, so it has no attempts.
FIRED_ONCE = select(func.max(outbox.c.done_at)).where(outbox.c.attempts == 1).with_hint(outbox, _by_attempts, "mysql")
REPEATED = (
    select(func.count().label("repeated"), func.max(outbox.c.done_at).label("last"))
    .where(outbox.c.attempts > 1, outbox.c.done_at.is_not(None))
    .with_hint(outbox, _by_attempts, "mysql")
)
JOBS = (
    select(jobs.c.state, func.count().label("n"))
    .where(jobs.c.state.in_(("queued", "running", "failed")))
    .group_by(jobs.c.state)
    .with_hint(jobs, "FORCE INDEX (zblog_lrn_jobs_due)", "mysql")
)


def is_alive() -> bool:
    """Whether the database answers."""
    return bool(db.value(ALIVE) == 1)


def outbox_state() -> dict[str, Any]:
    """How many rows wait, since when, and when one was last fired."""
    waiting, repeated = db.rows(WAITING)[0], db.rows(REPEATED)[0]
    ends: list[datetime] = [at for at in (db.value(FIRED_ONCE), repeated["last"]) if at is not None]
    return {
        **waiting,
        "last_fired_at": max(ends, default=None),
        "skipped": db.value(SKIPPED),
        "repeated": repeated["repeated"],
    }


def job_counts() -> dict[str, int]:
    """How many jobs wait, run and have failed, by state."""
    return {row["state"]: row["n"] for row in db.rows(JOBS)}
