"""Installing, checking and removing tables, on both engines."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, insert, inspect, select, update

from wp_schema import install
from wp_schema.php import unserialize
from wp_schema.prefix import bind_connection
from wp_schema.tables import metadata_learnomy, metadata_wordpress, options, outbox, wp_terms

LEARNOMY = {str(name).removeprefix("zblog_") for name in metadata_learnomy.tables} | {"learnomy_version"}
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def engine(any_database_url: str) -> Iterator[Engine]:
    engine = create_engine(any_database_url)
    yield engine
    engine.dispose()


def _tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names())


def test_every_prefix_has_its_own_tables(engine: Engine) -> None:
    for base, blog in (("wp_", "wp_"), ("wp_", "wp_2_"), ("Wiki_", "Wiki_"), ("9e1_", "9e1_")):
        assert not install.is_installed(engine, blog)
        assert install.pending_migrations(engine, blog) == ["0001"]
        assert install.install(engine, base_prefix=base, blog_prefix=blog) == ["0001"]
        assert install.install(engine, base_prefix=base, blog_prefix=blog) == []
        assert install.is_installed(engine, blog)
        assert install.pending_migrations(engine, blog) == []
        assert {f"{blog}{name}" for name in LEARNOMY} <= _tables(engine)
    assert len(_tables(engine)) == 4 * 41


def test_a_run_that_was_cut_off_is_finished_by_the_next(engine: Engine) -> None:
    install.install(engine, base_prefix="wp_", blog_prefix="wp_")
    kept = "wp_lrn_enrollments"
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM wp_learnomy_version")
        for name in sorted(LEARNOMY - {"learnomy_version", "lrn_enrollments"})[:25]:
            connection.exec_driver_sql(f"DROP TABLE wp_{name}")
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("DROP INDEX wp_lrn_enrollments_pair")
        connection.exec_driver_sql(
            f"INSERT INTO {kept} (user_id, course_id, enrolled_at, last_activity_at, created_at, updated_at)"
            " VALUES (3, 4, '2026-01-01', '2026-01-01', '2026-01-01', '2026-01-01')"
        )
    assert install.install(engine, base_prefix="wp_", blog_prefix="wp_") == ["0001"]
    assert {f"wp_{name}" for name in LEARNOMY} == _tables(engine)
    assert "wp_lrn_enrollments_pair" in {index["name"] for index in inspect(engine).get_indexes(kept)}
    with engine.connect() as connection:
        assert connection.exec_driver_sql(f"SELECT user_id FROM {kept}").scalar() == 3


def test_two_processes_at_once(engine: Engine, any_database_url: str) -> None:
    code = (
        "import sys; from sqlalchemy import create_engine; from wp_schema import install;"
        "print(install.install(create_engine(sys.argv[1]), base_prefix='wp_', blog_prefix='wp_'))"
    )
    command = [sys.executable, "-W", "error", "-c", code, any_database_url]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) for _ in range(4)]
    said = sorted(process.communicate(timeout=120)[0].strip() for process in running)
    assert [process.returncode for process in running] == [0, 0, 0, 0]
    assert said == ["['0001']", "[]", "[]", "[]"]
    assert len(_tables(engine)) == 41


def test_uninstall_removes_this_blogs_tables_only(engine: Engine) -> None:
    install.install_bare_wordpress(engine, home="http://example.test")
    for blog in ("wp_", "wp_2_"):
        install.install(engine, base_prefix="wp_", blog_prefix=blog)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE wp_lrn_pro_paths (id INTEGER)")
    install.uninstall(engine, "wp_")
    install.uninstall(engine, "wp_")
    left = _tables(engine)
    assert not {f"wp_{name}" for name in LEARNOMY} & left
    assert {f"wp_2_{name}" for name in LEARNOMY} < left
    assert {"wp_users", "wp_options", "wp_terms", "wp_lrn_pro_paths"} < left
    assert install.install(engine, base_prefix="wp_", blog_prefix="wp_") == ["0001"]


@pytest.mark.parametrize("collate", ["utf8mb4_general_ci", "utf8mb4_swedish_ci", "", "utf8_unicode_ci"])
def test_the_tables_have_the_sites_collation(database_url: str, collate: str) -> None:
    engine, prefix = create_engine(database_url), f"{collate[8:15]}_"
    install.install(engine, base_prefix=prefix, blog_prefix=prefix, charset="utf8mb4", collate=collate)
    with engine.connect() as connection:
        told = connection.exec_driver_sql(
            "SELECT DISTINCT table_collation, engine FROM information_schema.tables"
            f" WHERE table_schema = DATABASE() AND table_name LIKE '{prefix}lrn%%'"
        ).all()
        titles = connection.exec_driver_sql(
            "SELECT column_name, collation_name FROM information_schema.columns WHERE table_schema = DATABASE()"
            f" AND table_name = '{prefix}lrn_courses' AND column_name IN ('title', 'slug', 'sort_title')"
        ).all()
    wanted = collate if collate.startswith("utf8mb4") else "utf8mb4_unicode_520_ci"
    assert told == [(wanted, "InnoDB")]
    assert dict(titles) == {"title": wanted, "slug": "utf8mb4_bin", "sort_title": "utf8mb4_bin"}
    engine.dispose()


@pytest.mark.parametrize("prefix", ["wp-", "a_prefix_of_25_characters", "wp`; DROP TABLE x"])
def test_an_impossible_prefix_is_refused(engine: Engine, prefix: str) -> None:
    with pytest.raises(ValueError, match="table prefix"):
        install.install(engine, base_prefix="wp_", blog_prefix=prefix)
    assert _tables(engine) == set()


def test_the_server_is_new_enough(engine: Engine) -> None:
    assert re.match(r"(SQLite|MariaDB|MySQL) \d+\.\d+", install.check_server(engine))


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("10.6.0-MariaDB-log", None),
        ("5.5.5-11.8.2-MariaDB-ubu2404", None),
        ("8.0.36-0ubuntu0.22.04.1", None),
        ("9.1.0", None),
        ("10.5.27-MariaDB", "needs MariaDB 10.6 or later; this server is MariaDB 10.5.27-MariaDB"),
        ("5.5.5-10.3.39-MariaDB", "this server is MariaDB 10.3.39-MariaDB"),
        ("5.7.44-log", "needs MySQL 8.0 or later; this server is MySQL 5.7.44-log"),
        ("", "needs MySQL 8.0"),
    ],
)
def test_an_old_server_is_named(version: str, told: str | None) -> None:
    if told is None:
        assert install.check_version(version)
        return
    with pytest.raises(install.UnsupportedServer, match=re.escape(told)):
        install.check_version(version)


# --- a bare WordPress ------------------------------------------------------------------------


def test_a_bare_wordpress_is_made_once(engine: Engine) -> None:
    install.install_bare_wordpress(engine, home="http://one.test", title="One", prefix="Wiki_")
    with engine.begin() as plain:
        connection = bind_connection(plain, "Wiki_", "Wiki_")
        connection.execute(update(options).where(options.c.option_name == "blogname"), {"option_value": "Changed"})
    install.install_bare_wordpress(engine, home="http://two.test", title="Two", prefix="Wiki_")
    with engine.connect() as plain:
        connection = bind_connection(plain, "Wiki_", "Wiki_")
        found = dict(connection.execute(select(options.c.option_name, options.c.option_value)).all())
        assert connection.execute(select(wp_terms.c.slug)).scalars().all() == ["uncategorized"]
    assert found["siteurl"] == found["home"] == "http://one.test"
    assert found["blogname"] == "Changed"
    roles = unserialize(found["Wiki_user_roles"])
    assert roles["administrator"]["capabilities"]["learnomy_manage"] is True
    assert roles["lrn_student"] == {"name": "Student", "capabilities": {"read": True}}
    assert {table.removeprefix("Wiki_") for table in _tables(engine)} == {
        str(name).removeprefix("zbase_").removeprefix("zblog_") for name in metadata_wordpress.tables
    }


def test_what_is_written_by_php_can_leave_out_what_has_a_default(engine: Engine) -> None:
    install.install(engine, base_prefix="wp_", blog_prefix="wp_")
    with engine.begin() as plain:
        connection = bind_connection(plain, "wp_", "wp_")
        connection.exec_driver_sql(
            "INSERT INTO wp_lrn_expiring_keys (scope, key_hash, expires_at)"
            " VALUES ('bridge', 'ab', '2026-01-01 00:00:00.000000')"
        )
        row = {"aggregate": "course:1", "event": "course.published", "hook": "learnomy_course_published"}
        connection.execute(insert(outbox), {**row, "created_at": datetime.now(UTC)})
        made = connection.execute(select(outbox)).mappings().one()
        assert (made["state"], made["kind"], made["cursor_position"], made["attempts"]) == ("pending", "action", 0, 0)
