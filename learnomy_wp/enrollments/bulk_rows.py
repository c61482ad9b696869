"""The rows of a bulk enrolment: what a list or a CSV file says, and what each row means."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from marshmallow import ValidationError, fields, validate

from learnomy_wp.enrollments.schemas import GIVEN_SOURCES
from learnomy_wp.kernel.errors import Detail, PayloadTooLarge, ValidationFailed
from learnomy_wp.kernel.serialize import MAX_ID, Id, In, Time

Row = dict[str, Any]

MAX_ROWS = 5000
MAX_CSV_BYTES = 4 * 1024 * 1024
PEOPLE = ("user_id", "email", "username")
COURSES = ("course_id", "course")
COLUMNS = (*COURSES, *PEOPLE, "source", "source_id", "starts_at", "expires_at")
# What other systems call the same columns.
ALIASES = {"user_email": "email", "e_mail": "email", "mail": "email", "user_login": "username", "login": "username"}
NEVER = "never"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class BulkRow(In):
    """One row: who, and into which course."""

    course_id = Id(strict=False)
    course = fields.String(validate=validate.Length(1, 200))
    user_id = Id(strict=False)
    email = fields.String(validate=validate.Length(1, 100))
    username = fields.String(validate=validate.Length(1, 60))
    source = fields.String(validate=validate.OneOf(GIVEN_SOURCES))
    source_id = Id(strict=False, validate=validate.Range(0, MAX_ID))
    starts_at = Time()
    expires_at = Time(allow_none=True)


ROW = BulkRow()


@dataclass
class Listed:
    """The rows as they came, by column or field, and where each stood in its file."""

    rows: list[Row]
    lines: list[int] | None = None
    ignored_columns: list[str] = field(default_factory=list)


class RowRefused(Exception):
    """A row that cannot be done; `details` say why."""

    def __init__(self, *details: Detail) -> None:
        super().__init__(details)
        self.details = details

    @classmethod
    def of(cls, name: str, code: str, message: str) -> RowRefused:
        return cls(Detail(name, code, message))


def read_csv(data: bytes | str, name: str, *, has_course: bool) -> Listed:
    """The rows of a CSV file. Its first line names the columns; commas, semicolons or tabs part them.

    `name` is the body's field for what is wrong, `has_course` says that rows need not name one.
    Raises `PayloadTooLarge` and `ValidationFailed`.
    """
    text = _decoded(data, name)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    listed = Listed([], [])
    assert listed.lines is not None
    try:
        columns = _columns(next(reader, []), name, has_course=has_course)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                listed.rows.append(_row(columns, cells))
                listed.lines.append(reader.line_num)
            if len(listed.rows) > MAX_ROWS:
                raise ValidationFailed.of(name, f"A list may have {MAX_ROWS} rows.", "too_long")
    except csv.Error as error:
        raise ValidationFailed.of(
            name, f"Line {reader.line_num} cannot be read as CSV: {error}.", "unreadable"
        ) from None
    if not listed.rows:
        raise ValidationFailed.of(name, "There is no row below the line of column names.", "required")
    listed.ignored_columns = [column for column in columns if column not in COLUMNS]
    return listed


def reference(row: Mapping[str, Any]) -> str:
    """What a row calls its course, an id or a slug; empty where it names none."""
    named = next((row[name] for name in COURSES if row.get(name) not in (None, "")), "")
    return str(named).strip()[:200]


def load(row: Mapping[str, Any], defaults: Mapping[str, Any]) -> Row:
    """A row's values, with the defaults of the list. Raises `RowRefused`."""
    try:
        found: Row = ROW.load({**defaults, **row})
    except ValidationError as error:
        raise RowRefused(*_details(error.messages_dict)) from None
    if sum(name in found for name in PEOPLE) != 1:
        raise RowRefused.of("user_id", "required", "Name one user, by user_id, email or username.")
    return found


def _details(messages: Mapping[Any, Any]) -> list[Detail]:
    found = []
    for name, texts in list(messages.items())[:10]:
        text = str(texts[0]) if isinstance(texts, list) and texts else "This is not valid."
        code = "unknown_field" if text == "Unknown field." else "invalid"
        found.append(Detail(str(name)[:100], code, text))
    return found


def _decoded(data: bytes | str, name: str) -> str:
    if isinstance(data, str):
        return data.removeprefix("\ufeff")
    if len(data) > MAX_CSV_BYTES:
        raise PayloadTooLarge(f"A list may have {MAX_CSV_BYTES // 1024 // 1024} MiB.")
    is_utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return data.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError:
        raise ValidationFailed.of(name, "Save the list as CSV in UTF-8.", "unreadable") from None


def _delimiter(text: str) -> str:
    head = text.partition("\n")[0]
    return max((",", ";", "\t"), key=head.count)


def _columns(cells: list[str], name: str, *, has_course: bool) -> list[str]:
    columns = [re.sub(r"[\s-]+", "_", cell.strip().lower())[:100] for cell in cells]
    columns = [ALIASES.get(column, column) for column in columns]
    for wanted, is_there in ((PEOPLE, False), (COURSES, has_course)):
        if not is_there and not set(wanted) & set(columns):
            text = f"The first line has to name the columns, one of them {' or '.join(wanted)}."
            raise ValidationFailed.of(name, text, "missing_column")
    twice = sorted({column for column in columns if column in COLUMNS and columns.count(column) > 1})
    if twice:
        raise ValidationFailed.of(name, f"This column is there twice: {twice[0]}.", "duplicate")
    return columns


def _row(columns: list[str], cells: list[str]) -> Row:
    """The cells that say something, by column; a date alone is its midnight in UTC."""
    row: Row = {}
    for column, cell in zip(columns, cells, strict=False):
        text = cell.strip()
        if column not in COLUMNS or not text:
            continue
        if column == "expires_at" and text.lower() == NEVER:
            row[column] = None
        elif column in ("starts_at", "expires_at") and _DATE.fullmatch(text):
            row[column] = f"{text}T00:00:00Z"
        else:
            row[column] = text
    return row


def plain(value: Any) -> Any:
    """A default as the job's payload keeps it."""
    return value.isoformat() if isinstance(value, datetime) else value
