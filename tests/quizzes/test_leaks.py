"""No field, id, order or size of any answer tells before its moment what is right.

`shown.tsv` lists every field that a learner may read of each quiz route, and in which moments. The walk fails on any
other; marks stand in every key and feedback, and are met nowhere before their moment.
"""

from __future__ import annotations

import csv
import itertools
import json
import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from learnomy_wp.kernel import db
from learnomy_wp.questions import types
from learnomy_wp.quizzes import drawing
from tests.quizzes import kinds
from tests.quizzes.exam import Exams, from_now, text

Row = dict[str, Any]

LINES = list(csv.DictReader((Path(__file__).parent / "shown.tsv").read_text().splitlines(), delimiter="\t"))
MOMENTS = ("before", "during", "after", "later", "closed")
SHOWN: dict[str, dict[str, set[str]]] = {}
for _line in LINES:
    _moments = set(MOMENTS) if _line["moments"] == "always" else set(_line["moments"].split(","))
    assert _moments <= set(MOMENTS), _line
    SHOWN.setdefault(_line["route"], {})[_line["field"]] = _moments
STRICT = {
    moment: dict.fromkeys(("answer", "correctness", "points", "right_answer", "feedback"), moment == "closed")
    for moment in ("during", "after", "later", "closed")
}


# Of the fields that are not shown always, those that are no results.
TIMES = {"submitted_at", "graded_at", "seconds_left", "open_attempt_id"}


def walk(value: Any, prefix: str = "") -> Iterator[str]:
    """The fields of an answer that say anything."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from walk(inner, f"{prefix}.{name}" if prefix else name)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner, prefix)
    elif value is not None:
        yield prefix


def folded(name: str) -> str:
    """Ids of blanks and prompts as keys stand for one another: what is in an answer is the answer's."""
    for known in ("questions.answer", "questions.right_answer", "questions.feedback", "questions.rubric"):
        if name == known or name.startswith(f"{known}."):
            return known
    return name


class Learner:
    """A student who asks every quiz route at every moment, and notes what should not be there."""

    def __init__(self, exams: Exams, quiz_id: int, *, is_strict: bool) -> None:
        self.exams, self.quiz_id, self.wrong = exams, quiz_id, list[str]()
        self.is_strict = is_strict
        self.met: set[tuple[str, str]] = set()

    def ask(
        self, moment: str, method: str, route: str, object_id: int, body: Row | None = None, query: str = ""
    ) -> Row:
        path = route.replace("{id}", str(object_id)) + query
        answer = self.exams.as_("student").request(method, path, json=body)
        assert answer.status in (200, 201), answer.body
        name = f"{method} {route}"
        for field in sorted({folded(field) for field in walk(answer.body["data"])}):
            self.met.add((name, field))
            if moment not in self.allowed(name, field):
                self.wrong.append(f"{name}: {field} ({moment})")
        whole = json.dumps(answer.body)
        if moment != "closed" and (kinds.MARK in whole or "4321" in whole):
            self.wrong.append(f"{name}: the key ({moment})")
        if moment in ("before", "during") and kinds.SAID in whole:
            self.wrong.append(f"{name}: feedback ({moment})")
        return dict(answer.body)

    def allowed(self, name: str, field: str) -> set[str]:
        """The moments in which a field may say anything. By the strict rule results wait for the end of the quiz."""
        moments = SHOWN.get(name, {}).get(field, set())
        is_result = field == "questions.answer" or (moments < set(MOMENTS) and field not in TIMES)
        return moments & {"closed"} if self.is_strict and is_result else moments

    def look(self, moment: str, attempt_id: int | None) -> None:
        """Every read of a learner's that is about the quiz."""
        self.ask(moment, "GET", "/quizzes/{id}", self.quiz_id)
        self.ask(moment, "GET", "/quiz-attempts", self.quiz_id)
        if attempt_id is not None:
            self.ask(moment, "GET", "/quiz-attempts/{id}", attempt_id)


