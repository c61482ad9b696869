"""Numbers kept by the writes that change them, so that no report counts rows when it is read.

They are rows of `lrn_expiring_keys` that never run out: a scope (`sum:site`, `sum:course:5`) holds
counters by key, in the order of the keys. What a unit of work adds is written as the last thing
before its commit, in one statement and in one order, so that those who share a counter wait briefly
and never for each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects import mysql, sqlite

from learnomy_wp.kernel import db
from wp_schema.tables import expiring_keys

FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
SITE = "sum:site"
# Behind every key that begins with what stands before it.
END = "~"

_columns = expiring_keys.c
_here = (
    _columns.scope == bindparam("of_scope"),
    _columns.key_hash >= bindparam("first"),
    _columns.key_hash <= bindparam("last"),
)
READ = select(_columns.key_hash, _columns.counter).where(*_here).order_by(_columns.key_hash)
LOCK = READ.with_for_update()
REMOVE = delete(expiring_keys).where(*_here)
_on_mysql, _on_sqlite = mysql.insert(expiring_keys), sqlite.insert(expiring_keys)
ADD_ON_MYSQL = _on_mysql.on_duplicate_key_update(counter=_columns.counter + _on_mysql.inserted.counter)
ADD_ON_SQLITE = _on_sqlite.on_conflict_do_update(
    index_elements=[_columns.scope, _columns.key_hash],
    set_={"counter": _columns.counter + _on_sqlite.excluded.counter},
)

Sums = dict[tuple[str, str], int]


def course(course_id: int) -> str:
    """The scope of a course's numbers."""
    return f"sum:course:{course_id}"


def add(scope: str, key: str, change: int = 1) -> None:
    """Add to a counter with the current unit of work. A key is at most 64 ASCII characters."""
    sums = db.gathered("rollups", dict, _write)
    sums[scope, key] = sums.get((scope, key), 0) + change


def read(scope: str, first: str = "", last: str = END) -> dict[str, int]:
    """The counters of a scope whose keys are between the two, which both count; those at 0 may be left out."""
    rows = db.rows(READ, {"of_scope": scope, "first": first, "last": last})
    return {row["key_hash"]: int(row["counter"]) for row in rows}


def lock(scope: str, first: str = "", last: str = END) -> None:
    """Let nobody else add to these counters before this unit of work is over."""
    db.rows(LOCK, {"of_scope": scope, "first": first, "last": last})


def replace(scope: str, values: Mapping[str, int], first: str = "", last: str = END) -> None:
    """Put these counters in the place of those between the two keys."""
    db.execute(REMOVE, {"of_scope": scope, "first": first, "last": last})
    _write({(scope, key): value for key, value in values.items()})


def _write(sums: Sums) -> None:
    rows: list[dict[str, Any]] = [
        {"scope": scope, "key_hash": key, "counter": change, "expires_at": FOREVER}
        for (scope, key), change in sorted(sums.items())
        if change
    ]
    if rows:
        db.execute(ADD_ON_SQLITE if db.current().is_sqlite else ADD_ON_MYSQL, rows if len(rows) > 1 else rows[0])
