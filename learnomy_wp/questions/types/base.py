"""What a question type is, and what all of them share.

A question's `content` is what its type makes of it, the key included. An attempt freezes a `layout` of it: the order
of its choices, each under a token that says nothing of its place or of the key, and what was drawn for it. A learner
sees `present(...)` alone; a `response` names choices by those tokens. A response can be graded by another version than
it was given for: a choice is found again by what it said, else by the `id` that content keeps for it.
"""

from __future__ import annotations

import hashlib
import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import nh3
from marshmallow import RAISE, Schema, fields, validate
from marshmallow import ValidationError as Invalid

Content = Mapping[str, Any]
Layout = Any
Response = Any

MAX_CHOICES = 50
MAX_HTML = 20_000
PLACES = 5
MAX_LABEL = 64


@dataclass(frozen=True)
class Grade:
    """What a response is worth, 0 to 1; None where a person has to say. `parts` tell it by blank, pair or choice."""

    fraction: float | None
    parts: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Shown:
    """What a learner sees of a question: its prompt and, where it has any, its choices, blanks or pairs."""

    prompt_html: str
    content: dict[str, Any] | None = None


@dataclass(frozen=True)
class Revealed:
    """What a question says after it was answered. Each is shown at a moment of its own."""

    right_answer: Any
    feedback: dict[str, Any] | None = None


@dataclass(frozen=True)
class Draw:
    """The source of an attempt's chance: `seed` is secret, `key` tells one question from another."""

    seed: int
    key: str
    shuffle: bool = True

    def token(self, kind: str, item: str) -> str:
        """A name for an item which says nothing of it."""
        return self._digest("token", kind, item)[:12]

    def shuffled(self, kind: str, texts: Mapping[str, str], *, keep: bool = False) -> list[list[str]]:
        """Token, id and the digest of its text for each item, in an order of chance; in the given one with `keep`."""
        found = list(texts)
        if not keep:
            found.sort(key=lambda item: self._digest("order", kind, item))
        return [[self.token(kind, item), item, _digest_of(texts[item])] for item in found]

    def number(self, name: str) -> float:
        """A number from 0 up to 1."""
        return int(self._digest("number", name)[:13], 16) / 16**13

    def _digest(self, *parts: str) -> str:
        text = "\x1f".join((self.key, *parts)).encode()
        return hashlib.blake2b(text, key=str(self.seed).encode()[:64], digest_size=16).hexdigest()


class QuestionType(Protocol):
    """One kind of question. Stateless: everything it needs is given."""

    name: ClassVar[str]
    label: ClassVar[str]
    # `graded` counts, `survey` has no right answer.
    category: ClassVar[str]

    def check(self, content: Content, prompt: str = "") -> dict[str, Any]:
        """The content as it is kept. Raises marshmallow's `ValidationError`, its messages by field name."""
        ...

    def draw(self, content: Content, draw: Draw) -> Layout:
        """What an attempt freezes of it: JSON, or None where there is nothing."""
        ...

    def present(self, content: Content, layout: Layout, prompt_html: str) -> Shown:
        """What a learner sees, never the key."""
        ...

    def check_response(self, content: Content, layout: Layout, response: Response) -> Response:
        """The response as it is kept. Raises `ValueError` with a message for who sent it."""
        ...

    def grade(self, content: Content, layout: Layout, response: Response) -> Grade:
        """What a kept response is worth."""
        ...

    def right_answer(self, content: Content, layout: Layout) -> Any:
        """A right response in the form of a response, None where there is none."""
        ...

    def answer_feedback(self, content: Content, layout: Layout, response: Response) -> dict[str, str]:
        """The feedback of what was answered, by choice, blank or pair."""
        ...

    def choices(self, content: Content, layout: Layout, response: Response) -> list[str]:
        """What was answered, as short plain text, for counting."""
        ...


# --- content -----------------------------------------------------------------------------


class Part(Schema):
    """Base of what content consists of."""

    class Meta:
        unknown = RAISE


class Html(fields.String):
    """HTML that is safe to show to anybody, images and formulas in it included."""

    def __init__(self, *, minimum: int = 0, **options: Any) -> None:
        super().__init__(validate=validate.Length(minimum, MAX_HTML), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return nh3.clean(str(super()._deserialize(value, attr, data, **kwargs))).strip()


def feedback_field() -> Html:
    """Feedback of one answer."""
    return Html(load_default="")


def fraction_field(least: float = 0, **options: Any) -> fields.Float:
    """A share of the points."""
    return fields.Float(allow_nan=False, validate=validate.Range(least, 1), **options)


def id_field() -> fields.String:
    """The id of a part, which a change of the question repeats to say that it is the same."""
    return fields.String(
        validate=validate.Regexp(r"[A-Za-z0-9_-]{1,32}\Z"), metadata={"description": "Made if absent."}
    )


def with_ids(parts: Sequence[dict[str, Any]], field_name: str) -> None:
    """Give an id to each part that has none. Raises `ValidationError` where two have the same."""
    taken = [part["id"] for part in parts if "id" in part]
    if len(set(taken)) != len(taken):
        raise Invalid({field_name: ["Two have the same id."]})
    number = 0
    for part in parts:
        if "id" not in part:
            number += 1
            while str(number) in taken:
                number += 1
            taken.append(str(number))
            part["id"] = str(number)


def plain_text(markup: str) -> str:
    """HTML as plain text on one line."""
    return " ".join(html.unescape(nh3.clean(markup, tags=set())).split())


def plain(markup: str) -> str:
    """HTML as short plain text, for counting."""
    return plain_text(markup)[:MAX_LABEL]


# --- responses ---------------------------------------------------------------------------


def current(entries: Iterable[Sequence[str]], texts: Mapping[str, str]) -> dict[str, str]:
    """The ids behind the tokens of a layout, in its order, `texts` being what there is now by id.

    What says the same is the same, wherever it stands now; what does so no more is known by its id.
    """
    by_text = {_digest_of(text): item for item, text in texts.items()}
    found: dict[str, str] = {}
    for token, item, seen in entries:
        now = by_text.get(seen, item)
        if now in texts:
            found[token] = now
    return found


def token_of(held: Mapping[str, str], item: str) -> str | None:
    """The token of an id among those of `current`."""
    return next((token for token, known in held.items() if known == item), None)


def is_token(entries: Iterable[Sequence[str]], token: Any) -> bool:
    """Whether a layout has this token."""
    return isinstance(token, str) and any(entry[0] == token for entry in entries)


def _digest_of(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def text_of(response: Any, longest: int) -> str:
    """A text that was answered. Raises `ValueError`."""
    if not isinstance(response, str):
        raise ValueError("Send the answer as a text.")
    if len(response) > longest:
        raise ValueError(f"An answer may have {longest} characters.")
    if any("\ud800" <= sign <= "\udfff" for sign in response):
        raise ValueError("This text has characters that are none.")
    return response.replace("\x00", "")


def bounded(fraction: float) -> float:
    """A fraction within 0 and 1; thirds and the like that sum to almost one are one."""
    return min(1.0, max(0.0, round(fraction, PLACES)))


def full(value: float) -> float:
    """A share as authors write it: what lies within a thousandth of one is one."""
    return 1.0 if abs(value - 1) < 0.001 else value
