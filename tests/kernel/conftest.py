"""Fixtures of the kernel's tests: the application with the probe's endpoints, on every engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from learnomy_site.servers import Servers

from tests.client import Api
from tests.conftest import _new_database as new_database
from tests.conftest import slot
from tests.kernel import probe


@contextmanager
def engine(request: pytest.FixtureRequest, kind: str, folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The URL of an empty database of one kind, and what it adds to the configuration.

    Kinds are sqlite, mariadb (by PyMySQL) and redis (MariaDB by mysqlclient, with Redis beside it).
    """
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'site.sqlite3'}", {}
        return
    servers: Servers = request.getfixturevalue("mariadb")
    changes = {"redis_url": servers.redis_url(servers.redis_database(f"tests-{slot()}"))} if kind == "redis" else {}
    name = new_database(servers)
    yield servers.database_url(name, "mysql+mysqldb" if kind == "redis" else "mysql+pymysql"), changes
    servers.sql(f"DROP DATABASE `{name}`")


@pytest.fixture(scope="module", params=["sqlite", "mariadb", "redis"])
def probe_app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The application with the probe, one for a module and engine."""
    folder = tmp_path_factory.mktemp("probe")
    with engine(request, request.param, folder) as (url, changes), probe.probed(url, folder, **changes) as api:
        yield api


@pytest.fixture
def probe_api(probe_app: Api) -> Iterator[Api]:
    """The same with the probe's switches as they are at first."""
    probe.SWITCHES.reset()
    yield probe_app
    probe.SWITCHES.reset()
