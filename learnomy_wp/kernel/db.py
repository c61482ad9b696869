"""Connections, reads and units of work against the site's database.

Reads run on an autocommit engine; writes run READ COMMITTED in one unit of work that is
re-run whole when the database asks for it. The prefixes of the current blog are put into
every statement as it is sent (`wp_schema.tables.bind_prefix`).
"""

from __future__ import annotations

import functools
import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from sqlalchemy import Executable, event
from sqlalchemy.engine import Connection, CursorResult, Engine, make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from learnomy_wp.kernel import engines
from learnomy_wp.kernel.engines import ANSWER_SECONDS
from wp_schema.tables import bind_prefix

T = TypeVar("T")
Params = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None

RETRYABLE = {1020, 1205, 1213}  # record changed, lock wait timeout, deadlock
GONE = {1040, 1053, 2002, 2003, 2006, 2013, 2055}  # too many connections, shutting down, cannot connect, lost
RERUNS = 3
CLOSED_SECONDS = 0.5


class DeadlinePassed(Exception):
    """The caller has given up: the unit of work was rolled back instead of committed."""


@dataclass
class _Session:
    """What one request, job or drain keeps open: a read connection and its query count."""

    read: Connection | None = None
    queries: int = 0
    deadline: float | None = None


@dataclass
class _Unit:
    connection: Connection
    before_commit: list[Callable[[], None]] = field(default_factory=list)
    after_commit: list[Callable[[], None]] = field(default_factory=list)
    held: dict[str, Any] = field(default_factory=dict)


_database: ContextVar[Database | None] = ContextVar("learnomy_database", default=None)
_session: ContextVar[_Session | None] = ContextVar("learnomy_session", default=None)
_unit: ContextVar[_Unit | None] = ContextVar("learnomy_unit", default=None)
_blog: ContextVar[tuple[int, tuple[str, str]]] = ContextVar("learnomy_blog", default=(1, ("wp_", "wp_")))
_process_database: Database | None = None


class Database:
    """The two engines over one database URL, and which prefixes a blog has.

    A statement that MySQL does not answer within `answer_seconds` fails, and its connection is
    dropped; None waits for ever.
    """

    def __init__(
        self,
        url: str,
        prefixes: Callable[[int], tuple[str, str]],
        *,
        pool_size: int = 8,
        answer_seconds: int | None = ANSWER_SECONDS,
    ) -> None:
        self.url = make_url(url)
        self.prefixes = prefixes
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.read = self._engine(pool_size, answer_seconds, write=False)
        self.write = self._engine(pool_size, answer_seconds, write=True)
        # For what changes tables: it waits for others who do, and may take as long as it likes.
        self.patient = self._engine(1, None, write=True)

    def _engine(self, pool_size: int, answer_seconds: int | None, *, write: bool) -> Engine:
        engine = engines.make(self.url, pool_size, answer_seconds, write=write)
        bind_prefix(engine, lambda: _blog.get()[1])
        event.listen(engine, "before_cursor_execute", _count_query)
        return engine

    def dispose(self) -> None:
        """Close every pooled connection."""
        for engine in (self.read, self.write, self.patient):
            engine.dispose()


def _count_query(*_: Any) -> None:
    session = _session.get()
    if session is not None:
        session.queries += 1


# --- what is current -----------------------------------------------------------------


def use(database: Database) -> None:
    """Make `database` this process's current one."""
    global _process_database
    _process_database = database


@contextmanager
def using(database: Database) -> Iterator[None]:
    """Make `database` current within this context only."""
    token = _database.set(database)
    try:
        yield
    finally:
        _database.reset(token)


def current() -> Database:
    """The database of this context, else of this process."""
    database = _database.get() or _process_database
    if database is None:
        raise RuntimeError("no database is in use")
    return database


@contextmanager
def blog(blog_id: int) -> Iterator[None]:
    """Apply the table prefixes of one blog of the network."""
    token = _blog.set((blog_id, current().prefixes(blog_id)))
    try:
        yield
    finally:
        _blog.reset(token)


def blog_id() -> int:
    """The blog whose tables statements reach now."""
    return _blog.get()[0]


def blog_prefix() -> str:
    """The table prefix of the current blog, which also begins `{prefix}capabilities`."""
    return _blog.get()[1][1]


@contextmanager
def session() -> Iterator[_Session]:
    """Keep one read connection open for a request, a job or a drain."""
    state = _Session()
    token = _session.set(state)
    try:
        yield state
    finally:
        _session.reset(token)
        if state.read is not None:
            state.read.close()


def query_count() -> int:
    """Statements sent in this session so far."""
    state = _session.get()
    return state.queries if state else 0


def set_deadline(monotonic: float | None) -> None:
    """Refuse to commit after this `time.monotonic()`; set from the signed deadline of a write."""
    state = _session.get()
    if state is not None:
        state.deadline = monotonic


# --- reads and writes ----------------------------------------------------------------


def rows(statement: Executable, params: Params = None) -> list[dict[str, Any]]:
    """All rows of a SELECT as plain dicts."""
    keys, found = _read(statement, params)
    return [dict(zip(keys, row, strict=True)) for row in found]


