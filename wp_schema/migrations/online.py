"""Steps for revisions: each is done only where needed and beside a site in use.

On MySQL and MariaDB an ALTER asks for the least of locks that the server grants, waits for
open transactions only briefly (meanwhile all others wait behind it), and tries again.
"""

from __future__ import annotations

import random
import time
from typing import Any

from alembic import op
from sqlalchemy import Column, Index, Table, inspect
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateColumn, CreateIndex

from wp_schema.ddl import create_tables, is_wanted, key_clause
from wp_schema.prefix import with_prefixes
from wp_schema.types import MYSQL

WAYS = (
    "ALGORITHM=INSTANT",
    "ALGORITHM=INPLACE, LOCK=NONE",
    "ALGORITHM=INPLACE, LOCK=SHARED",
    "ALGORITHM=COPY, LOCK=SHARED",
)
LOCK_WAIT_SECONDS = 1
TRIES = 30

_NOT_THIS_WAY = {1845, 1846, 1221}  # algorithm or lock not supported for this change
_BUSY = {1205, 1213, 1020}


def add_table(table: Table) -> None:
    """Make a table with its keys, if it is missing."""
    create_tables(op.get_bind(), table)


def add_column(column: Column[Any]) -> None:
    """Add a column of a declared table, if it is missing."""
    connection, table = op.get_bind(), column.table
    assert isinstance(table, Table)
    if column.name in _columns(connection, table):
        return
    clause = CreateColumn(column).compile(dialect=connection.dialect)
    _alter(connection, table, f"ADD COLUMN {clause}")


def drop_column(table: Table, name: str) -> None:
    """Drop a column, if it is there."""
    connection = op.get_bind()
    if name in _columns(connection, table):
        _alter(connection, table, f"DROP COLUMN {_quote(connection, name)}")


def add_index(index: Index) -> None:
    """Add an index of a declared table, if it is missing."""
    connection, table = op.get_bind(), index.table
    assert table is not None
    if not is_wanted(index, connection.dialect.name):
        return
    if connection.dialect.name not in MYSQL:
        connection.execute(CreateIndex(index, if_not_exists=True))
    elif _real(connection, str(index.name)) not in _indexes(connection, table):
        _alter(connection, table, f"ADD {key_clause(index, connection.dialect)}")


def drop_index(table: Table, name: str) -> None:
    """Drop an index, if it is there; `name` carries the prefix token."""
    connection = op.get_bind()
    if _real(connection, name) not in _indexes(connection, table):
        return
    if connection.dialect.name in MYSQL:
        _alter(connection, table, f"DROP INDEX {_quote(connection, name)}")
    else:
        connection.exec_driver_sql(f"DROP INDEX {_quote(connection, name)}")


def _alter(connection: Connection, table: Table, clause: str) -> None:
    statement = f"ALTER TABLE {_quote(connection, table.name)} {clause}"
    if connection.dialect.name not in MYSQL:
        connection.exec_driver_sql(statement)
        return
    before = connection.exec_driver_sql("SELECT @@SESSION.lock_wait_timeout").scalar()
    connection.exec_driver_sql(f"SET SESSION lock_wait_timeout = {LOCK_WAIT_SECONDS}")
    try:
        _alter_online(connection, statement)
    finally:
        connection.exec_driver_sql(f"SET SESSION lock_wait_timeout = {before}")


def _alter_online(connection: Connection, statement: str) -> None:
    way = tries = 0
    while True:
        try:
            connection.exec_driver_sql(f"{statement}, {WAYS[way]}")
        except DBAPIError as error:
            code = error.orig.args[0] if error.orig is not None and error.orig.args else None
            if code in _NOT_THIS_WAY and way < len(WAYS) - 1:
                way += 1
            elif code in _BUSY and tries < TRIES:
                tries += 1
                time.sleep(random.uniform(0.5, 2))  # noqa: S311
            else:
                raise
        else:
            return


def _columns(connection: Connection, table: Table) -> set[str]:
    return {column["name"] for column in inspect(connection).get_columns(_real(connection, table.name))}


def _indexes(connection: Connection, table: Table) -> set[str | None]:
    return {index["name"] for index in inspect(connection).get_indexes(_real(connection, table.name))}


def _quote(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote_identifier(name)


def _real(connection: Connection, name: str) -> str:
    base, blog = connection.get_execution_options()["prefixes"]
    return with_prefixes(name, base, blog)
