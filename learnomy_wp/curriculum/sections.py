"""Adding, changing and removing sections; the lessons of a removed one stay, unattached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update

from learnomy_wp.courses import changes
from learnomy_wp.kernel import clock, db, pipeline, trash
from learnomy_wp.kernel.errors import NotFound
from learnomy_wp.kernel.trash import InTrash
from wp_schema.folding import sort_title
from wp_schema.tables import lessons, sections

Row = dict[str, Any]
# Where a lesson remembers the section that was taken from it.
CAME_FROM = "section_before"

LOCK = (
    select(sections)
    .where(sections.c.id == bindparam("id"), sections.c.course_id == bindparam("of_course"))
    .with_for_update()
)
SHIFT = (
    update(sections)
    .where(
        sections.c.course_id == bindparam("of_course"),
        sections.c.status == "published",
        sections.c.position >= bindparam("start"),
    )
    .values(position=sections.c.position + 1, updated_at=bindparam("at"))  # no edit: no new version
)
LAST = select(func.max(sections.c.position)).where(
    sections.c.course_id == bindparam("of_course"), sections.c.status == "published"
)
INSERT = insert(sections)
HELD = select(lessons.c.id, lessons.c.extra).where(lessons.c.section_id == bindparam("of_section"))
LOOSE = select(lessons.c.id, lessons.c.extra).where(
    lessons.c.course_id == bindparam("of_course"), lessons.c.section_id.is_(None), lessons.c.extra.is_not(None)
)
MOVE = (
    update(lessons)
    .where(lessons.c.id == bindparam("of_lesson"))
    .values(
        section_id=bindparam("new_section"),
        extra=bindparam("new_extra", type_=lessons.c.extra.type),
        updated_at=bindparam("at"),
    )
)


def create_section(course_id: int, *, body: Mapping[str, Any]) -> Row:
    """A new section, last or at its `position`. Raises `InTrash`."""
    row = _columns(body)
    course = changes.lock_course(course_id)
    if course["status"] == "trash":
        raise InTrash
    now = clock.now()
    row |= {"course_id": course_id, "position": _place(course_id, body.get("position"))}
    row |= {"created_at": now, "updated_at": now}
    section_id = db.insert_id(db.execute(INSERT, row))
    changes.curriculum_changed(course_id)
    pipeline.locate(f"/sections/{section_id}")
    return lock_section(course_id, section_id)


def update_section(course_id: int, section_id: int, *, body: Mapping[str, Any]) -> Row:
    """Change a section, or bring it back from the trash. Raises `InTrash`, `TrashExpired`, `PreconditionFailed`."""
    course = changes.lock_course(course_id)
    before = lock_section(course_id, section_id)
    pipeline.check_version(before["version"])
    columns, status = _columns(body), body.get("status", before["status"])
    if before["status"] == "trash":
        if course["status"] == "trash" or (status == "trash" and columns):
            raise InTrash
        if status != "trash":
            columns |= _restored(before)
    elif status == "trash":
        columns |= {"status": "trash", "deleted_at": clock.now()}
    _write(before, columns)
    _move_lessons(before, status)
    return lock_section(course_id, section_id)


def delete_section(course_id: int, section_id: int) -> Row:
    """Put a section into the trash; its lessons stay, unattached. Twice is once."""
    changes.lock_course(course_id)
    before = lock_section(course_id, section_id)
    pipeline.check_version(before["version"])
    if before["status"] != "trash":
        _write(before, {"status": "trash", "deleted_at": clock.now()})
        _move_lessons(before, "trash")
    return {"id": section_id, "deleted": True}


def lock_section(course_id: int, section_id: int) -> Row:
    """The section's row, locked; its course's row is locked already. Raises `NotFound`."""
    found = db.row(LOCK, {"id": section_id, "of_course": course_id})
    if found is None:
        raise NotFound("section")
    return found


def _restored(section: Row) -> Row:
    trash.check_restorable(section["deleted_at"])
    # Where it stood, before whatever stands there by now.
    place = _place(section["course_id"], section["position"])
    return {"status": "published", "deleted_at": None, "trashed_with_parent": False, "position": place}


def _move_lessons(section: Row, status: str) -> None:
    """Detach the lessons of a section that went, attach those that are still loose when it comes back."""
    if status == section["status"]:
        return
    moved = _detached(section) if status == "trash" else _attached(section)
    if moved:
        db.execute(MOVE, moved)
    changes.curriculum_changed(section["course_id"])


def _detached(section: Row) -> list[Row]:
    return [
        {
            "of_lesson": row["id"],
            "new_section": None,
            "new_extra": {**(row["extra"] or {}), CAME_FROM: section["id"]},
            "at": clock.now(),
        }
        for row in db.rows(HELD, {"of_section": section["id"]})
    ]


def _attached(section: Row) -> list[Row]:
    return [
        {
            "of_lesson": row["id"],
            "new_section": section["id"],
            "new_extra": {name: value for name, value in row["extra"].items() if name != CAME_FROM} or None,
            "at": clock.now(),
        }
        for row in db.rows(LOOSE, {"of_course": section["course_id"]})
        if row["extra"].get(CAME_FROM) == section["id"]
    ]


def _place(course_id: int, wanted: int | None) -> int:
    """The position of a new section; those from there on move on by one."""
    last = db.value(LAST, {"of_course": course_id})
    if last is None:
        return 0
    if wanted is None or wanted > last:
        return int(last) + 1
    db.execute(SHIFT, {"of_course": course_id, "start": wanted, "at": clock.now()})
    return wanted


def _write(before: Row, columns: Mapping[str, Any]) -> None:
    changed = {name: value for name, value in columns.items() if before[name] != value}
    if not changed:
        return
    changed |= {"version": before["version"] + 1, "updated_at": clock.now()}
    db.execute(update(sections).where(sections.c.id == before["id"]).values(changed))
    if changed.keys() & {"drip_days", "drip_at"}:
        changes.curriculum_changed(before["course_id"])
    else:
        changes.content_changed(before["course_id"])


def _columns(body: Mapping[str, Any]) -> Row:
    columns = {name: value for name, value in body.items() if name not in ("status", "position")}
    if "title" in body:
        columns["sort_title"] = sort_title(body["title"])
    return columns
