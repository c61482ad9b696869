"""User meta: several keys in one query, decoded as WordPress does; writing on the embedded default."""

import pytest
from sqlalchemy import create_engine, event, func, insert, select

from wp_schema import meta
from wp_schema.tables import bind_prefix, usermeta


@pytest.fixture
def connection(any_database_url):
    engine = bind_prefix(create_engine(any_database_url), lambda: ("wp_", "wp_3_"))
    with engine.begin() as opened:
        usermeta.create(opened)
        yield opened
    engine.dispose()


def test_values_come_back_as_written(connection):
    written = {"a": "text", "wp_capabilities": {"author": True}, meta.PREFERENCES: {"é": [1, None]}, "d": "i:5;"}
    for key, value in written.items():
        meta.write(connection.execute, 7, key, value)
    meta.write(connection.execute, 8, "a", "another user's")
    assert meta.read(connection.execute, 7, [*written, "absent"]) == written
    assert meta.read(connection.execute, 8, ["a", "d"]) == {"a": "another user's"}


def test_a_second_write_changes_the_first(connection):
    meta.write(connection.execute, 7, "a", [1])
    meta.write(connection.execute, 7, "a", [2])
    assert connection.scalar(select(func.count()).select_from(usermeta)) == 1
    assert meta.read(connection.execute, 7, ["a"]) == {"a": [2]}


def test_the_first_of_several_values_counts_and_a_write_changes_all(connection):
    for value in ("first", "second"):
        connection.execute(insert(usermeta), {"user_id": 7, "meta_key": "a", "meta_value": value})
    assert meta.read(connection.execute, 7, ["a"]) == {"a": "first"}
    meta.write(connection.execute, 7, "a", "third")
    assert connection.scalars(select(usermeta.c.meta_value)).all() == ["third", "third"]


def test_removing(connection):
    meta.write(connection.execute, 7, "a", 1)
    meta.write(connection.execute, 7, "b", 2)
    meta.write(connection.execute, 8, "a", 3)
    meta.remove(connection.execute, 7, "a")
    assert meta.read(connection.execute, 7, ["a", "b"]) == {"b": "2"}
    assert meta.read(connection.execute, 8, ["a"]) == {"a": "3"}


def test_one_query_for_any_number(connection):
    sent = []
    event.listen(connection, "before_cursor_execute", lambda *args: sent.append(args[2]))
    meta.read(connection.execute, 7, [f"key{number}" for number in range(40)])
    assert len(sent) == 1


def test_one_unreadable_value_spoils_no_other():
    rows = [{"meta_key": "bad", "meta_value": "a:1:{}"}, {"meta_key": "null", "meta_value": None}]
    assert meta.decode(rows) == {"bad": False, "null": None}
