"""How many rows the lists read, counted by MariaDB itself: EXPLAIN hides what a bad plan costs.

Every sort, and the default sort with every single filter, at the first, middle and last page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from learnomy_wp.courses import listing as courses
from learnomy_wp.enrollments import listing as enrollments
from learnomy_wp.instructors import listing as instructors
from learnomy_wp.kernel import db
from learnomy_wp.kernel.page import Listing
from learnomy_wp.lessons import listing as lessons
from learnomy_wp.me.queries import MY_COURSES

PER_PAGE = 20
MOST_READ = 3 * PER_PAGE  # the contract: no more than three pages' rows
RESET, STATUS = "FLUSH LOCAL STATUS", "SHOW SESSION STATUS LIKE 'Handler_read%%'"


@dataclass(frozen=True)
class Counted:
    """What one page read."""

    name: str
    position: str
    rows: int
    read: int

    @property
    def is_within(self) -> bool:
        return self.read <= MOST_READ


@dataclass(frozen=True)
class Walked:
    """A list to walk: what is always filtered, and a value for each single filter."""

    name: str
    listing: Listing
    always: Mapping[str, Any]
    singles: Mapping[str, Any]
    binds: Mapping[str, Any]


def lists() -> list[Walked]:
    """The lists, with values that the model academy has."""
    term = _most("course_terms", "term_id")
    teacher, student = _most("course_instructors", "user_id"), _most("enrollments", "user_id")
    level, language = (db.value(text(f"SELECT {name} FROM wp_lrn_courses LIMIT 1")) for name in ("level", "language"))
    catalogue = {
        "category": term,
        "instructor": teacher,
        "level": level,
        "language": language,
        "is_free": True,
        "featured": True,
    }
    # Not here: the lessons of all the courses that somebody teaches, which no index has in order. They are sorted,
    # some hundred of them for an instructor of the model academy, and explained by `make explain` with the rest.
    taught = {
        "course_id": _most("lessons", "course_id"),
        "section_id": _most("lessons", "section_id"),
        "content_type": "text",
        "status": "published",
    }
    learners = {"user_id": student, "course_id": _most("enrollments", "course_id"), "status": "active"}
    return [
        Walked("courses", courses.LISTING, {"status": "published"}, catalogue, {}),
        Walked("lessons", lessons.LISTING, {"is_kept": True}, taught, {}),
        Walked("instructors", instructors.LISTING, {}, {}, {}),
        Walked("enrollments", enrollments.LISTING, {}, learners, {"caller_id": 0}),
        Walked("me/courses", MY_COURSES, {}, {"status": "active"}, {"user_id": student}),
    ]


def _most(table: str, column: str) -> Any:
    """The value that most rows have."""
    return db.value(text(f"SELECT {column} FROM wp_lrn_{table} GROUP BY {column} ORDER BY COUNT(*) DESC, 1 LIMIT 1"))


def count(walked: Walked) -> Iterator[Counted]:
    """Every sort, then every single filter in the default order."""
    for sort in walked.listing.sorts:
        yield from _pages(walked, sort, {})
    for name, value in walked.singles.items():
        yield from _pages(walked, walked.listing.default, {name: value})


def _pages(walked: Walked, sort: str, single: Mapping[str, Any]) -> Iterator[Counted]:
    values = {**walked.always, **single}
    active = tuple(name for name in walked.listing.filters if values.get(name) is not None)
    params = {**walked.binds, **{name: values[name] for name in active}}
    total = int(db.value(walked.listing._count(active), params) or 0)
    name = f"{walked.name} {sort}{''.join(f' {key}' for key in single)}"
    for position, offset in (("first", 0), ("middle", total // 2), ("last", max(0, total - PER_PAGE))):
        rows, read = _read(walked.listing, sort, active, params, offset)
        yield Counted(name, position, rows, read)


def _read(
    listing: Listing, sort: str, active: tuple[str, ...], params: Mapping[str, Any], offset: int
) -> tuple[int, int]:
    page = {**params, "limit_rows": PER_PAGE + 1}
    mode = "first"
    if offset:
        before = listing._statement((sort, active), "offset")
        last = db.rows(before, {**params, "limit_rows": 1, "offset_rows": offset - 1})[0]
        page |= {"cursor_value": last["sort_key"], "cursor_id": last["id"]}
        mode = "cursor"
    statement = listing._statement((sort, active), mode)
    with db.current().read.connect() as connection:
        connection.execute(statement, page).all()  # opens the tables
        connection.exec_driver_sql(RESET)
        found = connection.execute(statement, page).all()
        return len(found), sum(int(value) for _, value in connection.exec_driver_sql(STATUS))
