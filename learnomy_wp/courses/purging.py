"""Courses leave the trash for good, but for those that are part of somebody's record."""

from __future__ import annotations

from functools import partial

from sqlalchemy import bindparam, select

from learnomy_wp.courses import lookups, removal
from learnomy_wp.kernel import db, retention, trash
from wp_schema.tables import certificates, courses, earnings, enrollments, transactions

# Who was ever enrolled, has a certificate or paid keeps the course: its title, outline and what was done in it.
_is_of_no_record = (
    ~select(enrollments.c.id).where(enrollments.c.course_id == courses.c.id).exists(),
    ~select(certificates.c.id).where(certificates.c.course_id == courses.c.id).exists(),
    ~select(earnings.c.id).where(earnings.c.course_id == courses.c.id).exists(),
    ~select(transactions.c.id)
    .where(transactions.c.item_type == "course", transactions.c.item_id == courses.c.id)
    .exists(),
)
_is_over = (courses.c.deleted_at < bindparam("before"), courses.c.status == "trash")
OLD = (
    select(courses.c.id)
    .where(*_is_over, *_is_of_no_record)
    .order_by(courses.c.deleted_at)
    .limit(retention.BATCH)
    .with_hint(courses, "FORCE INDEX (zblog_lrn_courses_deleted)", "mysql")
)
STILL_OLD = select(courses.c.id).where(courses.c.id == bindparam("id"), *_is_over, *_is_of_no_record)


@retention.removes("courses")
def remove_old_courses() -> int:
    """Remove courses that nobody may restore any more; each is a deletion like another."""
    found = db.values(OLD, {"before": trash.removed_before()})
    for course_id in found:
        db.transaction(partial(_remove, course_id))
    return len(found)


def _remove(course_id: int) -> None:
    course = lookups.lock_course(course_id)
    if db.value(STILL_OLD, {"id": course_id, "before": trash.removed_before()}) is not None:
        removal.remove(course, actor_id=0)
