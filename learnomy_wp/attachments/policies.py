"""Who may download a file: whoever may open its lesson now, by a login or by a link that was made for him."""

from __future__ import annotations

from typing import Any

from flask import request
from sqlalchemy import bindparam, select

from learnomy_wp.attachments.links import path_of
from learnomy_wp.kernel import auth, db, links
from learnomy_wp.kernel import call as calls
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.auth import users
from learnomy_wp.kernel.errors import NotFound
from learnomy_wp.kernel.policy import Params, open_object
from learnomy_wp.progress.state import LESSON_ACCESS
from wp_schema.tables import attachments

ATTACHMENT = select(attachments).where(attachments.c.id == bindparam("id"), attachments.c.deleted_at.is_(None))


def _check_download(actor: Actor, params: Params) -> dict[str, Any]:
    found = db.row(ATTACHMENT, {"id": params["id"]})
    if found is None:
        raise NotFound("attachment")
    reader = actor if actor.is_logged_in else _reader_of_link(actor, params["id"])
    try:
        LESSON_ACCESS.check(reader, {"id": found["lesson_id"]})
    except NotFound:
        raise NotFound("attachment") from None
    return found


def _reader_of_link(actor: Actor, attachment_id: int) -> Actor:
    """Whom the link in the address was made for, with the rights of now. Raises `LinkExpired`."""
    user_id = links.user_of(path_of(attachment_id), request.args)
    known = users.find(user_id) if user_id else None
    if known is None or users.is_barred(known):
        return actor
    reader = users.to_actor(known, credential="link")
    call = calls.current()
    return auth.as_filtered(reader) if call is not None and call.has_wordpress else reader


DOWNLOAD = open_object("any", _check_download)
