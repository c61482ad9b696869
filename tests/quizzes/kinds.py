"""One question of each type, with marks in all that tells what is right, and answers that are wrong and right."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]

# Stand in keys, and in what is said of answers: whoever meets one before its moment has met the key.
MARK, SAID = "MarkOfKey", "MarkOfFeedback"


def _choices(*fractions: float) -> list[Row]:
    texts = ("Alpha", "Beta", "Gamma", "Delta")
    shares = [*fractions, *[0.0] * (len(texts) - len(fractions))]
    return [
        {"text_html": text, "fraction": share, "feedback_html": f"{SAID} {text}"}
        for text, share in zip(texts, shares, strict=True)
    ]


def _pair(name: str) -> Row:
    return {"prompt_html": f"Prompt {name}", "answer_html": f"Answer {name}", "feedback_html": SAID}


CONTENT: dict[str, Row] = {
    "single_choice": {"answers": _choices(1)},
    "multiple_choice": {"answers": _choices(0.5, 0.5)},
    "true_false": {"answer": True, "feedback_true_html": SAID, "feedback_false_html": SAID},
    "short_answer": {"answers": [{"text": f"{MARK} word", "feedback_html": SAID}]},
    "fill_blank": {"blanks": [{"id": "a", "answers": [{"text": f"{MARK} blank"}]}]},
    "essay": {},
    "matching": {"pairs": [_pair(name) for name in "ABCDE"]},
    "ordering": {"items": [{"text_html": f"Item {name}"} for name in "ABCDE"]},
    "numeric": {"answers": [{"value": 4321.5, "feedback_html": SAID}]},
    "math_expression": {"variables": [{"name": "x"}], "answers": [{"expression": "x^2+4321", "feedback_html": SAID}]},
    "calculated": {
        "variables": [{"name": "a", "min": 2, "max": 9}],
        "answers": [{"formula": "a*1000+1", "feedback_html": SAID}],
    },
}
PROMPTS = {"fill_blank": "Fill [[a]] in.", "calculated": "What is {a} thousand and one?"}
# Right or not, each is an answer of its type.
ANSWERS: dict[str, Any] = {
    "true_false": False,
    "short_answer": "nothing",
    "fill_blank": {"a": "nothing"},
    "essay": "A text.",
    "numeric": "1",
    "math_expression": "x+1",
    "calculated": "1",
}


def question(kind: str, **fields: Any) -> Row:
    """A new question of a type."""
    feedback = {
        "general_html": f"{SAID} general",
        "correct_html": f"{SAID} correct",
        "incorrect_html": f"{SAID} incorrect",
    }
    hints = [f"{SAID} hint"]
    prompt = PROMPTS.get(kind, f"A question of the kind {kind}")
    return {
        "type": kind,
        "title": kind,
        "prompt": prompt,
        "content": CONTENT[kind],
        "feedback": feedback,
        "hints": hints,
        **fields,
    }


def answer(asked: Row) -> Any:
    """An answer to a question as it stands in an attempt."""
    kind, content = asked["type"], asked["content"]
    if kind == "single_choice":
        return content["choices"][0]["id"]
    if kind == "multiple_choice":
        return [content["choices"][0]["id"]]
    if kind == "matching":
        return {content["prompts"][0]["id"]: content["answers"][0]["id"]}
    if kind == "ordering":
        return [item["id"] for item in content["items"]]
    return ANSWERS[kind]
