"""The states of a course's quizzes for one user: a quiz of a lesson opens with the lesson, others by access and drip.

Lessons that open one after another lock no quiz but their own: a quiz that one of them asks for could not be passed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, func, select

from learnomy_wp.kernel import db
from learnomy_wp.progress import drip
from wp_schema.tables import progress, quizzes, sections

Lock = tuple[str, datetime | None]

QUIZZES = (
    select(
        quizzes.c.id,
        quizzes.c.lesson_id,
        quizzes.c.mode,
        quizzes.c.status,
        func.coalesce(quizzes.c.drip_days, sections.c.drip_days).label("drip_days"),
        func.coalesce(quizzes.c.drip_at, sections.c.drip_at).label("drip_at"),
        progress.c.state,
        progress.c.completed_at,
    )
    .select_from(
        quizzes.outerjoin(sections, sections.c.id == quizzes.c.section_id).outerjoin(
            progress,
            and_(
                progress.c.user_id == bindparam("user_id"),
                progress.c.object_type == "quiz",
                progress.c.object_id == quizzes.c.id,
            ),
        )
    )
    .where(quizzes.c.course_id == bindparam("course_id"), quizzes.c.status.in_(("draft", "published")))
    .order_by(sections.c.position, sections.c.id, quizzes.c.position, quizzes.c.id)
)


def list_quizzes(user_id: int, course_id: int) -> list[dict[str, Any]]:
    """A course's quizzes in order, with the user's progress in each and the drip in force."""
    return db.rows(QUIZZES, {"user_id": user_id, "course_id": course_id})


def drip_lock(quiz: Mapping[str, Any], mode: str, enrolled_at: datetime | None, now: datetime) -> Lock | None:
    """What keeps a quiz that belongs to no lesson closed, once its course is open."""
    if enrolled_at is None:
        return None
    opens = drip.opens_at(quiz, mode, enrolled_at)
    return ("not_yet_open", opens) if opens is not None and opens > now else None
