"""PHP's serialize format, read and written without ever making an object.

Arrays whose keys are 0..n-1 in order become lists, others dicts; strings are UTF-8 (stray bytes
survive as surrogate escapes). Whatever is read is bounded in bytes, depth and values. Objects,
custom serializations and enums are refused; references are read as copies.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 100
MAX_ITEMS = 100_000

_TRIMMED = b" \n\r\t\v\x00"
_INT_MIN, _INT_MAX = -(2**63), 2**63 - 1
_ARRAY_INT_KEY = re.compile(r"0|-?[1-9][0-9]{0,18}")
_TOKEN = re.compile(
    rb"(?P<null>N;)|b:(?P<bool>[01]);|i:(?P<int>[+-]?[0-9]{1,20});"
    rb"|d:(?P<float>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,5})?|-?INF|NAN);"
    rb'|s:(?P<string>[0-9]{1,12}):"|a:(?P<array>[0-9]{1,12}):\{|R:(?P<reference>[0-9]{1,12});'
)
_LOOKS_STRICT = re.compile(rb"[saOE]:[0-9]+:.*|[bid]:[0-9.E+-]+;", re.DOTALL)
_LOOKS_LOOSE = re.compile(rb"[saOE]:[0-9]+:|[bid]:[0-9.E+-]+;")
_OPEN = object()  # stands in a slot while its array is still being read


class PhpError(ValueError):
    """The text is no serialized value that we read, or the value is none that PHP can hold."""


class PhpObjectError(PhpError):
    """An object, a custom serialization or an enum: never made from stored text."""


def serialize(value: Any) -> bytes:
    """What PHP's `serialize()` gives for the same value (serialize_precision -1, its default)."""
    parts: list[bytes] = []
    _write(value, parts, 0)
    return b"".join(parts)


def unserialize(
    data: bytes | str, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH, max_items: int = MAX_ITEMS
) -> Any:
    """The value of a serialized text. Raises `PhpError` for anything but one whole value."""
    raw = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
    if len(raw) > max_bytes:
        raise PhpError(f"serialized value of {len(raw)} bytes, {max_bytes} are allowed")
    reader = _Reader(raw, max_depth, max_items)
    value = reader.value(0)
    if reader.at != len(raw):
        raise PhpError(f"{len(raw) - reader.at} bytes follow the serialized value")
    return value


def is_serialized(data: object, *, strict: bool = True) -> bool:
    """WordPress's is_serialized(): whether a string looks serialized, by its two ends only."""
    if not isinstance(data, str):
        return False
    raw = data.encode("utf-8", "surrogateescape").strip(_TRIMMED)
    if raw == b"N;":
        return True
    if len(raw) < 4 or raw[1:2] != b":":
        return False
    if strict:
        if raw[-1:] not in (b";", b"}") or (raw[:1] == b"s" and raw[-2:-1] != b'"'):
            return False
        return _LOOKS_STRICT.fullmatch(raw) is not None
    semicolon, brace = raw.find(b";"), raw.find(b"}")
    if (semicolon < 0 and brace < 0) or 0 <= semicolon < 3 or 0 <= brace < 4:
        return False
    if raw[:1] == b"s" and b'"' not in raw:
        return False
    return _LOOKS_LOOSE.match(raw) is not None


def maybe_unserialize(data: Any) -> Any:
    """WordPress's maybe_unserialize(): False for what looks serialized and cannot be read.

    An object reads as False too; WordPress would make it.
    """
    if not is_serialized(data):
        return data
    try:
        return unserialize(data.encode("utf-8", "surrogateescape").strip(_TRIMMED))
    except PhpError:
        return False


def maybe_serialize(value: Any) -> Any:
    """WordPress's maybe_serialize(): arrays as text, text that looks serialized once more, else the value."""
    if isinstance(value, list | tuple | dict) or is_serialized(value, strict=False):
        return serialize(value).decode("utf-8", "surrogateescape")
    return value


def to_text(value: Any) -> str:
    """The text that WordPress stores for a value in an option or a meta field."""
    stored = maybe_serialize(value)
    if stored is None or stored is False:
        return ""
    if stored is True:
        return "1"
    return _float(stored, 14) if isinstance(stored, float) else str(stored)


def is_truthy(value: Any) -> bool:
    """Whether PHP takes a value for true: as in Python, but for the string "0"."""
    return bool(value) and value != "0"


