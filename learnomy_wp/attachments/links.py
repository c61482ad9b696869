"""The addresses of files, as lessons and files themselves tell them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from learnomy_wp.kernel import links
from learnomy_wp.kernel.actor import Actor


def path_of(attachment_id: int) -> str:
    """Where a file is downloaded, below the namespace."""
    return f"/attachments/{attachment_id}/download"


def with_link(actor: Actor, attachment: Mapping[str, Any]) -> dict[str, Any]:
    """A file's row with the address at which the caller gets it."""
    return {**attachment, "download_url": links.signed(path_of(attachment["id"]), actor.id)}
