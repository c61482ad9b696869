"""Formulas of a small grammar of our own: parsed to a list of steps, run on a stack of complex numbers.

Nothing of Python is evaluated: sympy's own parser is `eval`, and what it is asked to simplify has no bound. A formula
here is 500 characters at most and every step is one operation on two floats, so that the worst one costs milliseconds
and no memory to speak of, whatever its numbers are.

The grammar: + - * / ^ (also ** and the signs of print), unary minus, n!, |x|, parentheses, names, calls of the
functions below, √, superscripts, a little LaTeX, and multiplication that is not written: `2x`, `2(x+1)`, `xy` for
single letters. `log` is to base 10.
"""

from __future__ import annotations

import cmath
import math
import random
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

MAX_LENGTH = 500
MAX_STEPS = 400
MAX_DEPTH = 40
POINTS = 24
ENOUGH_POINTS = 6
DOMAIN = (-3.0, 3.0)
_CLOSE, _NOISE = 1e-9, 1e-13

Number = complex
Step = tuple[str, object]


class NoFormula(ValueError):
    """The text is no formula."""


class NoValue(ArithmeticError):
    """The formula has no value here."""


def _real(value: Number) -> float:
    if abs(value.imag) > 1e-12 * max(1.0, abs(value.real)):
        raise NoValue
    return value.real


def _of_real(function: Callable[..., float]) -> Callable[..., Number]:
    return lambda *values: complex(function(*map(_real, values)))


def _factorial(value: float) -> float:
    if value < 0 or value > 170 or value != int(value):
        raise NoValue
    return float(math.factorial(int(value)))


def _sign(value: float) -> float:
    return float((value > 0) - (value < 0))


def _log(value: Number, base: Number = 10 + 0j) -> Number:
    return cmath.log(value) / cmath.log(base)


