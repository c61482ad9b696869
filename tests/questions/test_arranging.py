"""Arranging: matching and ordering."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import ValidationError

from learnomy_wp.questions import types
from tests.questions.grading import SEED, answered, version, worth

CAPITALS = {
    "pairs": [
        {"prompt_html": "France", "answer_html": "Paris"},
        {"prompt_html": "Italy", "answer_html": "Rome"},
        {"prompt_html": "日本", "answer_html": "東京"},
        {"prompt_html": "Lazio", "answer_html": "Rome"},
    ],
    "distractors": [{"answer_html": "Vienna"}],
}
RIGHT = {"France": "Paris", "Italy": "Rome", "日本": "東京", "Lazio": "Rome"}
MATCHING = [
    (RIGHT, 1.0),
    (dict(reversed(RIGHT.items())), 1.0),
    ({**RIGHT, "France": "Rome"}, 0.75),
    ({**RIGHT, "France": "Vienna"}, 0.75),
    ({**RIGHT, "France": "東京", "日本": "Paris"}, 0.5),
    (dict.fromkeys(RIGHT, "Rome"), 0.5),
    (dict.fromkeys(RIGHT, "Paris"), 0.25),
    (dict.fromkeys(RIGHT, "Vienna"), 0.0),
    ({"France": "Paris"}, 0.25),
    ({"Italy": "Rome", "Lazio": "Rome"}, 0.5),
    ({"日本": "東京"}, 0.25),
    ({}, 0.0),
    ({"France": None}, 0.0),
    ({**RIGHT, "Italy": None}, 0.75),
    ({"Spain": "Paris"}, "refused"),
    ({"France": "Madrid"}, "refused"),
    ({"France": ["Paris"]}, "refused"),
    ({"France": 1}, "refused"),
    ({"France": ""}, "refused"),
    ([["France", "Paris"]], "refused"),
    ("Paris", "refused"),
    (1, "refused"),
    ({"1": "2"}, "refused"),
]
STEPS = {"items": [{"text_html": text} for text in ("wash", "peel", "煮る", "eat")]}
ORDER = ["wash", "peel", "煮る", "eat"]
ORDERING = [
    ("position", ORDER, 1.0),
    ("position", ["peel", "wash", "煮る", "eat"], 0.5),
    ("position", ["eat", "煮る", "peel", "wash"], 0.0),
    ("position", ["peel", "煮る", "eat", "wash"], 0.0),
    ("position", ["wash", "peel"], 0.5),
    ("position", ["peel", "煮る", "eat"], 0.0),
    ("position", [], 0.0),
    ("exact", ORDER, 1.0),
    ("exact", ["peel", "wash", "煮る", "eat"], 0.0),
    ("exact", ["wash", "peel", "煮る"], 0.0),
    ("exact", [], 0.0),
    ("neighbours", ORDER, 1.0),
    ("neighbours", ["peel", "煮る", "eat", "wash"], 0.66667),
    ("neighbours", ["煮る", "eat", "wash", "peel"], 0.66667),
    ("neighbours", ["eat", "煮る", "peel", "wash"], 0.0),
    ("neighbours", ["wash", "peel"], 0.33333),
    ("neighbours", [], 0.0),
    ("position", ["wash", "wash", "peel", "eat"], "refused"),
    ("position", [*ORDER, "fry"], "refused"),
    ("position", ["fry"], "refused"),
    ("position", "wash", "refused"),
    ("position", {"1": "wash"}, "refused"),
    ("position", [1, 2, 3, 4], "refused"),
    ("position", [None], "refused"),
    ("position", ["wash"] * 100_000, "refused"),
]


@pytest.mark.parametrize(("said", "expected"), MATCHING)
def test_matching(said: Any, expected: Any) -> None:
    assert worth("matching", CAPITALS, said) == expected


@pytest.mark.parametrize(("scoring", "said", "expected"), ORDERING)
def test_ordering(scoring: str, said: Any, expected: Any) -> None:
    assert worth("ordering", {**STEPS, "scoring": scoring}, said) == expected


def test_the_same_answer_of_two_pairs_stands_once() -> None:
    made = version("matching", CAPITALS)
    shown = types.present(made, types.draw(made, SEED)).content
    assert sorted(one["text_html"] for one in shown["answers"]) == ["Paris", "Rome", "Vienna", "東京"]  # type: ignore[index]


def test_a_pair_that_was_put_right_is_graded_anew() -> None:
    swapped = [dict(pair) for pair in CAPITALS["pairs"]]
    swapped[0]["answer_html"], swapped[2]["answer_html"] = "東京", "Pariis"
    made = version("matching", {**CAPITALS, "pairs": swapped})
    layout = types.draw(made, SEED)
    said = {"France": "Pariis", "Italy": "Rome", "日本": "東京", "Lazio": "Rome"}
    response = types.check_response(made, layout, answered(made, layout, said))
    assert types.grade(made, layout, response) == 0.5
    # The key is put right: both answers stand on the other side now, and are the same answers.
    right = [dict(pair) for pair in swapped]
    right[0]["answer_html"], right[2]["answer_html"] = "Pariis", "東京"
    assert types.grade(version("matching", {**CAPITALS, "pairs": right}, id=8), layout, response) == 1
    # A slip of the pen is put right: it is known by its id.
    spelled = [{**pair, "id": old["id"]} for pair, old in zip(swapped, made["content"]["pairs"], strict=True)]
    spelled[2]["answer_html"] = "Paris"
    later = version("matching", {**CAPITALS, "pairs": spelled}, id=9)
    assert types.grade(later, layout, response) == 0.5
    assert types.choices(later, layout, response)[0].count("Pariis") == 0


def test_items_that_change_places_are_graded_by_their_new_order() -> None:
    made = version("ordering", STEPS)
    layout = types.draw(made, SEED)
    response = answered(made, layout, ["peel", "wash", "煮る", "eat"])
    assert types.grade(made, layout, response) == 0.5
    texts = ("peel", "wash", "煮る", "eat")  # sent without ids, so that they are numbered anew
    later = version("ordering", {"items": [{"text_html": text} for text in texts]}, id=8)
    assert types.grade(later, layout, response) == 1


def test_what_was_arranged_is_told_in_words() -> None:
    made = version("ordering", STEPS)
    layout = types.draw(made, SEED)
    response = answered(made, layout, ["peel", "wash"])
    assert types.choices(made, layout, response) == ["1. peel", "2. wash"]
    assert types.reveal(made, layout, response).right_answer == answered(made, layout, ORDER)
    pairs = version("matching", CAPITALS)
    layout = types.draw(pairs, SEED)
    response = answered(pairs, layout, {"France": "Vienna"})
    assert types.choices(pairs, layout, response) == ["France → Vienna"]
    assert types.grade(pairs, layout, types.reveal(pairs, layout, response).right_answer) == 1


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("matching", {"pairs": [{"prompt_html": "a", "answer_html": "b"}]}),
        ("matching", {"pairs": [{"prompt_html": "a", "answer_html": "b"}, {"prompt_html": "a", "answer_html": "c"}]}),
        ("matching", {"pairs": [{"prompt_html": "a", "answer_html": "x"}, {"prompt_html": "b", "answer_html": "x"}]}),
        ("matching", {**CAPITALS, "distractors": [{"answer_html": "Rome"}]}),
        ("matching", {**CAPITALS, "distractors": [{"answer_html": "a"}, {"answer_html": "a"}]}),
        ("ordering", {"items": [{"text_html": "a"}]}),
        ("ordering", {"items": [{"text_html": "a"}, {"text_html": "a"}]}),
        ("ordering", {**STEPS, "scoring": "anyhow"}),
    ],
)
def test_content_that_is_refused(kind: str, content: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        types.check(kind, content)
