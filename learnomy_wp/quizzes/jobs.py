"""Attempts whose time is over: found by their deadline, ended one at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, or_, select

from learnomy_wp.kernel import clock, db, jobs, log, schedules
from learnomy_wp.kernel.jobrun import Job
from learnomy_wp.quizzes import regrading, statistics, submitting
from wp_schema.tables import quiz_attempts

END = "end_quiz_attempts"
EVERY_SECONDS = 15
BATCH = 200
LONG_AGO = datetime.fromisoformat("1000-01-01T00:00:00+00:00")

_until = quiz_attempts.c.ends_at
ANY_DUE = select(quiz_attempts.c.id).where(_until < bindparam("now")).limit(1)
DUE = (
    select(quiz_attempts.c.id, _until)
    .where(
        _until < bindparam("now"),
        or_(_until > bindparam("after"), (_until == bindparam("after")) & (quiz_attempts.c.id > bindparam("after_id"))),
    )
    .order_by(_until, quiz_attempts.c.id)
    .limit(BATCH)
)


@schedules.every(EVERY_SECONDS)
def end_due_attempts() -> None:
    """End the attempts whose time is over by now."""
    if db.value(ANY_DUE, {"now": clock.now()}) is not None:
        db.transaction(lambda: jobs.enqueue(END, unique_key="due"))


@jobs.job(END, reruns=True)
def end_attempts(job: Job) -> dict[str, Any]:
    """End what is due, each attempt in a transaction of its own; one that fails stops no other."""
    now, after, after_id = clock.now(), LONG_AGO, 0
    ended = failed = 0
    while due := db.rows(DUE, {"now": now, "after": after, "after_id": after_id}):
        for row in due:
            try:
                ended += submitting.finish_overdue(row["id"])
            except Exception:
                log.get().exception("attempt_not_ended", attempt_id=row["id"])
                failed += 1
            job.progress(ended + failed)
        after, after_id = due[-1]["ends_at"], due[-1]["id"]
    return {"ended": ended, "failed": failed}


jobs.job(statistics.KIND, reruns=True)(statistics.count_quiz)
jobs.job(regrading.KIND)(regrading.regrade)
