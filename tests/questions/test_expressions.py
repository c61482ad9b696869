"""Mathematical expressions: whatever equals the key is right, and what is hostile costs nothing."""

from __future__ import annotations

import resource
import subprocess
import sys
from typing import Any

import pytest
from marshmallow import ValidationError

from learnomy_wp.questions import maths, types
from tests.processor import processor_seconds
from tests.questions.grading import SEED, version, worth

SQUARE = {"answers": [{"expression": "(x+1)^2"}, {"expression": "x^2+1", "fraction": 0.25}]}
TRIG = {"answers": [{"expression": "sin(x)^2"}]}
TWO = {"answers": [{"expression": "(a-b)(a+b)"}]}
NAMED = {"variables": [{"name": "mass"}, {"name": "v", "min": 0, "max": 5}], "answers": [{"expression": "mass*v^2/2"}]}
LOG = {"variables": [{"name": "x", "min": 0.1, "max": 9}], "answers": [{"expression": "ln(x^2)"}]}
NUMBER = {"answers": [{"expression": "2*pi"}]}
ALPHA = {"answers": [{"expression": "\u03b1^2"}]}
CASES = [
    (SQUARE, "(x+1)^2", 1.0),
    (SQUARE, "x^2+2x+1", 1.0),
    (SQUARE, "1 + 2*x + x**2", 1.0),
    (SQUARE, "(1+x)(x+1)", 1.0),
    (SQUARE, "x(x+2)+1", 1.0),
    (SQUARE, "x²+2x+1", 1.0),
    (SQUARE, "\\left(x+1\\right)^{2}", 1.0),
    (SQUARE, "|x+1|^2", 1.0),
    (SQUARE, "(x^3+3x^2+3x+1)/(x+1)", 1.0),
    (SQUARE, "x^2+1", 0.25),
    (SQUARE, "x^2+2x+1.000001", 0.0),
    (SQUARE, "(y+1)^2", 0.0),
    (SQUARE, "(x+1)^2+y-y", 1.0),
    (SQUARE, "(X+1)^2", 0.0),
    (SQUARE, "4", 0.0),
    (TRIG, "1-cos(x)^2", 1.0),
    (TRIG, "1 - cos x * cos x", 1.0),
    (TRIG, "(1-cos(2x))/2", 1.0),
    (TRIG, "sin(x^2)", 0.0),
    (TWO, "a²-b²", 1.0),
    (TWO, "a^2 \u2212 b\u00d7b", 1.0),
    (TWO, "b^2-a^2", 0.0),
    (TWO, "ab(a/b-b/a)", 1.0),
    (NAMED, "0.5 mass v^2", 1.0),
    (NAMED, "\\frac{mass \\cdot v^2}{2}", 1.0),
    (NAMED, "mass*v/2", 0.0),
    (LOG, "2ln(x)", 1.0),
    (LOG, "2*log(x)/log(e)", 1.0),
    (LOG, "ln(x)^2", 0.0),
    (NUMBER, "π+π", 1.0),
    (NUMBER, "6.28318", 0.0),
    (NUMBER, "-2i ln(-1)", 1.0),
    (ALPHA, "\u03b1·\u03b1", 1.0),
    (SQUARE, "", 0.0),
    (SQUARE, "   ", 0.0),
    (SQUARE, "x^2+", 0.0),
    (SQUARE, ")(", 0.0),
    (SQUARE, "1/0", 0.0),
    (SQUARE, "x=1", 0.0),
    (SQUARE, "東京", 0.0),
    (SQUARE, "__import__('os').system('true')", 0.0),
    (SQUARE, "lambda: x", 0.0),
    (SQUARE, "9^9^9^9^9", 0.0),
    (SQUARE, "170!^170!", 0.0),
    (SQUARE, "99999999999!", 0.0),
    (SQUARE, "(" * 250 + "x" + ")" * 250, "refused"),
    (SQUARE, "(" * 200 + "x" + ")" * 200, 0.0),
    (SQUARE, "-" * 499 + "x", 0.0),
    (SQUARE, "x^" * 249 + "x", 0.0),
    (SQUARE, "x" * 501, "refused"),
    (SQUARE, 5, "refused"),
    (SQUARE, ["x"], "refused"),
    (SQUARE, "\ud800", "refused"),
]
HOSTILE = [
    "9" * 500,
    "9^" * 249 + "9",
    "x!" * 250,
    "(" * 249 + "x" + ")" * 249,
    "sin(" * 99 + "x" + ")" * 99,
    "√" * 499 + "x",
    "|" * 500,
    "x" * 500,
    "\\frac{" * 80 + "x",
    "max(" + ",".join(["x"] * 200) + ")",
    "exp(exp(exp(exp(exp(exp(x))))))^exp(exp(exp(x)))",
    "1e308*" * 80 + "1",
    "0^0^0^0^0^-1",
    "a" * 100 + "b" * 100 + "c" * 100 + "d" * 100 + "e" * 100,
    "﷽" * 500,
    "²" * 500,
]


