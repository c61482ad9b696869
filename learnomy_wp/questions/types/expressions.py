"""A mathematical expression, right in whatever form it is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import ValidationError as Invalid
from marshmallow import fields, validate

from learnomy_wp.questions import maths
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
from learnomy_wp.questions.types.numbers import number_field
from learnomy_wp.questions.types.texts import check_accepted

MAX_VARIABLES = 10


class ExpressionPart(Part):
    """An accepted expression."""

    expression = fields.String(required=True, validate=validate.Length(1, maths.MAX_LENGTH))
    fraction = fraction_field(load_default=1.0)
    feedback_html = feedback_field()


class DomainPart(Part):
    """A variable, and between which numbers it is when expressions are compared."""

    name = fields.String(required=True, validate=validate.Regexp(r"[A-Za-z][A-Za-z0-9_]{0,31}\Z"))
    min = number_field(load_default=maths.DOMAIN[0])
    max = number_field(load_default=maths.DOMAIN[1])


class ExpressionsPart(Part):
    """Accepted expressions and their variables."""

    variables = fields.List(fields.Nested(DomainPart), load_default=list, validate=validate.Length(max=MAX_VARIABLES))
    answers = fields.List(fields.Nested(ExpressionPart), required=True, validate=validate.Length(1, MAX_CHOICES))


_EXPRESSIONS = ExpressionsPart()


class MathExpression:
    """An expression, equal to an accepted one wherever that has a value."""

    name: ClassVar[str] = "math_expression"
    label: ClassVar[str] = "Mathematical expression"
    category: ClassVar[str] = "graded"

    def check(self, content: Content, prompt: str = "") -> dict[str, Any]:
        found: dict[str, Any] = _EXPRESSIONS.load(content)
        check_accepted(found)
        names = [one["name"] for one in found["variables"]]
        if len(set(names)) != len(names):
            raise Invalid({"variables": ["Two have the same name."]})
        for place, one in enumerate(found["variables"]):
            if one["min"] >= one["max"]:
                raise Invalid({"variables": {place: {"max": ["This is not more than min."]}}})
        for place, answer in enumerate(found["answers"]):
            try:
                formula = maths.parse(answer["expression"], _names(found))
            except maths.NoFormula as error:
                raise Invalid({"answers": {place: {"expression": [str(error)]}}}) from None
            if not maths.is_comparable(formula, _domains(found)):
                text = "This has no value for most values of its variables. Give them other bounds."
                raise Invalid({"answers": {place: {"expression": [text]}}})
        return found

    def draw(self, content: Content, draw: Draw) -> Layout:
        return None

    def present(self, content: Content, layout: Layout, prompt_html: str) -> Shown:
        return Shown(prompt_html)

    def check_response(self, content: Content, layout: Layout, response: Response) -> Response:
        return text_of(response, maths.MAX_LENGTH)

    def grade(self, content: Content, layout: Layout, response: Response) -> Grade:
        answer = _find(content, response)
        return Grade(bounded(full(answer["fraction"])) if answer else 0.0)

    def right_answer(self, content: Content, layout: Layout) -> Any:
        return next(answer["expression"] for answer in content["answers"] if full(answer["fraction"]) == 1)

    def answer_feedback(self, content: Content, layout: Layout, response: Response) -> dict[str, str]:
        answer = _find(content, response)
        return {"answer": answer["feedback_html"]} if answer else {}

    def choices(self, content: Content, layout: Layout, response: Response) -> list[str]:
        said = "".join(response.split())[:MAX_LABEL]
        return [said] if said else []


def _names(content: Content) -> frozenset[str]:
    return frozenset(one["name"] for one in content["variables"])


def _domains(content: Content) -> dict[str, tuple[float, float]]:
    return {one["name"]: (one["min"], one["max"]) for one in content["variables"]}


def _find(content: Content, response: str) -> Mapping[str, Any] | None:
    """The first accepted expression that the response equals."""
    names, domains = _names(content), _domains(content)
    try:
        given = maths.parse(response, names)
    except maths.NoFormula:
        return None
    for answer in content["answers"]:
        if maths.are_equal(maths.parse(answer["expression"], names), given, domains):
            return answer  # type: ignore[no-any-return]
    return None
