"""Sections leave the trash for good. Their lessons left them when they went there, so nobody's record is touched."""

from __future__ import annotations

from functools import partial
from itertools import groupby

from sqlalchemy import bindparam, delete, select, update

from learnomy_wp.courses import changes
from learnomy_wp.kernel import db, retention, trash
from wp_schema.tables import courses, lessons, quizzes, sections

# A course in the trash has its sections with it: as long as it is kept, they are.
_is_over = (
    sections.c.deleted_at < bindparam("before"),
    sections.c.status == "trash",
    ~select(courses.c.id).where(courses.c.id == sections.c.course_id, courses.c.status == "trash").exists(),
)
OLD = (
    select(sections.c.id, sections.c.course_id)
    .where(*_is_over)
    .order_by(sections.c.deleted_at)
    .limit(retention.BATCH)
    .with_hint(sections, "FORCE INDEX (zblog_lrn_sections_deleted)", "mysql")
)
_ids = sections.c.id.in_(bindparam("ids", expanding=True))
STILL_OLD = select(sections.c.id).where(_ids, *_is_over)
REMOVE = delete(sections).where(_ids)
RELEASE = [
    update(table).where(table.c.section_id.in_(bindparam("ids", expanding=True))).values(section_id=None)
    for table in (lessons, quizzes)
]


@retention.removes("sections")
def remove_old_sections() -> int:
    """Remove sections that nobody may restore any more."""
    found = db.rows(OLD, {"before": trash.removed_before()})
    by_course = sorted(found, key=lambda row: int(row["course_id"]))
    for course_id, rows in groupby(by_course, key=lambda row: int(row["course_id"])):
        db.transaction(partial(_remove, course_id, [row["id"] for row in rows]))
    return len(found)


def _remove(course_id: int, wanted: list[int]) -> None:
    changes.lock_course(course_id)
    ids = db.values(STILL_OLD, {"ids": wanted, "before": trash.removed_before()})
    if ids:
        for statement in (*RELEASE, REMOVE):
            db.execute(statement, {"ids": ids})
