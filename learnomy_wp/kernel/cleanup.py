"""The one job that removes what nobody needs any more (kernel/retention.py), once an hour."""

from __future__ import annotations

import time
from typing import Any

from learnomy_wp.kernel import activity, db, jobs, log, outbox, retention, schedules
from learnomy_wp.kernel.jobrun import Job
from learnomy_wp.kernel.keystore import DatabaseKeyStore

KIND = "clean_up"
# They declare what they keep by being imported.
KEEPERS = (activity, jobs, outbox)
# Between two batches others have their turn; on SQLite, which has one writer, most of all.
PAUSE_SECONDS = 0.05
_SWEPT_BATCHES = 200


@schedules.every(60)
def sweep_expiring_keys() -> None:
    """Remove expired keys, which live for minutes. The table has some beside Redis too, from while it was away."""
    DatabaseKeyStore().sweep(_SWEPT_BATCHES)


@schedules.every(3600)
def schedule_clean_up() -> None:
    """Ask for a cleanup, unless one waits or runs."""
    db.transaction(lambda: jobs.enqueue(KIND, unique_key="all"))


@jobs.job(KIND, retries=0)
def clean_up(running: Job) -> dict[str, Any]:
    """Remove what is over, a batch in each unit of work. One removal that fails stops no other."""
    removed: dict[str, int] = {}
    failed: list[str] = []
    for name, removal in retention.REMOVALS.items():
        try:
            removed[name] = _all_batches(running, removal)
        except Exception:
            log.get().exception("removal_failed", removal=name)
            failed.append(name)
    if failed:
        raise RuntimeError(f"not removed: {', '.join(failed)}")
    return {name: number for name, number in removed.items() if number}


def _all_batches(running: Job, removal: retention.Removal) -> int:
    removed, last = 0, retention.BATCH
    while last >= retention.BATCH:
        last = removal()
        removed += last
        running.progress(running.done + last)
        time.sleep(PAUSE_SECONDS if last else 0)
    return removed
