"""What graded attempts say of the questions of a quiz, counted by a job and kept with the quiz.

A read is one row, however many attempts there are; the job reads the newest attempts in batches.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select, update

from learnomy_wp.kernel import clock, db, jobs
from learnomy_wp.kernel.errors import NotFound
from learnomy_wp.kernel.jobrun import Job
from learnomy_wp.questions import types
from learnomy_wp.quizzes import rules
from wp_schema.tables import attempt_answers, question_versions, questions, quiz_attempts, quizzes

Row = dict[str, Any]

KIND = "count_quiz_answers"
# So long after an attempt was graded its quiz is counted, so that an exam is counted once a minute.
WAIT = timedelta(minutes=1)
BATCH = 200
MOST_ATTEMPTS = 5000
MOST_CHOICES = 50
_PLACES = 4

READ = select(
    quizzes.c.id.label("quiz_id"), quizzes.c.attempt_count, quizzes.c.passed_count, quizzes.c.statistics
).where(quizzes.c.id == bindparam("id"))
MODE = select(quizzes.c.mode).where(quizzes.c.id == bindparam("id"))
KEEP = (
    update(quizzes)
    .where(quizzes.c.id == bindparam("quiz_id"))
    .values({quizzes.c.statistics: bindparam("counted", type_=quizzes.c.statistics.type)})
)
GRADED = (
    select(quiz_attempts.c.id, quiz_attempts.c.score, quiz_attempts.c.percent, quiz_attempts.c.started_at)
    .where(
        quiz_attempts.c.quiz_id == bindparam("quiz_id"),
        quiz_attempts.c.status == bindparam("state"),
        quiz_attempts.c.is_voided.is_(False),
        quiz_attempts.c.id < bindparam("before_id"),
    )
    .order_by(quiz_attempts.c.id.desc())
    .limit(BATCH)
)
ANSWERS = select(
    attempt_answers.c.attempt_id,
    attempt_answers.c.question_id,
    attempt_answers.c.version_id,
    attempt_answers.c.layout,
    attempt_answers.c.answer,
    attempt_answers.c.fraction,
    attempt_answers.c.points,
    attempt_answers.c.seconds_spent,
).where(attempt_answers.c.attempt_id.in_(bindparam("ids", expanding=True)))
VERSIONS = select(question_versions.c.id, question_versions.c.type, question_versions.c.content).where(
    question_versions.c.id.in_(bindparam("ids", expanding=True))
)
NAMES = select(questions.c.id, questions.c.title, questions.c.type).where(
    questions.c.id.in_(bindparam("ids", expanding=True))
)


@dataclass
class _Tally:
    """The sums over one question's answers: its share of points, and what the attempt made without it."""

    given: int = 0
    answered: int = 0
    share: float = 0.0
    share_squared: float = 0.0
    rest: float = 0.0
    rest_squared: float = 0.0
    product: float = 0.0
    seconds: int = 0
    timed: int = 0
    choices: Counter[str] = field(default_factory=Counter)

    def add(self, answer: Mapping[str, Any], version: Mapping[str, Any], score: float) -> None:
        share, rest = answer["fraction"] or 0.0, score - (answer["points"] or 0.0)
        self.given += 1
        self.share += share
        self.share_squared += share * share
        self.rest += rest
        self.rest_squared += rest * rest
        self.product += share * rest
        if answer["answer"] is not None:
            self.answered += 1
            self.choices.update(types.choices(version, answer["layout"]["drawn"], answer["answer"]))
        if answer["seconds_spent"]:
            self.timed += 1
            self.seconds += answer["seconds_spent"]

    def result(self) -> Row:
        return {
            "given_count": self.given,
            "answered_count": self.answered,
            "facility": round(100 * self.share / self.given, _PLACES) if self.given else None,
            "discrimination": self._discrimination(),
            "average_seconds": round(self.seconds / self.timed, 1) if self.timed else None,
            "choices": [{"choice": choice, "count": count} for choice, count in self.choices.most_common(MOST_CHOICES)],
        }

    def _discrimination(self) -> float | None:
        n = self.given
        spread = (n * self.share_squared - self.share**2) * (n * self.rest_squared - self.rest**2)
        if n < 2 or spread <= 1e-9:
            return None
        return round(max(-1.0, min(1.0, (n * self.product - self.share * self.rest) / math.sqrt(spread))), _PLACES)


def get_statistics(quiz_id: int) -> Row:
    """What the last count found; nothing is counted yet where no attempt was graded. Raises `NotFound`."""
    found = db.row(READ, {"id": quiz_id})
    if found is None:
        raise NotFound("quiz")
    counted = found.pop("statistics") or {"at": None, "graded_count": 0, "average_percent": None, "questions": []}
    at = counted.pop("at")
    return {**found, **counted, "counted_at": None if at is None else datetime.fromisoformat(at)}


def count_later(quiz_id: int) -> None:
    """Count a quiz anew a minute after this unit of work; one job does for all that is graded meanwhile."""
    at = clock.now() + WAIT

    def enqueue() -> None:
        if not jobs.is_queued(KIND, str(quiz_id)):
            work = {"quiz_id": quiz_id}
            db.transaction(lambda: jobs.enqueue(KIND, work, unique_key=str(quiz_id), run_at=at))

    # On its own, so that nobody who submits waits for anybody else's submission.
    db.after_commit(enqueue)


def count_quiz(job: Job) -> Row:
    """The job: count the newest graded attempts of a quiz, and keep what comes of it."""
    quiz_id = job.payload["quiz_id"]
    # A survey is never graded, so that what was handed in is all there is.
    state = "submitted" if db.value(MODE, {"id": quiz_id}) == rules.SURVEY else "graded"
    tallies: dict[int, _Tally] = {}
    versions: dict[int, Row] = {}
    percents: list[float] = []
    counted, before = 0, 2**63 - 1
    while counted < MOST_ATTEMPTS:
        batch = db.rows(GRADED, {"quiz_id": quiz_id, "state": state, "before_id": before})
        if not batch:
            break
        _count(batch, tallies, versions)
        percents += [attempt["percent"] for attempt in batch if attempt["percent"] is not None]
        counted, before = counted + len(batch), batch[-1]["id"]
        job.progress(counted)
    names = {row["id"]: row for row in db.rows(NAMES, {"ids": sorted(tallies)})} if tallies else {}
    kept = {
        "at": clock.now().isoformat(),
        "graded_count": counted,
        "average_percent": round(sum(percents) / len(percents), _PLACES) if percents else None,
        "questions": [
            {"question_id": question_id, "title": names[question_id]["title"], "type": names[question_id]["type"]}
            | tally.result()
            for question_id, tally in sorted(tallies.items())
            if question_id in names
        ],
    }
    db.write(KEEP, {"quiz_id": quiz_id, "counted": kept})
    return {"quiz_id": quiz_id, "attempts": counted}


def _count(batch: list[Row], tallies: dict[int, _Tally], versions: dict[int, Row]) -> None:
    scores = {attempt["id"]: attempt["score"] or 0.0 for attempt in batch}
    answers = db.rows(ANSWERS, {"ids": sorted(scores)})
    missing = sorted({answer["version_id"] for answer in answers} - versions.keys())
    if missing:
        versions |= {row["id"]: row for row in db.rows(VERSIONS, {"ids": missing})}
    for answer in answers:
        tally = tallies.setdefault(answer["question_id"], _Tally())
        tally.add(answer, versions[answer["version_id"]], scores[answer["attempt_id"]])
