"""The rules of a quiz as plain functions: gates, deadlines, what is shown when, and which score counts.

Every deadline is an instant in UTC, made from the server's time and seconds: neither the site's zone nor daylight
saving moves one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

Row = Mapping[str, Any]

GRADED, PRACTICE, SURVEY = MODES = ("graded", "practice", "survey")
SUBMIT, COUNT, ABANDON = ON_LATE = ("submit", "count", "abandon")
SCORE_POLICIES = ("highest", "last", "first", "average")
MOMENTS = ("during", "after", "later", "closed")
THINGS = ("answer", "correctness", "points", "right_answer", "feedback")
# Course states in which learners may know of its quizzes; the last two only from within.
OPEN_STATES = ("published", "private", "archived")
# How long "right after" lasts, as in Moodle.
RIGHT_AFTER = timedelta(minutes=2)
# An attempt that may be submitted late is submitted at the latest so long after its deadline.
LATEST = timedelta(days=1)
PLACES = 5

_SHOWN: dict[str, frozenset[str]] = {
    "during": frozenset({"answer"}),
    "after": frozenset({"answer", "correctness", "points", "feedback"}),
    "later": frozenset({"answer", "correctness", "points", "feedback"}),
    "closed": frozenset(THINGS),
}
DEFAULT_REVIEW: dict[str, dict[str, bool]] = {
    moment: {thing: thing in shown for thing in THINGS} for moment, shown in _SHOWN.items()
}


def review_rule_of(quiz: Row) -> dict[str, dict[str, bool]]:
    """The whole review rule of a quiz."""
    return {**DEFAULT_REVIEW, **(quiz["review_rule"] or {})}


def moment_of(attempt: Row, closes_at: datetime | None, now: datetime) -> str:
    """Which moment of the review rule an attempt is in."""
    if attempt["status"] == "in_progress":
        return "during"
    if closes_at is not None and closes_at <= now:
        return "closed"
    ended = attempt["submitted_at"] or attempt["abandoned_at"] or attempt["started_at"]
    return "after" if now < ended + RIGHT_AFTER else "later"


def is_known(quiz: Row) -> bool:
    """Whether learners may know of a quiz any more, by its `status` and its `course_status` (None without a course)."""
    return quiz["status"] == "published" and quiz["course_status"] in (None, *OPEN_STATES)


# --- one user's rules --------------------------------------------------------------------


@dataclass(frozen=True)
class Terms:
    """The rules of a quiz as they hold for one user, overrides applied."""

    opens_at: datetime | None
    closes_at: datetime | None
    attempt_limit: int | None
    time_limit_seconds: int | None
    cooldown_seconds: int
    grace_seconds: int

    def due_at(self, started_at: datetime) -> datetime | None:
        """When an attempt that starts then has to be submitted: its time is over, or the quiz closes."""
        limit = self.time_limit_seconds
        ends = None if limit is None else started_at + timedelta(seconds=limit)
        if ends is None or (self.closes_at is not None and self.closes_at < ends):
            return self.closes_at
        return ends

    def grace_until(self, due_at: datetime | None) -> datetime | None:
        """Until when a save counts as in time."""
        return None if due_at is None else due_at + timedelta(seconds=self.grace_seconds)

    def deadlines(self, started_at: datetime, on_late: str) -> dict[str, datetime | None]:
        """When an attempt is due, until when saves are in time, and when the clock ends it: its columns."""
        due_at = self.due_at(started_at)
        grace = self.grace_until(due_at)
        ends_at = grace + LATEST if grace is not None and on_late == COUNT else grace
        return {"due_at": due_at, "grace_until": grace, "ends_at": ends_at}


def terms_of(quiz: Row, override: Mapping[str, Any] | None) -> Terms:
    """The rules of a quiz for the user whose override this is."""
    given = override or {}
    limit, seconds = quiz["attempt_limit"], quiz["time_limit_seconds"]
    return Terms(
        opens_at=_instant(given.get("opens_at")) or quiz["opens_at"],
        closes_at=_instant(given.get("closes_at")) or quiz["closes_at"],
        attempt_limit=None if limit is None else limit + int(given.get("extra_attempts") or 0),
        time_limit_seconds=None if seconds is None else seconds + int(given.get("extra_time_seconds") or 0),
        cooldown_seconds=quiz["cooldown_seconds"] or 0,
        grace_seconds=quiz["grace_seconds"],
    )


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def next_attempt_at(terms: Terms, last_ended_at: datetime | None, now: datetime) -> datetime | None:
    """When dates and cooldown let a user start (again), None where they do now."""
    moments = [terms.opens_at] if terms.opens_at is not None else []
    if last_ended_at is not None and terms.cooldown_seconds:
        moments.append(last_ended_at + timedelta(seconds=terms.cooldown_seconds))
    latest = max(moments, default=None)
    return latest if latest is not None and latest > now else None


# --- scores ------------------------------------------------------------------------------


def percent_of(score: float, max_score: float) -> float:
    """Points as a percentage, within 0 and 100; a quiz worth nothing is passed by whoever submits it."""
    if max_score <= 0:
        return 100.0
    return round(min(100.0, max(0.0, score * 100 / max_score)), PLACES)


def result_of(percents: Sequence[float], policy: str) -> float | None:
    """What several attempts come to, given in the order in which they were started."""
    if not percents:
        return None
    if policy == "first":
        return percents[0]
    if policy == "last":
        return percents[-1]
    if policy == "average":
        return round(sum(percents) / len(percents), PLACES)
    return max(percents)


def is_passed(percent: float, passing_percent: float) -> bool:
    """Whether a percentage is enough, to the fifth place."""
    return round(percent, PLACES) >= round(passing_percent, PLACES)


def result_word(fraction: float | None) -> str:
    """What a share of the points is called."""
    if fraction is None:
        return "ungraded"
    return "right" if fraction >= 1 else "partial" if fraction > 0 else "wrong"
