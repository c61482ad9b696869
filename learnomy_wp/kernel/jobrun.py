"""Runs one job: claims its row, keeps the lease, calls the handler, and settles the outcome."""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, or_, select, update

from learnomy_wp.kernel import clock, db, leases, log, metrics, site
from learnomy_wp.kernel.jobs import KINDS, Kind
from wp_schema.tables import jobs

FIRST_RETRY_SECONDS = 5.0
LONGEST_RETRY_SECONDS = 3600.0
_ERROR_LENGTH = 2000

# Set while the process ends: running jobs stop at their next progress and wait for another worker.
stopping = threading.Event()


class JobRefused(Exception):
    """Raised by a handler: this job fails now, and another run would not help."""


# These end a handler from within `progress`; no `except Exception` of its own may swallow them.
class _Stopped(BaseException):
    """The process ends; the job goes on elsewhere."""


class _Cancelled(BaseException):
    """Somebody asked the job to end."""


class _LeaseLost(BaseException):
    """Another worker has taken the job over; whatever this one does now would come twice."""


_mine = and_(jobs.c.id == bindparam("job_id"), jobs.c.locked_by == bindparam("me"), jobs.c.state == "running")
CLAIM = (
    update(jobs)
    .where(
        jobs.c.id == bindparam("job_id"),
        or_(
            and_(jobs.c.state == "queued", jobs.c.run_at <= bindparam("now")),
            and_(jobs.c.state == "running", jobs.c.locked_until < bindparam("now")),
        ),
    )
    .values(
        state="running",
        attempts=jobs.c.attempts + 1,
        locked_by=bindparam("me"),
        locked_until=bindparam("until"),
        started_at=bindparam("now"),
        updated_at=bindparam("now"),
    )
)
READ = select(jobs).where(jobs.c.id == bindparam("job_id"))
RENEW = update(jobs).where(_mine).values(locked_until=bindparam("until"))
PROGRESS = (
    update(jobs)
    .where(_mine)
    .values(
        done=bindparam("done_now"),
        total=bindparam("of"),
        report=bindparam("report_now", type_=jobs.c.report.type),
        updated_at=bindparam("now"),
        locked_until=bindparam("until"),
    )
)
SETTLE = (
    update(jobs)
    .where(_mine)
    .values(
        state=bindparam("outcome"),
        done=bindparam("done_now"),
        total=bindparam("of"),
        report=bindparam("report_now", type_=jobs.c.report.type),
        error=bindparam("problem"),
        attempts=bindparam("tries"),
        run_at=bindparam("next_run"),
        finished_at=bindparam("end"),
        updated_at=bindparam("now"),
        locked_by=None,
        locked_until=None,
    )
)
# A job that was asked for again while it ran has a run_at after its start, and is not done.
SETTLE_UNLESS_AGAIN = SETTLE.where(jobs.c.run_at <= jobs.c.started_at)
IS_CANCELLED = select(jobs.c.cancel_requested).where(jobs.c.id == bindparam("job_id"))


@dataclass
class Job:
    """A job while it runs. The handler reads `payload`, tells its `progress`, fills `report`.

    One that is taken up again finds `done` and `report` as its last `progress` left them.
    """

    id: int
    kind: str
    owner_id: int
    payload: dict[str, Any]
    attempt: int
    done: int
    total: int
    report: dict[str, Any] = field(default_factory=dict)
    _token: str = ""
    _end: BaseException | None = None

    def progress(self, done: int, total: int | None = None) -> None:
        """Say how far the job is; call it between units of work, every second or so.

        Within a unit of work it is committed with it: what is done is noted exactly then, and by this worker alone.
        Ends the handler by an exception where the job was cancelled, the process stops, or
        another worker has it.
        """
        self.done = done
        self.total = self.total if total is None else total
        values = {**self._values(), "now": clock.now(), "until": _lease_end()}
        if not db.transaction(lambda: db.execute(PROGRESS, values).rowcount):
            raise _LeaseLost
        if self._end is not None:
            raise self._end
        if stopping.is_set():
            raise _Stopped

    def _values(self) -> dict[str, Any]:
        return {
            "job_id": self.id,
            "me": self._token,
            "done_now": self.done,
            "of": self.total,
            "report_now": self.report or None,
        }


def perform(blog_id: int, job_id: int) -> None:
    """What the queue in Redis calls: run one job of a blog in this process's own runtime."""
    with db.session(), db.blog(blog_id):
        run(job_id)


