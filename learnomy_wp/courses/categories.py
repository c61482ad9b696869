"""Categories, a tree, and tags: reading them and changing them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from learnomy_wp.courses.listing import MEMBERSHIP_TAG
from learnomy_wp.courses.tagging import BY_SLUG
from learnomy_wp.kernel import cache, clock, db, jobs, pages, pipeline, wordpress
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import NotFound, ValidationFailed
from learnomy_wp.kernel.page import Listing, Page, Sort
from learnomy_wp.kernel.slugs import Slugs
from wp_schema.folding import sort_title
from wp_schema.tables import course_terms, terms

TAXONOMIES = ("category", "tag")
TAG = "terms"
REINDEX = "reindex_term"
MAX_DEPTH = 10

LISTING = Listing(
    select(terms).where(terms.c.taxonomy == bindparam("taxonomy"), terms.c.parent_id.is_(None)),
    table=terms,
    key=terms.c.id,
    default="name",
    sorts={
        "name": Sort(terms.c.sort_title, index="zblog_lrn_terms_title"),
        "position": Sort(terms.c.position, index="zblog_lrn_terms_parent"),
    },
)
CHILDREN = (
    select(terms)
    .where(terms.c.taxonomy == bindparam("taxonomy"), terms.c.parent_id.is_not(None))
    .order_by(terms.c.position, terms.c.sort_title, terms.c.id)
)
LOCK = select(terms).where(terms.c.id == bindparam("id"), terms.c.taxonomy.in_(TAXONOMIES)).with_for_update()
PARENTS = (
    select(terms.c.id, terms.c.parent_id).where(terms.c.taxonomy == "category").order_by(terms.c.id).with_for_update()
)
INSERT = insert(terms)
REPARENT = (
    update(terms)
    .where(terms.c.taxonomy == bindparam("of_taxonomy"), terms.c.parent_id == bindparam("old"))
    .values(parent_id=bindparam("new"), updated_at=bindparam("at"))
)
COURSES = select(course_terms.c.course_id).where(course_terms.c.term_id == bindparam("term_id"))
DETACH = delete(course_terms).where(course_terms.c.term_id == bindparam("term_id"))
REMOVE = delete(terms).where(terms.c.id == bindparam("term_id"))


def list_categories(query: Mapping[str, Any]) -> Page:
    """A page of the highest categories with all that stands below them, or of tags."""
    page = LISTING.page(query, {"taxonomy": query["taxonomy"]})
    rows = [_describe(row) for row in page.rows]
    if query["taxonomy"] == "category":
        below = [_describe(row) for row in db.rows(CHILDREN, {"taxonomy": "category"})]
        by_id = {row["id"]: row for row in (*rows, *below)}
        for row in below:
            if row["parent_id"] in by_id:
                by_id[row["parent_id"]]["children"].append(row)
    return page.with_rows(rows)


def create_category(actor: Actor, body: Mapping[str, Any]) -> dict[str, Any]:
    """A new category or tag. Raises `ValidationFailed`."""
    taxonomy, now = body["taxonomy"], clock.now()
    row = {**_columns(actor, body), "taxonomy": taxonomy, "created_at": now, "updated_at": now}
    _check_parent(taxonomy, None, body.get("parent_id"))

    term_id = _slugs(taxonomy).insert(lambda slug: _insert({**row, "slug": slug}), row["name"], body.get("slug"))
    cache.bump_after_commit([TAG, "courses"])
    pipeline.locate(f"/course-categories/{term_id}")
    return _read(term_id)


def update_category(actor: Actor, term_id: int, *, body: Mapping[str, Any]) -> dict[str, Any]:
    """Change a category or tag. Raises `NotFound`, `ValidationFailed`."""
    columns = _columns(actor, body)
    before = _lock(term_id)
    pipeline.check_version(before["version"])
    if "parent_id" in body:
        _check_parent(before["taxonomy"], term_id, body["parent_id"])
    known = _slugs(before["taxonomy"])
    if "slug" in body:
        columns["slug"] = known.choose(body["slug"], before["slug"])
    changed = {name: value for name, value in columns.items() if before[name] != value}
    if changed:
        changed |= {"version": before["version"] + 1, "updated_at": clock.now()}
        statement = update(terms).where(terms.c.id == term_id).values(changed)
        known.unless_taken(lambda: db.execute(statement), columns.get("slug", before["slug"]))
        if "name" in changed:
            jobs.enqueue(REINDEX, {"course_ids": db.values(COURSES, {"term_id": term_id})})
        cache.bump_after_commit([TAG, "courses", MEMBERSHIP_TAG])
    return _read(term_id)


def delete_category(term_id: int) -> dict[str, Any]:
    """Delete a category or tag; its children move up to its parent, its courses stay. Raises `NotFound`."""
    before = _lock(term_id)
    pipeline.check_version(before["version"])
    values = {"of_taxonomy": before["taxonomy"], "old": term_id, "new": before["parent_id"], "at": clock.now()}
    db.execute(REPARENT, values)
    held = db.values(COURSES, {"term_id": term_id})
    db.execute(DETACH, {"term_id": term_id})
    db.execute(REMOVE, {"term_id": term_id})
    if held:
        jobs.enqueue(REINDEX, {"course_ids": held})
    cache.bump_after_commit([TAG, "courses", MEMBERSHIP_TAG])
    return {"id": term_id, "deleted": True}


def _lock(term_id: int) -> dict[str, Any]:
    found = db.row(LOCK, {"id": term_id})
    if found is None:
        raise NotFound("category")
    return found


def _read(term_id: int) -> dict[str, Any]:
    return _describe(_lock(term_id))


def _describe(row: Mapping[str, Any]) -> dict[str, Any]:
    is_category = row["taxonomy"] == "category"
    return {**row, "permalink": pages.url("category", slug=row["slug"]) if is_category else None, "children": []}


def _columns(actor: Actor, body: Mapping[str, Any]) -> dict[str, Any]:
    if body.get("image_id") and wordpress.image_url(body["image_id"], actor) is None:
        raise ValidationFailed.of("image_id", "There is no such image in the media library.", "unknown")
    found = {name: body[name] for name in ("description", "parent_id", "image_id", "position") if name in body}
    if "name" in body:
        found |= {"name": body["name"], "sort_title": sort_title(body["name"])}
    return found


def _check_parent(taxonomy: str, term_id: int | None, parent_id: int | None) -> None:
    """Refuse a parent that is none, or that stands below its child."""
    if parent_id is None:
        return
    if taxonomy != "category":
        raise ValidationFailed.of("parent_id", "Tags have no parents.", "not_possible")
    parents = {row["id"]: row["parent_id"] for row in db.rows(PARENTS)}
    if parent_id not in parents:
        raise ValidationFailed.of("parent_id", "There is no such category.", "unknown")
    depth = 1
    above: int | None = parent_id
    while above is not None and depth <= MAX_DEPTH:
        if above == term_id:
            raise ValidationFailed.of("parent_id", "A category cannot stand below itself.", "cycle")
        depth, above = depth + 1, parents.get(above)
    if depth > MAX_DEPTH:
        raise ValidationFailed.of("parent_id", f"Categories go {MAX_DEPTH} levels deep.", "too_deep")


def _slugs(taxonomy: str) -> Slugs:
    def find_taken(asked: list[str]) -> list[str]:
        return [row["slug"] for row in db.rows(BY_SLUG, {"taxonomy": taxonomy, "slugs": asked})]

    return Slugs(find_taken, taxonomy)


def _insert(row: Mapping[str, Any]) -> int:
    return db.insert_id(db.execute(INSERT, row))
