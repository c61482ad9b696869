"""The quick reading of results gives what PyMySQL's own gives."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pymysql
import pytest
from pymysql.connections import Connection
from sqlalchemy.engine import make_url

from learnomy_wp.kernel.driver import QuickConnection

COLUMNS = """
    id INT UNSIGNED, tiny TINYINT, big BIGINT UNSIGNED, wide DECIMAL(20, 5), ratio DOUBLE, small FLOAT,
    at DATETIME(6), day DATE, moment TIME, zero DATETIME, short VARCHAR(300), body LONGTEXT, raw VARBINARY(300),
    blobbed LONGBLOB, extra JSON, flags BIT(8), year YEAR
"""
ROWS = [
    (1, -5, 2**64 - 1, "12.50000", 1.5, 0.25, "2026-02-03 04:05:06.000007", "2026-02-03", "25:06:17",
     "0000-00-00 00:00:00", "grün", "x" * 70000, b"\x00\xff", b"\xfe" * 300, '{"a": 1}', b"\x05", 2026),
    (2, None, 0, None, None, None, None, None, None, None, None, None, None, None, None, None, None),
    (3, 0, 1, "0.00000", 0.0, 0.0, "1999-12-31 23:59:59.999999", "0000-00-00", "-01:00:00",
     "2026-01-01 00:00:00", "", "é" * 126, b"", b"", "[]", b"\x00", 1999),
]  # fmt: skip


def _connect(kind: type[Connection], url: str, **options: Any) -> Connection:
    place = make_url(url)
    return kind(
        unix_socket=place.query["unix_socket"],
        user="root",
        database=place.database,
        charset="utf8mb4",
        autocommit=True,
        **options,
    )


@pytest.fixture
def pair(database_url: str) -> Iterator[tuple[Connection, Connection]]:
    """Both kinds of connection to one filled table."""
    options = {"init_command": "SET sql_mode=''"}
    with (
        _connect(Connection, database_url, **options) as plain,
        _connect(QuickConnection, database_url, **options) as q,
    ):
        with plain.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS kinds")
            cursor.execute(f"CREATE TABLE kinds ({COLUMNS})")
            cursor.executemany(f"INSERT INTO kinds VALUES ({', '.join(['%s'] * len(ROWS[0]))})", ROWS)
        yield plain, q


def _all(connection: Connection, sql: str) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        count = cursor.execute(sql)
        return count, cursor.fetchall(), cursor.description, cursor.rowcount, cursor.warning_count, cursor.lastrowid


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM kinds ORDER BY id",
        "SELECT * FROM kinds WHERE id > 5",
        "SELECT COUNT(*), MAX(at), SUM(wide), NOW(6) > '2020-01-01', NULL, 'text', CAST('x' AS BINARY) FROM kinds",
        "SELECT CAST('0' + 'a' AS SIGNED)",  # with a warning
        "SELECT REPEAT('a', 250), REPEAT('b', 251), REPEAT('c', 65535), REPEAT('d', 65536)",
        "UPDATE kinds SET ratio = ratio + 1",
        "DO 1",
    ],
)
def test_gives_the_same(pair: tuple[Connection, Connection], sql: str) -> None:
    plain, quick = pair
    assert _all(quick, sql) == _all(quick, sql) == _all(plain, sql)
    for left, right in zip(_all(quick, sql)[1], _all(plain, sql)[1], strict=True):
        assert [type(value) for value in left] == [type(value) for value in right]


def test_a_row_may_fill_several_packets(pair: tuple[Connection, Connection]) -> None:
    plain, quick = pair
    sql = "SELECT REPEAT('a', 9000000), REPEAT('b', 9000000), 5"
    assert _all(quick, sql) == _all(plain, sql)


def test_errors_come_as_they_are(pair: tuple[Connection, Connection]) -> None:
    _, quick = pair
    with pytest.raises(pymysql.err.ProgrammingError, match="no_such_table"):
        _all(quick, "SELECT * FROM no_such_table")
    with pytest.raises(pymysql.err.OperationalError, match="max_statement_time"):
        _all(quick, "SET STATEMENT max_statement_time=0.05 FOR SELECT SLEEP(1), a.id FROM kinds a, kinds b, kinds c")
    assert _all(quick, "SELECT 'after'")[1] == (("after",),)


def test_a_lost_connection_is_an_operational_error(pair: tuple[Connection, Connection]) -> None:
    plain, quick = pair

    def end() -> None:
        time.sleep(0.2)
        _all(plain, f"KILL {quick.thread_id()}")

    ending = threading.Thread(target=end)
    ending.start()
    with pytest.raises(pymysql.err.OperationalError):
        _all(quick, "SELECT SLEEP(5) FROM kinds")
    ending.join()


def test_a_statement_may_change_its_columns(pair: tuple[Connection, Connection]) -> None:
    plain, quick = pair
    before = _all(quick, "SELECT tiny FROM kinds")
    _all(plain, "ALTER TABLE kinds MODIFY tiny VARCHAR(20)")
    assert _all(quick, "SELECT tiny FROM kinds") == _all(plain, "SELECT tiny FROM kinds") != before
