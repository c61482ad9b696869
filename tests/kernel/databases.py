"""A kernel database with the tables that keys and jobs need, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from learnomy_wp.kernel import db
from wp_schema.ddl import CreateWholeTable
from wp_schema.tables import expiring_keys, jobs


def prefixes(blog_id: int) -> tuple[str, str]:
    """As a network with the prefix `t_` has them."""
    return "t_", "t_" if blog_id == 1 else f"t_{blog_id}_"


@contextmanager
def kernel_database(url: str, blogs: tuple[int, ...] = (1, 2)) -> Iterator[db.Database]:
    """A database that is current for this process, threads included, with blog 1 entered."""
    database = db.Database(url, prefixes, pool_size=4)
    db.use(database)
    try:
        with db.using(database):
            for blog_id in blogs:
                with db.blog(blog_id), database.write.begin() as connection:
                    connection.execute(CreateWholeTable(expiring_keys))
                    connection.execute(CreateWholeTable(jobs))
            with db.blog(1):
                yield database
    finally:
        database.dispose()
