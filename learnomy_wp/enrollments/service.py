"""Enrolling, leaving, granting and taking away.

Each verb locks the course, then the enrolment, changes grants, and lets the enrolment follow
them (`settle`) in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, func, select, update

from learnomy_wp.courses import lookups
from learnomy_wp.enrollments import access, barriers, grants, policies, queries, settle, steps
from learnomy_wp.enrollments.errors import BARRIERS, AlreadyEnrolled, AlreadyRequested
from learnomy_wp.enrollments.events import MEMBERSHIP
from learnomy_wp.kernel import cache, clock, db
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import ValidationFailed, refusal
from learnomy_wp.kernel.pipeline import check_version, locate
from learnomy_wp.kernel.trash import InTrash
from learnomy_wp.progress import state as progress
from learnomy_wp.reports import tallies
from wp_schema.tables import enrollments, users

Row = dict[str, Any]

NotActive = refusal("enrollment_not_active", "This enrolment gives no access that could be changed.")
CompletedStays = refusal(
    "enrollment_completed", "This enrolment is completed and stays so. The learner can start the course again."
)
WindowClosed = refusal("access_window_closed", "The course's access window has closed; nobody can be let in.")

USER = select(users.c.ID).where(bindparam("user_id") == users.c.ID)
EDIT = (
    update(enrollments)
    .where(enrollments.c.id == bindparam("enrollment_id"))
    .values(
        version=enrollments.c.version + 1,
        approved_by=func.coalesce(bindparam("approver"), enrollments.c.approved_by),
    )
)
SET_STATUS = (
    update(enrollments)
    .where(enrollments.c.id == bindparam("enrollment_id"))
    .values(
        {enrollments.c.status: bindparam("status_now"), enrollments.c.updated_at: bindparam("now")},
    )
)

# --- by the learner -----------------------------------------------------------------------


def enroll(actor: Actor, course_id: int) -> Row:
    """Enrol the caller: at once, or as a request where the course asks for approval.

    Whoever was in the course before begins as anybody else does, completed or not: no earlier
    approval, purchase or seat counts. A request shows as `pending`, and `completed` again after it.
    Raises `AlreadyEnrolled`, `AlreadyRequested` and what `find_barriers` finds. Events:
    `StudentEnrolled`, never for a request.
    """
    course = steps.lock_course(course_id)
    row = steps.lock_pair(actor.id, course)
    if row is not None and row["has_access"]:
        raise AlreadyEnrolled
    waits = barriers.needs_approval(course)
    if waits and row is not None:
        _check_no_request(row)
    unmet = bool(db.value(access.UNMET, {"course_id": course_id, "actor_id": actor.id}))
    found = barriers.find_barriers(course, has_unmet_prerequisite=unmet, now=clock.now())
    if found:
        raise BARRIERS[found[0]]
    row = row or settle.add_enrollment(actor.id, course_id, "self")
    if waits:
        _set_status(row, grants.PENDING)
    else:
        settle.give(row, course, source="self", actor_id=actor.id)
        steps.begin(row, course, actor_id=actor.id)
    return _created(row, actor)


def leave(actor: Actor, course_id: int) -> Row:
    """End the caller's access to a course, or withdraw the request. Events: `StudentUnenrolled`."""
    course = steps.lock_course(course_id)
    row = steps.lock_pair(actor.id, course)
    if row is None or not (row["has_access"] or row["status"] == grants.PENDING):
        lookups.find_course(actor, course_id)  # a course that the caller may not know of is not found
        raise access.NotEnrolled
    _end(row, course, grants.CANCELLED, actor)
    return {"id": row["id"], "deleted": True}


# --- by staff -----------------------------------------------------------------------------


def create_enrollment(actor: Actor, grant: Mapping[str, Any]) -> Row:
    """Give somebody a course. A second source adds a grant to the same enrolment.

    Raises `AlreadyEnrolled` where that source gives it already, and `CourseFull`. Events:
    `StudentEnrolled` where access begins.
    """
    course = settle.lock_course(grant["course_id"])
    if course is None or course["status"] == "trash" or not _is_staff(actor, course["id"]):
        raise ValidationFailed.of("course_id", "There is no such course of yours.", "unknown")
    if db.value(USER, {"user_id": grant["user_id"]}) is None:
        raise ValidationFailed.of("user_id", "There is no such user.", "unknown")
    grants.check_span(grant, clock.now())
    row, _ = steps.give_course(grant["user_id"], course, grant, actor_id=actor.id)
    return _created(row, actor)


