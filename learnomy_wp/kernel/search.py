"""Searching a `search_text` column: every word asked for must begin a word of the text.

The rule is a LIKE for each word, the same on every engine. On MySQL and MariaDB a FULLTEXT
match finds the rows first, for the words that such an index knows.
"""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate
from sqlalchemy import ColumnElement, Float
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from learnomy_wp.kernel.page import Filter
from wp_schema.folding import words

MAX_WORDS = 8
# InnoDB's own list: these words are in no FULLTEXT index, and neither is a word that may be the beginning of one.
_STOPWORDS = (
    " a about an are as at be by com de en for from how i in is it la of on or that the this to was what when where"
    " who will with und the www"
)
_INDEXED_LENGTH = range(3, 81)


def search_field() -> fields.String:
    """The `search` parameter of a list."""
    return fields.String(
        validate=validate.Length(max=200),
        metadata={"description": f"Words that must all occur, or begin a word; the first {MAX_WORDS} count."},
    )


class FullText(FunctionElement[float]):
    """How well a text matches, `MATCH (column) AGAINST (words IN BOOLEAN MODE)`; 1 where there is no such index."""

    type = Float()
    inherit_cache = True


@compiles(FullText)
def _without(_element: FullText, _compiler: Any, **_options: Any) -> str:
    return "1"


@compiles(FullText, "mysql")
@compiles(FullText, "mariadb")
def _match(element: FullText, compiler: Any, **options: Any) -> str:
    column, asked = (compiler.process(clause, **options) for clause in element.clauses)
    return f"MATCH ({column}) AGAINST ({asked} IN BOOLEAN MODE)"


def search_filters(column: ColumnElement[str]) -> dict[str, Filter]:
    """The filters of a `Listing` that `search_values` fills."""
    found = {"search_index": Filter(lambda asked: FullText(column, asked) > 0, narrow=True)}
    for number in range(MAX_WORDS):
        found[f"search_{number}"] = Filter(lambda word: column.like(word, escape="!"))
    return found


def search_values(text: str | None, *, by_index: bool = True) -> dict[str, str]:
    """The values of those filters. Without `by_index` rows are found by another filter, and only compared."""
    asked = words(text or "")[:MAX_WORDS]
    values = {f"search_{number}": f"% {word.replace('_', '!_')}%" for number, word in enumerate(asked)}
    indexed = [f"+{word}*" for word in asked if _is_indexed(word)]
    if indexed and by_index:
        values["search_index"] = " ".join(indexed)
    return values


def _is_indexed(word: str) -> bool:
    return len(word) in _INDEXED_LENGTH and f" {word}" not in _STOPWORDS
