"""Lists: keyset paging, exact totals, and allow-lists of sorts and filters.

A feature declares one `Listing` at module level; each combination of sort, filters and
cursor becomes one cached statement with bind parameters. Values never reach SQL as text.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from marshmallow import fields, validate
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    FromClause,
    Select,
    Table,
    and_,
    asc,
    bindparam,
    desc,
    func,
    or_,
    select,
)

from learnomy_wp.kernel import db
from learnomy_wp.kernel.errors import ValidationFailed
from learnomy_wp.kernel.serialize import Query

MAX_PER_PAGE = 100
LAST_OFFSET_ROW = 1000


Condition = Callable[[BindParameter[Any]], ColumnElement[bool]]


@dataclass(frozen=True)
class Page:
    """One page of rows, the exact total of the list and the cursor of the next page."""

    rows: list[dict[str, Any]]
    total: int
    cursor_next: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)

    def with_rows(self, rows: list[dict[str, Any]]) -> Page:
        """The same page with its rows completed."""
        return Page(rows, self.total, self.cursor_next, self.meta)


class PageQuery(Query):
    """What every list takes. A subclass adds its filters and `sort = sorts(LISTING)`."""

    per_page = fields.Integer(
        load_default=20,
        validate=validate.Range(1, MAX_PER_PAGE),
        metadata={"description": "Rows in a page, 1 to 100."},
    )
    cursor = fields.String(metadata={"description": "meta.cursor_next of the page before."})
    page = fields.Integer(
        validate=validate.Range(min=1),
        metadata={"description": "Page number, up to the 1,000th row; a cursor goes on from there."},
    )


@dataclass(frozen=True)
class Via:
    """Another table that a filter drives the list from: one row of it for each row of the list.

    `columns` are the sort columns that it repeats, by sort, and `filters` the other filters
    that it answers itself. `key` is the list's key as it stands there.
    """

    table: FromClause
    on: ColumnElement[bool]
    columns: Mapping[str, ColumnElement[Any]]
    key: ColumnElement[Any]
    filters: Mapping[str, Condition] = field(default_factory=dict)


@dataclass(frozen=True)
class Filter:
    """One filter: a condition over its bind parameter, and the index that serves it per sort.

    `many` binds a list (an `IN`). `indexes` maps a sort's name to the index that carries
    both this filter's column and that sort. `narrow` says that the filter finds its few rows
    by an index of its own, so that no order's index is forced; `indexes` may name it, or else
    the optimizer chooses.
    """

    where: Condition
    many: bool = False
    indexes: Mapping[str, str] = field(default_factory=dict)
    via: Via | None = None
    narrow: bool = False


@dataclass(frozen=True)
class Sort:
    """One order: a NOT NULL column, its direction, and the index that serves it."""

    column: ColumnElement[Any]
    descending: bool = False
    index: str | None = None


class Listing:
    """A list endpoint's SQL, declared once.

    Where a filter goes by way of another table, `base` must have no FROM of its own but `table`.
    The first such filter drives the list, so declare the one that leaves fewest rows first.
    """

    def __init__(
        self,
        base: Select[Any],
        *,
        table: Table,
        key: ColumnElement[Any],
        sorts: Mapping[str, Sort],
        default: str,
        filters: Mapping[str, Filter] | None = None,
    ) -> None:
        self.base, self.table, self.key = base, table, key
        self.sorts, self.default = dict(sorts), default
        self.filters = dict(filters or {})
        self._statements: dict[tuple[Any, ...], Select[Any]] = {}

    def sort_field(self) -> fields.String:
        """The `sort` parameter of the endpoint's query schema."""
        return fields.String(
            load_default=self.default,
            validate=validate.OneOf(sorted(self.sorts)),
            metadata={"description": "Order; a leading minus turns it round."},
        )

    def key_of(self, query: Mapping[str, Any]) -> str:
        """What the filters of a query are, as the key of its cached total."""
        return repr([(name, query[name]) for name in self.filters if query.get(name) is not None])

    def page(
        self,
        query: Mapping[str, Any],
        binds: Mapping[str, Any] | None = None,
        *,
        owner: int = 0,
        total: Callable[[Callable[[], int]], int] | None = None,
    ) -> Page:
        """The page that `query` asks for.

        `binds` are parameters of the base statement; `owner` ties cursors to a user; `total`
        may answer the count from a cache and is given the function that counts.
        """
        sort = query.get("sort") or self.default
        active = tuple(name for name in self.filters if query.get(name) is not None)
        params: dict[str, Any] = dict(binds or {})
        params.update({name: query[name] for name in active})
        seal = _seal(sort, params, owner, self.table.name)
        mode, place = _place(query, seal)
        rows = db.rows(self._statement((sort, active), mode), {**params, **place})
        more = len(rows) > query["per_page"]
        rows = rows[: query["per_page"]]
        cursor_next = _make_cursor(rows[-1], seal) if more else None
        for row in rows:
            row.pop("sort_key", None)

        def counted() -> int:
            return int(db.value(self._count(active), params) or 0)

        offset = place.get("offset_rows", 0)
        if total is None and mode != "cursor" and not more and (rows or not offset):
            # The end is here, so the number of all is known.
            return Page(rows, offset + len(rows), None)
        return Page(rows, total(counted) if total else counted(), cursor_next)

    # -- statements, made once per shape

    def _statement(self, shape: tuple[str, tuple[str, ...]], mode: str) -> Select[Any]:
        found = self._statements.get((*shape, mode))
        if found is None:
            found = self._statements[(*shape, mode)] = self._build(shape[0], shape[1], mode)
        return found

    def _count(self, active: tuple[str, ...]) -> Select[Any]:
        found = self._statements.get(("count", active))
        if found is None:
            vias = self._vias(active)
            answered = vias[0].filters if vias else {}
            is_covered = len(vias) == 1 and all(name in answered or self.filters[name].via for name in active)
            key = vias[0].key if vias else self.key
            statement = self.base.with_only_columns(key).order_by(None)
            source = self._filtered(statement, active, () if is_covered else vias, answered).subquery()
            found = self._statements[("count", active)] = select(func.count()).select_from(source)
        return found

    def _filtered(
        self, statement: Select[Any], active: tuple[str, ...], vias: Sequence[Via], answered: Mapping[str, Condition]
    ) -> Select[Any]:
        if vias:
            source = vias[0].table.join(self.table, vias[0].on)
            for further in vias[1:]:
                source = source.join(further.table, further.on)
            # The optimizer would start from the list's own table and sort.
            statement = statement.select_from(source).prefix_with("STRAIGHT_JOIN", dialect="mysql")
        for name in active:
            known = self.filters[name]
            where = answered.get(name, known.where)
            statement = statement.where(where(bindparam(name, expanding=known.many)))
        return statement

    def _vias(self, active: tuple[str, ...]) -> list[Via]:
        return [via for name in active if (via := self.filters[name].via) is not None]

    def _build(self, sort_name: str, active: tuple[str, ...], mode: str) -> Select[Any]:
        sort, vias = self.sorts[sort_name], self._vias(active)
        column, key = sort.column, self.key
        if vias and sort_name in vias[0].columns:
            column, key = vias[0].columns[sort_name], vias[0].key
        statement = self.base.add_columns(column.label("sort_key"))
        statement = self._hinted(
            self._filtered(statement, active, vias, vias[0].filters if vias else {}), sort_name, active
        )
        turn = desc if sort.descending else asc
        if mode == "cursor":
            at: BindParameter[Any] = bindparam("cursor_value", type_=column.type)
            last: BindParameter[Any] = bindparam("cursor_id")
            beyond = (column < at, key < last) if sort.descending else (column > at, key > last)
            statement = statement.where(or_(beyond[0], and_(column == at, beyond[1])))
        statement = statement.order_by(turn(column), turn(key)).limit(bindparam("limit_rows"))
        if mode == "offset":
            statement = statement.offset(bindparam("offset_rows"))
        return statement

    def _hinted(self, statement: Select[Any], sort_name: str, active: tuple[str, ...]) -> Select[Any]:
        filters = [self.filters[name] for name in active]
        driving = next((known for known in filters if known.via), None)
        if driving is not None and driving.via is not None:
            table, index = driving.via.table, driving.indexes.get(sort_name)
        else:
            narrow = [known for known in filters if known.narrow]
            fitting = (known.indexes[sort_name] for known in narrow or filters if sort_name in known.indexes)
            table, index = self.table, next(fitting, None if narrow else self.sorts[sort_name].index)
        return statement.with_hint(table, f"FORCE INDEX ({index})", "mysql") if index else statement


