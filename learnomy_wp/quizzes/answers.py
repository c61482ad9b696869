"""Saving answers while an attempt goes on: small, frequent, and safe in whatever order packets arrive.

The attempt's row is locked, so a save and the submission never cross. Of two saves of one question the one with the
greater sequence stands. What comes after the deadline is kept and marked, and counts as the quiz says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects import mysql, sqlite

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
# What a save writes: of one answer by its id, of several in one statement.
_SAVED = ("sequence", "answer", "state", "is_flagged", "is_late", "seconds_spent", "saved_at", "updated_at")
SAVE = (
    update(attempt_answers)
    .where(attempt_answers.c.id == bindparam("answer_id"))
    .values({name: bindparam(f"new_{name}", type_=attempt_answers.c[name].type) for name in _SAVED})
)
_mysql, _sqlite = mysql.insert(attempt_answers), sqlite.insert(attempt_answers)
SAVE_MYSQL = _mysql.on_duplicate_key_update({name: _mysql.inserted[name] for name in _SAVED})
SAVE_SQLITE = _sqlite.on_conflict_do_update(
    index_elements=[attempt_answers.c.attempt_id, attempt_answers.c.position],
    set_={name: _sqlite.excluded[name] for name in _SAVED},
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
    if apart:
        return [_keep_late(held[item["position"]], item, now) for item in items]
    outcomes, changed = [], {}
    for item in items:
        row = held[item["position"]]
        outcome = _why_not(attempt, row, item)
        if outcome is None:
            _change(attempt, row, item, now)
            changed[row["id"]] = row
        outcomes.append(_outcome(row, outcome or "saved"))
    _write(attempt["id"], list(changed.values()), now)
    return outcomes


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


def _why_not(attempt: Mapping[str, Any], row: Row, item: Row) -> str | None:
    """Why an answer is not saved, None where it is."""
    if item["sequence"] <= row["sequence"]:
        return "superseded"
    is_left = not attempt["settings"]["allow_back"] and row["layout"]["page"] < attempt["current_position"]
    return "refused" if is_left else None


def _change(attempt: Mapping[str, Any], row: Row, item: Row, now: datetime) -> None:
    most = int((now - attempt["started_at"] + _SLACK).total_seconds())
    row |= {
        "sequence": item["sequence"],
        "answer": item["answer"],
        "state": "empty" if item["answer"] is None else "saved",
        "is_flagged": item.get("is_flagged", row["is_flagged"]),
        "is_late": is_over(attempt, now),
        "seconds_spent": max(row["seconds_spent"], min(item.get("seconds_spent", 0), most)),
        "saved_at": now,
        "updated_at": now,
    }


def _write(attempt_id: int, rows: Sequence[Row], now: datetime) -> None:
    if len(rows) == 1:  # as an autosave is mostly
        db.execute(SAVE, {"answer_id": rows[0]["id"], **{f"new_{name}": rows[0][name] for name in _SAVED}})
    elif rows:
        place = {"attempt_id": attempt_id, "created_at": now}
        values = [{**place, "position": row["position"], **{name: row[name] for name in _SAVED}} for row in rows]
        db.execute(SAVE_SQLITE if db.current().is_sqlite else SAVE_MYSQL, values)


def _keep_late(row: Row, item: Row, now: datetime) -> Row:
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
