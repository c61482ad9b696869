"""What the grants of an enrolment add up to: status, access, and when it next changes.

Pure rules over rows. A grant is live from its start to its end unless it was ended before, and
only while the course's own window has not closed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from learnomy_wp.kernel.errors import ValidationFailed

Row = Mapping[str, Any]

PENDING, ACTIVE, COMPLETED, CANCELLED, EXPIRED, REFUNDED = (
    "pending",
    "active",
    "completed",
    "cancelled",
    "expired",
    "refunded",
)
STATUSES = (PENDING, ACTIVE, COMPLETED, CANCELLED, EXPIRED, REFUNDED)
SOURCES = ("manual", "self", "purchase", "membership", "import", "cohort", "space", "api")


@dataclass(frozen=True)
class Standing:
    """What an enrolment's grants add up to at one instant."""

    status: str
    has_access: bool
    expires_at: datetime | None
    next_transition_at: datetime | None
    source: str = ""  # of the grant that gives access
    began_at: datetime | None = None
    end_reason: str = EXPIRED  # how access ended, where there is none


def is_open(grant: Row, now: datetime) -> bool:
    """Not ended, and not run out: live now or later."""
    return grant["ended_at"] is None and not has_run_out(grant, now)


def has_run_out(grant: Row, now: datetime) -> bool:
    """Its end has passed, whether or not that was noted."""
    return grant["ended_at"] is None and grant["ends_at"] is not None and grant["ends_at"] <= now


def was_live(grant: Row, now: datetime) -> bool:
    """Whether a grant that is over by now gave access before."""
    ended_at = grant["ends_at"] if has_run_out(grant, now) else grant["ended_at"]
    return ended_at is not None and bool(grant["starts_at"] < ended_at)


def find_open(given: Sequence[Row], now: datetime, **source: Any) -> bool:
    """Whether any of the grants is open, of this `source` and `source_id` where they are named."""
    return any(is_open(grant, now) and all(grant[name] == value for name, value in source.items()) for grant in given)


def check_span(grant: Row, now: datetime) -> None:
    """Refuse a grant that is over before it begins. Raises `ValidationFailed`."""
    ends_at = grant.get("expires_at")
    if ends_at is not None and ends_at <= max(now, grant.get("starts_at") or now):
        raise ValidationFailed.of("expires_at", "This is over before it begins.", "too_early")


def stand(enrollment: Row, grants: Sequence[Row], window_ends_at: datetime | None, now: datetime) -> Standing:
    """The standing of an enrolment. `grants` in the order in which they were given."""
    is_closed = window_ends_at is not None and window_ends_at <= now
    open_grants = [grant for grant in grants if is_open(grant, now)]
    live = [] if is_closed else [grant for grant in open_grants if grant["starts_at"] <= now]
    next_transition_at = _next_transition(open_grants, window_ends_at, now)
    if live:
        return Standing(
            COMPLETED if enrollment["completed_at"] is not None else ACTIVE,
            True,
            _live_until(live, window_ends_at),
            next_transition_at,
            source=live[-1]["source"],
            began_at=min(grant["starts_at"] for grant in live),
        )
    if open_grants and is_closed:
        status, ended_at = EXPIRED, window_ends_at
    else:
        status, ended_at = _last_end(grants, now)
    if not status:
        # A request that was turned down stays so, until there is a grant.
        status = CANCELLED if enrollment["status"] == CANCELLED and not open_grants else PENDING
    shown = COMPLETED if enrollment["completed_at"] is not None else status
    return Standing(shown, False, ended_at if status == EXPIRED else None, next_transition_at, end_reason=status)


def _live_until(live: Sequence[Row], window_ends_at: datetime | None) -> datetime | None:
    ends = [grant["ends_at"] for grant in live]
    latest: datetime | None = None if None in ends else max(ends)
    return min((at for at in (latest, window_ends_at) if at is not None), default=None)


def _next_transition(open_grants: Sequence[Row], window_ends_at: datetime | None, now: datetime) -> datetime | None:
    instants = [grant[name] for grant in open_grants for name in ("starts_at", "ends_at")]
    if open_grants:
        instants.append(window_ends_at)
    return min((at for at in instants if at is not None and at > now), default=None)


def _last_end(grants: Sequence[Row], now: datetime) -> tuple[str, datetime | None]:
    """How the grant that ended last ended, and when; empty where none has."""
    ended: list[tuple[datetime, str]] = []
    for grant in reversed(grants):
        if has_run_out(grant, now):
            ended.append((grant["ends_at"], EXPIRED))
        elif grant["ended_at"] is not None:
            ended.append((grant["ended_at"], grant["end_reason"] or CANCELLED))
    if not ended:
        return "", None
    ended_at, reason = max(ended, key=lambda end: end[0])
    return reason, ended_at