@pytest.mark.parametrize(("content", "said", "expected"), CASES)
def test_math_expression(content: dict[str, Any], said: Any, expected: Any) -> None:
    assert worth("math_expression", content, said) == expected


def test_a_hostile_expression_costs_a_second_and_64_megabytes_at_most() -> None:
    made = version("math_expression", SQUARE)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for text in HOSTILE:
        with processor_seconds() as seconds:
            share = types.grade(made, None, types.check_response(made, None, text))
            assert seconds() < 1, text
        assert share == 0, text
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


def test_hostile_expressions_fit_into_64_megabytes_beyond_what_was_loaded() -> None:
    """The same within a limit that the system keeps, in a process of its own."""
    code = (
        "import resource, sys\n"
        "from learnomy_wp.questions import maths\n"
        "from tests.questions.test_expressions import HOSTILE\n"
        "held = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (held + 64 * 2**20,) * 2)\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (60, 60))\n"
        "known = maths.parse('(x+1)^2')\n"
        "for text in HOSTILE:\n"
        "    try:\n"
        "        maths.are_equal(known, maths.parse(text), {})\n"
        "    except maths.NoFormula:\n"
        "        pass\n"
        "print('done')\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert ended.stdout == "done\n", ended.stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2+3*4", 14),
        ("-2^2", -4),
        ("2^3^2", 512),
        ("2^-1", 0.5),
        ("6/2*3", 9),
        ("6/2(3)", 9),
        ("--3", 3),
        ("5!", 120),
        ("3!^2", 36),
        ("√16+1", 5),
        ("|2-5|", 3),
        ("log(1000)", 3),
        ("log(8, 2)", 3),
        ("ln(e)", 1),
        ("max(1, 5, 3)", 5),
        ("mod(-7, 3)", 2),
        ("round(2.5)", 3),
        ("cbrt(-8)", -2),
        ("1.5e3", 1500),
        ("2e", 2 * 2.718281828459045),
        ("10\u00f74", 2.5),
        ("sin(pi/2)", 1),
        ("atan2(1, 1)*4/pi", 1),
        ("2\u00b3", 8),
        ("x\u00b2+y", 13),
    ],
)
def test_values(text: str, expected: float) -> None:
    assert maths.evaluate(text, {"x": 3.0, "y": 4.0}) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("text", ["sqrt(-1)", "1/0", "z", "0.5!", "171!", "10^400", "log(0)"])
def test_what_has_no_value(text: str) -> None:
    with pytest.raises(maths.NoValue):
        maths.evaluate(text, {"x": 3.0})


@pytest.mark.parametrize("content", [{"answers": [{"expression": "1/0"}]}, {"answers": [{"expression": "x+"}]}])
def test_a_key_that_nothing_can_equal_is_refused(content: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        types.check("math_expression", content)


def test_what_was_written_is_told() -> None:
    made = version("math_expression", SQUARE)
    assert types.choices(made, types.draw(made, SEED), " x ^2 + 1") == ["x^2+1"]
    assert types.reveal(made, None, "x").right_answer == "(x+1)^2"
