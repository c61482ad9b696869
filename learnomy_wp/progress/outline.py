"""What a course's curriculum consists of, and in which order: the one definition, in SQL.

A lesson counts while it is published and stands in a section that is not in the trash; a topic
counts with its lesson. Unattached lessons belong to the course and to no learner's way.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, func, or_, select

from learnomy_wp.kernel import db
from wp_schema.tables import lessons, progress, sections

parents = lessons.alias("parent")

# Every lesson with its parent and its section; a topic stands in its parent's section.
SOURCE = lessons.outerjoin(parents, parents.c.id == lessons.c.parent_id).outerjoin(
    sections, sections.c.id == func.coalesce(parents.c.section_id, lessons.c.section_id)
)
IS_PART: ColumnElement[bool] = and_(
    lessons.c.status == "published",
    sections.c.status == "published",
    or_(lessons.c.parent_id.is_(None), parents.c.status == "published"),
)
# A lesson comes before its topics.
ORDER: tuple[ColumnElement[Any], ...] = (
    sections.c.position,
    sections.c.id,
    func.coalesce(parents.c.position, lessons.c.position),
    func.coalesce(parents.c.id, lessons.c.id),
    case((lessons.c.parent_id.is_(None), 0), else_=1),
    lessons.c.position,
    lessons.c.id,
)


def progress_on(user_id: Any) -> ColumnElement[bool]:
    """Joins a user's progress to the lessons of a statement."""
    return and_(progress.c.user_id == user_id, progress.c.object_type == "lesson", progress.c.object_id == lessons.c.id)


IDS = select(lessons.c.id).select_from(SOURCE).where(lessons.c.course_id == bindparam("course_id"), IS_PART)
ORDERED_IDS = IDS.order_by(*ORDER)


def list_lesson_ids(course_id: int) -> list[int]:
    """The lessons and topics of a course that count, in order."""
    return db.values(ORDERED_IDS, {"course_id": course_id})


def find_neighbours(course_id: int, lesson_id: int) -> tuple[int | None, int | None]:
    """The lessons before and after one, None at the ends and where the lesson does not count."""
    ids = list_lesson_ids(course_id)
    if lesson_id not in ids:
        return None, None
    here = ids.index(lesson_id)
    return ids[here - 1] if here else None, ids[here + 1] if here + 1 < len(ids) else None
