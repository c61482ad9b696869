"""Choosing: one answer, several, or true and false."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from marshmallow import ValidationError as Invalid
from marshmallow import fields, validate

from learnomy_wp.questions.types.base import (
    MAX_CHOICES,
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
    fraction_field,
    full,
    id_field,
    is_token,
    plain,
    token_of,
    with_ids,
)


class AnswerPart(Part):
    """One answer to choose."""

    id = id_field()
    text_html = Html(required=True, minimum=1)
    fraction = fraction_field(-1, load_default=0.0)
    feedback_html = feedback_field()


class ChoicesPart(Part):
    """Answers, of which some are right."""

    answers = fields.List(fields.Nested(AnswerPart), required=True, validate=validate.Length(2, MAX_CHOICES))
    shuffle = fields.Boolean(load_default=True)


class TruthPart(Part):
    """A statement that is true or false."""

    answer = fields.Boolean(required=True)
    feedback_true_html = feedback_field()
    feedback_false_html = feedback_field()


_CHOICES, _TRUTH = ChoicesPart(), TruthPart()


class _Choice:
    """What single and multiple choice share."""

    category: ClassVar[str] = "graded"

    def _check(self, content: Content) -> dict[str, Any]:
        found: dict[str, Any] = _CHOICES.load(content)
        with_ids(found["answers"], "answers")
        seen: set[str] = set()
        for place, answer in enumerate(found["answers"]):
            if not answer["text_html"]:
                raise Invalid({"answers": {place: {"text_html": ["There is nothing to see in it."]}}})
            if answer["text_html"] in seen:
                raise Invalid({"answers": {place: {"text_html": ["Another answer says the same."]}}})
            seen.add(answer["text_html"])
        return found

    def draw(self, content: Content, draw: Draw) -> Layout:
        return {"choices": draw.shuffled("choice", _texts(content), keep=not (draw.shuffle and content["shuffle"]))}

    def present(self, content: Content, layout: Layout, prompt_html: str) -> Shown:
        texts = _texts(content)
        held = current(layout["choices"], texts)
        return Shown(
            prompt_html, {"choices": [{"id": token, "text_html": texts[item]} for token, item in held.items()]}
        )

    def answer_feedback(self, content: Content, layout: Layout, response: Response) -> dict[str, str]:
        return {token: answer["feedback_html"] for token, answer in _chosen(content, layout, response)}

    def choices(self, content: Content, layout: Layout, response: Response) -> list[str]:
        return [plain(answer["text_html"]) for _token, answer in _chosen(content, layout, response)]


class SingleChoice(_Choice):
    """One of several answers; one at least is fully right, others may be partly so."""

    name: ClassVar[str] = "single_choice"
    label: ClassVar[str] = "Single choice"

    def check(self, content: Content, prompt: str = "") -> dict[str, Any]:
        found = self._check(content)
        if not any(full(answer["fraction"]) == 1 for answer in found["answers"]):
            raise Invalid({"answers": ["One answer must be right: its fraction 1."]})
        return found

    def check_response(self, content: Content, layout: Layout, response: Response) -> Response:
        if not is_token(layout["choices"], response):
            raise ValueError("Choose one of the answers, by its id.")
        return response

    def grade(self, content: Content, layout: Layout, response: Response) -> Grade:
        shares = [answer["fraction"] for _token, answer in _chosen(content, layout, response)]
        return Grade(bounded(full(shares[0])) if shares else 0.0)

    def right_answer(self, content: Content, layout: Layout) -> Any:
        held = current(layout["choices"], _texts(content))
        right = (answer["id"] for answer in content["answers"] if full(answer["fraction"]) == 1)
        return next((token for item in right if (token := token_of(held, item))), None)


class MultipleChoice(_Choice):
    """Any number of answers; the right ones sum to one, wrong ones may take points away."""

    name: ClassVar[str] = "multiple_choice"
    label: ClassVar[str] = "Multiple choice"

    def check(self, content: Content, prompt: str = "") -> dict[str, Any]:
        found = self._check(content)
        if full(sum(answer["fraction"] for answer in found["answers"] if answer["fraction"] > 0)) != 1:
            raise Invalid({"answers": ["The fractions of the right answers must sum to 1."]})
        return found

    def check_response(self, content: Content, layout: Layout, response: Response) -> Response:
        if not isinstance(response, list) or not all(isinstance(token, str) for token in response):
            raise ValueError("Send a list of the ids of the answers.")
        known = [entry[0] for entry in layout["choices"]]
        if len(set(response)) != len(response) or not set(response) <= set(known):
            raise ValueError("Choose among the answers, each once, by its id.")
        return [token for token in known if token in response]

    def grade(self, content: Content, layout: Layout, response: Response) -> Grade:
        shares = [(token, answer["fraction"]) for token, answer in _chosen(content, layout, response)]
        return Grade(
            bounded(full(sum(share for _token, share in shares))),
            [{"id": token, "fraction": share} for token, share in shares],
        )

    def right_answer(self, content: Content, layout: Layout) -> Any:
        known = by_id(content["answers"])
        held = current(layout["choices"], _texts(content))
        return [token for token, item in held.items() if known[item]["fraction"] > 0]


class TrueFalse:
    """A statement that is true or false."""

    name: ClassVar[str] = "true_false"
    label: ClassVar[str] = "True or false"
    category: ClassVar[str] = "graded"

    def check(self, content: Content, prompt: str = "") -> dict[str, Any]:
        found: dict[str, Any] = _TRUTH.load(content)
        return found

    def draw(self, content: Content, draw: Draw) -> Layout:
        return None

    def present(self, content: Content, layout: Layout, prompt_html: str) -> Shown:
        return Shown(prompt_html)

    def check_response(self, content: Content, layout: Layout, response: Response) -> Response:
        if not isinstance(response, bool):
            raise ValueError("Send true or false.")
        return response

    def grade(self, content: Content, layout: Layout, response: Response) -> Grade:
        return Grade(1.0 if response is content["answer"] else 0.0)

    def right_answer(self, content: Content, layout: Layout) -> Any:
        return content["answer"]

    def answer_feedback(self, content: Content, layout: Layout, response: Response) -> dict[str, str]:
        word = "true" if response else "false"
        return {word: content[f"feedback_{word}_html"]}

    def choices(self, content: Content, layout: Layout, response: Response) -> list[str]:
        return ["true" if response else "false"]


def by_id(parts: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Parts of content by their ids."""
    return {part["id"]: part for part in parts}


def _texts(content: Content) -> dict[str, str]:
    return {answer["id"]: answer["text_html"] for answer in content["answers"]}


def _chosen(content: Content, layout: Layout, response: Response) -> list[tuple[str, Mapping[str, Any]]]:
    """The answers that a response names, by their tokens, in the order of the layout."""
    named = response if isinstance(response, list) else [response]
    known, held = by_id(content["answers"]), current(layout["choices"], _texts(content))
    return [(token, known[item]) for token, item in held.items() if token in named]
