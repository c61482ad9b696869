"""What is removed for good when its time is over: declared where it is kept, removed batch by batch.

`keep` declares rows of one table by the column that says since when they are of no more use;
`removes` a function of a feature's own. The job in kernel/cleanup.py calls all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import ColumnElement, Table, bindparam, delete, select

from learnomy_wp.kernel import clock, db

BATCH = 500

# Removes one batch of the current blog's and gives how many went; less than `BATCH` when nothing is left.
Removal = Callable[[], int]

REMOVALS: dict[str, Removal] = {}


def removes(name: str) -> Callable[[Removal], Removal]:
    """Declare a function that removes one batch in units of work of its own."""

    def register(removal: Removal) -> Removal:
        if name in REMOVALS:
            raise ValueError(f"the removal {name} is declared twice")
        REMOVALS[name] = removal
        return removal

    return register


def keep(
    table: Table,
    since: ColumnElement[object],
    *where: ColumnElement[bool],
    days: Callable[[], int],
    index: str,
    name: str = "",  # of the table, unless it has several
) -> None:
    """Declare that rows go so many days after `since`; 0 days are for ever, and NULL is never.

    `index` is the one that begins with `since`, by its short name: no other row is read.
    """
    stem = table.name.removeprefix("zblog_lrn_")
    old = (
        select(table.c.id)
        .where(since < bindparam("before"), *where)
        .order_by(since)
        .limit(BATCH)
        .with_hint(table, f"FORCE INDEX ({table.name}_{index})", "mysql")
    )
    # Asked again by the row's own condition: what was taken up meanwhile stays.
    remove = delete(table).where(table.c.id.in_(bindparam("ids", expanding=True)), since < bindparam("before"), *where)

    def removal() -> int:
        kept_days = days()
        if not kept_days:
            return 0
        before = clock.now() - timedelta(days=kept_days)
        ids = db.values(old, {"before": before})
        return db.write(remove, {"ids": ids, "before": before}).rowcount if ids else 0

    removes(name or stem)(removal)
