"""One item of QTI as a question. Elements have the names of version 2, whatever the version of the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from learnomy_wp.questions.formats import xhtml
from learnomy_wp.questions.formats.base import Item, NotUnderstood, Row, number_of, without_empty
from learnomy_wp.questions.types.base import full

_NAMES = (
    "choice order match textEntry inlineChoice extendedText associate gapMatch hottext hotspot selectPoint graphicOrder"
    " graphicAssociate graphicGapMatch positionObject slider media drawing upload custom portableCustom endAttempt"
)
INTERACTIONS = frozenset(f"{name}Interaction" for name in _NAMES.split())
INLINE = ("textEntryInteraction", "inlineChoiceInteraction")
OUTCOMES = ("general", "correct", "partial", "incorrect")
# What response processing may consist of and still say no more than the declarations do.
_PLAIN = (
    "responseCondition responseIf responseElseIf responseElse setOutcomeValue match variable correct baseValue"
    " mapResponse sum index isNull gte gt multiple"
)
PLAIN = frozenset(_PLAIN.split())
_NOTED = {"object": "files", "math": "formulas", "rubricBlock": "rubrics"}
_HIDDEN = ("feedbackInline", "feedbackBlock", "prompt", "templateInline", "templateBlock")


@dataclass
class _Answers:
    """One response declaration: what is right, and what each answer is worth."""

    cardinality: str
    base: str
    correct: list[str]
    worth: dict[str, float] = field(default_factory=dict)
    exact: bool = True
    most: float | None = None

    def shares(self) -> dict[str, float]:
        """Each answer's part of the whole."""
        greatest = self.most or max(sum(value for value in self.worth.values() if value > 0), 0)
        if self.cardinality == "single" and self.most is None:
            greatest = max(self.worth.values(), default=0)
        if greatest <= 0:
            raise NotUnderstood("No answer is worth anything.")
        shares = {key: full(round(value / greatest, 5)) for key, value in self.worth.items()}
        return {key: max(-1.0, min(1.0, value)) for key, value in shares.items()}


