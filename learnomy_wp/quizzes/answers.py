"""Saving answers while an attempt goes on: small, frequent, and safe in whatever order packets arrive.

The attempt's row is locked, so a save and the submission never cross. Of two saves of one question the one with the
greater sequence stands. What comes after the deadline is kept and marked, and counts as the quiz says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select, update

from learnomy_wp.kernel import clock, db
from learnomy_wp.kernel.errors import Detail, ValidationFailed
from learnomy_wp.questions import types
from learnomy_wp.quizzes import rules
from learnomy_wp.quizzes.errors import AttemptClosed
from wp_schema.tables import attempt_answers, question_versions, quiz_attempts

Row = dict[str, Any]

ATTEMPT = (
    select(
        *(
            quiz_attempts.c[name]
            for name in (
                "id",
                "status",
                "started_at",
                "due_at",
                "grace_until",
                "submitted_at",
                "is_auto_submitted",
                "current_position",
                "settings",
            )
        )
    )
    .where(quiz_attempts.c.id == bindparam("id"))
    .with_for_update()
)
HELD = (
    select(
        attempt_answers.c.id,
        attempt_answers.c.position,
        attempt_answers.c.sequence,
        attempt_answers.c.layout,
        attempt_answers.c.is_flagged,
        attempt_answers.c.seconds_spent,
        attempt_answers.c.late_answer,
        question_versions.c.type,
        question_versions.c.content,
    )
    .join_from(attempt_answers, question_versions, question_versions.c.id == attempt_answers.c.version_id)
    .where(
        attempt_answers.c.attempt_id == bindparam("attempt_id"),
        attempt_answers.c.position.in_(bindparam("positions", expanding=True)),
    )
)
SAVE = (
    update(attempt_answers)
    .where(attempt_answers.c.id == bindparam("answer_id"))
    .values(
        sequence=bindparam("new_sequence"),
        answer=bindparam("new_answer", type_=attempt_answers.c.answer.type),
        state=bindparam("new_state"),
        is_flagged=bindparam("flagged"),
        is_late=bindparam("late"),
        seconds_spent=bindparam("seconds"),
        saved_at=bindparam("at"),
        updated_at=bindparam("at"),
    )
)
KEEP_LATE = (
    update(attempt_answers)
    .where(attempt_answers.c.id == bindparam("answer_id"))
    .values(
        late_answer=bindparam("new_answer", type_=attempt_answers.c.late_answer.type),
        late_saved_at=bindparam("at"),
        updated_at=bindparam("at"),
    )
)
TURN_PAGE = (
    update(quiz_attempts)
    .where(quiz_attempts.c.id == bindparam("attempt_id"))
    .values(current_position=bindparam("page"), updated_at=bindparam("at"))
)
# What a client's clock may be ahead by, in the seconds that it says were spent.
_SLACK = timedelta(minutes=1)


def save_answers(attempt_id: int, *, body: Mapping[str, Any]) -> Row:
    """Save answers of the learner's own attempt.

    Raises `AttemptClosed` once it is submitted, `ValidationFailed` for a position or an answer that does not fit.
    """
    attempt = db.row(ATTEMPT, {"id": attempt_id})
    assert attempt is not None, "attempts are never removed"
    now = clock.now()
    if attempt["status"] != "in_progress" and not _takes_late(attempt, now):
        raise AttemptClosed
    outcomes = save_into(attempt, body["answers"], now)
    page = body.get("current_page")
    if page is not None and attempt["status"] == "in_progress":
        _turn_page(attempt, page, now)
    return {
        "attempt_id": attempt_id,
        "status": attempt["status"],
        "server_time": now,
        "due_at": attempt["due_at"],
        "seconds_left": seconds_left(attempt, now),
        "answers": outcomes,
    }


def save_into(attempt: Mapping[str, Any], items: Sequence[Row], now: datetime) -> list[Row]:
    """Save answers into an attempt whose row is locked; gives what became of each."""
    positions = sorted({item["position"] for item in items})
    found = db.rows(HELD, {"attempt_id": attempt["id"], "positions": positions})
    held = {row["position"]: row for row in found}
    _check(items, held)
    is_late = attempt["status"] != "in_progress" or is_over(attempt, now)
    apart = is_late and (attempt["status"] != "in_progress" or attempt["settings"]["on_late"] != rules.COUNT)
    write = _keep_late if apart else _save
    return [write(attempt, held[item["position"]], item, now) for item in items]


def is_over(attempt: Mapping[str, Any], now: datetime) -> bool:
    """Whether an attempt's time is over, its grace too."""
    return attempt["grace_until"] is not None and now > attempt["grace_until"]


