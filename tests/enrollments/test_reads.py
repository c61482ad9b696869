"""How many rows the list of enrolments examines on MariaDB: a page's worth, wherever the page is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text

from learnomy_wp.enrollments import listing
from learnomy_wp.enrollments.grants import STATUSES
from learnomy_wp.kernel import db
from learnomy_wp.kernel.actor import MANAGE, Actor
from learnomy_wp.kernel.page import Page
from tests.client import Api, make_api
from wp_schema.tables import course_instructors, courses, enrollments

COURSES, LEARNERS, PER_COURSE = 200, 1_000, 100
PER_PAGE = 20
START = datetime(2025, 1, 1, tzinfo=UTC)
# Everybody's courses but the last, to which ten thousand belong; a teacher of two, and one of very many.
BIG = COURSES
SMALL_TEACHER, LARGE_TEACHER = 90_001, 90_002
MANAGER = Actor(id=90_003, capabilities=frozenset({MANAGE}))


@pytest.fixture(scope="module")
def crowded(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A site with thirty thousand enrolments."""
    api = make_api(database_url, tmp_path_factory.mktemp("crowded"))
    with api.inside():
        db.transaction(_fill)
        for table in (enrollments, course_instructors):
            db.rows(text(f"ANALYZE TABLE {table.name}"))
    yield api
    api.runtime.database.dispose()


def _fill() -> None:
    now = {"created_at": START, "updated_at": START}
    db.execute(
        insert(courses),
        [
            {**now, "title": f"C{number}", "slug": f"c{number}", "sort_title": f"c{number}", "published_at": START}
            for number in range(1, COURSES + 1)
        ],
    )
    teams = [(SMALL_TEACHER, number) for number in (1, 2)]
    teams += [(LARGE_TEACHER, number) for number in range(10, 150)]
    db.execute(
        insert(course_instructors),
        [
            {"user_id": user_id, "course_id": course_id, "published_at": START, "created_at": START}
            for user_id, course_id in teams
        ],
    )
    pairs = [
        (course_id, 1 + (course_id * 7 + number) % LEARNERS)
        for course_id in range(1, COURSES)
        for number in range(PER_COURSE)
    ]
    pairs += [(BIG, 1_000_000 + number) for number in range(10_000)]
    rows = []
    for number, (course_id, user_id) in enumerate(pairs):
        at = START + timedelta(minutes=number * 7919 % 500_000)
        rows.append(
            {
                **now,
                "course_id": course_id,
                "user_id": user_id,
                "status": STATUSES[1] if number % 3 else STATUSES[number // 3 % len(STATUSES)],
                "enrolled_at": at,
                "last_activity_at": at,
            }
        )
    for start in range(0, len(rows), 5_000):
        db.execute(insert(enrollments), rows[start : start + 5_000])


def _reads() -> int:
    rows = db.rows(text("SHOW SESSION STATUS LIKE 'Handler_read%'"))
    return sum(int(row["Value"]) for row in rows)


def _page(actor: Actor, query: dict[str, Any], cursor: str | None, per_page: int = PER_PAGE) -> Page:
    values = {"sort": "-enrolled_at", "per_page": per_page, **query, **({"cursor": cursor} if cursor else {})}
    values = {"course_id": None, "user_id": None, **values}
    values |= listing._scope(actor, values)
    if values.get("status") is not None:
        values |= listing._with_status(values)
    return listing.LISTING.page(values, {"caller_id": actor.id}, owner=actor.id, total=lambda _count: 0)


def _places(actor: Actor, query: dict[str, Any]) -> list[str | None]:
    """Cursors of the first, a middle and the last page."""
    cursors: list[str | None] = [None]
    while (following := _page(actor, query, cursors[-1], 100).cursor_next) is not None:
        cursors.append(following)
    return [cursors[0], cursors[len(cursors) // 2], cursors[-1]]


LEARNER = Actor(id=500)
CASES: list[tuple[Actor, dict[str, Any], int]] = [
    *((MANAGER, {"sort": sort}, 0) for sort in listing.LISTING.sorts),
    *((MANAGER, {"status": status, "sort": "enrolled_at"}, 0) for status in ("active", "refunded")),
    (MANAGER, {"course_id": BIG}, 0),
    *((MANAGER, {"course_id": BIG, "status": status}, 0) for status in ("active", "refunded")),
    (MANAGER, {"course_id": 3, "sort": "enrolled_at"}, 0),
    (MANAGER, {"user_id": 500}, 0),
    (MANAGER, {"user_id": 500, "status": "active"}, 0),
    (LEARNER, {}, 10),
    (LEARNER, {"status": "active"}, 10),
    (Actor(id=SMALL_TEACHER), {"course_id": 1}, 10),
]


@pytest.mark.parametrize(("actor", "query", "beyond"), CASES, ids=str)
def test_a_page_reads_no_more_than_three_pages_rows(
    crowded: Api, actor: Actor, query: dict[str, Any], beyond: int
) -> None:
    with crowded.inside():
        for cursor in _places(actor, query):
            before = _reads()
            rows = _page(actor, query, cursor).rows
            assert _reads() - before <= 3 * PER_PAGE + beyond, (query, cursor)
            assert rows or cursor is None


@pytest.mark.parametrize("teacher", [SMALL_TEACHER, LARGE_TEACHER])
@pytest.mark.parametrize("query", [{}, {"status": "active"}, {"user_id": 500}], ids=str)
def test_a_teachers_list_stays_within_the_bound_for_any_read(crowded: Api, teacher: int, query: dict[str, Any]) -> None:
    actor = Actor(id=teacher)
    with crowded.inside():
        for cursor in _places(actor, query):
            before = _reads()
            _page(actor, query, cursor)
            # Counting up to `FEW`, then either sorting those or meeting them in order.
            assert _reads() - before <= 5_000, (query, cursor)
