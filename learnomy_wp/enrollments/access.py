"""Whether a user may open a course now, as other features ask it.

Access is the union of the live grants of an enrolment within the course's window, read at the
moment it is asked; the enrolment's `status` and `has_access` follow it, and may be a minute late.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Join, and_, bindparam, exists, or_, select

from learnomy_wp.kernel import clock, db, jobs
from learnomy_wp.kernel.errors import ApiError, refusal
from wp_schema.tables import course_instructors, course_links, courses, enrollment_grants, enrollments

NotEnrolled = refusal("not_enrolled", "You are not enrolled in this course. Enrol to open it.", status=403)
EnrollmentPending = refusal(
    "enrollment_pending", "Your enrolment waits for approval. You can start once it is approved.", status=403
)
AccessExpired = refusal("access_expired", "Your access to this course has ended.", status=403)
PrerequisitesUnmet = refusal("prerequisites_unmet", "Complete the courses that this one builds on first.", status=403)
CourseNotStarted = refusal("course_not_started", "This course has not started yet.", status=403)

REFUSALS: dict[str, type[ApiError]] = {
    kind.code: kind for kind in (NotEnrolled, EnrollmentPending, AccessExpired, PrerequisitesUnmet, CourseNotStarted)
}

# --- fragments for statements; each binds `now` ------------------------------------------


def has_live_grant_in(enrollment_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether an enrolment holds a grant that is live at the bind parameter `now`."""
    grants = enrollment_grants.c
    return exists(
        select(grants.id).where(
            grants.enrollment_id == enrollment_id,
            grants.ended_at.is_(None),
            grants.starts_at <= bindparam("now"),
            or_(grants.ends_at.is_(None), grants.ends_at > bindparam("now")),
        )
    )


# For a statement over both tables.
IS_LIVE: ColumnElement[bool] = and_(
    or_(courses.c.access_ends_at.is_(None), courses.c.access_ends_at > bindparam("now")),
    has_live_grant_in(enrollments.c.id),
)


def has_unmet_prerequisite(course_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether the user of the bind parameter `actor_id` has yet to complete a course before this one.

    A course once completed counts for good; one in the trash asks for nothing.
    """
    required, done = courses.alias("required"), enrollments.alias("done")
    links = course_links.join(
        required, and_(required.c.id == course_links.c.course_id, required.c.status != "trash")
    ).outerjoin(
        done,
        and_(
            done.c.user_id == bindparam("actor_id"),
            done.c.course_id == course_links.c.course_id,
            done.c.completion_no > 0,
        ),
    )
    return exists(
        select(course_links.c.id)
        .select_from(links)
        .where(
            course_links.c.kind == "prerequisite",
            course_links.c.owner_id == course_id,
            done.c.id.is_(None),
        )
        .correlate_except(course_links, required, done)
    )


# --- the question itself ------------------------------------------------------------------


def with_caller(source: FromClause, learner: str = "actor_id") -> Join:
    """A source that holds courses, with the caller's place on their staff and an enrolment in them.

    The enrolment is that of the user whom the bind parameter `learner` names.
    """
    return source.outerjoin(
        course_instructors,
        and_(course_instructors.c.course_id == courses.c.id, course_instructors.c.user_id == bindparam("actor_id")),
    ).outerjoin(enrollments, and_(enrollments.c.course_id == courses.c.id, enrollments.c.user_id == bindparam(learner)))


# What `access_of` reads of such a source, and what else decides whether a course is open to the caller.
CALLER_COLUMNS: tuple[ColumnElement[Any], ...] = (
    course_instructors.c.role,
    enrollments.c.id.label("enrollment_id"),
    enrollments.c.status.label("enrollment_status"),
    enrollments.c.enrolled_at,
    enrollments.c.expires_at,
    enrollments.c.has_access,
    enrollments.c.started_at,
    IS_LIVE.label("is_live"),
    exists(
        select(course_links.c.id).where(course_links.c.kind == "prerequisite", course_links.c.owner_id == courses.c.id)
    ).label("has_prerequisite"),
)
UNMET = select(has_unmet_prerequisite(bindparam("course_id", type_=courses.c.id.type)))
FACTS = (
    select(courses.c.access_starts_at, *CALLER_COLUMNS)
    .select_from(with_caller(courses))
    .where(courses.c.id == bindparam("course_id"))
)


@dataclass(frozen=True)
class Access:
    """One user's standing in one course now.

    `reason` says why the content is closed: `not_enrolled`, `enrollment_pending`,
    `access_expired`, `course_not_started`; None where it is open (lessons may still be locked).
    """

    enrollment_id: int | None = None
    status: str | None = None
    is_enrolled: bool = False
    reason: str | None = "not_enrolled"
    enrolled_at: datetime | None = None
    starts_at: datetime | None = None
    expires_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.reason is None


NO_ACCESS = Access()


def find_access(user_id: int, course_id: int) -> Access:
    """How a user stands in a course."""
    if not user_id:
        return NO_ACCESS
    now = clock.now()
    facts = db.row(FACTS, {"actor_id": user_id, "course_id": course_id, "now": now})
    return access_of(facts, now) if facts is not None else NO_ACCESS


def has_live_grant(user_id: int, course_id: int) -> bool:
    """Whether a user is in a course now."""
    return find_access(user_id, course_id).is_enrolled


def is_prerequisite_unmet(facts: Mapping[str, Any], user_id: int, course_id: int) -> bool:
    """Whether a user has yet to complete a course before this one; asks only where a row of `FACTS` names one."""
    return bool(facts["has_prerequisite"]) and bool(db.value(UNMET, {"actor_id": user_id, "course_id": course_id}))


def access_of(facts: Mapping[str, Any], now: datetime) -> Access:
    """The standing that a row with the columns of `FACTS` describes."""
    if facts["enrollment_id"] is None:
        return NO_ACCESS
    return Access(
        enrollment_id=facts["enrollment_id"],
        status=facts["enrollment_status"],
        is_enrolled=bool(facts["is_live"]),
        reason=_reason(facts, now),
        enrolled_at=facts["enrolled_at"],
        starts_at=facts["access_starts_at"],
        expires_at=facts["expires_at"],
    )


RESCHEDULE = "reschedule_course"


def window_moved(course_id: int) -> None:
    """A course's access window was changed in this unit of work: those it bounds are settled in a job."""
    jobs.enqueue(RESCHEDULE, {"course_id": course_id}, unique_key=str(course_id))


def refuse(reason: str, message: str | None = None) -> ApiError:
    """The refusal that goes with a reason."""
    return REFUSALS[reason](message)


def _reason(facts: Mapping[str, Any], now: datetime) -> str | None:
    if facts["is_live"]:
        starts_at = facts["access_starts_at"]
        return "course_not_started" if starts_at is not None and starts_at > now else None
    if facts["enrollment_status"] == "pending":
        return "enrollment_pending"
    has_run_out = facts["has_access"] or (facts["expires_at"] is not None and facts["expires_at"] <= now)
    return "access_expired" if has_run_out or facts["enrollment_status"] == "expired" else "not_enrolled"
