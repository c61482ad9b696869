"""A whole lesson as one caller sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select

from learnomy_wp.attachments.links import with_link
from learnomy_wp.kernel import db, pages, wordpress
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import NotFound
from learnomy_wp.progress.state import find_lesson_facts, find_neighbours
from wp_schema.tables import attachments, courses, lessons

Row = dict[str, Any]

LESSON = (
    select(lessons, courses.c.slug.label("course_slug"))
    .join_from(lessons, courses, courses.c.id == lessons.c.course_id)
    .where(lessons.c.id == bindparam("id"))
)
NAMES = select(lessons.c.id, lessons.c.title, lessons.c.slug, lessons.c.parent_id).where(
    lessons.c.id.in_(bindparam("ids", expanding=True))
)
TOPICS = (
    select(lessons.c.id, lessons.c.title, lessons.c.slug, lessons.c.parent_id, lessons.c.status)
    .where(lessons.c.parent_id == bindparam("of_parent"), lessons.c.status.in_(("draft", "published")))
    .order_by(lessons.c.position, lessons.c.id)
)
FILES = (
    select(
        attachments.c.id,
        attachments.c.title,
        attachments.c.filename,
        attachments.c.mime_type,
        attachments.c.size_bytes,
    )
    .where(attachments.c.lesson_id == bindparam("of_lesson"), attachments.c.deleted_at.is_(None))
    .order_by(attachments.c.position, attachments.c.id)
)
RULES = ("min_watch_seconds", "required_video_share", "requires_scroll", "required_quiz_id")


def get_lesson(actor: Actor, lesson_id: int, facts: Mapping[str, Any]) -> Row:
    """The lesson that the caller was let into, with what `LESSON_ACCESS` found; may ask WordPress for dynamic parts."""
    found = _describe(actor, lesson_id, facts)
    return {**found, "content_html": wordpress.fill_slots(found["content_html"], found["content_slots"])}


def get_lesson_for_staff(actor: Actor, lesson_id: int) -> Row:
    """The lesson as its editor gets it back, dynamic parts left out. Raises `NotFound`."""
    facts = find_lesson_facts(actor, lesson_id)
    if facts is None:
        raise NotFound("lesson")
    return _describe(actor, lesson_id, facts)


def _describe(actor: Actor, lesson_id: int, facts: Mapping[str, Any]) -> Row:
    row = db.row(LESSON, {"id": lesson_id})
    if row is None:
        raise NotFound("lesson")
    before, after = _neighbours(row)
    done = facts["state"] or "none"
    topics = db.rows(TOPICS, {"of_parent": lesson_id}) if row["parent_id"] is None else []
    return {
        **row,
        "permalink": pages.url("lesson", course=row["course_slug"], lesson=row["slug"]),
        "content_raw": row["content_raw"] if facts["is_staff"] else None,
        "completion_rules": {name: row[name] for name in RULES},
        "state": done if done in ("in_progress", "completed") else "available",
        "position_seconds": facts["position_seconds"] or 0,
        "completed_at": facts["completed_at"] if done == "completed" else None,
        "attachments": [with_link(actor, row) for row in db.rows(FILES, {"of_lesson": lesson_id})],
        "topics": [topic for topic in topics if facts["is_staff"] or topic["status"] == "published"],
        "previous": before,
        "next": after,
    }


def _neighbours(row: Mapping[str, Any]) -> tuple[Row | None, Row | None]:
    ids = find_neighbours(row["course_id"], row["id"])
    wanted = sorted(neighbour for neighbour in ids if neighbour is not None)
    named = {found["id"]: found for found in db.rows(NAMES, {"ids": wanted})} if wanted else {}
    before, after = (named.get(neighbour) if neighbour is not None else None for neighbour in ids)
    return before, after
