"""The list of lessons that the caller's courses have, drafts and unattached ones too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select

from learnomy_wp.kernel import cache, db
from learnomy_wp.kernel.actor import EDIT_OTHERS_COURSES, Actor
from learnomy_wp.kernel.page import Filter, Listing, Page, Sort
from wp_schema.tables import course_instructors, courses, lessons, sections

ROW = (
    "id",
    "course_id",
    "section_id",
    "parent_id",
    "title",
    "slug",
    "content_type",
    "status",
    "position",
    "duration_seconds",
    "is_preview",
    "created_at",
    "updated_at",
    "deleted_at",
)
_INDEX = "zblog_lrn_lessons_"


def _taught_by(user_id: Any) -> ColumnElement[bool]:
    return lessons.c.course_id.in_(
        select(course_instructors.c.course_id).where(course_instructors.c.user_id == user_id)
    )


def _newest(index: str) -> dict[str, str]:
    return dict.fromkeys(("-created_at", "created_at"), f"{_INDEX}{index}")


def _any_order(index: str) -> dict[str, str]:
    return dict.fromkeys(("-created_at", "created_at", "title", "-title"), f"{_INDEX}{index}")


LISTING = Listing(
    select(*(lessons.c[name] for name in ROW)),
    table=lessons,
    key=lessons.c.id,
    default="-created_at",
    sorts={
        "-created_at": Sort(lessons.c.created_at, descending=True, index=f"{_INDEX}newest"),
        "created_at": Sort(lessons.c.created_at, index=f"{_INDEX}newest"),
        "title": Sort(lessons.c.sort_title, index=f"{_INDEX}titles"),
        "-title": Sort(lessons.c.sort_title, descending=True, index=f"{_INDEX}titles"),
    },
    filters={
        "staff_id": Filter(_taught_by, narrow=True),
        "course_id": Filter(
            lambda value: lessons.c.course_id == value,
            indexes={**_newest("course_created"), **dict.fromkeys(("title", "-title"), f"{_INDEX}course_title")},
        ),
        "section_id": Filter(lambda value: lessons.c.section_id == value, narrow=True, indexes=_any_order("section")),
        "parent_id": Filter(lambda value: lessons.c.parent_id == value, narrow=True, indexes=_any_order("parent")),
        "is_unattached": Filter(
            lambda _value: lessons.c.section_id.is_(None) & lessons.c.parent_id.is_(None), narrow=True
        ),
        "is_attached": Filter(lambda _value: lessons.c.section_id.is_not(None)),
        "content_type": Filter(lambda value: lessons.c.content_type == value, indexes=_newest("newest_type")),
        "status": Filter(
            lambda value: lessons.c.status == value,
            indexes={**_newest("created"), **dict.fromkeys(("title", "-title"), f"{_INDEX}title")},
        ),
        "is_kept": Filter(lambda _value: lessons.c.status.in_(("draft", "published"))),
        "ids": Filter(lessons.c.id.in_, many=True, narrow=True),
    },
)
COURSES = select(courses.c.id, courses.c.title, courses.c.slug, courses.c.status).where(
    courses.c.id.in_(bindparam("ids", expanding=True))
)
SECTIONS = select(sections.c.id, sections.c.title).where(sections.c.id.in_(bindparam("ids", expanding=True)))


def list_lessons(actor: Actor, query: Mapping[str, Any]) -> Page:
    """A page of the lessons that the caller is staff of."""
    values = dict(query)
    is_site_wide = actor.can(EDIT_OTHERS_COURSES)
    if not is_site_wide:
        values["staff_id"] = actor.id
    if query.get("status") is None:
        values["is_kept"] = True
    if query.get("unattached") is not None:
        values["is_unattached" if query["unattached"] else "is_attached"] = True
    total = cache.cached_count("lessons", LISTING.key_of(values), ["lessons"]) if is_site_wide else None
    page = LISTING.page(values, owner=actor.id, total=total)
    return page.with_rows(_complete(page.rows))


def _complete(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not rows:
        return []
    named = _by_id(COURSES, {row["course_id"] for row in rows})
    titles = _by_id(SECTIONS, {row["section_id"] for row in rows if row["section_id"] is not None})
    return [
        {
            **row,
            "course": named[row["course_id"]],
            "section_title": titles[row["section_id"]]["title"] if row["section_id"] in titles else None,
        }
        for row in rows
    ]


def _by_id(statement: Any, ids: set[int]) -> dict[int, dict[str, Any]]:
    return {row["id"]: row for row in db.rows(statement, {"ids": sorted(ids)})} if ids else {}
