"""Questions as a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response

from learnomy_wp.kernel import clock, envelope
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import Detail, ValidationFailed
from learnomy_wp.questions import listing
from learnomy_wp.questions.formats import FORMATS
from learnomy_wp.questions.formats.base import Inexpressible

MAX_DETAILS = 100


def export(actor: Actor, query: Mapping[str, Any]) -> Response:
    """All questions that a query of the list finds, as a file of its `format`.

    Raises `ValidationFailed` where the format has no form for some of them: a file is whole or none.
    """
    chosen = FORMATS[query["format"]]
    found = listing.find_exported(actor, query)
    try:
        data = chosen.write(found)
    except Inexpressible:
        raise ValidationFailed(
            "Some of these questions have no form in this format. Narrow the filters, or choose csv.",
            details=_inexpressible(chosen.write, found)[:MAX_DETAILS],
        ) from None
    name = f"questions-{clock.now():%Y-%m-%d}.{chosen.extension}"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": envelope.PRIVATE,
        "X-Content-Type-Options": "nosniff",
    }
    return Response(data, content_type=chosen.mime_type, headers=headers)


def _inexpressible(write: Any, found: list[dict[str, Any]]) -> list[Detail]:
    """Which questions do not fit, each with the reason."""
    details = []
    for question in found:
        try:
            write([question])
        except Inexpressible as error:
            details.append(Detail("format", "inexpressible", f"Question {question['id']}: {error}"))
    return details
