"""The report on enrolments: days, weeks and months of UTC, exact sums, and few rows read."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from learnomy_wp.kernel import clock, db, local, rollups, site
from learnomy_wp.reports import listeners
from tests.progress.test_statements import statements
from tests.progress.world import World

DAY = timedelta(days=1)
METRICS = ("enrolled", "completed", "cancelled", "refunded", "expired")


def report(world: World, **query: Any) -> dict[str, Any]:
    text = "&".join(f"{name}={value}" for name, value in query.items())
    answer = world.as_("admin").get(f"/admin/reports/enrollments?{text}")
    assert answer.status == 200, answer.body
    return dict(answer.data)


def count(world: World, scope: str, metric: str, *days: date) -> None:
    """As if it had happened on these days."""

    def add() -> None:
        for day in days:
            for key in listeners.dated(metric, datetime(day.year, day.month, day.day, 12, tzinfo=UTC)):
                rollups.add(scope, key)

    with world.api.inside():
        db.transaction(add)


def test_what_happens_today(world: World) -> None:
    course = world.course(lessons=1)
    before = report(world)
    for who in ("student", "student2", "student3"):
        course.enrol(who)
    world.as_("student").post(f"/lessons/{course.lessons[0]}/complete")
    world.as_("student2").delete(f"/courses/{course.id}/enroll")
    enrollment_id = course.enrollment("student3")["id"]
    world.as_("teacher").patch(f"/enrollments/{enrollment_id}", json={"status": "refunded"})
    after, own = report(world), report(world, course_id=course.id)
    today = clock.now().date()
    assert (own["from_date"], own["to_date"], own["interval"]) == (str(today - 29 * DAY), str(today), "day")
    assert own["totals"] == {"enrolled": 3, "completed": 1, "cancelled": 1, "refunded": 1, "expired": 0}
    assert {name: after["totals"][name] - before["totals"][name] for name in METRICS} == own["totals"]
    assert len(own["periods"]) == 30
    assert own["periods"][-1] == {"starts_at": f"{today}T00:00:00Z", **own["totals"]}
    assert own["by_source"] == [{"source": "self", "enrolled": 3}]
    assert own["by_status"] == {
        "pending": 0, "active": 0, "completed": 1, "cancelled": 1, "expired": 0, "refunded": 1,
    }  # fmt: skip
    assert own["courses"] == []
    assert own["course_id"] == course.id
    assert after["course_id"] is None


def test_days_weeks_and_months(world: World) -> None:
    course = world.course()
    scope = rollups.course(course.id)
    count(world, scope, "enrolled:self", date(2025, 12, 28), date(2025, 12, 29), date(2025, 12, 31), date(2026, 1, 1))
    count(world, scope, "enrolled:purchase", date(2026, 1, 4), date(2026, 1, 5))
    count(world, scope, "expired", date(2026, 1, 5))
    span = {"course_id": course.id, "from_date": "2025-12-31", "to_date": "2026-01-05"}
    days = report(world, **span)
    assert [p["enrolled"] for p in days["periods"]] == [1, 1, 0, 0, 1, 1]
    assert days["totals"]["enrolled"] == 4
    assert days["by_source"] == [{"source": "purchase", "enrolled": 2}, {"source": "self", "enrolled": 2}]
    weeks = report(world, interval="week", **span)
    assert [(p["starts_at"], p["enrolled"], p["expired"]) for p in weeks["periods"]] == [
        ("2025-12-29T00:00:00Z", 4, 0),
        ("2026-01-05T00:00:00Z", 1, 1),
    ]
    months = report(world, interval="month", **span)
    assert [(p["starts_at"], p["enrolled"]) for p in months["periods"]] == [
        ("2025-12-01T00:00:00Z", 3),
        ("2026-01-01T00:00:00Z", 3),
    ]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin"])
def test_the_sites_zone_moves_nothing(world: World, zone: str) -> None:
    course = world.course()
    count(world, rollups.course(course.id), "enrolled:self", date(2026, 3, 29), date(2026, 10, 25))
    with world.api.inside():
        db.transaction(lambda: local.set_option("timezone_string", zone))
        site.current().forget_record()
    try:
        found = report(world, course_id=course.id, from_date="2026-03-28", to_date="2026-10-26")
    finally:
        with world.api.inside():
            db.transaction(lambda: local.set_option("timezone_string", "UTC"))
            site.current().forget_record()
    assert [p["starts_at"] for p in found["periods"] if p["enrolled"]] == [
        "2026-03-29T00:00:00Z",
        "2026-10-25T00:00:00Z",
    ]
    assert len({p["starts_at"] for p in found["periods"]}) == len(found["periods"]) == 213


def test_the_courses_with_most_students(world: World) -> None:
    course = world.course(student_count=1_000_000, completion_count=7)
    top = report(world)["courses"]
    assert len(top) <= 10
    assert top[0] == {
        "id": course.id, "title": course.row()["title"], "slug": course.row()["slug"], "student_count": 1_000_000,
        "completion_count": 7,
    }  # fmt: skip
    assert [row["student_count"] for row in top] == sorted((row["student_count"] for row in top), reverse=True)
    course.change(student_count=0)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from_date=2026-02-30", "from_date"),
        ("from_date=yesterday", "from_date"),
        ("to_date=2026-01-01T00:00:00Z", "to_date"),
        ("from_date=2026-01-02&to_date=2026-01-01", "to_date"),
        ("from_date=2024-01-01&to_date=2026-01-01", "from_date"),
        ("from_date=2024-01-01&to_date=2026-01-01&interval=week", "from_date"),
        ("from_date=1900-01-01&to_date=2026-01-01&interval=month", "from_date"),
        ("interval=hour", "interval"),
        ("course_id=x", "course_id"),
        ("course_id=987654321", "course_id"),
        ("from_date=2026-01-01'%20OR%20SLEEP(5)--", "from_date"),
        ("from_date=0001-01-01", "from_date"),
        ("to_date=9999-12-31", "to_date"),
    ],
)
def test_what_is_no_span_is_refused(world: World, query: str, field: str) -> None:
    answer = world.as_("admin").get(f"/admin/reports/enrollments?{query}")
    assert (answer.status, answer.code) == (422, "validation_failed")
    assert [d["field"] for d in answer.body["error"]["details"]] == [field]


def test_it_is_for_managers(world: World) -> None:
    expected = {None: 401, "student": 403, "teacher": 403, "editor": 403, "admin": 200}
    found = {who: world.as_(who).get("/admin/reports/enrollments").status for who in expected}
    assert found == expected


def test_a_year_is_few_statements_and_no_enrolments(world: World) -> None:
    world.as_("admin")
    with statements(world) as sent:
        report(world, from_date="2025-11-01", to_date="2026-10-31")
    # Identity and site record; days, standings, the largest courses.
    assert len(sent) == 2 + 3, sent
    assert not [statement for statement in sent if "lrn_enrollments" in statement]
