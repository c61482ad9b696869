"""The plugin's `render` verb: everything of a page in one call."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask import request

from learnomy_wp.kernel import auth
from learnomy_wp.kernel import call as calls
from learnomy_wp.kernel.bridge import verb
from learnomy_wp.kernel.errors import BadRequest
from learnomy_wp.rendering import catalog, course, registry, wording
from learnomy_wp.rendering.registry import Context

# They register what they render by being imported.
THINGS = (catalog, course)
MAX_ITEMS = 100


@verb("render")
def render(payload: dict[str, Any]) -> dict[str, Any]:
    """HTML for each item, and what the page's own item says of the head."""
    call = calls.current()
    assert call is not None
    items = payload.get("items")
    if not isinstance(items, list) or len(items) > MAX_ITEMS:
        raise BadRequest(f"A page has at most {MAX_ITEMS} items.")
    url = str(payload.get("url") or "")
    context = Context(
        actor=auth.identify(call, request),
        url=url,
        path=str(payload.get("path") or "/"),
        locale=str(payload.get("locale") or "en_US"),
        query=dict(parse_qsl(urlsplit(url).query)),
    )
    fragments, head = {}, None
    with wording.translated(payload.get("strings")):
        for item in items:
            given = item.get("attributes")
            found = registry.render(
                str(item.get("kind")), str(item.get("name")), given if isinstance(given, dict) else {}, context
            )
            fragments[str(item.get("key"))] = found.to_json()
            head = found.head or head
    return {"items": fragments, "head": head, "modules": [], "styles": ["learnomy"]}
