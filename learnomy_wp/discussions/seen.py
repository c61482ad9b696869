"""How far somebody has read a lesson's discussions: the newest post seen, kept with the progress in the lesson."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects import mysql, sqlite

from learnomy_wp.kernel import clock, db
from wp_schema.tables import discussions, progress

# More than that are not counted.
MAX_UNREAD = 1000

SEEN = select(progress.c.discussion_seen_id).where(
    progress.c.user_id == bindparam("of_user"),
    progress.c.object_type == "lesson",
    progress.c.object_id == bindparam("of_lesson"),
)
_shown = (discussions.c.lesson_id == bindparam("of_lesson"), discussions.c.shown_as == "visible")
NEWEST = select(func.max(discussions.c.id)).where(*_shown)
_fresh = (
    select(discussions.c.id)
    .where(*_shown, discussions.c.id > bindparam("seen"), discussions.c.user_id != bindparam("of_user"))
    .limit(MAX_UNREAD)
    .with_hint(discussions, "FORCE INDEX (zblog_lrn_discussions_fresh)", "mysql")
    .subquery()
)
UNREAD = select(func.count()).select_from(_fresh)

_on_mysql, _on_sqlite = mysql.insert(progress), sqlite.insert(progress)
_before = func.coalesce(progress.c.discussion_seen_id, 0)
# It only ever goes on.
SAVE_ON_MYSQL = _on_mysql.on_duplicate_key_update(
    discussion_seen_id=func.greatest(_before, _on_mysql.inserted.discussion_seen_id),
    updated_at=_on_mysql.inserted.updated_at,
)
SAVE_ON_SQLITE = _on_sqlite.on_conflict_do_update(
    index_elements=[progress.c.user_id, progress.c.object_type, progress.c.object_id],
    set_={
        "discussion_seen_id": func.max(_before, _on_sqlite.excluded.discussion_seen_id),
        "updated_at": _on_sqlite.excluded.updated_at,
    },
)


def find_seen(user_id: int, lesson_id: int) -> int:
    """The newest post that a user has seen in a lesson, 0 for none."""
    return int(db.value(SEEN, {"of_user": user_id, "of_lesson": lesson_id}) or 0)


def count_unread(user_id: int, lesson_id: int, seen: int) -> int:
    """How many posts of others are newer, up to a thousand."""
    return int(db.value(UNREAD, {"of_user": user_id, "of_lesson": lesson_id, "seen": seen}) or 0)


def mark_all(user_id: int, course_id: int, lesson_id: int) -> None:
    """Everything that is there now has been seen."""
    newest = db.value(NEWEST, {"of_lesson": lesson_id})
    if newest is not None:
        db.transaction(lambda: _save(user_id, course_id, lesson_id, int(newest)))


def mark_own(user_id: int, course_id: int, lesson_id: int, post_id: int) -> None:
    """One's own post is nothing new to its author; called in the unit of work that made it."""
    if count_unread(user_id, lesson_id, find_seen(user_id, lesson_id)) == 0:
        _save(user_id, course_id, lesson_id, post_id)


def _save(user_id: int, course_id: int, lesson_id: int, post_id: int) -> None:
    now = clock.now()
    values: dict[str, Any] = {
        "user_id": user_id,
        "object_type": "lesson",
        "object_id": lesson_id,
        "course_id": course_id,
        "discussion_seen_id": post_id,
        "created_at": now,
        "updated_at": now,
    }
    db.execute(SAVE_ON_SQLITE if db.current().is_sqlite else SAVE_ON_MYSQL, values)
