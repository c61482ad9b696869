"""Moodle XML as Moodle's documentation describes it."""

from __future__ import annotations

from typing import Any

import pytest

from learnomy_wp.questions.formats import FORMATS
from learnomy_wp.questions.formats.base import Item
from learnomy_wp.questions.importing import prepare


def read(inside: str) -> list[Item]:
    return FORMATS["moodle_xml"].read(f'<?xml version="1.0" encoding="UTF-8"?><quiz>{inside}</quiz>'.encode())


def question(kind: str, inside: str, prompt: str = "<p>What?</p>") -> str:
    return (
        f'<question type="{kind}"><name><text>A name</text></name>'
        f'<questiontext format="html"><text><![CDATA[{prompt}]]></text></questiontext>{inside}</question>'
    )


def only(kind: str, inside: str, prompt: str = "<p>What?</p>") -> dict[str, Any]:
    items = read(question(kind, inside, prompt))
    made = prepare(items[0])
    assert made is not None, items[0].problems
    return made


def answer(fraction: float, text: str, more: str = "", feedback: str = "") -> str:
    said = f"<feedback format='html'><text>{feedback}</text></feedback>" if feedback else ""
    return f'<answer fraction="{fraction}" format="html"><text><![CDATA[{text}]]></text>{said}{more}</answer>'


def test_what_all_types_have() -> None:
    made = only(
        "truefalse",
        answer(100, "true", feedback="Yes")
        + answer(0, "false", feedback="No")
        + "<generalfeedback format='html'><text>General</text></generalfeedback><defaultgrade>2.5</defaultgrade>"
        "<idnumber>Q7</idnumber><penalty>0.3</penalty><hidden>0</hidden>"
        "<hint format='html'><text>One</text></hint><hint format='html'><text>&lt;b&gt;Two&lt;/b&gt;</text></hint>"
        "<correctfeedback format='html'><text>C</text></correctfeedback>"
        "<partiallycorrectfeedback format='html'><text>P</text></partiallycorrectfeedback>"
        "<incorrectfeedback format='html'><text>I</text></incorrectfeedback>"
        "<tags><tag><text>easy</text></tag><tag><text>unit 1</text></tag></tags>",
    )
    assert made["title"] == "A name"
    assert made["prompt"] == "<p>What?</p>"
    assert made["points"] == 2.5
    assert made["idnumber"] == "Q7"
    assert made["hints"] == ["One", "<b>Two</b>"]
    assert made["tags"] == ["easy", "unit 1"]
    assert made["feedback"] == {
        "general_html": "General",
        "correct_html": "C",
        "partial_html": "P",
        "incorrect_html": "I",
    }
    assert made["content"] == {"answer": True, "feedback_true_html": "Yes", "feedback_false_html": "No"}


def test_choices() -> None:
    one = only(
        "multichoice",
        "<single>true</single><shuffleanswers>0</shuffleanswers><answernumbering>abc</answernumbering>"
        + answer(100, "The <i>right</i> one", feedback="Well")
        + answer(33.33333, "Nearly")
        + answer(-50, "Wrong"),
    )
    assert one["type"] == "single_choice"
    assert one["content"]["shuffle"] is False
    assert [part["fraction"] for part in one["content"]["answers"]] == [1.0, 0.3333333, -0.5]
    assert one["content"]["answers"][0]["text_html"] == "The <i>right</i> one"
    several = only(
        "multichoice", "<single>false</single>" + answer(50, "a") + answer(50, "b") + answer(-100, "c") + answer(0, "d")
    )
    assert several["type"] == "multiple_choice"
    assert several["content"]["shuffle"] is True


