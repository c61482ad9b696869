"""What the caller's own pages read."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, bindparam, case, func, select

from learnomy_wp.kernel import db, pages
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.page import Filter, Listing, Page, Sort
from wp_schema import php
from wp_schema.tables import certificates, courses, enrollments, lessons, notifications, progress, usermeta, users

# What has been withdrawn to a draft, or thrown away, is its instructors' alone.
SHOWN = ("published", "private", "archived")
CARD = ("slug", "title", "excerpt", "thumbnail_url", "lesson_count", "duration_minutes")
ENROLLMENT = (
    "id",
    "course_id",
    "user_id",
    "status",
    "source",
    "has_access",
    "progress_percent",
    "lessons_completed",
    "lessons_total",
    "enrolled_at",
    "completed_at",
    "expires_at",
    "last_activity_at",
)
BASE = (
    select(
        *(enrollments.c[name] for name in ENROLLMENT),
        *(courses.c[name].label(f"course_{name}") for name in CARD),
        lessons.c.id.label("next_id"),
        lessons.c.title.label("next_title"),
        lessons.c.slug.label("next_slug"),
    )
    .select_from(
        enrollments.join(courses, courses.c.id == enrollments.c.course_id).outerjoin(
            lessons, and_(lessons.c.id == enrollments.c.next_lesson_id, lessons.c.status == "published")
        )
    )
    .where(enrollments.c.user_id == bindparam("user_id"), courses.c.status.in_(SHOWN))
    # Each is looked up by its id; weighing their other indexes takes longer than the reading does.
    .with_hint(courses, "FORCE INDEX (PRIMARY)", "mysql")
    .with_hint(lessons, "FORCE INDEX (PRIMARY)", "mysql")
)
MY_COURSES = Listing(
    BASE,
    table=enrollments,
    key=enrollments.c.id,
    default="-last_activity_at",
    sorts={
        "-last_activity_at": Sort(
            enrollments.c.last_activity_at, descending=True, index="zblog_lrn_enrollments_user_activity"
        ),
        "-enrolled_at": Sort(enrollments.c.enrolled_at, descending=True, index="zblog_lrn_enrollments_user"),
    },
    filters={
        "status": Filter(
            lambda value: enrollments.c.status == value,
            indexes={"-enrolled_at": "zblog_lrn_enrollments_user_status"},
        )
    },
)


def _meta(key: str) -> Any:
    return (
        select(usermeta.c.meta_value)
        .where(usermeta.c.user_id == users.c.ID, usermeta.c.meta_key == key)
        .limit(1)
        .correlate(users)
        .scalar_subquery()
    )


PROFILE = select(
    users.c.user_registered,
    users.c.user_pass,
    _meta("description").label("biography"),
    _meta("learnomy_preferences").label("preferences"),
).where(bindparam("user_id") == users.c.ID)
_ongoing = enrollments.c.has_access & (enrollments.c.status == "active")
COUNTS = (
    select(
        func.count().label("enrolled"),
        func.coalesce(func.sum(case((_ongoing, 1), else_=0)), 0).label("in_progress"),
        func.coalesce(func.sum(case((enrollments.c.status == "completed", 1), else_=0)), 0).label("completed"),
        func.coalesce(func.avg(case((_ongoing, enrollments.c.progress_percent))), 0).label("average_progress"),
        select(func.count())
        .where(certificates.c.user_id == bindparam("user_id"), certificates.c.status == "active")
        .scalar_subquery()
        .label("certificates"),
        select(func.count())
        .where(notifications.c.user_id == bindparam("user_id"), notifications.c.read_at.is_(None))
        .scalar_subquery()
        .label("unread_notifications"),
        select(func.avg(progress.c.best_percent))
        .where(progress.c.user_id == bindparam("user_id"), progress.c.object_type == "quiz")
        .scalar_subquery()
        .label("average_quiz_score"),
    )
    .select_from(enrollments.join(courses, courses.c.id == enrollments.c.course_id))
    .where(enrollments.c.user_id == bindparam("user_id"), courses.c.status.in_(SHOWN))
)


def list_my_courses(actor: Actor, query: dict[str, Any]) -> Page:
    """The caller's enrolments with course, progress and next lesson."""
    page = MY_COURSES.page(query, {"user_id": actor.id}, owner=actor.id)
    return page.with_rows([_row(row) for row in page.rows])


def find_profile(user_id: int) -> dict[str, Any]:
    """What the account holds beyond the identity."""
    found = db.row(PROFILE, {"user_id": user_id}) or {}
    preferences = php.maybe_unserialize(found.get("preferences") or "")
    return {**found, "preferences": preferences if isinstance(preferences, dict) else {}}


def find_counts(user_id: int) -> dict[str, Any]:
    """How many courses, certificates and unread notifications."""
    counts = db.row(COUNTS, {"user_id": user_id})
    assert counts is not None
    return {name: value if value is None else float(value) for name, value in counts.items()}


def _row(row: dict[str, Any]) -> dict[str, Any]:
    course = {name: row.pop(f"course_{name}") for name in CARD}
    course |= {"id": row["course_id"], "permalink": pages.url("course", slug=course["slug"])}
    next_lesson = None
    if row["next_id"] is not None:
        next_lesson = {
            "id": row["next_id"],
            "title": row["next_title"],
            "slug": row["next_slug"],
            "permalink": pages.url("lesson", course=course["slug"], lesson=row["next_slug"]),
        }
    return {**row, "enrollment_id": row["id"], "course": course, "next_lesson": next_lesson}
