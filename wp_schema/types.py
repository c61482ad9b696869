"""Column types that mean the same on MySQL, MariaDB and SQLite.

Instants are aware UTC, flags are bools, money is whole minor units, JSON is text (MySQL's own
JSON type and MariaDB's differ), and keys compare by code point on every engine.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import BigInteger, Boolean, DateTime, Integer, LargeBinary, Numeric, SmallInteger, String, Text, literal
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import operators
from sqlalchemy.types import TypeDecorator, TypeEngine

MYSQL = ("mysql", "mariadb")
ZERO_DATE = "0000-00-00 00:00:00"

Id = mysql.BIGINT(unsigned=True).with_variant(Integer(), "sqlite")
Money = BigInteger().with_variant(Integer(), "sqlite")
Count = Integer().with_variant(mysql.INTEGER(unsigned=True), *MYSQL)
Small = SmallInteger()
Points = Numeric(12, 5, asdecimal=False)
LongText = Text().with_variant(mysql.LONGTEXT(), *MYSQL)
Blob = LargeBinary().with_variant(mysql.LONGBLOB(), *MYSQL)


class FlagType(Boolean):
    """A bool kept as 0 or 1. `.is_(True)` means `= 1`: MySQL reads no index for `IS true`."""

    class Comparator(Boolean.Comparator[bool]):
        def operate(self, op: Any, *other: Any, **options: Any) -> Any:
            if op is operators.is_ and other and isinstance(other[0], bool):
                op, other = operators.eq, (literal(other[0], Boolean()),)
            return super().operate(op, *other, **options)

    comparator_factory = Comparator


Flag = FlagType(create_constraint=False)


def key_string(length: int) -> TypeEngine[str]:
    """A string compared code point by code point: slugs, hashes, states, folded titles.

    Not of MySQL's charset ascii even where only ASCII is stored: comparing such a column with
    what a visitor typed would be an error instead of no match.
    """
    return String(length).with_variant(mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin"), *MYSQL)


SortTitle = key_string(191)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware UTC in Python, DATETIME(6) on MySQL, ISO text on SQLite.

    A naive datetime is refused: it would silently mean another instant on another machine.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name in MYSQL:
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime())

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime is no instant; give an aware one")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class WordPressDate(TypeDecorator[datetime]):
    """A date column of WordPress's own tables, where `0000-00-00 00:00:00` means none.

    With `gmt=True` (the `*_gmt` columns and `user_registered`) values are aware UTC; otherwise
    they are naive and in the site's own time zone, as WordPress stores them.
    """

    impl = String
    cache_ok = True

    def __init__(self, *, gmt: bool = False) -> None:
        super().__init__(19)
        self.gmt = gmt

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name in MYSQL:
            return dialect.type_descriptor(mysql.DATETIME())
        return dialect.type_descriptor(String(19))

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> str | None:
        if value is None:
            return ZERO_DATE
        if self.gmt != (value.tzinfo is not None):
            raise ValueError("this column takes " + ("aware" if self.gmt else "naive") + " datetimes")
        moment = value.astimezone(UTC) if self.gmt else value
        return moment.strftime("%Y-%m-%d %H:%M:%S")

    def process_result_value(self, value: Any, _dialect: Dialect) -> datetime | None:
        if value is None or (isinstance(value, str) and value.startswith("0000-00-00")):
            return None
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        return moment.replace(tzinfo=UTC) if self.gmt else moment


class Json(TypeDecorator[Any]):
    """Any JSON value, kept as text on every engine. None is NULL."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(mysql.LONGTEXT() if dialect.name in MYSQL else Text())

    def process_bind_param(self, value: Any, _dialect: Dialect) -> str | None:
        return None if value is None else orjson.dumps(value).decode()

    def process_result_value(self, value: str | None, _dialect: Dialect) -> Any:
        return None if value is None else orjson.loads(value)
