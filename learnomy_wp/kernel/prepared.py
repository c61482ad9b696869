"""Statements compiled once: what a statement of a module needs at its second and every later execution.

SQLAlchemy compiles a statement once too, but builds a context, a result and row objects at each
execution, which cost three times as much as the query itself. A plan keeps the text, how values
are bound and how columns are read. Whatever it does not know (another engine, statements built
for one call, several rows at once, empty lists) is left to SQLAlchemy; what comes out is the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Delete, Executable, Insert, Select, Update
from sqlalchemy.engine import Connection
from sqlalchemy.sql.compiler import SQLCompiler

Rows = list[tuple[Any, ...]]
Process = Callable[[Any], Any]

_REQUIRED = object()
_PLACE = re.compile(r"%\((\w+)\)s|__\[POSTCOMPILE_(\w+)\]")
_LIST = re.compile(r"__\[POSTCOMPILE_\w+\]")
# By statement, and for writes by the names of what is given, which decide the columns that are written.
# None: seen once. False: nothing for a plan.
_plans: WeakKeyDictionary[Executable, dict[tuple[str, ...], Plan | bool | None]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did."""

    rowcount: int
    lastrowid: int

    @property
    def inserted_primary_key(self) -> tuple[int]:
        """The id an INSERT of one row was given, as SQLAlchemy's result has it."""
        return (self.lastrowid,)


@dataclass(frozen=True, slots=True)
class _Default:
    effective_value: Any


def plan_of(statement: Executable, params: Any, connection: Connection) -> Plan | None:
    """The statement's plan, from its second execution on."""
    if connection.dialect.driver != "pymysql" or not (params is None or isinstance(params, Mapping)):
        return None
    plans = _plans.get(statement)
    if plans is None:
        plans = _plans[statement] = {}
    names = () if isinstance(statement, Select) else tuple(params or ())
    if names not in plans:
        plans[names] = None
        return None
    known = plans[names]
    if known is None:
        known = plans[names] = _make(statement, names, connection) or False
    return known if isinstance(known, Plan) else None


def _make(statement: Executable, names: tuple[str, ...], connection: Connection) -> Plan | None:
    if not isinstance(statement, Select | Insert | Update | Delete) or statement.get_execution_options():
        return None
    columns = None if isinstance(statement, Select) else list(names)
    compiled = statement.compile(dialect=connection.dialect, column_keys=columns)
    if not isinstance(compiled, SQLCompiler) or compiled.positional:
        return None
    if "~~" in compiled.string or compiled.literal_execute_params or compiled.escaped_bind_names:
        return None
    if isinstance(statement, Select):
        return Plan(compiled) if compiled._ordered_columns else None
    defaults = _defaults(compiled)
    is_known = defaults is not None and not compiled.effective_returning and not compiled.update_prefetch
    return Plan(compiled, defaults) if is_known else None


def _defaults(compiled: SQLCompiler) -> dict[str, Any] | None:
    """What columns that are not given get; None where that takes a function."""
    defaults: dict[str, Any] = {}
    for column in compiled.insert_prefetch:
        default = column.default
        if default is None or not default.is_scalar:
            return None
        defaults[column.key] = default.arg  # type: ignore[attr-defined]
    return defaults


class Plan:
    """How one statement is sent, and how its rows are read."""

    def __init__(self, compiled: SQLCompiler, defaults: Mapping[str, Any] | None = None) -> None:
        self.compiled = compiled
        self.keys = tuple(column.keyname for column in compiled._result_columns)
        self._defaults = defaults or {}
        self._text = re.sub(r"%\(\w+\)s", "%s", compiled.string)
        self._binds = [self._bind(one or many) for one, many in _PLACE.findall(compiled.string)]
        self._columns: list[tuple[int, Process]] | None = None

    def _bind(self, name: str) -> tuple[str, Any, Process | None, bool]:
        parameter = self.compiled.binds[name]
        default: Any = _REQUIRED if parameter.required else parameter
        if parameter.key in self._defaults:
            default = _Default(self._defaults[parameter.key])
        process: Any = self.compiled._bind_processors.get(name)
        return parameter.key, default, process, parameter.expanding

    def rows(self, connection: Connection, params: Mapping[str, Any]) -> Rows | None:
        """All rows, or None where SQLAlchemy has to run it."""
        bound = self._bound(params)
        if bound is None:
            return None
        cursor = _send(connection, *bound)
        found = self._read(list(cursor.fetchall()), cursor.description)
        cursor.close()
        return found

    def write(self, connection: Connection, params: Mapping[str, Any]) -> Written | None:
        """What the write did, or None where SQLAlchemy has to run it."""
        bound = self._bound(params)
        if bound is None:
            return None
        cursor = _send(connection, *bound)
        written = Written(cursor.rowcount, cursor.lastrowid)
        cursor.close()
        return written

    def _bound(self, params: Mapping[str, Any]) -> tuple[str, tuple[Any, ...]] | None:
        text = self._text
        values: list[Any] = []
        lists: list[str] = []
        for key, default, process, expands in self._binds:
            value = params.get(key, default)
            if value is default:
                if default is _REQUIRED:
                    return None  # SQLAlchemy names what is missing
                value = default.effective_value
            if expands:
                if not value:
                    return None
                lists.append(", ".join(["%s"] * len(value)))
                values += [process(item) for item in value] if process else value
            else:
                values.append(process(value) if process else value)
        if lists:
            places = iter(lists)
            text = _LIST.sub(lambda _: next(places), text)
        return text, tuple(values)

    def _read(self, rows: Rows, description: Any) -> Rows:
        columns = self._columns
        if columns is None:
            columns = self._columns = self._processors(description)
        if not columns:
            return rows
        processed = []
        for row in rows:
            values = list(row)
            for at, process in columns:
                values[at] = process(values[at])
            processed.append(tuple(values))
        return processed

    def _processors(self, description: Any) -> list[tuple[int, Process]]:
        found: list[tuple[int, Process]] = []
        for at, (column, described) in enumerate(zip(self.compiled._result_columns, description, strict=True)):
            process = column.type._cached_result_processor(self.compiled.dialect, described[1])
            if process is not None:
                found.append((at, process))
        return found


def _send(connection: Connection, text: str, values: tuple[Any, ...]) -> Any:
    cursor = connection.connection.cursor()
    try:
        for rewrite in connection.dispatch.before_cursor_execute:
            text, values = rewrite(connection, cursor, text, values, None, False)
        cursor.execute(text, values)
    except BaseException as error:  # wrapped, and the connection given up where it is lost, as SQLAlchemy does
        connection._handle_dbapi_exception(error, text, values, cursor, None)
    connection.dispatch.after_cursor_execute(connection, cursor, text, values, None, False)
    return cursor
