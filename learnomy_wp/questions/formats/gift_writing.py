"""Writing GIFT. It has no form for several blanks, order, units, expressions and calculated numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from learnomy_wp.questions.formats.base import Inexpressible, Row, lost, percent, shown
from learnomy_wp.questions.types.base import full

_SPECIAL = re.compile(r"([\\~=#{}:])")
_BLANK = "[[1]]"
_LOST = ("hints", "rubric", "difficulty", "points")


def write(questions: Sequence[Mapping[str, Any]]) -> bytes:
    """The questions as a GIFT file. Raises `Inexpressible`."""
    note = lost(questions, _LOST)
    blocks = [f"// {note}"] if note else []
    category = ""
    for question in questions:
        path = question["category"]["path"] if question.get("category") else ""
        if path != category:
            category = path
            blocks.append(f"$CATEGORY: $course$/top/{category}".rstrip("/"))
        blocks.append(_block(question))
    return ("\n\n".join(blocks) + "\n").encode()


def _block(question: Mapping[str, Any]) -> str:
    notes = [f"[tag:{_meta(tag)}]" for tag in question.get("tags") or ()]
    if question.get("idnumber"):
        notes.insert(0, f"[id:{_meta(question['idnumber'])}]")
    head = f"// {' '.join(notes)}\n" if notes else ""
    writer = _WRITERS.get(question["type"])
    if writer is None:
        raise Inexpressible(f"GIFT has no form for questions of the type {question['type']}.")
    general = (question.get("feedback") or {}).get("general_html")
    ending = f"####{_text(general)}" if general else ""
    prompt = f"::{_text(question['title'])}::[html]"
    if question["type"] == "fill_blank":
        before, after = _around(_text(question["prompt"]))
        return f"{head}{prompt}{before}{{{writer(question['content'])}{ending}}}{after}"
    return f"{head}{prompt}{_text(question['prompt'])} {{{writer(question['content'])}{ending}}}"


def _text(text: str) -> str:
    """A text on one line, signs with a meaning escaped."""
    return _SPECIAL.sub(r"\\\1", text.strip()).replace("\r", "").replace("\n", "\\n")


def _meta(text: str) -> str:
    return re.sub(r"([\\\]])", r"\\\1", text)


def _around(prompt: str) -> tuple[str, str]:
    pieces = prompt.split(_BLANK)
    if len(pieces) != 2 or not pieces[1].strip():
        raise Inexpressible("GIFT has one blank in a text, with something behind it.")
    return pieces[0], pieces[1]


def _weighted(answers: Sequence[Mapping[str, Any]], name: str, *, is_single: bool) -> str:
    """Answers with signs, weights where they say more than the sign, and feedback; = says that one is to be chosen."""
    found = []
    for answer in answers:
        fraction = full(answer["fraction"])
        sign = "=" if fraction == 1 and is_single else "~" if fraction == 0 else f"~%{percent(fraction)}%"
        found.append(sign + _text(answer[name]) + _said(answer))
    return " ".join(found)


def _said(answer: Mapping[str, Any]) -> str:
    return f"#{_text(answer['feedback_html'])}" if answer.get("feedback_html") else ""


def _single(content: Mapping[str, Any]) -> str:
    return _choice(content, is_single=True)


def _multiple(content: Mapping[str, Any]) -> str:
    return _choice(content, is_single=False)


def _choice(content: Mapping[str, Any], *, is_single: bool) -> str:
    if not content.get("shuffle", True):
        raise Inexpressible("GIFT cannot say that answers keep their order.")
    return _weighted(content["answers"], "text_html", is_single=is_single)


def _accepted(content: Mapping[str, Any]) -> str:
    if content["case_sensitive"]:
        raise Inexpressible("GIFT cannot say that letters count.")
    texts = [answer["text"] for answer in content["answers"]]
    if any("*" in text for text in texts) != content["wildcard"] or any("->" in text for text in texts):
        raise Inexpressible("GIFT gives a star or an arrow in an answer a meaning of its own.")
    found = []
    for answer in content["answers"]:
        fraction = full(answer["fraction"])
        weight = "" if fraction == 1 else f"%{percent(fraction)}%"
        found.append(f"={weight}{_text(answer['text'])}{_said(answer)}")
    return " ".join(found)


def _truth(content: Mapping[str, Any]) -> str:
    said = (content["feedback_true_html"], content["feedback_false_html"])
    right, wrong = said if content["answer"] else said[::-1]
    feedback = f"#{_text(wrong)}#{_text(right)}" if right or wrong else ""
    return ("TRUE" if content["answer"] else "FALSE") + feedback


def _pairs(content: Mapping[str, Any]) -> str:
    if any(pair["feedback_html"] for pair in content["pairs"]):
        raise Inexpressible("GIFT has no feedback for pairs.")
    sides = [(pair["prompt_html"], _bare(pair["answer_html"])) for pair in content["pairs"]]
    sides += [("", _bare(one["answer_html"])) for one in content["distractors"]]
    if any("->" in side for pair in sides for side in pair):
        raise Inexpressible("GIFT gives an arrow a meaning of its own.")
    return " ".join(f"={_text(prompt)} -> {_text(answer)}" for prompt, answer in sides)


def _bare(markup: str) -> str:
    if re.search(r"<[a-zA-Z/]|&(?!amp;|lt;|gt;)", markup):
        raise Inexpressible("GIFT has plain text alone on the right side of a pair.")
    return markup.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _numeric(content: Mapping[str, Any]) -> str:
    if content["unit_mode"] != "none" or content["units"]:
        raise Inexpressible("GIFT has no units.")
    return "#" + _numbers(content["answers"])


def _numbers(answers: Sequence[Mapping[str, Any]]) -> str:
    found = []
    for answer in answers:
        if answer["tolerance_type"] != "absolute":
            raise Inexpressible("GIFT has absolute tolerances alone.")
        fraction = full(answer["fraction"])
        weight = "" if fraction == 1 else f"%{percent(fraction)}%"
        found.append(f"={weight}{shown(answer['value'])}:{shown(answer['tolerance'])}{_said(answer)}")
    return " ".join(found)


def _essay(content: Mapping[str, Any]) -> str:
    if any(content.get(name) for name in ("min_words", "max_words", "template")):
        raise Inexpressible("GIFT has no limits or templates for essays.")
    return ""


def _blank(content: Mapping[str, Any]) -> str:
    blank: Row = content["blanks"][0]
    if len(content["blanks"]) != 1 or blank["id"] != "1" or blank["weight"] != 1:
        raise Inexpressible("GIFT has one blank in a text.")
    if blank["kind"] == "text":
        return _accepted(blank)
    if blank["kind"] == "number":
        return "#" + _numbers(blank["numbers"])
    if sum(full(answer["fraction"]) == 1 for answer in blank["answers"]) == len(blank["answers"]):
        raise Inexpressible("GIFT cannot tell options that are all right from a text.")
    return _weighted(blank["answers"], "text", is_single=True)


_WRITERS = {
    "single_choice": _single,
    "multiple_choice": _multiple,
    "true_false": _truth,
    "short_answer": _accepted,
    "matching": _pairs,
    "numeric": _numeric,
    "essay": _essay,
    "fill_blank": _blank,
}
