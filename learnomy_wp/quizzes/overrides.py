"""What holds for single users of a quiz: more time, more attempts, other dates; and attempts that count no more.

An override is kept in the user's progress row of the quiz; the quiz's `overridden` names whose there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects import mysql, sqlite

from learnomy_wp.kernel import clock, db
from learnomy_wp.kernel.errors import Detail, ValidationFailed
from learnomy_wp.quizzes import outcome, rules
from wp_schema.tables import enrollments, progress, quiz_attempts, users

Row = dict[str, Any]

# How many users of one quiz may have an override.
MAX_OVERRIDDEN = 2000
_of_quiz = (progress.c.object_type == "quiz", progress.c.object_id == bindparam("quiz_id"))
HELD = select(progress.c.user_id, progress.c.overrides).where(
    *_of_quiz, progress.c.user_id.in_(bindparam("ids", expanding=True))
)
ENROLLED = select(enrollments.c.user_id).where(
    enrollments.c.course_id == bindparam("of_course"), enrollments.c.user_id.in_(bindparam("ids", expanding=True))
)
KNOWN = select(users.c.ID).where(users.c.ID.in_(bindparam("ids", expanding=True)))
OPEN_ATTEMPTS = (
    select(quiz_attempts.c.id, quiz_attempts.c.user_id, quiz_attempts.c.started_at, quiz_attempts.c.settings)
    .where(
        quiz_attempts.c.user_id.in_(bindparam("ids", expanding=True)),
        quiz_attempts.c.open_quiz_id == bindparam("quiz_id"),
    )
    .with_for_update()
)
MOVE_DEADLINE = (
    update(quiz_attempts)
    .where(quiz_attempts.c.id == bindparam("attempt_id"))
    .values(
        due_at=bindparam("new_due_at"),
        grace_until=bindparam("new_grace_until"),
        ends_at=bindparam("new_ends_at"),
        updated_at=bindparam("at"),
    )
)
_mysql = mysql.insert(progress)
_sqlite = sqlite.insert(progress)
_SET = ("overrides", "course_id", "updated_at")
PUT_MYSQL = _mysql.on_duplicate_key_update({name: _mysql.inserted[name] for name in _SET})
PUT_SQLITE = _sqlite.on_conflict_do_update(
    index_elements=[progress.c.user_id, progress.c.object_type, progress.c.object_id],
    set_={name: _sqlite.excluded[name] for name in _SET},
)


def list_overrides(quiz: Mapping[str, Any]) -> list[Row]:
    """The overrides of a quiz, by user."""
    ids = quiz["overridden"] or []
    rows = db.rows(HELD, {"quiz_id": quiz["id"], "ids": ids}) if ids else []
    return [_shown(row) for row in sorted(rows, key=lambda row: row["user_id"]) if row["overrides"]]


def _shown(row: Row) -> Row:
    given = row["overrides"]
    dates = {name: _instant(given.get(name)) for name in ("opens_at", "closes_at")}
    seconds, attempts = given.get("extra_time_seconds") or 0, given.get("extra_attempts") or 0
    return {"user_id": row["user_id"], "extra_time_seconds": seconds, "extra_attempts": attempts, **dates}


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def put_overrides(quiz: Mapping[str, Any], given: Sequence[Row]) -> list[int] | None:
    """Write overrides of a quiz whose row is locked; gives the new `overridden`.

    Open attempts get their new deadline at once. Raises `ValidationFailed` for users who are not of the course.
    """
    _check_people(quiz, given)
    held = set(quiz["overridden"] or [])
    kept: dict[int, Row | None] = {}
    for item in given:
        wanted = None if item["remove"] else _stored(item)
        kept[item["user_id"]] = wanted
        held = held - {item["user_id"]} if wanted is None else held | {item["user_id"]}
    if len(held) > MAX_OVERRIDDEN:
        raise ValidationFailed.of("overrides", "This quiz has too many overrides.", "too_many")
    _write(quiz, kept)
    _move_deadlines(quiz, kept)
    for user_id in sorted({item["user_id"] for item in given if item["reset_attempts"]}):
        outcome.void_attempts(quiz, user_id)
    return sorted(held) or None


def _stored(item: Row) -> Row | None:
    found: Row = {name: item[name] for name in ("extra_time_seconds", "extra_attempts") if item[name]}
    found |= {name: item[name].isoformat() for name in ("opens_at", "closes_at") if item[name] is not None}
    return found or None


def _check_people(quiz: Mapping[str, Any], given: Sequence[Row]) -> None:
    ids = sorted({item["user_id"] for item in given})
    if not ids:
        return
    if quiz["course_id"] is None:
        known = set(db.values(KNOWN, {"ids": ids}))
    else:
        known = set(db.values(ENROLLED, {"of_course": quiz["course_id"], "ids": ids}))
    wrong = [
        Detail(f"overrides.{number}.user_id", "unknown", "This course has no such student.")
        for number, item in enumerate(given)
        if item["user_id"] not in known
    ]
    if wrong:
        raise ValidationFailed(details=wrong)


def _write(quiz: Mapping[str, Any], kept: Mapping[int, Row | None]) -> None:
    now = clock.now()
    rows = [
        {
            "user_id": user_id,
            "object_type": "quiz",
            "object_id": quiz["id"],
            "course_id": quiz["course_id"] or 0,
            "overrides": override,
            "created_at": now,
            "updated_at": now,
        }
        for user_id, override in sorted(kept.items())
    ]
    if rows:
        db.execute(PUT_SQLITE if db.current().is_sqlite else PUT_MYSQL, rows)


def _move_deadlines(quiz: Mapping[str, Any], kept: Mapping[int, Row | None]) -> None:
    if not kept:
        return
    for attempt in db.rows(OPEN_ATTEMPTS, {"quiz_id": quiz["id"], "ids": sorted(kept)}):
        rules_kept = {**quiz, "time_limit_seconds": attempt["settings"]["time_limit_seconds"]}
        terms = rules.terms_of(rules_kept, kept[attempt["user_id"]])
        moved = terms.deadlines(attempt["started_at"], attempt["settings"]["on_late"])
        values = {f"new_{name}": value for name, value in moved.items()}
        db.execute(MOVE_DEADLINE, {"attempt_id": attempt["id"], "at": clock.now(), **values})
