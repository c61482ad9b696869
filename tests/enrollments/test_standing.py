"""What grants add up to: the rules without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnomy_wp.enrollments.grants import is_open, stand

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)
NEW = {"status": "pending", "completed_at": None}


def grant(starts: int = -10, ends: int | None = None, ended: int | None = None, reason: str = "cancelled") -> Any:
    """A grant by days from now."""

    def at(days: int | None) -> datetime | None:
        return None if days is None else NOW + days * DAY

    return {
        "source": "manual",
        "starts_at": at(starts),
        "ends_at": at(ends),
        "ended_at": at(ended),
        "end_reason": reason if ended is not None else None,
    }


@pytest.mark.parametrize(
    ("grants", "window", "status", "expires", "changes"),
    [
        ([], None, "pending", None, None),
        ([grant()], None, "active", None, None),
        ([grant(ends=5)], None, "active", 5, 5),
        ([grant(ends=0)], None, "expired", 0, None),
        ([grant(starts=0)], None, "active", None, None),
        ([grant(starts=2, ends=5)], None, "pending", None, 2),
        ([grant(ends=5), grant(starts=3, ends=9)], None, "active", 5, 3),
        ([grant(ends=5), grant()], None, "active", None, 5),
        ([grant(ended=-1)], None, "cancelled", None, None),
        ([grant(ended=-1, reason="refunded")], None, "refunded", None, None),
        ([grant(ended=-1, reason="refunded"), grant(ends=-2)], None, "refunded", None, None),
        ([grant(ended=-3, reason="refunded"), grant(ends=-2)], None, "expired", -2, None),
        ([grant(ended=-1), grant(ends=1)], None, "active", 1, 1),
        ([grant(ended=-1), grant(starts=4)], None, "cancelled", None, 4),
        ([grant()], 3, "active", 3, 3),
        ([grant(ends=2)], 3, "active", 2, 2),
        ([grant(ends=5)], 3, "active", 3, 3),
        ([grant()], 0, "expired", 0, None),
        ([grant(ended=-5)], -1, "cancelled", None, None),
    ],
)
def test_the_standing_of(
    grants: list[Any], window: int | None, status: str, expires: int | None, changes: int | None
) -> None:
    ends = None if window is None else NOW + window * DAY
    found = stand(NEW, grants, ends, NOW)
    assert found.status == status
    assert found.has_access == (status == "active")
    assert found.expires_at == (None if expires is None else NOW + expires * DAY)
    assert found.next_transition_at == (None if changes is None else NOW + changes * DAY)


def test_a_request_turned_down_stays_so_until_there_is_a_grant() -> None:
    turned_down = {"status": "cancelled", "completed_at": None}
    assert stand(turned_down, [], None, NOW).status == "cancelled"
    assert stand(turned_down, [grant(starts=2)], None, NOW).status == "pending"


def test_completed_shows_whatever_the_grants_do_but_access_follows_them() -> None:
    done = {"status": "completed", "completed_at": NOW - DAY}
    assert stand(done, [grant()], None, NOW).status == "completed"
    ended = stand(done, [grant(ended=-1, reason="refunded")], None, NOW)
    assert (ended.status, ended.has_access, ended.end_reason) == ("completed", False, "refunded")


days = st.integers(-5, 5)
some_grants = st.lists(
    st.builds(
        grant, days, st.none() | days, st.none() | st.integers(-5, 0), st.sampled_from(["cancelled", "refunded"])
    ),
    max_size=5,
)


@given(some_grants, st.none() | days)
def test_access_is_the_union_and_the_next_change_is_never_missed(grants: list[Any], window: int | None) -> None:
    ends = None if window is None else NOW + window * DAY
    here = stand(NEW, grants, ends, NOW)

    def is_live(at: datetime) -> bool:
        if ends is not None and ends <= at:
            return False
        return any(is_open(one, at) and one["starts_at"] <= at for one in grants)

    assert here.has_access == is_live(NOW)
    # Until the next transition nothing changes, hour by hour.
    until = here.next_transition_at or NOW + 12 * DAY
    at = NOW
    while at < until:
        assert is_live(at) == here.has_access
        at += timedelta(hours=12)
    if here.has_access and here.expires_at is not None:
        assert here.next_transition_at is not None
        assert here.next_transition_at <= here.expires_at
