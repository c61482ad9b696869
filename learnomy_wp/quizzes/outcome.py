"""What an attempt comes to, and what all attempts of a user come to in the course.

Locks are taken in one order everywhere: the enrolment, the user's progress row of the quiz, the attempt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update

from learnomy_wp.kernel import clock, db, events
from learnomy_wp.progress import state as course_progress
from learnomy_wp.quizzes import places, rules, standing
from learnomy_wp.quizzes.events import AttemptGraded, AttemptPassed, AttemptSubmitted
from wp_schema.tables import enrollments, quiz_attempts, quizzes

Row = dict[str, Any]

LOCK = select(quiz_attempts).where(quiz_attempts.c.id == bindparam("id")).with_for_update()
ENROLLMENT = select(enrollments.c.id).where(
    enrollments.c.user_id == bindparam("of_user"), enrollments.c.course_id == bindparam("of_course")
)
WRITE = (
    update(quiz_attempts)
    .where(quiz_attempts.c.id == bindparam("attempt_id"))
    .values(
        {
            quiz_attempts.c.status: bindparam("new_status"),
            quiz_attempts.c.submitted_at: bindparam("submitted"),
            quiz_attempts.c.ends_at: None,
            quiz_attempts.c.graded_at: bindparam("graded"),
            quiz_attempts.c.score: bindparam("new_score"),
            quiz_attempts.c.percent: bindparam("new_percent"),
            quiz_attempts.c.passed: bindparam("is_now_passed"),
            quiz_attempts.c.pending_count: bindparam("pending"),
            quiz_attempts.c.is_late: bindparam("late"),
            quiz_attempts.c.is_auto_submitted: bindparam("auto"),
            quiz_attempts.c.graded_by: bindparam("grader"),
            quiz_attempts.c.feedback_html: bindparam("feedback"),
            quiz_attempts.c.regrades: bindparam("regrade_list", type_=quiz_attempts.c.regrades.type),
            quiz_attempts.c.passed_announced_at: bindparam("announced"),
            quiz_attempts.c.version: quiz_attempts.c.version + 1,
            quiz_attempts.c.updated_at: bindparam("at"),
        }
    )
)
ABANDON = (
    update(quiz_attempts)
    .where(quiz_attempts.c.id == bindparam("attempt_id"))
    .values(
        status="abandoned",
        abandoned_at=bindparam("at"),
        ends_at=None,
        is_late=True,
        version=quiz_attempts.c.version + 1,
        updated_at=bindparam("at"),
    )
)
VOID = (
    update(quiz_attempts)
    .where(
        quiz_attempts.c.quiz_id == bindparam("of_quiz"),
        quiz_attempts.c.user_id == bindparam("of_user"),
        quiz_attempts.c.is_voided.is_(False),
    )
    .values(is_voided=True, updated_at=bindparam("at"))
)
CLOSE_OPEN = (
    update(quiz_attempts)
    .where(quiz_attempts.c.user_id == bindparam("of_user"), quiz_attempts.c.open_quiz_id == bindparam("of_quiz"))
    .values(status="abandoned", abandoned_at=bindparam("at"), ends_at=None, updated_at=bindparam("at"))
)
COUNT_PASSED = (
    update(quizzes)
    .where(quizzes.c.id == bindparam("of_quiz"))
    .values({quizzes.c.passed_count: quizzes.c.passed_count + bindparam("more")})
)


@dataclass(frozen=True)
class Held:
    """A learner's rows, locked in their order."""

    enrollment: Row | None
    place: Row
    attempt: Row

    @property
    def reset_at(self) -> datetime | None:
        return self.enrollment["reset_at"] if self.enrollment is not None else None


def lock_attempt(facts: Mapping[str, Any]) -> Held:
    """Lock an attempt with what its result goes into. `facts` name it, its user, its quiz and its enrolment."""
    enrollment = _lock_enrollment(facts["enrollment_id"])
    course_id = enrollment["course_id"] if enrollment is not None else None
    place = places.lock_place(facts["user_id"], facts["quiz_id"], course_id)
    attempt = db.row(LOCK, {"id": facts["attempt_id"]})
    assert attempt is not None, "attempts are never removed"
    return Held(enrollment, place, attempt)


def _lock_enrollment(enrollment_id: int | None) -> Row | None:
    return None if enrollment_id is None else course_progress.lock_enrollment(enrollment_id)


# --- one attempt -------------------------------------------------------------------------


def conclude(held: Held, answers: Iterable[Mapping[str, Any]], *, actor_id: int, **changes: Any) -> Row:
    """Make and write the result of a locked attempt from its graded answers; gives its new row.

    `changes` are further columns. The caller ends with `count_passed`. Emits `AttemptSubmitted`, `AttemptGraded` and
    `AttemptPassed` where they become true, once each.
    """
    attempt, now = held.attempt, clock.now()
    after = {**attempt, **changes, **result_of(attempt, list(answers))}
    is_new = after["status"] == "graded" and attempt["graded_at"] is None
    if is_new:
        after["graded_at"] = now
    announces = bool(after["passed"]) and after["mode"] == rules.GRADED and attempt["passed_announced_at"] is None
    if announces:
        after["passed_announced_at"] = now
    _write(after, now)
    if after["submitted_at"] is not None and attempt["submitted_at"] is None:
        events.emit(AttemptSubmitted(**_named(after)), actor_id=actor_id)
    if is_new:
        events.emit(AttemptGraded(**_named(after)), actor_id=actor_id)
    if announces:
        events.emit(AttemptPassed(**_named(after), score=plain(after["percent"])), actor_id=actor_id)
    if after["status"] == "graded":
        settle_result(held, after["settings"], actor_id=actor_id)
    return after


