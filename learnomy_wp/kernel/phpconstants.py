"""Finds the constants and variables that a PHP file sets, without executing it.

Only what the file says plainly is believed: a literal, a concatenation, an earlier constant,
an environment variable. Whatever depends on a condition or on code is listed as unreadable
with the reason, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from learnomy_wp.kernel.phpexpression import Expression, Known, PhpValue, Unreadable
from learnomy_wp.kernel.phptokens import Token, is_op, is_word, tokens

_OPENERS = {"(": ")", "[": "]", "{": "}"}
_INCLUDES = ("require", "require_once", "include", "include_once")
_BRANCHES = ("if", "else", "elseif", "for", "foreach", "while", "do", "switch", "try", "catch", "finally", "declare")
_DECLARATIONS = ("function", "class", "interface", "trait", "abstract", "final")
_ENDS = ("endif", "endfor", "endforeach", "endwhile", "endswitch")


def read_constants(source: str, path: Path, environ: Mapping[str, str]) -> Known:
    """All constants and global variables of the PHP `source` that stands at `path`."""
    reader = _Statements(list(tokens(source)), path, environ)
    reader.run()
    return reader.known


class _Statements:
    """Walks the statements of a file in order; PHP's first definition of a constant wins.

    `condition` is empty where a statement is always executed, else it says why that is unsure.
    """

    def __init__(self, stream: list[Token], path: Path, environ: Mapping[str, str]) -> None:
        self.stream = stream
        self.position = 0
        self.path = path
        self.environ = environ
        self.known = Known()

    def run(self, condition: str = "") -> None:
        """Read statements to the end, or over the brace that closes this block."""
        while (token := self._peek()) is not None:
            if is_op(token, "}"):
                self.position += 1
                return
            self._statement(token, condition)

    def _peek(self, ahead: int = 0) -> Token | None:
        index = self.position + ahead
        return self.stream[index] if index < len(self.stream) else None

    def _statement(self, token: Token, condition: str) -> None:
        if is_op(token, "{"):
            self.position += 1
            self.run(condition)
        elif is_word(token, *_BRANCHES):
            self._branch(condition)
        elif is_word(token, *_DECLARATIONS) and not is_op(self._peek(1), "("):
            self._declaration()
        else:
            self._simple(self._take_statement(), condition)

    def _branch(self, condition: str) -> None:
        """`if (...)`, `else` or a loop: its body is executed or not."""
        inside = self._head(condition)
        if is_op(self._peek(), ":"):
            self.position += 1
            self._colon_block(condition, inside)
        elif (token := self._peek()) is not None:
            self._statement(token, inside)

    def _head(self, condition: str) -> str:
        """Pass over a keyword and its brackets; the condition that holds in the body."""
        keyword = self.stream[self.position]
        self.position += 1
        head = self._balanced() if is_op(self._peek(), "(") else []
        self._mentions(head)
        sure = is_word(keyword, "if") and self._is_sure(head)
        return condition if sure else condition or f"line {keyword.line} depends on a condition"

    def _colon_block(self, outside: str, inside: str) -> None:
        """`if (...): ... else: ... endif;`"""
        while (token := self._peek()) is not None:
            if is_word(token, *_ENDS):
                self._take_statement()
                return
            if is_word(token, "else", "elseif") and self._has_colon():
                inside = self._head(outside)
                self.position += 1
            else:
                self._statement(token, inside)

    def _has_colon(self) -> bool:
        start = self.position
        self.position += 1
        if is_op(self._peek(), "("):
            self._balanced()
        found = is_op(self._peek(), ":")
        self.position = start
        return found

    def _is_sure(self, head: Sequence[Token]) -> bool:
        """Whether `! defined( 'X' )` guards a body that is certainly executed."""
        if len(head) != 5 or not is_op(head[0], "!") or head[3].kind != "string":
            return False
        return is_word(head[1], "function_exists") or (is_word(head[1], "defined") and self._is_free(head[3].text))

    def _is_free(self, name: str) -> bool:
        """Whether nothing can have defined this constant before."""
        known = name in self.known.constants or name in self.known.unreadable
        return not known and (not self.known.includes or name == "ABSPATH")

    def _declaration(self) -> None:
        """A function or class: what its body would set is not followed."""
        while (token := self._peek()) is not None and not is_op(token, "{"):
            self.position += 1
        self._balanced()

    def _balanced(self) -> list[Token]:
        """The tokens inside the bracket at the current position, which is passed over."""
        depth, start = 0, self.position + 1
        while (token := self._peek()) is not None:
            self.position += 1
            depth += _depth(token)
            if depth == 0:
                return self.stream[start : self.position - 1]
        return self.stream[start:]

    def _take_statement(self) -> list[Token]:
        taken: list[Token] = []
        depth = 0
        while (token := self._peek()) is not None and not (depth == 0 and is_op(token, "}")):
            self.position += 1
            if depth == 0 and is_op(token, ";"):
                break
            depth += _depth(token)
            taken.append(token)
        return taken

    def _simple(self, statement: list[Token], condition: str) -> None:
        while statement and is_op(statement[0], "@"):
            statement = statement[1:]
        guard, rest = _guard(statement)
        if not rest:
            return
        if guard and not self._is_free(guard):
            condition = condition or f"line {rest[0].line} depends on whether {guard} is defined"
        if is_word(rest[0], *_INCLUDES):
            self._include(rest)
        elif call := _define_call(rest):
            self._define(call, condition)
        elif is_word(rest[0], "const"):
            for part in _split(rest[1:]):
                self._const(part, condition)
        elif len(rest) > 2 and rest[0].kind == "variable" and is_op(rest[1], "="):
            self._mentions(rest[2:])
            self._set(self.known.variables, rest[0].text, rest[2:], condition)
        else:
            self._mentions(rest)

    def _include(self, statement: Sequence[Token]) -> None:
        written = " ".join(token.text for token in statement[1:])
        if "wp-settings.php" not in written:
            self.known.includes.append(written)

    def _define(self, call: Sequence[Sequence[Token]], condition: str) -> None:
        if len(call) > 1 and len(call[0]) == 1 and call[0][0].kind == "string":
            self._constant(call[0][0].text, call[1], condition)

    def _const(self, part: Sequence[Token], condition: str) -> None:
        if len(part) > 2 and part[0].kind == "name" and is_op(part[1], "="):
            self._constant(part[0].text, part[2:], condition)

    def _constant(self, name: str, expression: Sequence[Token], condition: str) -> None:
        if name not in self.known.constants and name not in self.known.unreadable:
            self._set(self.known.constants, name, expression, condition)

    def _set(self, where: dict[str, PhpValue], name: str, expression: Sequence[Token], condition: str) -> None:
        if condition:
            self._unreadable(where, name, condition)
            return
        try:
            where[name] = Expression(expression, self.known, self.path, self.environ).value()
            self.known.unreadable.pop(name, None)
        except Unreadable as reason:
            self._unreadable(where, name, f"line {expression[0].line}: {reason}")

    def _unreadable(self, where: dict[str, PhpValue], name: str, reason: str) -> None:
        where.pop(name, None)
        self.known.unreadable[name] = reason

    def _mentions(self, statement: Sequence[Token]) -> None:
        """A statement of another form makes what it defines or changes unreadable."""
        for index, token in enumerate(statement):
            following = [*statement[index + 1 : index + 3], None, None]
            opening, first = following[:2]
            if is_word(token, "define") and first is not None and first.kind == "string":
                if first.text not in self.known.constants:
                    self._unreadable(self.known.constants, first.text, f"line {token.line} is no plain define")
            elif token.kind == "variable" and opening is not None and opening.text in {"=", ".=", "??=", "["}:
                self._unreadable(self.known.variables, token.text, f"line {token.line} changes it in code")


def _depth(token: Token) -> int:
    if token.kind != "op":
        return 0
    return (token.text in _OPENERS) - (token.text in _OPENERS.values())


def _guard(statement: list[Token]) -> tuple[str, list[Token]]:
    """Splits `defined( 'X' ) || define( ... )` into X and the rest."""
    if len(statement) > 5 and is_word(statement[0], "defined") and statement[2].kind == "string":
        joint = statement[4]
        if is_op(joint, "||") or is_word(joint, "or"):
            return statement[2].text, statement[5:]
    return "", statement


def _define_call(statement: Sequence[Token]) -> list[list[Token]] | None:
    """The arguments of a statement that is nothing but `define( ... )`."""
    if len(statement) < 3 or not is_word(statement[0], "define") or not is_op(statement[1], "("):
        return None
    return _split(statement[2:-1]) if is_op(statement[-1], ")") else None


def _split(stream: Sequence[Token]) -> list[list[Token]]:
    """Parts between the commas that stand in no bracket."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in stream:
        depth += _depth(token)
        if depth == 0 and is_op(token, ","):
            parts.append([])
        else:
            parts[-1].append(token)
    return parts
