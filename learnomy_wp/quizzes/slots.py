"""The places of a quiz: which question or draw stands where, and for how many points.

Whatever the number of questions, reading and writing take the same number of statements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import mysql, sqlite

from learnomy_wp.kernel import clock, db, pipeline
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import Detail, ValidationFailed
from learnomy_wp.kernel.page import Filter, Listing, Page, Sort
from learnomy_wp.kernel.trash import InTrash
from learnomy_wp.quizzes import bank, changes, queries
from learnomy_wp.quizzes.errors import QuestionInQuiz, TooManyQuestions
from learnomy_wp.quizzes.schemas import MAX_SLOTS
from wp_schema.tables import question_versions, questions, quiz_slots

Row = dict[str, Any]

_version = func.coalesce(quiz_slots.c.version_id, questions.c.current_version_id)
_SHOWN = select(
    quiz_slots,
    questions.c.type.label("question_type"),
    questions.c.title,
    questions.c.status,
    questions.c.points.label("own_points"),
    questions.c.difficulty,
    questions.c.category_id,
    questions.c.tags,
    questions.c.current_version_id,
    question_versions.c.id.label("shown_version_id"),
    question_versions.c.number,
    question_versions.c.prompt_raw,
    question_versions.c.prompt_html,
    question_versions.c.content,
    question_versions.c.feedback,
    question_versions.c.rubric,
    question_versions.c.is_answered,
).select_from(
    quiz_slots.outerjoin(questions, questions.c.id == quiz_slots.c.question_id).outerjoin(
        question_versions, question_versions.c.id == _version
    )
)
_INDEX = "zblog_lrn_quiz_slots_position"
LISTING = Listing(
    _SHOWN,
    table=quiz_slots,
    key=quiz_slots.c.id,
    default="position",
    sorts={"position": Sort(quiz_slots.c.position, index=_INDEX)},
    filters={"quiz_id": Filter(lambda value: quiz_slots.c.quiz_id == value, indexes={"position": _INDEX})},
)
ONE = _SHOWN.where(quiz_slots.c.id == bindparam("id"))
HELD = (
    select(quiz_slots)
    .where(quiz_slots.c.quiz_id == bindparam("quiz_id"))
    .order_by(quiz_slots.c.position, quiz_slots.c.id)
    .with_for_update()
)
INSERT = insert(quiz_slots)
REMOVE = delete(quiz_slots).where(quiz_slots.c.id.in_(bindparam("ids", expanding=True)))
SHIFT = (
    update(quiz_slots)
    .where(quiz_slots.c.quiz_id == bindparam("of_quiz"), quiz_slots.c.position >= bindparam("start"))
    .values(position=quiz_slots.c.position + 1)
)
_ORDERED = ("position", "page", "heading", "points", "is_required", "version_id", "updated_at")
_mysql, _sqlite = mysql.insert(quiz_slots), sqlite.insert(quiz_slots)
ORDER_MYSQL = _mysql.on_duplicate_key_update({name: _mysql.inserted[name] for name in _ORDERED})
ORDER_SQLITE = _sqlite.on_conflict_do_update(
    index_elements=[quiz_slots.c.id], set_={name: _sqlite.excluded[name] for name in _ORDERED}
)
COUNT_USES = (
    update(questions)
    .where(questions.c.id.in_(bindparam("ids", expanding=True)))
    .values(use_count=questions.c.use_count + bindparam("more"))
)
COUNT_LESS = (
    update(questions)
    .where(questions.c.id.in_(bindparam("ids", expanding=True)), questions.c.use_count > 0)
    .values(use_count=questions.c.use_count - 1)
)
VERSIONS_OF = select(question_versions.c.id, question_versions.c.question_id).where(
    question_versions.c.id.in_(bindparam("ids", expanding=True))
)
_QUESTION = (
    "title",
    "status",
    "difficulty",
    "category_id",
    "prompt_raw",
    "prompt_html",
    "content",
    "feedback",
    "rubric",
    "is_answered",
)


def list_slots(actor: Actor, quiz_id: int, query: Mapping[str, Any]) -> Page:
    """The places of a quiz in order, with answers: all on one page, if nothing else is asked for."""
    page = LISTING.page({**query, "quiz_id": quiz_id}, owner=actor.id)
    return page.with_rows([_shown(row) for row in page.rows])


def _shown(row: Row) -> Row:
    question = None
    if row["question_id"] is not None:
        question = {name: row[name] for name in _QUESTION} | {
            "id": row["question_id"],
            "type": row["question_type"],
            "points": row["own_points"],
            "tags": row["tags"] or [],
            "version_id": row["shown_version_id"],
            "version_number": row["number"],
            "newest_version_id": row["current_version_id"],
        }
    return {**row, "question": question, "draw": _draw(row)}


def _draw(row: Row) -> Row | None:
    if row["question_id"] is not None:
        return None
    given = row["draw"] or {}
    return {
        "category_id": row["draw_category_id"],
        "count": row["draw_count"],
        "tags": given.get("tags") or [],
        "difficulty": given.get("difficulty") or [],
        "subcategories": given.get("subcategories", True),
    }


# --- adding ------------------------------------------------------------------------------


def add_slot(actor: Actor, quiz_id: int, facts: Mapping[str, Any], *, body: Mapping[str, Any]) -> Row:
    """A new place for a question of the bank, a new question or a draw, last or at its `position`.

    `facts` are what the rule loaded of the quiz.

    Raises `InTrash`, `QuestionInQuiz`, `TooManyQuestions`, `ValidationFailed`.
    """
    source = _source(body)
    new_id = bank.add_question(actor, facts, body["question"]) if source == "question" else None
    quiz = changes.lock_quiz(quiz_id)
    pipeline.check_version(quiz["version"])
    if quiz["status"] == "trash":
        raise InTrash
    held = db.rows(HELD, {"quiz_id": quiz_id})
    if len(held) >= MAX_SLOTS or queries.find_worth(quiz_id)["question_count"] >= MAX_SLOTS:
        raise TooManyQuestions
    columns = _columns(actor, held, body, new_id)
    last = held[-1]["position"] + 1 if held else 0
    position = min(body.get("position", last), last)
    if position < last:
        db.execute(SHIFT, {"of_quiz": quiz_id, "start": position})
    now = clock.now()
    row = {**columns, "quiz_id": quiz_id, "position": position, "is_required": body["is_required"]}
    row |= {"page": body.get("page") or (held[-1]["page"] if held else 1), "heading": body.get("heading")}
    row |= {"points": body.get("points"), "created_at": now, "updated_at": now}
    slot_id = db.insert_id(db.execute(INSERT, row))
    if columns.get("question_id") is not None:
        db.execute(COUNT_USES, {"ids": [columns["question_id"]], "more": 1})
    changes.write_quiz(quiz, queries.find_worth(quiz_id), is_changed=True)
    pipeline.locate(f"/quizzes/{quiz_id}/questions")
    return _shown(db.rows(ONE, {"id": slot_id})[0])


def _source(body: Mapping[str, Any]) -> str:
    given = [name for name in ("question_id", "question", "draw") if body.get(name) is not None]
    if len(given) != 1:
        raise ValidationFailed.of("question_id", "Give one of question_id, question and draw.", "one_of")
    return given[0]


def _columns(actor: Actor, held: Sequence[Row], body: Mapping[str, Any], new_id: int | None) -> Row:
    """What stands in a new place. A question of the bank must be one that the caller may use."""
    if body.get("draw") is not None:
        given = body["draw"]
        if given["category_id"] is not None:
            bank.check_category(given["category_id"], "draw.category_id")
        kept = {name: given[name] for name in ("tags", "difficulty", "subcategories")}
        return {"draw_category_id": given["category_id"], "draw_count": given["count"], "draw": kept}
    if new_id is not None:
        return {"question_id": new_id}
    question_id = body["question_id"]
    bank.check_usable(actor, question_id, "question_id")
    if any(slot["question_id"] == question_id for slot in held):
        raise QuestionInQuiz
    version_id = body.get("version_id")
    if version_id is not None:
        _check_versions({version_id: (question_id, "version_id")})
    return {"question_id": question_id, "version_id": version_id}


def _check_versions(wanted: Mapping[int, tuple[int | None, str]]) -> None:
    """Refuse versions that are not of their question: version -> question and the field that named it."""
    known = {row["id"]: row["question_id"] for row in db.rows(VERSIONS_OF, {"ids": sorted(wanted)})} if wanted else {}
    wrong = [
        Detail(path, "unknown", "This question has no such version.")
        for version_id, (question_id, path) in wanted.items()
        if question_id is None or known.get(version_id) != question_id
    ]
    if wrong:
        raise ValidationFailed(details=wrong)


# --- the order ---------------------------------------------------------------------------


def put_order(quiz: Mapping[str, Any], items: Sequence[Row]) -> Row:
    """Put the places of a quiz whose row is locked into the given order; those left out are taken out.

    Gives the columns of the quiz that follow. Raises `ValidationFailed` for a place that is not the quiz's.
    """
    held = {row["id"]: row for row in db.rows(HELD, {"quiz_id": quiz["id"]})}
    _check_order(held, items)
    now = clock.now()
    rows = []
    for position, item in enumerate(items):
        before = held.pop(item["id"])
        changed = {name: item[name] for name in _ORDERED if name in item}
        rows.append({**before, **changed, "position": position, "updated_at": now})
    if rows:
        db.execute(ORDER_SQLITE if db.current().is_sqlite else ORDER_MYSQL, rows)
    if held:
        db.execute(REMOVE, {"ids": sorted(held)})
        gone = sorted(row["question_id"] for row in held.values() if row["question_id"] is not None)
        if gone:
            db.execute(COUNT_LESS, {"ids": gone})
    return queries.find_worth(quiz["id"])


def _check_order(held: Mapping[int, Row], items: Sequence[Row]) -> None:
    wrong, seen = [], set()
    wanted: dict[int, tuple[int | None, str]] = {}
    for number, item in enumerate(items):
        row = held.get(item["id"])
        if row is None:
            wrong.append(Detail(f"slots.{number}.id", "unknown", "This quiz has no such place."))
        elif item["id"] in seen:
            wrong.append(Detail(f"slots.{number}.id", "duplicate", "This stands in two places."))
        elif item.get("version_id") is not None:
            wanted[item["version_id"]] = (row["question_id"], f"slots.{number}.version_id")
        seen.add(item["id"])
    if wrong:
        raise ValidationFailed(details=wrong)
    _check_versions(wanted)
