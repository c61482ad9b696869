"""The categories and tags of a course, with what `course_terms` and `terms` repeat of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from learnomy_wp.kernel import clock, db, slugs
from learnomy_wp.kernel.errors import Detail, ValidationFailed
from learnomy_wp.kernel.serialize import MAX_ID
from learnomy_wp.kernel.slugs import Slugs
from wp_schema.folding import sort_title
from wp_schema.slugs import asked_for
from wp_schema.tables import course_instructors, course_terms, terms

# Columns of a course that its terms and instructors repeat, for lists by them.
TERM_COPIES = {
    "status": "course_status",
    "published_at": "published_at",
    "sort_title": "sort_title",
    "price_minor": "price_minor",
    "rating_avg": "rating_avg",
    "student_count": "student_count",
}
TEACHER_COPIES = {"status": "course_status", "published_at": "published_at", "sort_title": "sort_title"}
MAX_NAME = 200

BY_COURSE = (
    select(course_terms.c.id, course_terms.c.term_id, course_terms.c.position, terms.c.taxonomy, terms.c.name)
    .join_from(course_terms, terms, terms.c.id == course_terms.c.term_id)
    .where(course_terms.c.course_id == bindparam("course_id"))
    .order_by(course_terms.c.position, course_terms.c.id)
)
BY_ID = select(terms.c.id).where(
    terms.c.taxonomy == bindparam("taxonomy"), terms.c.id.in_(bindparam("ids", expanding=True))
)
BY_SLUG = select(terms.c.id, terms.c.slug).where(
    terms.c.taxonomy == bindparam("taxonomy"), terms.c.slug.in_(bindparam("slugs", expanding=True))
)
HOLD = select(terms.c.id).where(terms.c.id.in_(bindparam("ids", expanding=True))).order_by(terms.c.id).with_for_update()
INSERT_TERM = insert(terms)
INSERT = insert(course_terms)
REMOVE = delete(course_terms).where(course_terms.c.id.in_(bindparam("ids", expanding=True)))
MOVE = update(course_terms).where(course_terms.c.id == bindparam("row_id")).values(position=bindparam("place"))
_these = terms.c.id.in_(bindparam("ids", expanding=True))
COUNT_UP = update(terms).where(_these).values(course_count=terms.c.course_count + 1)
COUNT_DOWN = update(terms).where(_these, terms.c.course_count > 0).values(course_count=terms.c.course_count - 1)
COPY_TO_TERMS = (
    update(course_terms)
    .where(course_terms.c.course_id == bindparam("of_course"))
    .values({copy: bindparam(f"new_{copy}") for copy in TERM_COPIES.values()})
)
COPY_TO_TEACHERS = (
    update(course_instructors)
    .where(course_instructors.c.course_id == bindparam("of_course"))
    .values({copy: bindparam(f"new_{copy}") for copy in TEACHER_COPIES.values()})
)


def resolve(taxonomy: str, given: Sequence[Any], field: str, *, create: bool = False) -> list[int]:
    """The term ids that ids, slugs or names stand for, in order.

    With `create`, a name that no term has becomes a term. Raises `ValidationFailed` naming what is unknown.
    """
    ids = {value for value in given if _is_id(value)}
    known = set(db.values(BY_ID, {"taxonomy": taxonomy, "ids": sorted(ids)})) if ids else set()
    texts = [value for value in given if isinstance(value, str)]
    by_slug = _by_slug(taxonomy, [_slug(text, taxonomy) for text in texts])
    found, wrong = [], []
    for place, value in enumerate(given):
        term_id = value if _is_id(value) and value in known else None
        if isinstance(value, str):
            term_id = by_slug.get(_slug(value, taxonomy))
            if term_id is None and create and 0 < len(value.strip()) <= MAX_NAME:
                term_id = by_slug[_slug(value, taxonomy)] = _make(taxonomy, value.strip())
        if term_id is None:
            wrong.append(Detail(f"{field}.{place}", "unknown", f"There is no such {taxonomy}."))
        else:
            found.append(term_id)
    if wrong:
        raise ValidationFailed(details=wrong)
    return list(dict.fromkeys(found))


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_ID


def _slug(text: str, taxonomy: str) -> str:
    return slugs.of_title(text, "") if taxonomy == "tag" else asked_for(text)


def _by_slug(taxonomy: str, wanted: Iterable[str]) -> dict[str, int]:
    asked = sorted({slug for slug in wanted if slug})
    if not asked:
        return {}
    return {row["slug"]: row["id"] for row in db.rows(BY_SLUG, {"taxonomy": taxonomy, "slugs": asked})}


def _make(taxonomy: str, name: str) -> int:
    slug = slugs.of_title(name, "")
    if not slug:
        slug = Slugs(lambda wanted: _by_slug(taxonomy, wanted), taxonomy).free(taxonomy)
    row = {"taxonomy": taxonomy, "name": name, "slug": slug, "sort_title": sort_title(name)}
    try:
        return db.insert_id(db.execute(INSERT_TERM, {**row, "created_at": clock.now(), "updated_at": clock.now()}))
    except IntegrityError:
        made = _by_slug(taxonomy, [slug]).get(slug)  # by another request, in between
        if made is None:
            raise
        return made


# --- writing ---------------------------------------------------------------------------


def sync(before: Mapping[str, Any] | None, course: Mapping[str, Any], wanted: Mapping[str, Sequence[int]]) -> bool:
    """Give a course these terms, by taxonomy, and bring the copies of its columns up to date.

    `before` and `course` are its row before and after the change. Gives whether its terms changed.
    """
    held = db.rows(BY_COURSE, {"course_id": course["id"]})
    counted = {row["term_id"] for row in held} if before is not None and before["status"] == "published" else set()
    changed = [_assign(course, [row for row in held if row["taxonomy"] == name], ids) for name, ids in wanted.items()]
    if before is not None and any(before[name] != course[name] for name in TERM_COPIES):
        copy_down(course)
    final = {row["term_id"] for row in held if row["taxonomy"] not in wanted}.union(*wanted.values())
    count_changes(counted, final if course["status"] == "published" else set())
    return any(changed)


def count_changes(before: set[int], after: set[int]) -> None:
    """Count published courses of terms up and down."""
    for statement, ids in ((COUNT_UP, after - before), (COUNT_DOWN, before - after)):
        if ids:
            db.execute(statement, {"ids": sorted(ids)})


def copy_down(course: Mapping[str, Any]) -> None:
    """Write the copies of a course's columns that its terms and instructors hold."""
    for statement, copies in ((COPY_TO_TERMS, TERM_COPIES), (COPY_TO_TEACHERS, TEACHER_COPIES)):
        values = {f"new_{copy}": course[name] for name, copy in copies.items()}
        db.execute(statement, {"of_course": course["id"], **values})


def term_names(course_id: int) -> list[str]:
    """The names of a course's terms, for its search text."""
    return [row["name"] for row in db.rows(BY_COURSE, {"course_id": course_id})]


def _assign(course: Mapping[str, Any], held: Sequence[dict[str, Any]], ids: Sequence[int]) -> bool:
    if [row["term_id"] for row in held] == list(ids):
        return False
    mine = {row["term_id"]: row for row in held}
    added = [term_id for term_id in ids if term_id not in mine]
    gone = [row["id"] for row in held if row["term_id"] not in ids]
    if added:
        db.rows(HOLD, {"ids": sorted(added)})
        copies = {copy: course[name] for name, copy in TERM_COPIES.items()}
        places = {term_id: place for place, term_id in enumerate(ids)}
        rows = [{"term_id": t, "course_id": course["id"], "position": places[t], **copies} for t in added]
        db.execute(INSERT, rows)
    if gone:
        db.execute(REMOVE, {"ids": gone})
    moved = [
        {"row_id": mine[term_id]["id"], "place": place}
        for place, term_id in enumerate(ids)
        if term_id in mine and mine[term_id]["position"] != place
    ]
    if moved:
        db.execute(MOVE, moved)
    return True
