"""Reading Moodle XML."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from xml.etree.ElementTree import Element

from learnomy_wp.questions.formats import cloze
from learnomy_wp.questions.formats.base import (
    Item,
    NotUnderstood,
    Row,
    Unreadable,
    check_number,
    escaped,
    number_of,
    share,
    without_empty,
)
from learnomy_wp.questions.formats.markup import parse
from learnomy_wp.questions.types.base import Html

_PATH = re.compile(r"^\$[a-z]+\$/?(?:top(?:/|$))?", re.IGNORECASE)
_PLACE = re.compile(r"\[\[(\d{1,3})\]\]")
_LEFT_OUT = {"description": "This is a text without a question.", "category": ""}
# What a question of any type may have and is read, or says nothing that is kept here.
_SCORINGS = {"ALL_OR_NOTHING": "exact", "ABSOLUTE_POSITION": "position", "-1": "exact", "0": "position"}
_NEIGHBOURS = ("RELATIVE_NEXT_EXCLUDE_LAST", "1")


def read(data: bytes) -> list[Item]:
    """The questions of a Moodle XML file. Raises `Unreadable`."""
    root = parse(data)
    if root.tag != "quiz":
        raise Unreadable("Moodle XML begins with the element quiz.")
    category = ""
    items: list[Item] = []
    for element in root.findall("question"):
        kind = element.get("type", "")
        if kind == "category":
            category = _PATH.sub("", _text(element.find("category")))
            continue
        item = Item(len(items) + 1)
        items.append(item)
        check_number(len(items))
        try:
            _fill(item, element, kind)
        except NotUnderstood as error:
            item.fail("not_understood", str(error))
        if category:
            item.body["category"] = category
    return items


def _fill(item: Item, element: Element, kind: str) -> None:
    title = " ".join(_text(element.find("name")).split())[:255]
    item.body = without_empty({"title": title})
    if kind in _LEFT_OUT:
        item.is_left_out = True
        item.note(kind, _LEFT_OUT[kind])
        return
    reader = _READERS.get(kind)
    if reader is None:
        raise NotUnderstood(f"Questions of the type “{kind[:40]}” are not known here.")
    prompt = _html(element.find("questiontext"), item)
    found = reader(item, element, prompt)
    item.body |= {"prompt": prompt, **found} | _common(item, element)


def _common(item: Item, element: Element) -> Row:
    names = ("general", "correct", "partiallycorrect", "incorrect")
    feedback = {
        f"{'partial' if name == 'partiallycorrect' else name}_html": _html(element.find(f"{name}feedback"), item)
        for name in names
    }
    if _text(element.find("graderinfo")):
        item.note("graderinfo", "Notes for graders are not taken over.", where="graderinfo")
    grade = element.findtext("defaultgrade")
    return without_empty(
        {
            "feedback": without_empty(feedback),
            "hints": [text for hint in element.findall("hint") if (text := _html(hint, item))],
            "tags": [text for tag in element.findall("tags/tag") if (text := _text(tag))],
            "idnumber": (element.findtext("idnumber") or "").strip(),
        }
    ) | ({"points": number_of(grade)} if grade else {})


def _text(element: Element | None) -> str:
    """What stands in an element, or in the `text` below it."""
    if element is None:
        return ""
    inner = element.find("text")
    return ((element if inner is None else inner).text or "").strip()


def _html(element: Element | None, item: Item, default: str = "html") -> str:
    """An element's text as HTML, by its `format`."""
    if element is None:
        return ""
    text, kind = _text(element), element.get("format", default)
    if element.find("file") is not None or "@@PLUGINFILE@@" in text:
        item.note("files", "Pictures and files within the file are not taken over.")
    if kind == "markdown":
        item.note("markdown", "Markdown is taken as plain text.")
    if kind in ("plain_text", "markdown"):
        return escaped(text)
    if kind == "moodle_auto_format" and not re.search(r"<(?:p|br|div|li|td)\b", text, re.IGNORECASE):
        text = text.replace("\r\n", "\n").replace("\n", "<br>")
    return str(Html().deserialize(text[:20_000] if len(text) > 20_000 else text))


def _is_true(element: Element, name: str, default: bool = False) -> bool:
    text = (element.findtext(name) or "").strip().lower()
    return text in ("1", "true", "yes") if text else default


# --- the types ---------------------------------------------------------------------------


