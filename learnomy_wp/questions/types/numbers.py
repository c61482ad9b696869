"""Numbers: with tolerance and units, and calculated from variables that are drawn for each attempt."""

from __future__ import annotations

import html
import itertools
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from decimal import Context, Decimal
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
from learnomy_wp.questions.types.texts import check_accepted

GREATEST = 1e100
MAX_ANSWER = 100
MAX_VARIABLES = 26
MAX_DATASETS = 100
TRIES = 20
UNIT_MODES = ("none", "optional", "required")
_EXACT = Context(prec=40, Emax=999_999, Emin=-999_999)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}\Z")
_NUMBER = re.compile(r"([+-]?)(\d[\d., ]*\d|\d|[.,]\d+)(?:\s*(?:[eE]|[*x]\s*10\s*\^)\s*\(?([+-]?\d{1,3})\)?(?![\d.]))?")
_SUPERSCRIPT = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+")
_PLACE = re.compile(r"\{(=)?([^{}]{1,200})\}")
# Minus, dash, signs of multiplication, apostrophes, and the separators of Arabic.
_ALIKE = str.maketrans("\u2212\u2013\u00d7\u00b7\u22c5'\u2019\u066b\u066c", "--x**  . ")


def number_field(**options: Any) -> fields.Float:
    """A number of ordinary size."""
    return fields.Float(allow_nan=False, validate=validate.Range(-GREATEST, GREATEST), **options)


class TolerancePart(Part):
    """How far off an answer may be."""

    tolerance = fields.Float(allow_nan=False, load_default=0.0, validate=validate.Range(0, GREATEST))
    tolerance_type = fields.String(load_default="absolute", validate=validate.OneOf(("absolute", "relative")))
    fraction = fraction_field(load_default=1.0)
    feedback_html = feedback_field()


class NumberPart(TolerancePart):
    """A number that is accepted."""

    value = number_field(required=True)


class FormulaPart(TolerancePart):
    """A formula that gives the accepted number."""

    formula = fields.String(required=True, validate=validate.Length(1, maths.MAX_LENGTH))


class UnitPart(Part):
    """A unit, and how many of the answers' own one it is."""

    unit = fields.String(required=True, validate=validate.Length(1, 32))
    factor = fields.Float(allow_nan=False, load_default=1.0, validate=validate.Range(0, GREATEST, min_inclusive=False))


class UnitsPart(Part):
    """Which units an answer may have."""

    units = fields.List(fields.Nested(UnitPart), load_default=list, validate=validate.Length(max=MAX_CHOICES))
    unit_mode = fields.String(load_default="none", validate=validate.OneOf(UNIT_MODES))
    unit_penalty = fraction_field(load_default=1.0, metadata={"description": "What a wrong or missing unit costs."})


class NumericPart(UnitsPart):
    """Accepted numbers."""

    answers = fields.List(fields.Nested(NumberPart), required=True, validate=validate.Length(1, MAX_CHOICES))


class VariablePart(Part):
    """A variable: drawn between two numbers, or from a list."""

    name = fields.String(required=True, validate=validate.Regexp(_NAME, error="A letter, then letters and digits."))
    min = number_field(load_default=1.0)
    max = number_field(load_default=10.0)
    decimals = fields.Integer(strict=True, load_default=0, validate=validate.Range(0, 9))


class CalculatedPart(UnitsPart):
    """Variables and formulas."""

    variables = fields.List(fields.Nested(VariablePart), load_default=list, validate=validate.Length(max=MAX_VARIABLES))
    datasets = fields.List(
        fields.Dict(keys=fields.String(validate=validate.Regexp(_NAME)), values=number_field()),
        load_default=list,
        validate=validate.Length(max=MAX_DATASETS),
        metadata={"description": "Sets of values, of which one is drawn; instead of drawing each variable."},
    )
    answers = fields.List(fields.Nested(FormulaPart), required=True, validate=validate.Length(1, MAX_CHOICES))


_NUMERIC, _CALCULATED = NumericPart(), CalculatedPart()


# --- reading numbers ---------------------------------------------------------------------


def readings(text: str) -> list[tuple[Decimal, str]]:
    """What a text may mean: numbers, each with the unit behind it. Two where a separator may be either."""
    spelled = _spelled(text)
    found = _NUMBER.match(spelled)
    if found is None:
        return []
    sign, digits, exponent = found.groups()
    unit = _unit(spelled[found.end() :])
    return [
        (Decimal(f"{sign}{number}e{exponent or 0}"), unit) for number in dict.fromkeys(_digits(digits.replace(" ", "")))
    ]


def _spelled(text: str) -> str:
    text = _SUPERSCRIPT.sub(lambda run: f"^{unicodedata.normalize('NFKC', run[0])}", text.strip()[:MAX_ANSWER])
    text = unicodedata.normalize("NFKC", text).translate(_ALIKE)
    return "".join(str(unicodedata.digit(sign)) if sign.isdigit() and not sign.isascii() else sign for sign in text)


