"""How many rows a course's reviews examine on MariaDB: a page's worth, wherever the page is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text

from learnomy_wp.kernel import db
from learnomy_wp.kernel.page import Page
from learnomy_wp.reviews.listing import LISTING
from tests.client import Api, make_api
from wp_schema.tables import reviews

COURSES, COUNT, LAST = 20, 12_000, 20
PER_PAGE = 20
START = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def crowded(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A site with twelve thousand reviews, half of them of one course."""
    api = make_api(database_url, tmp_path_factory.mktemp("crowded"))
    with api.inside():
        db.transaction(_fill)
        db.rows(text(f"ANALYZE TABLE {reviews.name}"))
    yield api
    api.runtime.database.dispose()


def _fill() -> None:
    rows = []
    for number in range(COUNT):
        at = START + timedelta(minutes=number * 7919 % COUNT)
        rows.append(
            {
                "course_id": LAST if number % 2 else 1 + number % (COURSES - 1),
                "user_id": 1 + number,
                "rating": 1 + number % 5,
                "status": "pending" if number % 20 in (3, 4) else "approved",
                "created_at": at,
                "updated_at": at,
            }
        )
    for first in range(0, COUNT, 2_000):
        db.execute(insert(reviews), rows[first : first + 2_000])


def _reads() -> int:
    rows = db.rows(text("SHOW SESSION STATUS LIKE 'Handler_read%'"))
    return sum(int(row["Value"]) for row in rows)


def _page(query: dict[str, Any], cursor: str | None, per_page: int = PER_PAGE) -> Page:
    values = {"per_page": per_page, **query, **({"cursor": cursor} if cursor else {})}
    return LISTING.page(values, total=lambda _count: 0)


def _places(query: dict[str, Any]) -> list[str | None]:
    cursors: list[str | None] = [None]
    while (following := _page(query, cursors[-1], 100).cursor_next) is not None:
        cursors.append(following)
    return [cursors[0], cursors[len(cursors) // 2], cursors[-1]]


@pytest.mark.parametrize("sort", list(LISTING.sorts))
@pytest.mark.parametrize(
    "query",
    [
        {"status": "approved"},
        {"status": "pending"},
        {"status": "approved", "rating": 2},
        {"status": "pending", "rating": 4},
        {"status": "pending", "own": 4},
    ],
    ids=str,
)
def test_a_page_reads_no_more_than_three_pages_rows(crowded: Api, query: dict[str, Any], sort: str) -> None:
    with crowded.inside():
        for course_id in (3, LAST):
            wanted = {**query, "course_id": course_id, "sort": sort}
            for cursor in _places(wanted):
                before = _reads()
                _page(wanted, cursor)
                assert _reads() - before <= 3 * PER_PAGE, (wanted, cursor)
