"""Moodle's embedded answers: `{1:SHORTANSWER:=Berlin#yes~%50%Bonn}` within a text."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

from learnomy_wp.questions.formats.base import Inexpressible, NotUnderstood, Row, number_of, percent, share, shown
from learnomy_wp.questions.types.base import Html, full

_TEXT = {"SHORTANSWER", "SA", "MW"}
_EXACT_TEXT = {"SHORTANSWER_C", "SAC", "MWC"}
_SELECT = {"MULTICHOICE", "MC", "MULTICHOICE_V", "MCV", "MULTICHOICE_H", "MCH"}
_SELECT |= {f"{name}S" for name in ("MC", "MCV", "MCH")}
_SELECT |= {"MULTICHOICE_S", "MULTICHOICE_VS", "MULTICHOICE_HS", "MCVS", "MCHS"}
_NUMBER = {"NUMERICAL", "NM"}
_KNOWN = _TEXT | _EXACT_TEXT | _SELECT | _NUMBER
_ANSWER = r"(?:\\.|[^\\}])*"
_PLACE = re.compile(r"\{(\d{0,4}):([A-Z_]{2,20}):(" + _ANSWER + r")\}", re.DOTALL)
_PIECE = re.compile(r"\s*(=|%(-?\d{1,3}(?:\.\d+)?)%)?(.*)", re.DOTALL)
_ESCAPED = re.compile(r'\\([\\~#}"/])')
_SPECIAL = re.compile(r'([\\~#}"/])')


def read(prompt: str) -> tuple[str, list[Row]]:
    """A text with `[[1]]`, `[[2]]`, ... in the places of its blanks, and the blanks. Raises `NotUnderstood`."""
    blanks: list[Row] = []

    def place(found: re.Match[str]) -> str:
        weight, kind, answers = found.groups()
        if kind not in _KNOWN:
            raise NotUnderstood(f"Blanks of the kind {kind} are not known here.")
        blank = {"id": str(len(blanks) + 1), **_blank(kind, html.unescape(answers))}
        if weight and int(weight) != 1:
            blank["weight"] = float(weight) or 0.001
        blanks.append(blank)
        return f"[[{blank['id']}]]"

    return _PLACE.sub(place, prompt), blanks


def _blank(kind: str, text: str) -> Row:
    answers = [_answer(piece) for piece in _split(text, "~")]
    if kind in _NUMBER:
        return {"kind": "number", "numbers": [_number(one) for one in answers if one["text"] != "*"]}
    if kind in _SELECT:
        return {"kind": "select", "answers": answers}
    is_wild = any("*" in answer["text"] for answer in answers)
    return {"kind": "text", "answers": answers, "case_sensitive": kind in _EXACT_TEXT, "wildcard": is_wild}


def _answer(piece: str) -> Row:
    found = _PIECE.fullmatch(piece)
    assert found is not None, "the pattern fits any text"
    sign, weight, rest = found.groups()
    text, *more = _split(rest, "#")
    feedback = "#".join(more)
    fraction = share(weight) if weight is not None else 1.0 if sign else 0.0
    return {"text": _bare(text), "fraction": max(0.0, fraction), "feedback_html": Html().deserialize(_bare(feedback))}


def _split(text: str, sign: str) -> list[str]:
    """A text at each sign that no backslash stands before."""
    pieces = [""]
    for part in re.findall(r"\\.|.", text, re.DOTALL):
        if part == sign:
            pieces.append("")
        else:
            pieces[-1] += part
    return pieces


def _bare(text: str) -> str:
    return _ESCAPED.sub(r"\1", text).strip()


def _number(answer: Row) -> Row:
    value, _, tolerance = answer.pop("text").partition(":")
    return {**answer, "value": number_of(value), "tolerance": abs(number_of(tolerance, 0.0))}


# --- writing -----------------------------------------------------------------------------


def write(prompt: str, blanks: Sequence[Mapping[str, Any]]) -> str:
    """A prompt with its blanks as embedded answers. Raises `Inexpressible`."""
    for blank in blanks:
        prompt = prompt.replace(f"[[{blank['id']}]]", _written(blank))
    return prompt


def _written(blank: Mapping[str, Any]) -> str:
    weight = blank["weight"]
    if weight != int(weight) or not 1 <= weight <= 9999:
        raise Inexpressible("Moodle has whole weights of blanks.")
    if blank["kind"] == "number":
        if any(one["tolerance_type"] != "absolute" for one in blank["numbers"]):
            raise Inexpressible("Moodle has absolute tolerances in blanks.")
        kind = "NUMERICAL"
        texts = [f"{shown(one['value'])}:{shown(one['tolerance'])}" for one in blank["numbers"]]
        answers = blank["numbers"]
    else:
        kind = "MULTICHOICE" if blank["kind"] == "select" else "SHORTANSWER"
        if blank["kind"] == "text":
            kind += "_C" if blank["case_sensitive"] else ""
            if any("*" in one["text"] for one in blank["answers"]) != blank["wildcard"]:
                raise Inexpressible("In Moodle a star in a blank stands for any text.")
        answers = blank["answers"]
        texts = [_escaped(one["text"]) for one in answers]
    written = []
    for answer, text in zip(answers, texts, strict=True):
        fraction = full(answer["fraction"])
        is_plain = not fraction and not text.startswith(("=", "%"))
        sign = "=" if fraction == 1 else "" if is_plain else f"%{percent(fraction)}%"
        said = f"#{_escaped(answer['feedback_html'])}" if answer["feedback_html"] else ""
        written.append(f"{sign}{text}{said}")
    return f"{{{int(weight)}:{kind}:{'~'.join(written)}}}"


def _escaped(text: str) -> str:
    return html.escape(_SPECIAL.sub(r"\\\1", text), quote=False)
