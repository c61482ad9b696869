"""What can be rendered: things with attributes, and the names under which WordPress shows them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from markupsafe import escape
from marshmallow import EXCLUDE, Schema, ValidationError

from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import Forbidden, NotFound, Unauthenticated
from learnomy_wp.rendering.wording import _

PUBLIC_SECONDS = 300


@dataclass
class Slots:
    """Places in the HTML that WordPress fills: hooks that print, and dynamic blocks of content.

    A marker holds a random token of this render and an index; names and arguments stand beside
    the HTML, never in it, since whoever writes content could forge them.
    """

    token: str = field(default_factory=lambda: secrets.token_hex(16))
    places: list[dict[str, Any]] = field(default_factory=list)

    def hook(self, name: str, *arguments: Any) -> str:
        """A marker where an action prints."""
        return self._mark({"hook": name, "args": list(arguments)})

    def dynamic(self, kind: str, source: str) -> str:
        """A marker where a dynamic block or shortcode of content is rendered for the viewer."""
        return self._mark({kind: source})

    def _mark(self, place: dict[str, Any]) -> str:
        self.places.append(place)
        return f"<!--learnomy:{self.token}:{len(self.places) - 1}-->"


@dataclass
class Fragment:
    """Rendered HTML and how long, for whom and by which tags it may be kept."""

    html: str
    slots: Slots = field(default_factory=Slots)
    tags: list[str] = field(default_factory=list)
    is_personal: bool = False
    status: int = 200
    head: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "html": self.html,
            "slots": self.slots.places,
            "token": self.slots.token,
            "status": self.status,
            "personal": self.is_personal,
            "tags": self.tags,
            "seconds": 0 if self.is_personal or self.status != 200 else PUBLIC_SECONDS,
        }


@dataclass(frozen=True)
class Context:
    """Where and for whom something is rendered."""

    actor: Actor
    url: str
    path: str
    locale: str
    query: Mapping[str, str]


Render = Callable[[Mapping[str, Any], Context], Fragment]


@dataclass(frozen=True)
class Thing:
    """One thing that can be rendered, with the schema of its attributes."""

    attributes: Schema
    render: Render


_things: dict[tuple[str, str], Thing] = {}


def shown_as(attributes: Schema, **names: str) -> Callable[[Render], Render]:
    """Register a render function under a `block`, a `shortcode`, a `widget` or a `page` name."""

    def register(render: Render) -> Render:
        for kind, name in names.items():
            _things[(kind, name)] = Thing(attributes, render)
        return render

    return register


def render(kind: str, name: str, attributes: Mapping[str, Any], context: Context) -> Fragment:
    """Render one thing. What may not be seen, or does not exist, is a fragment with that status."""
    thing = _things.get((kind, name))
    if thing is None:
        return Fragment("", status=404)
    try:
        given = {_camel(key): value for key, value in attributes.items() if value not in ("", None)}
        loaded = thing.attributes.load(given, unknown=EXCLUDE)
    except ValidationError as error:
        loaded = thing.attributes.load(error.valid_data or {}, unknown=EXCLUDE)
    try:
        return thing.render(loaded, context)
    except (NotFound, Forbidden, Unauthenticated) as error:
        return Fragment(_notice(error.status), status=error.status, is_personal=True)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def _notice(status: int) -> str:
    if status == Unauthenticated.status:
        text = _("Please log in to see this.")
    elif status == Forbidden.status:
        text = _("This is not open to you.")
    else:
        text = _("There is nothing here.")
    return f'<div class="learnomy-notice" role="status"><p>{escape(text)}</p></div>'
