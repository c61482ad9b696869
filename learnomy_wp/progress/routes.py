"""Completion, positions, and progress through a course."""

from __future__ import annotations

from typing import Any

from learnomy_wp.courses.hooks import CONTENT_FILTERS
from learnomy_wp.enrollments.access import REFUSALS, NotEnrolled
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.endpoint import Blueprint
from learnomy_wp.kernel.policy import USER
from learnomy_wp.progress import queries, service
from learnomy_wp.progress.policies import LESSON_PROGRESS, TOPIC_PROGRESS, LessonLocked
from learnomy_wp.progress.requirements import RequirementsUnmet
from learnomy_wp.progress.schemas import (
    CourseProgressOut,
    LessonProgressOut,
    PositionIn,
    ProgressQuery,
    RestartedOut,
    TakenBackOut,
)

lessons_bp = Blueprint("progress", group="sections, lessons, topics")
courses_bp = Blueprint("course_progress", group="courses")
CLOSED = (*REFUSALS.values(), LessonLocked)


@lessons_bp.endpoint(
    "post",
    "/lessons/<int:id>/complete",
    can=LESSON_PROGRESS,
    returns=LessonProgressOut,
    filters=CONTENT_FILTERS,
    errors=(*CLOSED, RequirementsUnmet),
)
def complete_lesson(actor: Actor, found: dict[str, Any]) -> dict[str, Any]:
    """Complete a lesson; completing it again changes nothing."""
    return service.complete_lesson(actor, found)


@lessons_bp.endpoint(
    "delete",
    "/lessons/<int:id>/complete",
    can=LESSON_PROGRESS,
    returns=TakenBackOut,
    filters=CONTENT_FILTERS,
    errors=CLOSED,
)
def uncomplete_lesson(actor: Actor, found: dict[str, Any]) -> dict[str, Any]:
    """Take back the completion of a lesson or topic; a completed course stays completed."""
    return service.uncomplete_lesson(actor, found)


@lessons_bp.endpoint(
    "post",
    "/topics/<int:id>/complete",
    can=TOPIC_PROGRESS,
    returns=LessonProgressOut,
    filters=CONTENT_FILTERS,
    errors=(*CLOSED, RequirementsUnmet),
)
def complete_topic(actor: Actor, found: dict[str, Any]) -> dict[str, Any]:
    """Complete a topic; completing it again changes nothing."""
    return service.complete_lesson(actor, found)


@lessons_bp.endpoint(
    "put",
    "/lessons/<int:id>/position",
    can=LESSON_PROGRESS,
    body=PositionIn,
    returns=LessonProgressOut,
    filters=CONTENT_FILTERS,
    errors=CLOSED,
)
def save_position(found: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Save the playback position and what was watched."""
    return service.save_position(found, body)


@courses_bp.endpoint(
    "get",
    "/courses/<int:id>/progress",
    can=USER,
    query=ProgressQuery,
    returns=CourseProgressOut,
    payload_filter="learnomy_rest_progress_payload",
    errors=(NotEnrolled,),
)
def get_course_progress(actor: Actor, id: int, query: dict[str, Any]) -> dict[str, Any]:
    """Read progress in a course: per lesson, topic and quiz."""
    return queries.find_course_progress(actor, id, query.get("user_id"))


@courses_bp.endpoint(
    "delete",
    "/courses/<int:id>/progress",
    can=USER,
    returns=RestartedOut,
    errors=(NotEnrolled, service.RetakeNotAllowed),
)
def restart_course(actor: Actor, id: int) -> dict[str, Any]:
    """Start a course again, where it allows retakes."""
    return service.restart_course(actor, id)
