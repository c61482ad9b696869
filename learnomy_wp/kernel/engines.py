"""Engines: how the databases that we speak to are connected to, and what each connection is told first."""

from __future__ import annotations

from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.pool import QueuePool

LOCK_WAIT_SECONDS = 3
CONNECT_SECONDS = 5
# How long a server that takes no word or gives none is waited for: a request's caller has given up by then.
ANSWER_SECONDS = 30
MOST_OVERFLOW = 32


def make(url: URL, pool_size: int, answer_seconds: int | None, *, write: bool) -> Engine:
    """An engine for reads, each of which is its own transaction, or for units of work (`write`)."""
    if url.get_backend_name() == "sqlite":
        engine = create_engine(
            url,
            poolclass=QueuePool,
            pool_size=pool_size,
            max_overflow=MOST_OVERFLOW,
            connect_args={"timeout": 5, "check_same_thread": False},
        )
        _prepare_sqlite(engine, write=write)
        return engine
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=MOST_OVERFLOW,
        pool_recycle=280,
        isolation_level="READ COMMITTED" if write else "AUTOCOMMIT",
        skip_autocommit_rollback=not write,
        pool_reset_on_return=None,  # every unit of work commits or rolls back itself
        connect_args=_mysql_arguments(url, answer_seconds),
    )


def _mysql_arguments(url: URL, answer_seconds: int | None) -> dict[str, Any]:
    is_pymysql = url.get_driver_name() == "pymysql"
    arguments: dict[str, Any] = {
        "init_command": "SET time_zone='+00:00', sql_mode='STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION',"
        f" innodb_lock_wait_timeout={LOCK_WAIT_SECONDS}",
        "connect_timeout": CONNECT_SECONDS,
        "charset": "utf8mb4",
    }
    if answer_seconds is not None:
        arguments |= {"read_timeout": answer_seconds, "write_timeout": answer_seconds}
    if "unix_socket" in url.query or url.host in {None, "localhost", "127.0.0.1", "::1"}:
        # PyMySQL spends 27 ms on a TLS context otherwise.
        arguments |= {"ssl_disabled": True} if is_pymysql else {"ssl_mode": "DISABLED"}
    if not is_pymysql:
        arguments |= {"multi_statements": False, "local_infile": False}
    return arguments


def _prepare_sqlite(engine: Engine, *, write: bool) -> None:
    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        for pragma in ("journal_mode=WAL", "busy_timeout=5000", "foreign_keys=ON", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if write:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