def test_texts_and_numbers() -> None:
    text = only("shortanswer", "<usecase>1</usecase>" + answer(100, "Paris") + answer(50, "City of *"))
    assert text["content"]["case_sensitive"] is True
    assert text["content"]["wildcard"] is True
    number = only(
        "numerical",
        answer(100, "23", "<tolerance>0.5</tolerance>")
        + answer(0, "*")
        + "<unitgradingtype>1</unitgradingtype><unitpenalty>0.1</unitpenalty><showunits>0</showunits>"
        "<units><unit><multiplier>1</multiplier><unit_name>m</unit_name></unit>"
        "<unit><multiplier>100</multiplier><unit_name>cm</unit_name></unit></units>",
    )
    assert number["content"]["answers"][0]["value"] == 23
    assert number["content"]["unit_mode"] == "required"
    assert number["content"]["unit_penalty"] == 0.1
    assert {unit["unit"]: unit["factor"] for unit in number["content"]["units"]} == {"m": 1.0, "cm": 0.01}


def test_matching_and_ordering() -> None:
    pairs = "".join(
        f"<subquestion format='html'><text>{one}</text><answer><text>{other}</text></answer></subquestion>"
        for one, other in (("cat", "miaow"), ("dog", "woof"), ("", "moo"))
    )
    made = only("matching", f"<shuffleanswers>true</shuffleanswers>{pairs}")
    assert [pair["answer_html"] for pair in made["content"]["pairs"]] == ["miaow", "woof"]
    assert [one["answer_html"] for one in made["content"]["distractors"]] == ["moo"]
    order = only(
        "ordering",
        "<gradingtype>RELATIVE_NEXT_EXCLUDE_LAST</gradingtype>"
        + answer(2, "second")
        + answer(1, "first")
        + answer(3, "third"),
    )
    assert [item["text_html"] for item in order["content"]["items"]] == ["first", "second", "third"]
    assert order["content"]["scoring"] == "neighbours"


def test_embedded_answers() -> None:
    prompt = (
        "<p>The capital of France is {1:SHORTANSWER:=Paris#Right~%50%Lyon#Nearly}, of Italy "
        "{2:MULTICHOICE:Milan~=Rome~Turin\\} it}; 2+2 is {:NUMERICAL:=4:0.1~%50%5:1}; {1:SAC:=NaCl}.</p>"
    )
    made = only("cloze", "", prompt)
    assert made["prompt"] == ("<p>The capital of France is [[1]], of Italy [[2]]; 2+2 is [[3]]; [[4]].</p>")
    first, second, third, fourth = made["content"]["blanks"]
    assert [(one["text"], one["fraction"], one["feedback_html"]) for one in first["answers"]] == [
        ("Paris", 1.0, "Right"),
        ("Lyon", 0.5, "Nearly"),
    ]
    assert (second["kind"], second["weight"]) == ("select", 2.0)
    assert [one["text"] for one in second["answers"]] == ["Milan", "Rome", "Turin} it"]
    assert [(one["value"], one["tolerance"], one["fraction"]) for one in third["numbers"]] == [
        (4, 0.1, 1.0),
        (5, 1, 0.5),
    ]
    assert fourth["case_sensitive"] is True


def test_gaps() -> None:
    options = "".join(
        f"<selectoption><text>{text}</text><group>{group}</group></selectoption>"
        for text, group in (("cat", 1), ("mat", 2), ("dog", 1), ("hat", 2))
    )
    made = only("gapselect", options, "<p>The [[1]] sat on the [[2]]</p>")
    first, second = made["content"]["blanks"]
    assert [(one["text"], one["fraction"]) for one in first["answers"]] == [("cat", 1.0), ("dog", 0.0)]
    assert [(one["text"], one["fraction"]) for one in second["answers"]] == [("mat", 1.0), ("hat", 0.0)]


def test_essays() -> None:
    made = only(
        "essay",
        "<responseformat>editor</responseformat><minwordlimit>50</minwordlimit><maxwordlimit>100</maxwordlimit>"
        "<graderinfo format='html'><text>Look</text></graderinfo>"
        "<responsetemplate format='html'><text>Dear …</text></responsetemplate>",
    )
    assert made["content"] == {"min_words": 50, "max_words": 100, "template": "Dear …"}


