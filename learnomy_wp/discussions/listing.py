"""The questions of a lesson and the answers to one, as one caller sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select

from learnomy_wp.discussions import content, seen
from learnomy_wp.kernel import avatars, db
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import Forbidden, NotFound
from learnomy_wp.kernel.page import Filter, Listing, Page, Sort
from wp_schema.tables import discussions, users

Row = dict[str, Any]
_INDEX = "zblog_lrn_discussions_"


def _listing(where: ColumnElement[bool], default: str) -> Listing:
    created, active = f"{_INDEX}lesson", f"{_INDEX}lesson_active"
    return Listing(
        select(discussions).where(
            discussions.c.lesson_id == bindparam("of_lesson"),
            where,
            discussions.c.shown_as == bindparam("shown"),
        ),
        table=discussions,
        key=discussions.c.id,
        default=default,
        sorts={
            "-last_activity_at": Sort(discussions.c.last_activity_at, descending=True, index=active),
            "-created_at": Sort(discussions.c.created_at, descending=True, index=created),
            "created_at": Sort(discussions.c.created_at, index=created),
        },
        filters={"author_id": Filter(lambda value: discussions.c.user_id == value)},
    )


QUESTIONS = _listing(discussions.c.parent_id.is_(None), "-last_activity_at")
ANSWERS = _listing(discussions.c.parent_id == bindparam("of_parent"), "created_at")
QUESTION = select(discussions.c.shown_as, discussions.c.user_id).where(
    discussions.c.id == bindparam("id"),
    discussions.c.lesson_id == bindparam("of_lesson"),
    discussions.c.parent_id.is_(None),
)
AUTHORS = select(users.c.ID.label("id"), users.c.display_name, users.c.user_email).where(
    users.c.ID.in_(bindparam("ids", expanding=True))
)


def list_discussions(actor: Actor, lesson: Mapping[str, Any], query: Mapping[str, Any]) -> Page:
    """A page of a lesson's questions, or of the answers to one. Raises `NotFound`, `Forbidden`."""
    is_staff, lesson_id = lesson["is_staff"], lesson["lesson_id"]
    values, binds = dict(query), {"of_lesson": lesson_id, "shown": query["status"]}
    if not is_staff and query["status"] == "pending":
        values["author_id"] = actor.id
    elif not is_staff and query["status"] != "visible":
        raise Forbidden("Only staff of the course may list these.")
    listing = QUESTIONS
    if query.get("parent_id") is not None:
        listing, binds["of_parent"] = ANSWERS, query["parent_id"]
        _check_question(lesson_id, query["parent_id"], actor, is_staff=is_staff)
    page = listing.page(values, binds, owner=actor.id)
    newest = seen.find_seen(actor.id, lesson_id)
    rows = describe(actor, page.rows, is_staff=is_staff, seen_id=newest)
    meta = {"unread": seen.count_unread(actor.id, lesson_id, newest)}
    if query["mark_seen"]:
        seen.mark_all(actor.id, lesson["course_id"], lesson_id)
    return Page(rows, page.total, page.cursor_next, meta)


def _check_question(lesson_id: int, question_id: int, actor: Actor, *, is_staff: bool) -> None:
    found = db.row(QUESTION, {"id": question_id, "of_lesson": lesson_id})
    if found is None or not (is_staff or found["shown_as"] == "visible" or found["user_id"] == actor.id):
        raise NotFound("question")


def describe(actor: Actor, rows: Sequence[Row], *, is_staff: bool, seen_id: int) -> list[Row]:
    """Posts as the caller may see them, with their authors' and mentioned people's names."""
    if not rows:
        return []
    authors = {row["id"]: row for row in db.rows(AUTHORS, {"ids": sorted({row["user_id"] for row in rows})})}
    named = content.names_of(list({person for row in rows for person in row["mentions"] or ()}))
    return [_shown(actor, row, authors, named, is_staff=is_staff, seen_id=seen_id) for row in rows]


def _shown(
    actor: Actor,
    row: Row,
    authors: Mapping[int, Row],
    named: Mapping[int, Mapping[str, object]],
    *,
    is_staff: bool,
    seen_id: int,
) -> Row:
    is_mine = row["user_id"] == actor.id
    fresh = [row["id"]] if not is_mine else []
    shown = {
        **row,
        "author": _author(authors.get(row["user_id"]), row),
        "mentions": [dict(named[person]) for person in row["mentions"] or () if person in named],
        "body_raw": row["body_raw"] if is_staff or is_mine else None,
        "is_unread": any(post > seen_id for post in (*fresh, row["last_reply_id"] or 0)),
    }
    if row["status"] == "trash" and not is_staff:
        shown |= {"author": None, "title": None, "body_html": None, "body_raw": None, "mentions": []}
    return shown


def _author(person: Row | None, row: Row) -> Row | None:
    if person is None:
        return None
    return {
        "id": person["id"],
        "display_name": person["display_name"],
        "avatar_url": avatars.url(person["user_email"]),
        "is_staff": row["is_staff"],
    }
