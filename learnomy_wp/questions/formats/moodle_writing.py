"""Writing Moodle XML. It has no form for expressions, nor for some settings of other types."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Comment, Element, SubElement, indent, tostring

from learnomy_wp.questions.formats import cloze
from learnomy_wp.questions.formats.base import Inexpressible, lost, percent, shown, writable
from learnomy_wp.questions.types.base import full

_SCORINGS = {"exact": "ALL_OR_NOTHING", "position": "ABSOLUTE_POSITION", "neighbours": "RELATIVE_NEXT_EXCLUDE_LAST"}
_MARKUP = re.compile(r"<[a-zA-Z/]|&(?!amp;|lt;|gt;)")


def write(questions: Sequence[Mapping[str, Any]]) -> bytes:
    """The questions as a Moodle XML file. Raises `Inexpressible`."""
    root = Element("quiz")
    note = lost(questions, ("rubric", "difficulty"))
    if note:
        root.append(Comment(f" {note} "))
    category = ""
    for question in questions:
        path = question["category"]["path"] if question.get("category") else ""
        if path != category:
            category = path
            _texted(SubElement(root, "question", type="category"), "category", f"$course$/top/{path}".rstrip("/"))
        _question(root, question)
    indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + bytes(tostring(root, encoding="utf-8")) + b"\n"


def _question(root: Element, question: Mapping[str, Any]) -> None:
    writer = _WRITERS.get(question["type"])
    if writer is None:
        raise Inexpressible(f"Moodle XML has no form for questions of the type {question['type']}.")
    kind, write_content = writer
    element = SubElement(root, "question", type=kind)
    content, prompt = question["content"], question["prompt"]
    _texted(element, "name", question["title"])
    if kind == "cloze":
        prompt = cloze.write(prompt, content["blanks"])
    _html(element, "questiontext", prompt)
    feedback = question.get("feedback") or {}
    _html(element, "generalfeedback", feedback.get("general_html", ""))
    SubElement(element, "defaultgrade").text = shown(question["points"])
    if question.get("idnumber"):
        SubElement(element, "idnumber").text = writable(question["idnumber"])
    write_content(element, content)
    for name, ours in (("correct", "correct"), ("partiallycorrect", "partial"), ("incorrect", "incorrect")):
        if feedback.get(f"{ours}_html"):
            _html(element, f"{name}feedback", feedback[f"{ours}_html"])
    for hint in question.get("hints") or ():
        _html(element, "hint", hint)
    if question.get("tags"):
        tags = SubElement(element, "tags")
        for tag in question["tags"]:
            _texted(tags, "tag", tag)


def _texted(parent: Element, name: str, text: str, **attributes: str) -> Element:
    element = SubElement(parent, name, attributes)
    SubElement(element, "text").text = writable(text)
    return element


def _html(parent: Element, name: str, markup: str, **attributes: str) -> Element:
    return _texted(parent, name, markup, **attributes, format="html")


def _answer(parent: Element, answer: Mapping[str, Any], text: str, *, kind: str = "html") -> Element:
    element = _texted(parent, "answer", text, fraction=percent(full(answer["fraction"])), format=kind)
    if answer.get("feedback_html"):
        _html(element, "feedback", answer["feedback_html"])
    return element


def _choice(element: Element, content: Mapping[str, Any]) -> None:
    SubElement(element, "shuffleanswers").text = "true" if content["shuffle"] else "false"
    for answer in content["answers"]:
        _answer(element, answer, answer["text_html"])


def _single(element: Element, content: Mapping[str, Any]) -> None:
    SubElement(element, "single").text = "true"
    _choice(element, content)


def _multiple(element: Element, content: Mapping[str, Any]) -> None:
    SubElement(element, "single").text = "false"
    _choice(element, content)


def _truth(element: Element, content: Mapping[str, Any]) -> None:
    for word in ("true", "false"):
        answer = {
            "fraction": float(content["answer"] is (word == "true")),
            "feedback_html": content[f"feedback_{word}_html"],
        }
        _answer(element, answer, word, kind="moodle_auto_format")


def _accepted(element: Element, content: Mapping[str, Any]) -> None:
    if any("*" in answer["text"] for answer in content["answers"]) != content["wildcard"]:
        raise Inexpressible("In Moodle a star in an answer stands for any text.")
    SubElement(element, "usecase").text = "1" if content["case_sensitive"] else "0"
    for answer in content["answers"]:
        _answer(element, answer, answer["text"], kind="plain_text")


def _units(element: Element, content: Mapping[str, Any]) -> None:
    if content["unit_mode"] == "none" and content["units"]:
        raise Inexpressible("Moodle has no units that are not used.")
    if content["unit_mode"] == "optional" and content["unit_penalty"] != 1:
        raise Inexpressible("Moodle has no penalty for units that may be left out.")
    if not content["units"]:
        return
    units = SubElement(element, "units")
    for unit in content["units"]:
        one = SubElement(units, "unit")
        SubElement(one, "multiplier").text = repr(1 / unit["factor"])
        SubElement(one, "unit_name").text = writable(unit["unit"])
    SubElement(element, "unitgradingtype").text = "1" if content["unit_mode"] == "required" else "0"
    SubElement(element, "unitpenalty").text = shown(content["unit_penalty"])


def _numeric(element: Element, content: Mapping[str, Any]) -> None:
    for answer in content["answers"]:
        if answer["tolerance_type"] != "absolute":
            raise Inexpressible("Moodle has absolute tolerances in numeric questions.")
        one = _answer(element, answer, shown(answer["value"]), kind="plain_text")
        SubElement(one, "tolerance").text = shown(answer["tolerance"])
    _units(element, content)


def _matching(element: Element, content: Mapping[str, Any]) -> None:
    if any(pair["feedback_html"] for pair in content["pairs"]):
        raise Inexpressible("Moodle has no feedback for pairs.")
    SubElement(element, "shuffleanswers").text = "true"
    sides = [(pair["prompt_html"], pair["answer_html"]) for pair in content["pairs"]]
    sides += [("", one["answer_html"]) for one in content["distractors"]]
    for prompt, answer in sides:
        if _MARKUP.search(answer):
            raise Inexpressible("Moodle has plain text alone on the right side of a pair.")
        bare = answer.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        _texted(_html(element, "subquestion", prompt), "answer", bare)


def _essay(element: Element, content: Mapping[str, Any]) -> None:
    SubElement(element, "responseformat").text = "plain"
    for name, ours in (("minwordlimit", "min_words"), ("maxwordlimit", "max_words")):
        if content.get(ours):
            SubElement(element, name).text = str(content[ours])
    _texted(element, "responsetemplate", content.get("template") or "", format="plain_text")


def _ordering(element: Element, content: Mapping[str, Any]) -> None:
    SubElement(element, "selecttype").text = "ALL"
    SubElement(element, "gradingtype").text = _SCORINGS[content["scoring"]]
    for place, item in enumerate(content["items"], 1):
        _texted(element, "answer", item["text_html"], fraction=str(place), format="html")


def _blanks(_element: Element, _content: Mapping[str, Any]) -> None:
    """They stand in the text."""


def _calculated(element: Element, content: Mapping[str, Any]) -> None:
    if not content["datasets"] and content["variables"]:
        raise Inexpressible("Moodle draws from sets of values. Give the question datasets.")
    for answer in content["answers"]:
        if re.search(r"\b(?:log|lg)\s*\(", answer["formula"]):
            raise Inexpressible("Moodle has another meaning of log. Write ln or log10.")
        one = _answer(element, answer, re.sub(r"\bln\s*\(", "log(", answer["formula"]), kind="plain_text")
        SubElement(one, "tolerance").text = shown(answer["tolerance"])
        SubElement(one, "tolerancetype").text = "1" if answer["tolerance_type"] == "relative" else "2"
    _units(element, content)
    definitions = SubElement(element, "dataset_definitions")
    for variable in content["variables"]:
        dataset = SubElement(definitions, "dataset_definition")
        _texted(dataset, "status", "private")
        _texted(dataset, "name", variable["name"])
        SubElement(dataset, "type").text = "calculated"
        _texted(dataset, "distribution", "uniform")
        for name, ours in (("minimum", "min"), ("maximum", "max"), ("decimals", "decimals")):
            _texted(dataset, name, shown(variable[ours]))
        SubElement(dataset, "itemcount").text = str(len(content["datasets"]))
        items = SubElement(dataset, "dataset_items")
        for number, values in enumerate(content["datasets"], 1):
            entry = SubElement(items, "dataset_item")
            SubElement(entry, "number").text = str(number)
            SubElement(entry, "value").text = shown(values[variable["name"]])
        SubElement(dataset, "number_of_items").text = str(len(content["datasets"]))


_WRITERS: dict[str, tuple[str, Callable[[Element, Mapping[str, Any]], None]]] = {
    "single_choice": ("multichoice", _single),
    "multiple_choice": ("multichoice", _multiple),
    "true_false": ("truefalse", _truth),
    "short_answer": ("shortanswer", _accepted),
    "fill_blank": ("cloze", _blanks),
    "essay": ("essay", _essay),
    "matching": ("matching", _matching),
    "ordering": ("ordering", _ordering),
    "numeric": ("numerical", _numeric),
    "calculated": ("calculated", _calculated),
}
