"""Asking, answering and moderating, under the locked row of the lesson: one thread at a time changes its counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update

from learnomy_wp.discussions import content, listing, moderation, seen
from learnomy_wp.kernel import clock, db, pipeline, trash
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import Forbidden, NotFound, ValidationFailed
from learnomy_wp.kernel.trash import InTrash
from wp_schema.tables import discussions, lessons

Row = dict[str, Any]

LOCK_LESSON = select(lessons.c.id, lessons.c.status).where(lessons.c.id == bindparam("id")).with_for_update()
LOCK = select(discussions).where(discussions.c.id == bindparam("id")).with_for_update()
INSERT = insert(discussions)
_answers = (discussions.c.parent_id == bindparam("of_thread"), discussions.c.status == "visible")
ANSWERED = select(
    func.count().label("number"),
    func.max(discussions.c.id).label("last_id"),
    func.max(discussions.c.created_at).label("last_at"),
    func.coalesce(func.sum(discussions.c.is_solution), 0).label("solutions"),
).where(*_answers)
COUNTED = (
    update(discussions)
    .where(discussions.c.id == bindparam("row_id"))
    .values(
        reply_count=bindparam("number"),
        last_reply_id=bindparam("last_id"),
        last_reply_at=bindparam("last_at"),
        is_resolved=bindparam("solved"),
        last_activity_at=bindparam("active_at"),
    )
)
QUESTIONS = select(func.count()).where(
    discussions.c.lesson_id == bindparam("of_lesson"),
    discussions.c.parent_id.is_(None),
    discussions.c.status == "visible",
)
COUNT_QUESTIONS = (
    update(lessons).where(lessons.c.id == bindparam("row_id")).values(discussion_count=bindparam("number"))
)
UNMARK = (
    update(discussions)
    .where(discussions.c.parent_id == bindparam("of_thread"), discussions.c.is_solution.is_(True))
    .values(is_solution=False, updated_at=bindparam("at"))
)


def create_discussion(actor: Actor, lesson: Mapping[str, Any], *, body: Mapping[str, Any]) -> Row:
    """Ask a question about a lesson, or answer one. Raises `InTrash`, `ValidationFailed`."""
    is_staff, course_id, lesson_id = lesson["is_staff"], lesson["course_id"], lesson["lesson_id"]
    parent_id = body.get("parent_id")
    if parent_id is not None and "title" in body:
        raise ValidationFailed.of("title", "An answer has no title.", "not_possible")
    html = content.render(body["body"], actor.id, is_staff=is_staff)
    _lock_lesson(lesson_id)
    if parent_id is not None:
        _check_question(lesson_id, parent_id, is_staff=is_staff)
    now = clock.now()
    row = {
        "course_id": course_id,
        "lesson_id": lesson_id,
        "parent_id": parent_id,
        "user_id": actor.id,
        "title": body.get("title"),
        "body_raw": body["body"],
        "body_html": html,
        "mentions": content.find_mentioned(body["body"], course_id, actor.id) or None,
        "status": moderation.status_of(actor.id, html, is_staff=is_staff),
        "is_staff": is_staff,
        "created_at": now,
        "updated_at": now,
        "last_activity_at": now,
    }
    post_id = db.insert_id(db.execute(INSERT, row))
    _settle({**row, "id": post_id})
    seen.mark_own(actor.id, course_id, lesson_id, post_id)
    pipeline.locate(f"/discussions/{post_id}")
    return _describe(actor, post_id, is_staff=is_staff)


def update_discussion(actor: Actor, facts: Mapping[str, Any], *, body: Mapping[str, Any]) -> Row:
    """Change a post: its words if it is the caller's, its standing if the caller is staff.

    Raises `Forbidden`, `InTrash`, `TrashExpired`, `PreconditionFailed`, `ValidationFailed`.
    """
    is_staff = facts["is_staff"]
    _check_rights(actor, facts, body)
    html = content.render(body["body"], actor.id, is_staff=is_staff) if "body" in body else None
    before = _lock_post(facts)
    changed = _text_columns(actor, before, body, html, is_staff=is_staff)
    if "status" in body:
        changed |= _status_columns(actor, before, body["status"])
    if before["status"] == "trash" and changed.get("status", "trash") == "trash" and set(body) - {"status"}:
        raise InTrash
    if "is_solution" in body:
        changed |= _solution_columns(before, body["is_solution"])
    _write(before, changed)
    _settle(before)
    return _describe(actor, before["id"], is_staff=is_staff)


def delete_discussion(actor: Actor, facts: Mapping[str, Any]) -> Row:
    """Put a post into the trash. Answers to a deleted question stay, and so does its place. Twice is once."""
    before = _lock_post(facts)
    _write(before, _status_columns(actor, before, "trash", is_own=before["user_id"] == actor.id))
    _settle(before)
    return {"id": before["id"], "deleted": True}


# --- locks, in one order: the lesson, the post ----------------------------------------------


def _lock_lesson(lesson_id: int) -> None:
    found = db.row(LOCK_LESSON, {"id": lesson_id})
    if found is None:
        raise NotFound("lesson")
    if found["status"] == "trash":
        raise InTrash


def _lock_post(facts: Mapping[str, Any]) -> Row:
    db.row(LOCK_LESSON, {"id": facts["lesson_id"]})
    found = _lock(facts["id"])
    pipeline.check_version(found["version"])
    return found


def _lock(post_id: int) -> Row:
    found = db.row(LOCK, {"id": post_id})
    if found is None:
        raise NotFound("post")
    return found


def _check_question(lesson_id: int, question_id: int, *, is_staff: bool) -> None:
    found = db.row(LOCK, {"id": question_id})
    is_known = found is not None and found["lesson_id"] == lesson_id
    if found is None or not is_known or not (is_staff or found["shown_as"] == "visible"):
        raise ValidationFailed.of("parent_id", "This lesson has no such question.", "unknown")
    if found["parent_id"] is not None:
        raise ValidationFailed.of("parent_id", "This is an answer. Answer its question.", "not_a_question")
    if found["status"] == "trash":
        raise InTrash("This question was deleted.")


# --- what changes --------------------------------------------------------------------------


def _check_rights(actor: Actor, facts: Mapping[str, Any], body: Mapping[str, Any]) -> None:
    if body.keys() & {"body", "title"} and facts["user_id"] != actor.id:
        raise Forbidden("Only its author may change what a post says.")
    if body.keys() & {"status", "is_solution"} and not facts["is_staff"]:
        raise Forbidden("Only staff of the course may do this.")


def _text_columns(actor: Actor, before: Row, body: Mapping[str, Any], html: str | None, *, is_staff: bool) -> Row:
    if "title" in body and before["parent_id"] is not None:
        raise ValidationFailed.of("title", "An answer has no title.", "not_possible")
    found: Row = {"title": body["title"]} if "title" in body else {}
    if html is not None:
        mentioned = content.find_mentioned(body["body"], before["course_id"], actor.id)
        found |= {"body_raw": body["body"], "body_html": html, "mentions": mentioned or None}
        # What was approved was other words.
        if before["status"] == "visible" and moderation.status_of(actor.id, html, is_staff=is_staff) == "pending":
            found["status"] = "pending"
    if any(before[name] != value for name, value in found.items()):
        found["edited_at"] = clock.now()
    return found


def _status_columns(actor: Actor, before: Row, wanted: str, *, is_own: bool = False) -> Row:
    current = before["status"]
    if wanted == current:
        return {}
    found: Row = {"status": wanted} if is_own else {"status": wanted, "moderated_by": actor.id}
    if wanted == "trash":
        return found | {"previous_status": current, "deleted_at": clock.now()}
    if current == "trash":
        trash.check_restorable(before["deleted_at"])
        found |= {"previous_status": None, "deleted_at": None}
    return found


def _solution_columns(before: Row, wanted: bool) -> Row:
    if before["parent_id"] is None:
        raise ValidationFailed.of("is_solution", "Only an answer can solve a question.", "not_possible")
    if wanted and not before["is_solution"]:
        db.execute(UNMARK, {"of_thread": before["parent_id"], "at": clock.now()})
    return {"is_solution": wanted}


def _write(before: Row, columns: Mapping[str, Any]) -> None:
    changed = {name: value for name, value in columns.items() if before[name] != value}
    if changed:
        values = {**changed, "version": before["version"] + 1, "updated_at": clock.now()}
        db.execute(update(discussions).where(discussions.c.id == before["id"]).values(values))


# --- what follows from it --------------------------------------------------------------------


def _settle(post: Mapping[str, Any]) -> None:
    """Count the thread and the lesson anew."""
    _count_thread(int(post["parent_id"] or post["id"]))
    number = db.value(QUESTIONS, {"of_lesson": post["lesson_id"]})
    db.execute(COUNT_QUESTIONS, {"row_id": post["lesson_id"], "number": number})


def _count_thread(thread_id: int) -> None:
    question = _lock(thread_id)
    counted = db.row(ANSWERED, {"of_thread": thread_id})
    assert counted is not None
    last_at: datetime | None = counted["last_at"]
    db.execute(
        COUNTED,
        {
            "row_id": thread_id,
            "number": counted["number"],
            "last_id": counted["last_id"],
            "last_at": last_at,
            "solved": counted["solutions"] > 0,
            "active_at": max(question["created_at"], last_at or question["created_at"]),
        },
    )


def _describe(actor: Actor, post_id: int, *, is_staff: bool) -> Row:
    row = _lock(post_id)
    seen_id = seen.find_seen(actor.id, row["lesson_id"])
    return listing.describe(actor, [row], is_staff=is_staff, seen_id=seen_id)[0]