def _digits(digits: str) -> Iterator[str]:
    """The decimal numbers that digits with points and commas may mean."""
    points, commas = digits.count("."), digits.count(",")
    if points and commas:
        last, other = (".", ",") if digits.rfind(".") > digits.rfind(",") else (",", ".")
        if digits.count(last) == 1:
            yield digits.replace(other, "").replace(last, ".")
        return
    if points + commas > 1:
        if _is_grouped(digits):
            yield re.sub("[.,]", "", digits)
        return
    yield digits.replace(",", ".")
    if commas and _is_grouped(digits):
        yield digits.replace(",", "")


def _is_grouped(digits: str) -> bool:
    groups = re.split("[.,]", digits)
    return 1 <= len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])


def _unit(text: str) -> str:
    """A unit as it is compared: without white space, letters as they are."""
    return "".join(_spelled(text).split())


def find_number(
    answers: Sequence[Mapping[str, Any]], text: str, units: Mapping[str, Any] | None = None
) -> Mapping[str, Any] | None:
    """The first of the answers that the text is within the tolerance of, with `fraction` after the unit's penalty."""
    best: Mapping[str, Any] | None = None
    for number, unit in readings(text):
        factor, share = _factor(units, unit)
        for answer in answers:
            if share > 0 and _is_close(_EXACT.multiply(number, factor), answer):
                fraction = answer["fraction"] * share
                if best is None or fraction > best["fraction"]:
                    best = {**answer, "fraction": fraction}
                break
    return best


def _factor(rules: Mapping[str, Any] | None, unit: str) -> tuple[Decimal, float]:
    """What a unit multiplies by, and the share that is left after its penalty."""
    if rules is None or rules["unit_mode"] == "none":
        return Decimal(1), 0.0 if unit else 1.0
    for known in rules["units"]:
        if _unit(known["unit"]) == unit:
            return Decimal(repr(known["factor"])), 1.0
    if not unit and rules["unit_mode"] == "optional":
        return Decimal(1), 1.0
    return Decimal(1), 1.0 - rules["unit_penalty"]


def _is_close(number: Decimal, answer: Mapping[str, Any]) -> bool:
    value, tolerance = Decimal(written(answer["value"])), Decimal(repr(answer["tolerance"]))
    if answer["tolerance_type"] == "relative":
        tolerance = _EXACT.multiply(tolerance, abs(value))
    return bool(abs(_EXACT.subtract(number, value)) <= tolerance)


def written(value: float) -> str:
    """A number as a person writes it, to twelve digits."""
    text = f"{value:.12g}"
    return "0" if text == "-0" else text


class _Number:
    """What numeric and calculated questions share."""

    category: ClassVar[str] = "graded"

    def _accepted(self, content: Content, layout: Layout) -> list[Mapping[str, Any]]:
        raise NotImplementedError

    def check_response(self, content: Content, layout: Layout, response: Response) -> Response:
        if isinstance(response, int | float) and not isinstance(response, bool):
            response = repr(response)
        return text_of(response, MAX_ANSWER)

    def grade(self, content: Content, layout: Layout, response: Response) -> Grade:
        answer = find_number(self._accepted(content, layout), response, content)
        return Grade(bounded(full(answer["fraction"])) if answer else 0.0)

    def right_answer(self, content: Content, layout: Layout) -> Any:
        accepted = self._accepted(content, layout)
        value = next((written(answer["value"]) for answer in accepted if full(answer["fraction"]) == 1), None)
        own = next((unit["unit"] for unit in content["units"] if unit["factor"] == 1), "")
        return f"{value} {own}".strip() if value is not None and content["unit_mode"] != "none" else value

    def answer_feedback(self, content: Content, layout: Layout, response: Response) -> dict[str, str]:
        answer = find_number(self._accepted(content, layout), response, content)
        return {"answer": answer["feedback_html"]} if answer else {}

    def choices(self, content: Content, layout: Layout, response: Response) -> list[str]:
        said = " ".join(response.split())[:MAX_LABEL]
        return [said] if said else []


class Numeric(_Number):
    """A number."""

    name: ClassVar[str] = "numeric"
    label: ClassVar[str] = "Numeric"

    def check(self, content: Content, prompt: str = "") -> dict[str, Any]:
        found: dict[str, Any] = _NUMERIC.load(content)
        check_accepted(found)
        check_units(found)
        return found

    def draw(self, content: Content, draw: Draw) -> Layout:
        return None

    def present(self, content: Content, layout: Layout, prompt_html: str) -> Shown:
        return Shown(prompt_html, _shown_units(content))

    def _accepted(self, content: Content, layout: Layout) -> list[Mapping[str, Any]]:
        return list(content["answers"])


