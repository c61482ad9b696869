"""What happens to certificates."""

from __future__ import annotations

from dataclasses import dataclass

from learnomy_wp.kernel.events import Event

# The aggregate of the enrolment's own events, so that a completion is told before its certificate.
AGGREGATE = "course_user:{course_id}:{user_id}"
MEMBERSHIP = ("certificates",)


@dataclass(frozen=True)
class CertificateIssued(Event):
    """A certificate was issued: by a completion, by hand, or in place of another; `course_id` 0 is a path's."""

    topic = "certificate.issued"
    action = "learnomy_certificate_issued"
    arguments = ("certificate_id", "user_id", "course_id")
    aggregate = AGGREGATE
    tags = MEMBERSHIP
    about = ("certificate", "certificate_id")
    panels_of = "user_id"
    summary = "A certificate was issued."

    certificate_id: int
    user_id: int
    course_id: int


@dataclass(frozen=True)
class CertificateRevoked(Event):
    """A certificate was revoked, or replaced by another."""

    topic = "certificate.revoked"
    action = "learnomy_certificate_revoked"
    arguments = ("certificate_id", "user_id", "course_id")
    aggregate = AGGREGATE
    tags = MEMBERSHIP
    about = ("certificate", "certificate_id")
    panels_of = "user_id"
    summary = "A certificate was revoked."

    certificate_id: int
    user_id: int
    course_id: int
