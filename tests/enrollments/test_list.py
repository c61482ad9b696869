"""The list of enrolments: whose one sees, filters, orders, pages, and what it costs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert

from learnomy_wp.enrollments import listing
from learnomy_wp.kernel import db
from tests.progress.world import Course, World
from wp_schema.tables import enrollments

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


def seed(world: World, course: Course, user_ids: list[int], **values: Any) -> None:
    """Enrolments written in bulk, a minute apart."""
    rows = []
    for number, user_id in enumerate(user_ids):
        at = NOW - timedelta(minutes=number)
        row = {
            "user_id": user_id,
            "course_id": course.id,
            "status": ("active", "completed", "expired")[number % 3],
            "has_access": number % 3 != 2,
            "progress_percent": number % 101,
            "enrolled_at": at,
            "last_activity_at": NOW - timedelta(minutes=(number * 7) % 100),
            "created_at": at,
            "updated_at": at,
        }
        rows.append({**row, **values})
    with world.api.inside():
        db.transaction(lambda: db.execute(insert(enrollments), rows))


def ids(answer: Any, name: str = "id") -> list[int]:
    assert answer.status == 200, answer.body
    return [row[name] for row in answer.data]


def walk(world: World, who: str, path: str) -> list[int]:
    """Every page's ids."""
    found: list[int] = []
    cursor = ""
    while True:
        answer = world.as_(who).get(f"{path}{'&cursor=' + cursor if cursor else ''}")
        found += ids(answer)
        cursor = answer.body["meta"]["cursor_next"]
        if cursor is None:
            assert answer.body["meta"]["total"] == len(found)
            return found


def test_learners_see_their_own(world: World) -> None:
    mine, other = world.course(), world.course()
    data = mine.enrol("student3")
    other.enrol("student2")
    answer = world.as_("student3").get("/enrollments")
    assert data["id"] in ids(answer)
    assert {row["user_id"] for row in answer.data} == {world.ids["student3"]}
    assert ids(world.as_("student3").get(f"/enrollments?course_id={mine.id}")) == [data["id"]]
    assert ids(world.as_("student3").get(f"/enrollments?user_id={world.ids['student3']}&course_id={mine.id}"))
    for path in (
        f"/enrollments?user_id={world.ids['student2']}",
        f"/enrollments?user={world.ids['student2']}",
        f"/enrollments?course_id={other.id}",
        f"/enrollments?course={other.id}&user_id={world.ids['student2']}",
    ):
        answer = world.as_("student3").get(path)
        assert (answer.data, answer.body["meta"]["total"]) == ([], 0), path
    assert world.as_(None).get("/enrollments").status == 401


def test_staff_see_their_courses_and_their_own(world: World) -> None:
    taught, foreign = world.course(teacher="teacher2"), world.course()
    first, second = taught.enrol("student"), taught.enrol("student2")
    theirs = foreign.enrol("student2")
    own = foreign.enrol("teacher2")
    teacher = world.as_("teacher2")
    seen = set(ids(teacher.get("/enrollments?per_page=100")))
    assert {first["id"], second["id"], own["id"]} <= seen
    assert theirs["id"] not in seen
    assert ids(teacher.get(f"/enrollments?course_id={taught.id}")) == [second["id"], first["id"]]
    assert ids(teacher.get(f"/enrollments?course_id={foreign.id}")) == [own["id"]]
    assert set(ids(teacher.get(f"/enrollments?user_id={world.ids['student2']}"), "course_id")) == {taught.id}
    assert ids(teacher.get(f"/enrollments?course_id={foreign.id}&user_id={world.ids['student2']}")) == []
    assert ids(teacher.get(f"/enrollments?user_id={world.ids['teacher2']}&course_id={foreign.id}")) == [own["id"]]
    assert theirs["id"] in ids(world.as_("admin").get(f"/enrollments?course_id={foreign.id}"))


def test_filters_orders_and_pages_agree_with_the_rows(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    course = world.course(teacher="teacher2")
    seed(world, course, world.people(45))
    rows = world.rows(enrollments.select().where(enrollments.c.course_id == course.id))

    def wanted(column: str, *, falling: bool, keep: Any = lambda _row: True) -> list[int]:
        kept = [row for row in rows if keep(row)]
        return [row["id"] for row in sorted(kept, key=lambda row: (row[column], row["id"]), reverse=falling)]

    path = f"/enrollments?course_id={course.id}&per_page=7"
    for turn in ("", "-"):
        found = walk(world, "teacher2", f"{path}&sort={turn}enrolled_at")
        assert found == wanted("enrolled_at", falling=bool(turn))
    active = wanted("enrolled_at", falling=True, keep=lambda row: row["status"] == "active")
    assert walk(world, "admin", f"{path}&status=active") == active
    few = walk(world, "teacher2", "/enrollments?per_page=9&status=active")
    monkeypatch.setattr(listing, "FEW", 3)
    assert walk(world, "teacher2", "/enrollments?per_page=9&status=active") == few
    assert set(active) <= set(few)
    one = rows[3]
    assert ids(world.as_("admin").get(f"/enrollments?ids={one['id']},{rows[5]['id']}&sort=enrolled_at")) == sorted(
        [one["id"], rows[5]["id"]], reverse=True
    )
    assert ids(world.as_("admin").get(f"/enrollments?user_id={one['user_id']}&status={one['status']}")) == [one["id"]]
    assert len(ids(world.as_("admin").get(f"{path}&page=7"))) == 3


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("sort=id", "sort"),
        ("sort=progress_percent", "sort"),
        ("status=gone", "status"),
        ("course_id=x", "course_id"),
        ("user_id=0", "user_id"),
        ("per_page=101", "per_page"),
        ("ids=1,b", "ids"),
        ("cursor=abc", "cursor"),
    ],
)
def test_bad_queries_are_named(world: World, query: str, field: str) -> None:
    answer = world.as_("admin").get(f"/enrollments?{query}")
    assert answer.status == 422
    assert answer.body["error"]["details"][0]["field"] == field


def test_a_total_follows_every_change(world: World) -> None:
    course = world.course(enrollment_mode="approval")
    admin = world.as_("admin")

    def total(status: str) -> int:
        answer = admin.get(f"/enrollments?course_id={course.id}&status={status}")
        return int(answer.body["meta"]["total"])

    assert total("pending") == 0
    data = course.enrol("student")
    assert total("pending") == 1
    admin.patch(f"/enrollments/{data['id']}", json={"status": "active"})
    assert (total("pending"), total("active")) == (0, 1)
    for lesson in course.lessons:
        world.as_("student").post(f"/lessons/{lesson}/complete")
    assert (total("active"), total("completed")) == (0, 1)


def counted(world: World, who: str, path: str) -> int:
    """How many statements a GET sends."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    engine = world.api.runtime.database.read
    world.as_(who)
    event.listen(engine, "before_cursor_execute", note)
    try:
        assert world.as_(who).get(path).status == 200
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(sent)


@pytest.mark.parametrize(("who", "beyond"), [("admin", 1), ("teacher", 2), ("student", 1)])
def test_the_number_of_queries_does_not_grow_with_the_page(world: World, who: str, beyond: int) -> None:
    course = world.course()
    seed(world, course, world.people(40))
    counted(world, who, "/enrollments?per_page=1")
    few = counted(world, who, "/enrollments?per_page=1")
    assert counted(world, who, "/enrollments?per_page=40") <= few
    # Identity and site record, rows with courses and learners, the total. Beyond: the total's stamp and entry
    # in the database, where there is no Redis; whose courses they are, and whether those have few learners.
    assert few <= 6 + beyond
