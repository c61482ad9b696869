"""Writing notes. A deleted one stays as an empty row for a while, so that every device learns of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from learnomy_wp.kernel import clock, db, ids, pipeline, retention
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import NotFound, refusal
from learnomy_wp.kernel.policy import Params, on_object
from learnomy_wp.notes.listing import ROW
from wp_schema.tables import notes

Row = dict[str, Any]
NoteExists = refusal("note_exists", "There is a note of yours with this client_id already. Change that one.")

TOMBSTONE_DAYS = 90
retention.keep(notes, notes.c.deleted_at, days=lambda: TOMBSTONE_DAYS, index="deleted")

MINE = select(*(notes.c[name] for name in ROW)).where(
    notes.c.id == bindparam("id"), notes.c.user_id == bindparam("of_user"), notes.c.deleted_at.is_(None)
)
LOCK = MINE.with_for_update()
INSERT = insert(notes)
CHANGE = (
    update(notes)
    .where(notes.c.id == bindparam("row_id"))
    .values(
        body=bindparam("new_body"),
        position_seconds=bindparam("new_position"),
        version=notes.c.version + 1,
        deleted_at=bindparam("gone_at"),
        updated_at=bindparam("at"),
        # An ordinary write is an operation of the server's own, so it has no id.
        sync_at=bindparam("at"),
        sync_op_id=None,
    )
)


def _find(actor: Actor, params: Params) -> Row:
    found = db.row(MINE, {"id": params["id"], "of_user": actor.id})
    if found is None:
        raise NotFound("note")
    return found


OWNER = on_object("owner", _find)


def create_note(actor: Actor, lesson: Mapping[str, Any], *, body: Mapping[str, Any]) -> Row:
    """Write a note beside a lesson that the caller may open. Raises `NoteExists`."""
    now = clock.now()
    row = {
        "client_id": body.get("client_id") or ids.token_hex(16),
        "user_id": actor.id,
        "course_id": lesson["course_id"],
        "lesson_id": lesson["lesson_id"],
        "body": body["body"],
        "position_seconds": body.get("position_seconds"),
        "sync_at": now,
        "created_at": now,
        "updated_at": now,
    }
    try:
        note_id = db.insert_id(db.execute(INSERT, row))
    except IntegrityError:  # the key of user and client_id
        raise NoteExists from None
    pipeline.locate(f"/notes/{note_id}")
    return {**row, "id": note_id, "version": 1}


def update_note(actor: Actor, note_id: int, *, body: Mapping[str, Any]) -> Row:
    """Change a note. Raises `NotFound`, `PreconditionFailed`."""
    before = _lock(actor, note_id)
    after = {**before, **body}
    if after == before:
        return before
    now = clock.now()
    _write(after, now)
    return {**after, "version": before["version"] + 1, "updated_at": now}


def delete_note(actor: Actor, note_id: int) -> Row:
    """Forget what a note says; that there was one is kept for the devices. Raises `NotFound`, `PreconditionFailed`."""
    before = _lock(actor, note_id)
    now = clock.now()
    _write({**before, "body": "", "position_seconds": None}, now, gone_at=now)
    return {"id": note_id, "deleted": True}


def _lock(actor: Actor, note_id: int) -> Row:
    found = db.row(LOCK, {"id": note_id, "of_user": actor.id})
    if found is None:
        raise NotFound("note")
    pipeline.check_version(found["version"])
    return found


def _write(note: Mapping[str, Any], at: datetime, *, gone_at: datetime | None = None) -> None:
    values = {"row_id": note["id"], "new_body": note["body"], "new_position": note["position_seconds"]}
    db.execute(CHANGE, {**values, "gone_at": gone_at, "at": at})