@pytest.mark.parametrize("rule", [None, STRICT], ids=["default rule", "strict rule"])
def test_a_learner_reads_what_the_moment_allows(exams: Exams, rule: Row | None) -> None:
    began = from_now(seconds=2)
    closes = began + timedelta(hours=1)
    questions = [kinds.question(kind) for kind in kinds.CONTENT]
    extra = {"review_rule": rule} if rule is not None else {}
    quiz = exams.in_course(
        questions=questions, closes_at=text(closes), time_limit_seconds=600, shuffle_answers=True, **extra
    )
    learner = Learner(exams, quiz["id"], is_strict=rule is not None)
    with exams.at(began):
        learner.look("before", None)
        attempt = learner.ask("during", "POST", "/quizzes/{id}/attempts", quiz["id"], {})["data"]
        learner.look("during", attempt["id"])
        items = [
            {"position": asked["position"], "sequence": 1, "answer": kinds.answer(asked)}
            for asked in attempt["questions"]
        ]
        learner.ask("during", "PUT", "/quiz-attempts/{id}/answers", attempt["id"], {"answers": items})
        learner.look("during", attempt["id"])
        learner.ask("after", "POST", "/quiz-attempts/{id}/submit", attempt["id"], {})
        _grade(exams, attempt)
        learner.look("after", attempt["id"])
    for moment, at in (("later", began + timedelta(minutes=3)), ("closed", closes + timedelta(minutes=1))):
        with exams.at(at):
            learner.look(moment, attempt["id"])
    assert not learner.wrong, "\n".join(sorted(set(learner.wrong)))
    if rule is None:
        listed = {(route, field) for route, fields in SHOWN.items() for field in fields}
        assert listed <= learner.met, "listed, and never shown"


def _grade(exams: Exams, attempt: Row) -> None:
    essay = next(asked["position"] for asked in attempt["questions"] if asked["type"] == "essay")
    mark = {"position": essay, "points": 1, "feedback": f"{kinds.SAID} from the teacher", "rubric": {"a": "b"}}
    body = {"answers": [mark], "feedback": f"{kinds.SAID} from the teacher"}
    answer = exams.as_("teacher").post(f"/quiz-attempts/{attempt['id']}/grade", json=body)
    assert answer.status == 200, answer.body


def test_a_strict_rule_hides_results_everywhere(exams: Exams) -> None:
    quiz = exams.in_course(questions=[kinds.question("single_choice")], review_rule=STRICT)
    attempt = exams.start(quiz["id"])
    asked = attempt["questions"][0]
    exams.save(attempt["id"], [{"position": 1, "sequence": 1, "answer": kinds.answer(asked)}])
    done = exams.submit(attempt["id"])
    listed = exams.as_("student").get(f"/quiz-attempts?quiz_id={quiz['id']}").data[0]
    for shown in (done, listed, exams.attempt(attempt["id"])):
        assert (shown["score"], shown["percent"], shown["passed"]) == (None, None, None)
    hidden = exams.attempt(attempt["id"])["questions"][0]
    for name in ("answer", "result", "points", "right_answer", "feedback", "hints"):
        assert hidden[name] is None, name
    read = exams.as_("student").get(f"/quizzes/{quiz['id']}").data
    assert (read["best_percent"], read["passed"]) == (None, None)


def test_a_graded_quiz_cannot_be_made_to_tell_while_it_is_taken(exams: Exams) -> None:
    for thing in ("correctness", "points", "right_answer", "feedback"):
        body = {"title": "A quiz", "review_rule": {"during": {thing: True}}}
        answer = exams.as_("teacher").post("/quizzes", json=body)
        assert (answer.status, answer.body["error"]["details"][0]["field"]) == (422, "review_rule.during")
    practice = exams.in_course(
        questions=[kinds.question("single_choice")],
        mode="practice",
        review_rule={"during": {"answer": True, "correctness": True, "right_answer": True}},
    )
    attempt = exams.start(practice["id"])
    assert attempt["questions"][0]["right_answer"] is None
    exams.save(attempt["id"], [{"position": 1, "sequence": 1, "answer": kinds.answer(attempt["questions"][0])}])
    told = exams.attempt(attempt["id"])["questions"][0]
    assert told["result"] in ("right", "wrong")
    assert told["right_answer"] is not None


