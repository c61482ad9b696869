"""Arranging: matching pairs, and putting things in order. Both are always shuffled."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, ClassVar

from marshmallow import ValidationError as Invalid
from marshmallow import fields, validate

from learnomy_wp.questions.types.base import (
    MAX_CHOICES,
    MAX_LABEL,
    Content,
    Draw,
    Grade,
    Html,
    Layout,
    Part,
    Response,
    Shown,
    bounded,
    current,
    feedback_field,
    id_field,
    is_token,
    plain,
    token_of,
    with_ids,
)
from learnomy_wp.questions.types.choosing import by_id

SCORINGS = ("exact", "position", "neighbours")
_HALF = 28


class PairPart(Part):
    """What is matched with what."""

    id = id_field()
    prompt_html = Html(required=True, minimum=1)
    answer_html = Html(required=True, minimum=1)
    feedback_html = feedback_field()


class DistractorPart(Part):
    """An answer that matches nothing."""

    id = id_field()
    answer_html = Html(required=True, minimum=1)


class PairsPart(Part):
    """Pairs. The same answer may match several."""

    pairs = fields.List(fields.Nested(PairPart), required=True, validate=validate.Length(2, MAX_CHOICES))
    distractors = fields.List(
        fields.Nested(DistractorPart), load_default=list, validate=validate.Length(max=MAX_CHOICES)
    )


class ItemPart(Part):
    """One thing to put in its place."""

    id = id_field()
    text_html = Html(required=True, minimum=1)


class ItemsPart(Part):
    """Things in their right order."""

    items = fields.List(fields.Nested(ItemPart), required=True, validate=validate.Length(2, MAX_CHOICES))
    scoring = fields.String(
        load_default="position",
        validate=validate.OneOf(SCORINGS),
        metadata={"description": "All or nothing, what stands in its place, or what is followed by the right one."},
    )


_PAIRS, _ITEMS = PairsPart(), ItemsPart()


class Matching:
    """Prompts on one side, answers on the other."""

    name: ClassVar[str] = "matching"
    label: ClassVar[str] = "Matching"
    category: ClassVar[str] = "graded"

    def check(self, content: Content, prompt: str = "") -> dict[str, Any]:
        found: dict[str, Any] = _PAIRS.load(content)
        with_ids([*found["pairs"], *found["distractors"]], "pairs")
        prompts = [pair["prompt_html"] for pair in found["pairs"]]
        if len(set(prompts)) != len(prompts):
            raise Invalid({"pairs": ["Two prompts say the same."]})
        wrong = [one["answer_html"] for one in found["distractors"]]
        if len({*wrong, *(pair["answer_html"] for pair in found["pairs"])}) < 2:
            raise Invalid({"pairs": ["There must be two different answers at least."]})
        if len(set(wrong)) != len(wrong) or {pair["answer_html"] for pair in found["pairs"]} & set(wrong):
            raise Invalid({"distractors": ["Another answer says the same."]})
        return found

    def draw(self, content: Content, draw: Draw) -> Layout:
        return {
            "prompts": draw.shuffled("prompt", _prompts(content)),
            "answers": draw.shuffled("answer", _answers(content)),
        }

    def present(self, content: Content, layout: Layout, prompt_html: str) -> Shown:
        sides = {"prompts": _prompts(content), "answers": _answers(content)}
        return Shown(
            prompt_html,
            {
                name: [{"id": token, "text_html": texts[item]} for token, item in current(layout[name], texts).items()]
                for name, texts in sides.items()
            },
        )

    def check_response(self, content: Content, layout: Layout, response: Response) -> Response:
        if not isinstance(response, dict):
            raise ValueError("Send an object: by the id of each prompt the id of its answer.")
        known = [entry[0] for entry in layout["prompts"]]
        if not set(response) <= set(known):
            raise ValueError("There is no such prompt.")
        given = {token: response[token] for token in known if response.get(token) is not None}
        if not all(is_token(layout["answers"], one) for one in given.values()):
            raise ValueError("There is no such answer.")
        return given

    def grade(self, content: Content, layout: Layout, response: Response) -> Grade:
        prompts, answers = current(layout["prompts"], _prompts(content)), _answers(content)
        held = current(layout["answers"], answers)
        parts: list[dict[str, Any]] = []
        for pair in content["pairs"]:
            token = token_of(prompts, pair["id"])
            chosen = held.get(response.get(token) or "")
            is_right = chosen is not None and answers[chosen] == pair["answer_html"]
            parts.append({"id": token, "fraction": 1.0 if is_right else 0.0})
        return Grade(bounded(sum(part["fraction"] for part in parts) / len(parts)), parts)

    def right_answer(self, content: Content, layout: Layout) -> Any:
        prompts, answers = current(layout["prompts"], _prompts(content)), _answers(content)
        tokens = {answers[item]: token for token, item in current(layout["answers"], answers).items()}
        right = {token_of(prompts, pair["id"]): tokens.get(pair["answer_html"]) for pair in content["pairs"]}
        return {prompt: answer for prompt, answer in right.items() if prompt and answer}

    def answer_feedback(self, content: Content, layout: Layout, response: Response) -> dict[str, str]:
        pairs = by_id(content["pairs"])
        held = current(layout["prompts"], _prompts(content))
        return {token: pairs[item]["feedback_html"] for token, item in held.items() if token in response}

    def choices(self, content: Content, layout: Layout, response: Response) -> list[str]:
        texts, answers = _prompts(content), _answers(content)
        held = current(layout["answers"], answers)
        said = []
        for token, item in current(layout["prompts"], texts).items():
            chosen = held.get(response.get(token) or "")
            if chosen is not None:
                said.append(" → ".join(plain(side)[:_HALF] for side in (texts[item], answers[chosen])))
        return said


class Ordering:
    """Things to put in order."""

    name: ClassVar[str] = "ordering"
    label: ClassVar[str] = "Ordering"
    category: ClassVar[str] = "graded"

    def check(self, content: Content, prompt: str = "") -> dict[str, Any]:
        found: dict[str, Any] = _ITEMS.load(content)
        with_ids(found["items"], "items")
        texts = [item["text_html"] for item in found["items"]]
        if len(set(texts)) != len(texts):
            raise Invalid({"items": ["Two items say the same."]})
        return found

    def draw(self, content: Content, draw: Draw) -> Layout:
        return {"items": draw.shuffled("item", _items(content))}

    def present(self, content: Content, layout: Layout, prompt_html: str) -> Shown:
        texts = _items(content)
        held = current(layout["items"], texts)
        return Shown(prompt_html, {"items": [{"id": token, "text_html": texts[item]} for token, item in held.items()]})

    def check_response(self, content: Content, layout: Layout, response: Response) -> Response:
        if not isinstance(response, list) or not all(isinstance(token, str) for token in response):
            raise ValueError("Send a list of the ids of the items, in order.")
        if len(set(response)) != len(response) or not all(is_token(layout["items"], token) for token in response):
            raise ValueError("Put the items in order, each once, by its id.")
        return list(response)

    def grade(self, content: Content, layout: Layout, response: Response) -> Grade:
        right = [item["id"] for item in content["items"]]
        held = current(layout["items"], _items(content))
        given = [held.get(token) for token in response]
        parts: list[dict[str, Any]] = [
            {"id": token, "fraction": 1.0 if place < len(right) and right[place] == item else 0.0}
            for place, (token, item) in enumerate(zip(response, given, strict=True))
        ]
        if given == right:
            return Grade(1.0, parts)
        if content["scoring"] == "exact":
            return Grade(0.0, parts)
        if content["scoring"] == "neighbours":
            pairs = set(pairwise(right))
            followed = sum(pair in pairs for pair in pairwise(given))
            return Grade(bounded(followed / len(pairs)), parts)
        return Grade(bounded(sum(part["fraction"] for part in parts) / len(right)), parts)

    def right_answer(self, content: Content, layout: Layout) -> Any:
        held = current(layout["items"], _items(content))
        tokens = (token_of(held, item["id"]) for item in content["items"])
        return [token for token in tokens if token]

    def answer_feedback(self, content: Content, layout: Layout, response: Response) -> dict[str, str]:
        return {}

    def choices(self, content: Content, layout: Layout, response: Response) -> list[str]:
        texts = _items(content)
        held = current(layout["items"], texts)
        said = [(place, texts[held[token]]) for place, token in enumerate(response, 1) if token in held]
        return [f"{place}. {plain(text)}"[:MAX_LABEL] for place, text in said]


def _prompts(content: Content) -> dict[str, str]:
    return {pair["id"]: pair["prompt_html"] for pair in content["pairs"]}


def _answers(content: Content) -> dict[str, str]:
    """What can be matched, by id, each text once: the answers of the pairs, then those that match nothing."""
    parts: list[Mapping[str, Any]] = [*content["pairs"], *content["distractors"]]
    first: dict[str, str] = {}
    for part in parts:
        first.setdefault(part["answer_html"], part["id"])
    return {item: text for text, item in first.items()}


def _items(content: Content) -> dict[str, str]:
    return {item["id"]: item["text_html"] for item in content["items"]}
