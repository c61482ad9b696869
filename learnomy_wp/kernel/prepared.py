"""SELECTs compiled once: what a statement of a module needs at its second and every later execution.

SQLAlchemy compiles a statement once too, but builds a context, a result and row objects at each
execution, which cost three times as much as the query itself. A plan keeps the text, how values
are bound and how columns are read. Whatever it does not know (another engine, statements built
for one call, empty lists) is left to SQLAlchemy; what comes out is the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Executable, Select
from sqlalchemy.engine import Connection
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import BindParameter

Rows = list[tuple[Any, ...]]
Process = Callable[[Any], Any]

_REQUIRED = object()
_PLACE = re.compile(r"%\((\w+)\)s|__\[POSTCOMPILE_(\w+)\]")
_LIST = re.compile(r"__\[POSTCOMPILE_\w+\]")
# None: seen once. False: nothing for a plan.
_plans: WeakKeyDictionary[Executable, Plan | bool | None] = WeakKeyDictionary()


def plan_of(statement: Executable, connection: Connection) -> Plan | None:
    """The statement's plan, from its second execution on."""
    if connection.dialect.driver != "pymysql":
        return None
    try:
        known = _plans[statement]
    except KeyError:
        _plans[statement] = None
        return None
    if known is None:
        known = _plans[statement] = _make(statement, connection) or False
    # A plan is one engine's; a process may use several, as the tests do.
    return known if isinstance(known, Plan) and known.dialect.driver == connection.dialect.driver else None


def _make(statement: Executable, connection: Connection) -> Plan | None:
    if not isinstance(statement, Select) or statement.get_execution_options():
        return None
    compiled = statement.compile(dialect=connection.dialect)
    if not isinstance(compiled, SQLCompiler) or compiled.positional or not compiled._ordered_columns:
        return None
    if "~~" in compiled.string or compiled.literal_execute_params or compiled.escaped_bind_names:
        return None
    return Plan(compiled)


class Plan:
    """How one statement is sent and read on one dialect."""

    def __init__(self, compiled: SQLCompiler) -> None:
        self.compiled = compiled
        self.dialect = compiled.dialect
        self.keys = tuple(column.keyname for column in compiled._result_columns)
        self._text = re.sub(r"%\(\w+\)s", "%s", compiled.string)
        self._binds = [self._bind(one or many) for one, many in _PLACE.findall(compiled.string)]
        self._columns: list[tuple[int, Process]] | None = None

    def _bind(self, name: str) -> tuple[str, Any, Process | None, bool]:
        parameter: BindParameter[Any] = self.compiled.binds[name]
        default = _REQUIRED if parameter.required else parameter
        process: Any = self.compiled._bind_processors.get(name)
        return parameter.key, default, process, parameter.expanding

    def run(self, connection: Connection, params: Mapping[str, Any]) -> Rows | None:
        """All rows, or None where SQLAlchemy has to run it."""
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
        return self._read(*_send(connection, text, tuple(values)))

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
            process = column.type._cached_result_processor(self.dialect, described[1])
            if process is not None:
                found.append((at, process))
        return found


def _send(connection: Connection, text: str, values: tuple[Any, ...]) -> tuple[Rows, Any]:
    cursor = connection.connection.cursor()
    try:
        for rewrite in connection.dispatch.before_cursor_execute:
            text, values = rewrite(connection, cursor, text, values, None, False)
        cursor.execute(text, values)
        rows: Rows = list(cursor.fetchall())
    except BaseException as error:  # wrapped, and the connection given up where it is lost, as SQLAlchemy does
        connection._handle_dbapi_exception(error, text, values, cursor, None)
    connection.dispatch.after_cursor_execute(connection, cursor, text, values, None, False)
    description = cursor.description
    cursor.close()
    return rows, description
