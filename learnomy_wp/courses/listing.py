"""The course list: its sorts and filters with the indexes that serve them, and the rows of a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, ColumnElement, and_, bindparam, select

from learnomy_wp.courses import queries
from learnomy_wp.kernel import cache, db
from learnomy_wp.kernel.actor import EDIT_OTHERS_COURSES, Actor
from learnomy_wp.kernel.errors import Unauthenticated
from learnomy_wp.kernel.page import Condition, Filter, Listing, Page, Sort, Via
from learnomy_wp.kernel.search import search_filters, search_values
from wp_schema import slugs
from wp_schema.tables import course_instructors, course_terms, courses, terms

# Ends the totals of public lists: whatever changes which courses a filter finds.
MEMBERSHIP_TAG = "course-list"

_INDEX = "zblog_lrn_courses_"
_NEWEST = "-published_at"


def _by_date(index: str) -> dict[str, str]:
    return dict.fromkeys((_NEWEST, "published_at"), f"{_INDEX}{index}")


def _equals(column: Column[Any]) -> Condition:
    return lambda value: column == value


def _term_filter(name: str) -> Filter:
    """Courses of one term, read in order from `course_terms`."""
    mine = course_terms.alias(name)
    columns = {
        "published_at": mine.c.published_at,
        "title": mine.c.sort_title,
        "price": mine.c.price_minor,
        "rating": mine.c.rating_avg,
        "student_count": mine.c.student_count,
    }
    indexes = {
        "published_at": "published",
        "title": "title",
        "price": "price",
        "rating": "rating",
        "student_count": "students",
    }
    return Filter(
        lambda term_id: mine.c.term_id == term_id,
        via=Via(
            mine,
            on=mine.c.course_id == courses.c.id,
            columns=_both_ways(columns),
            key=mine.c.course_id,
            filters={"status": lambda status: mine.c.course_status == status},
        ),
        indexes=_both_ways({order: f"zblog_lrn_course_terms_{index}" for order, index in indexes.items()}),
    )


def _teacher_filter(name: str, *conditions: str) -> Filter:
    """Courses of one instructor, read by date from `course_instructors`."""
    mine = course_instructors.alias(name)
    on: ColumnElement[bool] = mine.c.course_id == courses.c.id
    return Filter(
        lambda user_id: and_(mine.c.user_id == user_id, *(mine.c[condition] for condition in conditions)),
        via=Via(
            mine,
            on=on,
            columns=_both_ways({"published_at": mine.c.published_at}),
            key=mine.c.course_id,
            filters={"status": lambda status: mine.c.course_status == status},
        ),
        indexes=_both_ways({"published_at": "zblog_lrn_course_instructors_user"}),
    )


def _both_ways(orders: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{turn}{order}": value for order, value in orders.items() for turn in ("", "-")}


def _sorts(orders: Mapping[str, tuple[Column[Any], str]]) -> dict[str, Sort]:
    return {
        f"{turn}{order}": Sort(column, descending=bool(turn), index=f"{_INDEX}{index}")
        for order, (column, index) in orders.items()
        for turn in ("", "-")
    }


LISTING = Listing(
    select(*queries.CARD),
    table=courses,
    key=courses.c.id,
    default=_NEWEST,
    sorts=_sorts(
        {
            "published_at": (courses.c.published_at, "published"),
            "title": (courses.c.sort_title, "title"),
            "price": (courses.c.price_minor, "price"),
            "rating": (courses.c.rating_avg, "rating"),
            "student_count": (courses.c.student_count, "students"),
        }
    ),
    filters={
        "status": Filter(_equals(courses.c.status)),
        "staff_id": _teacher_filter("staff"),
        "instructor": _teacher_filter("teacher", "is_listed"),
        "tag": _term_filter("tagged"),
        "category": _term_filter("categorized"),
        "level": Filter(_equals(courses.c.level), indexes=_by_date("level")),
        "language": Filter(_equals(courses.c.language), indexes=_by_date("language")),
        "is_free": Filter(_equals(courses.c.is_free), indexes=_by_date("free")),
        "featured": Filter(_equals(courses.c.is_featured), indexes=_by_date("featured")),
        **{
            f"rated_{stars}": Filter(_equals(courses.c[f"rated_{stars}"]), indexes=_by_date(f"rated{stars}"))
            for stars in range(1, 5)
        },
        "rating_from": Filter(lambda least: courses.c.rating_avg >= least),
        "price_from": Filter(lambda least: courses.c.price_minor >= least),
        "ids": Filter(courses.c.id.in_, many=True, narrow=True),
        **search_filters(courses.c.search_text),
    },
)
TERM = select(terms.c.id).where(terms.c.taxonomy == bindparam("taxonomy"), terms.c.slug == bindparam("slug"))
NO_TERM = 0
MAX_ID_DIGITS = 18


def list_courses(actor: Actor, query: Mapping[str, Any]) -> Page:
    """A page of the catalogue; of another status the courses that the caller is staff of."""
    values = {**query, **_filter_values(query)}
    is_public = values["status"] == "published"
    if not is_public:
        if not actor.is_logged_in:
            raise Unauthenticated
        if not actor.can(EDIT_OTHERS_COURSES):
            values["staff_id"] = actor.id
    total = cache.cached_count("courses", LISTING.key_of(values), [MEMBERSHIP_TAG]) if is_public else None
    page = LISTING.page(values, owner=0 if is_public else actor.id, total=total)
    return page.with_rows(queries.complete(page.rows))


def _filter_values(query: Mapping[str, Any]) -> dict[str, Any]:
    """The listing's filters for what the query asks."""
    found: dict[str, Any] = {"status": query.get("status") or "published"}
    for taxonomy in ("category", "tag"):
        if query.get(taxonomy) is not None:
            found[taxonomy] = _term_id(taxonomy, query[taxonomy])
    if query.get("price") is not None:
        found["is_free"] = query["price"] == "free"
        if query["price"] == "paid":
            found["price_from"] = 1
    found |= _rating_values(query.get("rating_min"))
    is_driven = any(query.get(name) is not None for name in ("category", "tag", "instructor"))
    return found | search_values(query.get("search"), by_index=not is_driven)


def _rating_values(least: float | None) -> dict[str, Any]:
    """Whole stars are found by an index of the default order; the rest is compared."""
    if not least:
        return {}
    stars = min(int(least), 4)
    found: dict[str, Any] = {"rating_from": round(least * 100)}
    return {**found, f"rated_{stars}": True} if stars else found


def _term_id(taxonomy: str, reference: str) -> int:
    if reference.isascii() and reference.isdigit():
        return int(reference) if len(reference) <= MAX_ID_DIGITS else NO_TERM
    return db.value(TERM, {"taxonomy": taxonomy, "slug": slugs.asked_for(reference)}) or NO_TERM
