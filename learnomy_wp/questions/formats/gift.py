"""Reading GIFT, Moodle's text format."""

from __future__ import annotations

import re
from collections.abc import Iterator

from learnomy_wp.questions.formats.base import (
    Item,
    NotUnderstood,
    Row,
    check_number,
    escaped,
    number_of,
    share,
    text_of,
    without_empty,
)
from learnomy_wp.questions.types.base import Html

# Signs with a meaning, and what stands for them once a backslash has taken it away.
_SIGNS = "~=#{}:"
_AWAY = {sign: chr(0xE000 + place) for place, sign in enumerate(_SIGNS)}
_BACK = {away: sign for sign, away in _AWAY.items()}
_BACKSLASH, _NEWLINE = "\ue010", "\ue011"
_PRIVATE = re.compile("[\ue000-\ue011]")
_FORMAT = re.compile(r"\s*\[(html|moodle|plain|markdown)\]", re.IGNORECASE)
_WEIGHT = re.compile(r"\s*%(-?\d{1,3}(?:\.\d+)?)%")
_TRUTH = {"T": True, "TRUE": True, "F": False, "FALSE": False}
_META = re.compile(r"\[(id|tag):((?:\\\]|[^\]\\]|\\.)*)\]")


def read(data: bytes) -> list[Item]:
    """The questions of a GIFT file. Raises `Unreadable`."""
    category = ""
    items: list[Item] = []
    for block in _blocks(_PRIVATE.sub("", text_of(data))):
        lines = [line for line in block if not line.lstrip().startswith("//")]
        while lines and lines[0].strip().startswith("$CATEGORY:"):
            category = lines.pop(0).partition(":")[2].strip()
            category = re.sub(r"^\$[a-z]+\$/?(?:top/?)?", "", category, flags=re.IGNORECASE)
        if not any(line.strip() for line in lines):
            continue
        item = Item(len(items) + 1)
        items.append(item)
        check_number(len(items))
        try:
            _fill(item, "\n".join(lines))
        except NotUnderstood as error:
            item.fail("not_understood", str(error))
        item.body |= without_empty({"category": category, **_told(block)})
    return items


def _blocks(text: str) -> Iterator[list[str]]:
    """The lines between empty lines."""
    block: list[str] = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line.strip():
            block.append(line)
        elif block:
            yield block
            block = []
    if block:
        yield block


def _told(block: list[str]) -> Row:
    """The id number and tags in comments before a question."""
    found: Row = {"tags": []}
    for line in block:
        if line.lstrip().startswith("//"):
            for name, value in _META.findall(line):
                text = re.sub(r"\\(.)", r"\1", value).strip()
                if name == "id":
                    found["idnumber"] = text
                else:
                    found["tags"].append(text)
    return found


def _protected(text: str) -> str:
    text = text.replace("\\\\", _BACKSLASH).replace("\\n", _NEWLINE)
    for sign, away in _AWAY.items():
        text = text.replace(f"\\{sign}", away)
    return text


def _plain(text: str) -> str:
    """Protected text as it is meant."""
    for away, sign in _BACK.items():
        text = text.replace(away, sign)
    return text.replace(_BACKSLASH, "\\").replace(_NEWLINE, "\n").strip()


def _html(text: str, kind: str) -> tuple[str, str]:
    """A text as HTML, and its format: its own or the one above it."""
    found = _FORMAT.match(text)
    if found:
        kind, text = found[1].lower(), text[found.end() :]
    bare = _plain(text)
    if kind == "html":
        return Html().deserialize(bare), kind
    if kind == "moodle" and re.search(r"<[a-zA-Z/]", bare):
        return Html().deserialize(bare.replace("\n", "<br>")), kind
    return escaped(bare), kind


def _fill(item: Item, raw: str) -> None:
    text = _protected(raw)
    title = ""
    if text.lstrip().startswith("::"):
        title, closed, text = text.lstrip()[2:].partition("::")
        if not closed:
            raise NotUnderstood("The title has no end.")
    item.body["title"] = " ".join(_plain(title).split())
    before, opened, rest = text.partition("{")
    if not opened:
        item.is_left_out = True
        item.note("description", "This is a text without a question.")
        return
    inside, closed, after = rest.partition("}")
    if not closed:
        raise NotUnderstood("The answers have no end.")
    is_around = bool(after.strip())
    prompt, kind = _html(f"{before}[[1]]{after}" if is_around else before, "moodle")
    if kind == "markdown":
        item.note("markdown", "Markdown is taken as plain text.")
    inside, general = _general(inside, kind)
    if is_around:
        item.body |= {"type": "fill_blank", "prompt": prompt, "content": {"blanks": [_blank(inside.strip(), kind)]}}
    else:
        item.body |= {**_question(inside.strip(), kind), "prompt": prompt}
    if general:
        item.body["feedback"] = {"general_html": general}
    item.body = without_empty(item.body) | {"content": item.body["content"]}


def _general(inside: str, kind: str) -> tuple[str, str]:
    answers, found, text = inside.rpartition("####")
    return (answers, _html(text, kind)[0]) if found else (inside, "")


