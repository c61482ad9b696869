"""Versions of questions: an answered one is never changed again, a change makes the next one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from sqlalchemy import bindparam, insert, select, update

from learnomy_wp.kernel import clock, db
from wp_schema.tables import question_versions, questions

Row = dict[str, Any]
# What a version consists of; a change of any of them makes it another.
OF_VERSION = ("type", "prompt_raw", "prompt_html", "content", "feedback", "rubric", "points")

LOCK = select(questions).where(questions.c.id == bindparam("id")).with_for_update()
CURRENT = (
    select(question_versions)
    .where(question_versions.c.id == bindparam("id"), question_versions.c.question_id == bindparam("of_question"))
    .with_for_update()
)
INSERT = insert(question_versions)
MARK = (
    update(question_versions)
    .where(question_versions.c.id.in_(bindparam("ids", expanding=True)), question_versions.c.is_answered.is_(False))
    .values(is_answered=True)
)
COUNT = (
    update(question_versions)
    .where(question_versions.c.id == bindparam("version_id"))
    .values(
        answer_count=question_versions.c.answer_count + bindparam("more"),
        fraction_sum=question_versions.c.fraction_sum + bindparam("sum"),
    )
)


def mark_answered(version_ids: Iterable[int]) -> None:
    """From now on a change of these versions' questions makes a new version. Called when an attempt is given them.

    Within the unit of work that stores the attempt; waits for a change of the same version that is under way.
    """
    ids = sorted(set(version_ids))
    if ids:
        db.execute(MARK, {"ids": ids})


def write(question_id: int, version: Mapping[str, Any], *, number: int, actor_id: int) -> int:
    """Insert a version; gives its id. The question's row is locked by the caller."""
    now = clock.now()
    row = {name: version[name] for name in OF_VERSION}
    row |= {"question_id": question_id, "number": number, "content_hash": hash_of(version), "created_by": actor_id}
    return db.insert_id(db.execute(INSERT, {**row, "created_at": now, "updated_at": now}))


def change(question: Mapping[str, Any], version: Mapping[str, Any], *, actor_id: int) -> Row:
    """Bring a locked question to this version: the current one is changed where nobody was given it.

    Gives the question's columns `current_version_id` and `version_count` afterwards.
    """
    held = db.row(CURRENT, {"id": question["current_version_id"], "of_question": question["id"]})
    unchanged = {"current_version_id": question["current_version_id"], "version_count": question["version_count"]}
    if held is not None and held["content_hash"] == hash_of(version):
        return unchanged
    if held is not None and not held["is_answered"]:
        values = {name: version[name] for name in OF_VERSION}
        values |= {"content_hash": hash_of(version), "updated_at": clock.now()}
        db.execute(update(question_versions).where(question_versions.c.id == held["id"]).values(values))
        return unchanged
    number = question["version_count"] + 1
    made = write(question["id"], version, number=number, actor_id=actor_id)
    return {"current_version_id": made, "version_count": number}


def hash_of(version: Mapping[str, Any]) -> str:
    """What tells versions apart: a digest of all that they consist of."""
    told = [float(version[name]) if name == "points" else version[name] for name in OF_VERSION]
    packed = orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(packed).hexdigest()
