"""Creating, changing and trashing quizzes, under the locked row of their course and their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, func, insert, select

from learnomy_wp.courses.changes import lock_course
from learnomy_wp.kernel import clock, db, pipeline, trash
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.trash import InTrash
from learnomy_wp.quizzes import overrides, plan, queries, slots
from learnomy_wp.quizzes.changes import announce, lock_quiz, write_quiz
from wp_schema.tables import quizzes, sections

Row = dict[str, Any]

INSERT = insert(quizzes)
LAST = select(func.max(quizzes.c.position)).where(
    quizzes.c.course_id == bindparam("of_course"),
    func.coalesce(quizzes.c.section_id, 0) == bindparam("of_section"),
    quizzes.c.status.in_(("draft", "published")),
)
SECTION_STATUS = select(sections.c.status).where(sections.c.id == bindparam("id"))
DEFAULTS: Row = {"mode": "graded", "passing_percent": 0, "opens_at": None, "closes_at": None, "review_rule": None}


def create_quiz(actor: Actor, *, body: Mapping[str, Any]) -> Row:
    """A new quiz, last in its place in a course that the caller edits, or without one. Raises `ValidationFailed`."""
    columns = plan.columns_of(actor, body)
    course_id = body.get("course_id")
    if course_id is not None:
        plan.course_of(actor, course_id)
        lock_course(course_id)
    columns |= plan.place_of(course_id, body)
    plan.check_whole({**DEFAULTS, **columns})
    now = clock.now()
    row = {**columns, "course_id": course_id, "author_id": actor.id, "status": body["status"]}
    row |= {"created_at": now, "updated_at": now, "published_at": now}
    row["position"] = _last_position(course_id, columns.get("section_id"))

    def under(slug: str) -> int:
        return db.insert_id(db.execute(INSERT, {**row, "slug": slug}))

    quiz_id = plan.SLUGS.insert(under, row["title"], body.get("slug"))
    announce(course_id, is_moved=True)
    pipeline.locate(f"/quizzes/{quiz_id}")
    return queries.get_quiz_for_staff(actor, quiz_id)


def update_quiz(actor: Actor, quiz_id: int, *, body: Mapping[str, Any]) -> Row:
    """Change a quiz, the order of its slots and its overrides, or bring it back from the trash.

    Attempts keep the rules under which they were started. Raises `PreconditionFailed`, `InTrash`, `TrashExpired`,
    `ValidationFailed`.
    """
    columns = plan.columns_of(actor, body)
    before = lock_quiz(quiz_id)
    pipeline.check_version(before["version"])
    status = body.get("status", before["status"])
    if before["status"] == status == "trash" and set(body) - {"status"}:
        raise InTrash
    if "review_rule" in body:
        columns["review_rule"] = {**(before["review_rule"] or {}), **body["review_rule"]} or None
    if "slug" in body:
        columns["slug"] = plan.SLUGS.choose(body["slug"], before["slug"])
    columns |= plan.place_of(before["course_id"], body)
    columns |= _status_columns(before, status)
    plan.check_whole({**before, **columns})
    if "slots" in body:
        columns |= slots.put_order(before, body["slots"])
    if "overrides" in body:
        columns["overridden"] = overrides.put_overrides({**before, **columns}, body["overrides"])
    write_quiz(before, columns, is_changed=bool({"slots", "overrides"} & body.keys()))
    return queries.get_quiz_for_staff(actor, quiz_id)


def trash_quiz(quiz_id: int) -> Row:
    """Put a quiz into the trash. Open attempts go on, and all attempts keep their grades. Twice is once."""
    before = lock_quiz(quiz_id)
    pipeline.check_version(before["version"])
    write_quiz(before, _status_columns(before, "trash"))
    return {"id": quiz_id, "deleted": True}


# --- the parts of a change ---------------------------------------------------------------


def _last_position(course_id: int | None, section_id: int | None) -> int:
    if course_id is None:
        return 0
    last = db.value(LAST, {"of_course": course_id, "of_section": section_id or 0})
    return 0 if last is None else int(last) + 1


def _status_columns(before: Row, wanted: str) -> Row:
    now, current = clock.now(), before["status"]
    if wanted == current:
        return {}
    found: Row = {"status": wanted}
    if wanted == "trash":
        return {**found, "previous_status": current, "deleted_at": now}
    if current == "trash":
        trash.check_restorable(before["deleted_at"])
        found |= {"previous_status": None, "deleted_at": None, "trashed_with_parent": False}
        section = before["section_id"]
        if section is not None and db.value(SECTION_STATUS, {"id": section}) in (None, "trash"):
            found["section_id"] = None
    if wanted == "published":
        found["published_at"] = now
    return found
