"""Lists of a course's reviews: what is shown to all, the queue for staff, one's own for students."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select

from learnomy_wp.courses.policies import is_staff
from learnomy_wp.kernel import avatars, db
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import NotFound, Unauthenticated
from learnomy_wp.kernel.page import Filter, Listing, Page, Sort
from learnomy_wp.reviews import ratings
from wp_schema.tables import reviews, users

Row = dict[str, Any]
STATUSES = ("pending", "approved", "rejected", "trash")

_INDEX = "zblog_lrn_reviews_"
COLUMNS = tuple(
    reviews.c[name]
    for name in (
        "id", "course_id", "user_id", "rating", "title", "body", "status", "reply", "replied_by", "replied_at",
        "reject_reason", "version", "created_at", "updated_at",
    )
)  # fmt: skip


def _by_date(index: str) -> dict[str, str]:
    return dict.fromkeys(("-created_at", "created_at"), f"{_INDEX}{index}")


LISTING = Listing(
    select(*COLUMNS),
    table=reviews,
    key=reviews.c.id,
    default="-created_at",
    sorts={
        "-created_at": Sort(reviews.c.created_at, descending=True),
        "created_at": Sort(reviews.c.created_at),
    },
    filters={
        "own": Filter(lambda value: reviews.c.user_id == value, indexes=_by_date("user")),
        "rating": Filter(lambda value: reviews.c.rating == value, indexes=_by_date("course_rating")),
        "course_id": Filter(lambda value: reviews.c.course_id == value, indexes=_by_date("course")),
        "status": Filter(lambda value: reviews.c.status == value),
    },
)
BY_ID = select(*COLUMNS).where(reviews.c.id == bindparam("id"))
USERS = select(users.c.ID.label("id"), users.c.display_name, users.c.user_email).where(
    users.c.ID.in_(bindparam("ids", expanding=True))
)


def list_reviews(actor: Actor, course: Row, query: Mapping[str, Any]) -> Page:
    """A page of a course's reviews with the course's rating and its distribution.

    What is not approved is shown to the course's staff; to anybody else only what is their own.
    """
    values = {**query, "course_id": course["id"], "status": query.get("status") or "approved"}
    if values["status"] != "approved" and not is_staff(actor, course):
        if not actor.is_logged_in:
            raise Unauthenticated
        values["own"] = actor.id
    page = LISTING.page(values, owner=actor.id, total=_total(course, values))
    rows = complete(page.rows, actor, is_staff=is_staff(actor, course))
    return Page(rows, page.total, page.cursor_next, ratings.summary_of(course))


def _total(course: Row, values: Mapping[str, Any]) -> Any:
    """The course's own counts where they say it; else what is asked for is counted."""
    if values["status"] != "approved":
        return None
    stars = values.get("rating")
    return lambda _count: int(course[f"stars_{stars}"] if stars else course["rating_count"])


def find_review(review_id: int, reader: Actor, *, is_staff: bool) -> Row:
    """One review as answers show it."""
    found = db.row(BY_ID, {"id": review_id})
    if found is None:
        raise NotFound("review")
    return complete([found], reader, is_staff=is_staff)[0]


def complete(rows: list[Row], reader: Actor, *, is_staff: bool) -> list[Row]:
    """The rows with who wrote and who replied: one query however many they are."""
    wanted = sorted({row["user_id"] for row in rows} | {row["replied_by"] for row in rows if row["replied_by"]})
    known = {row["id"]: row for row in db.rows(USERS, {"ids": wanted})} if wanted else {}
    return [_completed(row, known, is_own=row["user_id"] == reader.id, is_staff=is_staff) for row in rows]


def _completed(row: Row, known: Mapping[int, Row], *, is_own: bool, is_staff: bool) -> Row:
    author, replier = known.get(row["user_id"]), known.get(row["replied_by"] or 0)
    sees_all = is_own or is_staff
    return {
        **row,
        "user_id": row["user_id"] if sees_all else None,
        "author_name": author["display_name"] if author else "",
        "author_avatar_url": avatars.url(author["user_email"] if author else ""),
        "is_own": is_own,
        "reject_reason": row["reject_reason"] if sees_all else None,
        "replied_by_name": replier["display_name"] if replier else None,
    }