class _Reader:
    """An item while it is read."""

    def __init__(self, item: Item, root: Element) -> None:
        self.item, self.root = item, root
        body = root.find("itemBody")
        if body is None:
            raise NotUnderstood("The item has no body.")
        self.body = body
        self.interactions = [element for element in body.iter() if element.tag in INTERACTIONS]
        self.declared = {one.get("identifier", ""): one for one in root.findall("responseDeclaration")}
        self.processing = root.find("responseProcessing")
        for name, what in _NOTED.items():
            if body.find(f".//{name}") is not None:
                self.item.note(what, f"The {what} of this item are not taken over.", where=name)
        if any("://" not in (image.get("src") or "://") for image in root.iter("img")):
            self.item.note("files", "Pictures within the archive are not taken over.")
        steps = () if self.processing is None else list(self.processing.iter())[1:]
        if root.get("adaptive") == "true" or any(step.tag not in PLAIN for step in steps):
            self.item.note("scoring", "Points are given for right answers; conditions of the item's own are not kept.")
        if root.find("templateDeclaration") is not None:
            raise NotUnderstood("The item is a template, whose values are drawn.")

    def read(self) -> Row:
        if not self.interactions:
            raise NotUnderstood("There is nothing to answer in this item.")
        kinds = {element.tag for element in self.interactions}
        if kinds <= set(INLINE):
            found = self.inline()
        elif len(self.interactions) > 1:
            raise NotUnderstood("There is more than one question in this item.")
        else:
            reader = _READERS.get(self.interactions[0].tag)
            if reader is None:
                raise NotUnderstood(f"{self.interactions[0].tag} is not known here.")
            found = reader(self, self.interactions[0])
            found["prompt"] = self.prompt(self.interactions[0])
        return without_empty(
            {
                "title": " ".join(self.root.get("title", "").split())[:255],
                "idnumber": self.root.get("label", "")[:100],
                "feedback": self.feedback(),
                **found,
            }
        ) | {"points": self.points(), "content": found["content"]}

    # -- pieces

    def prompt(self, interaction: Element | None, special: Callable[[Element], str | None] | None = None) -> str:
        """What stands in the body beside the interaction, and its own prompt."""
        bodies = [element for element in self.body if element.tag != "rubricBlock"]
        first = bodies[0] if bodies else self.body
        is_ours = first.get("class") == "learnomy-prompt"
        told = special or (lambda element: "" if element.tag in INTERACTIONS or element.tag == "rubricBlock" else None)
        text = xhtml.markup_of(first if is_ours else self.body, told, without=_HIDDEN)
        own = interaction.find("prompt") if interaction is not None else None
        if own is not None:
            asked = xhtml.markup_of(own)
            text = f"{text}<p>{asked}</p>" if text and not xhtml.has_blocks(own) else text + asked
        return text

    def answers(self, interaction: Element) -> _Answers:
        """What the declaration of an interaction says."""
        declared = self.declared.get(interaction.get("responseIdentifier", ""))
        if declared is None:
            raise NotUnderstood("The item does not declare its response.")
        correct = [(value.text or "").strip() for value in declared.findall("correctResponse/value")]
        found = _Answers(declared.get("cardinality", "single"), declared.get("baseType", "identifier"), correct)
        mapping = declared.find("mapping")
        if mapping is not None:
            entries = mapping.findall("mapEntry")
            found.worth = {entry.get("mapKey", ""): number_of(entry.get("mappedValue")) for entry in entries}
            found.exact = any(entry.get("caseSensitive", "true") == "true" for entry in entries)
            most = mapping.get("upperBound")
            found.most = number_of(most) if most else None
            if number_of(mapping.get("defaultValue"), 0.0) > 0:
                raise NotUnderstood("Answers that are not named are worth something.")
        return found

    def points(self) -> float:
        declared = {one.get("identifier"): one for one in self.root.findall("outcomeDeclaration")}
        most = declared.get("MAXSCORE")
        if most is not None and (value := most.findtext("defaultValue/value")):
            return max(0.0, number_of(value))
        score = declared.get("SCORE")
        if score is not None and score.get("normalMaximum"):
            return max(0.0, number_of(score.get("normalMaximum")))
        return 1.0

    def feedback(self) -> Row:
        """What is said by outcome; of other items all that is said goes together."""
        said: Row = {}
        for modal in self.root.findall("modalFeedback"):
            outcome, identifier = modal.get("outcomeIdentifier"), modal.get("identifier", "")
            if outcome == "OUTCOME" and identifier in OUTCOMES:
                said[f"{identifier}_html"] = self.said(modal)
            elif not (outcome == "FEEDBACK" and self.is_choice()):
                self.item.note("feedback", "Feedback under conditions of its own is not taken over.")
        return without_empty(said)

    def is_choice(self) -> bool:
        return self.interactions[0].tag == "choiceInteraction"

    def said(self, modal: Element) -> str:
        inner = modal.find("contentBody")
        inner = modal if inner is None else inner
        only = inner[0] if len(inner) == 1 and inner[0].tag == "div" and not (inner.text or "").strip() else inner
        return xhtml.markup_of(only)

    def by_choice(self) -> dict[str, str]:
        """Feedback by the identifiers of choices."""
        found = {
            modal.get("identifier", ""): self.said(modal)
            for modal in self.root.findall("modalFeedback")
            if modal.get("outcomeIdentifier") == "FEEDBACK"
        }
        for inline in self.interactions[0].iter("feedbackInline"):
            found.setdefault(inline.get("identifier", ""), xhtml.markup_of(inline))
        return found

    # -- types

    def choice(self, interaction: Element) -> Row:
        answers, said = self.answers(interaction), self.by_choice()
        choices = interaction.findall("simpleChoice")
        names = [choice.get("identifier", "") for choice in choices]
        if sorted(names) == ["false", "true"] and answers.cardinality == "single":
            return {
                "type": "true_false",
                "content": {
                    "answer": answers.correct == ["true"],
                    "feedback_true_html": said.get("true", ""),
                    "feedback_false_html": said.get("false", ""),
                },
            }
        shares = self.shares_of(answers, names)
        parts = [
            {
                "text_html": xhtml.markup_of(choice, without=("feedbackInline",)),
                "fraction": shares.get(name, 0.0),
                "feedback_html": said.get(name, ""),
            }
            for name, choice in zip(names, choices, strict=True)
        ]
        kind = "single_choice" if answers.cardinality == "single" else "multiple_choice"
        return {"type": kind, "content": {"answers": parts, "shuffle": interaction.get("shuffle") == "true"}}

    def shares_of(self, answers: _Answers, names: Sequence[str]) -> dict[str, float]:
        """What each choice is worth; of an item that takes all or nothing, an equal part."""
        if answers.worth:
            return answers.shares()
        right = [name for name in names if name in answers.correct]
        if not right:
            raise NotUnderstood("The item does not say which answer is right.")
        if answers.cardinality == "single":
            return dict.fromkeys(right, 1.0)
        self.item.note("all_or_nothing", "Each right answer gives a part of the points, each wrong one takes all away.")
        parts = [round(1 / len(right), 5)] * len(right)
        return {**dict.fromkeys(names, -1.0), **dict(zip(right, parts, strict=True))}

    def essay(self, _interaction: Element) -> Row:
        return {"type": "essay", "content": {}}

    def ordering(self, interaction: Element) -> Row:
        answers = self.answers(interaction)
        choices = {choice.get("identifier", ""): choice for choice in interaction.findall("simpleChoice")}
        if sorted(answers.correct) != sorted(choices):
            raise NotUnderstood("The right order does not name each item once.")
        is_in_place = self.processing is not None and self.processing.find(".//index") is not None
        items = [{"text_html": xhtml.markup_of(choices[name])} for name in answers.correct]
        return {"type": "ordering", "content": {"items": items, "scoring": "position" if is_in_place else "exact"}}

    def matching(self, interaction: Element) -> Row:
        answers = self.answers(interaction)
        sets = interaction.findall("simpleMatchSet")
        if len(sets) != 2:
            raise NotUnderstood("The item has not two sides to match.")
        sides = [
            {one.get("identifier", ""): xhtml.markup_of(one) for one in side.findall("simpleAssociableChoice")}
            for side in sets
        ]
        named = answers.correct or [key for key, worth in answers.worth.items() if worth > 0]
        right = [pair.split() for pair in named]
        if any(len(pair) != 2 for pair in right) or sorted(pair[0] for pair in right) != sorted(sides[0]):
            raise NotUnderstood("Not every prompt has one right answer.")
        if any(answer not in sides[1] for _prompt, answer in right):
            raise NotUnderstood("A right answer is none of the answers.")
        if answers.worth and len({value for value in answers.worth.values() if value > 0}) > 1:
            self.item.note("weights", "Each pair is worth the same.")
        order = {name: place for place, name in enumerate(sides[0])}
        right.sort(key=lambda pair: order[pair[0]])
        used = {answer for _prompt, answer in right}
        return {
            "type": "matching",
            "content": {
                "pairs": [{"prompt_html": sides[0][one], "answer_html": sides[1][other]} for one, other in right],
                "distractors": [{"answer_html": text} for name, text in sides[1].items() if name not in used],
            },
        }

    def inline(self) -> Row:
        """Texts and lists within the body: one at its end is a short answer, else they are blanks."""
        only = self.interactions[0]
        if len(self.interactions) == 1 and only.tag == "textEntryInteraction" and self.is_last(only):
            rules = self.text(self.answers(only))
            return {"type": "short_answer", "content": rules, "prompt": self.prompt(None)}
        places: dict[Element, str] = {}
        blanks: list[Row] = []
        for interaction in self.interactions:
            name = interaction.get("responseIdentifier", "")
            identifier = name.removeprefix("RESPONSE_") if name.startswith("RESPONSE_") else str(len(blanks) + 1)
            places[interaction] = identifier
            blanks.append({"id": identifier, **self.blank(interaction)})
        worths = [blank.pop("worth") for blank in blanks]
        least = min((worth for worth in worths if worth), default=1.0) or 1.0
        for blank, worth in zip(blanks, worths, strict=True):
            if worth and worth != least:
                blank["weight"] = round(worth / least, 3)
        prompt = self.prompt(None, lambda element: f"[[{places[element]}]]" if element in places else None)
        return {"type": "fill_blank", "content": {"blanks": blanks}, "prompt": prompt}

    def is_last(self, interaction: Element) -> bool:
        """Whether an interaction stands alone in the last block of the body."""
        last = self.body[-1]
        return (last is interaction or list(last) == [interaction]) and not any(
            (text or "").strip() for text in (last.text, interaction.tail, last.tail)
        )

    def blank(self, interaction: Element) -> Row:
        answers = self.answers(interaction)
        if interaction.tag == "textEntryInteraction":
            return {"kind": "text", **self.text(answers), "worth": answers.most}
        options = interaction.findall("inlineChoice")
        names = [option.get("identifier", "") for option in options]
        shares = self.shares_of(answers, names)
        told = [" ".join("".join(option.itertext()).split()) for option in options]
        parts = [
            {"text": text, "fraction": max(0.0, shares.get(name, 0.0))} for name, text in zip(names, told, strict=True)
        ]
        return {"kind": "select", "answers": parts, "worth": answers.most}

    def text(self, answers: _Answers) -> Row:
        if answers.base not in ("string", "identifier"):
            raise NotUnderstood("Numbers to be typed in are not known here.")
        shares = answers.shares() if answers.worth else dict.fromkeys(answers.correct, 1.0)
        if not shares:
            raise NotUnderstood("The item does not say which text is right.")
        parts = [{"text": text, "fraction": max(0.0, share)} for text, share in shares.items()]
        return {"answers": parts, "case_sensitive": answers.exact, "wildcard": False}


_READERS: Mapping[str, Callable[[_Reader, Element], Row]] = {
    "choiceInteraction": _Reader.choice,
    "orderInteraction": _Reader.ordering,
    "matchInteraction": _Reader.matching,
    "extendedTextInteraction": _Reader.essay,
}


def read_item(item: Item, root: Element) -> Row:
    """The body that would create the item's question. Raises `NotUnderstood`."""
    return _Reader(item, root).read()