def _multichoice(item: Item, element: Element, _prompt: str) -> Row:
    answers = [
        {
            "text_html": _html(answer, item),
            "fraction": share(answer.get("fraction")),
            "feedback_html": _html(answer.find("feedback"), item),
        }
        for answer in element.findall("answer")
    ]
    kind = "single_choice" if _is_true(element, "single", default=True) else "multiple_choice"
    if kind == "multiple_choice" and sum(1 for one in answers if one["fraction"] == 1) > 1:
        raise NotUnderstood("The right answers are worth more than the whole question.")
    shuffle = _is_true(element, "shuffleanswers", default=True)
    return {"type": kind, "content": {"answers": answers, "shuffle": shuffle}}


def _truefalse(item: Item, element: Element, _prompt: str) -> Row:
    found: Row = {}
    for answer in element.findall("answer"):
        word = _text(answer).lower()
        if word not in ("true", "false"):
            raise NotUnderstood("The answers are true and false.")
        if share(answer.get("fraction")) == 1:
            found["answer"] = word == "true"
        found[f"feedback_{word}_html"] = _html(answer.find("feedback"), item)
    return {"type": "true_false", "content": found}


def _accepted(item: Item, element: Element) -> list[Row]:
    return [
        {
            "text": " ".join(_text(answer).split()),
            "fraction": share(answer.get("fraction")),
            "feedback_html": _html(answer.find("feedback"), item),
        }
        for answer in element.findall("answer")
    ]


def _shortanswer(item: Item, element: Element, _prompt: str) -> Row:
    answers = _accepted(item, element)
    return {
        "type": "short_answer",
        "content": {
            "answers": answers,
            "case_sensitive": _is_true(element, "usecase"),
            "wildcard": any("*" in answer["text"] for answer in answers),
        },
    }


def _units(item: Item, element: Element) -> Row:
    units = [
        {"unit": _text(unit.find("unit_name")), "factor": 1 / multiplier}
        for unit in element.findall("units/unit")
        if (multiplier := number_of(unit.findtext("multiplier"), 1.0))
    ]
    if not units:
        return {}
    graded = (element.findtext("unitgradingtype") or "0").strip()
    if graded == "2":
        item.note("unit_penalty", "The penalty for a unit is taken as a share of what the answer is worth.")
    return {
        "units": units,
        "unit_mode": "optional" if graded == "0" else "required",
        "unit_penalty": 1.0 if graded == "0" else min(1.0, number_of(element.findtext("unitpenalty"), 0.1)),
    }


def _numerical(item: Item, element: Element, _prompt: str) -> Row:
    answers = []
    for answer in element.findall("answer"):
        if _text(answer) == "*":
            item.note("any_other", "What is said to any other answer is not taken over.")
            continue
        answers.append(
            {
                "value": number_of(_text(answer)),
                "tolerance": abs(number_of(answer.findtext("tolerance"), 0.0)),
                "fraction": share(answer.get("fraction")),
                "feedback_html": _html(answer.find("feedback"), item),
            }
        )
    return {"type": "numeric", "content": {"answers": answers, **_units(item, element)}}


def _matching(item: Item, element: Element, _prompt: str) -> Row:
    pairs, distractors = [], []
    for sub in element.findall("subquestion"):
        prompt, answer = _html(sub, item), escaped(_text(sub.find("answer")))
        if prompt:
            pairs.append({"prompt_html": prompt, "answer_html": answer})
        elif answer:
            distractors.append(answer)
    known = {pair["answer_html"] for pair in pairs}
    others = [{"answer_html": text} for text in dict.fromkeys(distractors) if text not in known]
    return {"type": "matching", "content": {"pairs": pairs, "distractors": others}}


def _essay(_item: Item, element: Element, _prompt: str) -> Row:
    found: Row = {"template": _text(element.find("responsetemplate"))}
    for name, ours in (("minwordlimit", "min_words"), ("maxwordlimit", "max_words")):
        limit = int(number_of(element.findtext(name), 0.0))
        found |= {ours: limit} if limit > 0 else {}
    return {"type": "essay", "content": without_empty(found)}


def _cloze(_item: Item, _element: Element, prompt: str) -> Row:
    text, blanks = cloze.read(prompt)
    if not blanks:
        raise NotUnderstood("There is no blank in the text.")
    if "[[" in prompt:
        raise NotUnderstood("Double brackets stand for blanks here, and the text has some of its own.")
    return {"type": "fill_blank", "prompt": text, "content": {"blanks": blanks}}


