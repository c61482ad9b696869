"""Writing QTI packages, 2.1 and 3.0: the same elements under two spellings.

Choice, text, order and match items. Numbers with tolerance, expressions and calculated questions have no form here.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Comment, Element, SubElement, indent, tostring

from learnomy_wp.questions.formats import xhtml
from learnomy_wp.questions.formats.base import Inexpressible, lost, shown, writable
from learnomy_wp.questions.formats.qti_names import Names
from learnomy_wp.questions.types.base import full

_LOST = ("hints", "rubric", "tags", "difficulty", "category")
_OUTCOMES = ("general", "correct", "partial", "incorrect")
_IDENTIFIER = re.compile(r"[^A-Za-z0-9_.-]")


def write(questions: Sequence[Mapping[str, Any]], names: Names) -> bytes:
    """The questions as a package with a manifest. Raises `Inexpressible`."""
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        files = []
        for question in questions:
            name = f"items/q{question['id']}.xml"
            files.append((f"q{question['id']}", name))
            archive.writestr(_entry(name), _document(_Item(question, names).build()))
        archive.writestr(_entry("imsmanifest.xml"), _document(_manifest(files, names, lost(questions, _LOST))))
    return kept.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    """The same bytes for the same questions: no time of writing."""
    entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _document(root: Element) -> bytes:
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + bytes(tostring(root, encoding="utf-8")) + b"\n"


def _manifest(files: Sequence[tuple[str, str]], names: Names, note: str) -> Element:
    root = Element("manifest", {"xmlns": names.package, "identifier": "learnomy-questions"})
    if note:
        root.append(Comment(f" {note} "))
    metadata = SubElement(root, "metadata")
    SubElement(metadata, "schema").text = names.schema
    SubElement(metadata, "schemaversion").text = names.schema_version
    SubElement(root, "organizations")
    resources = SubElement(root, "resources")
    for identifier, href in files:
        resource = SubElement(
            resources, "resource", {"identifier": identifier, "type": names.resource_type, "href": href}
        )
        SubElement(resource, "file", href=href)
    indent(root)
    return root


class _Item:
    """One item under construction."""

    def __init__(self, question: Mapping[str, Any], names: Names) -> None:
        self.question, self.names = question, names
        self.content = question["content"]
        self.points = float(question["points"]) or 1.0
        self.root = Element(
            names.tag("assessmentItem"),
            {
                "xmlns": names.namespace,
                "identifier": f"q{question['id']}",
                "title": writable(question["title"]),
                **names.attributes({"label": question.get("idnumber") or "", "adaptive": "false"}),
                **names.attributes({"timeDependent": "false", "toolName": "Learnomy"}),
            },
        )
        if not question.get("idnumber"):
            del self.root.attrib["label"]
        self.feedback: list[tuple[str, str, str]] = []
        self.answer_cardinality = "single"

    def build(self) -> Element:
        writer = _WRITERS.get(self.question["type"])
        if writer is None:
            raise Inexpressible(f"QTI has no form here for questions of the type {self.question['type']}.")
        said = self.question.get("feedback") or {}
        self.feedback = [("OUTCOME", name, said[f"{name}_html"]) for name in _OUTCOMES if said.get(f"{name}_html")]
        body = Element(self.names.tag("itemBody"))
        score = writer(self, body)
        self._outcomes()
        self.root.append(body)
        self._processing(score)
        for outcome, identifier, markup in self.feedback:
            self._modal(outcome, identifier, markup)
        return self.root

    # -- pieces

    def add(self, parent: Element, name: str, **given: str) -> Element:
        return SubElement(parent, self.names.tag(name), self.names.attributes(given))

    def declare(self, identifier: str, cardinality: str, base: str, correct: Sequence[str] = ()) -> Element:
        given = {"identifier": identifier, "cardinality": cardinality, "baseType": base}
        found = self.add(self.root, "responseDeclaration", **given)
        if correct:
            right = self.add(found, "correctResponse")
            for value in correct:
                self.add(right, "value").text = writable(value)
        return found

    def mapping(
        self, declaration: Element, entries: Sequence[tuple[str, float]], most: float, *, exact: bool | None = None
    ) -> None:
        """What each answer is worth, in points; between nothing and `most`."""
        found = self.add(declaration, "mapping", lowerBound="0", upperBound=shown(most), defaultValue="0")
        for key, value in entries:
            given = {"mapKey": writable(key), "mappedValue": shown(round(value, 7))}
            if exact is not None:
                given["caseSensitive"] = "true" if exact else "false"
            self.add(found, "mapEntry", **given)

    def prompt(self, body: Element) -> Element:
        return xhtml.fill(SubElement(body, "div", {"class": "learnomy-prompt"}), self.question["prompt"])

    def value(self, parent: Element, value: str, base: str) -> Element:
        found = self.add(parent, "baseValue", baseType=base)
        found.text = value
        return found

    def _outcomes(self) -> None:
        for identifier, default in (("SCORE", 0.0), ("MAXSCORE", float(self.question["points"]))):
            given = {"identifier": identifier, "cardinality": "single", "baseType": "float"}
            declared = self.add(self.root, "outcomeDeclaration", **given)
            self.add(self.add(declared, "defaultValue"), "value").text = shown(default)
        for identifier in dict.fromkeys(outcome for outcome, _identifier, _markup in self.feedback):
            cardinality = "multiple" if identifier == "OUTCOME" else self.answer_cardinality
            given = {"identifier": identifier, "cardinality": cardinality, "baseType": "identifier"}
            self.add(self.root, "outcomeDeclaration", **given)

    def _modal(self, outcome: str, identifier: str, markup: str) -> None:
        given = {"outcomeIdentifier": outcome, "showHide": "show", "identifier": identifier}
        modal = self.add(self.root, "modalFeedback", **given)
        if self.names.is_three:
            modal = self.add(modal, "contentBody")
        xhtml.fill(SubElement(modal, "div"), markup)

    # -- response processing

    def _processing(self, score: Callable[[Element], None] | str | None) -> None:
        if score is None:  # by hand
            return
        if isinstance(score, str) and not self.feedback:
            self.add(self.root, "responseProcessing", template=self.names.template(score))
            return
        found = self.add(self.root, "responseProcessing")
        if isinstance(score, str):
            self._scored(found, score)
        else:
            score(found)
        outcomes = {outcome for outcome, _identifier, _markup in self.feedback}
        if "FEEDBACK" in outcomes:
            self.add(self.add(found, "setOutcomeValue", identifier="FEEDBACK"), "variable", identifier="RESPONSE")
        if "OUTCOME" in outcomes:
            self._told(found)

    def _scored(self, parent: Element, template: str) -> None:
        if template == "map_response":
            self.add(self.add(parent, "setOutcomeValue", identifier="SCORE"), "mapResponse", identifier="RESPONSE")
            return
        condition = self.add(self.add(parent, "responseCondition"), "responseIf")
        match = self.add(condition, "match")
        self.add(match, "variable", identifier="RESPONSE")
        self.add(match, "correct", identifier="RESPONSE")
        self.value(self.add(condition, "setOutcomeValue", identifier="SCORE"), shown(self.points), "float")

    def _told(self, parent: Element) -> None:
        """Which of general, correct, partial and incorrect is said."""
        condition = self.add(parent, "responseCondition")
        for step, name in (("responseIf", "correct"), ("responseElseIf", "partial"), ("responseElse", "incorrect")):
            here = self.add(condition, step)
            if name != "incorrect":
                compared = self.add(here, "gte" if name == "correct" else "gt")
                self.add(compared, "variable", identifier="SCORE")
                if name == "correct":
                    self.add(compared, "variable", identifier="MAXSCORE")
                else:
                    self.value(compared, "0", "float")
            words = self.add(self.add(here, "setOutcomeValue", identifier="OUTCOME"), "multiple")
            for word in ("general", name):
                self.value(words, word, "identifier")

    # -- types

    def choice(self, body: Element) -> str:
        self.answer_cardinality = cardinality = "single" if self.question["type"] == "single_choice" else "multiple"
        keys = {answer["id"]: f"c_{_IDENTIFIER.sub('_', answer['id'])}" for answer in self.content["answers"]}
        shares = [(keys[answer["id"]], full(answer["fraction"])) for answer in self.content["answers"]]
        right = [key for key, share in shares if (share == 1 if cardinality == "single" else share > 0)]
        declared = self.declare("RESPONSE", cardinality, "identifier", right[:1] if cardinality == "single" else right)
        worth = [(key, share * self.points) for key, share in shares if share]
        self.mapping(declared, worth, self.points)
        self.prompt(body)
        given = {"responseIdentifier": "RESPONSE", "shuffle": "true" if self.content["shuffle"] else "false"}
        most = "1" if cardinality == "single" else "0"
        interaction = self.add(body, "choiceInteraction", **given, maxChoices=most)
        for answer in self.content["answers"]:
            key = keys[answer["id"]]
            xhtml.fill(self.add(interaction, "simpleChoice", identifier=key), answer["text_html"])
            if answer["feedback_html"]:
                self.feedback.append(("FEEDBACK", key, answer["feedback_html"]))
        return "map_response"

    def truth(self, body: Element) -> str:
        right = "true" if self.content["answer"] else "false"
        declared = self.declare("RESPONSE", "single", "identifier", [right])
        self.mapping(declared, [(right, self.points)], self.points)
        self.prompt(body)
        interaction = self.add(
            body, "choiceInteraction", responseIdentifier="RESPONSE", shuffle="false", maxChoices="1"
        )
        for word in ("true", "false"):
            self.add(interaction, "simpleChoice", identifier=word).text = word.capitalize()
            if self.content[f"feedback_{word}_html"]:
                self.feedback.append(("FEEDBACK", word, self.content[f"feedback_{word}_html"]))
        return "map_response"

    def short(self, body: Element) -> str:
        if any(answer["feedback_html"] for answer in self.content["answers"]):
            raise Inexpressible("QTI has no feedback for texts here.")
        self.text("RESPONSE", self.content, self.points)
        self.prompt(body)
        self.add(SubElement(body, "p"), "textEntryInteraction", responseIdentifier="RESPONSE")
        return "map_response"

    def text(self, identifier: str, rules: Mapping[str, Any], most: float) -> None:
        """The declaration of a text that is compared."""
        if rules["wildcard"]:
            raise Inexpressible("QTI has no stars for any text here.")
        right = next(answer["text"] for answer in rules["answers"] if full(answer["fraction"]) == 1)
        declared = self.declare(identifier, "single", "string", [right])
        entries = [(answer["text"], full(answer["fraction"]) * most) for answer in rules["answers"]]
        if len(dict(entries)) != len(entries):
            raise Inexpressible("QTI has each accepted text once.")
        self.mapping(declared, entries, most, exact=rules["case_sensitive"])

    def essay(self, body: Element) -> None:
        if any(self.content.get(name) for name in ("min_words", "max_words", "template")):
            raise Inexpressible("QTI has no word limits or templates for essays here.")
        self.declare("RESPONSE", "single", "string")
        self.prompt(body)
        self.add(body, "extendedTextInteraction", responseIdentifier="RESPONSE")

    def ordering(self, body: Element) -> Callable[[Element], None] | str:
        if self.content["scoring"] == "neighbours":
            raise Inexpressible("QTI has no points for neighbours here.")
        keys = [f"c_{_IDENTIFIER.sub('_', item['id'])}" for item in self.content["items"]]
        self.declare("RESPONSE", "ordered", "identifier", keys)
        self.prompt(body)
        interaction = self.add(body, "orderInteraction", responseIdentifier="RESPONSE", shuffle="true")
        for key, item in zip(keys, self.content["items"], strict=True):
            xhtml.fill(self.add(interaction, "simpleChoice", identifier=key), item["text_html"])
        if self.content["scoring"] == "exact" and self.points == 1:
            return "match_correct"
        if self.content["scoring"] == "exact":
            return lambda parent: self._scored(parent, "match_correct")
        return lambda parent: self._in_place(parent, keys)

    def _in_place(self, parent: Element, keys: Sequence[str]) -> None:
        """A part of the points for each item that stands in its place."""
        for place, key in enumerate(keys, 1):
            condition = self.add(self.add(parent, "responseCondition"), "responseIf")
            match = self.add(condition, "match")
            self.add(self.add(match, "index", n=str(place)), "variable", identifier="RESPONSE")
            self.value(match, key, "identifier")
            total = self.add(self.add(condition, "setOutcomeValue", identifier="SCORE"), "sum")
            self.add(total, "variable", identifier="SCORE")
            self.value(total, shown(round(self.points / len(keys), 7)), "float")

    def matching(self, body: Element) -> str:
        if any(pair["feedback_html"] for pair in self.content["pairs"]):
            raise Inexpressible("QTI has no feedback for pairs here.")
        pairs = self.content["pairs"]
        texts = [*(pair["answer_html"] for pair in pairs), *(one["answer_html"] for one in self.content["distractors"])]
        answers = {text: f"a_{number}" for number, text in enumerate(dict.fromkeys(texts), 1)}
        prompts = [(f"p_{number}", pair) for number, pair in enumerate(pairs, 1)]
        right = [f"{key} {answers[pair['answer_html']]}" for key, pair in prompts]
        declared = self.declare("RESPONSE", "multiple", "directedPair", right)
        self.mapping(declared, [(pair, self.points / len(right)) for pair in right], self.points)
        self.prompt(body)
        given = {"responseIdentifier": "RESPONSE", "shuffle": "true", "maxAssociations": str(len(pairs))}
        interaction = self.add(body, "matchInteraction", **given)
        sides = [(key, pair["prompt_html"], "1") for key, pair in prompts]
        for side in (sides, [(key, text, "0") for text, key in answers.items()]):
            found = self.add(interaction, "simpleMatchSet")
            for key, markup, most in side:
                choice = self.add(found, "simpleAssociableChoice", identifier=key, matchMax=most)
                xhtml.fill(choice, markup)
        return "map_response"

    def blanks(self, body: Element) -> Callable[[Element], None]:
        found = self.content["blanks"]
        total = sum(blank["weight"] for blank in found)
        if any(blank["kind"] == "number" for blank in found) or any(
            answer["feedback_html"] for blank in found for answer in blank["answers"]
        ):
            raise Inexpressible("QTI has no numbers and no feedback in blanks here.")
        places: dict[str, Element] = {}
        for blank in found:
            identifier = f"RESPONSE_{_IDENTIFIER.sub('_', blank['id'])}"
            worth = self.points * blank["weight"] / total
            given = self.names.attributes({"responseIdentifier": identifier})
            if blank["kind"] == "text":
                self.text(identifier, blank, worth)
                places[blank["id"]] = Element(self.names.tag("textEntryInteraction"), given)
            else:
                places[blank["id"]] = self.select(identifier, blank, worth, given)
        _put(self.prompt(body), places)
        return lambda parent: self._sum(parent, [f"RESPONSE_{_IDENTIFIER.sub('_', one['id'])}" for one in found])

    def select(self, identifier: str, blank: Mapping[str, Any], worth: float, given: dict[str, str]) -> Element:
        shares = [(f"o_{number}", full(one["fraction"])) for number, one in enumerate(blank["answers"], 1)]
        declared = self.declare(identifier, "single", "identifier", [next(key for key, share in shares if share == 1)])
        self.mapping(declared, [(key, share * worth) for key, share in shares if share], worth)
        element = Element(
            self.names.tag("inlineChoiceInteraction"), {**given, **self.names.attributes({"shuffle": "true"})}
        )
        for (key, _share), one in zip(shares, blank["answers"], strict=True):
            self.add(element, "inlineChoice", identifier=key).text = writable(one["text"])
        return element

    def _sum(self, parent: Element, identifiers: Sequence[str]) -> None:
        total = self.add(self.add(parent, "setOutcomeValue", identifier="SCORE"), "sum")
        for identifier in identifiers:
            self.add(total, "mapResponse", identifier=identifier)


_PLACE = re.compile(r"\[\[([A-Za-z0-9_-]{1,32})\]\]")


def _put(element: Element, places: Mapping[str, Element]) -> None:
    """Put elements where their `[[id]]` stands in the texts below an element."""
    below = list(element)
    for child in below:
        _put(child, places)
    rest: list[Element] = []
    text, element.text = element.text or "", ""
    _split(element, rest, text, places)
    for child in below:
        tail, child.tail = child.tail or "", ""
        rest.append(child)
        _split(element, rest, tail, places)
    element[:] = rest


def _split(parent: Element, rest: list[Element], text: str, places: Mapping[str, Element]) -> None:
    pieces = _PLACE.split(text)
    for number, piece in enumerate(pieces):
        if number % 2 and piece in places:
            rest.append(places[piece])
            continue
        said = f"[[{piece}]]" if number % 2 else piece
        if rest:
            rest[-1].tail = (rest[-1].tail or "") + said
        else:
            parent.text = (parent.text or "") + said


_WRITERS: dict[str, Callable[[_Item, Element], Callable[[Element], None] | str | None]] = {
    "single_choice": _Item.choice,
    "multiple_choice": _Item.choice,
    "true_false": _Item.truth,
    "short_answer": _Item.short,
    "fill_blank": _Item.blanks,
    "essay": _Item.essay,
    "matching": _Item.matching,
    "ordering": _Item.ordering,
}
