"""Starting an attempt, or going on with the one that is open: one act, whatever is clicked twice or at once."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, update

from learnomy_wp.kernel import call as calls
from learnomy_wp.kernel import clock, db, pipeline
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.progress import state as course_progress
from learnomy_wp.quizzes import answers, attempts, drawing, outcome, places, rules, standing, submitting
from learnomy_wp.quizzes.errors import (
    AccessCodeWrong,
    AttemptCooldown,
    AttemptLimitReached,
    QuizClosed,
    QuizEmpty,
    QuizNotOpen,
)
from wp_schema.tables import attempt_answers, quiz_attempts, quizzes

Row = dict[str, Any]

INSERT = insert(quiz_attempts)
INSERT_ANSWERS = insert(attempt_answers)
COUNT = (
    update(quizzes)
    .where(quizzes.c.id == bindparam("of_quiz"))
    .values({quizzes.c.attempt_count: quizzes.c.attempt_count + 1})
)
# The rules that an attempt keeps, whatever becomes of the quiz.
KEPT_RULES = (
    "passing_percent",
    "score_policy",
    "on_late",
    "allow_back",
    "one_per_page",
    "time_limit_seconds",
    "shuffle_answers",
)
_BITS = 62


def start_attempt(actor: Actor, quiz: Mapping[str, Any], *, body: Mapping[str, Any]) -> Row:
    """The caller's open attempt of the quiz that `quiz-access` loaded, else a new one; gives it with its questions.

    Raises `QuizNotOpen`, `QuizClosed`, `AttemptLimitReached`, `AttemptCooldown`, `AccessCodeWrong`, `QuizEmpty`.
    Staff may try a quiz at any time.
    """
    enrollment_id = quiz["enrollment_id"]
    enrollment = None if enrollment_id is None else course_progress.lock_enrollment(enrollment_id)
    place = places.lock_place(actor.id, quiz["id"], quiz["course_id"])
    now, terms = clock.now(), rules.terms_of(quiz, place["overrides"])
    reset_at = enrollment["reset_at"] if enrollment is not None else None
    mine = standing.find_standing(actor.id, quiz["id"], reset_at)
    if mine.open_attempt is not None:
        if not _is_finished(mine.open_attempt, mine, now):
            return _answer(actor, mine.open_attempt["id"])
        _finish_old(actor, quiz, mine.open_attempt, mine)
        mine = standing.find_standing(actor.id, quiz["id"], reset_at)
        place = places.lock_place(actor.id, quiz["id"], quiz["course_id"])
    if not quiz["is_staff"]:
        _check_gates(quiz, terms, mine, body, now)
    attempt_id = _insert(actor, quiz, enrollment, terms, mine, now)
    changes: Row = {"attempts_used": mine.used + 1, "started_at": place["started_at"] or now}
    if quiz["mode"] == rules.GRADED and place["state"] == "none":
        changes["state"] = "in_progress"
    places.save_place(place, **changes)
    answer = _answer(actor, attempt_id)
    db.execute(COUNT, {"of_quiz": quiz["id"]})  # last of all, as everybody who starts writes this one row
    return answer


def _answer(actor: Actor, attempt_id: int) -> Row:
    pipeline.locate(f"/quiz-attempts/{attempt_id}")
    return attempts.get_attempt(actor, attempt_id, is_staff=False)


def _is_finished(attempt: Row, mine: standing.Standing, now: datetime) -> bool:
    """Whether an open attempt is one only because no job has ended it yet, or is of an earlier go at the course."""
    is_of_now = any(row["id"] == attempt["id"] for row in mine.counted)
    return not is_of_now or answers.is_over(attempt, now)


def _finish_old(actor: Actor, quiz: Mapping[str, Any], attempt: Row, mine: standing.Standing) -> None:
    facts = {"attempt_id": attempt["id"], "user_id": actor.id, "quiz_id": quiz["id"]}
    held = outcome.lock_attempt({**facts, "enrollment_id": quiz["enrollment_id"]})
    if any(row["id"] == attempt["id"] for row in mine.counted):
        outcome.count_passed(held.attempt, submitting.finish(held, actor_id=actor.id, is_auto=True))
    else:
        outcome.abandon(held)


def _check_gates(
    quiz: Mapping[str, Any], terms: rules.Terms, mine: standing.Standing, body: Mapping[str, Any], now: datetime
) -> None:
    if terms.opens_at is not None and now < terms.opens_at:
        raise QuizNotOpen(f"This quiz opens at {clock.iso(terms.opens_at)}.")
    if terms.closes_at is not None and now >= terms.closes_at:
        raise QuizClosed(f"This quiz closed at {clock.iso(terms.closes_at)}.")
    if mine.left(terms) == 0:
        raise AttemptLimitReached
    next_at = mine.next_at(terms, now)
    if next_at is not None:
        seconds = int((next_at - now).total_seconds()) + 1
        text = f"You can try this quiz again at {clock.iso(next_at)}."
        raise AttemptCooldown(text, headers={"Retry-After": str(seconds)})
    code = quiz["access_code"]
    if code is not None and not hmac.compare_digest(code.encode(), body.get("access_code", "").encode()):
        raise AccessCodeWrong if body.get("access_code") else AccessCodeWrong("This quiz asks for an access code.")


def _insert(
    actor: Actor,
    quiz: Mapping[str, Any],
    enrollment: Row | None,
    terms: rules.Terms,
    mine: standing.Standing,
    now: datetime,
) -> int:
    seed = secrets.randbits(_BITS)
    drawn = drawing.draw_questions(quiz, seed)
    if not drawn:
        raise QuizEmpty
    call = calls.current()
    row = {
        "quiz_id": quiz["id"],
        "user_id": actor.id,
        "course_id": quiz["course_id"],
        "enrollment_id": quiz["enrollment_id"],
        "number": mine.last_number + 1,
        "completion_no": enrollment["completion_no"] if enrollment is not None else 0,
        "mode": quiz["mode"],
        "status": "in_progress",
        "quiz_version": quiz["version"],
        "seed": seed,
        "settings": {name: quiz[name] for name in KEPT_RULES},
        "started_at": now,
        **terms.deadlines(now, quiz["on_late"]),
        "current_position": 1,
        "max_score": round(sum(item["max_points"] for item in drawn), rules.PLACES),
        "ip": call.client if call else None,
        "created_at": now,
        "updated_at": now,
    }
    attempt_id = db.insert_id(db.execute(INSERT, row))
    common = {"attempt_id": attempt_id, "quiz_id": quiz["id"], "created_at": now, "updated_at": now}
    db.execute(INSERT_ANSWERS, [{**common, **item} for item in drawn])
    return attempt_id
