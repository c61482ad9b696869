"""Further question types: from Python packages, and from PHP by a filter."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from learnomy_wp.kernel import hooks
from learnomy_wp.questions import types
from tests.questions.bank import Bank, example
from tests.questions.grading import SEED, version

CODE = """
from learnomy_wp.questions.types.base import Grade, Shown


class Palindrome:
    name = "palindrome"
    label = "Palindrome"
    category = "graded"

    def check(self, content, prompt=""):
        return {"length": int(content["length"])}

    def draw(self, content, draw):
        return None

    def present(self, content, layout, prompt_html):
        return Shown(prompt_html, {"length": content["length"]})

    def check_response(self, content, layout, response):
        if not isinstance(response, str):
            raise ValueError("Send a text.")
        return response

    def grade(self, content, layout, response):
        return Grade(float(response == response[::-1] and len(response) == content["length"]))

    def right_answer(self, content, layout):
        return "x" * content["length"]

    def answer_feedback(self, content, layout, response):
        return {}

    def choices(self, content, layout, response):
        return [response[:64]]


class Broken:
    def __init__(self):
        raise RuntimeError("no")
"""
ENTRIES = """[learnomy.question_types]
palindrome = palindromes:Palindrome
broken = palindromes:Broken
absent = palindromes:Absent
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package that brings a question type, as pip installs it."""
    (tmp_path / "palindromes.py").write_text(CODE)
    info = tmp_path / "palindromes-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: palindromes\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRIES)
    monkeypatch.syspath_prepend(tmp_path)
    types.forget_packages()
    yield
    sys.modules.pop("palindromes", None)
    monkeypatch.undo()
    types.forget_packages()


@pytest.fixture
def survey() -> Iterator[None]:
    """What a plugin's filter gives."""

    def add(known: dict[str, Any]) -> dict[str, Any]:
        told = {"label": "Rating", "category": "survey", "base": "single_choice"}
        return {**known, "rating": told, "letter": {"label": "Letter"}, "odd": "nothing", "essay": {"base": "numeric"}}

    hooks.add_filter("learnomy_question_types", add)
    yield
    hooks.remove("learnomy_question_types", add)


@pytest.mark.usefixtures("package")
def test_a_package_brings_a_type(bank: Bank) -> None:
    assert "palindrome" in types.registered()
    assert "broken" not in types.registered()
    made = bank.question(**{**example(), "type": "palindrome", "content": {"length": 3}})
    assert (made["type"], made["content"]) == ("palindrome", {"length": 3})
    asked = version("palindrome", {"length": 3})
    layout = types.draw(asked, SEED)
    assert types.present(asked, layout).content == {"length": 3}
    assert types.grade(asked, layout, types.check_response(asked, layout, "aba")) == 1
    assert types.grade(asked, layout, "abc") == 0
    assert types.reveal(asked, layout, "abc").right_answer == "xxx"


def test_a_type_that_is_gone_is_graded_by_hand() -> None:
    lost = {"id": 1, "type": "palindrome", "content": {"length": 3}, "prompt_html": "?", "feedback": None}
    assert types.present(lost, types.draw(lost, 1)).prompt_html == "?"
    assert types.grade(lost, None, types.check_response(lost, None, "aba")) is None


@pytest.mark.usefixtures("survey")
def test_a_plugin_brings_types_over_a_built_in_one(bank: Bank) -> None:
    made = bank.question(**{**example(), "type": "rating"})
    assert made["content"]["base"] == "single_choice"
    row = {"id": 1, "type": "rating", "content": made["content"], "prompt_html": "?", "feedback": None}
    layout = types.draw(row, SEED)
    right = types.reveal(row, layout, None).right_answer
    assert types.grade(row, layout, right) == 1
    letter = bank.question(**{**example(), "type": "letter", "content": {}})
    assert letter["content"]["base"] == "essay"
    # A built-in type stays what it is, and what is no type is none.
    assert "base" not in bank.question(type="essay")["content"]
    assert bank.as_("teacher").post("/questions", json={**example(), "type": "odd"}).status == 422
    changed = bank.as_("teacher").patch(f"/questions/{made['id']}", json={"points": 2, "content": made["content"]})
    assert changed.status == 200, changed.body
    assert changed.data["content"] == made["content"]


def test_a_type_that_nobody_brings_is_refused(bank: Bank) -> None:
    answer = bank.as_("teacher").post("/questions", json={**example(), "type": "rating"})
    assert answer.status == 422
    assert answer.body["error"]["details"][0]["field"] == "type"
