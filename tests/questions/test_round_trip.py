"""What is exported and imported again is the same question, in every format that has a form for it."""

from __future__ import annotations

import copy
import csv
import io
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from learnomy_wp.questions import types
from learnomy_wp.questions.formats import FORMATS
from learnomy_wp.questions.formats.base import Inexpressible
from learnomy_wp.questions.importing import prepare
from learnomy_wp.questions.types.base import Html
from tests.questions.bank import CONTENTS, PROMPTS
from tests.questions.strategies import questions

# What a format has no place for, and tells so in the file.
LOST = {
    "csv": set(),
    "moodle_xml": set(),
    "gift": {"hints", "points", "correct_html", "partial_html", "incorrect_html", "shuffle"},
    "qti21": {"hints", "tags", "category"},
    "qti30": {"hints", "tags", "category"},
}
KINDS = {
    "csv": set(CONTENTS),
    "moodle_xml": set(CONTENTS) - {"math_expression"},
    "gift": set(CONTENTS) - {"math_expression", "ordering", "calculated"},
    "qti21": set(CONTENTS) - {"math_expression", "numeric", "calculated"},
    "qti30": set(CONTENTS) - {"math_expression", "numeric", "calculated"},
}
relaxed = settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def exported(body: dict[str, Any], question_id: int = 5) -> dict[str, Any]:
    """A question as the API tells it."""
    prompt = Html().deserialize(body["prompt"])
    content = types.check(body["type"], body["content"], prompt)
    path = body.get("category")
    category = {"id": 1, "name": path, "path": path} if path else None
    return {**body, "id": question_id, "prompt": prompt, "content": content, "category": category, "rubric": None}


def said(question: dict[str, Any], lost: set[str]) -> dict[str, Any]:
    """What makes a question the same, without ids and what says nothing."""
    names = ("type", "title", "prompt", "content", "points", "feedback", "hints", "tags", "category", "idnumber")
    found = copy.deepcopy({name: question.get(name) for name in names if name not in lost})
    if isinstance(found.get("category"), dict):
        found["category"] = found["category"]["path"]
    for blank in found["content"].get("blanks", ()):
        blank["weight"] = blank["weight"] / min(one["weight"] for one in question["content"]["blanks"])
    return dict(without(found, lost))


def without(value: Any, lost: set[str]) -> Any:
    if isinstance(value, dict):
        kept = {
            name: without(inner, lost)
            for name, inner in value.items()
            if name not in lost and (name != "id" or "kind" in value)
        }
        return {name: inner for name, inner in kept.items() if inner not in (None, "", [], {})}
    if isinstance(value, list):
        return [without(inner, lost) for inner in value]
    return round(value, 4) if isinstance(value, float) else value


def there_and_back(name: str, question: dict[str, Any]) -> dict[str, Any]:
    items = FORMATS[name].read(FORMATS[name].write([question]))
    items = [item for item in items if not item.is_left_out]
    assert len(items) == 1
    back = prepare(items[0])
    assert back is not None, items[0].problems
    return back


@pytest.mark.parametrize("name", FORMATS)
@relaxed
@given(data=st.data())
def test_export_then_import_gives_the_same_question(name: str, data: st.DataObject) -> None:
    body = data.draw(questions(tuple(sorted(KINDS[name]))))
    body["category"] = data.draw(st.sampled_from((None, "Maths", "Maths/Algebra", "A//B/C")))
    question = exported(body)
    try:
        back = there_and_back(name, question)
    except Inexpressible:
        assume(False)
        return
    assert said(back, LOST[name]) == said(question, LOST[name])


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kind", CONTENTS)
def test_each_format_has_the_types_that_it_should(name: str, kind: str) -> None:
    content, prompt = CONTENTS[kind], PROMPTS.get(kind, "<p>Really?</p>")
    if kind == "essay":
        content = {}
    if kind == "fill_blank" and name != "moodle_xml" and name != "csv":
        content, prompt = {"blanks": content["blanks"][:1]}, "<p>The [[1]] sat</p>"
    if kind == "calculated" and name != "csv":
        content = {**content, "datasets": [{"a": 2, "b": 3}]}
    if name == "gift" and kind == "single_choice":
        content = {**content, "shuffle": True}
    question = exported({"type": kind, "title": "T", "prompt": prompt, "content": content, "points": 1.0})
    if kind not in KINDS[name]:
        with pytest.raises(Inexpressible):
            FORMATS[name].write([question])
        return
    assert said(there_and_back(name, question), LOST[name]) == said(question, LOST[name])


@pytest.mark.parametrize("name", FORMATS)
def test_several_questions_keep_their_order_and_categories(name: str) -> None:
    made = [
        exported(
            {
                "type": "true_false",
                "title": f"Number {number}",
                "prompt": "<p>So?</p>",
                "content": CONTENTS["true_false"],
                "points": 1.0,
                "category": ("Maths", "Maths/Algebra", None)[number % 3],
            },
            number + 1,
        )
        for number in range(7)
    ]
    back = [prepare(item) for item in FORMATS[name].read(FORMATS[name].write(made))]
    assert [one and one["title"] for one in back] == [one["title"] for one in made]
    if "category" not in LOST[name]:
        paths = [one["category"]["path"] if one["category"] else None for one in made]
        assert [(one or {}).get("category") for one in back] == paths


def test_what_a_format_has_no_place_for_is_told_in_the_file() -> None:
    body = {"type": "essay", "title": "T", "prompt": "?", "content": {}, "points": 3.0}
    question = exported({**body, "hints": ["h"], "difficulty": "hard"})
    note = "Not in this file, for want of a place: hints of 1 question, difficulty of 1 question, points of 1 question."
    assert FORMATS["gift"].write([question]).decode().splitlines()[0] == f"// {note}"
    assert b"Not in this file" in FORMATS["moodle_xml"].write([question])


def test_a_spreadsheet_finds_no_formula_in_a_csv() -> None:
    hostile = ('=HYPERLINK("http://evil.test")', "+1", "-1", "@SUM(A1)", "'=1", "'quoted")
    body = {"type": "essay", "title": "T", "content": {}, "points": 1.0}
    made = [exported({**body, "prompt": text}) for text in hostile]
    data = FORMATS["csv"].write(made)
    cells = [cell for row in list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))[1:] for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t"))]
    back = [prepare(item) for item in FORMATS["csv"].read(data)]
    assert [one and one["prompt"] for one in back] == [one["prompt"] for one in made]
