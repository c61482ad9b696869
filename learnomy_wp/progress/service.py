"""Completing lessons, remembering positions, starting again.

Each verb locks the learner's enrolment first, so that whatever happens at once in two windows
ends in exact numbers, one completion and one event.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select

from learnomy_wp.courses import lookups
from learnomy_wp.enrollments import access
from learnomy_wp.kernel import clock, db, events
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import refusal
from learnomy_wp.progress import changes, counts, requirements, rows
from learnomy_wp.progress.events import LessonCompleted
from learnomy_wp.reports import tallies
from wp_schema.tables import courses

Row = dict[str, Any]

RetakeNotAllowed = refusal("retake_not_allowed", "This course cannot be started again.")

RETAKE = select(courses.c.allow_retake).where(courses.c.id == bindparam("course_id"))


def complete_lesson(actor: Actor, lesson: Mapping[str, Any]) -> Row:
    """Complete a lesson or topic for the caller; a completed one is given back as it is.

    `lesson` is what `lesson-access` loaded. Raises `NotEnrolled`, and `RequirementsUnmet` where
    the rules are strict. Events: `LessonCompleted`, once in each run through the course however
    often the completion is taken back, and `CourseCompleted` with the last one.
    """
    enrollment, done = _lock(lesson)
    if done["state"] == "completed":
        return _answer(enrollment, lesson, done)
    now, lesson_id, run = clock.now(), lesson["lesson_id"], _run(enrollment)
    is_news = done["announced_no"] != run
    tallies.lesson_moved(lesson["course_id"], lesson_id, done["state"], "completed")
    done |= {
        "state": "completed",
        "started_at": done["started_at"] or now,
        "completed_at": now,
        "announced_no": run,
        "sync_at": now,
    }
    rows.save_completion(enrollment, lesson_id, done, now)
    counted = counts.tally(enrollment, lesson_id=lesson_id, quiz_id=lesson["required_quiz_id"])
    warnings = _check_requirements(lesson, done, counted)
    if is_news:
        events.emit(
            LessonCompleted(
                user_id=actor.id, lesson_id=lesson_id, course_id=lesson["course_id"], enrollment_id=enrollment["id"]
            ),
            actor_id=actor.id,
        )
    enrollment = counts.write(enrollment, counted, actor_id=actor.id, last_lesson_id=lesson_id)
    return _answer(enrollment, lesson, done, warnings)


def uncomplete_lesson(actor: Actor, lesson: Mapping[str, Any]) -> Row:
    """Take a completion back; a completed course stays completed. Raises `NotEnrolled`."""
    enrollment, done = _lock(lesson)
    if done["state"] == "completed":
        enrollment = _take_back(enrollment, lesson, done, actor)
    return {**_answer(enrollment, lesson, done), "id": lesson["lesson_id"], "deleted": True}


def _take_back(enrollment: Row, lesson: Mapping[str, Any], done: Row, actor: Actor) -> Row:
    now = clock.now()
    tallies.lesson_moved(lesson["course_id"], lesson["lesson_id"], done["state"], "in_progress")
    done |= {"state": "in_progress", "completed_at": None, "sync_at": now}
    rows.save_completion(enrollment, lesson["lesson_id"], done, now)
    counted = counts.tally(enrollment)
    return counts.write(enrollment, counted, actor_id=actor.id, last_lesson_id=lesson["lesson_id"])


def save_position(lesson: Mapping[str, Any], position: Mapping[str, Any]) -> Row:
    """Remember where the caller is in a lesson; what was watched only grows. Raises `NotEnrolled`."""
    enrollment, done = _lock(lesson)
    now, state = clock.now(), "completed" if done["state"] == "completed" else "in_progress"
    tallies.lesson_moved(lesson["course_id"], lesson["lesson_id"], done["state"], state)
    tallies.enrollment_moved(enrollment, {**enrollment, "started_at": enrollment["started_at"] or now})
    done |= {
        "state": state,
        "started_at": done["started_at"] or now,
        "position_seconds": position["position_seconds"],
        "watched_seconds": max(done["watched_seconds"], position["watched_seconds"]),
        "watched_share": max(done["watched_share"], position["watched_share"]),
        "scrolled": bool(done["scrolled"] or position["scrolled"]),
        "position_sync_at": now,
    }
    rows.save_position(enrollment, lesson["lesson_id"], done, now)
    rows.touch(enrollment, lesson["lesson_id"])
    return _answer(enrollment, lesson, done)


def restart_course(actor: Actor, course_id: int) -> Row:
    """Start a course again from nothing, where it allows retakes.

    Raises `NotEnrolled` and `RetakeNotAllowed`. The next completion counts as another one.
    """
    lookups.find_course(actor, course_id)  # a course that the caller may not know of is not found
    enrollment = db.row(rows.LOCK_PAIR, {"user_id": actor.id, "course_id": course_id})
    if enrollment is None or not access.find_access(actor.id, course_id).is_enrolled:
        raise access.NotEnrolled
    if not db.value(RETAKE, {"course_id": course_id}):
        raise RetakeNotAllowed
    changes.restart(enrollment, actor_id=actor.id)
    return {"id": enrollment["id"], "deleted": True}


def _run(enrollment: Mapping[str, Any]) -> int:
    """Which run through the course this is: one ends with its completion, another begins with a retake."""
    return int(enrollment["completion_no"]) + (enrollment["completed_at"] is None)


def _lock(lesson: Mapping[str, Any]) -> tuple[Row, Row]:
    """The caller's enrolment, locked, and progress in the lesson.

    Staff and readers of a preview come here without one.
    """
    if not lesson["access"].is_enrolled:
        raise access.NotEnrolled
    enrollment, done = rows.lock_with_lesson(lesson["enrollment_id"], lesson["lesson_id"])
    # Access that has only just begun may not be noted yet; access that was just taken away is.
    if not enrollment["has_access"] and not access.has_live_grant(enrollment["user_id"], enrollment["course_id"]):
        raise access.NotEnrolled
    return enrollment, done


def _check_requirements(
    lesson: Mapping[str, Any], done: Row, counted: Mapping[str, Any]
) -> list[requirements.Requirement]:
    mode = requirements.mode_of(lesson["completion_rules"])
    if mode == requirements.OFF or lesson["is_staff"]:
        return []
    unmet = requirements.find_unmet(
        lesson, done, open_topics=counted["open_topics"], has_passed_quiz=bool(counted["has_passed_quiz"])
    )
    if mode == requirements.STRICT:
        requirements.enforce(unmet)
    return unmet


def _answer(
    enrollment: Mapping[str, Any],
    lesson: Mapping[str, Any],
    done: Row,
    warnings: list[requirements.Requirement] | None = None,
) -> Row:
    return {
        "lesson_id": lesson["lesson_id"],
        "course_id": lesson["course_id"],
        "parent_id": lesson["parent_id"],
        **{name: done[name] for name in rows.SHOWN},
        "state": "available" if done["state"] == "none" else done["state"],
        "warnings": [{"field": item.field, "message": item.message} for item in warnings or ()],
        "course_progress": {
            "enrollment_id": enrollment["id"],
            "status": enrollment["status"],
            "percent": enrollment["progress_percent"],
            "lessons_completed": enrollment["lessons_completed"],
            "lessons_total": enrollment["lessons_total"],
            "next_lesson_id": enrollment["next_lesson_id"],
            "completed_at": enrollment["completed_at"],
        },
    }
