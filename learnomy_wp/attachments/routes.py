"""Files of lessons: adding, removing and downloading them."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from learnomy_wp.attachments import policies, service, storage, streaming
from learnomy_wp.attachments.schemas import AttachmentIn, AttachmentOut, DownloadQuery
from learnomy_wp.courses.hooks import CONTENT_FILTERS
from learnomy_wp.courses.policies import EDIT_ATTACHMENT, EDIT_LESSON
from learnomy_wp.enrollments.access import REFUSALS
from learnomy_wp.kernel import call as calls
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.endpoint import Blueprint
from learnomy_wp.kernel.errors import NotFound, RangeNotSatisfiable
from learnomy_wp.kernel.links import LinkExpired
from learnomy_wp.kernel.serialize import DeletedOut
from learnomy_wp.kernel.trash import InTrash
from learnomy_wp.kernel.uploads import Upload
from learnomy_wp.progress.state import LessonLocked

bp = Blueprint("attachments", group="sections, lessons, topics")


@bp.endpoint(
    "post",
    "/lessons/<int:id>/attachments",
    can=EDIT_LESSON,
    body=AttachmentIn,
    returns=AttachmentOut,
    status=201,
    payload_filter="learnomy_rest_attachment_payload",
    errors=(InTrash, service.TooManyFiles, service.MediaUnreadable, storage.StorageNotPrivate),
    deadline="upload",
    takes_file=True,
)
def create_attachment(
    actor: Actor, id: int, found: dict[str, Any], body: dict[str, Any], upload: Upload | None
) -> dict[str, Any]:
    """Put a file into a lesson: an upload, or a private copy of an item of the media library."""
    return service.add_attachment(actor, found["course_id"], id, body=body, upload=upload)


@bp.endpoint("delete", "/attachments/<int:id>", can=EDIT_ATTACHMENT, returns=DeletedOut)
def delete_attachment(id: int, found: dict[str, Any]) -> dict[str, Any]:
    """Take a file out of its lesson."""
    return service.remove_attachment(found["course_id"], id)


@bp.endpoint(
    "get",
    "/attachments/<int:id>/download",
    can=policies.DOWNLOAD,
    query=DownloadQuery,
    filters=CONTENT_FILTERS,
    errors=(*REFUSALS.values(), LessonLocked, LinkExpired, NotFound, RangeNotSatisfiable),
    deadline="upload",
    raw=True,
)
def download_attachment(found: dict[str, Any]) -> Response:
    """Download a file, whole or a range of it: with access to its lesson, or by the link that the lesson gave.

    Such a link is for one file and one user and lives five minutes; what the user may open is judged anew each time.
    """
    path = storage.find(found["path"])
    if path is None:
        raise NotFound("attachment")
    file = streaming.File(
        found["filename"], found["mime_type"], found["size_bytes"], found["sha256"], found["created_at"]
    )
    call = calls.current()
    return streaming.respond(file, path, request, in_pieces=call is not None and call.signed)
