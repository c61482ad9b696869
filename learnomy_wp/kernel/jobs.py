"""Background jobs: rows of `lrn_jobs`, committed with the change that wants them.

The row is the truth. Redis, where there is one, only wakes a worker with the row's id; what is
lost on the way is found by `due_jobs`. A job runs once at a time, under a lease that is renewed
while it runs; one that fails or loses its process runs again, so a handler repeats harmlessly.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import and_, bindparam, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from learnomy_wp.kernel import clock, db, log, retention, site
from learnomy_wp.kernel.keystore import RedisKeyStore
from wp_schema.tables import jobs

if TYPE_CHECKING:
    from learnomy_wp.kernel.jobrun import Job

Handler = Callable[["Job"], Mapping[str, Any] | None]

RETRIES = 3
TIMEOUT_SECONDS = 3600
KEPT_DAYS = 30
PUSHED_SECONDS = 60
# A handler is asked to end when its time is over; the queue ends it by force a little later.
_GRACE_SECONDS = 30
PERFORM = "learnomy_wp.kernel.jobrun.perform"
_KEY_LENGTH = 128

# Set when a job was enqueued without Redis, so that a worker in this process need not wait.
wake = threading.Event()


@dataclass(frozen=True)
class Kind:
    """What `@job` declares."""

    name: str
    handler: Handler
    retries: int
    timeout_seconds: int
    reruns: bool


KINDS: dict[str, Kind] = {}


def job(
    kind: str, *, retries: int = RETRIES, timeout_seconds: int = TIMEOUT_SECONDS, reruns: bool = False
) -> Callable[[Handler], Handler]:
    """Declare the handler of a kind of job.

    `retries` more runs follow a failed one. With `reruns`, a job that is asked for again by its
    unique key while it runs starts anew after it (recounts); without, it is joined (imports).
    """

    def register(handler: Handler) -> Handler:
        if kind in KINDS:
            raise ValueError(f"the kind of job {kind} is declared twice")
        KINDS[kind] = Kind(kind, handler, retries, timeout_seconds, reruns)
        return handler

    return register


# --- enqueue ---------------------------------------------------------------------------

INSERT = insert(jobs)
LIVE = select(jobs.c.id, jobs.c.state, jobs.c.started_at).where(jobs.c.live_key == bindparam("key")).with_for_update()
QUEUED = select(jobs.c.id).where(jobs.c.live_key == bindparam("key"), jobs.c.state == "queued")
AGAIN = update(jobs).where(jobs.c.id == bindparam("job_id"), jobs.c.state == "running").values(run_at=bindparam("at"))
_due = and_(
    jobs.c.run_at <= bindparam("now"),
    or_(jobs.c.state == "queued", and_(jobs.c.state == "running", jobs.c.locked_until < bindparam("now"))),
)
# The first condition is implied by the others; it lets the index (state, run_at, id) be used.
DUE = (
    select(jobs.c.id, jobs.c.kind, jobs.c.run_at, jobs.c.locked_until)
    .where(jobs.c.state.in_(("queued", "running")), _due)
    .order_by(jobs.c.run_at, jobs.c.id)
    .limit(bindparam("limit"))
)
CANCEL_QUEUED = (
    update(jobs)
    .where(jobs.c.id == bindparam("job_id"), jobs.c.state == "queued")
    .values(state="cancelled", finished_at=bindparam("at"), updated_at=bindparam("at"))
)
CANCEL_RUNNING = (
    update(jobs).where(jobs.c.id == bindparam("job_id"), jobs.c.state == "running").values(cancel_requested=True)
)
retention.keep(jobs, jobs.c.finished_at, days=lambda: KEPT_DAYS, index="finished")


def enqueue(
    kind: str,
    payload: Mapping[str, Any] | None = None,
    *,
    owner_id: int = 0,
    unique_key: str | None = None,
    run_at: datetime | None = None,
    total: int = 0,
) -> int:
    """Put a job into the current unit of work; gives its id.

    Where a job of the same `unique_key` waits or runs, that one is joined and its id given.
    """
    if kind not in KINDS:
        raise LookupError(f"no handler is declared for the kind of job {kind}")
    key = _live_key(kind, unique_key)
    joined = _join(KINDS[kind], key)
    if joined is not None:
        return joined
    now = clock.now()
    at = run_at or now
    row: dict[str, Any] = {"kind": kind, "owner_id": owner_id, "state": "queued", "total": total, "unique_key": key}
    row |= {"payload": dict(payload or {}), "run_at": at, "created_at": now, "updated_at": now}
    try:
        job_id = db.insert_id(db.execute(INSERT, row))
    except IntegrityError:
        joined = _join(KINDS[kind], key)
        if joined is None:
            raise
        return joined
    if at <= now:
        db.after_commit(partial(_announce, db.blog_id(), job_id, kind, at))
    return job_id


def is_queued(kind: str, unique_key: str) -> bool:
    """Whether a job of this key waits to run; it will see all that is committed by now."""
    return db.value(QUEUED, {"key": _live_key(kind, unique_key)}) is not None


def _live_key(kind: str, unique_key: str | None) -> str | None:
    if unique_key is None:
        return None
    key = f"{kind}:{unique_key}"
    return key if len(key) <= _KEY_LENGTH and key.isascii() else hashlib.sha256(key.encode()).hexdigest()


def _join(kind: Kind, key: str | None) -> int | None:
    """The live job of a key. One that runs and `reruns` is told to start anew."""
    found = db.row(LIVE, {"key": key}) if key is not None else None
    if found is None:
        return None
    job_id = int(found["id"])
    if found["state"] == "running" and kind.reruns:
        after_start = found["started_at"] + timedelta(microseconds=1)
        db.execute(AGAIN, {"job_id": job_id, "at": max(clock.now(), after_start)})
    return job_id


def cancel(job_id: int) -> None:
    """End a waiting job, and ask a running one to end, in the current unit of work."""
    if not db.execute(CANCEL_QUEUED, {"job_id": job_id, "at": clock.now()}).rowcount:
        db.execute(CANCEL_RUNNING, {"job_id": job_id})


# --- waking a worker -------------------------------------------------------------------


def _announce(blog_id: int, job_id: int, kind: str, at: datetime) -> None:
    with db.blog(blog_id):
        if not push(job_id, kind, at):
            wake.set()


def queue(store: RedisKeyStore) -> Queue:
    """The site's queue in Redis."""
    return Queue(f"{store.namespace}:jobs", connection=store.client, serializer=JSONSerializer)


