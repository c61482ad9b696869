"""Writing: short answers, blanks, essays."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import ValidationError

from learnomy_wp.questions import types
from tests.processor import processor_seconds
from tests.questions.grading import SEED, answered, version, worth

CITY = {"answers": [{"text": "São Paulo"}, {"text": "Sampa", "fraction": 0.5}, {"text": "Rio", "fraction": 0}]}
EXACT = {"answers": [{"text": "NaCl"}], "case_sensitive": True}
STARS = {"answers": [{"text": "*blue*sky*"}, {"text": "a\\*b", "fraction": 0.5}], "wildcard": True}
NO_STARS = {"answers": [{"text": "5 * 4"}]}
SHARP = {"answers": [{"text": "Straße"}]}
SHORT = [
    (CITY, "São Paulo", 1.0),
    (CITY, "são paulo", 1.0),
    (CITY, "  SÃO \t PAULO\n", 1.0),
    (CITY, "Sa\u0303o Paulo", 1.0),  # the accent as a sign of its own
    (CITY, "Sao Paulo", 0.0),  # another word
    (CITY, "sampa", 0.5),
    (CITY, "Rio", 0.0),
    (CITY, "", 0.0),
    (CITY, "   ", 0.0),
    (CITY, "\uff33\uff41\uff4d\uff50\uff41", 0.5),  # full width
    (CITY, "São Paulo!", 0.0),
    (EXACT, "NaCl", 1.0),
    (EXACT, "nacl", 0.0),
    (EXACT, " NaCl ", 1.0),
    (STARS, "a blue, blue sky!", 1.0),
    (STARS, "blue sky", 1.0),
    (STARS, "sky blue", 0.0),
    (STARS, "A*B", 0.5),
    (STARS, "aXb", 0.0),
    (NO_STARS, "5 * 4", 1.0),
    (NO_STARS, "5 + 4", 0.0),
    (SHARP, "STRASSE", 1.0),
    (CITY, "x\u0000y", 0.0),
    (CITY, "\u202esão paulo", 0.0),
    (CITY, "' OR ''='", 0.0),
    (CITY, "x" * 501, "refused"),
    (CITY, "\udc00", "refused"),
    (CITY, 5, "refused"),
    (CITY, ["São Paulo"], "refused"),
    (CITY, {"answer": "São Paulo"}, "refused"),
]
SENTENCE = {
    "blanks": [
        {"id": "1", "answers": [{"text": "cat"}, {"text": "dog", "fraction": 0.5}]},
        {
            "id": "b",
            "kind": "select",
            "answers": [{"text": "mat"}, {"text": "hat", "fraction": 0}, {"text": "猫", "fraction": 0}],
        },
        {"id": "n", "kind": "number", "numbers": [{"value": 4, "tolerance": 0.5}], "weight": 2},
    ]
}
PROMPT = "<p>The [[1]] on the [[b]] [[n]] times</p>"
ALL = {"1": "cat", "b": "mat", "n": "4"}
BLANKS = [
    (ALL, 1.0),
    ({"n": "4", "b": "mat", "1": "cat"}, 1.0),
    ({**ALL, "1": "CAT"}, 1.0),
    ({**ALL, "1": "dog"}, 0.875),
    ({**ALL, "1": "cow"}, 0.75),
    ({**ALL, "b": "hat"}, 0.75),
    ({**ALL, "b": "猫"}, 0.75),
    ({**ALL, "n": "4.5"}, 1.0),
    ({**ALL, "n": "4,5"}, 1.0),
    ({**ALL, "n": "4.51"}, 0.5),
    ({**ALL, "n": "four"}, 0.5),
    ({"1": "cat"}, 0.25),
    ({"n": "4"}, 0.5),
    ({}, 0.0),
    ({"1": ""}, 0.0),
    ({"1": None, "b": None, "n": None}, 0.0),
    ({"1": "mat", "b": "", "n": ""}, 0.0),
    ({"1": " ", "n": "٤"}, 0.5),
    ({"x": "cat"}, "refused"),
    ({"b": "nothing"}, "refused"),
    ({"1": 5}, "refused"),
    ({"1": ["cat"]}, "refused"),
    ({"1": "x" * 501}, "refused"),
    (["cat", "mat", "4"], "refused"),
    ("cat", "refused"),
    (5, "refused"),
]
LIMITED = {"min_words": 2, "max_words": 5}
ESSAYS = [
    ({}, "An essay.", None),
    ({}, "", 0.0),
    ({}, "  \n\t ", 0.0),
    ({}, "一篇文章", None),
    ({}, "مقال", None),
    ({}, "🙂", None),
    ({}, "<script>alert(1)</script>", None),
    ({}, "x" * 100_000, None),
    ({}, "x" * 100_001, "refused"),
    ({}, "a\x00b", None),
    ({}, "\ud83d", "refused"),
    ({}, 5, "refused"),
    ({}, True, "refused"),
    ({}, [], "refused"),
    ({}, {}, "refused"),
    ({}, ["text"], "refused"),
    (LIMITED, "one", None),  # what is too short is a person's to judge, and may be saved on the way
    (LIMITED, "one two three", None),
    (LIMITED, "one two three four five six", None),
    (LIMITED, "", 0.0),
    ({"template": "Dear …"}, "Dear …", None),
]


@pytest.mark.parametrize(("content", "said", "expected"), SHORT)
def test_short_answer(content: dict[str, Any], said: Any, expected: Any) -> None:
    assert worth("short_answer", content, said) == expected


@pytest.mark.parametrize(("said", "expected"), BLANKS)
def test_fill_blank(said: Any, expected: Any) -> None:
    assert worth("fill_blank", SENTENCE, said, PROMPT) == expected


@pytest.mark.parametrize(("content", "said", "expected"), ESSAYS)
def test_essay(content: dict[str, Any], said: Any, expected: Any) -> None:
    assert worth("essay", content, said) == expected


def test_many_stars_take_no_time() -> None:
    content = {"answers": [{"text": "*a" * 200 + "*b"}], "wildcard": True}
    with processor_seconds() as seconds:
        assert worth("short_answer", content, "a" * 500) == 0
        assert seconds() < 0.5


def test_parts_of_blanks_are_told() -> None:
    made = version("fill_blank", SENTENCE, PROMPT)
    layout = types.draw(made, SEED)
    response = types.check_response(made, layout, answered(made, layout, {"1": "dog", "n": "4"}))
    parts = types.mark(made, layout, response).parts
    assert list(parts) == [{"id": "1", "fraction": 0.5}, {"id": "b", "fraction": 0.0}, {"id": "n", "fraction": 1.0}]
    assert types.choices(made, layout, response) == ["[1] dog", "[n] 4"]
    right = types.reveal(made, layout, response).right_answer
    assert types.grade(made, layout, types.check_response(made, layout, right)) == 1


@pytest.mark.parametrize(
    ("kind", "content", "prompt"),
    [
        ("short_answer", {"answers": []}, ""),
        ("short_answer", {"answers": [{"text": "a", "fraction": 0.5}]}, ""),
        ("short_answer", {"answers": [{"text": "   "}]}, ""),
        ("short_answer", {"answers": [{"text": "x" * 501}]}, ""),
        ("fill_blank", {"blanks": []}, ""),
        ("fill_blank", SENTENCE, "<p>no places</p>"),
        ("fill_blank", SENTENCE, PROMPT + "[[more]]"),
        ("fill_blank", SENTENCE, PROMPT + "[[1]]"),
        ("fill_blank", {"blanks": [{"kind": "select", "answers": [{"text": "one"}]}]}, ""),
        ("fill_blank", {"blanks": [{"kind": "number", "answers": [{"text": "one"}]}]}, ""),
        ("fill_blank", {"blanks": [{"answers": [{"text": "one"}], "weight": 0}]}, ""),
        ("essay", {"min_words": 9, "max_words": 3}, ""),
        ("essay", {"max_words": 0}, ""),
    ],
)
def test_content_that_is_refused(kind: str, content: dict[str, Any], prompt: str) -> None:
    with pytest.raises(ValidationError):
        types.check(kind, content, prompt)
