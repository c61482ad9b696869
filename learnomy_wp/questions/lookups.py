"""Finding versions of questions, and candidates for a draw. Each is one statement, whatever their number."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import and_, bindparam, or_, select

from learnomy_wp.kernel import db
from wp_schema.tables import question_versions, questions, terms

Row = dict[str, Any]
# A draw looks at no more questions than these, the newest first.
MAX_CANDIDATES = 5000
MAX_DEPTH = 10

VERSIONS = select(question_versions).where(question_versions.c.id.in_(bindparam("ids", expanding=True)))
NEWEST = (
    select(question_versions)
    .join_from(questions, question_versions, question_versions.c.id == questions.c.current_version_id)
    .where(questions.c.id.in_(bindparam("ids", expanding=True)))
)
QUESTIONS = select(questions).where(questions.c.id.in_(bindparam("ids", expanding=True)))
_drawable = (
    select(
        questions.c.id,
        questions.c.current_version_id.label("version_id"),
        questions.c.type,
        questions.c.points,
        questions.c.difficulty,
        questions.c.tags,
    )
    .where(
        questions.c.status == "published",
        or_(
            questions.c.course_id == bindparam("course_id"),
            and_(questions.c.course_id.is_(None), questions.c.author_id == bindparam("author_id")),
        ),
    )
    .order_by(questions.c.created_at.desc(), questions.c.id.desc())
    .limit(MAX_CANDIDATES)
)
IN_CATEGORIES = _drawable.where(questions.c.category_id.in_(bindparam("categories", expanding=True)))
ANYWHERE = _drawable
CATEGORIES = select(terms.c.id, terms.c.parent_id).where(terms.c.taxonomy == "question_category")


def find_versions(ids: Iterable[int]) -> dict[int, Row]:
    """Rows of question_versions by id."""
    wanted = sorted(set(ids))
    return {row["id"]: row for row in db.rows(VERSIONS, {"ids": wanted})} if wanted else {}


def newest_versions(question_ids: Iterable[int]) -> dict[int, Row]:
    """The newest version of each question, by the question's id."""
    wanted = sorted(set(question_ids))
    return {row["question_id"]: row for row in db.rows(NEWEST, {"ids": wanted})} if wanted else {}


def find_questions(ids: Iterable[int]) -> dict[int, Row]:
    """Rows of questions by id, whatever their status."""
    wanted = sorted(set(ids))
    return {row["id"]: row for row in db.rows(QUESTIONS, {"ids": wanted})} if wanted else {}


def draw_candidates(
    *,
    category_id: int | None,
    course_id: int | None,
    author_id: int,
    subcategories: bool = True,
    tags: Collection[str] = (),
    difficulty: Collection[str] = (),
    exclude: Collection[int] = (),
) -> list[Row]:
    """Published questions that a draw may take, each with `id`, `version_id` (the newest), `type` and `points`.

    They are of the quiz's course, or of its author's own bank. `tags`: all of them, folded by whoever wrote them;
    `difficulty`: any of them.
    """
    binds: Row = {"course_id": course_id or 0, "author_id": author_id}
    if category_id is None:
        found = db.rows(ANYWHERE, binds)
    else:
        wanted = {category_id, *(_below(category_id) if subcategories else ())}
        found = db.rows(IN_CATEGORIES, {**binds, "categories": sorted(wanted)})
    asked = {tag.casefold() for tag in tags}
    return [row for row in found if row["id"] not in exclude and _fits(row, asked, difficulty)]


def _fits(row: Mapping[str, Any], tags: set[str], difficulty: Collection[str]) -> bool:
    if difficulty and row["difficulty"] not in difficulty:
        return False
    return tags <= {tag.casefold() for tag in row["tags"] or ()}


def _below(category_id: int) -> set[int]:
    """The categories below one, at any depth."""
    children: dict[int | None, list[int]] = {}
    for row in db.rows(CATEGORIES):
        children.setdefault(row["parent_id"], []).append(row["id"])
    found: set[int] = set()
    level = [category_id]
    for _ in range(MAX_DEPTH):
        level = [child for one in level for child in children.get(one, ()) if child not in found]
        found.update(level)
    return found
