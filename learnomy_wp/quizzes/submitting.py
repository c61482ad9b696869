"""Handing an attempt in, by the learner or by the clock, and what a machine can grade of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from learnomy_wp.kernel import clock, db
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.quizzes import answers, attempts, grading, outcome, rules, statistics
from learnomy_wp.quizzes.errors import AttemptClosed
from wp_schema.tables import quiz_attempts

Row = dict[str, Any]

FACTS = select(
    quiz_attempts.c.id.label("attempt_id"),
    quiz_attempts.c.user_id,
    quiz_attempts.c.quiz_id,
    quiz_attempts.c.enrollment_id,
).where(quiz_attempts.c.id == bindparam("id"))


def submit_attempt(actor: Actor, facts: Mapping[str, Any], *, body: Mapping[str, Any]) -> Row:
    """Hand in the caller's attempt, with what was not saved yet; one that was handed in is given as it is.

    Emits `AttemptSubmitted`, and as far as machines can grade it `AttemptGraded` and `AttemptPassed`.
    Raises `AttemptClosed` where answers come with it and it was handed in already, `ValidationFailed`.
    """
    held = outcome.lock_attempt(facts)
    after = held.attempt
    if after["status"] == "in_progress":
        if body["answers"]:
            answers.save_into(after, body["answers"], clock.now())
        after = finish(held, actor_id=actor.id)
    elif body["answers"]:
        raise AttemptClosed
    found = attempts.get_attempt(actor, facts["attempt_id"], is_staff=False)
    outcome.count_passed(held.attempt, after)
    return found


def finish_overdue(attempt_id: int) -> bool:
    """End an attempt whose time is over, in a unit of work of its own; False where it is not, or not any more."""
    return db.transaction(lambda: _finish_overdue(attempt_id))


def _finish_overdue(attempt_id: int) -> bool:
    facts = db.row(FACTS, {"id": attempt_id})
    assert facts is not None, "attempts are never removed"
    held = outcome.lock_attempt(facts)
    if held.attempt["status"] != "in_progress" or not _is_to_end(held.attempt, clock.now()):
        return False
    outcome.count_passed(held.attempt, finish(held, actor_id=0, is_auto=True))
    return True


def _is_to_end(attempt: Mapping[str, Any], now: datetime) -> bool:
    """Whether the clock ends an attempt: at the end of its grace, or where late answers count, a day after that."""
    return attempt["ends_at"] is not None and now > attempt["ends_at"]


def finish(held: outcome.Held, *, actor_id: int, is_auto: bool = False) -> Row:
    """End a locked, open attempt: grade what a machine can, or abandon it where it is late and the quiz wants that.

    The caller ends with `outcome.count_passed`.
    """
    attempt, now = held.attempt, clock.now()
    is_late = answers.is_over(attempt, now)
    policy = attempt["settings"]["on_late"]
    if is_late and policy == rules.ABANDON:
        return outcome.abandon(held)
    # Time was over at its deadline, however late the job came.
    is_auto = is_auto or (is_late and policy == rules.SUBMIT)
    ended = attempt["grace_until"] if is_auto and is_late else now
    graded = grading.grade_all(attempt)
    late = is_late and policy == rules.COUNT
    changed = {"submitted_at": ended, "is_auto_submitted": is_auto, "is_late": late}
    after = outcome.conclude(held, graded, actor_id=actor_id, **changed)
    statistics.count_later(attempt["quiz_id"])
    return after