def change_enrollment(actor: Actor, enrollment_id: int, course_id: int, changes: Mapping[str, Any]) -> Row:
    """Approve, complete, end, or move the end of an enrolment; its grants change, the status follows.

    Raises `NotActive`, `CompletedStays`, `CourseFull`, `WindowClosed` and `InTrash`. Events as things happen.
    """
    course = steps.lock_course(course_id)
    row = steps.catch_up(settle.lock_enrollment(enrollment_id), course)
    check_version(row["version"])
    wanted, approver = changes.get("status"), None
    if course["status"] == "trash" and wanted in (grants.ACTIVE, grants.COMPLETED):
        raise InTrash("The course of this enrolment is in the trash. Restore it first.")
    if wanted == grants.ACTIVE:
        approver = actor.id if row["status"] == grants.PENDING else None
        _activate(row, course, actor, changes)
    elif wanted == grants.COMPLETED:
        _complete(row, course, actor, changes)
    elif wanted is not None:
        if "expires_at" in changes:
            raise ValidationFailed.of("expires_at", "What ends now has no other end.", "not_with_status")
        _end(row, course, wanted, actor)
    elif "expires_at" in changes:
        _move_end(row, course, actor, changes)
    if changes:
        db.execute(EDIT, {"enrollment_id": row["id"], "approver": approver})
    return queries.find_enrollment(row["id"], actor)


def delete_enrollment(actor: Actor, enrollment_id: int, course_id: int) -> Row:
    """End all grants of an enrolment; the row stays with its history. Events: `StudentUnenrolled`."""
    course = steps.lock_course(course_id)
    row = steps.catch_up(settle.lock_enrollment(enrollment_id), course)
    check_version(row["version"])
    if row["has_access"] or row["status"] == grants.PENDING or steps.has_open(row):
        _end(row, course, grants.CANCELLED, actor)
        db.execute(EDIT, {"enrollment_id": row["id"], "approver": None})
    return {"id": row["id"], "deleted": True}


@db.unit_of_work
def settle_due(enrollment_id: int, course_id: int) -> None:
    """Let an enrolment follow its grants where time changed them. Events as access begins or ends."""
    course = steps.lock_course(course_id)
    row = settle.lock_enrollment(enrollment_id)
    settled = steps.catch_up(row, course)
    if settled["has_access"] and not row["has_access"] and course["status"] != "trash":
        progress.recount(settled, actor_id=0)


# --- steps --------------------------------------------------------------------------------


def _is_staff(actor: Actor, course_id: int) -> bool:
    return policies.sees_all(actor) or course_id in policies.list_staffed(actor.id)


def _check_no_request(row: Row) -> None:
    """Refuse a second request, and one for access that is granted already and begins later."""
    if row["status"] == grants.PENDING:
        raise AlreadyRequested
    if steps.has_open(row):
        raise AlreadyEnrolled


def _activate(row: Row, course: Row, actor: Actor, changes: Mapping[str, Any]) -> None:
    if row["has_access"]:
        if row["status"] == grants.COMPLETED:
            raise CompletedStays
        if "expires_at" in changes:
            _move_end(row, course, actor, changes)
        return
    ends_at = changes.get("expires_at")
    if ends_at is not None and ends_at <= clock.now():
        raise ValidationFailed.of("expires_at", "This has passed already.", "too_early")
    source = row["source"] if row["status"] == grants.PENDING else "manual"
    if steps.has_open(row, source=source, source_id=0):
        # It begins later, or the course's window is over: from now on, instead.
        settle.end_all(row["id"], grants.CANCELLED, actor_id=actor.id)
    is_unlimited = "expires_at" in changes and ends_at is None
    settle.give(row, course, source=source, ends_at=ends_at, is_unlimited=is_unlimited, actor_id=actor.id)
    if not steps.begin(row, course, actor_id=actor.id)["has_access"]:
        raise WindowClosed


def _complete(row: Row, course: Row, actor: Actor, changes: Mapping[str, Any]) -> None:
    if not row["has_access"]:
        raise NotActive
    if row["completed_at"] is None:
        progress.complete_course(row, actor_id=actor.id)
    if "expires_at" in changes:
        _move_end(settle.lock_enrollment(row["id"]), course, actor, changes)


def _end(row: Row, course: Row, reason: str, actor: Actor) -> None:
    ended = settle.end_all(row["id"], reason, actor_id=actor.id)
    if not ended and row["status"] == grants.PENDING:
        if reason != grants.CANCELLED:
            raise NotActive
        _set_status(row, reason)
        # Whoever was here before stands again as the last end of access, or a completion, left it.
        settle.settle({**row, "status": reason}, course, actor_id=actor.id)
        return
    if not ended and not settle.rename_last_end(row["id"], reason):
        raise NotActive
    settle.settle(row, course, actor_id=actor.id)
    cache.bump_after_commit(MEMBERSHIP)


def _move_end(row: Row, course: Row, actor: Actor, changes: Mapping[str, Any]) -> None:
    if not settle.move_end(row["id"], changes["expires_at"]):
        raise NotActive
    settle.settle(row, course, actor_id=actor.id)


def _set_status(row: Row, status: str) -> None:
    """A request, or its end: no grant changes, so nothing follows."""
    db.execute(SET_STATUS, {"enrollment_id": row["id"], "status_now": status, "now": clock.now()})
    tallies.enrollment_moved(row, {**row, "status": status})
    cache.bump_after_commit(MEMBERSHIP)


def _created(row: Row, actor: Actor) -> Row:
    locate(f"/enrollments/{row['id']}")
    return queries.find_enrollment(row["id"], actor)
