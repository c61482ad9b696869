"""Questions outside of any database: checked, drawn, answered by what a learner reads, and graded."""

from __future__ import annotations

from typing import Any

from learnomy_wp.questions import types

SEED = 20_261_125


def version(kind: str, content: dict[str, Any], prompt: str = "<p>?</p>", **more: Any) -> dict[str, Any]:
    """A version as the database holds it."""
    checked = types.check(kind, content, prompt)
    return {"id": 7, "type": kind, "content": checked, "prompt_html": prompt, "feedback": None, **more}


def tokens(shown: dict[str, Any] | None, name: str) -> dict[str, str]:
    """The ids that a learner was given, by what stands beside them."""
    assert shown is not None
    return {one.get("text_html", one.get("text")): one["id"] for one in shown[name]}


def named(known: dict[str, str], said: Any) -> Any:
    """The id of what stands there, anything else as it is."""
    return known.get(said, said) if isinstance(said, str) else said


def answered(made: dict[str, Any], layout: Any, said: Any) -> Any:
    """What a learner says in words as a response: choices by their texts."""
    shown = types.present(made, layout).content
    kind = made["type"]
    if kind == "single_choice":
        return named(tokens(shown, "choices"), said)
    if kind == "multiple_choice" and isinstance(said, list):
        return [named(tokens(shown, "choices"), one) for one in said]
    if kind == "ordering" and isinstance(said, list):
        return [named(tokens(shown, "items"), one) for one in said]
    if kind == "matching" and isinstance(said, dict):
        prompts, answers = tokens(shown, "prompts"), tokens(shown, "answers")
        return {named(prompts, key): named(answers, value) for key, value in said.items()}
    if kind == "fill_blank" and isinstance(said, dict):
        assert shown is not None
        lists = {blank["id"]: {one["text"]: one["id"] for one in blank["options"]} for blank in shown["blanks"]}
        return {key: named(lists.get(key, {}), value) for key, value in said.items()}
    return said


def worth(kind: str, content: dict[str, Any], said: Any, prompt: str = "<p>?</p>") -> float | str | None:
    """What an answer in words is worth; `refused` where it is none."""
    made = version(kind, content, prompt)
    layout = types.draw(made, SEED)
    try:
        response = types.check_response(made, layout, answered(made, layout, said))
    except ValueError:
        return "refused"
    share = types.grade(made, layout, response)
    assert share is None or 0 <= share <= 1
    assert types.grade(made, layout, response) == share
    return share
