"""`/courses/{id}/access`: may the caller open it, and every reason why not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.progress.world import Course, World

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


def ask(world: World, course: Course, who: str | None = "student") -> dict[str, Any]:
    answer = world.as_(who).get(f"/courses/{course.id}/access")
    assert answer.status == 200, answer.body
    data: dict[str, Any] = answer.data
    assert data["can_access"] == (data["reasons"] == [])
    assert data["reason"] == (data["reasons"][0]["code"] if data["reasons"] else None)
    assert all(len(reason["message"].split()) > 3 for reason in data["reasons"])
    return data


def codes(data: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in data["reasons"]]


def test_an_open_course_can_be_joined(world: World) -> None:
    course = world.course(capacity=3, access_days=30)
    data = ask(world, course)
    assert codes(data) == ["not_enrolled"]
    assert (data["can_enroll"], data["is_enrolled"], data["status"]) == (True, False, None)
    assert (data["is_free"], data["seats_left"], data["access_days"]) == (True, 3, 30)
    enrolled = course.enrol("student")
    data = ask(world, course)
    assert (data["can_access"], data["can_enroll"], data["is_enrolled"]) == (True, False, True)
    assert (data["enrollment_id"], data["status"], data["seats_left"]) == (enrolled["id"], "active", 2)
    assert data["expires_at"] == enrolled["expires_at"]


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"price_minor": 4900, "currency": "EUR"}, ["payment_required"]),
        ({"opens_at": NOW + DAY}, ["enrollment_not_open"]),
        ({"closes_at": NOW - DAY}, ["enrollment_closed"]),
        ({"access_ends_at": NOW - DAY}, ["enrollment_closed"]),
        ({"capacity": 0}, ["course_full"]),
        (
            {"price_minor": 1, "capacity": 0, "closes_at": NOW - DAY},
            ["enrollment_closed", "payment_required", "course_full"],
        ),
    ],
)
def test_each_barrier_is_a_reason(world: World, values: dict[str, Any], wanted: list[str]) -> None:
    course = world.course(**values)
    data = ask(world, course)
    assert codes(data) == ["not_enrolled", *wanted]
    assert data["can_enroll"] is False
    assert codes(ask(world, course, None)) == ["login_required", *wanted]
    refused = world.as_("student").post(f"/courses/{course.id}/enroll")
    assert refused.code == wanted[0], "what is enforced is what was told"


def test_the_price_is_told(world: World) -> None:
    data = ask(world, world.course(price_minor=4900, currency="EUR"))
    assert (data["price"], data["is_free"]) == ({"amount_minor": 4900, "currency": "EUR"}, False)


def test_prerequisites_are_named(world: World) -> None:
    first, second = world.course(lessons=1), world.course()
    second.require(first)
    data = ask(world, second)
    assert codes(data) == ["not_enrolled", "prerequisites_unmet"]
    row = first.row()
    assert data["prerequisites"] == [
        {"id": first.id, "title": row["title"], "slug": row["slug"], "is_completed": False}
    ]
    world.as_("admin").post("/enrollments", json={"course_id": second.id, "user_id": world.ids["student"]})
    assert codes(ask(world, second)) == ["prerequisites_unmet"]
    first.enrol("student")
    world.as_("student").post(f"/lessons/{first.lessons[0]}/complete")
    data = ask(world, second)
    assert (data["can_access"], data["prerequisites"][0]["is_completed"]) == (True, True)


def test_a_course_that_has_not_started(world: World) -> None:
    course = world.course(access_starts_at=NOW + DAY)
    course.enrol("student")
    assert codes(ask(world, course)) == ["course_not_started"]


def test_requests_and_ended_access(world: World) -> None:
    waiting = world.course(enrollment_mode="approval")
    assert ask(world, waiting)["needs_approval"] is True
    waiting.enrol("student")
    data = ask(world, waiting)
    assert (codes(data), data["status"], data["can_enroll"]) == (["enrollment_pending"], "pending", False)
    ended = world.course(access_days=1)
    ended.enrol("student")
    ended.move_clock("student", 2 * DAY)
    data = ask(world, ended)
    assert (codes(data), data["is_enrolled"], data["can_enroll"]) == (["access_expired"], False, True)


def test_staff_may_always(world: World) -> None:
    course = world.course(price_minor=100, status="draft")
    for who in ("teacher", "admin"):
        assert ask(world, course, who)["can_access"] is True
    for who in ("teacher2", "student", None):
        assert world.as_(who).get(f"/courses/{course.id}/access").status == 404
    assert world.as_("student").get("/courses/987654321/access").status == 404


def test_unlisted_courses_are_known_to_those_within(world: World) -> None:
    course = world.course()
    course.enrol("student")
    for status in ("private", "archived"):
        course.change(status=status)
        assert ask(world, course)["can_access"] is True
        assert world.as_("student2").get(f"/courses/{course.id}/access").status == 404


def test_a_private_academy_says_so_and_nothing_more(world: World) -> None:
    course = world.course(price_minor=4900)
    admin = world.as_("admin")
    admin.patch("/settings", json={"require_login_for_content": True})
    try:
        for course_id in (course.id, 987654321):
            answer = world.as_(None).get(f"/courses/{course_id}/access")
            assert (answer.status, answer.data["reason"], answer.data["price"]) == (200, "private", None)
        assert codes(ask(world, course)) == ["not_enrolled", "payment_required"]
    finally:
        admin.patch("/settings", json={"require_login_for_content": False})


def test_a_wrong_token_is_no_guest(world: World) -> None:
    course = world.course()
    answer = world.as_(None).get(f"/courses/{course.id}/access", headers={"Authorization": "Bearer nonsense"})
    assert answer.status == 401
