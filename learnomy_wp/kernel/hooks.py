"""Filters that plugins and themes may hook, in PHP or in Python.

A filter is declared once and called like a function. PHP's say is asked for while planning,
never inside an open transaction that would be committed (`wordpress.ask`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from learnomy_wp.kernel import log

FILTERS: dict[str, Filter] = {}
_python_listeners: dict[str, list[Callable[..., Any]]] = {}


@dataclass(frozen=True)
class Filter:
    """A filter of ours: its name, what it is about, its arguments and its result's type."""

    name: str
    summary: str
    arguments: tuple[str, ...] = ()
    result: Callable[[Any], Any] = lambda value: value
    since: str = "0.1.0"

    def __post_init__(self) -> None:
        FILTERS[self.name] = self

    def __call__(self, value: Any, *arguments: Any) -> Any:
        """The value after every listener, coerced to the declared type; what no listener may give is left aside."""
        from learnomy_wp.kernel import wordpress

        given = value
        for listener in _python_listeners.get(self.name, ()):
            given = listener(given, *arguments)
        given = wordpress.apply_filter(self.name, given, arguments)
        try:
            return self.result(given)
        except (TypeError, ValueError, ArithmeticError):
            log.get().warning("filter_result_refused", hook=self.name, type=type(given).__name__)
            return value


def add_filter(name: str, listener: Callable[..., Any]) -> None:
    """Listen to a filter from Python."""
    _python_listeners.setdefault(name, []).append(listener)


def add_action(name: str, listener: Callable[..., Any]) -> None:
    """Listen to an action from Python; it runs in the drain, after the commit."""
    _python_listeners.setdefault(name, []).append(listener)


def remove(name: str, listener: Callable[..., Any]) -> None:
    """Stop listening."""
    _python_listeners.get(name, []).remove(listener)


def do_action(name: str, arguments: Sequence[Any]) -> None:
    """Call the Python listeners of an action; one that fails stops no other."""
    for listener in list(_python_listeners.get(name, ())):
        try:
            listener(*arguments)
        except Exception:
            log.get().exception("listener_failed", hook=name)


def has_python_listener(name: str) -> bool:
    """Whether anything in Python listens."""
    return bool(_python_listeners.get(name))
