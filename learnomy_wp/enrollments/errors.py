"""Why an enrolment is refused."""

from __future__ import annotations

from learnomy_wp.enrollments.access import PrerequisitesUnmet
from learnomy_wp.kernel.errors import ApiError, refusal

AlreadyEnrolled = refusal("already_enrolled", "Already enrolled in this course.")
AlreadyRequested = refusal("already_requested", "A request for this course waits for approval.")
EnrollmentNotOpen = refusal("enrollment_not_open", "Enrolment for this course has not opened yet.")
EnrollmentClosed = refusal("enrollment_closed", "Enrolment for this course has closed.")
PaymentRequired = refusal("payment_required", "This course has to be bought first.")
CourseFull = refusal("course_full", "This course is full.")

# What may keep a person from enrolling, by code.
BARRIERS: dict[str, type[ApiError]] = {
    kind.code: kind
    for kind in (
        EnrollmentNotOpen,
        EnrollmentClosed,
        PaymentRequired,
        PrerequisitesUnmet,
        CourseFull,
    )
}
SELF_ENROL_ERRORS = (AlreadyEnrolled, AlreadyRequested, *BARRIERS.values())
