"""The list of quizzes that the caller is staff of, drafts too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, or_, select

from learnomy_wp.kernel import cache, db, pages
from learnomy_wp.kernel.actor import EDIT_OTHERS_COURSES, Actor
from learnomy_wp.kernel.page import Filter, Listing, Page, Sort
from wp_schema.tables import course_instructors, courses, quizzes

ROW = (
    "id",
    "course_id",
    "section_id",
    "lesson_id",
    "author_id",
    "position",
    "title",
    "slug",
    "mode",
    "status",
    "template",
    "time_limit_seconds",
    "passing_percent",
    "attempt_limit",
    "opens_at",
    "closes_at",
    "is_required",
    "question_count",
    "attempt_count",
    "passed_count",
    "created_at",
    "updated_at",
    "deleted_at",
)
TAG = "quizzes"
_INDEX = "zblog_lrn_quizzes_"


def _staffed_by(user_id: Any) -> ColumnElement[bool]:
    taught = select(course_instructors.c.course_id).where(course_instructors.c.user_id == user_id)
    return or_(
        quizzes.c.course_id.in_(taught),
        and_(quizzes.c.course_id.is_(None), quizzes.c.author_id == bindparam("author_id")),
    )


def _newest(index: str) -> dict[str, str]:
    return dict.fromkeys(("-created_at", "created_at"), f"{_INDEX}{index}")


def _any_order(index: str) -> dict[str, str]:
    return dict.fromkeys(("-created_at", "created_at", "title", "-title"), f"{_INDEX}{index}")


LISTING = Listing(
    select(*(quizzes.c[name] for name in ROW)),
    table=quizzes,
    key=quizzes.c.id,
    default="-created_at",
    sorts={
        "-created_at": Sort(quizzes.c.created_at, descending=True, index=f"{_INDEX}newest"),
        "created_at": Sort(quizzes.c.created_at, index=f"{_INDEX}newest"),
        "title": Sort(quizzes.c.sort_title, index=f"{_INDEX}titles"),
        "-title": Sort(quizzes.c.sort_title, descending=True, index=f"{_INDEX}titles"),
    },
    filters={
        "staff_id": Filter(_staffed_by, narrow=True),
        "lesson_id": Filter(lambda value: quizzes.c.lesson_id == value, narrow=True, indexes=_any_order("lesson")),
        "section_id": Filter(lambda value: quizzes.c.section_id == value, narrow=True, indexes=_any_order("section")),
        "course_id": Filter(lambda value: quizzes.c.course_id == value, narrow=True, indexes=_any_order("course")),
        "is_standalone": Filter(lambda _value: quizzes.c.course_id.is_(None)),
        "mode": Filter(lambda value: quizzes.c.mode == value, indexes=_newest("newest_mode")),
        "status": Filter(
            lambda value: quizzes.c.status == value,
            indexes={**_newest("created"), **dict.fromkeys(("title", "-title"), f"{_INDEX}title")},
        ),
        "is_kept": Filter(lambda _value: quizzes.c.status.in_(("draft", "published"))),
        "ids": Filter(quizzes.c.id.in_, many=True, narrow=True),
    },
)
COURSES = select(courses.c.id, courses.c.title, courses.c.slug, courses.c.status).where(
    courses.c.id.in_(bindparam("ids", expanding=True))
)


def list_quizzes(actor: Actor, query: Mapping[str, Any]) -> Page:
    """A page of the quizzes that the caller is staff of: of the caller's courses, and own ones without a course."""
    values = dict(query)
    is_site_wide = actor.can(EDIT_OTHERS_COURSES)
    if not is_site_wide:
        values["staff_id"] = actor.id
    if query.get("status") is None:
        values["is_kept"] = True
    if query.get("standalone"):
        values["is_standalone"] = True
    total = cache.cached_count("quizzes", LISTING.key_of(values), [TAG]) if is_site_wide else None
    # An author without the capability to edit has no quizzes of their own to manage any more.
    binds = {} if is_site_wide else {"author_id": actor.id if actor.is_instructor else 0}
    page = LISTING.page(values, binds, owner=actor.id, total=total)
    return page.with_rows(_complete(page.rows))


def _complete(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ids = sorted({row["course_id"] for row in rows if row["course_id"] is not None})
    named = {row["id"]: row for row in db.rows(COURSES, {"ids": ids})} if ids else {}
    return [
        {
            **row,
            "course": named.get(row["course_id"]),
            "attempts_left": None,
            "permalink": pages.url("quiz", slug=row["slug"]),
        }
        for row in rows
    ]