def seconds_left(attempt: Mapping[str, Any], now: datetime) -> int | None:
    """Whole seconds until the deadline of an open attempt, None without one."""
    if attempt["due_at"] is None or attempt["status"] != "in_progress":
        return None
    return max(0, int((attempt["due_at"] - now).total_seconds()))


def _takes_late(attempt: Mapping[str, Any], now: datetime) -> bool:
    """Whether what was under way when time was over is still kept, beside the answers."""
    return bool(attempt["is_auto_submitted"]) and now <= attempt["submitted_at"] + rules.LATEST


def _check(items: Sequence[Row], held: Mapping[int, Row]) -> None:
    """Refuse what is no answer to its question; canonical forms are put into the items."""
    wrong = []
    for number, item in enumerate(items):
        row = held.get(item["position"])
        if row is None:
            text = "This attempt has no such question."
            wrong.append(Detail(f"answers.{number}.position", "unknown", text))
        elif item["answer"] is not None:
            try:
                item["answer"] = types.check_response(row, row["layout"]["drawn"], item["answer"])
            except ValueError as error:
                wrong.append(Detail(f"answers.{number}.answer", "invalid", str(error)))
    if wrong:
        raise ValidationFailed(details=wrong)


def _save(attempt: Mapping[str, Any], row: Row, item: Row, now: datetime) -> Row:
    if item["sequence"] <= row["sequence"]:
        return _outcome(row, "superseded")
    if not attempt["settings"]["allow_back"] and row["layout"]["page"] < attempt["current_position"]:
        return _outcome(row, "refused")
    most = int((now - attempt["started_at"] + _SLACK).total_seconds())
    row |= {
        "sequence": item["sequence"],
        "is_flagged": item.get("is_flagged", row["is_flagged"]),
        "seconds_spent": max(row["seconds_spent"], min(item.get("seconds_spent", 0), most)),
    }
    values = {
        "answer_id": row["id"],
        "new_sequence": row["sequence"],
        "new_answer": item["answer"],
        "new_state": "empty" if item["answer"] is None else "saved",
        "flagged": row["is_flagged"],
        "late": is_over(attempt, now),
        "seconds": row["seconds_spent"],
        "at": now,
    }
    db.execute(SAVE, values)
    return _outcome(row, "saved")


def _keep_late(_attempt: Mapping[str, Any], row: Row, item: Row, now: datetime) -> Row:
    known = row["late_answer"] or {}
    if item["sequence"] <= max(row["sequence"], known.get("sequence", 0)):
        return _outcome(row, "superseded")
    row["late_answer"] = {"sequence": item["sequence"], "answer": item["answer"]}
    db.execute(KEEP_LATE, {"answer_id": row["id"], "new_answer": row["late_answer"], "at": now})
    return _outcome(row, "late")


def _outcome(row: Row, outcome: str) -> Row:
    return {"position": row["position"], "sequence": row["sequence"], "outcome": outcome}


def _turn_page(attempt: Mapping[str, Any], page: int, now: datetime) -> None:
    held = attempt["current_position"]
    wanted = page if attempt["settings"]["allow_back"] else max(page, held)
    if wanted != held:
        db.execute(TURN_PAGE, {"attempt_id": attempt["id"], "page": wanted, "at": now})
