"""The site's students: everybody who is or was in a course, with what came of it.

A student stands in the list by the enrolment in which something happened last; with a course, by the one in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import and_, bindparam, case, exists, func, or_, select

from learnomy_wp.kernel import avatars, cache, db
from learnomy_wp.kernel.page import Filter, Listing, Page, Sort
from wp_schema.tables import courses, enrollments, users

Row = dict[str, Any]

MEMBERSHIP = ("enrollments",)
_INDEX = "zblog_lrn_enrollments_"
_mine, _later = enrollments.c, enrollments.alias("later")
_IS_LATEST = ~exists(
    select(_later.c.id).where(
        _later.c.user_id == _mine.user_id,
        or_(
            _later.c.last_activity_at > _mine.last_activity_at,
            and_(_later.c.last_activity_at == _mine.last_activity_at, _later.c.id > _mine.id),
        ),
    )
)
_shown = (
    "id", "user_id", "course_id", "status", "has_access", "progress_percent", "enrolled_at", "completed_at",
    "last_activity_at",
)  # fmt: skip
BASE = select(*(_mine[name] for name in _shown))


def _listing(base: Any, index: str) -> Listing:
    return Listing(
        base,
        table=enrollments,
        key=_mine.id,
        default="-last_activity_at",
        sorts={
            "-last_activity_at": Sort(_mine.last_activity_at, descending=True, index=_INDEX + index),
            "last_activity_at": Sort(_mine.last_activity_at, index=_INDEX + index),
        },
        filters={
            "ids": Filter(_mine.user_id.in_, many=True, narrow=True),
            "user_id": Filter(lambda value: _mine.user_id == value, narrow=True),
            "course_id": Filter(lambda value: _mine.course_id == value),
            "active_since": Filter(lambda value: _mine.last_activity_at >= value),
            "inactive_since": Filter(lambda value: _mine.last_activity_at < value),
        },
    )


ALL = _listing(BASE.where(_IS_LATEST), "activity")
OF_COURSE = _listing(BASE, "course_activity")

HOW_MANY = select(func.count(_mine.user_id.distinct()))
PEOPLE = select(
    users.c.ID.label("id"),
    users.c.user_login.label("username"),
    users.c.display_name,
    users.c.user_email,
    users.c.user_registered.label("registered_at"),
).where(users.c.ID.in_(bindparam("ids", expanding=True)))
COURSES = select(courses.c.id, courses.c.title, courses.c.slug, courses.c.status).where(
    courses.c.id.in_(bindparam("ids", expanding=True))
)
_is_going_on = and_(_mine.has_access.is_(True), _mine.status == "active")
SUMS = (
    select(
        _mine.user_id,
        func.count().label("enrolled"),
        func.sum(case((_is_going_on, 1), else_=0)).label("in_progress"),
        func.sum(case((_mine.completion_no > 0, 1), else_=0)).label("completed"),
        func.avg(_mine.progress_percent).label("average_progress"),
    )
    .where(_mine.user_id.in_(bindparam("ids", expanding=True)))
    .group_by(_mine.user_id)
)


def list_students(query: Mapping[str, Any]) -> Page:
    """A page of students, those in whose courses something happened last first."""
    values = {
        **query,
        "user_id": query.get("user_id") or query.get("user"),
        "course_id": query.get("course_id") or query.get("course"),
    }
    listing = ALL if values["course_id"] is None else OF_COURSE
    is_whole = not any(values.get(name) is not None for name in listing.filters)
    page = listing.page(values, total=_count_all if is_whole else None)
    return page.with_rows(_complete(page.rows))


def _count_all(_count: Any) -> int:
    """How many students there are; counted once for each change of who is enrolled."""
    return cache.cached_count("students", "all", MEMBERSHIP)(lambda: int(db.value(HOW_MANY)))


def _complete(rows: list[Row]) -> list[Row]:
    ids = sorted({row["user_id"] for row in rows})
    if not ids:
        return []
    people = {row["id"]: row for row in db.rows(PEOPLE, {"ids": ids})}
    sums = {row.pop("user_id"): row for row in db.rows(SUMS, {"ids": ids})}
    known = {row["id"]: row for row in db.rows(COURSES, {"ids": sorted({row["course_id"] for row in rows})})}
    return [
        _student(row, people.get(row["user_id"]), sums[row["user_id"]], known.get(row["course_id"])) for row in rows
    ]


def _student(row: Row, person: Row | None, sums: Row, course: Row | None) -> Row:
    """A student whose account is gone keeps the id, and no name."""
    shown = person or {"username": "", "display_name": "", "user_email": "", "registered_at": None}
    return {
        "id": row["user_id"],
        "username": shown["username"],
        "display_name": shown["display_name"],
        "email": shown["user_email"],
        "avatar_url": avatars.url(shown["user_email"]) if person else None,
        "registered_at": shown["registered_at"],
        "last_activity_at": row["last_activity_at"],
        "counts": {name: int(sums[name] or 0) for name in ("enrolled", "in_progress", "completed")},
        "average_progress": int(sums["average_progress"] or 0),
        "enrollment": {**row, "enrollment_id": row["id"], "course": course},
    }
