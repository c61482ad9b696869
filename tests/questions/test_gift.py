"""GIFT as Moodle's documentation describes it."""

from __future__ import annotations

from typing import Any

import pytest

from learnomy_wp.questions.formats import FORMATS
from learnomy_wp.questions.importing import prepare


def only(text: str) -> dict[str, Any]:
    items = FORMATS["gift"].read(text.encode())
    assert len(items) == 1
    made = prepare(items[0])
    assert made is not None, items[0].problems
    return made


def answers(made: dict[str, Any]) -> list[tuple[str, float, str]]:
    parts = made["content"]["answers"]
    return [(one.get("text_html", one.get("text")), one["fraction"], one["feedback_html"]) for one in parts]


def test_true_and_false() -> None:
    made = only("// a comment\n::TrueStatement about Grant::Grant was buried in a tomb in New York City.{T}")
    assert made["title"] == "TrueStatement about Grant"
    assert made["prompt"] == "Grant was buried in a tomb in New York City."
    assert (made["type"], made["content"]["answer"]) == ("true_false", True)
    assert only("The sun rises in the West.{FALSE}")["content"]["answer"] is False
    said = only("Grant is buried here.{FALSE#No one is buried here.#Right, no one is.}")["content"]
    assert said["feedback_true_html"] == "No one is buried here."
    assert said["feedback_false_html"] == "Right, no one is."
    said = only("Grant is dead.{T#He is!#Right.}")["content"]
    assert (said["feedback_false_html"], said["feedback_true_html"]) == ("He is!", "Right.")


def test_one_choice() -> None:
    made = only(
        "::Origins:: Who's buried in Grant's\ntomb? {\n=Grant#That's it\n~no one\n#was true for 12 years\n~Napoleon#No"
        "\n~%50%Grant's wife#half\n####All of them were great}"
    )
    assert made["type"] == "single_choice"
    assert answers(made) == [
        ("Grant", 1.0, "That's it"),
        ("no one", 0.0, "was true for 12 years"),
        ("Napoleon", 0.0, "No"),
        ("Grant's wife", 0.5, "half"),
    ]
    assert made["feedback"] == {"general_html": "All of them were great"}


def test_several_choices() -> None:
    made = only(
        "What two people are entombed in Grant's tomb? {\n~%-100%No one\n~%50%Grant\n"
        "~%50%Grant's wife\n~%-100%Grant's father\n}"
    )
    assert made["type"] == "multiple_choice"
    assert [share for _text, share, _feedback in answers(made)] == [-1.0, 0.5, 0.5, -1.0]
    thirds = only("Q {~%33.33333%a ~%33.33333%b ~%33.33333%c ~d}")
    assert [share for _text, share, _feedback in answers(thirds)] == [0.3333333, 0.3333333, 0.3333333, 0.0]


def test_short_answers() -> None:
    made = only("Who's buried in Grant's tomb?{=Grant =Ulysses S. Grant =%50%Ulysses Grant}")
    assert made["type"] == "short_answer"
    assert [(text, share) for text, share, _ in answers(made)] == [
        ("Grant", 1.0),
        ("Ulysses S. Grant", 1.0),
        ("Ulysses Grant", 0.5),
    ]
    assert made["content"]["wildcard"] is False
    assert only("A colour {=*green*}")["content"]["wildcard"] is True


def test_a_missing_word() -> None:
    made = only(
        "Mahatma Gandhi's birthday is an Indian holiday on {~15th of August ~3rd of March =2nd of October} of the year."
    )
    assert made["type"] == "fill_blank"
    assert made["prompt"] == "Mahatma Gandhi's birthday is an Indian holiday on [[1]] of the year."
    blank = made["content"]["blanks"][0]
    assert blank["kind"] == "select"
    assert [one["fraction"] for one in blank["answers"]] == [0.0, 0.0, 1.0]
    typed = only("Two plus {=two =2} equals four.")["content"]["blanks"][0]
    assert (typed["kind"], [one["text"] for one in typed["answers"]]) == ("text", ["two", "2"])
    number = only("There are {#7:0} days in a week.")["content"]["blanks"][0]
    assert (number["kind"], number["numbers"][0]["value"]) == ("number", 7.0)


