"""The list of students: once each, by what happened last, and exactly as many as there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import delete, func, insert, select

from learnomy_wp.kernel import cache, db
from tests.client import Answer
from tests.progress.test_statements import statements
from tests.progress.world import Course, World
from wp_schema.tables import enrollments, users

DAY = timedelta(days=1)
NOW = datetime.now(UTC).replace(microsecond=0)


def listed(world: World, query: str = "", who: str | None = "admin") -> Answer:
    return world.as_(who).get(f"/admin/students?{query}")


def ids(answer: Answer) -> list[int]:
    assert answer.status == 200, answer.body
    return [row["id"] for row in answer.data]


@pytest.fixture
def crowd(world: World) -> dict[str, Any]:
    """Four people in three courses; the last of each in the future, so that they stand first."""
    courses = [world.course() for _ in range(3)]
    people = world.people(4)
    with world.api.inside():
        db.transaction(lambda: db.execute(delete(enrollments)))
    for number, person in enumerate(people):
        for place, course in enumerate(courses[: number + 1]):
            _put(world, course, person, NOW - number * DAY - place * timedelta(hours=1), percent=10 * place)
    return {"courses": [course.id for course in courses], "people": people}


def _put(world: World, course: Course, user_id: int, at: datetime, *, percent: int) -> None:
    values = {"user_id": user_id, "course_id": course.id, "status": "active", "has_access": True}
    values |= {"progress_percent": percent, "enrolled_at": at, "last_activity_at": at}
    world.insert(enrollments, **values)


def test_each_student_once_with_progress(world: World) -> None:
    first, second = world.course(lessons=2), world.course(lessons=1)
    for course in (first, second):
        course.enrol("student")
    student = world.as_("student")
    student.post(f"/lessons/{first.lessons[0]}/complete")
    student.post(f"/lessons/{second.lessons[0]}/complete")
    answer = listed(world, f"user={world.ids['student']}")
    assert answer.body["meta"] == {"total": 1, "cursor_next": None}
    (row,) = answer.data
    assert (row["id"], row["username"], row["email"]) == (world.ids["student"], "student", "student@example.test")
    assert row["display_name"] == "Student"
    assert row["avatar_url"].startswith("https://secure.gravatar.com/")
    assert (row["counts"]["completed"], row["counts"]["in_progress"]) == (1, 1)
    assert row["counts"]["enrolled"] >= 2
    held = row["enrollment"]
    assert (held["course_id"], held["status"], held["progress_percent"]) == (second.id, "completed", 100)
    assert held["course"]["title"] == second.row()["title"]
    assert row["last_activity_at"] == held["last_activity_at"]
    in_first = listed(world, f"user={world.ids['student']}&course={first.id}").data[0]
    assert (in_first["enrollment"]["progress_percent"], in_first["counts"]) == (50, row["counts"])


def test_those_with_whom_something_happened_last_stand_first(world: World, crowd: dict[str, Any]) -> None:
    people = crowd["people"]
    answer = listed(world)
    assert (ids(answer), answer.body["meta"]["total"]) == (people, 4)
    assert ids(listed(world, "sort=last_activity_at")) == people[::-1]
    assert [row["counts"]["enrolled"] for row in answer.data] == [1, 2, 3, 3]
    assert [row["average_progress"] for row in answer.data] == [0, 5, 10, 10]
    found, cursor = [], ""
    while True:
        page = listed(world, f"per_page=1{cursor}")
        found += ids(page)
        assert page.body["meta"]["total"] == 4
        if page.body["meta"]["cursor_next"] is None:
            break
        cursor = f"&cursor={page.body['meta']['cursor_next']}"
    assert found == people


def test_filters_by_user_course_and_activity(world: World, crowd: dict[str, Any]) -> None:
    people, courses = crowd["people"], crowd["courses"]
    since = quote((NOW - 1.5 * DAY).isoformat())
    assert ids(listed(world, f"user_id={people[2]}")) == [people[2]]
    assert ids(listed(world, f"ids={people[1]},{people[3]},987654321")) == [people[1], people[3]]
    assert ids(listed(world, f"course_id={courses[1]}")) == people[1:]
    assert ids(listed(world, f"active_since={since}")) == people[:2]
    assert ids(listed(world, f"inactive_since={since}")) == people[2:]
    assert ids(listed(world, f"course_id={courses[1]}&active_since={since}")) == [people[1]]
    assert ids(listed(world, f"course_id={courses[2]}&inactive_since={since}")) == people[2:]
    assert ids(listed(world, "course_id=987654321")) == []
    for query, total in ((f"course_id={courses[1]}", 3), (f"active_since={since}", 2), (f"user_id={people[2]}", 1)):
        assert listed(world, f"{query}&per_page=1").body["meta"]["total"] == total


def test_two_things_at_one_moment_are_one_student(world: World) -> None:
    first, second = world.course(), world.course()
    (person,) = world.people(1)
    for course in (first, second):
        _put(world, course, person, NOW, percent=0)
    assert [row["enrollment"]["course_id"] for row in listed(world, f"user={person}").data] == [second.id]


def test_an_account_that_is_gone_keeps_its_history(world: World) -> None:
    course = world.course()
    (person,) = world.people(1)
    _put(world, course, person, NOW, percent=0)
    with world.api.inside():
        db.transaction(lambda: db.execute(delete(users).where(person == users.c.ID)))
    (row,) = listed(world, f"user={person}").data
    assert (row["id"], row["display_name"], row["avatar_url"], row["registered_at"]) == (person, "", None, None)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("sort=email", "sort"),
        ("sort=-last_activity_at'", "sort"),
        ("user_id=x", "user_id"),
        ("course=0", "course"),
        ("active_since=yesterday", "active_since"),
        ("ids=1,x", "ids"),
        ("cursor=x", "cursor"),
    ],
)
def test_what_is_no_filter_is_refused(world: World, query: str, field: str) -> None:
    answer = listed(world, query)
    assert (answer.status, [d["field"] for d in answer.body["error"]["details"]]) == (422, [field])


def test_it_is_for_managers(world: World) -> None:
    expected = {None: 401, "student": 403, "teacher": 403, "editor": 403, "admin": 200}
    assert {who: listed(world, who=who).status for who in expected} == expected


def test_a_page_is_few_statements_however_many_there_are(world: World) -> None:
    course = world.course()
    people = world.people(300)
    rows = [
        {
            "user_id": user, "course_id": course.id, "status": "active", "enrolled_at": NOW, "last_activity_at": NOW,
            "created_at": NOW, "updated_at": NOW,
        }
        for user in people
    ]  # fmt: skip
    with world.api.inside():
        db.transaction(lambda: db.execute(insert(enrollments), rows))
    with statements(world) as sent:
        assert len(listed(world, f"course_id={course.id}&per_page=100").data) == 100
    # Identity and site record; the rows, their number, people, sums, courses.
    assert len(sent) == 2 + 5, sent
    total = world.rows(select(func.count(enrollments.c.user_id.distinct()).label("n")))[0]["n"]
    with world.api.inside():
        cache.bump(["enrollments"])
    assert listed(world).body["meta"]["total"] == total