def _write(value: Any, parts: list[bytes], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise PhpError(f"nested deeper than {MAX_DEPTH}, or in itself")
    if value is None:
        parts.append(b"N;")
    elif isinstance(value, bool):
        parts.append(b"b:%d;" % value)
    elif isinstance(value, int):
        if not _INT_MIN <= value <= _INT_MAX:
            raise PhpError(f"{value} is no 64-bit integer")
        parts.append(b"i:%d;" % value)
    elif isinstance(value, float):
        parts.append(b"d:%s;" % _float(value, 17).encode())
    elif isinstance(value, str | bytes):
        raw = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
        parts.append(b's:%d:"%s";' % (len(raw), raw))
    elif isinstance(value, dict | list | tuple):
        parts.append(b"a:%d:{" % len(value))
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            if not isinstance(key, int | str):
                raise PhpError(f"a PHP array has no key of type {type(key).__name__}")
            _write(_array_key(key), parts, depth + 1)
            _write(item, parts, depth + 1)
        parts.append(b"}")
    else:
        raise PhpError(f"PHP has no {type(value).__name__}")


def _array_key(key: int | str) -> int | str:
    """PHP keeps a key that is a decimal number as an integer."""
    if isinstance(key, str):
        is_number = _ARRAY_INT_KEY.fullmatch(key) is not None and -_INT_MAX <= int(key) <= _INT_MAX
        return int(key) if is_number else key
    return int(key)


def _float(value: float, precision: int) -> str:
    """PHP's text of a float: the shortest that reads back (17), or rounded to `precision` digits."""
    if math.isnan(value):
        return "NAN"
    sign = "-" if math.copysign(1, value) < 0 else ""
    if math.isinf(value):
        return sign + "INF"
    number = Decimal(repr(abs(value)) if precision == 17 else f"{abs(value):.{precision - 1}e}").normalize()
    _, figures, exponent = number.as_tuple()
    digits = "".join(map(str, figures))
    point = len(digits) + int(exponent)  # where the decimal point stands in the digits
    if point < -3 or point > precision:
        return f"{sign}{digits[0]}.{digits[1:] or '0'}E{point - 1:+d}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}" if value else sign + "0"
    whole, fraction = digits[:point].ljust(point, "0"), digits[point:]
    return f"{sign}{whole}.{fraction}" if fraction else sign + whole


class _Reader:
    """One pass over a serialized text; `slots` are the values in the order that R:n counts."""

    def __init__(self, raw: bytes, max_depth: int, max_items: int) -> None:
        self.raw, self.at = raw, 0
        self.max_depth, self.items_left = max_depth, max_items
        self.slots: list[Any] = []

    def value(self, depth: int) -> Any:
        self._count(depth)
        kind, text = self._token()
        if kind == "reference":
            return self._referenced(int(text), depth)
        slot = len(self.slots)
        self.slots.append(_OPEN)
        value = self._array(int(text), depth) if kind == "array" else self._scalar(kind, text)
        self.slots[slot] = value
        return value

    def _count(self, depth: int) -> None:
        self.items_left -= 1
        if self.items_left < 0:
            raise PhpError("more values than are allowed")
        if depth > self.max_depth:
            raise PhpError(f"nested deeper than {self.max_depth}")

    def _token(self) -> tuple[str, bytes]:
        match = _TOKEN.match(self.raw, self.at)
        if match is None:
            if self.raw[self.at : self.at + 2] in (b"O:", b"C:", b"E:", b"r:"):
                raise PhpObjectError(f"an object at byte {self.at}: objects are not read")
            raise PhpError(f"no serialized value at byte {self.at}")
        self.at = match.end()
        kind = match.lastgroup or ""
        return kind, match[kind]

    def _scalar(self, kind: str, text: bytes) -> Any:
        if kind == "null":
            return None
        if kind == "bool":
            return text == b"1"
        if kind == "float":
            return float(text)
        if kind == "string":
            end = self.at + int(text)
            if self.raw[end : end + 2] != b'";':
                raise PhpError(f"the string at byte {self.at} is not {int(text)} bytes long")
            found = self.raw[self.at : end].decode("utf-8", "surrogateescape")
            self.at = end + 2
            return found
        number = int(text)
        if not _INT_MIN <= number <= _INT_MAX:
            raise PhpError(f"{number} is no 64-bit integer")
        return number

    def _array(self, length: int, depth: int) -> list[Any] | dict[int | str, Any]:
        found: dict[int | str, Any] = {}
        for _ in range(length):
            kind, text = self._token()
            if kind not in {"int", "string"}:
                raise PhpError(f"no array key before byte {self.at}")
            key = _array_key(self._scalar(kind, text))
            found[key] = self.value(depth + 1)
        if self.raw[self.at : self.at + 1] != b"}":
            raise PhpError(f"the array that should end at byte {self.at} does not")
        self.at += 1
        return list(found.values()) if all(key == place for place, key in enumerate(found)) else found

    def _referenced(self, number: int, depth: int) -> Any:
        if not 1 <= number <= len(self.slots) or self.slots[number - 1] is _OPEN:
            raise PhpError(f"R:{number} refers to nothing, or to what holds it")
        return self._copied(self.slots[number - 1], depth)

    def _copied(self, value: Any, depth: int) -> Any:
        if not isinstance(value, list | dict):
            return value
        copied: dict[int | str, Any] = {}
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            self._count(depth + 1)
            copied[key] = self._copied(item, depth + 1)
        return list(copied.values()) if isinstance(value, list) else copied
