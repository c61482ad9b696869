"""CSV: a row for each question, its content as JSON. Nothing is lost, and spreadsheets open it.

A cell that a spreadsheet would take for a formula is written with an apostrophe before it, and read without.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from learnomy_wp.questions.formats.base import Item, Unreadable, check_number, number_of, shown, text_of

COLUMNS = (
    *("type", "title", "prompt", "content", "points", "difficulty", "category", "tags"),
    *("feedback", "hints", "rubric", "idnumber"),
)
JSON_COLUMNS = ("content", "feedback", "hints", "rubric", "tags")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


def read(data: bytes) -> list[Item]:
    """The questions of a CSV whose first row names its columns. Raises `Unreadable`."""
    text = text_of(data)
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    csv.field_size_limit(1024 * 1024)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    items: list[Item] = []
    try:
        names = [(name or "").strip().lower() for name in reader.fieldnames or ()]
        if not {"type", "prompt", "content"} <= set(names):
            raise Unreadable("The first row must name the columns type, prompt and content.")
        reader.fieldnames = names
        for row in reader:
            if any(value for name, value in row.items() if name):
                items.append(_item(len(items) + 1, row))
                check_number(len(items))
    except csv.Error as error:
        raise Unreadable(f"This is no CSV: {error}.") from None
    return items


def _item(number: int, row: Mapping[Any, Any]) -> Item:
    item = Item(number)
    if None in row:
        item.note("extra_cells", "This row has more cells than there are columns.")
    for name, value in row.items():
        if name is None or value is None or not value.strip():
            continue
        if name not in COLUMNS:
            item.note("unknown_column", f"The column {name[:40]} is not known.", where=name[:40])
            continue
        _take(item, name, _unguarded(value))
    return item


def _take(item: Item, name: str, value: str) -> None:
    if name == "points":
        try:
            item.body[name] = number_of(value)
        except ValueError as error:
            item.fail("invalid", str(error), where=name)
    elif name == "tags" and not value.lstrip().startswith("["):
        item.body[name] = [tag.strip() for tag in value.split(",") if tag.strip()]
    elif name in JSON_COLUMNS:
        try:
            item.body[name] = orjson.loads(value)
        except orjson.JSONDecodeError:
            item.fail("invalid", "This is no JSON.", where=name)
    else:
        item.body[name] = value if name == "prompt" else value.strip()


def write(questions: Sequence[Mapping[str, Any]]) -> bytes:
    """The questions as a CSV with a byte order mark, which spreadsheets want."""
    kept = io.StringIO(newline="")
    writer = csv.writer(kept)
    writer.writerow(COLUMNS)
    for question in questions:
        writer.writerow([_guarded(_cell(question, name)) for name in COLUMNS])
    return kept.getvalue().encode("utf-8-sig")


def _cell(question: Mapping[str, Any], name: str) -> str:
    value: Any = question.get(name)
    if name == "category":
        value = value["path"] if value else None
    if value is None or value == []:
        return ""
    if name in JSON_COLUMNS:
        return orjson.dumps(value).decode()
    return shown(value) if name == "points" else str(value)


def _guarded(value: str) -> str:
    return f"'{value}" if value.startswith(_FORMULA) else value


def _unguarded(value: str) -> str:
    return value[1:] if value.startswith("'") and value[1:2] in _FORMULA else value