def push(job_id: int, kind: str, since: datetime) -> bool:
    """Tell a worker by Redis that a job is due `since` then, at most once a minute.

    False where there is no Redis or it is away: the table is read then.
    """
    store = site.current().store
    if not isinstance(store, RedisKeyStore):
        return False
    declared = KINDS.get(kind)
    seconds = _GRACE_SECONDS + (declared.timeout_seconds if declared else TIMEOUT_SECONDS)
    try:
        if store.add("job", f"{job_id}:{since.isoformat()}", ttl_seconds=PUSHED_SECONDS):
            queue(store).enqueue(PERFORM, db.blog_id(), job_id, job_timeout=seconds, result_ttl=0, failure_ttl=60)
    except RedisError as error:
        log.get().warning("job_not_announced", job_id=job_id, error=str(error))
        return False
    return True


def due_jobs(limit: int = 50) -> list[int]:
    """Jobs of the current blog whose time has come, and those whose worker was lost."""
    return [int(row["id"]) for row in _due_rows(limit)]


def push_due(limit: int = 50) -> int:
    """Announce by Redis what is due and nobody took; gives how many are due."""
    found = _due_rows(limit)
    for row in found:
        if not push(int(row["id"]), row["kind"], row["locked_until"] or row["run_at"]):
            break
    return len(found)


def _due_rows(limit: int) -> list[dict[str, Any]]:
    return db.rows(DUE, {"now": clock.now(), "limit": limit})
