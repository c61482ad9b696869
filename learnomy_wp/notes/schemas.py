"""What the note endpoints take and give."""

from __future__ import annotations

from marshmallow import fields, validate

from learnomy_wp.kernel.page import PageQuery
from learnomy_wp.kernel.serialize import In, Matches, Out, Text, Time
from learnomy_wp.notes.listing import LISTING

MAX_BODY = 20_000
MAX_SECONDS = 10_000_000
POSITION = {"description": "Where in the lesson's video or audio it belongs."}


class NoteQuery(PageQuery):
    """In which order; the first written come first."""

    sort = LISTING.sort_field()


class NoteIn(In):
    """A new note."""

    body = Text(MAX_BODY, required=True)
    position_seconds = fields.Integer(
        strict=True, allow_none=True, validate=validate.Range(0, MAX_SECONDS), metadata=POSITION
    )
    client_id = fields.String(
        validate=Matches(r"^[\w.:-]{1,64}$"),
        metadata={"description": "A name of the writing device's own, by which synchronisation knows the note."},
    )


class NotePatch(In):
    """Changes to a note; what is not named stays."""

    body = Text(MAX_BODY)
    position_seconds = fields.Integer(
        strict=True, allow_none=True, validate=validate.Range(0, MAX_SECONDS), metadata=POSITION
    )


class NoteOut(Out):
    """A note of the caller's."""

    id = fields.Integer(required=True)
    client_id = fields.String(required=True)
    course_id = fields.Integer(required=True)
    lesson_id = fields.Integer(required=True)
    body = fields.String(required=True)
    position_seconds = fields.Integer(required=True, allow_none=True)
    created_at = Time(required=True)
    updated_at = Time(required=True)
