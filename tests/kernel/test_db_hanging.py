"""A database that answers nothing any more: nobody waits for ever, but what changes tables may take its time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from learnomy_site.servers import Servers
from sqlalchemy import literal, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from learnomy_wp.kernel import db
from tests.client import make_api

ALIVE = select(literal(1))


class Line:
    """A line to MariaDB that a test may hold."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.is_open = threading.Event()
        self.is_open.set()
        self._ends: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._run(self._accept)

    def _run(self, target: Callable[..., None], *arguments: socket.socket) -> None:
        self._threads.append(threading.Thread(target=target, args=arguments))
        self._threads[-1].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._server.accept()
                far = socket.socket(socket.AF_UNIX)
                self._ends += [near, far]
                far.connect(str(self._target))
                self._run(self._carry, near, far)
                self._run(self._carry, far, near)

    def _carry(self, here: socket.socket, there: socket.socket) -> None:
        with suppress(OSError):
            while data := here.recv(65536):
                self.is_open.wait()
                there.sendall(data)
        _end(there)

    def close(self) -> None:
        self.is_open.set()
        for end in (self._server, *self._ends):
            _end(end)
        for thread in self._threads:
            thread.join()
        for end in (self._server, *self._ends):
            end.close()


def _end(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def line(mariadb: Servers) -> Iterator[Line]:
    made = Line(mariadb.socket)
    yield made
    made.close()


@pytest.fixture(params=["mysqldb", "pymysql"])
def hanging_url(line: Line, database_url: str, request: pytest.FixtureRequest) -> str:
    name = make_url(database_url).database
    return f"mysql+{request.param}://root@127.0.0.1:{line.port}/{name}?charset=utf8mb4"


@pytest.fixture
def database(hanging_url: str) -> Iterator[db.Database]:
    made = db.Database(hanging_url, lambda _: ("wp_", "wp_"), answer_seconds=1)
    with db.using(made):
        yield made
    made.dispose()


def test_nobody_waits_for_ever(database: db.Database, line: Line) -> None:
    for ask in (lambda: db.value(ALIVE), lambda: db.transaction(lambda: db.value(ALIVE))):
        assert ask() == 1
        line.is_open.clear()
        began = time.monotonic()
        with db.session(), pytest.raises(OperationalError) as caught:
            ask()
        assert 0.9 < time.monotonic() - began < 1.9, "once, and not again"
        assert db.is_unavailable(caught.value)
        line.is_open.set()
        assert ask() == 1


def test_a_reader_that_was_kept_is_not_asked_twice(database: db.Database, line: Line) -> None:
    with db.session():
        assert db.value(ALIVE) == 1
        line.is_open.clear()
        began = time.monotonic()
        with pytest.raises(OperationalError):
            db.value(ALIVE)
        assert time.monotonic() - began < 1.9


def test_what_changes_tables_may_take_its_time(database: db.Database) -> None:
    with pytest.raises(OperationalError), database.write.connect() as connection:
        connection.execute(text("SELECT SLEEP(1.5)"))
    with database.patient.connect() as connection:
        assert connection.execute(text("SELECT SLEEP(1.5)")).scalar() == 0


def test_a_request_is_answered_503(
    hanging_url: str, line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = make_api(hanging_url, tmp_path)
    quick = db.Database(hanging_url, api.runtime.database.prefixes, answer_seconds=1)
    monkeypatch.setattr(api.runtime, "database", quick)
    assert api.as_(None).get("/courses").status == 200
    line.is_open.clear()
    answer = api.as_(None).get("/courses?level=beginner")
    assert (answer.status, answer.code) == (503, "backend_unavailable")
    line.is_open.set()
    assert api.as_(None).get("/courses?level=expert").status == 200
    api.runtime.database.dispose()
