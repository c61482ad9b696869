"""Making, checking and removing tables: Learnomy's on any site, WordPress's own only for the
embedded default, where there is no WordPress to have made them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import insert, select
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.schema import DropTable

from wp_schema import migrate
from wp_schema.bare import NOT_AUTOLOADED, default_options
from wp_schema.ddl import create_tables
from wp_schema.prefix import check_prefix, site_collation
from wp_schema.tables import bind_connection, metadata_learnomy, metadata_wordpress, options, term_taxonomy, wp_terms
from wp_schema.types import MYSQL

FLOOR_MARIADB = (10, 6)
FLOOR_MYSQL = (8, 0)
FLOOR_SQLITE = (3, 35)


class UnsupportedServer(RuntimeError):
    """The database server is older than what the tables need."""


def check_server(engine: Engine) -> str:
    """The server's name and version; UnsupportedServer with a plain sentence if it is too old."""
    with engine.connect() as connection:
        if engine.dialect.name not in MYSQL:
            version = str(connection.exec_driver_sql("SELECT sqlite_version()").scalar())
            return _check("SQLite", version, FLOOR_SQLITE)
        return check_version(str(connection.exec_driver_sql("SELECT VERSION()").scalar()))


def check_version(version: str) -> str:
    """The same for what MySQL's or MariaDB's `VERSION()` says."""
    if "mariadb" in version.lower():
        return _check("MariaDB", version.removeprefix("5.5.5-"), FLOOR_MARIADB)
    return _check("MySQL", version, FLOOR_MYSQL)


def _check(name: str, version: str, floor: tuple[int, int]) -> str:
    found = re.match(r"(\d+)\.(\d+)", version)
    if found is None or (int(found[1]), int(found[2])) < floor:
        least = ".".join(map(str, floor))
        raise UnsupportedServer(f"Learnomy needs {name} {least} or later; this server is {name} {version}.")
    return f"{name} {version}"


def install(
    engine: Engine, *, base_prefix: str, blog_prefix: str, charset: str = "utf8mb4", collate: str = ""
) -> list[str]:
    """Make or migrate one blog's Learnomy tables; gives the revisions that ran.

    `charset` and `collate` are the site's (wp-config's DB_CHARSET and DB_COLLATE, or what
    `$wpdb` made of them). Safe to run again, after a run that was cut off, and twice at once.
    """
    check_prefix(base_prefix)
    check_prefix(blog_prefix)
    check_server(engine)
    return migrate.upgrade(engine, base_prefix, blog_prefix, site_collation(charset, collate))


def pending_migrations(engine: Engine, prefix: str) -> list[str]:
    """The revisions that the blog with this prefix does not have yet, oldest first."""
    with engine.connect() as connection:
        return migrate.pending(bind_connection(connection, prefix, prefix))


def is_installed(engine: Engine, prefix: str) -> bool:
    """Whether the blog with this prefix has Learnomy's tables, of whatever revision."""
    with engine.connect() as connection:
        return migrate.current_revision(bind_connection(connection, prefix, prefix)) is not None


def uninstall(engine: Engine, prefix: str) -> None:
    """Drop Learnomy's tables of the blog with this prefix, and nothing else."""
    with migrate.alone(engine, prefix, prefix) as connection:
        for table in metadata_learnomy.tables.values():
            connection.execute(DropTable(table, if_exists=True))
        version_table = connection.dialect.identifier_preparer.quote_identifier(migrate.VERSION_TABLE)
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {version_table}")


def install_bare_wordpress(
    engine: Engine,
    *,
    home: str,
    prefix: str = "wp_",
    title: str = "Learnomy",
    admin_email: str = "admin@example.test",
) -> None:
    """WordPress's own tables with a new site's options and roles, but no user; what is there stays."""
    with migrate.alone(engine, prefix, prefix) as connection:
        with _zero_dates(connection):
            create_tables(connection, metadata_wordpress)
        wanted = default_options(home=home, title=title, admin_email=admin_email, blog_prefix=prefix)
        _add_options(connection, wanted)
        if connection.execute(select(wp_terms.c.term_id).limit(1)).first() is None:
            connection.execute(insert(wp_terms).values(term_id=1, name="Uncategorized", slug="uncategorized"))
            connection.execute(insert(term_taxonomy).values(term_id=1, taxonomy="category", description=""))


@contextmanager
def _zero_dates(connection: Connection) -> Iterator[None]:
    """Let `0000-00-00` be a default, as WordPress does in its own sessions."""
    if connection.dialect.name not in MYSQL:
        yield
        return
    connection.exec_driver_sql("SET @learnomy_sql_mode = @@SESSION.sql_mode, SESSION sql_mode = ''")
    try:
        yield
    finally:
        connection.exec_driver_sql("SET SESSION sql_mode = @learnomy_sql_mode")


def _add_options(connection: Connection, wanted: dict[str, str]) -> None:
    there = set(connection.execute(select(options.c.option_name)).scalars())
    rows = [
        {"option_name": name, "option_value": value, "autoload": "no" if name in NOT_AUTOLOADED else "yes"}
        for name, value in wanted.items()
        if name not in there
    ]
    if rows:
        connection.execute(insert(options), rows)
