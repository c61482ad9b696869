"""The declared tables: their names and keys, what the database refuses, and prefixes at run time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, Table, bindparam, create_engine, event, insert, select, update
from sqlalchemy.exc import IntegrityError, OperationalError

from wp_schema import install
from wp_schema.prefix import MAX_PREFIX_LENGTH, check_prefix, site_collation
from wp_schema.tables import (
    bind_connection,
    bind_prefix,
    certificates,
    coupon_redemptions,
    coupons,
    course_instructors,
    course_links,
    course_terms,
    courses,
    enrollment_grants,
    enrollments,
    expiring_keys,
    instructor_applications,
    jobs,
    lessons,
    metadata_learnomy,
    metadata_wordpress,
    options,
    progress,
    quiz_attempts,
    reviews,
    subscriptions,
    transactions,
)

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
FREE = (
    "courses course_instructors course_links terms course_terms sections lessons attachments quizzes questions "
    "question_versions quiz_slots quiz_attempts attempt_answers enrollments enrollment_grants progress notes "
    "discussions reviews certificates certificate_templates membership_plans subscriptions transactions coupons "
    "coupon_redemptions instructor_applications earnings withdrawals notifications announcements devices auth_tokens "
    "webhooks webhook_deliveries outbox jobs expiring_keys activity"
)


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Two blogs' tables; statements go to `wp_2_` until told otherwise."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('tables') / 'tables.sqlite3'}"
    else:
        url = request.getfixturevalue("database_url")
    engine = create_engine(url)
    for blog in ("wp_", "wp_2_"):
        install.install(engine, base_prefix="wp_", blog_prefix=blog)
    bind_prefix(engine, lambda: ("wp_", "wp_2_"))
    yield engine
    engine.dispose()


# --- names -------------------------------------------------------------------------------


def test_there_are_the_forty_tables_of_the_contract() -> None:
    assert sorted(metadata_learnomy.tables) == sorted(f"zblog_lrn_{name}" for name in FREE.split())
    assert len(metadata_learnomy.tables) == 40


def test_names_fit_with_the_longest_prefix_and_are_unique() -> None:
    names = [str(table.name) for table in metadata_learnomy.tables.values()]
    for table in metadata_learnomy.tables.values():
        names += [str(index.name) for index in table.indexes]
        names += [str(one.name) for one in table.constraints if one.name]
    assert len(names) == len(set(names))
    assert max(len(name) - len("zblog_") for name in names) + MAX_PREFIX_LENGTH <= 64


@pytest.mark.parametrize("name", ["courses", "sections", "lessons", "quizzes", "questions", "discussions", "reviews"])
def test_what_has_a_trash_has_status_and_date(name: str) -> None:
    table = metadata_learnomy.tables[f"zblog_lrn_{name}"]
    assert not table.c.status.nullable
    assert table.c.deleted_at.nullable


SORTS = {
    "published_at",
    "sort_title",
    "price_minor",
    "rating_avg",
    "student_count",
    "created_at",
    "updated_at",
    "enrolled_at",
    "last_activity_at",
    "issued_at",
    "position",
    "rating",
    "at",
}


def test_columns_that_sort_are_never_null() -> None:
    for table in metadata_learnomy.tables.values():
        for column in table.columns:
            assert column.name not in SORTS or not column.nullable, f"{table.name}.{column.name}"


# --- what the database refuses -------------------------------------------------------------

TIMES = {"created_at": NOW, "updated_at": NOW}
COURSE = {"title": "C", "sort_title": "c", "published_at": NOW, **TIMES}
ENROLLED = {"enrolled_at": NOW, "last_activity_at": NOW, **TIMES}
ATTEMPT = {"started_at": NOW, **TIMES}
CERTIFICATE = {"recipient_name": "A", "title": "C", "issued_at": NOW, **TIMES}
JOB = {"kind": "recount", "run_at": NOW, **TIMES}
CODE = {"discount_minor": 5, **TIMES}

# table, first row, what a second row that must be refused changes, what one that must be taken changes
UNIQUE: list[tuple[Table, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    (courses, {**COURSE, "slug": "same"}, {}, {"slug": "Same"}),
    (lessons, {**COURSE, "course_id": 1, "slug": "one"}, {"title": "other"}, {"course_id": 2}),
    (course_links, {"owner_id": 1, "course_id": 2, "created_at": NOW}, {}, {"kind": "plan"}),
    (course_instructors, {"course_id": 1, "user_id": 5, "published_at": NOW, "created_at": NOW}, {}, {"user_id": 6}),
    (course_terms, {"course_id": 1, "term_id": 5, "published_at": NOW}, {}, {"term_id": 6}),
    (enrollments, {"user_id": 1, "course_id": 1, **ENROLLED}, {"status": "completed"}, {"course_id": 2}),
    (
        enrollment_grants,
        {"enrollment_id": 1, "source": "purchase", "source_id": 7, "starts_at": NOW, **TIMES},
        {"ends_at": NOW},
        {"source_id": 8},
    ),
    (
        progress,
        {"user_id": 1, "object_id": 4, "course_id": 1, **TIMES},
        {"state": "completed"},
        {"object_type": "quiz"},
    ),
    (quiz_attempts, {"quiz_id": 1, "user_id": 1, "number": 1, **ATTEMPT}, {"number": 2}, {"number": 2, "quiz_id": 2}),
    (
        quiz_attempts,
        {"quiz_id": 3, "user_id": 1, "number": 1, "status": "graded", **ATTEMPT},
        {},
        {"number": 2, "status": "in_progress"},
    ),
    (
        certificates,
        {"uuid": "a", "user_id": 1, "course_id": 1, "object_id": 1, **CERTIFICATE},
        {"uuid": "b"},
        {"uuid": "c", "completion_no": 2},
    ),
    (
        certificates,
        {"uuid": "p1", "user_id": 1, "kind": "path", "object_id": 1, **CERTIFICATE},
        {"uuid": "p2"},
        {"uuid": "p3", "status": "revoked"},
    ),
    (reviews, {"course_id": 1, "user_id": 1, "rating": 5, **TIMES}, {"rating": 1}, {"user_id": 2}),
    (
        reviews,
        {"course_id": 2, "user_id": 1, "rating": 5, **TIMES},
        {"status": "approved"},
        {"status": "trash", "deleted_at": NOW},
    ),
    (subscriptions, {"user_id": 1, "plan_id": 1, "status": "active", **TIMES}, {"status": "past_due"}, {"plan_id": 2}),
    (subscriptions, {"user_id": 2, "plan_id": 1, "status": "paused", **TIMES}, {}, {"status": "cancelled"}),
    (
        transactions,
        {"uuid": "t1", "gateway": "stripe", "gateway_reference": "pi_1", **TIMES},
        {"uuid": "t2"},
        {"uuid": "t3", "gateway": "paypal"},
    ),
    (
        coupon_redemptions,
        {"coupon_id": 1, "user_id": 1, "transaction_id": 1, "use_no": 1, "user_use_no": 1, **CODE},
        {"user_id": 2, "transaction_id": 2},
        {"user_id": 2, "transaction_id": 2, "use_no": 2},
    ),
    (
        coupon_redemptions,
        {"coupon_id": 2, "user_id": 1, "transaction_id": 1, "use_no": 1, "user_use_no": 1, **CODE},
        {"transaction_id": 2, "use_no": 2},
        {"transaction_id": 2, "state": "released"},
    ),
    (instructor_applications, {"user_id": 1, **TIMES}, {"about": "again"}, {"status": "rejected"}),
    (jobs, {**JOB, "unique_key": "course:1"}, {"state": "running"}, {"state": "done"}),
    (expiring_keys, {"scope": "nonce", "key_hash": "ab", "expires_at": NOW}, {"counter": 2}, {"scope": "limit"}),
]
NAMES = [f"{case[0].name.removeprefix('zblog_lrn_')}-{number}" for number, case in enumerate(UNIQUE)]


@pytest.mark.parametrize(("table", "row", "refused", "taken"), UNIQUE, ids=NAMES)
def test_uniqueness(
    engine: Engine, table: Table, row: dict[str, Any], refused: dict[str, Any], taken: dict[str, Any]
) -> None:
    with engine.connect() as connection:
        connection.execute(insert(table), row)
        connection.execute(insert(table), {**row, **taken})
        with pytest.raises(IntegrityError), connection.begin_nested():
            connection.execute(insert(table), {**row, **refused})
        connection.rollback()


# what is changed of the first row frees the place for another
FREED: list[tuple[Table, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    (
        quiz_attempts,
        {"quiz_id": 1, "user_id": 1, "number": 1, **ATTEMPT},
        {"status": "submitted"},
        {"number": 2},
    ),
    (
        certificates,
        {"uuid": "a", "user_id": 1, "course_id": 1, "object_id": 1, **CERTIFICATE},
        {"status": "revoked"},
        {"uuid": "b"},
    ),
    (
        enrollment_grants,
        {"enrollment_id": 1, "starts_at": NOW, **TIMES},
        {"ended_at": NOW, "end_reason": "expired"},
        {},
    ),
    (reviews, {"course_id": 1, "user_id": 1, "rating": 5, **TIMES}, {"status": "trash", "deleted_at": NOW}, {}),
    (jobs, {**JOB, "unique_key": "course:1"}, {"state": "failed"}, {}),
    (
        coupon_redemptions,
        {"coupon_id": 1, "user_id": 1, "transaction_id": 1, "use_no": 1, "user_use_no": 1, **CODE},
        {"state": "released"},
        {},
    ),
]


@pytest.mark.parametrize(("table", "row", "change", "again"), FREED, ids=[case[0].name[10:] for case in FREED])
def test_a_conditional_key_is_freed(
    engine: Engine, table: Table, row: dict[str, Any], change: dict[str, Any], again: dict[str, Any]
) -> None:
    with engine.connect() as connection:
        made = connection.execute(insert(table), row).inserted_primary_key
        with pytest.raises(IntegrityError), connection.begin_nested():
            connection.execute(insert(table), {**row, **again})
        connection.execute(update(table).where(table.c.id == made[0]), change)
        connection.execute(insert(table), {**row, **again})
        connection.rollback()


@pytest.mark.parametrize(
    ("table", "row"),
    [
        (courses, {**COURSE, "slug": "a", "status": "trash"}),
        (courses, {**COURSE, "slug": "a", "deleted_at": NOW}),
        (courses, {**COURSE, "slug": "a", "price_minor": -1}),
        (courses, {**COURSE, "slug": "a", "rating_avg": 501}),
        (enrollments, {"user_id": 1, "course_id": 1, "progress_percent": 101, **ENROLLED}),
        (course_links, {"owner_id": 1, "course_id": 1, "created_at": NOW}),
        (reviews, {"course_id": 1, "user_id": 1, "rating": 6, **TIMES}),
        (coupons, {"code": "A", "code_key": "a", "usage_limit": 1, "used_count": 2, **TIMES}),
        (transactions, {"uuid": "t", "amount_minor": 10, "refunded_minor": 11, **TIMES}),
    ],
)
def test_checks(engine: Engine, table: Table, row: dict[str, Any]) -> None:
    with engine.connect() as connection, pytest.raises((IntegrityError, OperationalError)):
        connection.execute(insert(table), row)  # MariaDB tells of a failed CHECK as an OperationalError


def test_computed_columns_follow_and_cannot_be_written(engine: Engine) -> None:
    with engine.connect() as connection:
        row = {**COURSE, "slug": "computed", "rating_avg": 433}
        made = connection.execute(insert(courses), row).inserted_primary_key
        rated = select(courses.c.is_free, courses.c.rated_1, courses.c.rated_4).where(courses.c.id == made[0])
        assert connection.execute(rated).one() == (True, True, True)
        connection.execute(update(courses).where(courses.c.id == made[0]), {"price_minor": 100, "rating_avg": 399})
        assert connection.execute(rated).one() == (False, True, False)
        with pytest.raises((IntegrityError, OperationalError)):
            connection.execute(insert(courses), {**row, "slug": "free", "is_free": False})
        connection.rollback()


def test_ids_are_never_given_twice(engine: Engine) -> None:
    with engine.begin() as connection:
        first = connection.execute(insert(jobs), JOB).inserted_primary_key[0]
        connection.execute(jobs.delete().where(jobs.c.id == first))
    with engine.begin() as connection:
        assert connection.execute(insert(jobs), JOB).inserted_primary_key[0] > first


# --- prefixes ------------------------------------------------------------------------------

BY_SLUG = select(courses.c.id, courses.c.title).where(courses.c.slug == bindparam("slug"))
PUBLISHED = (
    select(courses.c.id)
    .with_hint(courses, "FORCE INDEX (zblog_lrn_courses_published)", "mysql")
    .where(courses.c.status == "published")
    .order_by(courses.c.published_at.desc(), courses.c.id.desc())
)


def test_one_statement_serves_every_blog(engine: Engine) -> None:
    blog = "wp_"
    moving = bind_prefix(create_engine(engine.url), lambda: ("wp_", blog))
    sent: list[str] = []
    event.listen(moving, "after_cursor_execute", lambda _c, _cursor, statement, *_rest: sent.append(statement))
    with moving.begin() as connection:
        for blog in ("wp_", "wp_2_"):
            row = {**COURSE, "slug": "here", "title": f"of {blog}", "status": "published"}
            connection.execute(insert(courses), [row, {**row, "slug": f"zblog_{blog}"}])
        for blog in ("wp_", "wp_2_"):
            assert connection.execute(BY_SLUG, {"slug": "here"}).one().title == f"of {blog}"
            assert connection.execute(BY_SLUG, {"slug": f"zblog_{blog}"}).one()  # values are not touched
            assert len(connection.execute(PUBLISHED).all()) == 2
        assert connection.get_execution_options().get("prefixes") is None
    assert not any("zblog_" in statement for statement in sent)
    if engine.dialect.name == "mysql":
        assert "FORCE INDEX (`wp_lrn_courses_published`)" in sent[-4]
        assert "FORCE INDEX (`wp_2_lrn_courses_published`)" in sent[-1]
    else:
        assert "FORCE" not in sent[-1]
    with moving.begin() as connection:
        for blog in ("wp_", "wp_2_"):  # noqa: B007  # read by the engine's hook
            connection.execute(courses.delete())
    moving.dispose()


def test_a_bound_connection_keeps_its_prefixes(engine: Engine) -> None:
    with engine.connect() as plain:
        connection = bind_connection(plain, "wp_", "wp_")
        connection.execute(insert(courses), {**COURSE, "slug": "bound"})
        assert plain.exec_driver_sql("SELECT slug FROM wp_lrn_courses").scalars().all() == ["bound"]
        connection.rollback()
    with engine.connect() as after:
        assert after.execute(select(courses.c.id)).first() is None


@pytest.mark.parametrize("prefix", ["wp-", "wp`", "a" * 25, "wp_;", "wp\n", "ü_"])
def test_a_prefix_that_cannot_be_one_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="table prefix"):
        check_prefix(prefix)


@pytest.mark.parametrize(
    ("charset", "collate", "collation"),
    [
        ("utf8mb4", "", "utf8mb4_unicode_520_ci"),
        ("utf8mb4", "utf8mb4_unicode_ci", "utf8mb4_unicode_520_ci"),
        ("utf8mb4", "utf8mb4_general_ci", "utf8mb4_general_ci"),
        ("utf8mb4", "utf8mb4_0900_ai_ci", "utf8mb4_0900_ai_ci"),
        ("utf8mb4", "utf8mb4_swedish_ci", "utf8mb4_swedish_ci"),
        ("utf8", "", "utf8mb4_unicode_520_ci"),
        ("utf8", "utf8_general_ci", "utf8mb4_unicode_520_ci"),
        ("utf8mb3", "utf8mb3_polish_ci", "utf8mb4_polish_ci"),
        ("utf8", "utf8_bin", "utf8mb4_bin"),
        ("latin1", "latin1_swedish_ci", "utf8mb4_unicode_520_ci"),
        ("utf8mb4", "utf8mb4_x; DROP", "utf8mb4_unicode_520_ci"),
    ],
)
def test_the_collation_goes_with_the_site(charset: str, collate: str, collation: str) -> None:
    assert site_collation(charset, collate) == collation


def test_wordpress_tables_have_their_own_names() -> None:
    names = {table.name for table in metadata_wordpress.tables.values()}
    assert {"zbase_users", "zbase_usermeta", "zblog_options", "zblog_posts", "zblog_terms"} < names
    assert options.c.keys() == ["option_id", "option_name", "option_value", "autoload"]
