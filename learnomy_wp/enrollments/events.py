"""What happens to access: it begins, is taken away, or runs out."""

from __future__ import annotations

from dataclasses import dataclass

from learnomy_wp.kernel.events import Event

AGGREGATE = "course_user:{course_id}:{user_id}"
MEMBERSHIP = ("enrollments",)


@dataclass(frozen=True)
class StudentEnrolled(Event):
    """Access to a course began, for the first time or again after an end."""

    topic = "enrollment.created"
    action = "learnomy_student_enrolled"
    arguments = ("enrollment_id", "user_id", "course_id", "source")
    aggregate = AGGREGATE
    tags = MEMBERSHIP
    about = ("enrollment", "enrollment_id")
    summary = "A student was enrolled in a course."

    enrollment_id: int
    user_id: int
    course_id: int
    source: str
    is_bulk: bool = False  # one of a list: nobody is written to for each of them


@dataclass(frozen=True)
class StudentUnenrolled(Event):
    """The last live grant was taken away; `reason` is cancelled or refunded."""

    topic = "enrollment.cancelled"
    action = "learnomy_student_unenrolled"
    arguments = ("enrollment_id", "user_id", "course_id")
    aggregate = AGGREGATE
    tags = MEMBERSHIP
    about = ("enrollment", "enrollment_id")
    summary = "A student lost or left a course."

    enrollment_id: int
    user_id: int
    course_id: int
    reason: str


@dataclass(frozen=True)
class EnrollmentExpired(Event):
    """The last live grant ran out."""

    topic = "enrollment.expired"
    action = "learnomy_enrollment_expired"
    arguments = ("enrollment_id", "user_id", "course_id")
    aggregate = AGGREGATE
    tags = MEMBERSHIP
    about = ("enrollment", "enrollment_id")
    summary = "A student's access to a course ran out."

    enrollment_id: int
    user_id: int
    course_id: int
