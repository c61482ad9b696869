"""SELECTs with a plan give what SQLAlchemy gives, and fail as it does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Select, bindparam, case, delete, event, exc, func, insert, literal, select, text, update
from sqlalchemy.dialects import mysql

from learnomy_wp.kernel import db, prepared
from wp_schema import install
from wp_schema.tables import courses, jobs

AT = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)
BY_ID = select(courses).where(courses.c.id == bindparam("id"))
BY_IDS = select(courses.c.id, courses.c.is_featured).where(courses.c.id.in_(bindparam("ids", expanding=True)))
TWO_LISTS = (
    select(courses.c.id, courses.c.title.label("name"))
    .where(
        courses.c.level.in_(bindparam("levels", expanding=True)),
        courses.c.title.like("%a%"),
        courses.c.id.in_(bindparam("ids", expanding=True)),
        courses.c.published_at <= bindparam("at"),
    )
    .order_by(courses.c.id.desc())
    .limit(bindparam("most"))
)
COMPUTED = select(
    func.count().label("n"),
    func.coalesce(func.sum(case((courses.c.is_featured, 1), else_=0)), 0).label("featured"),
    func.max(courses.c.published_at).label("latest"),
    (courses.c.price_minor > 5).label("is_dear"),
    literal("100%").label("share"),
    func.concat(courses.c.title, " 50% off").label("advert"),
).group_by(courses.c.id)
OF_JOBS = select(jobs.c.payload, jobs.c.run_at, jobs.c.cancel_requested).where(jobs.c.kind == "test")
LOCKED = BY_ID.with_for_update()
HINTED = (
    select(courses.c.id)
    .with_hint(courses, "FORCE INDEX (zblog_lrn_courses_published)", "mysql")
    .where(courses.c.status == "published")
)


@pytest.fixture(scope="module")
def database(database_url: str) -> Iterator[db.Database]:
    """Learnomy's tables with three courses and a job."""
    made = db.Database(database_url, lambda _blog: ("wp_", "wp_"))
    install.install(made.write, base_prefix="wp_", blog_prefix="wp_", charset="utf8mb4", collate="")
    with db.using(made), db.session(), db.blog(1):
        db.transaction(_fill)
    yield made
    made.dispose()


def _fill() -> None:
    for number in range(1, 4):
        row = {"id": number, "title": f"A Ünder {number}%", "slug": f"c{number}", "sort_title": f"c{number}"}
        dates = dict.fromkeys(("created_at", "updated_at", "published_at"), AT)
        more = {"level": "beginner", "is_featured": number == 2, "status": "published", "price_minor": number * 3}
        db.execute(insert(courses), {**row, **dates, **more})
    payload = {"a": ["é", None]}
    db.execute(insert(jobs), {"kind": "test", "payload": payload, "run_at": AT, "created_at": AT, "updated_at": AT})


@pytest.fixture(autouse=True)
def within(database: db.Database) -> Iterator[None]:
    """A session on that database, which no statement of these tests has seen."""
    prepared._plans.clear()
    with db.using(database), db.session(), db.blog(1):
        yield


@pytest.mark.parametrize(
    ("statement", "params"),
    [
        (BY_ID, {"id": 2}),
        (BY_ID, {"id": 99}),
        (BY_IDS, {"ids": [1, 3]}),
        (BY_IDS, {"ids": []}),
        (TWO_LISTS, {"levels": ["beginner", "expert"], "ids": (3, 2), "at": AT, "most": 5}),
        (COMPUTED, None),
        (OF_JOBS, {}),
        (HINTED, None),
    ],
)
def test_every_execution_gives_the_same(statement: Select[Any], params: Any) -> None:
    first, second, third = (db.rows(statement, params) for _ in range(3))
    assert first == second == third
    assert [list(map(type, row.values())) for row in first] == [list(map(type, row.values())) for row in third]
    assert isinstance(prepared._plans[statement][()], prepared.Plan)
    assert db.row(statement, params) == (first[0] if first else None)
    assert db.value(statement, params) == (next(iter(first[0].values())) if first else None)
    assert db.values(statement, params) == [next(iter(row.values())) for row in first]


def test_what_has_no_plan_runs_all_the_same() -> None:
    both = select(courses.c.id).where(courses.c.id == 1).union_all(select(courses.c.id).where(courses.c.id == 2))
    plain = text("SELECT id FROM wp_lrn_courses WHERE id = :id")
    for _ in range(3):
        assert db.values(both) == [1, 2]
        assert db.values(plain, {"id": 3}) == [3]


def test_a_missing_parameter_is_named() -> None:
    for _ in range(3):
        with pytest.raises(exc.StatementError, match="'id'"):
            db.rows(BY_ID, {})


def test_locks_hold_within_a_unit_of_work() -> None:
    def locked() -> Any:
        return [db.row(LOCKED, {"id": 1})["version"] for _ in range(3)]  # type: ignore[index]

    assert db.transaction(locked) == [1, 1, 1]


def test_listeners_see_and_may_change_what_is_sent(database: db.Database) -> None:
    sent: list[str] = []
    event.listen(database.read, "after_cursor_execute", lambda _c, _cursor, text, *_: sent.append(text))
    before = db.query_count()
    for _ in range(3):
        db.row(BY_ID, {"id": 1})
    assert db.query_count() - before == 3
    assert len(sent) == 3
    assert all("`wp_lrn_courses`" in text and "zblog" not in text for text in sent)