def row(statement: Executable, params: Params = None) -> dict[str, Any] | None:
    """The first row as a dict, or None."""
    keys, found = _read(statement, params)
    return dict(zip(keys, found[0], strict=True)) if found else None


def value(statement: Executable, params: Params = None) -> Any:
    """The first column of the first row, or None."""
    _, found = _read(statement, params)
    return found[0][0] if found else None


def values(statement: Executable, params: Params = None) -> list[Any]:
    """The first column of every row."""
    return [row[0] for row in _read(statement, params)[1]]


def execute(statement: Executable, params: Params = None) -> CursorResult[Any]:
    """Run a write inside the current unit of work; its result has `rowcount`, for `insert_id` the id."""
    unit = _unit.get()
    if unit is None:
        raise RuntimeError("a write needs a unit of work")
    return _execute(unit.connection, statement, params)


def write(statement: Executable, params: Params = None) -> CursorResult[Any]:
    """One write as a unit of work of its own, or as part of the open one."""
    return transaction(lambda: execute(statement, params))


def insert_id(result: CursorResult[Any]) -> int:
    """The id an INSERT of one row was given."""
    key = result.inserted_primary_key
    assert key is not None
    return int(key[0])


def _execute(connection: Connection, statement: Executable, params: Params) -> CursorResult[Any]:
    return connection.execute(statement, params) if params is not None else connection.execute(statement)


def _read(statement: Executable, params: Params) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
    unit = _unit.get()
    if unit is not None:
        return _fetch(unit.connection, statement, params)
    state = _session.get()
    if state is None:
        with current().read.connect() as connection:
            return _fetch(connection, statement, params)
    began = time.monotonic()
    try:
        return _fetch(_reader(state), statement, params)
    except OperationalError as error:
        # A connection that was closed while it lay idle says so at once; one that was waited for is not tried again.
        if not error.connection_invalidated or time.monotonic() - began > CLOSED_SECONDS:
            raise
        _drop_reader(state)
        return _fetch(_reader(state), statement, params)


def _fetch(
    connection: Connection, statement: Executable, params: Params
) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
    result = _execute(connection, statement, params)
    return tuple(result.keys()), result.all()


def _reader(state: _Session) -> Connection:
    if state.read is None:
        state.read = current().read.connect()
    return state.read


def _drop_reader(state: _Session) -> None:
    if state.read is not None:
        state.read.close()
        state.read = None


def in_unit_of_work() -> bool:
    """Whether a transaction is open here."""
    return _unit.get() is not None


def after_commit(action: Callable[[], None]) -> None:
    """Run `action` once the current unit of work has been committed; never on a rollback."""
    unit = _unit.get()
    if unit is None:
        raise RuntimeError("after_commit needs a unit of work")
    unit.after_commit.append(action)


def gathered(name: str, make: Callable[[], T], write: Callable[[T], None]) -> T:
    """What the current unit of work gathers under a name, made when it is first asked for.

    `write` writes it as the last thing before the commit, so that rows which many share are locked briefly.
    """
    unit = _unit.get()
    if unit is None:
        raise RuntimeError("only a unit of work gathers")
    if name not in unit.held:
        found = unit.held[name] = make()
        unit.before_commit.append(lambda: write(found))
    return cast("T", unit.held[name])


def transaction(work: Callable[[], T]) -> T:
    """Run `work` in one unit of work and commit it; a nested call joins the open one.

    On a deadlock, a lock timeout or a changed record the whole of `work` runs again, up to
    three times, so it must read what it decides on inside.
    """
    if _unit.get() is not None:
        return work()
    for attempt in range(RERUNS + 1):
        try:
            return _attempt(work)
        except DBAPIError as error:
            if attempt == RERUNS or not _is_retryable(error):
                raise
            _check_deadline()
            time.sleep(random.uniform(0.005, 0.03) * (attempt + 1))  # noqa: S311
    raise AssertionError("unreachable")


def unit_of_work(function: Callable[..., T]) -> Callable[..., T]:
    """Decorator form of `transaction`."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> T:
        return transaction(lambda: function(*args, **kwargs))

    return wrapper


def _attempt(work: Callable[[], T]) -> T:
    with current().write.connect() as connection, connection.begin():
        unit = _Unit(connection)
        token = _unit.set(unit)
        try:
            result = work()
            for action in unit.before_commit:
                action()
            _check_deadline()
        finally:
            _unit.reset(token)
    for action in unit.after_commit:
        try:
            action()
        except Exception:  # the change stands; what follows from it is made good by the drain
            logging.getLogger(__name__).exception("after commit")
    return result


def _check_deadline() -> None:
    state = _session.get()
    if state is not None and state.deadline is not None and time.monotonic() > state.deadline:
        raise DeadlinePassed


def is_unavailable(error: BaseException) -> bool:
    """Whether an error says that the database cannot be reached now, or is too busy with others."""
    if isinstance(error, PoolTimeout):
        return True
    return isinstance(error, DBAPIError) and (
        error.connection_invalidated or _code(error) in GONE or _is_retryable(error)
    )


def _is_retryable(error: DBAPIError) -> bool:
    return _code(error) in RETRYABLE or "database is locked" in str(error.orig)


def _code(error: DBAPIError) -> object:
    return error.orig.args[0] if error.orig is not None and error.orig.args else None
