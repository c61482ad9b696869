"""Fixtures that the whole suite shares, and the closing lines that say what it ran against.

A test asks for one or several of:
- `site`: a real WordPress with plugin, backend and worker; `@pytest.mark.wordpress("6.1", "6.8")` chooses
  versions, 7.1 is the default;
- `bare_site`: the same without plugin and backend;
- `embedded`: the default without WordPress, over HTTP;
- `database_url` (an empty MariaDB database, one a module), `sqlite` (the URL of an empty file),
  `any_database_url` (both, one after the other), `redis_url` (emptied before each test).
"""

from __future__ import annotations

import fcntl
import functools
import itertools
import os
import secrets
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest
import redis
from sqlalchemy import event
from sqlalchemy.pool import Pool

from tests import site as harness
from tests.settling import begin_anew
from tests.site import SITES, Embedded, Site, start_embedded, start_site

from learnomy_site.servers import Servers  # isort: skip  # found by way of tests.site

pytest_plugins = ["tests.client"]

VERSIONS = ("6.1", "6.8", "7.1")
DEFAULT_VERSION = "7.1"
NOTES = "learnomy_notes"
KEPT_SLOTS = 2  # as many as `make test` has processes

_sites: dict[str, Site] = {}
_begun: set[tuple[str, str]] = set()
_counted: dict[str, Counter[str]] = {"wordpress": Counter(), "database": Counter(), "door": Counter()}
_names = itertools.count()
_held: list[IO[str]] = []


@functools.cache
def slot() -> int:
    """A number that no other test process of this folder has: sites and Redis databases go by it."""
    (SITES / "slots").mkdir(parents=True, exist_ok=True)
    for number in itertools.count():
        handle = (SITES / "slots" / str(number)).open("w")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
        else:
            _held.append(handle)
            return number
    raise AssertionError


# --- servers and databases ---------------------------------------------------------------


@pytest.fixture(scope="session")
def mariadb() -> Servers:
    """A private MariaDB and Redis, shared by the workers and kept for the next session."""
    servers = Servers(SITES / "servers")
    servers.ensure(f"tests-{slot()}")
    return servers


def _new_database(servers: Servers) -> str:
    name = f"test_{slot()}_{next(_names)}_{secrets.token_hex(4)}"
    servers.sql(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
    return name


@pytest.fixture(scope="module")
def database_url(mariadb: Servers) -> Iterator[str]:
    """An empty MariaDB database of this module's own."""
    name = _new_database(mariadb)
    yield mariadb.database_url(name)
    mariadb.sql(f"DROP DATABASE `{name}`")


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    """The URL of a SQLite file that is not there yet."""
    return f"sqlite:///{tmp_path / 'test.sqlite3'}"


@pytest.fixture(params=["mariadb", "sqlite"])
def any_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of this test's own, on MariaDB and then on SQLite."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'test.sqlite3'}"
        return
    servers: Servers = request.getfixturevalue("mariadb")
    name = _new_database(servers)
    yield servers.database_url(name)
    servers.sql(f"DROP DATABASE `{name}`")


@pytest.fixture
def redis_url(mariadb: Servers) -> str:
    """An empty Redis database of this process's own."""
    url = mariadb.redis_url(mariadb.redis_database(f"tests-{slot()}"))
    with redis.Redis.from_url(url) as connection:
        connection.flushdb()
    return url


# --- sites -------------------------------------------------------------------------------


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each WordPress version that its marker names."""
    marker = metafunc.definition.get_closest_marker("wordpress")
    versions = marker.args if marker and marker.args else (DEFAULT_VERSION,)
    for fixture in ("site", "bare_site"):
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, versions, indirect=True, ids=[f"wp{version}" for version in versions])


def running_site(version: str, *options: str, kind: str = "wp") -> Site:
    """The site of this process with that version and those options, made at its first use in a session."""
    name = f"{kind}-{version}-{slot()}"
    if name not in _sites:
        _sites[name] = start_site(version, name=name, options=options)
    return _sites[name]


@pytest.fixture
def site(request: pytest.FixtureRequest, mariadb: Servers) -> Site:
    """A real WordPress with plugin, backend and worker.

    WordPress 6.8 has a persistent object cache, and its backend listens on a unix socket.
    """
    return _site(request, "wp")


@pytest.fixture
def bare_site(request: pytest.FixtureRequest, mariadb: Servers) -> Site:
    """A real WordPress without the plugin, and without a backend."""
    return _site(request, "bare", "--only", "wordpress")


def _site(request: pytest.FixtureRequest, kind: str, *options: str) -> Site:
    version = getattr(request, "param", DEFAULT_VERSION)
    object_cache = version == "6.8" or bool(os.environ.get("LEARNOMY_TEST_OBJECT_CACHE"))
    chosen = [
        "--object-cache" if object_cache else "--no-object-cache",
        "--sockets" if version == "6.8" else "--no-sockets",
    ]
    found = running_site(version, *chosen, *options, kind=kind)
    harness.note("wordpress", found.exact_version)
    seen = (str(found.folder), request.node.nodeid.partition("::")[0])
    if kind == "wp" and seen not in _begun:
        _begun.add(seen)
        begin_anew(found)
    return found


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """The embedded default with its demo academy, over HTTP."""
    served = start_embedded(tmp_path_factory.mktemp("embedded"))
    yield served
    served.stop()


def pytest_sessionfinish() -> None:
    """Sites stay up for the next session, but those of a crowd: only our connections to them end."""
    for found in _sites.values():
        found.close()
        if slot() >= KEPT_SLOTS:
            found.end()
    for handle in _held:
        handle.close()


# --- what the tests ran against ------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker that tests of a kind of door may carry, and watch which databases are used."""
    config.addinivalue_line("markers", "door(*names): the doors that the test goes through, where it cannot be seen")
    event.listen(Pool, "checkout", _note_database)


def _note_database(connection: Any, _record: Any, _proxy: Any) -> None:
    harness.note("database", "sqlite" if type(connection).__module__.startswith("sqlite3") else "mariadb")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Put what the test ran against into its report, which xdist carries to the controller."""
    for marker in item.iter_markers("door"):
        for name in marker.args:
            harness.note("door", str(name))
    for noted in harness.take_notes():
        if (NOTES, noted) not in item.user_properties:
            item.user_properties.append((NOTES, noted))
    return (yield)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count a test once, when its own call ended."""
    if report.when != "call":
        return
    noted = [value for name, value in report.user_properties if name == NOTES]
    for kind, counter in _counted.items():
        values = [str(value) for its, value in noted if its == kind]  # type: ignore[misc]
        counter.update(values or ["none"])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests ran against which WordPress, database and door."""
    if not any(counter.total() for counter in _counted.values()):
        return
    terminalreporter.section("tests ran against")
    for kind, counter in _counted.items():
        counts = ", ".join(f"{name} {number}" for name, number in sorted(counter.items()))
        terminalreporter.line(f"{kind:<10} {counts}")
