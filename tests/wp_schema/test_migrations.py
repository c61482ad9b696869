"""Migrations: the models are what the revisions make, and a later revision runs beside a busy site."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, create_engine, func, insert, inspect, select

from wp_schema import install, migrate
from wp_schema.tables import bind_connection, bind_prefix, enrollments, metadata_learnomy

REPOSITORY = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
ROWS = 3000

LATER = '''
"""A revision as one after the first will be: columns, indexes and a table."""

from sqlalchemy import Column, Index, Integer, MetaData, String, Table, text
from sqlalchemy.sql.elements import quoted_name

from wp_schema.migrations import online
from wp_schema.tables import courses, enrollments

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

later = MetaData()


def _as_declared(table, *columns):
    return Table(quoted_name(table.name, True), later, Column("id", Integer, primary_key=True), *columns)


def upgrade():
    enrolled = _as_declared(
        enrollments,
        Column("mood", String(20), nullable=False, server_default=text("'fine'")),
        Column("course_id", Integer),
        Index(quoted_name("zblog_lrn_enrollments_mood", True), "course_id", "mood"),
    )
    online.add_column(enrolled.c.mood)
    online.add_index(next(iter(enrolled.indexes)))
    online.drop_index(enrollments, "zblog_lrn_enrollments_course_status")
    online.drop_column(enrollments, "extra")
    searched = _as_declared(courses, Column("mood", String(20), nullable=True))
    online.add_column(searched.c.mood)
    online.add_table(Table(quoted_name("zblog_lrn_moods", True), later, Column("id", Integer, primary_key=True)))
'''


@pytest.fixture
def engine(any_database_url: str) -> Iterator[Engine]:
    engine = create_engine(any_database_url, connect_args={"timeout": 30} if "sqlite" in any_database_url else {})
    yield engine
    engine.dispose()


@pytest.fixture
def later(tmp_path: Path) -> Config:
    """The migrations with one more revision than there is."""
    folder = tmp_path / "later versions"
    folder.mkdir()
    (folder / "0002_later.py").write_text(LATER)
    return _with_later(folder)


def _with_later(folder: Path) -> Config:
    settings = migrate.config()
    own = Path(migrate.__file__).parent / "migrations" / "versions"
    settings.set_main_option("version_locations", f"{own}:{folder}")
    return settings


def _row(user_id: int) -> dict[str, object]:
    times = dict.fromkeys(("enrolled_at", "last_activity_at", "created_at", "updated_at"), NOW)
    return {"user_id": user_id, "course_id": 1, **times}


def _columns(engine: Engine, table: str) -> set[str]:
    return {column["name"] for column in inspect(engine).get_columns(table)}


def _indexes(engine: Engine, table: str) -> set[str | None]:
    return {index["name"] for index in inspect(engine).get_indexes(table)}


def test_the_models_are_what_the_migrations_make(engine: Engine) -> None:
    # with the tokens as prefixes the names in the database are those of the models
    install.install(engine, base_prefix="zbase_", blog_prefix="zblog_")
    with engine.connect() as plain:
        connection = bind_connection(plain, "zbase_", "zblog_")
        options = {
            "compare_type": True,
            "compare_server_default": True,
            "include_object": migrate.include_object(engine.dialect.name),
            "version_table": migrate.VERSION_TABLE,
        }
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata_learnomy) == []


def test_a_later_revision_is_pending_and_then_run_once(engine: Engine, later: Config) -> None:
    install.install(engine, base_prefix="wp_", blog_prefix="wp_2_")
    with engine.connect() as plain:
        assert migrate.pending(bind_connection(plain, "wp_", "wp_2_"), later) == ["0002"]
    with engine.begin() as plain:
        bind_connection(plain, "wp_", "wp_2_").execute(insert(enrollments), _row(1))
    assert migrate.upgrade(engine, "wp_", "wp_2_", settings=later) == ["0002"]
    assert migrate.upgrade(engine, "wp_", "wp_2_", settings=later) == []
    assert "mood" in _columns(engine, "wp_2_lrn_courses")
    assert "mood" in _columns(engine, "wp_2_lrn_enrollments")
    assert "extra" not in _columns(engine, "wp_2_lrn_enrollments")
    assert "wp_2_lrn_enrollments_mood" in _indexes(engine, "wp_2_lrn_enrollments")
    assert "wp_2_lrn_enrollments_course_status" not in _indexes(engine, "wp_2_lrn_enrollments")
    assert inspect(engine).has_table("wp_2_lrn_moods")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT mood FROM wp_2_lrn_enrollments").scalar() == "fine"
    # a database that is ahead of the code has nothing pending
    assert install.pending_migrations(engine, "wp_2_") == []
    assert install.install(engine, base_prefix="wp_", blog_prefix="wp_2_") == []


def test_a_later_revision_that_was_cut_off_is_finished(engine: Engine, later: Config) -> None:
    install.install(engine, base_prefix="wp_", blog_prefix="wp_")
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE wp_lrn_enrollments ADD COLUMN mood VARCHAR(20) DEFAULT 'fine' NOT NULL")
        connection.exec_driver_sql("CREATE INDEX wp_lrn_enrollments_mood ON wp_lrn_enrollments (course_id, mood)")
    assert migrate.upgrade(engine, "wp_", "wp_", settings=later) == ["0002"]
    assert "mood" in _columns(engine, "wp_lrn_courses")
    assert inspect(engine).has_table("wp_lrn_moods")


def test_from_nothing_to_the_newest(engine: Engine, later: Config) -> None:
    assert migrate.upgrade(engine, "wp_", "wp_", settings=later) == ["0001", "0002"]


def test_two_processes_run_a_later_revision_once(engine: Engine, any_database_url: str, later: Config) -> None:
    install.install(engine, base_prefix="wp_", blog_prefix="wp_")
    folder = str(later.get_main_option("version_locations")).split(":", 1)[1]
    code = (
        "import sys; from pathlib import Path; from sqlalchemy import create_engine; from wp_schema import migrate;"
        "from test_migrations import _with_later;"
        "print(migrate.upgrade(create_engine(sys.argv[1]), 'wp_', 'wp_', settings=_with_later(Path(sys.argv[2]))))"
    )
    command = [sys.executable, "-W", "error", "-c", code, any_database_url, folder]
    path = {"PYTHONPATH": f"{REPOSITORY}:{Path(__file__).parent}"}
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=path) for _ in range(3)]
    said = sorted(process.communicate(timeout=120)[0].strip() for process in running)
    assert said == ["['0002']", "[]", "[]"]


@contextmanager
def _students(engine: Engine, prefix: str) -> Iterator[list[float]]:
    """People who enrol, all the time; gives how long each write took. An error of theirs is ours."""
    bind_prefix(engine, lambda: (prefix, prefix))
    took: list[float] = []
    errors: list[BaseException] = []
    stop = threading.Event()

    def enrol(first: int) -> None:
        user = first
        try:
            while not stop.is_set():
                began = time.monotonic()
                with engine.begin() as connection:
                    connection.execute(insert(enrollments), _row(user))
                took.append(time.monotonic() - began)
                user += 1
                time.sleep(0.002)
        except BaseException as error:  # told to the test
            errors.append(error)

    threads = [threading.Thread(target=enrol, args=(number * 1_000_000,)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    try:
        yield took
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert errors == []


def test_students_enrol_while_a_revision_runs(engine: Engine, any_database_url: str, later: Config) -> None:
    install.install(engine, base_prefix="wp_", blog_prefix="wp_")
    with engine.begin() as plain:
        connection = bind_connection(plain, "wp_", "wp_")
        connection.execute(insert(enrollments), [_row(user) for user in range(ROWS)])
    migrating = create_engine(any_database_url)
    with _students(engine, "wp_") as took:
        time.sleep(0.3)
        assert migrate.upgrade(migrating, "wp_", "wp_", settings=later) == ["0002"]
        time.sleep(0.3)
    migrating.dispose()
    assert max(took) < 2
    with engine.connect() as plain:
        counted = bind_connection(plain, "wp_", "wp_").execute(select(func.count()).select_from(enrollments)).scalar()
    assert counted == ROWS + len(took)
    assert "mood" in _columns(engine, "wp_lrn_enrollments")


def test_a_long_transaction_delays_the_revision_but_not_the_students(database_url: str, later: Config) -> None:
    engine, migrating = create_engine(database_url), create_engine(database_url)
    install.install(engine, base_prefix="wp_", blog_prefix="wp_")
    done: list[list[str]] = []
    run = threading.Thread(target=lambda: done.append(migrate.upgrade(migrating, "wp_", "wp_", settings=later)))
    with create_engine(database_url).connect() as report:  # reads, and keeps its transaction open
        report.exec_driver_sql("SELECT COUNT(*) FROM wp_lrn_enrollments")
        with _students(engine, "wp_") as took:
            run.start()
            time.sleep(4)
            assert done == []
            report.rollback()
            run.join(timeout=30)
        report.engine.dispose()
    assert done == [["0002"]]
    assert max(took) < 1.9  # behind an ALTER that waits, which it does for a second
    assert len(took) > 200
    engine.dispose()
    migrating.dispose()