FUNCTIONS: dict[str, tuple[int, int, Callable[..., Number]]] = {
    **{
        name: (1, 1, getattr(cmath, name))
        for name in (
            *("sqrt", "exp", "sin", "cos", "tan", "asin", "acos", "atan"),
            *("sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
        )
    },
    **{f"arc{name}": (1, 1, getattr(cmath, f"a{name}")) for name in ("sin", "cos", "tan")},
    "ln": (1, 1, cmath.log),
    "log": (1, 2, _log),
    "lg": (1, 1, _log),
    "log10": (1, 1, _log),
    "log2": (1, 1, lambda x: _log(x, 2)),
    "sec": (1, 1, lambda x: 1 / cmath.cos(x)),
    "csc": (1, 1, lambda x: 1 / cmath.sin(x)),
    "cot": (1, 1, lambda x: cmath.cos(x) / cmath.sin(x)),
    "abs": (1, 1, lambda x: complex(abs(x))),
    "cbrt": (1, 1, _of_real(lambda x: math.copysign(abs(x) ** (1 / 3), x))),
    "floor": (1, 1, _of_real(math.floor)),
    "ceil": (1, 1, _of_real(math.ceil)),
    "round": (1, 1, _of_real(lambda x: math.floor(x + 0.5))),
    "sign": (1, 1, _of_real(_sign)),
    "fact": (1, 1, _of_real(_factorial)),
    "rad": (1, 1, _of_real(math.radians)),
    "deg": (1, 1, _of_real(math.degrees)),
    "atan2": (2, 2, _of_real(math.atan2)),
    "mod": (2, 2, _of_real(lambda x, y: x - y * math.floor(x / y))),
    "pow": (2, 2, lambda x, y: x**y),
    "min": (1, 20, _of_real(min)),
    "max": (1, 20, _of_real(max)),
}
CONSTANTS: dict[str, Number] = {"pi": complex(math.pi), "e": complex(math.e), "i": 1j}
_BINARY: dict[str, Callable[[Number, Number], Number]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "^": lambda a, b: a**b,
}
_TOKEN = re.compile(r"\s*(?:(\d+\.?\d*(?:[eE][+-]?\d{1,3}(?![\w.]))?|\.\d+)|([^\W\d]\w*)|(\*\*|[-+*/^!|(),√]))")
# Signs of multiplication, division and subtraction as they are printed.
_SIGNS = str.maketrans("\u00d7\u00b7\u22c5\u2219\u00f7\u2212\u2013{}[]", "****/--()()")
_SUPERSCRIPT = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+")
_LATEX = (
    (re.compile(r"\\(?:left|right|,|;|!|\s)"), ""),
    (re.compile(r"\\(?:cdot|times)"), "*"),
    (re.compile(r"\\d?frac\s*\{([^{}]{0,200})\}\s*\{([^{}]{0,200})\}"), r"((\1)/(\2))"),
    (re.compile(r"\\([A-Za-z]{1,10})"), r" \1 "),
)


@dataclass(frozen=True)
class Formula:
    """A parsed formula and the names that it leaves open."""

    steps: tuple[Step, ...]
    names: frozenset[str]

    def at(self, values: Mapping[str, Number]) -> tuple[Number, float]:
        """Its value where its names have these, and the greatest number on the way. Raises `NoValue`."""
        stack: list[Number] = []
        greatest = 0.0
        try:
            for kind, what in self.steps:
                value = _run(kind, what, stack, values)
                size = abs(value)
                if not math.isfinite(size):
                    raise NoValue
                greatest = max(greatest, size)
                stack.append(complex(value.real) if value.imag == 0 else value)  # no negative zero beside it
        except (ArithmeticError, ValueError):
            raise NoValue from None
        return stack[0], greatest


def _run(kind: str, what: object, stack: list[Number], values: Mapping[str, Number]) -> Number:
    if kind == "number":
        return cast("Number", what)
    if kind == "name":
        return values[cast("str", what)]
    if kind == "negate":
        return -stack.pop()
    if kind == "call":
        function, count = cast("tuple[str, int]", what)
        arguments = stack[-count:]
        del stack[-count:]
        return complex(FUNCTIONS[function][2](*arguments))
    right, left = stack.pop(), stack.pop()
    return complex(_BINARY[kind](left, right))


# --- parsing -----------------------------------------------------------------------------


@lru_cache(maxsize=512)
def parse(text: str, names: frozenset[str] = frozenset()) -> Formula:
    """Read a formula. `names` may have more than one letter; other words are single letters multiplied.

    Raises `NoFormula`.
    """
    if len(text) > MAX_LENGTH:
        raise NoFormula(f"A formula may have {MAX_LENGTH} characters.")
    reader = _Reader(_tokens(_plain(text), names), names)
    reader.expression(0)
    if reader.peek() is not None:
        raise NoFormula(f"There is something wrong at “{reader.peek()}”.")
    return Formula(tuple(reader.steps), frozenset(str(what) for kind, what in reader.steps if kind == "name"))


def _plain(text: str) -> str:
    """One spelling for what can be written in several."""
    for pattern, written in _LATEX:
        text = pattern.sub(written, text)
    text = _SUPERSCRIPT.sub(lambda found: f"^({unicodedata.normalize('NFKC', found[0])})", text)
    return unicodedata.normalize("NFKC", text.translate(_SIGNS)).replace("π", " pi ").translate(_SIGNS)


def _tokens(text: str, names: frozenset[str]) -> list[str]:
    found: list[str] = []
    at, text = 0, text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise NoFormula(f"“{text[at:].strip()[:1]}” has no meaning here.")
        number, word, sign = match.groups()
        at = match.end()
        if word:
            found += _words(word, names)
        else:
            found.append(number or ("^" if sign == "**" else sign))
    if not found:
        raise NoFormula("There is no formula.")
    return found


def _words(word: str, names: frozenset[str]) -> Iterable[str]:
    """The names that a run of letters consists of: the longest known first, else single letters."""
    if word in names:
        return [word]
    if word.lower() in FUNCTIONS:
        return [word.lower()]
    found: list[str] = []
    at = 0
    while at < len(word):
        known = (word[at:end] for end in range(len(word), at, -1))
        piece = next((one for one in known if one in names or one in CONSTANTS or one in FUNCTIONS), word[at])
        found.append(piece)
        at += len(piece)
    return found


class _Reader:
    """Recursive descent into a list of steps in postfix order."""

    def __init__(self, tokens: Sequence[str], names: frozenset[str]) -> None:
        self.tokens, self.names = tokens, names
        self.at = 0
        self.steps: list[Step] = []

    def peek(self) -> str | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self, wanted: str) -> bool:
        if self.peek() == wanted:
            self.at += 1
            return True
        return False

    def need(self, wanted: str) -> None:
        if not self.take(wanted):
            raise NoFormula(f"A “{wanted}” is missing.")

    def put(self, kind: str, what: object = None) -> None:
        if len(self.steps) >= MAX_STEPS:
            raise NoFormula("This formula is too long.")
        self.steps.append((kind, what))

    def expression(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise NoFormula("This formula is nested too deeply.")
        self.product(depth)
        while (sign := self.peek()) in ("+", "-"):
            self.at += 1
            self.product(depth)
            self.put(str(sign))

    def product(self, depth: int) -> None:
        self.signed(depth)
        while True:
            sign = self.peek()
            if sign in ("*", "/"):
                self.at += 1
                self.signed(depth)
                self.put(str(sign))
            elif sign is not None and (sign in "(√" or sign[0].isalnum() or sign[0] == "."):
                self.power(depth)
                self.put("*")
            else:
                return

    def signed(self, depth: int) -> None:
        negative = False
        while (sign := self.peek()) in ("+", "-"):
            self.at += 1
            negative ^= sign == "-"
        self.power(depth)
        if negative:
            self.put("negate")

    def power(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise NoFormula("This formula is nested too deeply.")
        self.atom(depth)
        while self.take("!"):
            self.put("call", ("fact", 1))
        if self.take("^"):
            negative = False
            while (sign := self.peek()) in ("+", "-"):
                self.at += 1
                negative ^= sign == "-"
            self.power(depth + 1)
            if negative:
                self.put("negate")
            self.put("^")

    def atom(self, depth: int) -> None:
        token = self.peek()
        if token is None:
            raise NoFormula("The formula ends too early.")
        self.at += 1
        if token in ("(",):
            self.expression(depth + 1)
            self.need(")")
        elif token in ("|",):
            self.expression(depth + 1)
            self.need("|")
            self.put("call", ("abs", 1))
        elif token in ("√",):
            self.power(depth + 1)
            self.put("call", ("sqrt", 1))
        elif token[0].isdigit() or token[0] == ".":
            self.put("number", _number(token))
        elif token in self.names:
            self.put("name", token)
        elif token in FUNCTIONS:
            self.call(token, depth)
        elif token in CONSTANTS:
            self.put("number", CONSTANTS[token])
        elif token[0].isalpha():
            self.put("name", token)
        else:
            raise NoFormula(f"There is something wrong at “{token}”.")

    def call(self, name: str, depth: int) -> None:
        least, most, _function = FUNCTIONS[name]
        count = 1
        if self.take("("):
            self.expression(depth + 1)
            while self.take(","):
                self.expression(depth + 1)
                count += 1
            self.need(")")
        else:  # sin x
            self.power(depth + 1)
        if not least <= count <= most:
            raise NoFormula(f"{name} takes {least if least == most else f'{least} to {most}'} arguments.")
        self.put("call", (name, count))


def _number(token: str) -> Number:
    value = float(token)
    if not math.isfinite(value):
        raise NoFormula("This number is too large.")
    return complex(value)


# --- values and equality -----------------------------------------------------------------


def evaluate(text: str, values: Mapping[str, float]) -> float:
    """The real value of a formula. Raises `NoFormula`, `NoValue` where there is none or a name is not given."""
    formula = parse(text, frozenset(values))
    if not formula.names <= values.keys():
        raise NoValue
    found, greatest = formula.at({name: complex(value) for name, value in values.items()})
    if abs(found.imag) > _CLOSE * max(abs(found), greatest * _NOISE):
        raise NoValue
    return found.real


def sample(names: Iterable[str], domains: Mapping[str, Sequence[float]]) -> list[dict[str, Number]]:
    """Points at which formulas are compared: always the same ones."""
    chance = random.Random(2026)  # noqa: S311 - no secret
    wanted = sorted(names)
    return [
        {name: complex(chance.uniform(*domains.get(name, DOMAIN))) for name in wanted}
        for _ in range(POINTS if wanted else 1)
    ]


def is_comparable(formula: Formula, domains: Mapping[str, Sequence[float]]) -> bool:
    """Whether a formula has a value at enough points to compare others with it."""
    points = sample(formula.names, domains)
    return sum(_value(formula, point) is not None for point in points) >= min(ENOUGH_POINTS, len(points))


def are_equal(known: Formula, given: Formula, domains: Mapping[str, Sequence[float]]) -> bool:
    """Whether two formulas have the same value wherever the known one has any."""
    compared = 0
    for point in sample(known.names | given.names, domains):
        right = _value(known, point)
        if right is None:
            continue
        found = _value(given, point)
        if found is None:
            return False
        allowed = _CLOSE * max(abs(right[0]), abs(found[0])) + _NOISE * max(right[1], found[1])
        if abs(right[0] - found[0]) > allowed:
            return False
        compared += 1
    return compared > 0


def _value(formula: Formula, point: Mapping[str, Number]) -> tuple[Number, float] | None:
    try:
        return formula.at(point)
    except NoValue:
        return None
