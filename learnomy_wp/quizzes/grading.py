"""Grades of single answers: by machine at submission, by a person afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import nh3
from sqlalchemy import bindparam, select
from sqlalchemy.dialects import mysql, sqlite

from learnomy_wp.kernel import clock, db
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import Detail, ValidationFailed
from learnomy_wp.questions import types
from learnomy_wp.quizzes import attempts, outcome, rules, statistics
from learnomy_wp.quizzes.errors import AttemptOpen, NotGradable
from wp_schema.tables import attempt_answers, question_versions

Row = dict[str, Any]

ANSWERS = (
    select(
        attempt_answers,
        question_versions.c.type,
        question_versions.c.content,
    )
    .join_from(attempt_answers, question_versions, question_versions.c.id == attempt_answers.c.version_id)
    .where(attempt_answers.c.attempt_id == bindparam("attempt_id"))
    .order_by(attempt_answers.c.position)
)
# What a grade consists of. Written for a whole attempt in one statement, whatever the number of its questions.
MARK = (
    "version_id",
    "regraded_from",
    "state",
    "fraction",
    "points",
    "is_manual",
    "feedback_html",
    "rubric",
    "graded_by",
    "graded_at",
    "updated_at",
)
_KEY = ("attempt_id", "position", "question_id", "quiz_id", "created_at")
_mysql, _sqlite = mysql.insert(attempt_answers), sqlite.insert(attempt_answers)
WRITE_MYSQL = _mysql.on_duplicate_key_update({name: _mysql.inserted[name] for name in MARK})
WRITE_SQLITE = _sqlite.on_conflict_do_update(
    index_elements=[attempt_answers.c.attempt_id, attempt_answers.c.position],
    set_={name: _sqlite.excluded[name] for name in MARK},
)


def find_answers(attempt_id: int) -> list[Row]:
    """An attempt's answers in order, each with its version's type and content."""
    return db.rows(ANSWERS, {"attempt_id": attempt_id})


def grade_all(attempt: Mapping[str, Any]) -> list[Row]:
    """Grade what a machine can of a locked attempt, write it, and give all its answers."""
    answers = find_answers(attempt["id"])
    if attempt["mode"] == rules.SURVEY:
        return answers
    now = clock.now()
    graded = [{**answer, **_machine(answer, now)} for answer in answers]
    write_marks(graded)
    return graded


def by_version(answer: Row, version: Mapping[str, Any], attempt: Mapping[str, Any]) -> Row:
    """An answer as another version of its question grades it; of an open attempt it only gets that version.

    What is not answered yet is laid out anew by it.
    """
    is_open = attempt["status"] == "in_progress"
    moved = {**answer, "type": version["type"], "content": version["content"], "version_id": version["id"]}
    if version["id"] != answer["version_id"]:
        moved["regraded_from"] = answer["version_id"]
        if is_open and answer["answer"] is None:
            drawn = types.draw(version, attempt["seed"], shuffle=attempt["settings"]["shuffle_answers"])
            moved["layout"] = {**answer["layout"], "drawn": drawn}
    if is_open:
        return moved
    return {**moved, **_machine(moved, clock.now())}


def write_marks(answers: Sequence[Row]) -> None:
    """Write the grades of answers of one locked attempt."""
    if answers:
        now = clock.now()
        rows = [{name: answer[name] for name in (*_KEY, *MARK)} | {"updated_at": now} for answer in answers]
        db.execute(WRITE_SQLITE if db.current().is_sqlite else WRITE_MYSQL, rows)


def _machine(answer: Mapping[str, Any], now: datetime) -> Row:
    """The grade that a machine gives, a state alone where it takes a person."""
    if answer["answer"] is None:
        return _marked(answer, 0.0, now)
    fraction = types.grade(answer, answer["layout"]["drawn"], answer["answer"])
    if fraction is None:
        return {"state": "needs_grading", "fraction": None, "points": None, "graded_at": None}
    return _marked(answer, fraction, now)


def _marked(answer: Mapping[str, Any], fraction: float, now: datetime) -> Row:
    points = round(fraction * float(answer["max_points"]), rules.PLACES)
    return {"state": "graded", "fraction": round(fraction, rules.PLACES), "points": points, "graded_at": now}


# --- by a person -------------------------------------------------------------------------


def grade_attempt(actor: Actor, facts: Mapping[str, Any], *, body: Mapping[str, Any]) -> Row:
    """Give points and feedback for answers of an attempt that was handed in; again, if need be.

    Emits `AttemptGraded` once nothing waits any more, and `AttemptPassed` where it is passed.
    Raises `AttemptOpen`, `NotGradable`, `ValidationFailed` with the answer named.
    """
    held = outcome.lock_attempt(facts)
    attempt = held.attempt
    if attempt["status"] in ("in_progress", "abandoned"):
        raise AttemptOpen
    if attempt["mode"] == rules.SURVEY:
        raise NotGradable
    answers = find_answers(attempt["id"])
    marked = _by_hand(actor, answers, body["answers"])
    write_marks(list(marked.values()))
    after = [marked.get(answer["position"], answer) for answer in answers]
    changes: Row = {"graded_by": actor.id}
    if "feedback" in body:
        changes["feedback_html"] = clean(body["feedback"])
    graded = outcome.conclude(held, after, actor_id=actor.id, **changes)
    outcome.count_passed(attempt, graded)
    statistics.count_later(attempt["quiz_id"])
    return attempts.get_attempt(actor, attempt["id"], is_staff=True)


def clean(text: str) -> str | None:
    """What somebody wrote as HTML that is safe to show; None where there is nothing."""
    return nh3.clean(text).strip() or None


def _by_hand(actor: Actor, answers: Sequence[Row], marks: Sequence[Row]) -> dict[int, Row]:
    held, now = {answer["position"]: answer for answer in answers}, clock.now()
    wrong: list[Detail] = []
    marked: dict[int, Row] = {}
    for number, mark in enumerate(marks):
        answer = held.get(mark["position"])
        if answer is None:
            text = "This attempt has no such question."
            wrong.append(Detail(f"answers.{number}.position", "unknown", text))
        elif mark["points"] > answer["max_points"]:
            text = f"This question is worth {answer['max_points']:g} points."
            wrong.append(Detail(f"answers.{number}.points", "too_many", text))
        else:
            marked[mark["position"]] = {**answer, **_hand_mark(actor, answer, mark, now)}
    if wrong:
        raise ValidationFailed(details=wrong)
    return marked


def _hand_mark(actor: Actor, answer: Row, mark: Row, now: datetime) -> Row:
    most = float(answer["max_points"])
    found = _marked(answer, mark["points"] / most if most else 0.0, now)
    found |= {"points": round(mark["points"], rules.PLACES), "is_manual": True, "graded_by": actor.id}
    if "feedback" in mark:
        found["feedback_html"] = clean(mark["feedback"])
    if "rubric" in mark:
        found["rubric"] = mark["rubric"]
    return found
