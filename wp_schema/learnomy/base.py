"""How a Learnomy table is declared: names with the prefix token, keys named after it."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import CheckConstraint, Column, Computed, Index, MetaData, String, Table, text
from sqlalchemy.sql.elements import quoted_name
from sqlalchemy.types import TypeEngine

from wp_schema.prefix import BLOG_PREFIX, SITE_COLLATION
from wp_schema.types import Count, Flag, Id, Json, LongText, Money, Points, UtcDateTime, key_string

metadata_learnomy = MetaData()


class Key(NamedTuple):
    """An index or check of a table, named when the table is made."""

    kind: str
    name: str
    columns: tuple[str, ...]


def index(name: str, *columns: str) -> Key:
    """An index `{prefix}lrn_{table}_{name}`."""
    return Key("index", name, columns)


def unique(name: str, *columns: str) -> Key:
    """A unique index `{prefix}lrn_{table}_{name}`."""
    return Key("unique", name, columns)


def fulltext(name: str, *columns: str) -> Key:
    """A FULLTEXT index on MySQL and MariaDB; SQLite has none."""
    return Key("fulltext", name, columns)


def check(name: str, condition: str) -> Key:
    """A CHECK that both engines understand."""
    return Key("check", name, (condition,))


def trash_check() -> Key:
    """In the trash means dated, and the other way round."""
    return check("trash", "(status = 'trash') = (deleted_at IS NOT NULL)")


def table(name: str, *items: Column[Any] | Key) -> Table:
    """A table of Learnomy's with its keys."""
    stem = f"{BLOG_PREFIX}lrn_{name}"
    made = Table(
        quoted_name(stem, True),
        metadata_learnomy,
        *(item for item in items if isinstance(item, Column)),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate=SITE_COLLATION,
        mysql_row_format="DYNAMIC",
        sqlite_autoincrement=True,
    )
    for item in items:
        if isinstance(item, Key):
            kind = "ck_" if item.kind == "check" else ""
            _add_key(made, quoted_name(f"{stem}_{kind}{item.name}", True), item)
    return made


def _add_key(made: Table, name: quoted_name, item: Key) -> None:
    if item.kind == "check":
        made.append_constraint(CheckConstraint(item.columns[0], name=name))
        return
    columns = [made.c[column] for column in item.columns]
    if item.kind == "fulltext":
        Index(name, *columns, mysql_prefix="FULLTEXT", mariadb_prefix="FULLTEXT")
    else:
        Index(name, *columns, unique=item.kind == "unique")


# --- columns -------------------------------------------------------------------------


def id_column() -> Column[Any]:
    """The primary key."""
    return Column("id", Id, primary_key=True, autoincrement=True)


def ref(name: str, *, null: bool = False) -> Column[Any]:
    """The id of a row of another table; 0 stands for none where NULL is not possible."""
    return Column(name, Id, nullable=null, server_default=None if null else text("0"))


def state(name: str, default: str, length: int = 16) -> Column[Any]:
    """One of a fixed set of lower-case words."""
    return Column(name, key_string(length), nullable=False, server_default=text(f"'{default}'"))


def chars(name: str, length: int) -> Column[Any]:
    """A text of bounded length in the site's collation, empty rather than NULL."""
    return Column(name, String(length), nullable=False, server_default=text("''"))


def key(name: str, length: int, *, null: bool = False) -> Column[Any]:
    """A key compared byte by byte."""
    return Column(name, key_string(length), nullable=null)


def at(name: str, *, null: bool = True) -> Column[Any]:
    """An instant."""
    return Column(name, UtcDateTime, nullable=null)


def count(name: str, default: int = 0) -> Column[Any]:
    """A number that is never negative."""
    return Column(name, Count, nullable=False, server_default=text(str(default)))


def maybe_count(name: str) -> Column[Any]:
    """A number that is never negative; NULL means not set."""
    return Column(name, Count, nullable=True)


def flag(name: str, default: bool = False) -> Column[Any]:
    """Yes or no."""
    return Column(name, Flag, nullable=False, server_default=text("1" if default else "0"))


def money(name: str) -> Column[Any]:
    """An amount in minor units of the row's currency."""
    return Column(name, Money, nullable=False, server_default=text("0"))


def points(name: str, default: int = 0) -> Column[Any]:
    """Points or a percentage, to five places."""
    return Column(name, Points, nullable=False, server_default=text(f"{default}.00000"))


def maybe_points(name: str) -> Column[Any]:
    """Points or a percentage, or NULL."""
    return Column(name, Points, nullable=True)


def body(name: str) -> Column[Any]:
    """A long text, empty rather than NULL."""
    return Column(name, LongText, nullable=False, default="")


def maybe_body(name: str) -> Column[Any]:
    """A long text, or NULL."""
    return Column(name, LongText, nullable=True)


def json(name: str) -> Column[Any]:
    """A JSON value, or NULL."""
    return Column(name, Json, nullable=True)


def version() -> Column[Any]:
    """Counts edits of the resource; the `version` of its ETag."""
    return count("version", 1)


def when(name: str, type_: TypeEngine[Any], condition: str, value: str) -> Column[Any]:
    """`value` while `condition` holds, else NULL: the column of a conditional unique key.

    Computed by the database and never written.
    """
    return Column(name, type_, Computed(f"CASE WHEN {condition} THEN {value} END", persisted=True), nullable=True)
