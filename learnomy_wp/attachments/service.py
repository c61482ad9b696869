"""Putting files into lessons, and taking them out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update

from learnomy_wp.attachments import storage, types
from learnomy_wp.attachments.links import with_link
from learnomy_wp.courses import changes
from learnomy_wp.kernel import clock, db, pipeline, uploads, wordpress
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import NotFound, PayloadTooLarge, ValidationFailed, refusal
from learnomy_wp.kernel.trash import InTrash
from learnomy_wp.kernel.uploads import Upload
from wp_schema.tables import attachments, lessons

Row = dict[str, Any]
MAX_FILES = 200
TooManyFiles = refusal("too_many_files", f"A lesson may have {MAX_FILES} files. Take one out first.")
MediaUnreadable = refusal(
    "media_unreadable", "The backend cannot read this file of the media library. Upload it here instead."
)

LESSON = (
    select(lessons.c.id, lessons.c.status)
    .where(lessons.c.id == bindparam("id"), lessons.c.course_id == bindparam("of_course"))
    .with_for_update()
)
_here = (attachments.c.lesson_id == bindparam("of_lesson"), attachments.c.deleted_at.is_(None))
HELD = select(func.count().label("number"), func.max(attachments.c.position).label("last")).where(*_here)
SHIFT = (
    update(attachments)
    .where(*_here, attachments.c.position >= bindparam("start"))
    .values(position=attachments.c.position + 1)
)
INSERT = insert(attachments)
LOCK = (
    select(attachments.c.id, attachments.c.version)
    .where(attachments.c.id == bindparam("id"), attachments.c.deleted_at.is_(None))
    .with_for_update()
)
REMOVE = (
    update(attachments)
    .where(attachments.c.id == bindparam("row_id"))
    .values(deleted_at=bindparam("at"), updated_at=bindparam("at"), version=attachments.c.version + 1)
)


@dataclass
class _Source:
    """A file that is to be kept: what it is called, what it is and where it comes from."""

    name: str
    title: str
    mime_type: str
    upload: Upload
    media_id: int | None = None
    path: str = ""


def add_attachment(
    actor: Actor, course_id: int, lesson_id: int, *, body: Mapping[str, Any], upload: Upload | None
) -> Row:
    """Put a file into a lesson, last or at its `position`; a file of the media library is copied.

    Raises `InTrash`, `TooManyFiles`, `MediaUnreadable`, `StorageNotPrivate`, `PayloadTooLarge`, `ValidationFailed`.
    """
    source = _source(actor, body, upload)
    try:
        source.path = storage.keep(source.upload.pieces())  # before any row is locked
        changes.lock_course(course_id)
        _check_lesson(course_id, lesson_id)
        position = _place(lesson_id, body.get("position"))
        return _insert(actor, course_id, lesson_id, source, body.get("title"), position)
    except BaseException:
        storage.discard(source.path)
        raise
    finally:
        if source.media_id is not None:
            source.upload.stream.close()


def remove_attachment(course_id: int, attachment_id: int) -> Row:
    """Take a file out of its lesson. Raises `NotFound`, `PreconditionFailed`."""
    changes.lock_course(course_id)
    found = db.row(LOCK, {"id": attachment_id})
    if found is None:
        raise NotFound("attachment")
    pipeline.check_version(found["version"])
    db.execute(REMOVE, {"row_id": attachment_id, "at": clock.now()})
    changes.content_changed(course_id)
    return {"id": attachment_id, "deleted": True}


# --- where a file comes from -------------------------------------------------------------


def _source(actor: Actor, body: Mapping[str, Any], upload: Upload | None) -> _Source:
    media_id = body.get("media_id")
    if (media_id is None) == (upload is None):
        raise ValidationFailed.of(uploads.FIELD, "Send a file in this field, or name a media_id.", "required")
    if upload is not None:
        name, kind = types.check(upload.filename, upload.stream, uploads.FIELD)
        return _Source(name, _stem(upload.filename) or name, kind, upload)
    assert media_id is not None
    found = wordpress.media_file(media_id, actor)
    if found is None:
        raise ValidationFailed.of("media_id", "The media library has no such file for you.", "unknown")
    opened = _open_media(found)
    try:
        name, kind = types.check(found["name"], opened.stream, "media_id")
    except ValidationFailed:
        opened.stream.close()
        raise
    return _Source(name, found["title"] or name, kind, opened, media_id)


def _open_media(found: Mapping[str, str]) -> Upload:
    """The file of the media library itself, if it lies where uploads do and is not too large."""
    try:
        path = Path(found["path"]).resolve(strict=True)
        if not path.is_relative_to(Path(found["base"]).resolve(strict=True)) or not path.is_file():
            raise MediaUnreadable
        size = path.stat().st_size
        if size > uploads.max_bytes():
            raise PayloadTooLarge
        return Upload(found["name"], "", path.open("rb"), size)
    except OSError:
        raise MediaUnreadable from None


def _stem(filename: str) -> str:
    """What a file is called where nobody gave it a title: its name without folders and extension."""
    last = filename.replace("\\", "/").rpartition("/")[2]
    stem = last.rpartition(".")[0] or last
    return " ".join("".join(sign if sign.isprintable() else " " for sign in stem).split())[:255]


# --- its row -----------------------------------------------------------------------------


def _check_lesson(course_id: int, lesson_id: int) -> None:
    lesson = db.row(LESSON, {"id": lesson_id, "of_course": course_id})
    if lesson is None:
        raise NotFound("lesson")
    if lesson["status"] == "trash":
        raise InTrash


def _place(lesson_id: int, wanted: int | None) -> int:
    held = db.row(HELD, {"of_lesson": lesson_id})
    assert held is not None
    if held["number"] >= MAX_FILES:
        raise TooManyFiles
    last = -1 if held["last"] is None else int(held["last"])
    if wanted is None or wanted > last:
        return last + 1
    db.execute(SHIFT, {"of_lesson": lesson_id, "start": wanted})
    return wanted


def _insert(actor: Actor, course_id: int, lesson_id: int, source: _Source, title: str | None, position: int) -> Row:
    now = clock.now()
    row: Row = {
        "course_id": course_id,
        "lesson_id": lesson_id,
        "media_id": source.media_id,
        "path": source.path,
        "filename": source.name,
        "title": title or source.title[:255],
        "mime_type": source.mime_type,
        "size_bytes": source.upload.size,
        "sha256": source.upload.sha256,
        "position": position,
        "uploaded_by": actor.id,
        "created_at": now,
        "updated_at": now,
    }
    row["id"] = db.insert_id(db.execute(INSERT, row))
    changes.content_changed(course_id)
    pipeline.locate(f"/attachments/{row['id']}")
    return with_link(actor, row)
