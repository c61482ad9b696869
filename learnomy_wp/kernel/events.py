"""Events: one declaration gives the WordPress action, the webhook topic, the activity line and the cache tags.

`emit()` is called inside the unit of work that makes the change, after its aggregate's row is
locked: the outbox row and the activity line are committed with it or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, TypeVar

from learnomy_wp.kernel import cache
from learnomy_wp.kernel import call as calls

E = TypeVar("E", bound="Event")

EVENTS: dict[str, type[Event]] = {}
_listeners: dict[type[Event], list[Callable[[Any], None]]] = {}


@dataclass(frozen=True)
class Event:
    """Base of events. A subclass is a frozen dataclass of plain values, named in the past tense.

    `topic` names it for webhooks, `action` for WordPress, `arguments` lists the fields that
    the action passes, in order. `aggregate` and `tags` are format strings over the fields.
    `about` names the object type and the field with its id, for the activity line, and
    `panels_of` the field with the member whose panels in community plugins show it.
    """

    topic: ClassVar[str] = ""
    action: ClassVar[str] = ""
    arguments: ClassVar[tuple[str, ...]] = ()
    aggregate: ClassVar[str] = ""
    tags: ClassVar[tuple[str, ...]] = ()
    about: ClassVar[tuple[str, str]] = ("", "")
    panels_of: ClassVar[str] = ""
    summary: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.topic:
            EVENTS[cls.topic] = cls

    def action_arguments(self) -> list[Any]:
        """The values WordPress listeners get, in order."""
        return [getattr(self, name) for name in self.arguments]

    @classmethod
    def tags_for(cls, values: Mapping[str, Any]) -> list[str]:
        """The cache tags that an event with these fields ends."""
        return [tag.format(**values) for tag in cls.tags]

    def values(self) -> dict[str, Any]:
        """All fields as a dict."""
        return asdict(self)


def listens(kind: type[E]) -> Callable[[Callable[[E], None]], Callable[[E], None]]:
    """Register a listener that runs in the same unit of work as the change."""

    def register(listener: Callable[[E], None]) -> Callable[[E], None]:
        _listeners.setdefault(kind, []).append(listener)
        return listener

    return register


def emit(event: Event, *, actor_id: int = 0) -> None:
    """Commit `event` with the current unit of work."""
    from learnomy_wp.kernel import activity, companions, outbox

    values = event.values()
    outbox.add(
        aggregate=event.aggregate.format(**values),
        event=event.topic,
        hook=event.action,
        arguments=event.action_arguments(),
        payload=values,
        actor_id=actor_id,
    )
    if event.panels_of:
        companions.panels_changed(values[event.panels_of], actor_id=actor_id)
    activity.record(event, values, actor_id)
    tags = event.tags_for(values)
    if tags:
        cache.bump_after_commit(tags)
    for listener in _listeners.get(type(event), ()):
        listener(event)


def request_id() -> str:
    """The id of the request that causes what is written now, empty in jobs."""
    call = calls.current()
    return call.request_id if call else ""
