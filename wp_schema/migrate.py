"""Bringing one blog's Learnomy tables to the newest revision, and telling what is pending.

Two processes may start at once, on any machine: the second waits for the first and finds
nothing left to do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Index, MetaData, Table
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.sql.elements import quoted_name

from wp_schema.ddl import create_tables, is_wanted
from wp_schema.prefix import BLOG_PREFIX, DEFAULT_COLLATION, SITE_COLLATION, bind_connection
from wp_schema.types import MYSQL, key_string

VERSION_TABLE = quoted_name(f"{BLOG_PREFIX}learnomy_version", True)
LOCK_SECONDS = 120
TABLE_LOCK_SECONDS = 30  # for a table that a transaction still uses; the servers' own default is up to a year


# alembic would make the same, but name its key without quotes
_version_table = Table(
    VERSION_TABLE,
    MetaData(),
    Column("version_num", key_string(32), primary_key=True),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
    mysql_collate=SITE_COLLATION,
)


class MigrationsBusy(RuntimeError):
    """Another process has been migrating these tables for too long."""


def config() -> Config:
    """Alembic's configuration: where the revisions are."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    made.set_main_option("path_separator", "os")
    return made


def include_object(dialect_name: str) -> Callable[..., bool]:
    """Alembic's filter: Learnomy's own tables, and the indexes that this engine can have."""

    def include(item: Any, name: str | None, type_: str, _reflected: bool, _other: Any) -> bool:
        if type_ == "table":
            return str(name).startswith(f"{BLOG_PREFIX}lrn_")
        return is_wanted(item, dialect_name) if isinstance(item, Index) else True

    return include


def pending(connection: Connection, settings: Config | None = None) -> list[str]:
    """The revisions that this connection's blog does not have yet, oldest first."""
    scripts = ScriptDirectory.from_config(settings or config())
    done = current_revision(connection)
    known = [script.revision for script in scripts.walk_revisions()]
    if done is not None and done not in known:
        return []  # made by a newer version of Learnomy
    return list(reversed(known if done is None else known[: known.index(done)]))


def current_revision(connection: Connection) -> str | None:
    """The revision that this connection's blog is at; None before the first."""
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def upgrade(
    engine: Engine, base: str, blog: str, collation: str = DEFAULT_COLLATION, settings: Config | None = None
) -> list[str]:
    """Run what is pending for one blog and give the names of the revisions that ran."""
    settings = settings or config()
    with alone(engine, base, blog, collation) as connection:
        todo = pending(connection, settings)
        if todo:
            create_tables(connection, _version_table)
            settings.attributes["connection"] = connection
            command.upgrade(settings, "head")
    return todo


@contextmanager
def alone(engine: Engine, base: str, blog: str, collation: str = DEFAULT_COLLATION) -> Iterator[Connection]:
    """A connection bound to these prefixes, while no other process has one for them."""
    with engine.connect() as plain:
        connection = bind_connection(plain, base, blog, collation)
        lock = _named_lock if connection.dialect.name in MYSQL else _write_lock
        with lock(connection, blog):
            yield connection


@contextmanager
def _named_lock(connection: Connection, blog: str) -> Iterator[None]:
    database = connection.exec_driver_sql("SELECT DATABASE()").scalar()
    name = "learnomy_" + hashlib.sha256(f"{database}.{blog}".encode()).hexdigest()[:40]
    if connection.exec_driver_sql(f"SELECT GET_LOCK('{name}', {LOCK_SECONDS})").scalar() != 1:
        raise MigrationsBusy(f"another process has been migrating the tables of {blog!r} for {LOCK_SECONDS} s")
    connection.exec_driver_sql(f"SET SESSION lock_wait_timeout = {TABLE_LOCK_SECONDS}")
    connection.commit()
    try:
        yield
        connection.commit()
    finally:
        if not connection.invalidated:
            connection.rollback()
            connection.exec_driver_sql("SET SESSION lock_wait_timeout = DEFAULT")
            connection.exec_driver_sql(f"SELECT RELEASE_LOCK('{name}')")


@contextmanager
def _write_lock(connection: Connection, _blog: str) -> Iterator[None]:
    raw: Any = connection.connection.dbapi_connection
    patience = raw.execute("PRAGMA busy_timeout").fetchone()[0]
    raw.execute(f"PRAGMA busy_timeout = {LOCK_SECONDS * 1000}")
    try:
        with connection.begin():
            if not raw.in_transaction:  # the engine has no BEGIN IMMEDIATE of its own
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield
    finally:
        raw.execute(f"PRAGMA busy_timeout = {patience}")
