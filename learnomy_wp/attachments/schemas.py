"""What the attachment endpoints take and give."""

from __future__ import annotations

from marshmallow import fields, validate

from learnomy_wp.kernel.serialize import Id, In, Line, Out, Query, Time


class AttachmentIn(In):
    """A file for a lesson: an item of the media library, or with a form the file itself in the field `file`."""

    media_id = Id(strict=False, metadata={"description": "An item of WordPress's media library."})
    title = Line(255, metadata={"description": "What the link says; else the file's name."})
    position = fields.Integer(
        validate=validate.Range(0, 2000), metadata={"description": "Its place among the lesson's files; else the last."}
    )


class DownloadQuery(Query):
    """The signature that a `download_url` carries."""

    user = fields.String(validate=validate.Length(max=19), metadata={"description": "Whom the link is for."})
    expires = fields.String(validate=validate.Length(max=19), metadata={"description": "Unix time of its end."})
    signature = fields.String(validate=validate.Length(max=64))


class AttachmentOut(Out):
    """A file of a lesson. `download_url` opens it for the caller, for five minutes and without a login."""

    id = fields.Integer(required=True)
    course_id = fields.Integer(required=True)
    lesson_id = fields.Integer(required=True)
    media_id = fields.Integer(required=True, allow_none=True)
    title = fields.String(required=True)
    filename = fields.String(required=True)
    mime_type = fields.String(required=True)
    size_bytes = fields.Integer(required=True)
    position = fields.Integer(required=True)
    download_url = fields.String(required=True)
    created_at = Time(required=True)
