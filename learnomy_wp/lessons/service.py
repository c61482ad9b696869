"""Creating, changing and trashing lessons and topics, under the locked row of their course."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update

from learnomy_wp.courses import changes
from learnomy_wp.kernel import clock, db, pipeline, trash
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import NotFound, ValidationFailed, refusal
from learnomy_wp.kernel.trash import InTrash
from learnomy_wp.lessons import plan, queries
from wp_schema.tables import lessons, sections

Row = dict[str, Any]
NotALesson = refusal("not_a_lesson", "A topic has no topics of its own. Add it to its lesson.")

LOCK = (
    select(lessons)
    .where(lessons.c.id == bindparam("id"), lessons.c.course_id == bindparam("of_course"))
    .with_for_update()
)
SECTION = (
    select(sections.c.id, sections.c.status)
    .where(sections.c.id == bindparam("id"), sections.c.course_id == bindparam("of_course"))
    .with_for_update()
)
INSERT = insert(lessons)
_in_section = (lessons.c.section_id == bindparam("of_section"), lessons.c.parent_id.is_(None))
_in_lesson = (lessons.c.parent_id == bindparam("of_parent"),)
_live = lessons.c.status.in_(("draft", "published"))
LAST = {
    "section": select(func.max(lessons.c.position)).where(*_in_section, _live),
    "lesson": select(func.max(lessons.c.position)).where(*_in_lesson, _live),
}
# Whoever makes room or comes along is changed for those who synchronise, yet nobody edited it: no new version.
SHIFT = {
    name: update(lessons)
    .where(*where, _live, lessons.c.position >= bindparam("start"))
    .values(position=lessons.c.position + 1, updated_at=bindparam("at"))
    for name, where in (("section", _in_section), ("lesson", _in_lesson))
}
FOLLOW = (
    update(lessons)
    .where(lessons.c.parent_id == bindparam("of_parent"))
    .values(section_id=bindparam("new_section"), updated_at=bindparam("at"))
)
TRASH_TOPICS = (
    update(lessons)
    .where(lessons.c.parent_id == bindparam("of_parent"), _live)
    .ordered_values(  # MySQL assigns one after the other
        (lessons.c.previous_status, lessons.c.status),
        (lessons.c.status, "trash"),
        (lessons.c.trashed_with_parent, True),
        (lessons.c.deleted_at, bindparam("at")),
        (lessons.c.updated_at, bindparam("at")),
    )
)
RESTORE_TOPICS = (
    update(lessons)
    .where(
        lessons.c.parent_id == bindparam("of_parent"),
        lessons.c.status == "trash",
        lessons.c.trashed_with_parent.is_(True),
        lessons.c.deleted_at == bindparam("went_at"),  # with the lesson, not before it
    )
    .ordered_values(
        (lessons.c.status, lessons.c.previous_status),
        (lessons.c.previous_status, None),
        (lessons.c.trashed_with_parent, False),
        (lessons.c.deleted_at, None),
        (lessons.c.updated_at, bindparam("at")),
    )
)


def create_lesson(actor: Actor, course_id: int, section_id: int, *, body: Mapping[str, Any]) -> Row:
    """A new lesson, last in a section or at its `position`. Raises `InTrash`, `ValidationFailed`."""
    columns = plan.columns_of(actor, course_id, body)
    _lock_course(course_id)
    _live_section(course_id, section_id)
    place = {"section_id": section_id, "parent_id": None}
    place["position"] = _place("section", {"of_section": section_id}, body.get("position"))
    return _create(actor, course_id, {**columns, **place}, body)


def create_topic(actor: Actor, course_id: int, lesson_id: int, *, body: Mapping[str, Any]) -> Row:
    """A new topic, last in a lesson or at its `position`. Raises `NotALesson`, `InTrash`, `ValidationFailed`."""
    columns = plan.columns_of(actor, course_id, body)
    _lock_course(course_id)
    parent = lock_lesson(course_id, lesson_id)
    if parent["parent_id"] is not None:
        raise NotALesson
    if parent["status"] == "trash":
        raise InTrash
    place = {"section_id": parent["section_id"], "parent_id": lesson_id}
    place["position"] = _place("lesson", {"of_parent": lesson_id}, body.get("position"))
    return _create(actor, course_id, {**columns, **place}, body)


def update_lesson(actor: Actor, course_id: int, lesson_id: int, *, body: Mapping[str, Any]) -> Row:
    """Change a lesson or topic, move it, or bring it back from the trash.

    Raises `PreconditionFailed`, `InTrash`, `TrashExpired`, `ValidationFailed`.
    """
    columns = plan.columns_of(actor, course_id, body)
    course = changes.lock_course(course_id)
    before = lock_lesson(course_id, lesson_id)
    pipeline.check_version(before["version"])
    status = body.get("status", before["status"])
    if course["status"] == "trash" or (before["status"] == status == "trash" and set(body) - {"status"}):
        raise InTrash
    if "slug" in body:
        columns["slug"] = plan.slugs_of(course_id).choose(body["slug"], before["slug"])
    if "section_id" in body:
        columns |= _moved(before, body["section_id"])
    columns |= _status_columns(before, status)
    plan.check_whole({**before, **columns})
    _write(before, columns)
    return queries.get_lesson_for_staff(actor, lesson_id)


def trash_lesson(course_id: int, lesson_id: int) -> Row:
    """Put a lesson or topic into the trash, a lesson with its topics. Twice is once."""
    changes.lock_course(course_id)
    before = lock_lesson(course_id, lesson_id)
    pipeline.check_version(before["version"])
    _write(before, _status_columns(before, "trash"))
    return {"id": lesson_id, "deleted": True}


def lock_lesson(course_id: int, lesson_id: int) -> Row:
    """The lesson's row, locked; its course's row is locked already. Raises `NotFound`."""
    found = db.row(LOCK, {"id": lesson_id, "of_course": course_id})
    if found is None:
        raise NotFound("lesson")
    return found


# --- the parts of a change ---------------------------------------------------------------


def _lock_course(course_id: int) -> None:
    if changes.lock_course(course_id)["status"] == "trash":
        raise InTrash


def _live_section(course_id: int, section_id: int) -> None:
    found = db.row(SECTION, {"id": section_id, "of_course": course_id})
    if found is None:
        raise NotFound("section")
    if found["status"] == "trash":
        raise InTrash


def _place(kind: str, of: Mapping[str, int], wanted: int | None) -> int:
    """The position of a new row; those from there on move on by one."""
    last = db.value(LAST[kind], of)
    if last is None:
        return 0
    if wanted is None or wanted > last:
        return int(last) + 1
    db.execute(SHIFT[kind], {**of, "start": wanted, "at": clock.now()})
    return wanted


def _create(actor: Actor, course_id: int, columns: Row, body: Mapping[str, Any]) -> Row:
    plan.check_whole(columns)
    now = clock.now()
    row = {**columns, "course_id": course_id, "author_id": actor.id, "status": body["status"]}
    row |= {"created_at": now, "updated_at": now, "published_at": now}

    def under(slug: str) -> int:
        return db.insert_id(db.execute(INSERT, {**row, "slug": slug}))

    lesson_id = plan.slugs_of(course_id).insert(under, row["title"], body.get("slug"))
    changes.curriculum_changed(course_id)
    pipeline.locate(f"/lessons/{lesson_id}")
    return queries.get_lesson_for_staff(actor, lesson_id)


def _moved(before: Row, section_id: int | None) -> Row:
    if before["parent_id"] is not None:
        raise ValidationFailed.of("section_id", "A topic stands in its lesson's section.", "not_possible")
    if section_id == before["section_id"]:
        return {}
    if section_id is None:
        return {"section_id": None}
    found = db.row(SECTION, {"id": section_id, "of_course": before["course_id"]})
    if found is None or found["status"] == "trash":
        raise ValidationFailed.of("section_id", "This course has no such section.", "unknown")
    return {"section_id": section_id, "position": _place("section", {"of_section": section_id}, None)}


def _status_columns(before: Row, wanted: str) -> Row:
    now, current = clock.now(), before["status"]
    if wanted == current:
        return {}
    if wanted == "trash":
        return {"status": wanted, "previous_status": current, "deleted_at": now}
    if current != "trash":
        return {"status": wanted}
    trash.check_restorable(before["deleted_at"])
    _check_parent(before)
    restored = {"status": wanted, "previous_status": None, "deleted_at": None, "trashed_with_parent": False}
    if before["section_id"] is not None:
        section = db.row(SECTION, {"id": before["section_id"], "of_course": before["course_id"]})
        if section is None or section["status"] == "trash":
            restored["section_id"] = None
    return restored


def _check_parent(topic: Row) -> None:
    if topic["parent_id"] is None:
        return
    parent = db.row(LOCK, {"id": topic["parent_id"], "of_course": topic["course_id"]})
    if parent is None or parent["status"] == "trash":
        raise InTrash("The lesson of this topic is in the trash. Restore it first.")


def _write(before: Row, columns: Mapping[str, Any]) -> None:
    changed = {name: value for name, value in columns.items() if before[name] != value}
    if not changed:
        return
    after = {**before, **changed, "version": before["version"] + 1, "updated_at": clock.now()}
    written = {name: after[name] for name in (*changed, "version", "updated_at")}
    db.execute(update(lessons).where(lessons.c.id == before["id"]).values(written))
    if before["parent_id"] is None:
        _move_topics(before, after)
    if changed.keys() & {"status", "section_id", "position", "duration_seconds", "drip_days", "drip_at"}:
        changes.curriculum_changed(before["course_id"])
    else:
        changes.content_changed(before["course_id"])


def _move_topics(before: Row, after: Row) -> None:
    if before["section_id"] != after["section_id"]:
        moved = {"new_section": after["section_id"], "at": after["updated_at"]}
        db.execute(FOLLOW, {"of_parent": after["id"], **moved})
    if before["status"] == after["status"]:
        return
    if after["status"] == "trash":
        db.execute(TRASH_TOPICS, {"of_parent": after["id"], "at": after["deleted_at"]})
    elif before["status"] == "trash":
        went_at = {"went_at": before["deleted_at"], "at": after["updated_at"]}
        db.execute(RESTORE_TOPICS, {"of_parent": after["id"], **went_at})