# --- chance ------------------------------------------------------------------------------

ATTEMPTS = 1000


def chi_squared(pairs: Sequence[tuple[int, int]], size: int) -> float:
    """The p-value of places and ranks being independent, for permutations of so many things.

    Each attempt gives a whole permutation, whose cells hang together: the sum of squares is scaled by (n - 1) / n.
    """
    counted = Counter(pairs)
    expected = len(pairs) / size**2
    total = sum((counted[pair] - expected) ** 2 / expected for pair in itertools.product(range(size), repeat=2))
    return upper_tail(total * (size - 1) / size, (size - 1) ** 2)


def upper_tail(value: float, freedom: int) -> float:
    """The chance of a chi-squared of an even number of degrees of freedom to be so great, as a finite sum."""
    assert freedom % 2 == 0
    half = value / 2
    return math.exp(-half) * math.fsum(half**k / math.factorial(k) for k in range(freedom // 2))


def ranks(tokens: Sequence[str]) -> list[int]:
    """The place of each token among them all in the order of the alphabet."""
    return [sorted(tokens).index(token) for token in tokens]


def test_neither_place_nor_id_has_to_do_with_the_key(exams: Exams) -> None:
    quiz = exams.quiz(questions=[kinds.question("ordering"), kinds.question("matching")], shuffle_answers=True)
    rng = random.Random(20261125)
    found: dict[str, list[tuple[int, int]]] = {}
    with exams.api.inside():
        row = exams.row_of(quiz["id"])
        for _ in range(ATTEMPTS):
            seed = rng.getrandbits(62)
            drawn = db.transaction(lambda seed=seed: drawing.draw_questions(row, seed))
            for item in drawn:
                _note(found, exams.version(item["version_id"]), item["layout"]["drawn"])
    assert len(found) == 6
    for name, pairs in found.items():
        assert len(pairs) == ATTEMPTS * 5
        assert chi_squared(pairs, 5) > 0.001, name


def _note(found: dict[str, list[tuple[int, int]]], version: Row, layout: Any) -> None:
    """Which place, and which rank of the ids, each thing has that the key puts in a certain place."""
    shown = types.present(version, layout)
    right = types.reveal(version, layout, None).right_answer
    assert shown.content is not None
    if version["type"] == "ordering":
        ids = [item["id"] for item in shown.content["items"]]
        key = [right.index(token) for token in ids]
        found.setdefault("ordering: place", []).extend(enumerate(key))
        found.setdefault("ordering: id", []).extend(zip(ranks(ids), key, strict=True))
        return
    prompts = [item["id"] for item in shown.content["prompts"]]
    answers = [item["id"] for item in shown.content["answers"]]
    partner = [answers.index(right[token]) for token in prompts]
    letters = [ord(item["text_html"][-1]) - ord("A") for item in shown.content["prompts"]]
    found.setdefault("matching: place", []).extend(enumerate(partner))
    found.setdefault("matching: prompts", []).extend(enumerate(letters))
    by_rank = [(ranks(prompts)[at], ranks(answers)[other]) for at, other in enumerate(partner)]
    found.setdefault("matching: id", []).extend(by_rank)
    found.setdefault("matching: id and place", []).extend(
        (at, ranks(answers)[other]) for at, other in enumerate(partner)
    )


def test_the_tail_is_that_of_the_tables() -> None:
    assert upper_tail(26.296, 16) == pytest.approx(0.05, abs=1e-4)
    assert upper_tail(39.252, 16) == pytest.approx(0.001, abs=1e-5)
    # A key that shows is found: the first thing is always first.
    assert chi_squared([(at, at) for at in range(5)] * ATTEMPTS, 5) < 1e-6


def test_attempts_of_two_people_have_ids_of_their_own(exams: Exams) -> None:
    quiz = exams.quiz(questions=[kinds.question("ordering")])
    seen = [exams.start(quiz["id"], who)["questions"][0]["content"]["items"] for who in ("student", "student2")]
    assert not {item["id"] for item in seen[0]} & {item["id"] for item in seen[1]}
    for items in seen:
        assert all(set(item) == {"id", "text_html"} for item in items)
