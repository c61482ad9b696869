"""The numbers follow the rows, whatever is done in whatever order, at once, and when they are made anew."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from learnomy_wp.enrollments.jobs import settle_due_enrollments
from learnomy_wp.kernel import db, rollups
from learnomy_wp.reports import listeners, rebuilding, tallies
from tests.progress.world import Course, World, together
from wp_schema.tables import activity, courses, enrollments, expiring_keys, progress

WHO = ("student", "student2", "student3")
DAY = timedelta(days=1)


def mirrored(world: World, course_id: int) -> Counter[str]:
    """What the rows of a course amount to."""
    sums: Counter[str] = Counter()
    for row in world.rows(select(enrollments).where(enrollments.c.course_id == course_id)):
        sums.update(tallies.facets(row))
    wanted = select(progress).where(progress.c.course_id == course_id, progress.c.object_type == "lesson")
    for row in world.rows(wanted):
        if row["state"] != "none":
            sums[tallies.lesson_key(row["object_id"], tallies.STARTED)] += 1
        if row["state"] == "completed":
            sums[tallies.lesson_key(row["object_id"], tallies.COMPLETED)] += 1
    return sums


def kept(world: World, scope: str, first: str = "", last: str = rollups.END) -> dict[str, int]:
    """The counters of a scope that are not at 0."""
    with world.api.inside():
        return {key: count for key, count in rollups.read(scope, first, last).items() if count}


def check_mirror(world: World, course: Course) -> None:
    found = kept(world, rollups.course(course.id), listeners.DATED + rollups.END)
    assert {key: n for key, n in found.items() if not key.startswith("time:")} == dict(mirrored(world, course.id))


def happened(world: World, course_id: int, topic: str) -> int:
    wanted = select(activity.c.id).where(activity.c.course_id == course_id, activity.c.event == topic)
    return len(world.rows(wanted))


def check_days(world: World, course: Course) -> None:
    """Each event counts once, for its day and for its month."""
    for prefix in (listeners.DAY, listeners.MONTH):
        sums: Counter[str] = Counter()
        for key, count in kept(world, rollups.course(course.id), prefix, prefix + rollups.END).items():
            sums[key.removeprefix(prefix).split(":")[1]] += count
        assert sums["enrolled"] == happened(world, course.id, "enrollment.created")
        assert sums["completed"] == happened(world, course.id, "enrollment.completed")
        assert sums["cancelled"] + sums["refunded"] == happened(world, course.id, "enrollment.cancelled")
        assert sums["expired"] == happened(world, course.id, "enrollment.expired")


# --- whatever is done -------------------------------------------------------------------------


def _lesson(method: str, suffix: str, **body: Any) -> Callable[[World, Course, str, int], None]:
    def act(world: World, course: Course, who: str, number: int) -> None:
        world.as_(who).request(method, f"/lessons/{course.lessons[number]}/{suffix}", json=body or None)

    return act


def _course(method: str, suffix: str) -> Callable[[World, Course, str, int], None]:
    def act(world: World, course: Course, who: str, _number: int) -> None:
        world.as_(who).request(method, f"/courses/{course.id}/{suffix}")

    return act


def _manage(**body: Any) -> Callable[[World, Course, str, int], None]:
    def act(world: World, course: Course, who: str, _number: int) -> None:
        wanted = select(enrollments.c.id).where(
            enrollments.c.course_id == course.id, enrollments.c.user_id == world.ids[who]
        )
        for row in world.rows(wanted):
            world.as_("teacher").patch(f"/enrollments/{row['id']}", json=body)

    return act


def _grant(world: World, course: Course, who: str, number: int) -> None:
    body = {"course_id": course.id, "user_id": world.ids[who], "source": "cohort", "source_id": number}
    world.as_("teacher").post("/enrollments", json=body)


def _approval(world: World, course: Course, _who: str, number: int) -> None:
    course.change(enrollment_mode="approval" if number % 2 else "open")


def _hide(world: World, course: Course, _who: str, number: int) -> None:
    lesson = course.lessons[number]
    status = world.as_("teacher").get(f"/lessons/{lesson}").data["status"]
    changed = {"status": "draft" if status == "published" else "published"}
    assert world.as_("teacher").patch(f"/lessons/{lesson}", json=changed).status == 200
    world.run_jobs()


ACTS = {
    "enrol": _course("POST", "enroll"),
    "leave": _course("DELETE", "enroll"),
    "restart": _course("DELETE", "progress"),
    "complete": _lesson("POST", "complete"),
    "uncomplete": _lesson("DELETE", "complete"),
    "watch": _lesson("PUT", "position", position_seconds=3),
    "activate": _manage(status="active"),
    "cancel": _manage(status="cancelled"),
    "refund": _manage(status="refunded"),
    "finish": _manage(status="completed"),
    "grant": _grant,
    "approval": _approval,
    "hide": _hide,
}
act = st.tuples(st.sampled_from(sorted(ACTS)), st.sampled_from(WHO), st.integers(0, 2))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(act, min_size=5, max_size=25), st.booleans())
def test_the_numbers_are_those_of_the_rows(world: World, acts: list[tuple[str, str, int]], resets: bool) -> None:
    course = world.course(lessons=3, allow_retake=True, reset_on_retake=resets)
    for who in WHO:
        course.enrol(who)
    for name, who, number in acts:
        ACTS[name](world, course, who, number)
    check_mirror(world, course)
    check_days(world, course)


def test_access_that_runs_out_is_counted_on_its_day(world: World) -> None:
    course = world.course(access_days=3)
    course.enrol("student")
    course.move_clock("student", 4 * DAY)
    world.run_jobs()
    with world.api.inside():
        settle_due_enrollments()
    world.run_jobs()
    assert course.enrollment("student")["status"] == "expired"
    check_mirror(world, course)
    check_days(world, course)


def test_what_is_rolled_back_is_not_counted(world: World) -> None:
    course = world.course(capacity=0)
    before = kept(world, rollups.SITE)
    assert world.as_("student").post(f"/courses/{course.id}/enroll").status == 409
    with world.api.inside(), pytest.raises(ZeroDivisionError):
        db.transaction(lambda: (rollups.add(rollups.SITE, "status:active"), 1 // 0))
    assert kept(world, rollups.SITE) == before
    assert kept(world, rollups.course(course.id)) == {}


# --- made anew ----------------------------------------------------------------------------------


def test_numbers_made_anew_are_the_same(world: World) -> None:
    with world.api.inside():
        rebuilding.rebuild()
    course = world.course(lessons=2, allow_retake=True)
    for who in WHO:
        course.enrol(who)
    for lesson in course.lessons:
        world.as_("student").post(f"/lessons/{lesson}/complete")
    world.as_("student2").put(f"/lessons/{course.lessons[0]}/position", json={"position_seconds": 3})
    world.as_("student3").delete(f"/courses/{course.id}/enroll")
    scopes = (rollups.course(course.id), rollups.SITE)
    before = [kept(world, scope) for scope in scopes]
    with world.api.inside():
        db.transaction(lambda: db.execute(delete(expiring_keys).where(expiring_keys.c.scope.in_(scopes))))
        rebuilding.rebuild()
    assert [kept(world, scope) for scope in scopes] == before


def test_the_sites_numbers_are_those_of_its_courses(world: World) -> None:
    course = world.course()
    course.enrol("student")
    gone = rollups.course(999_999)
    with world.api.inside():
        db.transaction(lambda: rollups.add(gone, "status:active", 7))
        rebuilding.rebuild_site()
    assert kept(world, gone) == {}, "a course that is no more counts for nothing"
    sums: Counter[str] = Counter()
    for course_id in [row["id"] for row in world.rows(select(courses.c.id))]:
        sums.update(kept(world, rollups.course(course_id), listeners.DATED, listeners.DATED + rollups.END))
        sums.update(kept(world, rollups.course(course_id), tallies.STATUS, tallies.STATUS + rollups.END))
    assert kept(world, rollups.SITE) == dict(sums)


def test_a_deleted_course_leaves_no_numbers(world: World) -> None:
    course = world.course()
    with world.api.inside():
        db.transaction(lambda: rollups.add(rollups.course(course.id), "status:active"))
    answer = world.as_("teacher").delete(f"/courses/{course.id}?force=true")
    assert answer.status == 200, answer.body
    assert kept(world, rollups.course(course.id)) == {}


# --- at once --------------------------------------------------------------------------------------


def test_learners_at_once_are_counted_once_each(world: World) -> None:
    """Also while everything is counted anew."""
    course, other = world.course(lessons=2), world.course(lessons=2)
    people = [world.as_(who) for who in WHO]

    def learn(session: Any, number: int) -> None:
        for each in (course, other)[:: 1 if number % 2 else -1]:
            assert session.post(f"/courses/{each.id}/enroll").status == 201
            for lesson in each.lessons:
                assert session.post(f"/lessons/{lesson}/complete").status == 200

    def count_anew() -> None:
        with world.api.inside():
            for _ in range(5):
                rebuilding.rebuild_course(course.id)
                rebuilding.rebuild_site()

    together([lambda s=s, n=n: learn(s, n) for n, s in enumerate(people)] + [count_anew])  # type: ignore[misc]
    for each in (course, other):
        check_mirror(world, each)
        assert each.row()["student_count"] == len(WHO)
    check_days(world, other)
    for name in ("active", "completed"):
        total = sum(
            kept(world, rollups.course(row["id"]), tallies.STATUS, tallies.STATUS + rollups.END).get(
                tallies.STATUS + name, 0
            )
            for row in world.rows(select(courses.c.id))
        )
        assert kept(world, rollups.SITE).get(tallies.STATUS + name, 0) == total


def test_counters_are_added_up_whoever_adds(world: World) -> None:
    """Many units of work over the same counters in any order: nothing is lost, nobody waits for a circle."""
    keys = [f"k{number}" for number in range(4)]
    orders = list(itertools.permutations(keys))[:8]

    def add(order: tuple[str, ...]) -> None:
        with world.api.inside():
            for _ in range(10):
                db.transaction(lambda: [rollups.add("sum:test", key) for key in order])

    together([lambda order=order: add(order) for order in orders])  # type: ignore[misc]
    assert kept(world, "sum:test") == dict.fromkeys(keys, 80)
    with world.api.inside():
        rows = db.rows(select(expiring_keys.c.expires_at).where(expiring_keys.c.scope == "sum:test"))
        db.transaction(lambda: rollups.replace("sum:test", {}))
    assert all(row["expires_at"] > datetime(4000, 1, 1, tzinfo=UTC) for row in rows)
