"""How many rows the lists of discussions, notes, instructors and applications examine on MariaDB: a page's worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text

from learnomy_wp.discussions import listing as discussing
from learnomy_wp.discussions import seen
from learnomy_wp.instructors import applying
from learnomy_wp.instructors import listing as teaching
from learnomy_wp.kernel import db
from learnomy_wp.kernel.page import Listing
from learnomy_wp.notes import listing as noting
from tests.client import Api, make_api
from wp_schema.tables import course_instructors, discussions, instructor_applications, notes

PER_PAGE = 20
START = datetime(2025, 1, 1, tzinfo=UTC)
LESSON, READER, QUESTION = 5, 77, 1
QUESTIONS, ANSWERS, NOTES, TEACHERS = 6_000, 4_000, 3_000, 3_000


@pytest.fixture(scope="module")
def crowded(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A site where thousands talk about one lesson, and thousands teach."""
    api = make_api(database_url, tmp_path_factory.mktemp("crowded"))
    with api.inside():
        db.transaction(_fill)
        for table in (discussions, notes, course_instructors, instructor_applications):
            db.rows(text(f"ANALYZE TABLE {table.name}"))
    yield api
    api.runtime.database.dispose()


def _at(number: int) -> datetime:
    return START + timedelta(minutes=number * 7919 % 500_000)


def _times(number: int) -> dict[str, datetime]:
    return {"created_at": _at(number), "updated_at": _at(number)}


def _fill() -> None:
    posts = []
    for number in range(QUESTIONS + ANSWERS):
        post = {"lesson_id": LESSON, "course_id": 1, "user_id": number % 500 + 1, "status": "visible", **_times(number)}
        post |= {"parent_id": QUESTION if number >= QUESTIONS else None, "last_activity_at": _at(number + 3)}
        posts.append(post | ({"status": ("pending", "hidden")[number // 10 % 2]} if number % 10 == 9 else {}))
    written = [
        {"client_id": str(number), "user_id": READER, "lesson_id": LESSON, "course_id": 1, **_times(number)}
        for number in range(NOTES)
    ]
    teachers = [
        {
            "course_id": number,
            "user_id": number,
            "is_lead": number % 3 > 0,
            "sort_name": f"name {number * 7919 % 3001:05}",
            "course_count": number % 40,
            "student_count": number * 31 % 5000,
            "published_at": START,
            "created_at": START,
        }
        for number in range(1, TEACHERS)
    ]
    applied = [
        {"user_id": number, "status": ("pending", "approved", "rejected")[number % 3], **_times(number)}
        for number in range(1, TEACHERS)
    ]
    for table, rows in (
        (discussions, posts),
        (notes, written),
        (course_instructors, teachers),
        (instructor_applications, applied),
    ):
        for start in range(0, len(rows), 2_000):
            db.execute(insert(table), rows[start : start + 2_000])


def _reads() -> int:
    rows = db.rows(text("SHOW SESSION STATUS LIKE 'Handler_read%'"))
    return sum(int(row["Value"]) for row in rows)


TALK = {"of_lesson": LESSON, "shown": "visible"}
REPLIES = {**TALK, "of_parent": QUESTION}
MINE = {"of_user": READER, "of_lesson": LESSON}
CASES: list[tuple[str, Listing, dict[str, Any], dict[str, Any]]] = [
    *(("questions", discussing.QUESTIONS, {"sort": sort}, TALK) for sort in discussing.QUESTIONS.sorts),
    *(("answers", discussing.ANSWERS, {"sort": sort}, REPLIES) for sort in discussing.ANSWERS.sorts),
    ("hidden", discussing.QUESTIONS, {}, {**TALK, "shown": "hidden"}),
    *(("notes", noting.LISTING, {"sort": sort}, MINE) for sort in noting.LISTING.sorts),
    *(("instructors", teaching.LISTING, {"sort": sort}, {}) for sort in teaching.LISTING.sorts),
    *(("applications", applying.APPLICATIONS, {"sort": sort}, {}) for sort in applying.APPLICATIONS.sorts),
    *(("applications", applying.APPLICATIONS, {"status": status}, {}) for status in applying.STATUSES),
]  # fmt: skip


def _places(listing: Listing, query: Mapping[str, Any], binds: Mapping[str, Any]) -> list[str | None]:
    """Cursors of the first, a middle and the last page."""
    cursors: list[str | None] = [None]
    while True:
        page = _page(listing, query, binds, cursors[-1], 100)
        if page.cursor_next is None:
            return [cursors[0], cursors[len(cursors) // 2], cursors[-1]]
        cursors.append(page.cursor_next)


def _page(
    listing: Listing, query: Mapping[str, Any], binds: Mapping[str, Any], cursor: str | None, per_page: int = PER_PAGE
) -> Any:
    values = {"per_page": per_page, **query, **({"cursor": cursor} if cursor else {})}
    return listing.page(values, binds, total=lambda _count: 0)


@pytest.mark.parametrize(("name", "listing", "query", "binds"), CASES, ids=[f"{case[0]}-{case[2]}" for case in CASES])
def test_a_page_reads_no_more_than_three_pages_rows(
    crowded: Api, name: str, listing: Listing, query: dict[str, Any], binds: dict[str, Any]
) -> None:
    with crowded.inside():
        for cursor in _places(listing, query, binds):
            before = _reads()
            rows = _page(listing, query, binds, cursor).rows
            assert _reads() - before <= 3 * PER_PAGE, (name, query, cursor)
            assert rows


def test_what_is_unread_is_counted_up_to_a_thousand(crowded: Api) -> None:
    with crowded.inside():
        before = _reads()
        assert seen.count_unread(READER, LESSON, 0) == seen.MAX_UNREAD
        assert _reads() - before <= 3 * seen.MAX_UNREAD
        before = _reads()
        assert seen.count_unread(READER, LESSON, QUESTIONS + ANSWERS - 10) in (8, 9)
        assert _reads() - before <= 100
