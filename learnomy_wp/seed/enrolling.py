"""Who takes what in the demo academy, and how far they are."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from learnomy_wp.kernel import db
from learnomy_wp.seed.bulk import chunks, insert
from wp_schema.tables import courses, enrollment_grants, enrollments, lessons, progress, sections

ENROLLMENTS_EACH = 10


def enrol(students: Sequence[int], now: datetime) -> None:
    """Enrol everybody who is in no demo course yet."""
    catalogue = db.rows(
        select(courses.c.id, courses.c.curriculum_version)
        .where(courses.c.demo_key.is_not(None), courses.c.status == "published")
        .order_by(courses.c.id)
    )
    done = set(
        db.values(
            select(enrollments.c.user_id)
            .join(courses, courses.c.id == enrollments.c.course_id)
            .where(courses.c.demo_key.is_not(None))
            .distinct()
        )
    )
    for group in chunks((user_id for user_id in students if user_id not in done), 100):
        _enrol_group(group, catalogue, now)


def _enrol_group(group: Sequence[int], catalogue: Sequence[dict[str, Any]], now: datetime) -> None:
    chosen: dict[int, list[int]] = {}
    for user_id in group:
        rng = random.Random(user_id)  # noqa: S311
        chosen[user_id] = [c["id"] for c in rng.sample(catalogue, min(ENROLLMENTS_EACH, len(catalogue)))]
    wanted = sorted({course_id for ids in chosen.values() for course_id in ids})
    outline = _outline(wanted)
    versions = {course["id"]: course["curriculum_version"] for course in catalogue}
    rows, steps = [], []
    for user_id, ids in chosen.items():
        for place, course_id in enumerate(ids):
            row, finished = _enrollment(user_id, course_id, place, outline[course_id], versions[course_id], now)
            rows.append(row)
            steps += [_step(user_id, course_id, lesson, at) for lesson, at in finished]
    insert(enrollments, rows)
    found = db.rows(select(enrollments).where(enrollments.c.user_id.in_(group)))
    insert(enrollment_grants, [_grant(row) for row in found if row["course_id"] in outline])
    insert(progress, steps)


def _outline(ids: Sequence[int]) -> dict[int, list[int]]:
    """The published lessons of each course in the order they are taken."""
    rows = db.rows(
        select(lessons.c.id, lessons.c.course_id)
        .outerjoin(sections, sections.c.id == lessons.c.section_id)
        .where(lessons.c.course_id.in_(ids), lessons.c.status == "published")
        .order_by(lessons.c.course_id, sections.c.position, lessons.c.position, lessons.c.id)
    )
    outline: dict[int, list[int]] = {course_id: [] for course_id in ids}
    for row in rows:
        outline[row["course_id"]].append(row["id"])
    return outline


def _enrollment(
    user_id: int, course_id: int, place: int, outline: Sequence[int], version: int, now: datetime
) -> tuple[dict[str, Any], list[tuple[int, datetime]]]:
    """One enrolment and the lessons that are done: one in ten complete, half of them begun."""
    at = now - timedelta(days=3 + (user_id * 7 + place) % 200)
    share = 1.0 if place == 0 else (place % 5) / 10
    count = int(len(outline) * share)
    finished = [(lesson, at + timedelta(hours=index + 1)) for index, lesson in enumerate(outline[:count])]
    complete = bool(outline) and count == len(outline)
    last = finished[-1][1] if finished else at
    return {
        "user_id": user_id,
        "course_id": course_id,
        "status": "completed" if complete else "active",
        "source": "self" if place % 3 else "purchase",
        "progress_percent": 100 * count // len(outline) if outline else 0,
        "lessons_completed": count,
        "lessons_total": len(outline),
        "next_lesson_id": None if complete or not outline else outline[count],
        "completion_no": int(complete),
        "curriculum_version": version,
        "has_access": True,
        "enrolled_at": at,
        "started_at": at if finished else None,
        "completed_at": last if complete else None,
        "last_activity_at": last,
        "created_at": at,
        "updated_at": last,
    }, finished


def _grant(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "enrollment_id": row["id"],
        "user_id": row["user_id"],
        "course_id": row["course_id"],
        "source": row["source"],
        "starts_at": row["enrolled_at"],
        "created_at": row["enrolled_at"],
        "updated_at": row["enrolled_at"],
    }


def _step(user_id: int, course_id: int, lesson_id: int, at: datetime) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "object_type": "lesson",
        "object_id": lesson_id,
        "course_id": course_id,
        "state": "completed",
        "started_at": at,
        "completed_at": at,
        "sync_at": at,
        "created_at": at,
        "updated_at": at,
    }
