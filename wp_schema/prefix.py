"""Table prefixes, put in as statements are sent.

Tables are module-level objects whose names begin with a token: `zbase_` for what a network
shares (users, blogs) and `zblog_` for what each blog has. Statements are compiled and cached
once for all blogs; the tokens become prefixes in the text that goes to the database. Index
names carry the token too, so they are unique on SQLite and hints name the right one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

BLOG_PREFIX = "zblog_"
BASE_PREFIX = "zbase_"
SITE_COLLATION = "zsite_collation"
DEFAULT_COLLATION = "utf8mb4_unicode_520_ci"
MAX_PREFIX_LENGTH = 24

_PREFIX = re.compile(rf"[A-Za-z0-9_]{{0,{MAX_PREFIX_LENGTH}}}")
_COLLATION = re.compile(r"utf8mb4_[a-z0-9_]+")
_BARE_HINT = re.compile(r"INDEX \((z(?:blog|base)_\w+)\)")


def check_prefix(prefix: str) -> str:
    """The prefix itself, if it can be part of a table's name; ValueError otherwise."""
    if not _PREFIX.fullmatch(prefix):
        raise ValueError(
            f"table prefix {prefix!r}: up to {MAX_PREFIX_LENGTH} letters, digits and underscores are possible"
        )
    return prefix


def site_collation(charset: str, collate: str) -> str:
    """The utf8mb4 collation that goes with a site's DB_CHARSET and DB_COLLATE.

    Mirrors wpdb::determine_charset(): utf8 becomes utf8mb4, no collation or an outdated one
    becomes utf8mb4_unicode_520_ci. Another character set (latin1) cannot hold what people
    write, so its tables get the same default.
    """
    if charset.lower() not in {"utf8", "utf8mb3", "utf8mb4"}:
        return DEFAULT_COLLATION
    collation = re.sub(r"^utf8(mb3)?_", "utf8mb4_", collate.lower())
    if collation in {"", "utf8mb4_general_ci", "utf8mb4_unicode_ci"} and collate.lower() != "utf8mb4_general_ci":
        return DEFAULT_COLLATION
    if not _COLLATION.fullmatch(collation):
        return DEFAULT_COLLATION
    return collation


def with_prefixes(statement: str, base: str, blog: str) -> str:
    """The statement's text with its tokens replaced; hinted index names get quoted."""
    if "INDEX (z" in statement:
        statement = _BARE_HINT.sub(r"INDEX (`\1`)", statement)
    return statement.replace(BLOG_PREFIX, blog).replace(BASE_PREFIX, base)


def bind_prefix(engine: Engine, get_prefixes: Callable[[], tuple[str, str]]) -> Engine:
    """Make every statement on `engine` reach the tables of `get_prefixes()`: (base, blog).

    A connection bound by `bind_connection` keeps its own prefixes.
    """

    def rewrite(
        connection: Connection, _cursor: Any, statement: str, parameters: Any, context: Any, _many: bool
    ) -> tuple[str, Any]:
        base, blog = connection.get_execution_options().get("prefixes") or get_prefixes()
        statement = with_prefixes(statement, base, blog)
        if context is not None and context.isddl:
            statement = _with_collation(connection, statement)
        return statement, parameters

    event.listen(engine, "before_cursor_execute", rewrite, retval=True)
    return engine


def bind_connection(connection: Connection, base: str, blog: str, collation: str = DEFAULT_COLLATION) -> Connection:
    """Make this connection reach the tables of these prefixes, whatever its engine says."""
    check_prefix(base)
    check_prefix(blog)
    if not _COLLATION.fullmatch(collation):
        raise ValueError(f"{collation!r} is no utf8mb4 collation")
    bound = connection.execution_options(prefixes=(base, blog), site_collation=collation)

    def rewrite(
        connection: Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
    ) -> tuple[str, Any]:
        return _with_collation(connection, with_prefixes(statement, base, blog)), parameters

    event.listen(bound, "before_cursor_execute", rewrite, retval=True)
    return bound


def _with_collation(connection: Connection, statement: str) -> str:
    collation = connection.get_execution_options().get("site_collation", DEFAULT_COLLATION)
    return statement.replace(SITE_COLLATION, str(collation))
