"""Numbers: numeric and calculated questions."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import ValidationError

from learnomy_wp.questions import types
from tests.questions.grading import SEED, version, worth

GRAVITY = {"answers": [{"value": 9.81, "tolerance": 0.01}, {"value": 10, "fraction": 0.5}]}
EXACT = {"answers": [{"value": 0.3}]}
RELATIVE = {"answers": [{"value": 2000, "tolerance": 0.05, "tolerance_type": "relative"}]}
THOUSAND = {"answers": [{"value": 1000}]}
ONE = {"answers": [{"value": 1}]}
NEGATIVE = {"answers": [{"value": -2.5, "tolerance": 0.1}]}
AVOGADRO = {"answers": [{"value": 6.022e23, "tolerance": 0.001, "tolerance_type": "relative"}]}
ZERO = {"answers": [{"value": 0, "tolerance": 0}]}
LENGTH = {
    "answers": [{"value": 1500, "tolerance": 1}],
    "units": [{"unit": "m"}, {"unit": "km", "factor": 1000}, {"unit": "m\u00b2", "factor": 2}],
    "unit_mode": "required",
    "unit_penalty": 0.25,
}
LOOSE = {**LENGTH, "unit_mode": "optional", "unit_penalty": 1}
NUMERIC = [
    (GRAVITY, "9.81", 1.0),
    (GRAVITY, 9.81, 1.0),
    (GRAVITY, "9.82", 1.0),
    (GRAVITY, "9.80", 1.0),
    (GRAVITY, "9.8201", 0.0),
    (GRAVITY, "9,81", 1.0),
    (GRAVITY, "+9.81", 1.0),
    (GRAVITY, " 9.81 ", 1.0),
    (GRAVITY, "10", 0.5),
    (GRAVITY, "981e-2", 1.0),
    (GRAVITY, "0.981*10^1", 1.0),
    (GRAVITY, "0.981\u00d710\u00b9", 1.0),
    (GRAVITY, "9.81 m", 0.0),
    (GRAVITY, "nine", 0.0),
    (GRAVITY, "", 0.0),
    (EXACT, "0.3", 1.0),
    (EXACT, ".3", 1.0),
    (EXACT, "0.30000000000000001", 0.0),
    (RELATIVE, "1900", 1.0),
    (RELATIVE, "2100", 1.0),
    (RELATIVE, "2101", 0.0),
    (RELATIVE, "2 000", 1.0),
    (RELATIVE, "2'000", 1.0),
    (RELATIVE, "2\u202f000", 1.0),
    (THOUSAND, "1,000", 1.0),  # a comma of thousands, or of decimals
    (ONE, "1,000", 1.0),
    (THOUSAND, "1.000,0", 1.0),
    (THOUSAND, "1,000.0", 1.0),
    (THOUSAND, "1,0,00", 0.0),
    (NEGATIVE, "-2.5", 1.0),
    (NEGATIVE, "\u22122.5", 1.0),
    (NEGATIVE, "2.5", 0.0),
    (NEGATIVE, "\u0662", 0.0),
    (AVOGADRO, "6.022e23", 1.0),
    (AVOGADRO, "6.022 x 10^23", 1.0),
    (AVOGADRO, "6.1e23", 0.0),
    (ZERO, "0", 1.0),
    (ZERO, "-0.0", 1.0),
    (ZERO, "1e-999", 0.0),
    (ZERO, "1e999", 0.0),
    (ZERO, "1e9999999", 0.0),
    (ZERO, "9" * 100, 0.0),
    (ZERO, "NaN", 0.0),
    (ZERO, "inf", 0.0),
    (ZERO, "0x0", 0.0),
    (LENGTH, "1500 m", 1.0),
    (LENGTH, "1.5km", 1.0),
    (LENGTH, "1,5 km", 1.0),
    (LENGTH, "750 m2", 0.0),
    (LENGTH, "750 m\u00b2", 1.0),
    (LENGTH, "1500", 0.75),
    (LENGTH, "1500 KM", 0.75),
    (LENGTH, "1500 parsec", 0.75),
    (LENGTH, "1 m", 0.0),
    (LOOSE, "1500", 1.0),
    (LOOSE, "1.5 km", 1.0),
    (LOOSE, "1500 furlongs", 0.0),
    (ZERO, "0" * 101, "refused"),
    (ZERO, True, "refused"),
    (ZERO, [0], "refused"),
    (ZERO, {"value": 0}, "refused"),
    (ZERO, "\ud800", "refused"),
]
PRODUCT = {
    "variables": [{"name": "a", "min": 7, "max": 7}, {"name": "b", "min": 0.5, "max": 0.5, "decimals": 1}],
    "answers": [{"formula": "a*b"}, {"formula": "a+b", "fraction": 0.25}],
}
THIRD = {**PRODUCT, "answers": [{"formula": "{a}/3", "tolerance": 0.001, "tolerance_type": "relative"}]}
ROOT = {
    "variables": [{"name": "x", "min": -4, "max": -4}],
    "answers": [{"formula": "sqrt(x^2) + |x|"}],
    "units": [{"unit": "s"}, {"unit": "min", "factor": 60}],
    "unit_mode": "required",
}
SETS = {
    "variables": [{"name": "n"}],
    "datasets": [{"n": 3}],
    "answers": [{"formula": "n! + 2^n", "tolerance": 0.5}],
}
CALCULATED = [
    (PRODUCT, "3.5", 1.0),
    (PRODUCT, "3,5", 1.0),
    (PRODUCT, 3.5, 1.0),
    (PRODUCT, "35e-1", 1.0),
    (PRODUCT, "7.5", 0.25),
    (PRODUCT, "3.51", 0.0),
    (PRODUCT, "-3.5", 0.0),
    (PRODUCT, "7*0.5", 0.0),  # a number is asked for
    (PRODUCT, "a*b", 0.0),
    (PRODUCT, "", 0.0),
    (PRODUCT, "  ", 0.0),
    (THIRD, "2.333", 1.0),
    (THIRD, "2.3333333", 1.0),
    (THIRD, "2.32", 0.0),
    (THIRD, "7/3", 0.0),
    (ROOT, "8 s", 1.0),
    (ROOT, "8s", 1.0),
    (ROOT, "8", 0.0),
    (ROOT, "8 min", 0.0),
    (SETS, "14", 1.0),
    (SETS, "14.4", 1.0),
    (SETS, "14.6", 0.0),
    (SETS, "\u0661\u0664", 1.0),
    (PRODUCT, "__import__('os')", 0.0),
    (PRODUCT, "x" * 101, "refused"),
    (PRODUCT, [3.5], "refused"),
    (PRODUCT, True, "refused"),
]


@pytest.mark.parametrize(("content", "said", "expected"), NUMERIC)
def test_numeric(content: dict[str, Any], said: Any, expected: Any) -> None:
    assert worth("numeric", content, said) == expected


@pytest.mark.parametrize(("content", "said", "expected"), CALCULATED)
def test_calculated(content: dict[str, Any], said: Any, expected: Any) -> None:
    assert worth("calculated", content, said) == expected


def test_every_attempt_draws_values_of_its_own_within_bounds() -> None:
    content = {
        "variables": [{"name": "a", "min": 1, "max": 4}, {"name": "b", "min": -0.5, "max": 0.5, "decimals": 1}],
        "answers": [{"formula": "a*b"}],
    }
    prompt = "<p>{a} by {b} is {=2*a}, {c} stays, $\\{a\\}$</p>"
    made = version("calculated", content, prompt)
    drawn = [types.draw(made, seed)["values"] for seed in range(400)]
    assert {one["a"] for one in drawn} == {1, 2, 3, 4}
    assert {one["b"] for one in drawn} == {round(-0.5 + step / 10, 1) for step in range(11)}
    layout = types.draw(made, 3)
    a, b = layout["values"]["a"], layout["values"]["b"]
    shown = types.present(made, layout)
    assert shown.prompt_html == f"<p>{a:g} by {b:g} is {2 * a:g}, {{c}} stays, $\\{{a\\}}$</p>"
    assert types.grade(made, layout, types.reveal(made, layout, None).right_answer) == 1


def test_a_right_answer_names_its_unit() -> None:
    made = version("numeric", LENGTH)
    right = types.reveal(made, None, "1").right_answer
    assert right == "1500 m"
    assert types.grade(made, types.draw(made, SEED), right) == 1


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("numeric", {"answers": []}),
        ("numeric", {"answers": [{"value": 1, "fraction": 0.5}]}),
        ("numeric", {"answers": [{"value": float("nan")}]}),
        ("numeric", {"answers": [{"value": float("inf")}]}),
        ("numeric", {"answers": [{"value": 1e300}]}),
        ("numeric", {"answers": [{"value": 1, "tolerance": -1}]}),
        ("numeric", {**ONE, "unit_mode": "required"}),
        ("numeric", {**ONE, "units": [{"unit": "m"}, {"unit": " m "}]}),
        ("numeric", {**ONE, "units": [{"unit": "2m"}]}),
        ("numeric", {**ONE, "units": [{"unit": "m", "factor": 0}]}),
        ("calculated", {"answers": [{"formula": "a"}]}),
        ("calculated", {**PRODUCT, "answers": [{"formula": "a*"}]}),
        ("calculated", {**PRODUCT, "answers": [{"formula": "1/(a-7)"}]}),
        ("calculated", {**PRODUCT, "answers": [{"formula": "sqrt(-a)"}]}),
        ("calculated", {**PRODUCT, "answers": [{"formula": "9^9^9^9"}]}),
        ("calculated", {**PRODUCT, "variables": [{"name": "a"}, {"name": "a"}]}),
        ("calculated", {**PRODUCT, "variables": [{"name": "2a"}]}),
        ("calculated", {**PRODUCT, "variables": [{"name": "a", "min": 2, "max": 1}, {"name": "b"}]}),
        ("calculated", {**PRODUCT, "datasets": [{"a": 1}]}),
    ],
)
def test_content_that_is_refused(kind: str, content: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        types.check(kind, content)


def test_a_formula_in_the_prompt_must_be_readable() -> None:
    with pytest.raises(ValidationError):
        types.check("calculated", PRODUCT, "<p>{=a+}</p>")
    with pytest.raises(ValidationError):
        types.check("calculated", PRODUCT, "<p>{=a+z}</p>")
