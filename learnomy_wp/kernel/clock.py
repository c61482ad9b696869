"""The only source of time. The rounds of one request share the time of its first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_fixed: ContextVar[datetime | None] = ContextVar("learnomy_clock", default=None)


def now() -> datetime:
    """The current time, aware and in UTC, with microseconds."""
    return _fixed.get() or datetime.now(UTC)


@contextmanager
def fixed(at: datetime | None) -> Iterator[None]:
    """Hold the clock at `at` (None lets it run)."""
    token = _fixed.set(at)
    try:
        yield
    finally:
        _fixed.reset(token)


def iso(at: datetime) -> str:
    """ISO 8601 in UTC with `Z`, to the second, as every answer writes it."""
    return at.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
