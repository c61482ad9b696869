"""Writing: a short answer that is compared, and an essay that a person reads."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast

from marshmallow import ValidationError as Invalid
from marshmallow import fields, validate

from learnomy_wp.kernel.serialize import Line
from learnomy_wp.questions.types.base import (
    MAX_CHOICES,
    MAX_LABEL,
    Content,
    Draw,
    Grade,
    Layout,
    Part,
    Response,
    Shown,
    bounded,
    feedback_field,
    fraction_field,
    full,
    text_of,
)

MAX_SHORT = 500
MAX_ESSAY = 100_000


class AcceptedPart(Part):
    """An answer that is accepted."""

    text = Line(MAX_SHORT, required=True)
    fraction = fraction_field(load_default=1.0)
    feedback_html = feedback_field()


class AcceptedParts(Part):
    """How a text is compared."""

    answers = fields.List(fields.Nested(AcceptedPart), required=True, validate=validate.Length(1, MAX_CHOICES))
    case_sensitive = fields.Boolean(load_default=False)
    wildcard = fields.Boolean(
        load_default=False, metadata={"description": "A * in an answer stands for any text; \\* for the sign itself."}
    )


class EssayPart(Part):
    """What an essay asks for."""

    min_words = fields.Integer(strict=True, allow_none=True, load_default=None, validate=validate.Range(0, 20_000))
    max_words = fields.Integer(strict=True, allow_none=True, load_default=None, validate=validate.Range(1, 20_000))
    template = fields.String(load_default="", validate=validate.Length(max=20_000))


_ACCEPTED, _ESSAY = AcceptedParts(), EssayPart()


def check_accepted(found: Mapping[str, Any]) -> None:
    """Refuse answers of which none is fully right, or one of a star alone that is."""
    if not any(full(answer["fraction"]) == 1 for answer in found["answers"]):
        raise Invalid({"answers": ["One answer must be right: its fraction 1."]})


def folded(text: str, *, case_sensitive: bool = False) -> str:
    """A text as it is compared: white space and forms of one sign made alike, letters too if wanted."""
    alike = unicodedata.normalize("NFKC", text)
    if not case_sensitive:
        alike = unicodedata.normalize("NFKC", alike.casefold())
    return " ".join(alike.split())


def find_accepted(rules: Mapping[str, Any], text: str) -> Mapping[str, Any] | None:
    """The first accepted answer that the text is."""
    is_exact = rules["case_sensitive"]
    asked = folded(text, case_sensitive=is_exact)
    if not asked:
        return None
    for answer in rules["answers"]:
        pieces = _pieces(answer["text"], case_sensitive=is_exact, wildcard=rules["wildcard"])
        if _fits(pieces, asked):
            return cast("Mapping[str, Any]", answer)
    return None


def _pieces(pattern: str, *, case_sensitive: bool, wildcard: bool) -> list[str]:
    """What stands between the stars of a pattern, folded."""
    if not wildcard:
        return [folded(pattern, case_sensitive=case_sensitive)]
    bare = folded(pattern.replace("\\*", "\x00"), case_sensitive=case_sensitive)
    return [piece.replace("\x00", "*") for piece in bare.split("*")]


def _fits(pieces: Sequence[str], text: str) -> bool:
    """Whether a text is the pieces in order with anything between them; in time linear in it for each piece."""
    if len(pieces) == 1:
        return pieces[0] == text
    first, last = pieces[0], pieces[-1]
    if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in pieces[1:-1]:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


class ShortAnswer:
    """A word or a line, compared with what is accepted."""

    name: ClassVar[str] = "short_answer"
    label: ClassVar[str] = "Short answer"
    category: ClassVar[str] = "graded"

    def check(self, content: Content, prompt: str = "") -> dict[str, Any]:
        found: dict[str, Any] = _ACCEPTED.load(content)
        check_accepted(found)
        return found

    def draw(self, content: Content, draw: Draw) -> Layout:
        return None

    def present(self, content: Content, layout: Layout, prompt_html: str) -> Shown:
        return Shown(prompt_html)

    def check_response(self, content: Content, layout: Layout, response: Response) -> Response:
        return text_of(response, MAX_SHORT)

    def grade(self, content: Content, layout: Layout, response: Response) -> Grade:
        answer = find_accepted(content, response)
        return Grade(bounded(full(answer["fraction"])) if answer else 0.0)

    def right_answer(self, content: Content, layout: Layout) -> Any:
        return next(answer["text"] for answer in content["answers"] if full(answer["fraction"]) == 1)

    def answer_feedback(self, content: Content, layout: Layout, response: Response) -> dict[str, str]:
        answer = find_accepted(content, response)
        return {"answer": answer["feedback_html"]} if answer else {}

    def choices(self, content: Content, layout: Layout, response: Response) -> list[str]:
        said = folded(response, case_sensitive=content["case_sensitive"])[:MAX_LABEL]
        return [said] if said else []


class Essay:
    """A text that a person grades."""

    name: ClassVar[str] = "essay"
    label: ClassVar[str] = "Essay"
    category: ClassVar[str] = "graded"

    def check(self, content: Content, prompt: str = "") -> dict[str, Any]:
        found: dict[str, Any] = _ESSAY.load(content)
        least, most = found["min_words"], found["max_words"]
        if least is not None and most is not None and least > most:
            raise Invalid({"max_words": ["This is less than min_words."]})
        return found

    def draw(self, content: Content, draw: Draw) -> Layout:
        return None

    def present(self, content: Content, layout: Layout, prompt_html: str) -> Shown:
        names = ("min_words", "max_words", "template")
        return Shown(prompt_html, {name: content.get(name) for name in names})

    def check_response(self, content: Content, layout: Layout, response: Response) -> Response:
        return text_of(response, MAX_ESSAY)

    def grade(self, content: Content, layout: Layout, response: Response) -> Grade:
        is_blank = not isinstance(response, str) or not response.strip()
        return Grade(0.0 if is_blank else None)

    def right_answer(self, content: Content, layout: Layout) -> Any:
        return None

    def answer_feedback(self, content: Content, layout: Layout, response: Response) -> dict[str, str]:
        return {}

    def choices(self, content: Content, layout: Layout, response: Response) -> list[str]:
        return []
