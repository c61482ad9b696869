"""The write side of grants: locks, giving and ending them, and what follows from a change.

Locks are taken in one order, the course's row and then the enrolment's: the first guards
capacity and the number of students, the second everything about one learner in one course.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, insert, or_, select, update

from learnomy_wp.enrollments import barriers, grants
from learnomy_wp.enrollments.errors import CourseFull
from learnomy_wp.enrollments.events import EnrollmentExpired, StudentEnrolled, StudentUnenrolled
from learnomy_wp.kernel import clock, db, events
from learnomy_wp.reports import tallies
from wp_schema.tables import course_terms, courses, enrollment_grants, enrollments

Row = dict[str, Any]

COURSE_COLUMNS = (
    courses.c.id,
    courses.c.title,
    courses.c.slug,
    courses.c.status,
    courses.c.price_minor,
    courses.c.currency,
    courses.c.capacity,
    courses.c.student_count,
    courses.c.access_days,
    courses.c.opens_at,
    courses.c.closes_at,
    courses.c.access_starts_at,
    courses.c.access_ends_at,
    courses.c.enrollment_mode,
    courses.c.reset_on_retake,
)
LOCK_COURSE = select(*COURSE_COLUMNS).where(courses.c.id == bindparam("course_id")).with_for_update()
LOCK_ENROLLMENT = select(enrollments).where(enrollments.c.id == bindparam("enrollment_id")).with_for_update()
LOCK_PAIR = (
    select(enrollments)
    .where(enrollments.c.user_id == bindparam("user_id"), enrollments.c.course_id == bindparam("course_id"))
    .with_for_update()
)
INSERT = insert(enrollments)

_grant = enrollment_grants.c
_of_enrollment = _grant.enrollment_id == bindparam("of_enrollment")
GRANTS = select(enrollment_grants).where(_of_enrollment).order_by(_grant.id)
GIVE = insert(enrollment_grants)
END_RUN_OUT = (
    update(enrollment_grants)
    .where(_of_enrollment, _grant.ended_at.is_(None), _grant.ends_at <= bindparam("now"))
    .values(ended_at=_grant.ends_at, end_reason=grants.EXPIRED, updated_at=bindparam("now"))
)
END_OPEN = (
    update(enrollment_grants)
    .where(_of_enrollment, _grant.ended_at.is_(None))
    .values(
        ended_at=bindparam("now"),
        end_reason=bindparam("reason"),
        revoked_at=bindparam("revoked"),
        revoked_by=bindparam("by"),
        updated_at=bindparam("now"),
    )
)
MOVE_END = (
    update(enrollment_grants)
    .where(_of_enrollment, _grant.ended_at.is_(None), or_(_grant.ends_at.is_(None), _grant.ends_at > bindparam("now")))
    .values(ends_at=bindparam("until"), updated_at=bindparam("now"))
)
RENAME_END = (
    update(enrollment_grants)
    .where(_grant.id == bindparam("grant_id"))
    .values(end_reason=bindparam("reason"), updated_at=bindparam("now"))
)
# What follows from the grants, and the bind parameter of each column; nothing is written where none of it differs.
FOLLOWING = {
    "status": "status_now",
    "has_access": "access_now",
    "expires_at": "until",
    "next_transition_at": "due",
    "enrolled_at": "since",
    "source": "first_source",
}
FOLLOW = (
    update(enrollments)
    .where(enrollments.c.id == bindparam("enrollment_id"))
    .values(
        {
            **{enrollments.c[name]: bindparam(bind) for name, bind in FOLLOWING.items()},
            enrollments.c.updated_at: bindparam("now"),
        }
    )
)
# Both repeat the number, so that lists by category are read in order; neither goes below zero.
COUNT_STUDENTS = tuple(
    update(table)
    .where(key == bindparam("in_course"), table.c.student_count >= bindparam("least"))
    .values({table.c.student_count: table.c.student_count + bindparam("change")})
    for table, key in ((courses, courses.c.id), (course_terms, course_terms.c.course_id))
)


def lock_course(course_id: int) -> Row | None:
    """Lock a course's row: capacity and the number of students hold until the commit."""
    return db.row(LOCK_COURSE, {"course_id": course_id})


def lock_enrollment(enrollment_id: int) -> Row:
    """Lock an enrolment; its course is locked already."""
    found = db.row(LOCK_ENROLLMENT, {"enrollment_id": enrollment_id})
    assert found is not None, "enrolments are never removed"
    return found


def lock_pair(user_id: int, course_id: int) -> Row | None:
    """Lock a user's enrolment in a course, if there is one."""
    return db.row(LOCK_PAIR, {"user_id": user_id, "course_id": course_id})


def add_enrollment(user_id: int, course_id: int, source: str) -> Row:
    """A new enrolment without a grant, so still pending; its course is locked."""
    now = clock.now()
    values = {
        "user_id": user_id,
        "course_id": course_id,
        "status": grants.PENDING,
        "source": source,
        "enrolled_at": now,
        "last_activity_at": now,
        "created_at": now,
        "updated_at": now,
    }
    made = lock_enrollment(db.insert_id(db.execute(INSERT, values)))
    tallies.enrollment_moved(None, made)
    return made


def list_grants(enrollment_id: int) -> list[Row]:
    """All grants of an enrolment, in the order in which they were given."""
    return db.rows(GRANTS, {"of_enrollment": enrollment_id})


def has_had_access(enrollment_id: int) -> bool:
    """Whether an enrolment gave access that is over by now."""
    now = clock.now()
    return any(grants.was_live(grant, now) for grant in list_grants(enrollment_id))