def test_calculated() -> None:
    def dataset(name: str, values: tuple[float, ...]) -> str:
        items = "".join(
            f"<dataset_item><number>{number}</number><value>{value}</value></dataset_item>"
            for number, value in enumerate(values, 1)
        )
        return (
            "<dataset_definition><status><text>private</text></status>"
            f"<name><text>{name}</text></name><type>calculated</type><minimum><text>1</text></minimum>"
            "<maximum><text>10</text></maximum><decimals><text>1</text></decimals>"
            f"<dataset_items>{items}</dataset_items></dataset_definition>"
        )

    sets = dataset("a", (1.5, 2)) + dataset("b", (3, 4))
    more = "<tolerance>0.01</tolerance><tolerancetype>2</tolerancetype><correctanswerformat>1</correctanswerformat>"
    made = only(
        "calculated",
        answer(100, "{a}*log({b})", more) + f"<dataset_definitions>{sets}</dataset_definitions>",
        "<p>{a} and {b}?</p>",
    )
    assert made["content"]["datasets"] == [{"a": 1.5, "b": 3.0}, {"a": 2.0, "b": 4.0}]
    assert made["content"]["answers"][0]["formula"] == "{a}*ln({b})"
    assert made["content"]["answers"][0]["tolerance_type"] == "absolute"


def test_categories_descriptions_and_formats_of_texts() -> None:
    items = read(
        '<question type="category"><category><text>$course$/top/Maths/Sets</text></category></question>'
        + question("description", "")
        + question("truefalse", answer(0, "true") + answer(100, "false"))
        + '<question type="truefalse"><name><text>x</text></name><questiontext format="plain_text">'
        + f"<text>a &lt; b\nc</text></questiontext>{answer(100, 'true')}{answer(0, 'false')}</question>"
        + '<question type="category"><category><text>$system$/top</text></category></question>'
        + question("truefalse", answer(0, "true") + answer(100, "false"))
    )
    assert [item.is_left_out for item in items] == [True, False, False, False]
    made = [prepare(item) for item in items[1:]]
    assert [one and one.get("category") for one in made] == ["Maths/Sets", "Maths/Sets", None]
    assert made[1] is not None
    assert made[1]["prompt"] == "a &lt; b<br>c"


def test_pictures_are_told_of() -> None:
    items = read(question("truefalse", answer(100, "true") + answer(0, "false"), '<img src="@@PLUGINFILE@@/a.png">'))
    assert [problem.code for problem in items[0].problems] == ["files"]
    assert prepare(items[0]) is not None


@pytest.mark.parametrize(
    "inside",
    [
        question("ddmarker", ""),
        question("calculatedmulti", ""),
        question("", ""),
        question("multichoice", "<single>true</single>"),
        question("multichoice", "<single>false</single>" + answer(100, "a") + answer(100, "b")),
        question("multichoice", "<single>true</single>" + answer(150, "a") + answer(0, "b")),
        question("multichoice", "<single>true</single><answer fraction='x'><text>a</text></answer>" + answer(0, "b")),
        question("truefalse", answer(100, "perhaps")),
        question("shortanswer", answer(50, "half")),
        question("numerical", answer(100, "four")),
        question("cloze", "", "<p>no blanks</p>"),
        question("cloze", "", "<p>{1:MULTIRESPONSE:=a~=b}</p>"),
        question("matching", ""),
        question("gapselect", "", "<p>[[1]]</p>"),
        question("calculated", answer(100, "{a}+")),
        question("calculated", answer(100, "{a}+1", "<tolerancetype>3</tolerancetype>")),
    ],
)
def test_what_is_not_understood_is_told_and_not_imported(inside: str) -> None:
    items = read(inside)
    assert prepare(items[0]) is None
    assert any(problem.is_error for problem in items[0].problems)
