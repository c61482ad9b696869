"""Enrolments as answers show them, and everything that `/access` tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, select

from learnomy_wp.courses import policies as course_policies
from learnomy_wp.courses.hooks import CURRENCY
from learnomy_wp.enrollments import access, barriers
from learnomy_wp.enrollments.access import Access
from learnomy_wp.enrollments.errors import BARRIERS
from learnomy_wp.enrollments.settle import COURSE_COLUMNS
from learnomy_wp.kernel import avatars, clock, db, pages, settings
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import ApiError, NotFound, Unauthenticated
from learnomy_wp.kernel.policy import Params
from wp_schema.tables import course_instructors, course_links, courses, enrollments, users

Row = dict[str, Any]

COLUMNS = tuple(
    enrollments.c[name]
    for name in (
        "id", "user_id", "course_id", "status", "source", "has_access", "progress_percent", "lessons_completed",
        "lessons_total", "next_lesson_id", "completion_no", "enrolled_at", "started_at", "completed_at", "expires_at",
        "last_activity_at", "updated_at", "version",
    )
)  # fmt: skip
BY_ID = select(*COLUMNS).where(enrollments.c.id == bindparam("id"))
COURSES = (
    select(courses.c.id, courses.c.title, courses.c.slug, courses.c.status, course_instructors.c.role)
    .select_from(
        courses.outerjoin(
            course_instructors,
            and_(
                course_instructors.c.course_id == courses.c.id, course_instructors.c.user_id == bindparam("reader_id")
            ),
        )
    )
    .where(courses.c.id.in_(bindparam("ids", expanding=True)))
)
# What learners know nothing of.
WITHDRAWN = ("draft", "pending", "trash")
USERS = select(users.c.ID.label("id"), users.c.display_name, users.c.user_email).where(
    users.c.ID.in_(bindparam("ids", expanding=True))
)
ACCESS = (
    select(*COURSE_COLUMNS, *access.CALLER_COLUMNS)
    .select_from(access.with_caller(courses))
    .where(courses.c.id == bindparam("course_id"))
)
PREREQUISITES = (
    select(courses.c.id, courses.c.title, courses.c.slug, courses.c.status, enrollments.c.completion_no)
    .select_from(
        course_links.join(courses, courses.c.id == course_links.c.course_id).outerjoin(
            enrollments,
            and_(enrollments.c.course_id == courses.c.id, enrollments.c.user_id == bindparam("actor_id")),
        )
    )
    .where(
        course_links.c.kind == "prerequisite",
        course_links.c.owner_id == bindparam("course_id"),
        courses.c.status != "trash",
    )
    .order_by(course_links.c.position, course_links.c.id)
)

# --- enrolments ---------------------------------------------------------------------------


def find_enrollment(enrollment_id: int, reader: Actor) -> Row:
    """One enrolment with its course and learner, as far as `reader` may know of them."""
    found = db.row(BY_ID, {"id": enrollment_id})
    if found is None:
        raise NotFound("enrolment")
    return complete([found], reader)[0]


def complete(rows: list[Row], reader: Actor) -> list[Row]:
    """The rows with their courses and learners: two queries however many they are."""
    known = _by_ids(COURSES, (row["course_id"] for row in rows), reader_id=reader.id)
    their_courses = {row["id"]: _course(row) for row in known if _may_know(reader, row)}
    their_users = {row["id"]: _user(row) for row in _by_ids(USERS, (row["user_id"] for row in rows))}
    return [
        {
            **row,
            "enrollment_id": row["id"],
            "course": their_courses.get(row["course_id"]),
            "user": their_users.get(row["user_id"]),
        }
        for row in rows
    ]


def _by_ids(statement: Any, ids: Iterable[int], **binds: Any) -> list[Row]:
    wanted = sorted(set(ids))
    return db.rows(statement, {"ids": wanted, **binds}) if wanted else []


def _may_know(reader: Actor, course: Row) -> bool:
    is_staff = reader.is_manager or course_policies.has_role(reader, course, course_policies.STAFF)
    return is_staff or course["status"] not in WITHDRAWN


def _course(row: Row) -> Row:
    return {**row, "permalink": pages.url("course", slug=row["slug"])}


def _user(row: Row) -> Row:
    return {"id": row["id"], "display_name": row["display_name"], "avatar_url": avatars.url(row["user_email"])}


# --- access -------------------------------------------------------------------------------


def explain_access(actor: Actor, course_id: int, params: Params) -> Row:
    """Whether the caller may open a course or enrol in it, with every reason why not.

    Raises `NotFound` for a course that the caller may not know of. A private academy says
    nothing of its courses to whom it does not let in.
    """
    try:
        course_policies.check_content(actor, params)
    except ApiError as refused:
        reason = {"code": "private", "message": refused.text}
        return {**dict.fromkeys(_HIDDEN), **_CLOSED, "course_id": course_id, "reason": "private", "reasons": [reason]}
    now = clock.now()
    course = db.row(ACCESS, {"course_id": course_id, "actor_id": actor.id, "now": now})
    if course is None:
        raise NotFound("course")
    is_staff = actor.is_manager or course_policies.has_role(actor, course, course_policies.STAFF)
    standing = access.access_of(course, now)
    if not is_staff and not _is_known(course):
        raise NotFound("course")
    return _explain(actor, course, standing, is_staff=is_staff, now=now)


_HIDDEN = (
    "enrollment_id", "status", "price", "is_free", "needs_approval", "capacity", "seats_left", "opens_at",
    "closes_at", "access_starts_at", "access_ends_at", "access_days", "expires_at",
)  # fmt: skip
_CLOSED: Row = {"can_access": False, "can_enroll": False, "is_enrolled": False, "prerequisites": []}


def _is_known(course: Row) -> bool:
    return course["status"] == "published" or (course["status"] in ("private", "archived") and course["is_live"])


def _explain(actor: Actor, course: Row, standing: Access, *, is_staff: bool, now: datetime) -> Row:
    in_the_way, can_enroll = _find_obstacles(actor, course, standing, now)
    if is_staff:
        in_the_way = []
    capacity = course["capacity"]
    return {
        "course_id": course["id"],
        "can_access": not in_the_way,
        "can_enroll": can_enroll,
        "is_enrolled": standing.is_enrolled,
        "enrollment_id": standing.enrollment_id,
        "status": standing.status,
        "reason": in_the_way[0][0] if in_the_way else None,
        "reasons": [{"code": code, "message": error.text} for code, error in in_the_way],
        "price": _price(course),
        "is_free": not course["price_minor"],
        "needs_approval": barriers.needs_approval(course),
        "capacity": capacity,
        "seats_left": None if capacity is None else max(0, capacity - course["student_count"]),
        **{name: course[name] for name in ("opens_at", "closes_at", "access_starts_at", "access_ends_at")},
        "access_days": course["access_days"],
        "expires_at": standing.expires_at,
        "prerequisites": _prerequisites(actor, course["id"], is_staff=is_staff),
    }


def _find_obstacles(
    actor: Actor, course: Row, standing: Access, now: datetime
) -> tuple[list[tuple[str, ApiError]], bool]:
    """What keeps the caller from the course, the nearest first; and whether enrolling would help."""
    unmet = access.is_prerequisite_unmet(course, actor.id, course["id"])
    if standing.is_enrolled:
        found = [] if standing.reason is None else [(standing.reason, access.refuse(standing.reason))]
        if unmet and course["started_at"] is None:
            found.append(("prerequisites_unmet", access.PrerequisitesUnmet()))
        return found, False
    codes = barriers.find_barriers(course, has_unmet_prerequisite=unmet, now=now)
    can_enroll = actor.is_logged_in and not codes and standing.reason != "enrollment_pending"
    first = ("login_required", Unauthenticated()) if not actor.is_logged_in else _standing(standing)
    return [first, *((code, BARRIERS[code]()) for code in codes)], can_enroll


def _prerequisites(actor: Actor, course_id: int, *, is_staff: bool) -> list[Row]:
    return [
        {**row, "is_completed": bool(row["completion_no"])}
        for row in db.rows(PREREQUISITES, {"course_id": course_id, "actor_id": actor.id})
        if is_staff or row["status"] == "published"
    ]


def _standing(standing: Access) -> tuple[str, ApiError]:
    reason = standing.reason or "not_enrolled"
    return reason, access.refuse(reason)


def _price(course: Mapping[str, Any]) -> Row:
    return {"amount_minor": course["price_minor"], "currency": course["currency"] or settings.get(CURRENCY)}
