"""Categories of questions: a tree of terms of their own, made as authors name them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import bindparam, insert, select
from sqlalchemy.exc import IntegrityError

from learnomy_wp.kernel import clock, db
from learnomy_wp.kernel import slugs as kernel_slugs
from learnomy_wp.kernel.errors import ValidationFailed
from wp_schema import slugs
from wp_schema.folding import sort_title
from wp_schema.tables import terms

Row = dict[str, Any]
TAXONOMY = "question_category"
MAX_DEPTH = 10
MAX_NAME = 200
SEPARATOR = "/"
# A slash within a name is written twice, as Moodle does.
_ESCAPED = "\x00"

TREE = select(terms.c.id, terms.c.parent_id, terms.c.name, terms.c.sort_title).where(terms.c.taxonomy == TAXONOMY)
BY_SLUG = select(terms.c.id).where(terms.c.taxonomy == TAXONOMY, terms.c.slug == bindparam("slug"))
BY_ID = select(terms.c.id).where(terms.c.taxonomy == TAXONOMY, terms.c.id == bindparam("id"))
INSERT = insert(terms)


class Tree:
    """The categories as they are now; `resolve` adds to them."""

    def __init__(self) -> None:
        self._rows: dict[int, Row] = {row["id"]: row for row in db.rows(TREE)}
        self._children = {(row["parent_id"], row["sort_title"]): row["id"] for row in self._rows.values()}

    def path(self, category_id: int | None) -> str | None:
        """The names from the highest category down to one, with slashes between them."""
        names: list[str] = []
        at = self._rows.get(category_id or 0)
        while at is not None and len(names) < MAX_DEPTH:
            names.append(at["name"].replace(SEPARATOR, SEPARATOR * 2))
            at = self._rows.get(at["parent_id"] or 0)
        return SEPARATOR.join(reversed(names)) or None

    def describe(self, category_id: int | None) -> Row | None:
        """`id`, `name` and `path` of a category; None where it is gone."""
        found = self._rows.get(category_id or 0)
        return None if found is None else {**found, "path": self.path(category_id)}

    def resolve(self, path: str) -> int | None:
        """The category of a path, made with those above it where they are not there. Within a unit of work."""
        parent: int | None = None
        for name in names_of(path):
            key = (parent, sort_title(name))
            if key not in self._children:
                self._children[key] = _make(parent, name)
                made = self._children[key]
                self._rows[made] = {"id": made, "parent_id": parent, "name": name, "sort_title": key[1]}
            parent = self._children[key]
        return parent


def names_of(path: str) -> list[str]:
    """The names that a path consists of. Raises `ValidationFailed`."""
    pieces = path.replace(SEPARATOR * 2, _ESCAPED).split(SEPARATOR)
    names = [" ".join(piece.replace(_ESCAPED, SEPARATOR).split()) for piece in pieces]
    names = [name for name in names if name]
    if len(names) > MAX_DEPTH or any(len(name) > MAX_NAME or not sort_title(name) for name in names):
        text = f"Categories go {MAX_DEPTH} levels deep, with names of {MAX_NAME} characters."
        raise ValidationFailed.of("category", text, "too_deep")
    return names


def check_known(category_id: int, field: str = "category_id") -> None:
    """Refuse what is no category of questions. Raises `ValidationFailed`."""
    if db.value(BY_ID, {"id": category_id}) is None:
        raise ValidationFailed.of(field, "There is no such category of questions.", "unknown")


def _make(parent: int | None, name: str) -> int:
    """A new category. Another request may make the same one meanwhile: its slug tells, and it is taken then."""
    wanted = kernel_slugs.of_title(name, TAXONOMY)
    for number in range(1, 1000):
        # The parent is part of the slug, so that the same name below the same parent is the same slug.
        slug = slugs.with_suffix(wanted, "-".join(str(one) for one in (parent, number if number > 1 else None) if one))
        held = db.value(BY_SLUG, {"slug": slug})
        if held is None:
            return _insert(parent, name, slug)
        if _is_same(held, parent, name):
            return int(held)
    raise ValidationFailed.of("category", "There are too many categories of this name.", "taken")


def _insert(parent: int | None, name: str, slug: str) -> int:
    now = clock.now()
    row = {"taxonomy": TAXONOMY, "parent_id": parent, "name": name, "slug": slug, "sort_title": sort_title(name)}
    try:
        return db.insert_id(db.execute(INSERT, {**row, "created_at": now, "updated_at": now}))
    except IntegrityError:
        made = db.value(BY_SLUG, {"slug": slug})
        if made is None or not _is_same(made, parent, name):
            raise
        return int(made)


def _is_same(category_id: int, parent: int | None, name: str) -> bool:
    found: Iterable[Row] = db.rows(TREE.where(terms.c.id == category_id))
    return any(row["parent_id"] == parent and row["sort_title"] == sort_title(name) for row in found)