def plain(percent: float) -> int | float:
    """A percentage as listeners get it: an int where it is whole."""
    return int(percent) if percent == int(percent) else percent


def abandon(held: Held) -> Row:
    """End a locked attempt without a result: its time was over, and the quiz takes nothing late."""
    now = clock.now()
    db.execute(ABANDON, {"attempt_id": held.attempt["id"], "at": now})
    return {**held.attempt, "status": "abandoned", "abandoned_at": now, "is_late": True}


def result_of(attempt: Mapping[str, Any], answers: Sequence[Mapping[str, Any]]) -> Row:
    """The columns that graded answers give an attempt: its state, score, percentage and whether it is passed."""
    if attempt["mode"] == rules.SURVEY:
        return {"status": "submitted", "pending_count": 0, "score": None, "percent": None, "passed": None}
    pending = sum(answer["state"] == "needs_grading" for answer in answers)
    if pending:
        return {"status": "needs_grading", "pending_count": pending, "score": None, "percent": None, "passed": None}
    most = float(attempt["max_score"])
    score = min(most, max(0.0, round(sum(answer["points"] or 0.0 for answer in answers), rules.PLACES)))
    percent = rules.percent_of(score, most)
    passed = rules.is_passed(percent, attempt["settings"]["passing_percent"])
    return {"status": "graded", "pending_count": 0, "score": score, "percent": percent, "passed": passed}


def _write(after: Row, now: datetime) -> None:
    db.execute(
        WRITE,
        {
            "attempt_id": after["id"],
            "new_status": after["status"],
            "submitted": after["submitted_at"],
            "graded": after["graded_at"],
            "new_score": after["score"],
            "new_percent": after["percent"],
            "is_now_passed": after["passed"],
            "pending": after["pending_count"],
            "late": after["is_late"],
            "auto": after["is_auto_submitted"],
            "grader": after["graded_by"],
            "feedback": after["feedback_html"],
            "regrade_list": after["regrades"],
            "announced": after["passed_announced_at"],
            "at": now,
        },
    )


def _named(attempt: Row) -> dict[str, int]:
    named = {"attempt_id": attempt["id"], "user_id": attempt["user_id"], "quiz_id": attempt["quiz_id"]}
    return {**named, "course_id": attempt["course_id"] or 0}


def count_passed(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Count a quiz's passed attempts: last of all, as everybody who submits writes this one row."""
    more = int(bool(after["passed"])) - int(bool(before["passed"]))
    if more:
        db.execute(COUNT_PASSED, {"of_quiz": after["quiz_id"], "more": more})


# --- all attempts of a user --------------------------------------------------------------


def settle_result(held: Held, settings: Mapping[str, Any], *, actor_id: int) -> None:
    """Make a user's result of a quiz from the attempts that count, and the course's progress with it."""
    if held.attempt["mode"] != rules.GRADED:
        return
    _settle(held, held.attempt["user_id"], held.attempt["quiz_id"], settings, actor_id=actor_id)


def void_attempts(quiz: Mapping[str, Any], user_id: int, *, actor_id: int = 0) -> None:
    """Let a user's attempts so far count no more; an open one ends."""
    found = db.row(ENROLLMENT, {"of_user": user_id, "of_course": quiz["course_id"]}) if quiz["course_id"] else None
    enrollment = _lock_enrollment(found["id"] if found is not None else None)
    place = places.lock_place(user_id, quiz["id"], quiz["course_id"])
    now = clock.now()
    db.execute(CLOSE_OPEN, {"of_user": user_id, "of_quiz": quiz["id"], "at": now})
    db.execute(VOID, {"of_user": user_id, "of_quiz": quiz["id"], "at": now})
    _settle(Held(enrollment, place, {}), user_id, quiz["id"], quiz, actor_id=actor_id)


def _settle(held: Held, user_id: int, quiz_id: int, settings: Mapping[str, Any], *, actor_id: int) -> None:
    mine = standing.find_standing(user_id, quiz_id, held.reset_at)
    best = rules.result_of(mine.percents(), settings["score_policy"])
    passed = best is not None and mine.is_passed(settings["score_policy"], settings["passing_percent"])
    before, now = held.place, clock.now()
    state = "completed" if passed else "in_progress" if mine.used else "none"
    completed_at = (before["completed_at"] or now) if passed else None
    places.save_place(before, state=state, best_percent=best, attempts_used=mine.used, completed_at=completed_at)
    if held.enrollment is not None and (state == "completed") != (before["state"] == "completed"):
        course_progress.recount(held.enrollment, actor_id=actor_id)