def test_matching() -> None:
    made = only(
        "Match the following countries with their capitals. {\n=Canada -> Ottawa\n=Italy  -> Rome\n=Japan  -> Tokyo\n"
        "=India  -> New Delhi\n= -> Paris\n####Well}"
    )
    assert made["type"] == "matching"
    pairs = [(pair["prompt_html"], pair["answer_html"]) for pair in made["content"]["pairs"]]
    assert pairs == [("Canada", "Ottawa"), ("Italy", "Rome"), ("Japan", "Tokyo"), ("India", "New Delhi")]
    assert [one["answer_html"] for one in made["content"]["distractors"]] == ["Paris"]


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("#1822:0", [(1822.0, 0.0, 1.0)]),
        ("#3.14159:0.0005", [(3.14159, 0.0005, 1.0)]),
        ("#3.141..3.142", [(3.1415, 0.0005, 1.0)]),
        ("#\n=1822:0\n=%50%1822:2\n", [(1822.0, 0.0, 1.0), (1822.0, 2.0, 0.5)]),
        ("#-5", [(-5.0, 0.0, 1.0)]),
        ("#=1822:0#Correct ~*#No", [(1822.0, 0.0, 1.0)]),
    ],
)
def test_numbers(inside: str, expected: list[tuple[float, float, float]]) -> None:
    made = only(f"When was Ulysses S. Grant born? {{{inside}}}")
    assert made["type"] == "numeric"
    found = [(one["value"], one["tolerance"], one["fraction"]) for one in made["content"]["answers"]]
    assert found == [pytest.approx(one) for one in expected]


def test_essays_and_texts_without_a_question() -> None:
    assert only("Write a short biography of Dag Hammarskjöld. {}")["type"] == "essay"
    items = FORMATS["gift"].read(b"You can use your pencil and paper for these next math questions.\n\n2+2 {#4}")
    assert [item.is_left_out for item in items] == [True, False]
    assert items[0].problems[0].code == "description"


def test_signs_with_a_meaning_can_be_escaped() -> None:
    made = only(r"Which answer equals 5? {~ \= 2 + 2 = \= 2 + 3 ~ \{a\: b\} \~ c \# d}")
    assert [text for text, _share, _feedback in answers(made)] == ["= 2 + 2", "= 2 + 3", "{a: b} ~ c # d"]
    assert only(r"a\nb {T}")["prompt"] == "a<br>b"
    assert only("1 < 2 && \\{x\\} {T}")["prompt"] == "1 &lt; 2 &amp;&amp; {x}"


def test_formats_of_texts() -> None:
    assert only("[html]<p>a <b>b</b><script>c</script></p>{T}")["prompt"] == "<p>a <b>b</b></p>"
    assert only("[plain]<b>a</b>{T}")["prompt"] == "&lt;b&gt;a&lt;/b&gt;"
    items = FORMATS["gift"].read(b"[markdown]*a*{T}")
    assert [problem.code for problem in items[0].problems] == ["markdown"]


def test_categories_and_what_comments_tell() -> None:
    text = (
        "$CATEGORY: $course$/top/Maths/Algebra\n\n// question: 1 [id:Q-1] [tag:easy one] [tag:two\\]]\n::A::a{T}\n\n"
        "$CATEGORY: tom/dick\n\nb{F}\n\n$CATEGORY: $course$/top\n\nc{F}"
    )
    made = [prepare(item) for item in FORMATS["gift"].read(text.encode())]
    assert [one and one.get("category") for one in made] == ["Maths/Algebra", "tom/dick", None]
    assert made[0] is not None
    assert (made[0]["idnumber"], made[0]["tags"]) == ("Q-1", ["easy one", "two]"])


@pytest.mark.parametrize(
    "text",
    ["a {", "::a {T}", "a {b}", "a {=}", "a {#x}", "a {~b ~c}", "a {=b ~%200%c}", "a {=b -> }", "a {=b -> c}", "a {#}"],
)
def test_what_is_not_understood_is_told_and_not_imported(text: str) -> None:
    items = FORMATS["gift"].read(text.encode())
    assert [prepare(item) for item in items] == [None]
    assert any(problem.is_error for problem in items[0].problems)


def test_files_in_other_encodings() -> None:
    assert FORMATS["gift"].read("\ufeffé{T}".encode())[0].body["prompt"] == "é"
    assert FORMATS["gift"].read("é{T}".encode("utf-16"))[0].body["prompt"] == "é"
    with pytest.raises(ValueError, match="UTF-8"):
        FORMATS["gift"].read("é{T}".encode("latin-1"))
