"""What every change of a quiz begins and ends with: the locked rows, and what follows in its course."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select, update

from learnomy_wp.courses import changes
from learnomy_wp.kernel import cache, clock, db
from learnomy_wp.kernel.errors import NotFound
from learnomy_wp.quizzes import plan
from learnomy_wp.quizzes.listing import TAG
from wp_schema.tables import quizzes

Row = dict[str, Any]

LOCK = select(quizzes).where(quizzes.c.id == bindparam("id")).with_for_update()
COURSE_OF = select(quizzes.c.course_id).where(quizzes.c.id == bindparam("id"))
# What changes what learners find in the curriculum, or what counts there.
_OUTLINE = frozenset({"status", "section_id", "lesson_id", "position", "mode", "is_required"})


def lock_quiz(quiz_id: int) -> Row:
    """The quiz's row, locked; its course's row, where it has one, is locked before. Raises `NotFound`."""
    course_id = db.value(COURSE_OF, {"id": quiz_id})
    if course_id is not None:
        changes.lock_course(course_id)
    found = db.row(LOCK, {"id": quiz_id})
    if found is None:
        raise NotFound("quiz")
    return found


def write_quiz(before: Row, columns: Mapping[str, Any], *, is_changed: bool = False) -> None:
    """Write what differs of a locked quiz, as a new version, and what follows in its course.

    `is_changed` says that something else that answers show of it changed.
    """
    changed = {name: value for name, value in columns.items() if before[name] != value}
    if not changed and not is_changed:
        return
    changed |= {"version": before["version"] + 1, "updated_at": clock.now()}
    statement = update(quizzes).where(quizzes.c.id == before["id"]).values(changed)
    plan.SLUGS.unless_taken(lambda: db.execute(statement), str({**before, **changed}["slug"]))
    announce(before["course_id"], is_moved=bool(changed.keys() & _OUTLINE))


def announce(course_id: int | None, *, is_moved: bool) -> None:
    """End what is kept of a quiz; `is_moved` where the course's curriculum is another now."""
    cache.bump_after_commit([TAG])
    if course_id is None:
        return
    if is_moved:
        changes.curriculum_changed(course_id)
    else:
        changes.content_changed(course_id)
