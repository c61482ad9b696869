"""What every change below a course does to the course itself: its counts, its version, its learners' progress."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, func, select, update

from learnomy_wp.courses.lookups import lock_course
from learnomy_wp.kernel import cache, db, jobs
from learnomy_wp.progress.outline import IS_PART, SOURCE
from wp_schema.tables import courses, enrollments, lessons, quizzes, sections

__all__ = ["content_changed", "curriculum_changed", "lock_course"]

RECOUNT = "recount_course"

COUNTS = (
    select(
        func.count().label("lesson_count"),
        func.coalesce(func.sum(lessons.c.duration_seconds), 0).label("seconds"),
        select(func.count())
        .where(sections.c.course_id == bindparam("of_course"), sections.c.status == "published")
        .scalar_subquery()
        .label("section_count"),
        select(func.count())
        .where(quizzes.c.course_id == bindparam("of_course"), quizzes.c.status == "published")
        .scalar_subquery()
        .label("quiz_count"),
    )
    .select_from(SOURCE)
    .where(lessons.c.course_id == bindparam("of_course"), IS_PART)
)
COUNTED = (
    update(courses)
    .where(courses.c.id == bindparam("of_course"))
    .values(
        lesson_count=bindparam("new_lesson_count"),
        section_count=bindparam("new_section_count"),
        quiz_count=bindparam("new_quiz_count"),
        duration_minutes=bindparam("new_duration_minutes"),
        curriculum_version=courses.c.curriculum_version + 1,
    )
)
HAS_STUDENTS = select(enrollments.c.id).where(enrollments.c.course_id == bindparam("of_course")).limit(1)


def curriculum_changed(course_id: int) -> None:
    """Lessons were added, published, trashed, restored or moved in a course whose row is locked."""
    counted: dict[str, Any] = dict(db.row(COUNTS, {"of_course": course_id}) or {})
    minutes = -(-int(counted.pop("seconds")) // 60)
    values = {f"new_{name}": value for name, value in counted.items()}
    db.execute(COUNTED, {"of_course": course_id, "new_duration_minutes": minutes, **values})
    if db.value(HAS_STUDENTS, {"of_course": course_id}) is not None:
        jobs.enqueue(RECOUNT, {"course_id": course_id}, unique_key=str(course_id))
    content_changed(course_id)


def content_changed(course_id: int) -> None:
    """What answers show of a course changed, but not what its curriculum consists of."""
    cache.bump_after_commit(["courses", "lessons", f"course:{course_id}"])
