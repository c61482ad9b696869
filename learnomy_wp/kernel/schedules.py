"""Tasks that recur: each runs in one process at a time, and once an interval whoever runs it.

The database says who runs what: Redis may be away for a while, and forgets.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from learnomy_wp.kernel import db, leases, log, site
from learnomy_wp.kernel.keystore import DatabaseKeyStore

Task = Callable[[], object]

# A little less than the interval, so that the next turn of the same process is not refused.
_MARK_SHARE = 0.9


@dataclass(frozen=True)
class Schedule:
    """What `@every` declares."""

    name: str
    seconds: float
    task: Task


SCHEDULES: dict[str, Schedule] = {}


def every(seconds: float) -> Callable[[Task], Task]:
    """Declare a function that the worker calls for each blog every so many seconds.

    What takes long belongs into a job that the function enqueues.
    """

    def register(task: Task) -> Task:
        name = task.__name__
        if name in SCHEDULES:
            raise ValueError(f"the schedule {name} is declared twice")
        SCHEDULES[name] = Schedule(name, seconds, task)
        return task

    return register


class Timetable:
    """When this process tries each schedule of each blog next."""

    def __init__(self) -> None:
        self._next: dict[tuple[int, str], float] = {}

    def run_due(self) -> int:
        """Run what is due for the current blog; gives how many tasks ran here."""
        ran = 0
        for schedule in list(SCHEDULES.values()):
            place = (db.blog_id(), schedule.name)
            now = time.monotonic()
            if now >= self._next.get(place, 0.0):
                self._next[place] = now + schedule.seconds
                ran += run_once(schedule)
        return ran


def run_once(schedule: Schedule) -> bool:
    """Run a schedule of the current blog, unless it runs elsewhere or has had its turn."""
    store, holder = DatabaseKeyStore(), secrets.token_bytes(16)
    lease_seconds = site.current().config.lease_seconds
    if not store.add("schedule-run", schedule.name, holder, lease_seconds):
        return False
    try:
        if not store.add("schedule", schedule.name, b"", schedule.seconds * _MARK_SHARE):
            return False
        renew = _renewer(schedule.name, holder, lease_seconds)
        with leases.renewed(renew, lease_seconds / 3):
            schedule.task()
    except Exception:
        log.get().exception("schedule_failed", schedule=schedule.name)
    finally:
        store.release("schedule-run", schedule.name, holder)
    return True


def _renewer(name: str, holder: bytes, seconds: int) -> Callable[[], bool]:
    store = DatabaseKeyStore()
    return lambda: store.extend("schedule-run", name, holder, seconds)
