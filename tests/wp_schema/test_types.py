"""Column types: what is bound comes back, and means the same on both engines."""

# ruff: noqa: RUF001  # the letters that look alike are the point

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Column, Connection, MetaData, Table, bindparam, create_engine, insert, select
from sqlalchemy.exc import StatementError

from wp_schema.folding import fold, sort_title
from wp_schema.types import (
    Blob,
    Count,
    Flag,
    Id,
    Json,
    Money,
    Points,
    SortTitle,
    UtcDateTime,
    WordPressDate,
    key_string,
)

metadata = MetaData()
things = Table(
    "things",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime),
    Column("local_date", WordPressDate()),
    Column("gmt_date", WordPressDate(gmt=True)),
    Column("json", Json),
    Column("flag", Flag),
    Column("money", Money),
    Column("count", Count),
    Column("points", Points),
    Column("key", key_string(64)),
    Column("sort_title", SortTitle),
    Column("blob", Blob),
    mysql_charset="utf8mb4",
    mysql_collate="utf8mb4_unicode_520_ci",
)


@pytest.fixture
def connection(any_database_url: str) -> Iterator[Connection]:
    engine = create_engine(any_database_url)
    metadata.create_all(engine)
    with engine.connect() as connection:
        if connection.dialect.name == "mysql":  # as WordPress sets it: zero dates are stored
            connection.exec_driver_sql("SET SESSION sql_mode = ''")
        yield connection
    engine.dispose()


def _store(connection: Connection, **values: Any) -> dict[str, Any]:
    made = connection.execute(insert(things).values(**values)).inserted_primary_key
    assert made is not None
    return dict(connection.execute(select(things).where(things.c.id == made[0])).mappings().one())


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("id", 2**62),
        ("at", datetime(2026, 3, 29, 1, 59, 59, 999_999, tzinfo=UTC)),
        ("at", datetime(1970, 1, 1, tzinfo=UTC)),
        ("at", None),
        ("local_date", datetime(2026, 3, 29, 2, 30)),
        ("gmt_date", datetime(2026, 3, 29, 2, 30, tzinfo=UTC)),
        ("json", {"a": [1, 2.5, None, True, {"ü": "☃😀"}], "b": ""}),
        ("json", []),
        ("json", "text"),
        ("json", None),
        ("flag", True),
        ("flag", False),
        ("flag", None),
        ("money", -(2**53) - 1),
        ("count", 4_000_000_000),
        ("points", 33.33333),
        ("points", -0.5),
        ("key", "a" * 64),
        ("key", "Straße 😀"),
        ("blob", bytes(range(256))),
    ],
)
def test_a_value_comes_back_as_it_was(connection: Connection, column: str, value: Any) -> None:
    came = _store(connection, **{column: value})[column]
    assert came == value
    assert type(came) is type(value)


def test_an_instant_is_the_same_from_any_zone(connection: Connection) -> None:
    at = datetime(2026, 10, 25, 1, 30, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    assert _store(connection, at=at)["at"] == at
    assert _store(connection, at=at)["at"].tzinfo is UTC


def test_a_naive_instant_is_refused(connection: Connection) -> None:
    with pytest.raises(StatementError, match="naive"):
        _store(connection, at=datetime(2026, 1, 1))


def test_instants_sort_and_compare_in_the_database(connection: Connection) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    steps = [timedelta(0), timedelta(microseconds=1), timedelta(seconds=1), timedelta(days=300)]
    for step in reversed(steps):
        _store(connection, at=start + step)
    found = connection.execute(select(things.c.at).order_by(things.c.at)).scalars().all()
    assert list(found) == [start + step for step in steps]
    later = select(things.c.at).where(things.c.at > bindparam("than", type_=things.c.at.type)).order_by(things.c.at)
    assert connection.execute(later, {"than": start}).scalars().first() == start + steps[1]


def test_a_zero_date_is_none_and_none_a_zero_date(connection: Connection) -> None:
    stored = _store(connection, local_date=None, gmt_date=None)
    assert stored["local_date"] is None
    assert stored["gmt_date"] is None
    text = connection.exec_driver_sql("SELECT CAST(local_date AS CHAR) FROM things").scalar()
    assert text == "0000-00-00 00:00:00"


@pytest.mark.parametrize(
    "values",
    [{"local_date": datetime(2026, 1, 1, tzinfo=UTC)}, {"gmt_date": datetime(2026, 1, 1)}],
)
def test_wordpress_dates_refuse_the_other_kind(connection: Connection, values: dict[str, Any]) -> None:
    with pytest.raises(StatementError, match="this column takes"):
        _store(connection, **values)


def test_keys_compare_byte_by_byte(connection: Connection) -> None:
    _store(connection, key="abc")
    for value in ("ABC", "äbc", "abc😀", "\ud7ff"):
        assert connection.execute(select(things.c.id).where(things.c.key == value)).first() is None
    assert connection.execute(select(things.c.id).where(things.c.key == "abc")).first() is not None


@pytest.mark.parametrize("value", [True, False])
def test_a_flag_is_asked_for_by_equality(connection: Connection, value: bool) -> None:
    _store(connection, flag=True)
    _store(connection, flag=False)
    _store(connection, flag=None)
    for condition in (things.c.flag.is_(value), things.c.flag == value, things.c.flag if value else ~things.c.flag):
        asked = select(things.c.flag).where(condition)
        assert connection.execute(asked).scalars().all() == [value]
        assert " IS " not in str(asked.compile(connection))
    assert connection.execute(select(things.c.id).where(things.c.flag.is_(None))).all() != []


TITLES = [
    "Zebra",
    "apple",
    "Äpfel",
    "Apple pie",
    "Éclair",
    "eclair 2",
    "über",
    "日本語",
    "😀 smile",
    "ﬁne",
    "Ｆｕｌｌ",
    "ß",
]


def test_titles_have_one_order_on_every_engine(connection: Connection) -> None:
    for title in TITLES:
        _store(connection, sort_title=sort_title(title))
    found = connection.execute(select(things.c.sort_title).order_by(things.c.sort_title)).scalars().all()
    assert list(found) == sorted(map(sort_title, TITLES))


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("  Crème   Brûlée\n", "creme brulee"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("Łódź Ærø Ǿ", "lodz aero o"),
        ("ﬁne Ｆｕｌｌ", "fine full"),
        ("İstanbul ışık", "istanbul isik"),
        ("한국어", "한국어"),
        ("", ""),
    ],
)
def test_folding(text: str, folded: str) -> None:
    assert fold(text) == folded
    assert fold(folded) == folded


def test_a_sort_title_fits_its_column() -> None:
    assert len(sort_title("ﷺ" * 300)) <= 191
