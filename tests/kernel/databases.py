"""Databases and a runtime for the tests of this folder: only the tables of keys and jobs, or a whole bare site."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from learnomy_wp.config import Config
from learnomy_wp.kernel import db
from learnomy_wp.kernel.runtime import Runtime, start
from wp_schema import install
from wp_schema.ddl import CreateWholeTable
from wp_schema.tables import expiring_keys, jobs

# What only some engines can be asked of `probe_app`: SQLite has one writer, and one engine has Redis beside it.
several_writers = pytest.mark.parametrize("probe_app", ["mariadb", "redis"], indirect=True)
with_redis = pytest.mark.parametrize("probe_app", ["redis"], indirect=True)


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


def kernel_environment(url: str, state_dir: Path, redis_url: str = "") -> dict[str, str]:
    """The environment of a process over the site of `kernel_site`."""
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": url,
        "LEARNOMY_STATE_DIR": str(state_dir),
        "LEARNOMY_TABLE_PREFIX": "t_",
        "LEARNOMY_SECRET": "4f1c9b7de2a84c06b3d5a9e17c60f28be45d93a1c7f802b6",
        "LEARNOMY_REDIS_URL": redis_url,
        "LEARNOMY_LEASE_SECONDS": "2",
    }


@contextmanager
def kernel_site(url: str, state_dir: Path, redis_url: str = "") -> Iterator[Runtime]:
    """A whole runtime over a bare WordPress with the prefix `t_`, current for this process."""
    runtime = start(Config.load(kernel_environment(url, state_dir, redis_url), state_dir))
    try:
        install.install_bare_wordpress(runtime.database.write, home="http://example.test", prefix="t_")
        install.install(runtime.database.write, base_prefix="t_", blog_prefix="t_")
        with db.using(runtime.database), db.blog(1):
            yield runtime
    finally:
        runtime.database.dispose()
