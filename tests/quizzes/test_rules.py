"""The rules of a quiz as functions: deadlines as instants, scores within their bounds, moments of review."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnomy_wp.quizzes import rules

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
QUIZ: dict[str, Any] = {
    "opens_at": None,
    "closes_at": None,
    "attempt_limit": 2,
    "time_limit_seconds": 3600,
    "cooldown_seconds": None,
    "grace_seconds": 30,
}
percents = st.lists(st.floats(0, 100, allow_nan=False), min_size=1, max_size=20)


# --- scores ------------------------------------------------------------------------------


@given(st.floats(-1e6, 1e6, allow_nan=False), st.floats(0, 1e6, allow_nan=False))
def test_a_percentage_is_within_0_and_100(score: float, most: float) -> None:
    assert 0 <= rules.percent_of(score, most) <= 100


@given(percents, st.sampled_from(rules.SCORE_POLICIES))
def test_a_result_is_within_its_attempts(values: list[float], policy: str) -> None:
    result = rules.result_of(values, policy)
    assert result is not None
    assert min(values) - 1e-5 <= result <= max(values) + 1e-5


@pytest.mark.parametrize(("policy", "result"), [("highest", 80), ("last", 50), ("first", 20), ("average", 50)], ids=str)
def test_each_policy(policy: str, result: float) -> None:
    assert rules.result_of([20, 80, 50], policy) == result
    assert rules.result_of([], policy) is None


def test_the_passing_mark_is_met_by_what_equals_it() -> None:
    two_thirds = rules.percent_of(2, 3)
    assert rules.is_passed(two_thirds, 66.66667)
    assert not rules.is_passed(two_thirds, 66.66668)
    assert rules.percent_of(0, 0) == 100


# --- deadlines ---------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"])
@pytest.mark.parametrize("month", [3, 4, 10, 11])
def test_no_change_of_the_clocks_moves_a_deadline(zone: str, month: int) -> None:
    """Started at any hour of any day of the months in which clocks change, an hour is an hour."""
    terms = rules.terms_of(QUIZ, None)
    for hour in range(0, 24 * 30):
        local = datetime(2026, month, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC) + timedelta(hours=hour)
        due = terms.due_at(local.astimezone(ZoneInfo(zone)).astimezone(UTC))
        assert due is not None
        assert due.timestamp() - local.timestamp() == 3600


def test_the_deadline_is_the_first_of_limit_and_close() -> None:
    closes = NOON + timedelta(minutes=10)
    terms = rules.terms_of({**QUIZ, "closes_at": closes}, None)
    assert terms.deadlines(NOON, "submit") == {
        "due_at": closes,
        "grace_until": closes + timedelta(seconds=30),
        "ends_at": closes + timedelta(seconds=30),
    }
    assert terms.due_at(NOON - timedelta(hours=3)) == NOON - timedelta(hours=2)
    counted = terms.deadlines(NOON, "count")
    assert counted["ends_at"] == closes + timedelta(seconds=30) + rules.LATEST
    free = rules.terms_of({**QUIZ, "time_limit_seconds": None}, None)
    assert free.deadlines(NOON, "submit") == {"due_at": None, "grace_until": None, "ends_at": None}


def test_an_override_adds_time_and_attempts_and_sets_dates() -> None:
    opens = NOON + timedelta(days=1)
    override = {"extra_time_seconds": 600, "extra_attempts": 1, "opens_at": opens.isoformat()}
    terms = rules.terms_of(QUIZ, override)
    assert (terms.time_limit_seconds, terms.attempt_limit, terms.opens_at) == (4200, 3, opens)
    unlimited = rules.terms_of({**QUIZ, "attempt_limit": None, "time_limit_seconds": None}, override)
    assert (unlimited.time_limit_seconds, unlimited.attempt_limit) == (None, None)


def test_dates_and_cooldown_say_when_the_next_attempt_may_begin() -> None:
    terms = rules.terms_of({**QUIZ, "cooldown_seconds": 60, "opens_at": NOON}, None)
    before = NOON - timedelta(seconds=1)
    assert rules.next_attempt_at(terms, None, before) == NOON
    assert rules.next_attempt_at(terms, None, NOON) is None
    assert rules.next_attempt_at(terms, NOON, NOON + timedelta(seconds=59)) == NOON + timedelta(seconds=60)
    assert rules.next_attempt_at(terms, NOON, NOON + timedelta(seconds=60)) is None


# --- moments -----------------------------------------------------------------------------


def test_moments_of_an_attempt() -> None:
    attempt = {"status": "in_progress", "submitted_at": None, "abandoned_at": None, "started_at": NOON}
    assert rules.moment_of(attempt, NOON - timedelta(days=1), NOON) == "during"
    done = {**attempt, "status": "graded", "submitted_at": NOON}
    assert rules.moment_of(done, None, NOON + timedelta(seconds=119)) == "after"
    assert rules.moment_of(done, None, NOON + timedelta(seconds=120)) == "later"
    assert rules.moment_of(done, NOON + timedelta(days=1), NOON + timedelta(days=1)) == "closed"


def test_nothing_that_helps_is_shown_during_an_attempt_by_default() -> None:
    shown = rules.review_rule_of({"review_rule": None})
    assert shown["during"] == {**dict.fromkeys(rules.THINGS, False), "answer": True}
    assert not shown["after"]["right_answer"]
    assert all(shown["closed"].values())
