"""Becoming an instructor."""

from __future__ import annotations

from dataclasses import dataclass

from learnomy_wp.kernel.events import Event

AGGREGATE = "instructor_application:{application_id}"


@dataclass(frozen=True)
class InstructorApplicationSubmitted(Event):
    """Somebody asked to become an instructor."""

    topic = "instructor.application.submitted"
    action = "learnomy_instructor_application_submitted"
    arguments = ("application_id", "user_id")
    aggregate = AGGREGATE
    about = ("instructor_application", "application_id")
    summary = "Somebody applied to become an instructor."

    application_id: int
    user_id: int


@dataclass(frozen=True)
class InstructorApplicationApproved(Event):
    """An application was approved; the role is given before this is heard."""

    topic = "instructor.application.approved"
    action = "learnomy_instructor_application_approved"
    arguments = ("application_id", "user_id")
    aggregate = AGGREGATE
    about = ("instructor_application", "application_id")
    summary = "An application to become an instructor was approved."

    application_id: int
    user_id: int
