"""The value of a PHP expression made of literals, constants, `.`, `?:`, `??` and the environment."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from learnomy_wp.kernel.phptokens import Token, is_op

PhpValue = str | int | float | bool | None

_LITERALS: dict[str, PhpValue] = {"true": True, "false": False, "null": None}


class Unreadable(Exception):
    """An expression whose value cannot be known without executing PHP."""


@dataclass
class Known:
    """What a file has set so far: `variables` are keyed with their dollar sign."""

    constants: dict[str, PhpValue] = field(default_factory=dict)
    variables: dict[str, PhpValue] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    includes: list[str] = field(default_factory=list)


class Expression:
    """The value of an expression made of literals, constants, `.`, `?:`, `??` and the environment."""

    def __init__(self, stream: Sequence[Token], known: Known, path: Path, environ: Mapping[str, str]) -> None:
        self.stream = list(stream)
        self.position = 0
        self.known = known
        self.path = path
        self.environ = environ

    def value(self) -> PhpValue:
        """The value; raises Unreadable."""
        found = self._choice()
        if self.position < len(self.stream):
            raise Unreadable(f"`{self.stream[self.position].text}` is not read here")
        return found

    def _peek(self) -> Token | None:
        return self.stream[self.position] if self.position < len(self.stream) else None

    def _next(self, text: str = "") -> Token:
        token = self._peek()
        if token is None or (text and token.text != text):
            raise Unreadable("the expression is not a plain one")
        self.position += 1
        return token

    def _choice(self) -> PhpValue:
        """`a ?: b` and `a ?? b`; a variable that this environment lacks counts as not set."""
        try:
            first = self._joined()
        except _NotInEnvironment:
            if not (is_op(self._peek(), "??") or is_op(self._peek(), "?")):
                raise
            first = None
        if is_op(self._peek(), "??"):
            self._next()
            second = self._choice()
            return second if first is None else first
        if is_op(self._peek(), "?"):
            self._next()
            self._next(":")
            second = self._choice()
            return first if _truthy(first) else second
        return first

    def _joined(self) -> PhpValue:
        found = self._single()
        while is_op(self._peek(), "."):
            self._next()
            found = _text(found) + _text(self._single())
        return found

    def _single(self) -> PhpValue:
        token = self._next()
        if token.kind == "string":
            return token.text
        if token.kind == "number":
            return _number(token.text)
        if token.kind == "opaque":
            raise Unreadable("it is a string with variables in it")
        if token.kind == "variable":
            return self._variable(token.text)
        if token.kind == "name":
            return self._named(token.text.lstrip("\\"))
        if token.text == "(":
            found = self._choice()
            self._next(")")
            return found
        if token.text == "!":
            return not _truthy(self._single())
        if token.text == "-":
            return _negative(self._single())
        raise Unreadable(f"`{token.text}` is not read here")

    def _variable(self, name: str) -> PhpValue:
        if name in {"$_ENV", "$_SERVER"}:
            self._next("[")
            key = self._next()
            self._next("]")
            if name == "$_SERVER":
                raise Unreadable("it depends on the request")
            return self._environment(key.text)
        if name not in self.known.variables:
            raise Unreadable(self.known.unreadable.get(name, f"{name} is not known"))
        return self.known.variables[name]

    def _named(self, name: str) -> PhpValue:
        if is_op(self._peek(), "("):
            return self._call(name)
        if name.lower() in _LITERALS:
            return _LITERALS[name.lower()]
        if name == "__DIR__":
            return str(self.path.parent)
        if name == "__FILE__":
            return str(self.path)
        if name not in self.known.constants:
            raise Unreadable(self.known.unreadable.get(name, f"the constant {name} is not known"))
        return self.known.constants[name]

    def _call(self, name: str) -> PhpValue:
        self._next("(")
        arguments: list[PhpValue] = []
        while not is_op(self._peek(), ")"):
            arguments.append(self._choice())
            if not is_op(self._peek(), ")"):
                self._next(",")
        self._next(")")
        function = name.lower()
        if function == "getenv" and arguments:
            return self._environment(_text(arguments[0]))
        if function == "getenv_docker" and len(arguments) == 2:
            return self._docker(_text(arguments[0]), arguments[1])
        if function == "dirname" and len(arguments) == 1:
            return posixpath.dirname(_text(arguments[0]))
        raise Unreadable(f"{name}() is not read here")

    def _environment(self, name: str) -> PhpValue:
        if name not in self.environ:
            raise _NotInEnvironment(f"it reads {name} from the environment, which has no such variable here")
        return self.environ[name]

    def _docker(self, name: str, default: PhpValue) -> PhpValue:
        """As the function of that name in the official image's wp-config.php."""
        file = self.environ.get(f"{name}_FILE")
        if file:
            try:
                return Path(file).read_text(encoding="utf-8").rstrip("\r\n")
            except OSError as error:
                raise Unreadable(f"{name}_FILE names a file that cannot be read ({error})") from error
        return self.environ.get(name, default)


class _NotInEnvironment(Unreadable):
    pass


def _truthy(value: PhpValue) -> bool:
    return bool(value) and value != "0"


def _text(value: PhpValue) -> str:
    if value is None or value is False:
        return ""
    return "1" if value is True else str(value)


def _number(text: str) -> int | float:
    plain = text.replace("_", "")
    if plain[:2].lower() in {"0x", "0b"}:
        return int(plain, 0)
    if any(mark in plain for mark in ".eE"):
        return float(plain)
    return int(plain, 8) if len(plain) > 1 and plain.startswith("0") else int(plain)


def _negative(value: PhpValue) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unreadable("a minus before what is no number")
    return -value
