"""Bulk inserts of the demo academy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Table
from sqlalchemy import insert as insert_into

from learnomy_wp.kernel import db

BATCH = 1000
DEMO = "lrn_demo_"  # begins whatever marks a demo row or person

T = TypeVar("T")


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of at most `size`."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def insert(table: Table, rows: Iterable[dict[str, Any]]) -> None:
    """Insert rows in batches, each committed on its own."""
    statement = insert_into(table)
    for chunk in chunks(rows, BATCH):
        db.write(statement, chunk)
