"""What the formats of files share: questions on their way in and out, and what is said of those that do not fit."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from learnomy_wp.questions.types.base import full

Row = dict[str, Any]

MAX_QUESTIONS = 2000
MAX_BYTES = 16 * 1024 * 1024
MAX_PROBLEMS = 50
# What a question has anyway.
DEFAULTS: Row = {"difficulty": "medium", "points": 1}


class Unreadable(ValueError):
    """The file is none of its format, or hostile."""


class Inexpressible(ValueError):
    """The format has no form for this question."""


class NotUnderstood(ValueError):
    """This question is of a kind, or has something in it, that cannot be taken over."""


@dataclass(frozen=True)
class Problem:
    """Something that was not understood. With `is_error` the question cannot be imported."""

    code: str
    message: str
    field: str = ""
    is_error: bool = False

    def to_json(self) -> Row:
        return {"code": self.code, "field": self.field, "message": self.message, "is_error": self.is_error}


@dataclass
class Item:
    """One question of a file: the body that would create it, and what was not understood of it."""

    number: int
    body: Row = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    # Not a question at all, like a text between questions: told of and left out.
    is_left_out: bool = False

    def note(self, code: str, message: str, *, where: str = "") -> None:
        """Something is lost, the question is still itself."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(code, message, where))

    def fail(self, code: str, message: str, *, where: str = "") -> None:
        """The question cannot be imported."""
        self.problems.append(Problem(code, message, where, is_error=True))

    @property
    def is_importable(self) -> bool:
        return not self.is_left_out and not any(problem.is_error for problem in self.problems)


@dataclass(frozen=True)
class Format:
    """A format of files of questions.

    `read` raises `Unreadable`; `write` takes questions as the API tells them and raises `Inexpressible`.
    """

    name: str
    extension: str
    mime_type: str
    read: Callable[[bytes], list[Item]]
    write: Callable[[Sequence[Mapping[str, Any]]], bytes]


def text_of(data: bytes) -> str:
    """A text file: UTF-8, or UTF-16 with its mark. Raises `Unreadable`."""
    try:
        return data.decode("utf-16") if data[:2] in (b"\xff\xfe", b"\xfe\xff") else data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("This file is not UTF-8.") from None


def check_number(count: int) -> None:
    """Refuse a file of too many questions. Raises `Unreadable`."""
    if count > MAX_QUESTIONS:
        raise Unreadable(f"A file may have {MAX_QUESTIONS} questions.")


def escaped(text: str) -> str:
    """Plain text as HTML, line by line."""
    return html.escape(text.strip(), quote=False).replace("\r\n", "\n").replace("\n", "<br>")


def share(percent: str | None, default: float = 0.0) -> float:
    """A percentage as a fraction, thirds and the like made exact. Raises `NotUnderstood`."""
    if percent is None or not percent.strip():
        return default
    try:
        value = float(percent) / 100
    except ValueError:
        raise NotUnderstood(f"“{percent[:20]}” is no percentage.") from None
    if not -1.001 <= value <= 1.001:
        raise NotUnderstood(f"{percent[:20]} % is not within -100 and 100.")
    return max(-1.0, min(1.0, full(round(value, 7))))


def percent(fraction: float) -> str:
    """A fraction as a percentage with seven digits at most."""
    return f"{fraction * 100:.7f}".rstrip("0").rstrip(".")


def number_of(text: str | None, default: float | None = None) -> float:
    """A number in a file. Raises `NotUnderstood`."""
    cleaned = (text or "").strip().replace(",", ".")
    if not cleaned and default is not None:
        return default
    try:
        value = float(cleaned)
    except ValueError:
        raise NotUnderstood(f"“{cleaned[:20]}” is no number.") from None
    if value != value or abs(value) > 1e100:
        raise NotUnderstood(f"“{cleaned[:20]}” is no number that can be kept.")
    return value


_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def writable(text: str) -> str:
    """A text without the signs that XML cannot hold. Raises `Inexpressible` where there are any."""
    if _UNWRITABLE.search(text):
        raise Inexpressible("A text of this question has control characters, which XML cannot hold.")
    return text


def shown(value: float) -> str:
    """A number as files have it, exact."""
    return repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def without_empty(body: Mapping[str, Any]) -> Row:
    """A body without what says nothing."""
    return {name: value for name, value in body.items() if value not in (None, "", [], {})}


def lost(questions: Iterable[Mapping[str, Any]], names: Iterable[str]) -> str:
    """A note of what a format has no place for and these questions have, '' where there is nothing of it."""
    found: dict[str, int] = {}
    for question in questions:
        for name in names:
            if question.get(name) and question[name] != DEFAULTS.get(name):
                found[name] = found.get(name, 0) + 1
    told = ", ".join(f"{name} of {count} question{'s' if count > 1 else ''}" for name, count in found.items())
    return f"Not in this file, for want of a place: {told}." if told else ""
