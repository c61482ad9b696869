"""Which questions an attempt gets, in which order, and how each is laid out: drawn once, and kept with the attempt.

All chance comes from the attempt's seed, which nobody is told. Neither order nor ids have to do with what is right.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import bindparam, func, select

from learnomy_wp.kernel import db
from learnomy_wp.questions import lookups, types, versions
from wp_schema.tables import question_versions, questions, quiz_slots

Row = dict[str, Any]

SLOTS = (
    select(
        quiz_slots.c.id,
        quiz_slots.c.page,
        quiz_slots.c.heading,
        quiz_slots.c.points,
        quiz_slots.c.is_required,
        quiz_slots.c.question_id,
        func.coalesce(quiz_slots.c.version_id, questions.c.current_version_id).label("version_id"),
        questions.c.points.label("own_points"),
        questions.c.status.label("question_status"),
        quiz_slots.c.draw_category_id,
        quiz_slots.c.draw,
        quiz_slots.c.draw_count,
    )
    .select_from(quiz_slots.outerjoin(questions, questions.c.id == quiz_slots.c.question_id))
    .where(quiz_slots.c.quiz_id == bindparam("quiz_id"))
    .order_by(quiz_slots.c.position, quiz_slots.c.id)
)
VERSIONS = select(
    question_versions.c.id, question_versions.c.question_id, question_versions.c.type, question_versions.c.content
).where(question_versions.c.id.in_(bindparam("ids", expanding=True)))
UNANSWERED = select(question_versions.c.id).where(
    question_versions.c.id.in_(bindparam("ids", expanding=True)), question_versions.c.is_answered.is_(False)
)


def draw_questions(quiz: Mapping[str, Any], seed: int) -> list[Row]:
    """The rows of an attempt's answers, without the attempt; none where the quiz has nothing to ask."""
    rng = random.Random(seed)  # noqa: S311  # chance that has to come out the same again, not a secret
    chosen = _choose(quiz, db.rows(SLOTS, {"quiz_id": quiz["id"]}), rng)
    if quiz["shuffle_questions"]:
        chosen = _shuffled(chosen, rng)
    if not chosen:
        return []
    wanted = sorted({item["version_id"] for item in chosen})
    _note_use(wanted)
    known = {row["id"]: row for row in db.rows(VERSIONS, {"ids": wanted})}
    rows = []
    for position, item in enumerate(chosen, 1):
        version = known[item["version_id"]]
        drawn = types.draw(version, seed, shuffle=quiz["shuffle_answers"])
        page = position if quiz["one_per_page"] else item["page"]
        layout = {"page": page, "heading": item["heading"], "is_required": item["is_required"], "drawn": drawn}
        rows.append(
            {
                "position": position,
                "slot_id": item["id"],
                "question_id": version["question_id"],
                "version_id": version["id"],
                "layout": layout,
                "max_points": item["max_points"],
            }
        )
    return rows


def _note_use(version_ids: list[int]) -> None:
    """Versions that are given to somebody are changed no more; before they are read, as they may just be changing."""
    if db.values(UNANSWERED, {"ids": version_ids}):
        versions.mark_answered(version_ids)


def _choose(quiz: Mapping[str, Any], slots: Iterable[Row], rng: random.Random) -> list[Row]:
    """The questions of the slots, those of draws by chance; no question twice."""
    slots = [slot for slot in slots if slot["question_id"] is None or _is_usable(slot)]
    used = {slot["question_id"] for slot in slots if slot["question_id"] is not None}
    chosen: list[Row] = []
    for slot in slots:
        if slot["question_id"] is not None:
            chosen.append({**slot, "max_points": _points(slot["points"], slot["own_points"])})
            continue
        pool = _pool(quiz, slot, used)
        for row in rng.sample(pool, min(slot["draw_count"], len(pool))):
            used.add(row["id"])
            points = _points(slot["points"], row["points"])
            chosen.append({**slot, "version_id": row["version_id"], "max_points": points})
    return chosen


def _pool(quiz: Mapping[str, Any], slot: Row, used: set[int]) -> list[Row]:
    given = slot["draw"] or {}
    return lookups.draw_candidates(
        category_id=slot["draw_category_id"],
        course_id=quiz["course_id"],
        author_id=quiz["author_id"],
        subcategories=given.get("subcategories", True),
        tags=given.get("tags", ()),
        difficulty=given.get("difficulty", ()),
        exclude=used,
    )


def _is_usable(slot: Row) -> bool:
    return slot["question_status"] != "trash" and slot["version_id"] is not None


def _points(own: float | None, of_question: float) -> float:
    return float(of_question if own is None else own)


def _shuffled(chosen: list[Row], rng: random.Random) -> list[Row]:
    """Another order of the questions; the pages keep their sizes, and headings go to the first of their page."""
    order = rng.sample(chosen, len(chosen))
    places = [{"page": place["page"], "heading": place["heading"]} for place in chosen]
    return [{**item, **place} for item, place in zip(order, places, strict=True)]