def give(
    enrollment: Row,
    course: Row,
    *,
    source: str,
    source_id: int = 0,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    is_unlimited: bool = False,
    actor_id: int,
) -> None:
    """Give a grant; without an end of its own it ends after the course's `access_days`.

    Raises `CourseFull` where it would begin an access that no seat is left for.
    """
    now = clock.now()
    if not enrollment["has_access"] and barriers.is_full(course):
        raise CourseFull
    begins = starts_at or now
    if ends_at is None and not is_unlimited and course["access_days"]:
        ends_at = begins + timedelta(days=course["access_days"])
    db.execute(END_RUN_OUT, {"of_enrollment": enrollment["id"], "now": now})
    whose = {"enrollment_id": enrollment["id"], "user_id": enrollment["user_id"], "course_id": enrollment["course_id"]}
    lasts = {"starts_at": begins, "ends_at": ends_at, "created_at": now, "updated_at": now}
    db.execute(GIVE, {**whose, **lasts, "source": source, "source_id": source_id, "granted_by": actor_id})


def end_all(enrollment_id: int, reason: str, *, actor_id: int) -> int:
    """End every grant that is not ended yet, also later ones; gives how many."""
    now = clock.now()
    db.execute(END_RUN_OUT, {"of_enrollment": enrollment_id, "now": now})
    revoked = None if reason == grants.EXPIRED else now
    values = {
        "of_enrollment": enrollment_id,
        "now": now,
        "reason": reason,
        "revoked": revoked,
        "by": actor_id if revoked else None,
    }
    return db.execute(END_OPEN, values).rowcount


def move_end(enrollment_id: int, until: datetime | None) -> int:
    """Give the open grants another end; gives how many there were."""
    return db.execute(MOVE_END, {"of_enrollment": enrollment_id, "until": until, "now": clock.now()}).rowcount


def rename_last_end(enrollment_id: int, reason: str) -> bool:
    """Say otherwise how access ended: a cancelled one was refunded after all."""
    ended = [grant for grant in list_grants(enrollment_id) if grant["ended_at"] is not None]
    if not ended:
        return False
    last = max(ended, key=lambda grant: (grant["ended_at"], grant["id"]))
    db.execute(RENAME_END, {"grant_id": last["id"], "reason": reason, "now": clock.now()})
    return True


def settle(enrollment: Row, course: Mapping[str, Any], *, actor_id: int, is_bulk: bool = False) -> Row:
    """Let a locked enrolment follow its grants; gives its new row.

    Events: `StudentEnrolled` where access begins, `StudentUnenrolled` or `EnrollmentExpired`
    where it ends. The course's number of students follows. `is_bulk` says that this is one of many at once.
    """
    now = clock.now()
    given = list_grants(enrollment["id"])
    if _is_request(enrollment, given, now):
        return enrollment
    if any(grants.has_run_out(grant, now) for grant in given):
        db.execute(END_RUN_OUT, {"of_enrollment": enrollment["id"], "now": now})
    standing = grants.stand(enrollment, given, course["access_ends_at"], now)
    changed = _followed(enrollment, given, standing, now)
    if all(changed[name] == enrollment[name] for name in FOLLOWING):
        return enrollment
    following = {bind: changed[name] for name, bind in FOLLOWING.items()}
    db.execute(FOLLOW, {"enrollment_id": enrollment["id"], **following, "now": now})
    tallies.enrollment_moved(enrollment, changed)
    if standing.has_access != bool(enrollment["has_access"]):
        _announce(changed, standing, actor_id, is_bulk=is_bulk)
    return changed


def _followed(enrollment: Row, given: list[Row], standing: grants.Standing, now: datetime) -> Row:
    """The row as the standing has it. Enrolment counts from the first beginning of access."""
    begins = standing.began_at is not None and not enrollment["has_access"]
    is_first = begins and not any(grants.was_live(grant, now) for grant in given)
    return {
        **enrollment,
        "status": standing.status,
        "has_access": standing.has_access,
        "expires_at": standing.expires_at,
        "next_transition_at": standing.next_transition_at,
        "enrolled_at": standing.began_at if is_first else enrollment["enrolled_at"],
        "source": given[0]["source"] if given else enrollment["source"],
        "updated_at": now,
    }


def _is_request(enrollment: Row, given: list[Row], now: datetime) -> bool:
    """Whether somebody waits for approval: without any grant, or once more after the last one ended.

    What waits for a grant to begin has a next transition.
    """
    waits = enrollment["status"] == grants.PENDING and enrollment["next_transition_at"] is None
    return waits and not any(grants.is_open(grant, now) for grant in given)


def _announce(enrollment: Row, standing: grants.Standing, actor_id: int, *, is_bulk: bool) -> None:
    change = 1 if standing.has_access else -1
    for statement in COUNT_STUDENTS:
        db.execute(statement, {"in_course": enrollment["course_id"], "least": 0 if change > 0 else 1, "change": change})
    whose = {
        "enrollment_id": enrollment["id"],
        "user_id": enrollment["user_id"],
        "course_id": enrollment["course_id"],
    }
    if standing.has_access:
        events.emit(StudentEnrolled(**whose, source=standing.source, is_bulk=is_bulk), actor_id=actor_id)
    elif standing.end_reason == grants.EXPIRED:
        events.emit(EnrollmentExpired(**whose), actor_id=actor_id)
    else:
        events.emit(StudentUnenrolled(**whose, reason=standing.end_reason), actor_id=actor_id)