def _ordering(item: Item, element: Element, _prompt: str) -> Row:
    answers = element.findall("answer")
    places = [number_of(answer.get("fraction"), 0.0) for answer in answers]
    if len(set(places)) == len(places):
        answers = [answer for _place, answer in sorted(zip(places, answers, strict=True), key=lambda pair: pair[0])]
    grading = (element.findtext("gradingtype") or "ABSOLUTE_POSITION").strip()
    scoring = "neighbours" if grading in _NEIGHBOURS else _SCORINGS.get(grading)
    if scoring is None:
        item.note("gradingtype", "Points are given for each item in its place.", where="gradingtype")
    items = [{"text_html": _html(answer, item)} for answer in answers]
    return {"type": "ordering", "content": {"items": items, "scoring": scoring or "position"}}


def _gaps(options: Iterable[Element], prompt: str) -> Row:
    """Gaps to be filled from lists, one list for each group."""
    held = [(_text(option), (option.findtext("group") or "1").strip()) for option in options]
    blanks: list[Row] = []

    def place(found: re.Match[str]) -> str:
        number = int(found[1])
        if not 1 <= number <= len(held):
            raise NotUnderstood(f"There is no choice for the gap {number}.")
        right, group = held[number - 1]
        texts = dict.fromkeys(text for text, of in held if of == group)
        blank = {
            "id": str(len(blanks) + 1),
            "kind": "select",
            "answers": [{"text": text, "fraction": 1.0 if text == right else 0.0} for text in texts],
        }
        blanks.append(blank)
        return f"[[{blank['id']}]]"

    text = _PLACE.sub(place, prompt)
    return {"type": "fill_blank", "prompt": text, "content": {"blanks": blanks}}


def _gapselect(_item: Item, element: Element, prompt: str) -> Row:
    return _gaps(element.findall("selectoption"), prompt)


def _dragged(_item: Item, element: Element, prompt: str) -> Row:
    return _gaps(element.findall("dragbox"), prompt)


def _calculated(item: Item, element: Element, _prompt: str) -> Row:
    answers = [_formula(item, answer) for answer in element.findall("answer")]
    variables, columns = [], {}
    for dataset in element.findall("dataset_definitions/dataset_definition"):
        name = _text(dataset.find("name"))
        variables.append(
            {
                "name": name,
                "min": number_of(_text(dataset.find("minimum")), 1.0),
                "max": number_of(_text(dataset.find("maximum")), 10.0),
                "decimals": max(0, min(9, int(number_of(_text(dataset.find("decimals")), 0.0)))),
            }
        )
        columns[name] = {
            entry.findtext("number"): number_of(entry.findtext("value"))
            for entry in dataset.findall("dataset_items/dataset_item")
        }
    numbers = [number for number in next(iter(columns.values()), {}) if all(number in of for of in columns.values())]
    sets = [{name: of[number] for name, of in columns.items()} for number in numbers][:100]
    content = {"variables": variables, "datasets": sets, "answers": answers, **_units(item, element)}
    return {"type": "calculated", "content": content}


def _formula(item: Item, answer: Element) -> Row:
    kind = (answer.findtext("tolerancetype") or "1").strip()
    if kind not in ("1", "2"):
        raise NotUnderstood("A geometric tolerance is not known here.")
    # Moodle's log is the natural one.
    formula = re.sub(r"\blog\s*\(", "ln(", _text(answer)).replace("pi()", "pi")
    return {
        "formula": formula,
        "tolerance": abs(number_of(answer.findtext("tolerance"), 0.0)),
        "tolerance_type": "relative" if kind == "1" else "absolute",
        "fraction": share(answer.get("fraction")),
        "feedback_html": _html(answer.find("feedback"), item),
    }


_READERS: dict[str, Callable[[Item, Element, str], Row]] = {
    "multichoice": _multichoice,
    "truefalse": _truefalse,
    "shortanswer": _shortanswer,
    "numerical": _numerical,
    "matching": _matching,
    "essay": _essay,
    "cloze": _cloze,
    "ordering": _ordering,
    "gapselect": _gapselect,
    "ddwtos": _dragged,
    "calculated": _calculated,
    "calculatedsimple": _calculated,
}
