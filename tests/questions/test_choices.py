"""Choosing: single and multiple choice, true and false."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import ValidationError

from learnomy_wp.questions import types
from tests.questions.grading import SEED, answered, version, worth

CAPITAL = {
    "answers": [
        {"text_html": "Paris", "fraction": 1},
        {"text_html": "Lyon", "fraction": 0.25},
        {"text_html": "Rome"},
        {"text_html": "Berlin", "fraction": -0.5},
        {"text_html": "東京"},
        {"text_html": "<b>Πάτρα</b>"},
    ]
}
TWO_RIGHT = {"answers": [{"text_html": "a", "fraction": 1}, {"text_html": "b", "fraction": 1}, {"text_html": "c"}]}
PRIMES = {
    "answers": [
        {"text_html": "2", "fraction": 0.5},
        {"text_html": "3", "fraction": 0.5},
        {"text_html": "4", "fraction": -0.25},
        {"text_html": "9", "fraction": -1},
        {"text_html": "\u0661"},
    ]
}
THIRDS = {
    "answers": [
        {"text_html": "x", "fraction": 0.33333},
        {"text_html": "y", "fraction": 0.33333},
        {"text_html": "z", "fraction": 0.33333},
        {"text_html": "w", "fraction": -0.33333},
    ]
}
DEEP: list[Any] = []
for _ in range(200):
    DEEP = [DEEP]

SINGLE = [
    (CAPITAL, "Paris", 1.0),
    (CAPITAL, "Lyon", 0.25),
    (CAPITAL, "Rome", 0.0),
    (CAPITAL, "Berlin", 0.0),
    (CAPITAL, "東京", 0.0),
    (CAPITAL, "<b>Πάτρα</b>", 0.0),
    (TWO_RIGHT, "a", 1.0),
    (TWO_RIGHT, "b", 1.0),
    (TWO_RIGHT, "c", 0.0),
    (CAPITAL, "", "refused"),
    (CAPITAL, "1", "refused"),
    (CAPITAL, 1, "refused"),
    (CAPITAL, 0, "refused"),
    (CAPITAL, True, "refused"),
    (CAPITAL, ["Paris"], "refused"),
    (CAPITAL, {"id": "Paris"}, "refused"),
    (CAPITAL, "Paris ", "refused"),
    (CAPITAL, "paris", "refused"),
    (CAPITAL, "' OR 1=1 --", "refused"),
    (CAPITAL, "\x00", "refused"),
    (CAPITAL, "\ud800", "refused"),
    (CAPITAL, "x" * 1_000_000, "refused"),
    (CAPITAL, DEEP, "refused"),
    (CAPITAL, 1e308, "refused"),
]
MULTIPLE = [
    (PRIMES, ["2", "3"], 1.0),
    (PRIMES, ["3", "2"], 1.0),
    (PRIMES, ["2"], 0.5),
    (PRIMES, ["3"], 0.5),
    (PRIMES, [], 0.0),
    (PRIMES, ["4"], 0.0),
    (PRIMES, ["2", "4"], 0.25),
    (PRIMES, ["2", "3", "4"], 0.75),
    (PRIMES, ["2", "3", "4", "9"], 0.0),
    (PRIMES, ["2", "3", "9"], 0.0),
    (PRIMES, ["9"], 0.0),
    (PRIMES, ["\u0661"], 0.0),
    (PRIMES, ["2", "3", "\u0661"], 1.0),
    (THIRDS, ["x", "y", "z"], 1.0),
    (THIRDS, ["x", "y"], 0.66666),
    (THIRDS, ["x", "y", "z", "w"], 0.66666),
    (PRIMES, ["2", "2"], "refused"),
    (PRIMES, "2", "refused"),
    (PRIMES, ["nothing"], "refused"),
    (PRIMES, [2, 3], "refused"),
    (PRIMES, {"2": True}, "refused"),
    (PRIMES, [None], "refused"),
    (PRIMES, [["2"]], "refused"),
    (PRIMES, ["2"] * 100_000, "refused"),
    (PRIMES, True, "refused"),
]
YES, NO = {"answer": True}, {"answer": False}
TRUTH = [
    (YES, True, 1.0),
    (YES, False, 0.0),
    (NO, True, 0.0),
    (NO, False, 1.0),
    *((content, said, "refused") for content in (YES, NO) for said in (1, 0, "true", "false", "", [], {}, [True], 1.0)),
]


@pytest.mark.parametrize(("content", "said", "expected"), SINGLE)
def test_single_choice(content: dict[str, Any], said: Any, expected: Any) -> None:
    assert worth("single_choice", content, said) == expected


@pytest.mark.parametrize(("content", "said", "expected"), MULTIPLE)
def test_multiple_choice(content: dict[str, Any], said: Any, expected: Any) -> None:
    assert worth("multiple_choice", content, said) == expected


@pytest.mark.parametrize(("content", "said", "expected"), TRUTH)
def test_true_or_false(content: dict[str, Any], said: Any, expected: Any) -> None:
    assert worth("true_false", content, said) == expected


@pytest.mark.parametrize(
    ("kind", "content", "field"),
    [
        ("single_choice", {}, "answers"),
        ("single_choice", {"answers": [{"text_html": "a", "fraction": 1}]}, "answers"),
        ("single_choice", {"answers": [{"text_html": "a"}, {"text_html": "b"}]}, "answers"),
        ("single_choice", {"answers": [{"text_html": "a", "fraction": 1}, {"text_html": "a"}]}, "answers.1.text_html"),
        ("single_choice", {"answers": [{"text_html": "a", "fraction": 2}, {"text_html": "b"}]}, "answers.0.fraction"),
        ("single_choice", {"answers": [{"text_html": "a", "fraction": 1}, {"text_html": "<script>x</script>"}]}, None),
        ("single_choice", {"answers": [{"text_html": "a", "fraction": 1}, {"text_html": "b", "right": True}]}, None),
        (
            "multiple_choice",
            {"answers": [{"text_html": "a", "fraction": 1}, {"text_html": "b", "fraction": 0.5}]},
            None,
        ),
        ("multiple_choice", {"answers": [{"text_html": "a", "fraction": 0.4}, {"text_html": "b"}]}, "answers"),
        (
            "multiple_choice",
            {"answers": [{"id": "1", "text_html": "a", "fraction": 1}, {"id": "1", "text_html": "b"}]},
            None,
        ),
        ("true_false", {}, "answer"),
        ("true_false", {"answer": "perhaps"}, "answer"),
    ],
)
def test_content_that_is_refused(kind: str, content: dict[str, Any], field: str | None) -> None:
    with pytest.raises(ValidationError) as refused:
        types.check(kind, content)
    if field is not None:
        below: Any = refused.value.messages
        for part in field.split("."):
            below = below[int(part) if part.isdigit() else part]
        assert isinstance(below, list)


def test_markup_of_answers_is_made_safe_and_keeps_formulas() -> None:
    given = {
        "answers": [{"text_html": '<img src=x onerror="alert(1)"> $\\frac{a}{b}$', "fraction": 1}, {"text_html": "b"}]
    }
    assert types.check("single_choice", given)["answers"][0]["text_html"] == '<img src="x"> $\\frac{a}{b}$'


def test_answers_keep_their_order_where_they_must() -> None:
    fixed = version("single_choice", {**CAPITAL, "shuffle": False})
    shuffled = version("single_choice", CAPITAL)
    texts = [one["text_html"] for one in CAPITAL["answers"]]
    orders = set()
    for seed in range(40):
        assert [one["text_html"] for one in types.present(fixed, types.draw(fixed, seed)).content["choices"]] == texts  # type: ignore[index]
        quiet = types.draw(shuffled, seed, shuffle=False)
        assert [one["text_html"] for one in types.present(shuffled, quiet).content["choices"]] == texts  # type: ignore[index]
        orders.add(tuple(entry[1] for entry in types.draw(shuffled, seed)["choices"]))
    assert len(orders) > 30


def test_feedback_of_what_was_chosen_alone_is_told() -> None:
    content = {"answers": [{**one, "feedback_html": f"of {one['text_html']}"} for one in PRIMES["answers"]]}
    said = {"general_html": "G", "correct_html": "C", "partial_html": "P", "incorrect_html": "I", "hints": ["h"]}
    made = version("multiple_choice", content, feedback=said)
    layout = types.draw(made, SEED)
    response = types.check_response(made, layout, answered(made, layout, ["2", "4"]))
    told = types.reveal(made, layout, response)
    assert sorted(told.feedback["answers"].values()) == ["of 2", "of 4"]  # type: ignore[index]
    assert told.feedback["outcome_html"] == "P"  # type: ignore[index]
    assert sorted(told.right_answer) == sorted(answered(made, layout, ["2", "3"]))
    nothing = types.reveal(made, layout, None)
    assert nothing.feedback == {"general_html": "G", "outcome_html": "I", "answers": None}
    assert types.hints(made) == ["h"]
    assert types.choices(made, layout, response) in (["2", "4"], ["4", "2"])


def test_an_answer_is_graded_by_the_same_choice_of_a_later_version() -> None:
    made = version("single_choice", CAPITAL)
    layout = types.draw(made, SEED)
    response = answered(made, layout, "Rome")
    fixed = [{**one, "fraction": 1.0 if one["text_html"] == "Rome" else 0.0} for one in made["content"]["answers"]]
    later = version("single_choice", {"answers": list(reversed(fixed))}, id=8)
    assert types.grade(made, layout, response) == 0
    assert types.grade(later, layout, response) == 1
    without = version("single_choice", {"answers": [one for one in fixed if one["text_html"] != "Lyon"]}, id=9)
    assert types.grade(without, layout, answered(made, layout, "Lyon")) == 0
