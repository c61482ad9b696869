"""The public directory of instructors, and one's profile with courses."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import nh3
from sqlalchemy import bindparam, select

from learnomy_wp.courses import directory
from learnomy_wp.kernel import avatars, cache, db, pages
from learnomy_wp.kernel.errors import NotFound
from learnomy_wp.kernel.page import Filter, Listing, Page, Sort
from wp_schema.folding import fold
from wp_schema.tables import course_instructors, courses, usermeta, users

Row = dict[str, Any]
MAX_COURSES = 20
_INDEX = "zblog_lrn_course_instructors_"
_listed = course_instructors.c.is_lead.is_(True)
_COLUMNS = (
    course_instructors.c.user_id.label("id"),
    *(course_instructors.c[name] for name in ("course_count", "student_count", "rating_count", "rating_sum")),
)

LISTING = Listing(
    select(*_COLUMNS).where(_listed),
    table=course_instructors,
    key=course_instructors.c.user_id,
    default="name",
    sorts={
        "name": Sort(course_instructors.c.sort_name, index=f"{_INDEX}by_name"),
        "-student_count": Sort(course_instructors.c.student_count, descending=True, index=f"{_INDEX}by_students"),
        "-course_count": Sort(course_instructors.c.course_count, descending=True, index=f"{_INDEX}by_courses"),
    },
    filters={
        "search": Filter(lambda value: course_instructors.c.sort_name.contains(value, autoescape=False)),
        "ids": Filter(course_instructors.c.user_id.in_, many=True),
    },
)
ONE = select(*_COLUMNS).where(course_instructors.c.lead_user_id == bindparam("id"))
PEOPLE = select(users.c.ID.label("id"), users.c.display_name, users.c.user_nicename, users.c.user_email).where(
    users.c.ID.in_(bindparam("ids", expanding=True))
)
BIOS = select(usermeta.c.user_id, usermeta.c.meta_value).where(
    usermeta.c.user_id.in_(bindparam("ids", expanding=True)), usermeta.c.meta_key == "description"
)
COURSES = (
    select(
        *(
            courses.c[name]
            for name in (
                "id",
                "slug",
                "title",
                "excerpt",
                "thumbnail_url",
                "lesson_count",
                "duration_minutes",
                "student_count",
                "rating_avg",
                "rating_count",
                "published_at",
            )
        )
    )
    .select_from(course_instructors.join(courses, courses.c.id == course_instructors.c.course_id))
    .where(
        course_instructors.c.user_id == bindparam("id"),
        course_instructors.c.course_status == "published",
        course_instructors.c.is_listed.is_(True),
        course_instructors.c.role.in_(("owner", "co")),
    )
    .order_by(course_instructors.c.published_at.desc(), course_instructors.c.course_id.desc())
    .limit(MAX_COURSES)
    .with_hint(course_instructors, f"FORCE INDEX ({_INDEX}user)", "mysql")
)


def list_instructors(query: Mapping[str, Any]) -> Page:
    """A page of those who teach a published course."""
    values = dict(query)
    if values.get("search") is not None:
        values["search"] = fold(values["search"])
    total = cache.cached_count("instructors", LISTING.key_of(values), [directory.TAG])
    page = LISTING.page(values, total=total)
    return page.with_rows(_complete(page.rows))


def get_instructor(user_id: int) -> Row:
    """One instructor with the newest courses. Raises `NotFound` for whoever is none."""
    found = db.row(ONE, {"id": user_id})
    if found is None:
        raise NotFound("instructor")
    (whole,) = _complete([found])
    taught = [
        {**row, "permalink": pages.url("course", slug=row["slug"]), "rating": row["rating_avg"] / 100}
        for row in db.rows(COURSES, {"id": user_id})
    ]
    return {**whole, "courses": taught}


def _complete(rows: Sequence[Row]) -> list[Row]:
    if not rows:
        return []
    ids = {"ids": [row["id"] for row in rows]}
    people = {row["id"]: row for row in db.rows(PEOPLE, ids)}
    bios = {row["user_id"]: row["meta_value"] for row in db.rows(BIOS, ids)}
    return [_describe(row, people.get(row["id"]), bios.get(row["id"]) or "") for row in rows]


def _describe(row: Row, person: Row | None, bio: str) -> Row:
    # An account that is gone stays listed for minutes at most.
    slug, name, email = (
        (person["user_nicename"], person["display_name"], person["user_email"]) if person else ("", "", "")
    )
    return {
        **row,
        "name": name,
        "slug": slug,
        "bio": html.unescape(nh3.clean(bio, tags=set())).strip(),
        "avatar_url": avatars.url(email),
        "permalink": pages.url("instructor", slug=slug),
        "rating": round(row["rating_sum"] / row["rating_count"], 2) if row["rating_count"] else 0.0,
    }
