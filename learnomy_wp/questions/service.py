"""Creating, changing and trashing questions, each under its locked row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from learnomy_wp.kernel import cache, clock, db, pipeline, trash
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import Forbidden, NotFound
from learnomy_wp.kernel.trash import InTrash
from learnomy_wp.questions import listing, planning, policies, versions
from learnomy_wp.questions.categories import Tree
from learnomy_wp.questions.listing import TAG
from wp_schema.tables import question_versions, questions

Row = dict[str, Any]

INSERT = insert(questions)
POINT = (
    update(questions)
    .where(questions.c.id == bindparam("question_id"))
    .values(current_version_id=bindparam("made"), version_count=1)
)
CURRENT = select(question_versions).where(question_versions.c.id == bindparam("id"))
FACTS = policies.FACTS


def create_question(actor: Actor, body: Mapping[str, Any]) -> Row:
    """A new question in the bank. May end the round with a question to WordPress. Raises `ValidationFailed`."""
    question_id = add_question(actor, body)
    pipeline.locate(f"/questions/{question_id}")
    return listing.read_question(question_id)


def add_question(actor: Actor, body: Mapping[str, Any]) -> int:
    """Insert a new question; gives its id. Within a unit of work in which nothing is written yet."""
    columns, version = planning.new_question(actor, body)
    now = clock.now()
    if "category" in body:
        columns["category_id"] = Tree().resolve(body["category"])
    row = {**columns, "status": body.get("status", "published"), "created_at": now, "updated_at": now}
    question_id = db.insert_id(db.execute(INSERT, row))
    made = versions.write(question_id, version, number=1, actor_id=actor.id)
    db.execute(POINT, {"question_id": question_id, "made": made})
    cache.bump_after_commit([TAG])
    return question_id


def update_question(actor: Actor, question_id: int, *, body: Mapping[str, Any]) -> Row:
    """Change a question; where somebody was given it to answer, its next version is made.

    Raises `PreconditionFailed`, `InTrash`, `TrashExpired`, `Forbidden`, `ValidationFailed`.
    """
    before = lock_question(question_id)
    pipeline.check_version(before["version"])
    status = body.get("status", before["status"])
    if before["status"] == status == "trash" and set(body) - {"status"}:
        raise InTrash
    if "course_id" in body and body["course_id"] is None and before["author_id"] != actor.id:
        _check_own(actor, before)
    held = db.row(CURRENT, {"id": before["current_version_id"]})
    assert held is not None, "a question has a version from the start"
    columns, version = planning.changed_question(actor, body, before, held)
    if "category" in body:
        columns["category_id"] = Tree().resolve(body["category"])
    columns |= _status_columns(before, status)
    columns |= versions.change(before, version, actor_id=actor.id)
    is_changed = versions.hash_of(version) != held["content_hash"]
    changed = {name: value for name, value in columns.items() if before[name] != value}
    if changed or is_changed:
        changed |= {"version": before["version"] + 1, "updated_at": clock.now()}
        db.execute(update(questions).where(questions.c.id == question_id).values(changed))
        cache.bump_after_commit([TAG])
    return listing.read_question(question_id)


def trash_question(question_id: int) -> Row:
    """Put a question into the trash: no new attempt is given it, those that have it keep it. Twice is once."""
    before = lock_question(question_id)
    pipeline.check_version(before["version"])
    columns = _status_columns(before, "trash")
    if columns:
        columns |= {"version": before["version"] + 1, "updated_at": clock.now()}
        db.execute(update(questions).where(questions.c.id == question_id).values(columns))
        cache.bump_after_commit([TAG])
    return {"id": question_id, "deleted": True}


def lock_question(question_id: int) -> Row:
    """The question's row, locked until the end of the unit of work. Raises `NotFound`."""
    found = db.row(versions.LOCK, {"id": question_id})
    if found is None:
        raise NotFound("question")
    return found


def _check_own(actor: Actor, before: Row) -> None:
    """Refuse to put somebody else's question into their own bank, where the caller may not change it any more."""
    facts = db.row(FACTS, {"id": before["id"], "actor_id": actor.id})
    if facts is None or not policies.may_edit(actor, {**facts, "course_id": None}):
        raise Forbidden("Only its author can take a question out of its course.")


def _status_columns(before: Row, wanted: str) -> Row:
    now, current = clock.now(), before["status"]
    if wanted == current:
        return {}
    if wanted == "trash":
        return {"status": wanted, "previous_status": current, "deleted_at": now}
    if current == "trash":
        trash.check_restorable(before["deleted_at"])
    return {"status": wanted, "previous_status": None, "deleted_at": None}
