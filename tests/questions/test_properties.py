"""What holds for every question type, whatever is asked and answered."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from learnomy_wp.questions import types
from tests.questions.bank import CONTENTS, PROMPTS
from tests.questions.grading import version
from tests.questions.strategies import questions

jsons = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)),
    max_leaves=8,
)
relaxed = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def made_of(body: dict[str, Any]) -> dict[str, Any]:
    return version(body["type"], body["content"], body["prompt"], feedback={**body["feedback"], "hints": body["hints"]})


def responses(made: dict[str, Any], layout: Any, chance: random.Random) -> Any:
    """A response that fits, of the kind that a learner may send."""
    kind, shown = made["type"], types.present(made, layout).content or {}
    if kind == "single_choice":
        return chance.choice(shown["choices"])["id"]
    if kind == "multiple_choice":
        return [one["id"] for one in shown["choices"] if chance.random() < 0.5]
    if kind == "true_false":
        return chance.random() < 0.5
    if kind == "ordering":
        return [one["id"] for one in chance.sample(shown["items"], chance.randrange(len(shown["items"]) + 1))]
    if kind == "matching":
        return {one["id"]: chance.choice(shown["answers"])["id"] for one in shown["prompts"] if chance.random() < 0.8}
    if kind == "fill_blank":
        texts = {blank["id"]: ["", "7", "a", *(one["id"] for one in blank["options"])] for blank in shown["blanks"]}
        return {item: chance.choice(known[3:] or known) for item, known in texts.items() if chance.random() < 0.8}
    return chance.choice(["", "7", "x+1", "some text", "3,5 km"])


@relaxed
@given(body=questions(), seed=st.integers(0, 2**62), picked=st.integers(0, 2**32))
def test_a_score_lies_between_nothing_and_all(body: dict[str, Any], seed: int, picked: int) -> None:
    made = made_of(body)
    layout = types.draw(made, seed)
    response = types.check_response(made, layout, responses(made, layout, random.Random(picked)))
    found = types.mark(made, layout, response)
    assert found.fraction is None or 0 <= found.fraction <= 1
    assert all(-1 <= part["fraction"] <= 1 for part in found.parts)
    # What is kept and read back is worth the same, however often it is graded.
    kept = json.loads(json.dumps({"layout": layout, "response": response}))
    assert types.check_response(made, kept["layout"], kept["response"]) == response
    assert types.grade(made, kept["layout"], kept["response"]) == found.fraction
    assert all(isinstance(said, str) and len(said) <= 64 for said in types.choices(made, layout, response))


@relaxed
@given(body=questions(), seed=st.integers(0, 2**62))
def test_the_right_answer_is_worth_everything(body: dict[str, Any], seed: int) -> None:
    made = made_of(body)
    layout = types.draw(made, seed)
    right = types.reveal(made, layout, None).right_answer
    if body["type"] == "essay":
        assert right is None
        return
    if body["type"] in ("short_answer", "fill_blank") and "*" in json.dumps(right):
        return  # a pattern stands for what is right, and is none of it itself
    assert types.grade(made, layout, types.check_response(made, layout, right)) == 1
    assert types.grade(made, layout, None) == 0


@relaxed
@given(body=questions(), seed=st.integers(0, 2**62), response=jsons)
def test_anything_else_is_refused_with_a_message(body: dict[str, Any], seed: int, response: Any) -> None:
    made = made_of(body)
    layout = types.draw(made, seed)
    kept = checked(made, layout, response)
    share = types.grade(made, layout, kept)
    assert share is None or 0 <= share <= 1
    types.reveal(made, layout, kept)
    types.choices(made, layout, kept)


def checked(made: dict[str, Any], layout: Any, response: Any) -> Any:
    """The response as it is kept, None where it is refused as it should be."""
    if response is None:
        return None
    try:
        return types.check_response(made, layout, response)
    except ValueError as error:
        message = str(error)
    assert message.endswith(".")
    return None


@relaxed
@given(body=questions(("multiple_choice", "matching", "fill_blank")), picked=st.integers(0, 2**32))
def test_the_order_in_which_parts_are_answered_does_not_matter(body: dict[str, Any], picked: int) -> None:
    made, chance = made_of(body), random.Random(picked)
    layout = types.draw(made, 5)
    response = responses(made, layout, chance)
    parts = list(response.items()) if isinstance(response, dict) else list(response)
    chance.shuffle(parts)
    other = dict(parts) if isinstance(response, dict) else parts
    assert types.check_response(made, layout, other) == types.check_response(made, layout, response)


@relaxed
@given(body=questions(), seed=st.integers(0, 2**62))
def test_nothing_of_the_key_is_shown(body: dict[str, Any], seed: int) -> None:
    """Fields are those of the list; of answers that are not shown, and of feedback, nothing stands anywhere."""
    marked_key(body["content"], is_secret=body["type"] == "short_answer")
    marked_key(body["feedback"])
    made = made_of(body)
    layout = types.draw(made, seed)
    shown = types.present(made, layout)
    assert fields_of(shown.content) <= ALLOWED[body["type"]]
    assert MARK not in json.dumps([shown.prompt_html, shown.content])


MARK = "MarkOfKey"
OUTCOMES = ("general", "correct", "partial", "incorrect")


def marked_key(value: Any, *, is_secret: bool = False) -> None:
    """Put a mark into every feedback, and into the texts that an answer is compared with."""
    if isinstance(value, list):
        for inner in value:
            marked_key(inner, is_secret=is_secret)
    elif isinstance(value, dict):
        is_secret = is_secret or value.get("kind") == "text"
        for name, inner in value.items():
            if isinstance(inner, str):
                is_key = "feedback" in name or name.partition("_")[0] in OUTCOMES or (is_secret and name == "text")
                value[name] = f"{MARK}{inner}" if is_key else inner
            else:
                marked_key(inner, is_secret=is_secret)


ALLOWED = {
    "single_choice": {"choices", "choices.id", "choices.text_html"},
    "multiple_choice": {"choices", "choices.id", "choices.text_html"},
    "true_false": set(),
    "short_answer": set(),
    "fill_blank": {"blanks", "blanks.id", "blanks.kind", "blanks.options", "blanks.options.id", "blanks.options.text"},
    "essay": {"min_words", "max_words", "template"},
    "matching": {"prompts", "prompts.id", "prompts.text_html", "answers", "answers.id", "answers.text_html"},
    "ordering": {"items", "items.id", "items.text_html"},
    "numeric": {"units", "unit_mode"},
    "math_expression": set(),
    "calculated": {"units", "unit_mode"},
}


def fields_of(value: Any, prefix: str = "") -> set[str]:
    if isinstance(value, dict):
        here = {f"{prefix}{name}" for name in value}
        return here.union(*(fields_of(inner, f"{prefix}{name}.") for name, inner in value.items()))
    if isinstance(value, list):
        return set().union(*(fields_of(inner, prefix) for inner in value))
    return set()


@pytest.mark.parametrize("kind", CONTENTS)
def test_what_is_shown_of_each_type_is_listed(kind: str) -> None:
    made = version(kind, CONTENTS[kind], PROMPTS.get(kind, "<p>?</p>"))
    assert fields_of(types.present(made, types.draw(made, 1)).content) == ALLOWED[kind]


# --- chance ------------------------------------------------------------------------------

ATTEMPTS = 1000
# Of chi-squared at p = 0.001, by degrees of freedom.
LIMITS = {3: 16.266, 9: 27.877, 4: 18.467, 16: 39.252, 12: 32.909}


def chi_squared(counts: Counter[tuple[Any, Any]], rows: int, columns: int) -> float:
    """How far from independent two things are that were counted together."""
    total = sum(counts.values())
    by_row, by_column = Counter[Any](), Counter[Any]()
    for (row, column), count in counts.items():
        by_row[row] += count
        by_column[column] += count
    assert len(by_row) == rows
    assert len(by_column) == columns
    return sum(
        (counts[row, column] - by_row[row] * by_column[column] / total) ** 2 / (by_row[row] * by_column[column] / total)
        for row, column in itertools.product(by_row, by_column)
    )


def test_ids_and_places_of_an_ordering_say_nothing_of_its_order() -> None:
    made = version("ordering", CONTENTS["ordering"])
    places, ranks, both = Counter[Any](), Counter[Any](), Counter[Any]()
    for seed in range(ATTEMPTS):
        layout = types.draw(made, 1_000_003 * seed + 7)
        items = types.present(made, layout).content["items"]  # type: ignore[index]
        right = types.reveal(made, layout, None).right_answer
        by_id = sorted(one["id"] for one in items)
        for place, one in enumerate(items):
            places[place, right.index(one["id"])] += 1
            ranks[by_id.index(one["id"]), right.index(one["id"])] += 1
            both[by_id.index(one["id"]), place] += 1
    for counts in (places, ranks, both):
        assert chi_squared(counts, 4, 4) < LIMITS[9]


def test_ids_and_places_of_a_matching_say_nothing_of_its_pairs() -> None:
    made = version("matching", CONTENTS["matching"])
    places, ranks = Counter[Any](), Counter[Any]()
    for seed in range(ATTEMPTS):
        layout = types.draw(made, 1_000_003 * seed + 7)
        shown = types.present(made, layout).content
        assert shown is not None
        right = types.reveal(made, layout, None).right_answer
        prompts, answers = [one["id"] for one in shown["prompts"]], [one["id"] for one in shown["answers"]]
        for prompt, answer in right.items():
            places[prompts.index(prompt), answers.index(answer)] += 1
            ranks[sorted(prompts).index(prompt), sorted(answers).index(answer)] += 1
    for counts in (places, ranks):
        assert chi_squared(counts, 3, 4) < LIMITS[12]


def test_ids_and_places_of_a_choice_say_nothing_of_the_right_one() -> None:
    made = version("single_choice", {"answers": [{"text_html": str(n), "fraction": float(n == 0)} for n in range(4)]})
    places, ranks = Counter[int](), Counter[int]()
    for seed in range(ATTEMPTS):
        layout = types.draw(made, 1_000_003 * seed + 7)
        tokens = [one["id"] for one in types.present(made, layout).content["choices"]]  # type: ignore[index]
        right = types.reveal(made, layout, None).right_answer
        places[tokens.index(right)] += 1
        ranks[sorted(tokens).index(right)] += 1
    for counts in (places, ranks):
        assert sum((counts[place] - ATTEMPTS / 4) ** 2 / (ATTEMPTS / 4) for place in range(4)) < LIMITS[3]


def test_the_same_answer_has_another_id_in_each_attempt_and_question() -> None:
    seen: set[str] = set()
    for question, seed in itertools.product(range(30), range(30)):
        made = {**version("ordering", CONTENTS["ordering"]), "id": question}
        tokens = {entry[0] for entry in types.draw(made, seed)["items"]}
        assert len(tokens) == 4
        assert not tokens & seen
        seen |= tokens
