"""Grading attempts again after a key changed: first who would move from what to what, then for good.

Each attempt is a unit of work of its own. Grades that a person gave stay. An answer keeps the version that it was
graded by before; the attempt keeps a record of what moved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, exists, or_, select, update

from learnomy_wp.kernel import clock, db, jobs, jobview
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import Detail, ValidationFailed
from learnomy_wp.kernel.jobrun import Job
from learnomy_wp.quizzes import grading, outcome, statistics
from wp_schema.tables import attempt_answers, question_versions, questions, quiz_attempts, quiz_slots

Row = dict[str, Any]

KIND = "regrade_quiz"
BATCH = 100
# How many moves a report lists; it counts all of them.
MOST_MOVES = 1000
CLOSED = ("graded", "needs_grading")

ATTEMPTS = (
    select(
        quiz_attempts.c.id.label("attempt_id"),
        quiz_attempts.c.user_id,
        quiz_attempts.c.quiz_id,
        quiz_attempts.c.enrollment_id,
    )
    .where(
        quiz_attempts.c.quiz_id == bindparam("quiz_id"),
        quiz_attempts.c.status.in_(bindparam("states", expanding=True)),
        quiz_attempts.c.id > bindparam("after_id"),
    )
    .order_by(quiz_attempts.c.id)
    .limit(BATCH)
)
ATTEMPT = select(quiz_attempts).where(quiz_attempts.c.id == bindparam("id"))
USED = (
    select(attempt_answers.c.question_id, questions.c.current_version_id)
    .join_from(attempt_answers, questions, questions.c.id == attempt_answers.c.question_id)
    .where(attempt_answers.c.attempt_id.in_(bindparam("ids", expanding=True)))
    .distinct()
)
PINNED = select(quiz_slots.c.question_id, quiz_slots.c.version_id).where(
    quiz_slots.c.quiz_id == bindparam("quiz_id"), quiz_slots.c.version_id.is_not(None)
)
ASKED = select(questions.c.id).where(
    questions.c.id.in_(bindparam("ids", expanding=True)),
    or_(
        exists().where(quiz_slots.c.question_id == questions.c.id, quiz_slots.c.quiz_id == bindparam("quiz_id")),
        exists().where(
            attempt_answers.c.question_id == questions.c.id, attempt_answers.c.quiz_id == bindparam("quiz_id")
        ),
    ),
)
VERSIONS = select(question_versions).where(question_versions.c.id.in_(bindparam("ids", expanding=True)))
MOVE_OPEN = (
    update(attempt_answers)
    .where(attempt_answers.c.id == bindparam("answer_id"))
    .values(
        version_id=bindparam("new_version"),
        regraded_from=bindparam("old_version"),
        layout=bindparam("new_layout", type_=attempt_answers.c.layout.type),
        updated_at=bindparam("at"),
    )
)


@dataclass
class _Keys:
    """The newest version of each question that an attempt may hold, as far as they were asked for."""

    pinned: Mapping[int, int]
    only: frozenset[int] | None
    newest: dict[int, int] = field(default_factory=dict)
    versions: dict[int, Row] = field(default_factory=dict)

    def learn(self, attempt_ids: Sequence[int]) -> None:
        """Read what these attempts need and is not known yet."""
        for row in db.rows(USED, {"ids": list(attempt_ids)}):
            question_id, newest = row["question_id"], row["current_version_id"]
            if newest is not None and (self.only is None or question_id in self.only):
                self.newest[question_id] = self.pinned.get(question_id, newest)
        missing = sorted(set(self.newest.values()) - self.versions.keys())
        if missing:
            self.versions |= {row["id"]: row for row in db.rows(VERSIONS, {"ids": missing})}

    def of(self, question_id: int) -> Row | None:
        """The version by which a question is graded now, None for one that was not asked for."""
        return self.versions.get(self.newest.get(question_id, 0))


def start_regrade(actor: Actor, quiz_id: int, *, body: Mapping[str, Any]) -> Row:
    """Enqueue a regrade, or with `dry_run` its preview; gives the job, whose report says who moves.

    Raises `ValidationFailed` for a question that the quiz never asked.
    """
    wanted = body.get("question_ids", [])
    asked = set(db.values(ASKED, {"quiz_id": quiz_id, "ids": wanted})) if wanted else set()
    wrong = [
        Detail(f"question_ids.{number}", "unknown", "This quiz has no such question.")
        for number, question_id in enumerate(wanted)
        if question_id not in asked
    ]
    if wrong:
        raise ValidationFailed(details=wrong)
    payload = {**body, "quiz_id": quiz_id}
    key = f"{quiz_id}:{'dry' if body['dry_run'] else 'real'}:{sorted(body.get('question_ids', ()))}"
    return jobview.started(jobs.enqueue(KIND, payload, owner_id=actor.id, unique_key=key))


def regrade(job: Job) -> Row:
    """The job. A rerun finds what is regraded already unchanged."""
    asked = job.payload
    only = frozenset(asked["question_ids"]) if asked.get("question_ids") else None
    pinned = {row["question_id"]: row["version_id"] for row in db.rows(PINNED, {"quiz_id": asked["quiz_id"]})}
    keys = _Keys(pinned, only)
    report: Row = {"dry_run": asked["dry_run"], "attempts": 0, "moved": 0, "open": 0, "moves": []}
    states = [*CLOSED, "in_progress"] if asked.get("include_open") else list(CLOSED)
    after = 0
    while batch := db.rows(ATTEMPTS, {"quiz_id": asked["quiz_id"], "states": states, "after_id": after}):
        keys.learn([facts["attempt_id"] for facts in batch])
        for facts in batch:
            _note(report, facts, _regrade_one(facts, keys, dry_run=asked["dry_run"], actor_id=job.owner_id))
        after = batch[-1]["attempt_id"]
        job.report = report
        job.progress(report["attempts"])
    if not asked["dry_run"] and report["moved"]:
        db.transaction(lambda: statistics.count_later(asked["quiz_id"]))
    return report


def _note(report: Row, facts: Row, move: Row | None) -> None:
    report["attempts"] += 1
    if move is None:
        return
    if move.pop("is_open"):
        report["open"] += 1
        return
    report["moved"] += 1
    if len(report["moves"]) < MOST_MOVES:
        report["moves"].append({"attempt_id": facts["attempt_id"], "user_id": facts["user_id"], **move})


def _regrade_one(facts: Row, keys: _Keys, *, dry_run: bool, actor_id: int) -> Row | None:
    if dry_run:
        attempt = db.row(ATTEMPT, {"id": facts["attempt_id"]})
        assert attempt is not None
        return _compare(attempt, *_graded_anew(attempt, keys))
    return db.transaction(lambda: _apply(facts, keys, actor_id))


def _apply(facts: Row, keys: _Keys, actor_id: int) -> Row | None:
    held = outcome.lock_attempt(facts)
    attempt = held.attempt
    answers, changed = _graded_anew(attempt, keys)
    move = _compare(attempt, answers, changed)
    if not changed:
        return None
    if attempt["status"] == "in_progress":
        for answer in changed:
            versions = {"new_version": answer["version_id"], "old_version": answer["regraded_from"]}
            values = {"answer_id": answer["id"], "new_layout": answer["layout"], "at": clock.now(), **versions}
            db.execute(MOVE_OPEN, values)
        return move
    grading.write_marks(changed)
    record = _record(attempt, answers, changed, actor_id)
    outcome.count_passed(attempt, outcome.conclude(held, answers, actor_id=actor_id, regrades=record))
    return move


def _graded_anew(attempt: Row, keys: _Keys) -> tuple[list[Row], list[Row]]:
    """An attempt's answers by the newest keys, and those of them that differ."""
    answers, changed = [], []
    for answer in grading.find_answers(attempt["id"]):
        version = keys.of(answer["question_id"])
        after = answer
        # A question that became one of another type is another question.
        if version is not None and version["type"] == answer["type"] and not answer["is_manual"]:
            after = grading.by_version(answer, version, attempt)
        answers.append(after)
        if any(after[name] != answer[name] for name in ("version_id", "points", "state")):
            changed.append(after)
    return answers, changed


def _compare(attempt: Row, answers: list[Row], changed: list[Row]) -> Row | None:
    """How an attempt's result moves, None where nothing does."""
    if not changed:
        return None
    if attempt["status"] == "in_progress":
        return {"is_open": True}
    after = outcome.result_of(attempt, answers)
    if (after["percent"], after["passed"], after["status"]) == (
        attempt["percent"],
        attempt["passed"],
        attempt["status"],
    ):
        return None
    return {
        "is_open": False,
        "from_percent": attempt["percent"],
        "to_percent": after["percent"],
        "from_passed": attempt["passed"],
        "to_passed": after["passed"],
    }


def _record(attempt: Row, answers: list[Row], changed: list[Row], actor_id: int) -> list[Row]:
    after = outcome.result_of(attempt, answers)
    versions = [
        {"position": answer["position"], "from": answer["regraded_from"], "to": answer["version_id"]}
        for answer in changed
    ]
    entry = {"at": clock.iso(clock.now()), "by": actor_id, "from_percent": attempt["percent"]}
    return [*(attempt["regrades"] or ()), {**entry, "to_percent": after["percent"], "versions": versions}]