class Calculated(_Number):
    """A number that a formula gives for variables which each attempt draws; the prompt shows them as `{name}`."""

    name: ClassVar[str] = "calculated"
    label: ClassVar[str] = "Calculated"

    def check(self, content: Content, prompt: str = "") -> dict[str, Any]:
        found: dict[str, Any] = _CALCULATED.load(content)
        check_accepted(found)
        check_units(found)
        names = [variable["name"] for variable in found["variables"]]
        if len(set(names)) != len(names):
            raise Invalid({"variables": ["Two have the same name."]})
        for place, variable in enumerate(found["variables"]):
            if variable["min"] > variable["max"]:
                raise Invalid({"variables": {place: {"max": ["This is less than min."]}}})
        for place, values in enumerate(found["datasets"]):
            if values.keys() != set(names):
                raise Invalid({"datasets": {place: ["A set has a value for each variable, and no other."]}})
        _check_formulas(found, frozenset(names), prompt)
        return found

    def draw(self, content: Content, draw: Draw) -> Layout:
        if content["datasets"]:
            return {"values": content["datasets"][int(draw.number("dataset") * len(content["datasets"]))]}
        for attempt in range(TRIES):
            values = {one["name"]: _drawn(one, draw, attempt) for one in content["variables"]}
            if all(_formula_value(answer["formula"], values) is not None for answer in content["answers"]):
                break
        return {"values": values}

    def present(self, content: Content, layout: Layout, prompt_html: str) -> Shown:
        return Shown(_filled(prompt_html, layout["values"]), _shown_units(content))

    def _accepted(self, content: Content, layout: Layout) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        for answer in content["answers"]:
            value = _formula_value(answer["formula"], layout["values"])
            if value is not None:
                found.append({**answer, "value": value})
        return found


def check_units(found: Mapping[str, Any]) -> None:
    """Refuse units that are asked for and not there, or there twice."""
    units = [_unit(unit["unit"]) for unit in found["units"]]
    if found["unit_mode"] != "none" and not units:
        raise Invalid({"units": ["Name the units that an answer may have."]})
    if len(set(units)) != len(units):
        raise Invalid({"units": ["Two are the same."]})
    if any(readings(unit) for unit in units) or "" in units:
        raise Invalid({"units": ["A unit begins with no digit."]})


def _shown_units(content: Content) -> dict[str, Any]:
    return {"unit_mode": content["unit_mode"], "units": [unit["unit"] for unit in content["units"]]}


def _check_formulas(found: Mapping[str, Any], names: frozenset[str], prompt: str) -> None:
    """Refuse formulas that cannot be read, name what is no variable, or have no value for what may be drawn."""
    for place, answer in enumerate(found["answers"]):
        try:
            formula = maths.parse(answer["formula"], names)
        except maths.NoFormula as error:
            raise Invalid({"answers": {place: {"formula": [str(error)]}}}) from None
        if not formula.names <= names:
            unknown = ", ".join(sorted(formula.names - names))
            raise Invalid({"answers": {place: {"formula": [f"This is no variable of the question: {unknown}."]}}})
        tried: Iterator[Mapping[str, float]] = iter(found["datasets"])
        if not found["datasets"]:
            tried = itertools.islice(_trials(found["variables"]), TRIES)
        if any(_formula_value(answer["formula"], values) is None for values in tried):
            text = "This has no value for some of the values that its variables may have."
            raise Invalid({"answers": {place: {"formula": [text]}}})
    for is_formula, inside in _PLACE.findall(prompt):
        if is_formula:
            try:
                fits = maths.parse(html.unescape(inside), names).names <= names
            except maths.NoFormula:
                fits = False
            if not fits:
                raise Invalid({"variables": [f"The prompt has a formula that cannot be read: {inside}"]})


def _trials(variables: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, float]]:
    for number in itertools.count():
        draw = Draw(number, "trial")
        yield {one["name"]: _drawn(one, draw, 0) for one in variables}


def _drawn(variable: Mapping[str, Any], draw: Draw, attempt: int) -> float:
    step = 10.0 ** -variable["decimals"]
    steps = int((variable["max"] - variable["min"]) / step + 1e-6)
    place = int(draw.number(f"{variable['name']}:{attempt}") * (steps + 1))
    return round(variable["min"] + min(place, steps) * step, variable["decimals"])  # type: ignore[no-any-return]


def _formula_value(formula: str, values: Mapping[str, float]) -> float | None:
    try:
        return float(written(maths.evaluate(formula, values)))
    except (maths.NoFormula, maths.NoValue):
        return None


def _filled(prompt_html: str, values: Mapping[str, float]) -> str:
    """The prompt with the drawn values in their places, and `{=...}` with what it gives."""

    def fill(found: re.Match[str]) -> str:
        inside = found[2].strip()
        if found[1]:
            value = _formula_value(html.unescape(inside), values)
            return found[0] if value is None else written(value)
        return written(values[inside]) if inside in values else found[0]

    return _PLACE.sub(fill, prompt_html)
