"""Where one user stands with one quiz: attempts used and left, the open one, and when the next may begin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from learnomy_wp.kernel import db
from learnomy_wp.quizzes import rules
from learnomy_wp.quizzes.rules import Terms, next_attempt_at
from wp_schema.tables import quiz_attempts

Row = dict[str, Any]

ATTEMPTS = (
    select(
        *(
            quiz_attempts.c[name]
            for name in (
                "id",
                "number",
                "status",
                "mode",
                "started_at",
                "submitted_at",
                "abandoned_at",
                "due_at",
                "grace_until",
                "percent",
                "passed",
                "is_voided",
            )
        )
    )
    .where(quiz_attempts.c.quiz_id == bindparam("quiz_id"), quiz_attempts.c.user_id == bindparam("user_id"))
    .order_by(quiz_attempts.c.number)
)


@dataclass(frozen=True)
class Standing:
    """One user's attempts of a quiz. `counted` are neither reset nor of an earlier go at the course."""

    counted: Sequence[Row]
    last_number: int
    open_attempt: Row | None

    @property
    def used(self) -> int:
        return len(self.counted)

    @property
    def ended(self) -> list[Row]:
        return [attempt for attempt in self.counted if attempt["status"] != "in_progress"]

    def left(self, terms: Terms) -> int | None:
        """How many attempts are left, None without a limit."""
        return None if terms.attempt_limit is None else max(0, terms.attempt_limit - self.used)

    def next_at(self, terms: Terms, now: datetime) -> datetime | None:
        """When dates and cooldown let the user start, None where they do now."""
        ends = [attempt["submitted_at"] or attempt["abandoned_at"] or attempt["started_at"] for attempt in self.ended]
        return next_attempt_at(terms, max(ends, default=None), now)

    def percents(self) -> list[float]:
        """The results that count, oldest first."""
        return [attempt["percent"] for attempt in self._graded()]

    def is_passed(self, policy: str, passing_percent: float) -> bool:
        """Whether the result passes: each attempt by the mark that held when it began, an average by the given one."""
        graded = self._graded()
        if not graded:
            return False
        if policy == "average":
            result = rules.result_of(self.percents(), policy)
            return result is not None and rules.is_passed(result, passing_percent)
        if policy == "highest":
            return any(attempt["passed"] for attempt in graded)
        return bool(graded[0 if policy == "first" else -1]["passed"])

    def _graded(self) -> list[Row]:
        graded = (attempt for attempt in self.counted if attempt["status"] == "graded")
        return [attempt for attempt in graded if attempt["mode"] == rules.GRADED]


def find_standing(user_id: int, quiz_id: int, reset_at: datetime | None) -> Standing:
    """A user's standing with a quiz; `reset_at` is when the user began the course again, if ever."""
    rows = db.rows(ATTEMPTS, {"quiz_id": quiz_id, "user_id": user_id}) if user_id else []
    counted = [row for row in rows if _counts(row, reset_at)]
    is_open = (row for row in rows if row["status"] == "in_progress")
    return Standing(counted, max((row["number"] for row in rows), default=0), next(is_open, None))


def _counts(attempt: Mapping[str, Any], reset_at: datetime | None) -> bool:
    return not attempt["is_voided"] and (reset_at is None or attempt["started_at"] >= reset_at)
