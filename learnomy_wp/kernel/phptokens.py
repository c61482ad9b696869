"""Splits PHP source into tokens, as far as wp-config.php needs it. Nothing is executed."""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass


@dataclass(frozen=True)
class Token:
    """One token. `text` is the decoded value of a string, else the source text.

    Kinds: string (a literal without interpolation), opaque (interpolated or heredoc),
    number, variable, name, op.
    """

    kind: str
    text: str
    line: int


def is_op(token: Token | None, text: str) -> bool:
    """Whether `token` is this operator or bracket."""
    return token is not None and token.kind == "op" and token.text == text


def is_word(token: Token | None, *words: str) -> bool:
    """Whether `token` is one of these names, however it is written."""
    return token is not None and token.kind == "name" and token.text.lstrip("\\").lower() in words


_OPEN = re.compile(r"<\?(?:php\b|=)", re.IGNORECASE)
_SKIP = re.compile(r"\s+|/\*.*?(?:\*/|\Z)|(?:#(?!\[)|//)(?:(?!\?>)[^\r\n])*", re.DOTALL)
_CLOSE = re.compile(r"\?>")
_TOKEN = re.compile(
    r"""(?P<heredoc><<<[ \t]*(?P<quote>["']?)(?P<label>[A-Za-z_]\w*)(?P=quote)\r?\n)
      | (?P<single>'(?:[^'\\]|\\.)*')
      | (?P<double>"(?:[^"\\]|\\.)*")
      | (?P<number>0[xX][0-9a-fA-F_]+|0[bB][01_]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<variable>\$[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*)
      | (?P<name>\\?[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*(?:\\[A-Za-z_]\w*)*)
      | (?P<op>\?\?=|\?\?|\|\||&&|===|!==|==|!=|<=|>=|=>|->|::|\.=|\?->|.)""",
    re.VERBOSE | re.DOTALL,
)
_SINGLE_ESCAPE = re.compile(r"\\([\\'])")
_DOUBLE_ESCAPE = re.compile(r"\\(?:([nrtvef\\$\"])|([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|u\{([0-9A-Fa-f]+)\})")
_INTERPOLATION = re.compile(r"(?<!\\)(?:\\\\)*(?:\$[A-Za-z_{\x80-\U0010ffff]|\{\$)")
_NAMED = {"n": "\n", "r": "\r", "t": "\t", "v": "\v", "e": "\x1b", "f": "\f", "\\": "\\", "$": "$", '"': '"'}


def tokens(source: str) -> Generator[Token, None, None]:
    """The tokens of every `<?php` section of `source`, comments and white space left out."""
    position = 0
    while opening := _OPEN.search(source, position):
        position = yield from _section(source, opening.end())


def _section(source: str, position: int) -> Generator[Token, None, int]:
    """Tokens up to `?>` or the end; returns where the section ends."""
    end = len(source)
    line, counted = source.count("\n", 0, position) + 1, position
    while position < end:
        if skipped := _SKIP.match(source, position):
            position = skipped.end()
            continue
        line, counted = line + source.count("\n", counted, position), position
        if closing := _CLOSE.match(source, position):
            yield Token("op", ";", line)  # `?>` ends a statement
            return closing.end()
        match = _TOKEN.match(source, position)
        assert match is not None
        if match["heredoc"]:
            position = _after_heredoc(source, match)
            yield Token("opaque", "", line)
            continue
        position = match.end()
        yield _token(match, line)
    return end


def _after_heredoc(source: str, match: re.Match[str]) -> int:
    closing = re.compile(rf"^[ \t]*{re.escape(match['label'])}\b", re.MULTILINE).search(source, match.end())
    return closing.end() if closing else len(source)


def _token(match: re.Match[str], line: int) -> Token:
    text = match.group()
    if match["single"]:
        return Token("string", _SINGLE_ESCAPE.sub(r"\1", text[1:-1]), line)
    if match["double"]:
        inner = text[1:-1]
        if _INTERPOLATION.search(inner):
            return Token("opaque", text, line)
        return Token("string", unescape(inner), line)
    for kind in ("number", "variable", "name"):
        if match[kind]:
            return Token(kind, text, line)
    return Token("op", text, line)


def unescape(inner: str) -> str:
    """The value of a double-quoted literal's inside; escapes that PHP does not know stay as written."""
    pieces: list[bytes] = []
    position = 0
    for match in _DOUBLE_ESCAPE.finditer(inner):
        pieces.append(inner[position : match.start()].encode())
        pieces.append(_escaped(match))
        position = match.end()
    pieces.append(inner[position:].encode())
    return b"".join(pieces).decode("utf-8", "surrogateescape")


def _escaped(match: re.Match[str]) -> bytes:
    named, octal, hexadecimal, codepoint = match.groups()
    if named:
        return _NAMED[named].encode()
    if octal:
        return bytes([int(octal, 8) & 0xFF])
    if hexadecimal:
        return bytes([int(hexadecimal, 16)])
    return chr(int(codepoint, 16)).encode()
