"""The question bank as its authors see it: pages, filters, and the rows of an export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Column, Text, and_, bindparam, or_, select, type_coerce

from learnomy_wp.courses.policies import STAFF
from learnomy_wp.kernel import cache, db
from learnomy_wp.kernel.actor import EDIT_OTHERS_COURSES, Actor
from learnomy_wp.kernel.errors import ValidationFailed
from learnomy_wp.kernel.page import Condition, Filter, Listing, Page, Sort
from learnomy_wp.kernel.search import search_filters, search_values
from learnomy_wp.questions.categories import Tree
from wp_schema.tables import course_instructors, question_versions, questions

Row = dict[str, Any]
TAG = "questions"
MAX_EXPORTED = 2000
# Up to so many questions of an author are found and sorted; more than that are met soon when reading in order.
FEW = 1000
_INDEX = "zblog_lrn_questions_"


def _newest(index: str) -> dict[str, str]:
    return dict.fromkeys(("-created_at", "created_at"), f"{_INDEX}{index}")


def _is(column: Column[Any]) -> Condition:
    return lambda value: column == value


def _within(course_ids: Any) -> Any:
    return or_(
        questions.c.course_id.in_(course_ids),
        and_(questions.c.course_id.is_(None), questions.c.author_id == bindparam("caller_id")),
    )


LISTING = Listing(
    select(questions),
    table=questions,
    key=questions.c.id,
    default="-created_at",
    sorts={
        "-created_at": Sort(questions.c.created_at, descending=True, index=f"{_INDEX}newest"),
        "created_at": Sort(questions.c.created_at, index=f"{_INDEX}newest"),
        "title": Sort(questions.c.sort_title, index=f"{_INDEX}titles"),
        "-title": Sort(questions.c.sort_title, descending=True, index=f"{_INDEX}titles"),
    },
    filters={
        "ids": Filter(questions.c.id.in_, many=True, narrow=True),
        "few_of_staff": Filter(_within, many=True, narrow=True),
        "category_id": Filter(_is(questions.c.category_id), indexes=_newest("category")),
        "course_id": Filter(_is(questions.c.course_id), indexes=_newest("course")),
        "author_id": Filter(_is(questions.c.author_id), indexes=_newest("author")),
        "status": Filter(
            _is(questions.c.status),
            indexes={**_newest("created"), **dict.fromkeys(("title", "-title"), f"{_INDEX}title")},
        ),
        "type": Filter(_is(questions.c.type), indexes=_newest("type")),
        "difficulty": Filter(_is(questions.c.difficulty), indexes=_newest("difficulty")),
        "is_kept": Filter(lambda _value: questions.c.status != "trash"),
        "many_of_staff": Filter(_within, many=True),
        "tag_json": Filter(lambda value: type_coerce(questions.c.tags, Text()).like(value, escape="!")),
        **search_filters(questions.c.search_text),
    },
)
STAFFED = select(course_instructors.c.course_id).where(
    course_instructors.c.user_id == bindparam("user_id"), course_instructors.c.role.in_(STAFF)
)
COUNT = select(questions.c.id).where(_within(bindparam("staffed", expanding=True))).limit(FEW + 1)
VERSIONS = select(question_versions).where(question_versions.c.id.in_(bindparam("ids", expanding=True)))
BY_ID = select(questions).where(questions.c.id == bindparam("id"))


def list_questions(actor: Actor, query: Mapping[str, Any]) -> Page:
    """A page of the questions of the caller's courses and of the caller's own bank; for who edits all courses, all."""
    values, binds, sees_all = _values(actor, query)
    total = cache.cached_count(TAG, LISTING.key_of(values), [TAG]) if sees_all else None
    page = LISTING.page(values, binds, owner=actor.id, total=total)
    return page.with_rows(describe(page.rows))


def find_exported(actor: Actor, query: Mapping[str, Any]) -> list[Row]:
    """All questions that the filters find, in the order asked for. Raises `ValidationFailed` for too many."""
    values, binds, _sees_all = _values(actor, {**query, "per_page": MAX_EXPORTED, "cursor": None, "page": None})
    page = LISTING.page(values, binds, owner=actor.id)
    if page.total > MAX_EXPORTED:
        text = f"These are {page.total} questions; a file holds {MAX_EXPORTED}. Narrow the filters."
        raise ValidationFailed.of("format", text, "too_many")
    return describe(page.rows)


def read_question(question_id: int) -> Row:
    """A question that is known to be there, as it is told."""
    found = db.row(BY_ID, {"id": question_id})
    assert found is not None, "questions are trashed, not removed"
    return describe([found])[0]


def describe(rows: Sequence[Row]) -> list[Row]:
    """Rows of questions with their newest versions and categories."""
    if not rows:
        return []
    ids = sorted({row["current_version_id"] for row in rows if row["current_version_id"] is not None})
    versions = {row["id"]: row for row in db.rows(VERSIONS, {"ids": ids})}
    tree = Tree() if any(row["category_id"] for row in rows) else None
    return [_described(row, versions[row["current_version_id"]], tree) for row in rows]


def _described(row: Row, version: Row, tree: Tree | None) -> Row:
    feedback = dict(version["feedback"] or {})
    hints = feedback.pop("hints", None) or []
    return {
        **row,
        "category": tree.describe(row["category_id"]) if tree else None,
        "tags": row["tags"] or [],
        "prompt": version["prompt_raw"],
        "prompt_html": version["prompt_html"],
        "content": version["content"],
        "feedback": feedback or None,
        "hints": hints,
        "rubric": version["rubric"] or None,
        "version_id": version["id"],
        "version_number": version["number"],
        "is_answered": version["is_answered"],
    }


def _values(actor: Actor, query: Mapping[str, Any]) -> tuple[Row, Row, bool]:
    """What the listing's filters and binds are for a query, and whether the caller sees all there is."""
    values = dict(query)
    binds: Row = {}
    if query.get("status") is None:
        values["is_kept"] = True
    sees_all = actor.can(EDIT_OTHERS_COURSES)
    if not sees_all:
        binds["caller_id"] = actor.id
        staffed = db.values(STAFFED, {"user_id": actor.id}) or [0]  # an empty list would be no condition
        count = len(db.values(COUNT, {"staffed": staffed, "caller_id": actor.id}))
        values["few_of_staff" if count <= FEW else "many_of_staff"] = staffed
    words = " ".join(text for text in (query.get("search"), query.get("tag")) if text)
    if query.get("tag") is not None:
        values["tag_json"] = _tag_pattern(query["tag"])
    return values | search_values(words), binds, sees_all


def _tag_pattern(tag: str) -> str:
    """What a list of tags with this one in it is like, as JSON text."""
    escaped = orjson.dumps(tag).decode().replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%"
