"""`lesson-access`: who may open a lesson now, and why not.

Staff of the course always may. A preview lesson is open to everybody who may see content at
all. Everyone else needs live access, completed prerequisites and a lesson that has opened.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from learnomy_wp.courses import policies
from learnomy_wp.enrollments import access
from learnomy_wp.enrollments.access import Access
from learnomy_wp.kernel import clock, db
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import ApiError, NotFound, Unauthenticated, refusal
from learnomy_wp.kernel.policy import Params, Rule, on_object, open_object
from learnomy_wp.progress import drip
from learnomy_wp.progress.outline import IS_PART, ORDER, SOURCE, progress_on
from learnomy_wp.progress.parts import find_curriculum
from wp_schema.tables import courses, lessons, progress

LessonLocked = refusal("lesson_locked", "This lesson is not open yet.", status=403)

# Course states in which a learner may open lessons; the last two only from within.
OPEN_STATES = ("published", "private", "archived")

FACTS = (
    select(
        lessons.c.id.label("lesson_id"),
        lessons.c.course_id,
        lessons.c.parent_id,
        lessons.c.is_preview,
        lessons.c.status.label("lesson_status"),
        lessons.c.min_watch_seconds,
        lessons.c.required_video_share,
        lessons.c.requires_scroll,
        lessons.c.required_quiz_id,
        courses.c.curriculum_version,
        courses.c.status.label("course_status"),
        courses.c.drip_mode,
        courses.c.completion_rules,
        courses.c.access_starts_at,
        *access.CALLER_COLUMNS,
        progress.c.state,
        progress.c.position_seconds,
        progress.c.completed_at,
    )
    .select_from(
        access.with_caller(lessons.join(courses, courses.c.id == lessons.c.course_id)).outerjoin(
            progress, progress_on(bindparam("actor_id"))
        )
    )
    .where(lessons.c.id == bindparam("id"))
)
ORDERED = (
    select(lessons.c.id, lessons.c.parent_id, lessons.c.title, progress.c.state)
    .select_from(SOURCE.outerjoin(progress, progress_on(bindparam("user_id"))))
    .where(lessons.c.course_id == bindparam("course_id"), IS_PART)
    .order_by(*ORDER)
)


def find_lesson_facts(actor: Actor, lesson_id: int) -> dict[str, Any] | None:
    """A lesson with all that decides whether the caller may open it; one query."""
    facts = db.row(FACTS, {"id": lesson_id, "actor_id": actor.id, "now": clock.now()})
    if facts is None:
        return None
    part = find_curriculum(facts["course_id"], facts["curriculum_version"]).by_id.get(lesson_id)
    facts["is_part"] = part is not None
    facts |= {name: part[name] if part else None for name in ("drip_days", "drip_at")}
    facts["is_staff"] = policies.is_staff(actor, facts)
    facts["access"] = access.access_of(facts, clock.now())
    return facts


def check_lesson(actor: Actor, params: Params) -> dict[str, Any]:
    """The lesson of the path for the caller; raises why it stays closed.

    Gives the columns of `FACTS` with `is_staff` and `access`.
    """
    policies.check_content(actor, params)
    facts = find_lesson_facts(actor, params["id"])
    if facts is None:
        raise NotFound("lesson")
    if facts["is_staff"] and facts["lesson_status"] != "trash":
        return facts
    if not _is_known(facts):
        raise NotFound("lesson")
    if facts["is_preview"] and facts["course_status"] == "published":
        return facts
    if not actor.is_logged_in:
        raise Unauthenticated
    refused = why_closed(actor.id, facts, clock.now())
    if refused is not None:
        raise refused
    return facts


def _is_known(facts: dict[str, Any]) -> bool:
    """Whether a learner may know of the lesson at all."""
    if not facts["is_part"] or facts["course_status"] not in OPEN_STATES:
        return False
    return facts["course_status"] == "published" or bool(facts["is_live"])


def why_closed(user_id: int, facts: dict[str, Any], now: datetime) -> ApiError | None:
    """What keeps a learner out of a lesson, None where it is open."""
    standing: Access = facts["access"]
    if standing.reason == "course_not_started":
        return access.refuse(standing.reason, f"This course starts at {clock.iso(facts['access_starts_at'])}.")
    if standing.reason is not None:
        return access.refuse(standing.reason)
    if facts["started_at"] is None and access.is_prerequisite_unmet(facts, user_id, facts["course_id"]):
        return access.PrerequisitesUnmet()
    if facts["state"] == "completed":
        return None
    opens_at = drip.opens_at(facts, facts["drip_mode"], facts["enrolled_at"])
    if opens_at is not None and opens_at > now:
        return LessonLocked(f"This lesson opens at {clock.iso(opens_at)}.")
    if facts["drip_mode"] == drip.SEQUENTIAL:
        missing = _find_missing(user_id, facts["course_id"], facts["lesson_id"])
        if missing is not None:
            return LessonLocked(f"Complete “{missing}” first.")
    return None


def _find_missing(user_id: int, course_id: int, lesson_id: int) -> str | None:
    ordered = db.rows(ORDERED, {"user_id": user_id, "course_id": course_id})
    before = drip.previous_ids((row["id"], row["parent_id"]) for row in ordered).get(lesson_id, [])
    return next((row["title"] for row in ordered if row["id"] in before and row["state"] != "completed"), None)


LESSON_ACCESS: Rule = open_object("lesson-access", check_lesson)
# The same for what is kept of a learner: nobody has no progress, not even in a preview.
LESSON_PROGRESS: Rule = on_object("lesson-access", check_lesson)


def _check_topic(actor: Actor, params: Params) -> dict[str, Any]:
    facts = check_lesson(actor, params)
    if facts["parent_id"] is None:
        raise NotFound("topic")
    return facts


TOPIC_PROGRESS: Rule = on_object("lesson-access", _check_topic)
