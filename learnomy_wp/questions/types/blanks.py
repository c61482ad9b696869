"""A text with blanks, each graded on its own. The prompt has `[[id]]` where a blank stands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, cast

from marshmallow import ValidationError as Invalid
from marshmallow import fields, validate

from learnomy_wp.questions.types.base import (
    MAX_CHOICES,
    Content,
    Draw,
    Grade,
    Layout,
    Part,
    Response,
    Shown,
    bounded,
    current,
    full,
    id_field,
    is_token,
    plain,
    text_of,
    token_of,
    with_ids,
)
from learnomy_wp.questions.types.numbers import NumberPart, find_number, written
from learnomy_wp.questions.types.texts import MAX_SHORT, AcceptedPart, check_accepted, find_accepted, folded

KINDS = ("text", "select", "number")
MAX_BLANKS = 100
_PLACE = re.compile(r"\[\[([A-Za-z0-9_-]{1,32})\]\]")


class BlankPart(Part):
    """One blank: a text, a choice from a list, or a number."""

    id = id_field()
    kind = fields.String(load_default="text", validate=validate.OneOf(KINDS))
    answers = fields.List(
        fields.Nested(AcceptedPart),
        load_default=list,
        validate=validate.Length(max=MAX_CHOICES),
        metadata={"description": "What is accepted; for a select all its options, wrong ones with fraction 0."},
    )
    numbers = fields.List(fields.Nested(NumberPart), load_default=list, validate=validate.Length(max=MAX_CHOICES))
    case_sensitive = fields.Boolean(load_default=False)
    wildcard = fields.Boolean(load_default=False)
    weight = fields.Float(load_default=1.0, allow_nan=False, validate=validate.Range(0, 100, min_inclusive=False))


class BlanksPart(Part):
    """Blanks."""

    blanks = fields.List(fields.Nested(BlankPart), required=True, validate=validate.Length(1, MAX_BLANKS))


_BLANKS = BlanksPart()


def placed(prompt: str) -> list[str]:
    """The ids of the blanks that a prompt has places for, in order."""
    return _PLACE.findall(prompt)


class FillBlank:
    """A text with blanks."""

    name: ClassVar[str] = "fill_blank"
    label: ClassVar[str] = "Fill in the blanks"
    category: ClassVar[str] = "graded"

    def check(self, content: Content, prompt: str = "") -> dict[str, Any]:
        found: dict[str, Any] = _BLANKS.load(content)
        with_ids(found["blanks"], "blanks")
        for place, blank in enumerate(found["blanks"]):
            try:
                _check_blank(blank)
            except Invalid as error:
                raise Invalid({"blanks": {place: error.messages}}) from None
        places = placed(prompt)
        if prompt and sorted(places) != sorted(blank["id"] for blank in found["blanks"]):
            raise Invalid({"blanks": ["The prompt must have [[id]] once for each blank, and for no other."]})
        return found

    def draw(self, content: Content, draw: Draw) -> Layout:
        return {
            "blanks": {
                blank["id"]: draw.shuffled(blank["id"], _options(blank))
                for blank in content["blanks"]
                if blank["kind"] == "select"
            }
        }

    def present(self, content: Content, layout: Layout, prompt_html: str) -> Shown:
        blanks = []
        for blank in content["blanks"]:
            held = layout["blanks"].get(blank["id"], [])
            texts = _options(blank)
            options = [{"id": token, "text": texts[item]} for token, item in current(held, texts).items()]
            kind = "select" if blank["kind"] == "select" else "text"
            blanks.append({"id": blank["id"], "kind": kind, "options": options})
        return Shown(prompt_html, {"blanks": blanks})

    def check_response(self, content: Content, layout: Layout, response: Response) -> Response:
        if not isinstance(response, dict):
            raise ValueError("Send an object with the answer of each blank by its id.")
        known = {blank["id"]: blank for blank in content["blanks"]}
        if not set(response) <= set(known):
            raise ValueError("There is no such blank.")
        kept = {}
        for item in known:
            if item not in response or response[item] is None:
                continue
            text = text_of(response[item], MAX_SHORT)
            held = layout["blanks"].get(item)
            if held is not None and text and not is_token(held, text):
                raise ValueError("Choose one of the options of the blank, by its id.")
            kept[item] = text
        return kept

    def grade(self, content: Content, layout: Layout, response: Response) -> Grade:
        parts = []
        total = sum(blank["weight"] for blank in content["blanks"])
        for blank in content["blanks"]:
            answer = _find(blank, layout, response.get(blank["id"]))
            parts.append({"id": blank["id"], "fraction": bounded(full(answer["fraction"])) if answer else 0.0})
        weights = [blank["weight"] for blank in content["blanks"]]
        gained = sum(weight * part["fraction"] for weight, part in zip(weights, parts, strict=True))
        return Grade(bounded(gained / total), parts)

    def right_answer(self, content: Content, layout: Layout) -> Any:
        return {blank["id"]: _right(blank, layout) for blank in content["blanks"]}

    def answer_feedback(self, content: Content, layout: Layout, response: Response) -> dict[str, str]:
        found = {blank["id"]: _find(blank, layout, response.get(blank["id"])) for blank in content["blanks"]}
        return {item: answer["feedback_html"] for item, answer in found.items() if answer}

    def choices(self, content: Content, layout: Layout, response: Response) -> list[str]:
        said = []
        for blank in content["blanks"]:
            text = response.get(blank["id"]) or ""
            if blank["kind"] == "select":
                texts = _options(blank)
                text = texts.get(current(layout["blanks"].get(blank["id"], []), texts).get(text, ""), "")
            if text:
                said.append(plain(f"[{blank['id']}] ") + " " + folded(text)[:40])
        return said


def _check_blank(blank: Mapping[str, Any]) -> None:
    accepted = "numbers" if blank["kind"] == "number" else "answers"
    other = "answers" if accepted == "numbers" else "numbers"
    if not blank[accepted] or blank[other]:
        raise Invalid({accepted: [f"A blank of this kind has {accepted}, and no {other}."]})
    try:
        check_accepted({"answers": blank[accepted]})
    except Invalid as error:
        raise Invalid({accepted: error.messages["answers"]}) from None  # type: ignore[call-overload]
    if blank["kind"] == "select" and len(blank["answers"]) < 2:
        raise Invalid({"answers": ["A select has two options at least."]})
    texts = [answer["text"] for answer in blank["answers"]]
    if len(set(texts)) != len(texts):
        raise Invalid({"answers": ["Two say the same."]})


def _options(blank: Mapping[str, Any]) -> dict[str, str]:
    """The options of a select by their places."""
    return {str(place): answer["text"] for place, answer in enumerate(blank["answers"])}


def _find(blank: Mapping[str, Any], layout: Layout, said: str | None) -> Mapping[str, Any] | None:
    """The answer of a blank that was given, None where none of them was."""
    if not said:
        return None
    if blank["kind"] == "number":
        return find_number(blank["numbers"], said)
    if blank["kind"] == "text":
        return find_accepted(blank, said)
    chosen = current(layout["blanks"].get(blank["id"], []), _options(blank)).get(said)
    return None if chosen is None else cast("Mapping[str, Any]", blank["answers"][int(chosen)])


def _right(blank: Mapping[str, Any], layout: Layout) -> str | None:
    if blank["kind"] == "number":
        return next(written(one["value"]) for one in blank["numbers"] if full(one["fraction"]) == 1)
    place, text = next((at, one["text"]) for at, one in enumerate(blank["answers"]) if full(one["fraction"]) == 1)
    if blank["kind"] == "text":
        return str(text)
    return token_of(current(layout["blanks"].get(blank["id"], []), _options(blank)), str(place))
