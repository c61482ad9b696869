"""Lessons and topics leave the trash for good, but for those that are part of somebody's record."""

from __future__ import annotations

from functools import partial
from itertools import groupby
from typing import Any

from sqlalchemy import BindParameter, bindparam, delete, select, update

from learnomy_wp.courses import changes
from learnomy_wp.kernel import db, retention, trash
from wp_schema.tables import attachments, courses, discussions, lessons, notes, progress, quizzes

_topics = lessons.alias()
# Progress in a lesson, notes on it and what was said about it are kept with it, and so is a topic's lesson.
_is_of_no_record = (
    ~select(progress.c.id).where(progress.c.object_type == "lesson", progress.c.object_id == lessons.c.id).exists(),
    ~select(notes.c.id).where(notes.c.lesson_id == lessons.c.id).exists(),
    ~select(discussions.c.id).where(discussions.c.lesson_id == lessons.c.id).exists(),
    ~select(_topics.c.id).where(_topics.c.parent_id == lessons.c.id).exists(),
)
# A course in the trash has its lessons with it: as long as it is kept, they are.
_is_over = (
    lessons.c.deleted_at < bindparam("before"),
    lessons.c.status == "trash",
    ~select(courses.c.id).where(courses.c.id == lessons.c.course_id, courses.c.status == "trash").exists(),
)
OLD = (
    select(lessons.c.id, lessons.c.course_id)
    .where(*_is_over, *_is_of_no_record)
    .order_by(lessons.c.deleted_at)
    .limit(retention.BATCH)
    .with_hint(lessons, "FORCE INDEX (zblog_lrn_lessons_deleted)", "mysql")
)
_ids: BindParameter[Any] = bindparam("ids", expanding=True)
STILL_OLD = select(lessons.c.id).where(lessons.c.id.in_(_ids), *_is_over, *_is_of_no_record)
# A quiz of the lesson is a thing of its own, and stays unattached; the files go with the rows that name them.
REMOVE = (
    update(quizzes).where(quizzes.c.lesson_id.in_(_ids)).values(lesson_id=None),
    delete(attachments).where(attachments.c.lesson_id.in_(_ids)),
    delete(lessons).where(lessons.c.id.in_(_ids)),
)


@retention.removes("lessons")
def remove_old_lessons() -> int:
    """Remove lessons and topics that nobody may restore any more: topics first, a lesson once it has none."""
    found = db.rows(OLD, {"before": trash.removed_before()})
    by_course = sorted(found, key=lambda row: int(row["course_id"]))
    for course_id, rows in groupby(by_course, key=lambda row: int(row["course_id"])):
        db.transaction(partial(_remove, course_id, [row["id"] for row in rows]))
    return len(found)


def _remove(course_id: int, wanted: list[int]) -> None:
    changes.lock_course(course_id)
    ids = db.values(STILL_OLD, {"ids": wanted, "before": trash.removed_before()})
    if ids:
        for statement in REMOVE:
            db.execute(statement, {"ids": ids})