def run(job_id: int) -> bool:
    """Run a job of the current blog, if it is due and nobody runs it; False where it is not."""
    token = secrets.token_hex(16)
    claim = {"job_id": job_id, "now": clock.now(), "me": token, "until": _lease_end()}
    if not db.transaction(lambda: db.execute(CLAIM, claim).rowcount):
        return False
    row = db.row(READ, {"job_id": job_id})
    assert row is not None
    running = Job(
        id=job_id,
        kind=row["kind"],
        owner_id=row["owner_id"],
        payload=row["payload"] or {},
        attempt=row["attempts"],
        done=row["done"],
        total=row["total"],
        report=row["report"] or {},
        _token=token,
    )
    began = time.perf_counter()
    log.begin(job_id=job_id, job=running.kind, attempt=running.attempt)
    outcome = _guarded(running, is_cancelled=bool(row["cancel_requested"]))
    seconds = time.perf_counter() - began
    log.get().info("job", outcome=outcome, ms=round(seconds * 1000, 1))
    metrics.observe_job(running.kind, outcome, seconds)
    return True


def _guarded(running: Job, *, is_cancelled: bool) -> str:
    """Call the handler and settle the row; gives done, again, retry, failed, cancelled, stopped or lost."""
    kind = KINDS.get(running.kind)
    try:
        if is_cancelled:
            raise _Cancelled
        if kind is None:
            raise LookupError(f"no handler is declared for {running.kind}")
        if running.attempt > kind.retries + 1:
            raise JobRefused("the process that ran this job was lost each time")
        with leases.renewed(_renewer(running, kind), _lease_seconds() / 3):
            report = kind.handler(running)
    except _LeaseLost:
        return "lost"
    except _Cancelled:
        return _settle(running, "cancelled")
    except _Stopped:
        return _requeue(running, "stopped")
    except JobRefused as error:
        return _settle(running, "failed", problem=str(error))
    except Exception as error:
        log.get().exception("job_failed")
        return _retry_or_fail(running, kind, error)
    except BaseException:
        _requeue(running, "stopped")
        raise
    return _finish(running, kind, report)


def _finish(running: Job, kind: Kind, report: Mapping[str, Any] | None) -> str:
    if report is not None:
        running.report = dict(report)
    if kind.reruns and not _write(SETTLE_UNLESS_AGAIN, running, "done", end=True):
        return _requeue(running, "again")
    return "done" if kind.reruns else _settle(running, "done")


def _retry_or_fail(running: Job, kind: Kind | None, error: Exception) -> str:
    problem = f"{type(error).__name__}: {error}"
    if kind is not None and running.attempt > kind.retries:
        return _settle(running, "failed", problem=problem)
    if kind is None and running.attempt > 10:
        return _settle(running, "failed", problem=problem)
    is_mine = _write(SETTLE, running, "queued", problem=problem, delay=retry_seconds(running.attempt))
    return "retry" if is_mine else "lost"


def retry_seconds(attempt: int) -> float:
    """How long to wait after the failed run number `attempt`: four times longer each time, with jitter."""
    seconds = min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 4.0 ** (attempt - 1))
    return seconds * random.uniform(0.8, 1.2)  # noqa: S311


def _settle(running: Job, outcome: str, problem: str | None = None) -> str:
    return outcome if _write(SETTLE, running, outcome, problem=problem, end=True) else "lost"


def _requeue(running: Job, outcome: str) -> str:
    """Back into the queue as if this run had not been."""
    return outcome if _write(SETTLE, running, "queued", tries=max(0, running.attempt - 1)) else "lost"


def _write(
    statement: Any,
    running: Job,
    outcome: str,
    *,
    problem: str | None = None,
    delay: float = 0.0,
    tries: int | None = None,
    end: bool = False,
) -> bool:
    now = clock.now()
    values = {
        **running._values(),
        "outcome": outcome,
        "problem": problem[:_ERROR_LENGTH] if problem else None,
        "tries": running.attempt if tries is None else tries,
        "next_run": now + timedelta(seconds=delay),
        "end": now if end else None,
        "now": now,
    }
    return bool(db.transaction(lambda: db.execute(statement, values).rowcount))


# --- the lease -------------------------------------------------------------------------


def _lease_seconds() -> int:
    return site.current().config.lease_seconds


def _lease_end() -> datetime:
    return clock.now() + timedelta(seconds=_lease_seconds())


def _renewer(running: Job, kind: Kind) -> Callable[[], bool]:
    """Renews the lease of a job, and notes that it was cancelled or that its time is over."""
    ends = time.monotonic() + kind.timeout_seconds

    def renew() -> bool:
        if time.monotonic() > ends:
            running._end = TimeoutError(f"it took more than {kind.timeout_seconds} seconds")
            return False
        return db.transaction(lambda: _renew(running))

    return renew


def _renew(running: Job) -> bool:
    values = {"job_id": running.id, "me": running._token, "until": _lease_end()}
    if not db.execute(RENEW, values).rowcount:
        return False
    if db.value(IS_CANCELLED, {"job_id": running.id}):
        running._end = _Cancelled()
    return True
