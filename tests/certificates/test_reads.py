"""How many rows the list of certificates examines on MariaDB: a page's worth, wherever the page is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text

from learnomy_wp.certificates import listing, queries
from learnomy_wp.kernel import db
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.page import Page
from tests.client import Api, make_api
from wp_schema.tables import certificates, course_instructors

COURSES, PEOPLE, COUNT = 100, 1_000, 10_000
PER_PAGE = 20
START = datetime(2025, 1, 1, tzinfo=UTC)
SMALL_TEACHER, LARGE_TEACHER, LEARNER = 90_001, 90_002, 77


@pytest.fixture(scope="module")
def crowded(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A site with ten thousand certificates; to the last course belongs a fifth of them."""
    api = make_api(database_url, tmp_path_factory.mktemp("crowded"))
    with api.inside():
        db.transaction(_fill)
        for table in (certificates, course_instructors):
            db.rows(text(f"ANALYZE TABLE {table.name}"))
    yield api
    api.runtime.database.dispose()


def _fill() -> None:
    rows = [_certificate(number) for number in range(COUNT)]
    for first in range(0, COUNT, 2_000):
        db.execute(insert(certificates), rows[first : first + 2_000])
    teams = [(SMALL_TEACHER, 1), (SMALL_TEACHER, 2), *((LARGE_TEACHER, number) for number in range(10, COURSES + 1))]
    db.execute(
        insert(course_instructors),
        [{"user_id": who, "course_id": course, "published_at": START, "created_at": START} for who, course in teams],
    )


def _certificate(number: int) -> dict[str, Any]:
    course = COURSES if number % 5 == 0 else 1 + number % (COURSES - 1)
    at = START + timedelta(minutes=number * 7919 % COUNT)
    return {
        "uuid": f"{number:036d}",
        "user_id": 1 + number % PEOPLE,
        "course_id": course,
        "object_id": course,
        "completion_no": number,
        "status": "revoked" if number % 50 < 2 else "active",
        "recipient_name": "Somebody",
        "title": "Something",
        "issued_at": at,
        "created_at": at,
        "updated_at": at,
    }


def _reads() -> int:
    rows = db.rows(text("SHOW SESSION STATUS LIKE 'Handler_read%'"))
    return sum(int(row["Value"]) for row in rows)


def _page(query: dict[str, Any], cursor: str | None, per_page: int = PER_PAGE) -> Page:
    values = {"per_page": per_page, **query, **({"cursor": cursor} if cursor else {})}
    return listing.LISTING.page(values, {"caller_id": 0}, total=lambda _count: 0)


def _places(query: dict[str, Any]) -> list[str | None]:
    cursors: list[str | None] = [None]
    while (following := _page(query, cursors[-1], 100).cursor_next) is not None:
        cursors.append(following)
    return [cursors[0], cursors[len(cursors) // 2], cursors[-1]]


@pytest.mark.parametrize(
    "query",
    [
        *({"sort": order} for order in listing.LISTING.sorts),
        {"user_id": LEARNER},
        {"course_id": 5},
        {"course_id": COURSES},
        {"status": "active"},
        {"status": "revoked"},
        {"course_with_status": COURSES, "status": "active"},
    ],
    ids=str,
)
def test_a_page_reads_no_more_than_three_pages_rows(crowded: Api, query: dict[str, Any]) -> None:
    with crowded.inside():
        for cursor in _places(query):
            before = _reads()
            assert _page(query, cursor).rows
            assert _reads() - before <= 3 * PER_PAGE, (query, cursor)


@pytest.mark.parametrize("teacher", [SMALL_TEACHER, LARGE_TEACHER])
@pytest.mark.parametrize("status", [None, "active", "revoked"])
def test_a_teachers_list_reads_no_more_than_a_few_thousand(crowded: Api, teacher: int, status: str | None) -> None:
    with crowded.inside():
        before = _reads()
        values = {"user_id": None, "course_id": None, "per_page": PER_PAGE, "status": status}
        values |= listing._scope(Actor(id=teacher), values)
        page = listing.LISTING.page(values, {"caller_id": teacher}, total=lambda _count: 0)
        assert _reads() - before <= 5_000
        assert page.rows


def test_a_certificate_is_found_by_its_uuid(crowded: Api) -> None:
    with crowded.inside():
        before = _reads()
        assert queries.verify_certificate("0" * 8 + "-0000-4000-8000-" + "0" * 12)["status"] == "unknown"
        assert _reads() - before <= 5
