"""How many rows the course list examines on MariaDB: a page's worth, wherever the page is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert, select, text

from learnomy_wp.courses.listing import LISTING
from learnomy_wp.kernel import db
from learnomy_wp.kernel.page import Page
from learnomy_wp.kernel.search import search_values
from tests.client import Api, make_api
from wp_schema.tables import course_instructors, course_terms, courses, terms

COUNT = 4000
PER_PAGE = 20
START = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def crowded(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A site with four thousand courses."""
    api = make_api(database_url, tmp_path_factory.mktemp("crowded"))
    with api.inside():
        db.transaction(_fill)
        for table in (courses, course_terms, course_instructors):
            db.rows(text(f"ANALYZE TABLE {table.name}"))
    yield api
    api.runtime.database.dispose()


def _fill() -> None:
    rows = [_course(number) for number in range(COUNT)]
    db.execute(insert(courses), rows)
    term = {"taxonomy": "tag", "name": "t", "slug": "t", "sort_title": "t", "created_at": START, "updated_at": START}
    db.execute(insert(terms), term)
    made = db.rows(select(courses))
    copies = [
        {"course_id": row["id"], "course_status": row["status"]}
        | {name: row[name] for name in ("published_at", "sort_title")}
        for row in made
    ]
    more = ("price_minor", "rating_avg", "student_count")
    tagged = [
        {**copy, "term_id": 1, **{name: row[name] for name in more}}
        for copy, row in zip(copies, made, strict=True)
        if row["id"] % 3 == 0
    ]
    db.execute(insert(course_terms), tagged)
    taught = [{**copy, "user_id": 2 + copy["course_id"] % 10, "created_at": START} for copy in copies]
    db.execute(insert(course_instructors), taught)


def _course(number: int) -> dict[str, Any]:
    at = START + timedelta(hours=number % 997)
    return {
        "title": f"Course {number % 113}",
        "slug": f"course-{number}",
        "sort_title": f"course {number % 113}",
        "status": "draft" if number % 20 == 0 else "published",
        "level": ("beginner", "advanced", "all", "all")[number % 4],
        "language": ("en", "de")[number % 7 == 0],
        "price_minor": 100 * (number % 11),
        "currency": "EUR",
        "is_featured": number % 50 == 0,
        "rating_avg": number * 37 % 501,
        "student_count": number * 13 % 499,
        "created_at": at,
        "updated_at": at,
        "published_at": at,
    }


def _reads() -> int:
    rows = db.rows(text("SHOW SESSION STATUS LIKE 'Handler_read%'"))
    return sum(int(row["Value"]) for row in rows)


def _page(query: dict[str, Any], cursor: str | None, per_page: int = PER_PAGE) -> Page:
    values = {"status": "published", "per_page": per_page, **query, **({"cursor": cursor} if cursor else {})}
    return LISTING.page(values, total=lambda _count: 0)


def _places(query: dict[str, Any]) -> list[str | None]:
    """Cursors of the first, a middle and the last page."""
    cursors: list[str | None] = [None]
    while (following := _page(query, cursors[-1], 100).cursor_next) is not None:
        cursors.append(following)
    return [cursors[0], cursors[len(cursors) // 2], cursors[-1]]


@pytest.mark.parametrize(
    "query",
    [
        *({"sort": order} for order in LISTING.sorts),
        {"level": "beginner"},
        {"language": "de"},
        {"is_free": True},
        {"is_free": False, "price_from": 1},
        {"featured": True},
        {"featured": False},
        *({"rated_" + str(stars): True, "rating_from": stars * 100} for stars in range(1, 5)),
        {"instructor": 5},
        *({"tag": 1, "sort": order} for order in LISTING.sorts),
    ],
    ids=str,
)
def test_a_page_reads_no_more_than_three_pages_rows(crowded: Api, query: dict[str, Any]) -> None:
    with crowded.inside():
        for cursor in _places(query):
            before = _reads()
            rows = _page(query, cursor).rows
            # A row that is found by way of another table is two reads.
            assert _reads() - before <= 3 * PER_PAGE, (query, cursor)
            assert rows or cursor is None


@pytest.mark.parametrize("words", ["cour 7", "cou"])
def test_a_search_asks_the_fulltext_index(crowded: Api, words: str) -> None:
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        sent.append((statement, parameters))

    engine = crowded.runtime.database.read
    event.listen(engine, "before_cursor_execute", note)
    try:
        with crowded.inside():
            _page(search_values(words), None)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    [(statement, parameters)] = sent
    with engine.connect() as connection:
        [plan] = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).mappings()
    assert plan["type"] == "fulltext"
