"""The outbox: actions for WordPress, committed with the change and fired exactly once.

Rows go pending, claimed, firing, done (or skipped). The row is the only memory: a claim is a
conditional UPDATE committed before anything fires, and only the first open row of an
aggregate may be claimed. The plugin does the firing; this drain hands it what is due.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from marshmallow import fields, validate
from redis import RedisError
from sqlalchemy import and_, bindparam, exists, insert, or_, select, update

from learnomy_wp.kernel import cache, clock, db, events, hooks, local, log, loopback, retention, settings, site
from learnomy_wp.kernel import call as calls
from wp_schema.tables import outbox

OPEN = ("pending", "claimed", "firing")
BATCH = 50
PATIENCE_SECONDS = 2.5  # a listener's budget; one that takes longer keeps its own aggregate waiting only

KEPT_DAYS = settings.declare(
    "outbox_days",
    30,
    fields.Integer(
        strict=True,
        validate=validate.Range(1, 3650),
        metadata={"description": "How many days an event is kept once WordPress has heard of it."},
    ),
)
# What is open, however old, waits for WordPress.
retention.keep(
    outbox,
    outbox.c.done_at,
    outbox.c.state.in_(("done", "skipped")),
    days=lambda: int(settings.get(KEPT_DAYS)),
    index="done",
)

INSERT = insert(outbox)
# Every row has these columns, however it is born: one statement for all.
BORN: dict[str, Any] = {
    "state": "pending",
    "claim_token": None,
    "claimed_until": None,
    "cursor_position": 0,
    "attempts": 0,
    "note": None,
    "done_at": None,
}
EARLIER_OPEN = (
    select(outbox.c.id).where(outbox.c.aggregate == bindparam("aggregate"), outbox.c.state.in_(OPEN)).limit(1)
)
_claimable = or_(
    outbox.c.state == "pending",
    and_(outbox.c.state.in_(("claimed", "firing")), outbox.c.claimed_until < bindparam("at")),
)
_earlier = outbox.alias()
DUE = (
    select(outbox.c.id)
    .where(
        _claimable,
        ~exists().where(
            _earlier.c.aggregate == outbox.c.aggregate, _earlier.c.state.in_(OPEN), _earlier.c.id < outbox.c.id
        ),
    )
    .order_by(outbox.c.id)
    .limit(bindparam("limit_rows"))
    # Of all the rows that are done, none is read.
    .with_hint(outbox, "FORCE INDEX (zblog_lrn_outbox_state)", "mysql")
)
CLAIM = (
    update(outbox)
    .where(outbox.c.id.in_(bindparam("ids", expanding=True)), _claimable)
    .values(
        state="claimed",
        claim_token=bindparam("token"),
        claimed_until=bindparam("until"),
        attempts=outbox.c.attempts + 1,
    )
)
CLAIMED = (
    select(outbox).where(outbox.c.claim_token == bindparam("token"), outbox.c.state == "claimed").order_by(outbox.c.id)
)
RELEASE = (
    update(outbox)
    .where(outbox.c.claim_token == bindparam("token"), outbox.c.state == "claimed")
    .values(state="pending", claim_token=None, claimed_until=None, attempts=outbox.c.attempts - 1)
)
DONE = update(outbox).where(outbox.c.id == bindparam("row_id")).values(state="done", done_at=bindparam("at"))


def add(
    *,
    aggregate: str,
    event: str,
    hook: str,
    arguments: Sequence[Any],
    payload: Mapping[str, Any],
    actor_id: int,
    kind: str = "action",
) -> None:
    """Put a row in the current unit of work.

    Rows written by a full or internal door are born claimed by their request, which fires
    them once it has answered. A row that nobody listens to is born done.
    """
    row = {"aggregate": aggregate, "event": event, "kind": kind, "hook": hook, "actor_id": actor_id}
    row |= {"args": list(arguments), "payload": dict(payload), "created_at": clock.now()}
    db.execute(INSERT, {**BORN, **row, **_birth(aggregate, hook, kind)})


def _birth(aggregate: str, hook: str, kind: str) -> dict[str, Any]:
    """The request that writes a row, and the state in which the row begins."""
    call = calls.current()
    born: dict[str, Any] = {"request_id": call.request_id if call else ""}
    if kind == "action" and not is_heard(hook):
        return born | {"state": "done", "done_at": clock.now(), "note": "unheard"}
    if call is not None and call.signed and call.door in ("full", "internal") and _is_first(aggregate):
        call.fires = True
        lease = {"claim_token": call.fire_token, "claimed_until": _lease_end()}
        return born | {"state": "claimed", "attempts": 1, **lease}
    return born


def is_heard(hook: str) -> bool:
    """Whether anybody listens to an action, or may do so."""
    if not hook:
        return False
    if site.current().is_embedded:
        return hooks.has_python_listener(hook)
    record = site.record()
    # While the record is not to be trusted, WordPress finds out that nobody listens.
    return bool(record.problem) or record.is_stale or record.listens(hook)


def _is_first(aggregate: str) -> bool:
    return db.row(EARLIER_OPEN, {"aggregate": aggregate}) is None


def _lease_end() -> Any:
    return clock.now() + timedelta(seconds=site.current().config.lease_seconds)


def claim(limit: int = BATCH) -> tuple[str, list[dict[str, Any]]]:
    """Claim due rows: of each aggregate the first open one.

    A first row stays the first until it is done, so no other claimer can be overtaken. What waits
    behind it is claimed when it is done, by whoever fired it or at the next claim.
    """
    now = clock.now()
    ids = db.values(DUE, {"at": now, "limit_rows": limit})
    token = secrets.token_hex(16)
    if not ids:
        return token, []
    db.write(CLAIM, {"ids": ids, "at": now, "token": token, "until": _lease_end()})
    return token, db.rows(CLAIMED, {"token": token})


def drain_once() -> int:
    """Claim what is due and have it fired. Returns how many rows were handed over.

    Raises `LoopbackFailed` where WordPress could not be reached; the rows are then pending
    again, and WordPress's own requests fire them.
    """
    token, rows = claim()
    if not rows:
        return 0
    # Who committed these may have been killed before it came to that.
    with suppress(RedisError):  # a Redis that is away holds up no action
        cache.bump(sorted({tag for row in rows for tag in _tags(row)}))
    if site.current().is_embedded:
        for row in rows:
            _fire_here(row)
        return len(rows)
    try:
        loopback.call("fire", {"token": token, "ids": [row["id"] for row in rows]}, patience=PATIENCE_SECONDS)
    except loopback.LoopbackTimeout:
        log.get().warning("listener_slow", rows=len(rows))
    finally:
        # What a hung listener keeps from its turn goes to the next call; rows that fired are not touched.
        db.write(RELEASE, {"token": token})
    return len(rows)


def _tags(row: Mapping[str, Any]) -> list[str]:
    known = events.EVENTS.get(row["event"])
    return known.tags_for(row["payload"]) if known else []


def _fire_here(row: dict[str, Any]) -> None:
    if row["kind"] == "effect":
        db.transaction(lambda: local.perform([{"kind": row["event"], **row["payload"]}]))
    else:
        hooks.do_action(row["hook"], row["args"])
    db.write(DONE, {"row_id": row["id"], "at": clock.now()})