def _place(query: Mapping[str, Any], seal: bytes) -> tuple[str, dict[str, Any]]:
    """Which rows are asked for: the mode of the statement, and its parameters."""
    place: dict[str, Any] = {"limit_rows": query["per_page"] + 1}
    if query.get("cursor"):
        return "cursor", place | _open_cursor(query["cursor"], seal)
    offset = ((query.get("page") or 1) - 1) * query["per_page"]
    if offset >= LAST_OFFSET_ROW:
        raise ValidationFailed.of("page", "Pages end at the 1,000th row; go on with cursor.", "out_of_range")
    return ("offset", place | {"offset_rows": offset}) if offset else ("first", place)


# --- cursors: opaque, signed, bound to the query and the user --------------------------

_cursor_key = b""


def use_cursor_key(key: bytes) -> None:
    """Set the key that signs cursors (derived from the site's secret)."""
    global _cursor_key
    _cursor_key = key


def _seal(sort: str, params: Mapping[str, Any], owner: int, table: str) -> bytes:
    text = repr((db.blog_id(), table, sort, owner, sorted((k, str(v)) for k, v in params.items() if k != "now")))
    return hashlib.blake2b(text.encode(), digest_size=12, key=_cursor_key[:64]).digest()


def _make_cursor(row: Mapping[str, Any], seal: bytes) -> str:
    at = row["sort_key"]
    packed = orjson.dumps([at.isoformat() if isinstance(at, datetime) else at, row["id"], isinstance(at, datetime)])
    mac = hmac.new(_cursor_key, seal + packed, hashlib.sha256).digest()[:12]
    return base64.urlsafe_b64encode(mac + packed).decode().rstrip("=")


def _open_cursor(cursor: str, seal: bytes) -> dict[str, Any]:
    refused = ValidationFailed.of("cursor", "This cursor is not one of this list. Start without it.", "invalid_cursor")
    try:
        data = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except ValueError:
        raise refused from None
    mac, packed = data[:12], data[12:]
    if not hmac.compare_digest(mac, hmac.new(_cursor_key, seal + packed, hashlib.sha256).digest()[:12]):
        raise refused
    at, last, is_time = orjson.loads(packed)
    return {"cursor_value": datetime.fromisoformat(at) if is_time else at, "cursor_id": last}
