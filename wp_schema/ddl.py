"""Tables made whole: on MySQL the keys stand inside CREATE TABLE, so that a table that exists
is complete, also after a run that was cut off."""

from __future__ import annotations

from typing import Any

from sqlalchemy import MetaData, Table
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateIndex, CreateTable, Index

from wp_schema.types import MYSQL


class CreateWholeTable(CreateTable):
    """CREATE TABLE IF NOT EXISTS with its indexes where the engine can have them there."""

    inherit_cache = False

    def __init__(self, table: Table) -> None:
        super().__init__(table, if_not_exists=True)


@compiles(CreateWholeTable)
def _create_table(element: CreateWholeTable, compiler: Any, **options: Any) -> str:
    return str(compiler.visit_create_table(element, **options))


@compiles(CreateWholeTable, "mysql")
@compiles(CreateWholeTable, "mariadb")
def _create_table_with_keys(element: CreateWholeTable, compiler: Any, **options: Any) -> str:
    statement = compiler.visit_create_table(element, **options)
    columns, separator, table_options = statement.rpartition("\n)")
    keys = sorted(key_clause(index, compiler.dialect) for index in element.element.indexes)
    return str(",\n\t".join([columns, *keys]) + separator + table_options)


def key_clause(index: Index, dialect: Dialect) -> str:
    """`KEY name (columns)` out of SQLAlchemy's `CREATE INDEX name ON table (columns)`."""
    statement = str(CreateIndex(index).compile(dialect=dialect)).strip()
    kind = statement.removeprefix("CREATE ").split("INDEX", 1)[0]
    name = dialect.identifier_preparer.quote_identifier(str(index.info.get("mysql_name") or index.name))
    return f"{kind}KEY {name}{statement[statement.rindex(' (') :]}"


def is_wanted(index: Index, dialect_name: str) -> bool:
    """Whether an index exists on this engine (SQLite has no FULLTEXT)."""
    return dialect_name in MYSQL or not index.dialect_options["mysql"].get("prefix")


def create_tables(connection: Connection, made: MetaData | Table) -> None:
    """Make every table and index that is missing; what is there stays as it is."""
    for table in [made] if isinstance(made, Table) else made.sorted_tables:
        connection.execute(CreateWholeTable(table))
        if connection.dialect.name not in MYSQL:
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                if is_wanted(index, connection.dialect.name):
                    connection.execute(CreateIndex(index, if_not_exists=True))
