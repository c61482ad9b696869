"""How many rows lists of attempts and quizzes examine on MariaDB: a page's worth, wherever the page is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text

from learnomy_wp.kernel import db
from learnomy_wp.kernel.page import Listing, Page
from learnomy_wp.quizzes import attempt_listing, listing
from tests.client import Api, make_api
from wp_schema.tables import quiz_attempts, quizzes

QUIZZES, COURSES, ATTEMPTS = 3_000, 10, 12_000
CROWDED = 1  # the quiz, and the course, that half of the attempts are of
PER_PAGE = 20
START = datetime(2025, 1, 1, tzinfo=UTC)
STATES = ("graded", "graded", "graded", "submitted", "abandoned", "needs_grading")


@pytest.fixture(scope="module")
def crowded(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A site with three thousand quizzes and twelve thousand attempts."""
    api = make_api(database_url, tmp_path_factory.mktemp("crowded"))
    with api.inside():
        db.transaction(_fill)
        for table in (quizzes, quiz_attempts):
            db.rows(text(f"ANALYZE TABLE {table.name}"))
    yield api
    api.runtime.database.dispose()


def _fill() -> None:
    tests = [
        {
            "course_id": None if number % 4 == 0 else 1 + number % COURSES,
            "author_id": 1 + number % 7,
            "title": f"Quiz {number}",
            "sort_title": f"quiz {number * 7919 % QUIZZES:05}",
            "slug": f"quiz-{number}",
            "mode": ("graded", "practice")[number % 10 == 0],
            "status": ("published", "draft")[number % 5 == 0],
            **_times(number * 7919 % QUIZZES),
            "published_at": START,
        }
        for number in range(QUIZZES)
    ]
    attempts = [
        {
            "quiz_id": CROWDED if number % 2 else 2 + number % 50,
            "course_id": CROWDED if number % 2 else 2 + number % (COURSES - 1),
            "user_id": 1 if number % 4 == 0 else 2 + number % 900,
            "number": 1 + number,
            "status": STATES[number * 31 % len(STATES)],
            "started_at": START + timedelta(minutes=number * 7919 % ATTEMPTS),
            **_times(number),
        }
        for number in range(ATTEMPTS)
    ]
    for table, rows in ((quizzes, tests), (quiz_attempts, attempts)):
        for first in range(0, len(rows), 2_000):
            db.execute(insert(table), rows[first : first + 2_000])


def _times(minute: int) -> dict[str, datetime]:
    at = START + timedelta(minutes=minute)
    return {"created_at": at, "updated_at": at}


def _reads() -> int:
    rows = db.rows(text("SHOW SESSION STATUS LIKE 'Handler_read%'"))
    return sum(int(row["Value"]) for row in rows)


def _page(of: Listing, query: dict[str, Any], cursor: str | None, per_page: int = PER_PAGE) -> Page:
    values = {"per_page": per_page, **query, **({"cursor": cursor} if cursor else {})}
    return of.page(values, {"caller_id": 0, "author_id": 0}, total=lambda _count: 0)


def _places(of: Listing, query: dict[str, Any]) -> list[str | None]:
    """The first, the middle and the last page."""
    cursors: list[str | None] = [None]
    while (following := _page(of, query, cursors[-1], 100).cursor_next) is not None:
        cursors.append(following)
    return [cursors[0], cursors[len(cursors) // 2], cursors[-1]]


def _check(of: Listing, query: dict[str, Any]) -> None:
    for sort in of.sorts:
        wanted = {**query, "sort": sort}
        for cursor in _places(of, wanted):
            before = _reads()
            assert _page(of, wanted, cursor).rows
            assert _reads() - before <= 3 * PER_PAGE, (wanted, cursor)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"status": "needs_grading"},
        {"user_id": 1},
        {"user_with_status": 1, "status": "graded"},
        {"quiz_id": CROWDED},
        {"quiz_with_status": CROWDED, "status": "needs_grading"},
        {"course_id": CROWDED},
        {"course_with_status": CROWDED, "status": "needs_grading"},
        {"many_of_staff": list(range(1, COURSES))},
    ],
    ids=str,
)
def test_a_page_of_attempts_reads_no_more_than_three_pages_rows(crowded: Api, query: dict[str, Any]) -> None:
    with crowded.inside():
        _check(attempt_listing.LISTING, query)


@pytest.mark.parametrize("query", [{}, {"status": "published"}, {"status": "draft"}, {"mode": "graded"}], ids=str)
def test_a_page_of_quizzes_reads_no_more_than_three_pages_rows(crowded: Api, query: dict[str, Any]) -> None:
    kept = {} if "status" in query else {"is_kept": True}
    with crowded.inside():
        _check(listing.LISTING, {**query, **kept})
