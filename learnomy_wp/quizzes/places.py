"""A user's progress row of a quiz: the lock under which attempts begin and results are made, and the result itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects import mysql, sqlite

from learnomy_wp.kernel import clock, db
from wp_schema.tables import progress

Row = dict[str, Any]

_mine = (
    progress.c.user_id == bindparam("of_user"),
    progress.c.object_type == "quiz",
    progress.c.object_id == bindparam("of_quiz"),
)
LOCK = (
    select(
        progress.c.id,
        progress.c.state,
        progress.c.best_percent,
        progress.c.attempts_used,
        progress.c.started_at,
        progress.c.completed_at,
        progress.c.overrides,
    )
    .where(*_mine)
    .with_for_update()
)
# Made where it is not there yet; where it is, MySQL locks it by this alone.
_on_mysql = mysql.insert(progress)
_on_sqlite = sqlite.insert(progress)
MAKE_MYSQL = _on_mysql.on_duplicate_key_update(object_type=_on_mysql.inserted.object_type)
MAKE_SQLITE = _on_sqlite.on_conflict_do_nothing()
SAVE = (
    update(progress)
    .where(progress.c.id == bindparam("place_id"))
    .values(
        state=bindparam("new_state"),
        best_percent=bindparam("new_best"),
        attempts_used=bindparam("used"),
        started_at=bindparam("started"),
        completed_at=bindparam("completed"),
        sync_at=bindparam("at"),
        updated_at=bindparam("at"),
    )
)


def lock_place(user_id: int, quiz_id: int, course_id: int | None) -> Row:
    """The user's progress row of the quiz, locked; made where it is missing."""
    asked = {"of_user": user_id, "of_quiz": quiz_id}
    found = db.row(LOCK, asked)
    if found is not None:
        return found
    now = clock.now()
    row = {"user_id": user_id, "object_type": "quiz", "object_id": quiz_id, "course_id": course_id or 0}
    db.execute(MAKE_SQLITE if db.current().is_sqlite else MAKE_MYSQL, {**row, "created_at": now, "updated_at": now})
    found = db.row(LOCK, asked)
    assert found is not None
    return found


def save_place(place: Mapping[str, Any], **changes: Any) -> Row:
    """Write a locked row's result, where it differs; gives the new row."""
    after = {**place, **changes}
    if after == dict(place):
        return after
    now: datetime = clock.now()
    values = {"new_state": after["state"], "new_best": after["best_percent"], "used": after["attempts_used"]}
    values |= {"started": after["started_at"], "completed": after["completed_at"], "at": now}
    db.execute(SAVE, {"place_id": place["id"], **values})
    return after
