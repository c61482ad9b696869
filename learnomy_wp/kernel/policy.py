"""Rules: who may call an endpoint, on which object.

A rule checks the actor against the path parameters and raises; it returns the row it had to
load, which the endpoint gets as `found`. Its name is the one the contract gives the endpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from learnomy_wp.kernel.actor import EDIT_COURSES, MANAGE, Actor
from learnomy_wp.kernel.errors import Forbidden, Unauthenticated

Params = Mapping[str, Any]
Check = Callable[[Actor, Params], Any]


@dataclass(frozen=True)
class Rule:
    """A named check. `is_open` rules never ask for a login by themselves."""

    name: str
    check: Check
    is_open: bool = False
    is_public: bool = False

    def named(self, name: str) -> Rule:
        """The same rule under the name that the contract uses."""
        return Rule(name, self.check, self.is_open, self.is_public)


def _allow(_actor: Actor, _params: Params) -> None:
    return None


def require_login(actor: Actor) -> None:
    """Refuse nobody."""
    if not actor.is_logged_in:
        raise Unauthenticated


def has(name: str, capability: str) -> Rule:
    """A rule that asks for one capability."""

    def check(actor: Actor, _params: Params) -> None:
        require_login(actor)
        if not actor.can(capability):
            raise Forbidden

    return Rule(name, check)


def on_object(name: str, load: Callable[[Actor, Params], Any]) -> Rule:
    """A rule about the object in the path: `load` finds it for the actor, or raises."""

    def check(actor: Actor, params: Params) -> Any:
        require_login(actor)
        return load(actor, params)

    return Rule(name, check)


def open_object(name: str, load: Callable[[Actor, Params], Any]) -> Rule:
    """As `on_object`, where nobody may be allowed too; `load` asks for a login where it is needed."""
    return Rule(name, load, is_open=True)


PUBLIC = Rule("public", _allow, is_open=True, is_public=True)
ANY = Rule("any", _allow, is_open=True)
USER = Rule("user", lambda actor, _params: require_login(actor))
INSTRUCTOR = has("instructor", EDIT_COURSES)
MANAGER = has("manage", MANAGE)