def _question(inside: str, kind: str) -> Row:
    word = inside.split("#", 1)[0].strip().upper()
    if not inside:
        return {"type": "essay", "content": {}}
    if word in _TRUTH:
        return {"type": "true_false", "content": _truth(inside, _TRUTH[word], kind)}
    if inside.startswith("#"):
        return {"type": "numeric", "content": {"answers": _numbers(inside[1:], kind)}}
    return _listed(inside, kind)


def _truth(inside: str, answer: bool, kind: str) -> Row:
    """Feedback for a wrong answer comes first, then for a right one."""
    said = [_html(text, kind)[0] for text in inside.split("#")[1:3]]
    wrong, right = (*said, "", "")[:2]
    return {
        "answer": answer,
        "feedback_true_html": right if answer else wrong,
        "feedback_false_html": wrong if answer else right,
    }


def _answers(inside: str) -> list[tuple[str, str, str | None, str]]:
    """Sign, text, weight and feedback of each answer."""
    pieces = re.split("([=~])", inside)
    if pieces[0].strip():
        raise NotUnderstood("An answer begins with = or ~.")
    found = []
    for sign, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        weight = _WEIGHT.match(piece)
        text, _, feedback = (piece[weight.end() :] if weight else piece).partition("#")
        if not text.strip():
            raise NotUnderstood("An answer has no text.")
        found.append((sign, text, weight[1] if weight else None, feedback))
    if not found:
        raise NotUnderstood("There are no answers.")
    return found


def _fractions(answers: list[tuple[str, str, str | None, str]]) -> list[float]:
    return [share(weight, 1.0 if sign == "=" else 0.0) for sign, _text, weight, _feedback in answers]


def _listed(inside: str, kind: str) -> Row:
    answers = _answers(inside)
    if all(sign == "=" and "->" in text for sign, text, _weight, _feedback in answers):
        return {"type": "matching", "content": _pairs(answers, kind)}
    if all(sign == "=" for sign, _text, _weight, _feedback in answers):
        return {"type": "short_answer", "content": _accepted(answers, kind)}
    return _choice(answers, kind)


def _choice(answers: list[tuple[str, str, str | None, str]], kind: str) -> Row:
    parts = [
        {"text_html": _html(text, kind)[0], "fraction": fraction, "feedback_html": _html(feedback, kind)[0]}
        for (_sign, text, _weight, feedback), fraction in zip(answers, _fractions(answers), strict=True)
    ]
    is_single = any(sign == "=" for sign, _text, _weight, _feedback in answers)
    return {"type": "single_choice" if is_single else "multiple_choice", "content": {"answers": parts}}


def _accepted(answers: list[tuple[str, str, str | None, str]], kind: str) -> Row:
    texts = [_plain(_FORMAT.sub("", text, count=1)) for _sign, text, _weight, _feedback in answers]
    return {
        "answers": [
            {"text": text, "fraction": fraction, "feedback_html": _html(answer[3], kind)[0]}
            for text, fraction, answer in zip(texts, _fractions(answers), answers, strict=True)
        ],
        # As in Moodle, a star stands for any text.
        "wildcard": any("*" in text for text in texts),
    }


def _pairs(answers: list[tuple[str, str, str | None, str]], kind: str) -> Row:
    pairs, distractors = [], []
    for _sign, text, _weight, _feedback in answers:
        prompt, _, answer = text.partition("->")
        if prompt.strip():
            pairs.append({"prompt_html": _html(prompt, kind)[0], "answer_html": escaped(_plain(answer))})
        else:
            distractors.append({"answer_html": escaped(_plain(answer))})
    known = {pair["answer_html"] for pair in pairs}
    return {"pairs": pairs, "distractors": [one for one in distractors if one["answer_html"] not in known]}


def _numbers(inside: str, kind: str) -> list[Row]:
    inside = inside.strip()
    if not inside.startswith(("=", "~")):
        inside = f"={inside}"
    answers = _answers(inside)
    found = []
    for (_sign, text, _weight, feedback), fraction in zip(answers, _fractions(answers), strict=True):
        if text.strip() == "*":
            continue
        said = _html(feedback, kind)[0]
        found.append({**_number(text), "fraction": fraction, "feedback_html": said})
    return found


def _number(text: str) -> Row:
    """`value`, `value:tolerance` or `least..most`."""
    least, is_range, most = text.partition("..")
    if is_range:
        low, high = number_of(least), number_of(most)
        return {"value": (low + high) / 2, "tolerance": abs(high - low) / 2}
    value, _, tolerance = text.partition(":")
    return {"value": number_of(value), "tolerance": number_of(tolerance, 0.0)}


def _blank(inside: str, kind: str) -> Row:
    """The one blank of a question whose answers stand within its text."""
    if inside.startswith("#"):
        return {"id": "1", "kind": "number", "numbers": _numbers(inside[1:], kind)}
    found = _listed(inside, kind)
    if found["type"] == "short_answer":
        return {"id": "1", "kind": "text", **found["content"]}
    if found["type"] != "single_choice":
        raise NotUnderstood("Only one answer can be chosen within a text.")
    options = _accepted(_answers(inside), kind)["answers"]
    return {"id": "1", "kind": "select", "answers": options}