def test_errors_are_sqlalchemys(database: db.Database) -> None:
    broken = select(courses.c.id).where(func.no_such_function(courses.c.id) > 1)
    for _ in range(3):
        with pytest.raises(exc.OperationalError, match="no_such_function") as caught:
            db.rows(broken)
        assert not caught.value.connection_invalidated
    assert db.value(BY_ID, {"id": 1}) == 1


def test_a_lost_connection_is_opened_again(database: db.Database) -> None:
    for _ in range(2):
        assert db.value(BY_ID, {"id": 1}) == 1
    with database.write.connect() as other:
        other.exec_driver_sql(f"KILL {db.value(select(func.connection_id()))}")
    assert db.value(BY_ID, {"id": 1}) == 1


def test_a_lock_that_is_not_had_makes_the_unit_of_work_run_again(database: db.Database) -> None:
    attempts: list[int] = []
    db.transaction(lambda: [db.row(LOCKED, {"id": 1}) for _ in range(2)])
    with database.write.connect() as other:
        other.execute(LOCKED, {"id": 1})

        def work() -> Any:
            attempts.append(1)
            db.execute(text("SET innodb_lock_wait_timeout = 1"))
            if len(attempts) == 2:
                other.rollback()
            return db.row(LOCKED, {"id": 1})

        assert db.transaction(work) is not None
    assert len(attempts) == 2


# --- writes ------------------------------------------------------------------------------

ADD = insert(courses)
EDIT = update(courses).where(courses.c.id == bindparam("of_course"))
COUNT = update(courses).where(courses.c.id.in_(bindparam("ids", expanding=True))).values(version=courses.c.version + 1)
REMOVE = delete(courses).where(courses.c.slug == bindparam("of_slug"))
UPSERT = mysql.insert(jobs)
UPSERT = UPSERT.on_duplicate_key_update(payload=UPSERT.inserted.payload, attempts=jobs.c.attempts + 1)


def _course(number: int, **more: Any) -> dict[str, Any]:
    row = {"title": "New", "slug": f"new{number}", "sort_title": "new", "level": "beginner"}
    return {**row, **dict.fromkeys(("created_at", "updated_at", "published_at"), AT), **more}


def _undone(work: Any) -> Any:
    """What `work` gives, in a unit of work that is rolled back."""
    given: list[Any] = []

    def run() -> None:
        given.append(work())
        raise RuntimeError

    with pytest.raises(RuntimeError):
        db.transaction(run)
    return given[0]


def test_inserts_give_ids_and_fill_in_defaults() -> None:
    def add() -> Any:
        ids = [db.insert_id(db.execute(ADD, _course(number))) for number in range(4)]
        rows = db.rows(select(courses).where(courses.c.id.in_(ids)).order_by(courses.c.id))
        return ids, [{name: value for name, value in row.items() if name not in ("id", "slug")} for row in rows]

    ids, rows = _undone(add)
    assert ids == sorted(set(ids))
    assert rows[0] == rows[1] == rows[2] == rows[3]
    assert rows[3]["content_raw"] == ""
    assert rows[3]["version"] == 1


def test_what_is_given_decides_what_is_written() -> None:
    def edit() -> Any:
        for _ in range(3):
            db.execute(EDIT, {"of_course": 1, "title": "Other"})
            db.execute(EDIT, {"of_course": 1, "level": "expert", "is_featured": True})
        return db.row(BY_ID, {"id": 1})

    row = _undone(edit)
    assert (row["title"], row["level"], row["is_featured"]) == ("Other", "expert", True)


def test_writes_count_the_rows_that_they_found() -> None:
    def write() -> Any:
        counts = [db.execute(COUNT, {"ids": ids}).rowcount for ids in ([1, 2], [3], [1, 2, 3], [], [99])]
        same = [db.execute(EDIT, {"of_course": 1, "title": "Same"}).rowcount for _ in range(3)]
        gone = [db.execute(REMOVE, {"of_slug": slug}).rowcount for slug in ("c1", "c2", "c2")]
        return counts, same, gone

    assert _undone(write) == ([2, 1, 3, 0, 0], [1, 1, 1], [1, 1, 0])


def test_upserts_update_what_is_there() -> None:
    def put() -> Any:
        row = {"id": 1, "kind": "test", "run_at": AT, "created_at": AT, "updated_at": AT}
        for number in range(3):
            db.execute(UPSERT, {**row, "payload": {"n": number}})
        return db.row(select(jobs.c.payload, jobs.c.attempts).where(jobs.c.id == 1))

    assert _undone(put) == {"payload": {"n": 2}, "attempts": 3}


def test_several_rows_at_once_are_sqlalchemys() -> None:
    def add() -> Any:
        for first in (10, 20, 30):
            db.execute(ADD, [_course(first), _course(first + 1)])
        return db.value(select(func.count()).select_from(courses))

    assert _undone(add) == 9


def test_a_duplicate_is_an_integrity_error() -> None:
    for _ in range(3):
        with pytest.raises(exc.IntegrityError, match="Duplicate entry"):
            db.write(ADD, _course(1, slug="c1"))
