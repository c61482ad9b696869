"""Events: committed with their change or not at all, and each declared as the contract names it."""

from __future__ import annotations

import dataclasses
import string
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import delete, func, select

from learnomy_wp import features
from learnomy_wp.kernel import cache, db, events
from learnomy_wp.kernel.events import EVENTS, Event
from tests.client import Api
from tests.kernel.probe import ProbeDone
from wp_schema.tables import activity, outbox

# contract.md, the 33 topics.
TOPICS = [
    "enrollment.created",
    "enrollment.completed",
    "enrollment.cancelled",
    "enrollment.expired",
    "lesson.completed",
    "quiz.attempt.submitted",
    "quiz.attempt.graded",
    "course.published",
    "review.submitted",
    "quiz.attempt.passed",
    "course.updated",
    "course.deleted",
    "certificate.issued",
    "certificate.revoked",
    "subscription.created",
    "subscription.renewed",
    "subscription.cancelled",
    "subscription.expired",
    "subscription.payment_failed",
    "transaction.completed",
    "transaction.refunded",
    "coupon.redeemed",
    "instructor.application.submitted",
    "instructor.application.approved",
    "instructor.withdrawal.requested",
    "instructor.withdrawal.approved",
    "cohort.member.added",
    "cohort.member.removed",
    "learning_path.enrolled",
    "learning_path.completed",
    "assignment.submitted",
    "assignment.graded",
    "space.member.added",
]
ACTIONS = {
    "enrollment.created": "learnomy_student_enrolled",
    "enrollment.completed": "learnomy_course_completed",
    "enrollment.cancelled": "learnomy_student_unenrolled",
    "enrollment.expired": "learnomy_enrollment_expired",
    "quiz.attempt.submitted": "learnomy_quiz_submitted",
    "quiz.attempt.graded": "learnomy_quiz_graded",
    "quiz.attempt.passed": "learnomy_quiz_passed",
}
# What integrators' listeners declare, in order.
ARGUMENTS = {
    "learnomy_student_enrolled": ("enrollment_id", "user_id", "course_id", "source"),
    "learnomy_student_unenrolled": ("enrollment_id", "user_id", "course_id"),
    "learnomy_enrollment_expired": ("enrollment_id", "user_id", "course_id"),
    "learnomy_lesson_completed": ("user_id", "lesson_id", "course_id"),
    "learnomy_course_completed": ("enrollment_id", "user_id", "course_id"),
}
features.blueprints()
DECLARED = [kind for topic, kind in EVENTS.items() if topic != ProbeDone.topic]


@contextmanager
def reacting(listener: Any, kind: type[Event] = ProbeDone) -> Iterator[None]:
    events.listens(kind)(listener)
    try:
        yield
    finally:
        events._listeners[kind].remove(listener)


@pytest.fixture
def api(probe_api: Api) -> Api:
    with probe_api.inside():
        db.write(delete(outbox))
        db.write(delete(activity))
    return probe_api


def counts(api: Api) -> tuple[int, int]:
    with api.inside():
        return (
            db.value(select(func.count()).select_from(outbox)),
            db.value(select(func.count()).select_from(activity)),
        )


def test_an_event_leaves_a_row_and_a_line(api: Api) -> None:
    with api.inside():
        db.transaction(lambda: events.emit(ProbeDone(thing_id=4, name="four"), actor_id=9))
        line = db.row(select(activity))
    assert counts(api) == (1, 1)
    assert line is not None
    assert (line["event"], line["object_type"], line["object_id"]) == ("probe.done", "thing", 4)
    assert (line["actor_id"], line["summary"]) == (9, {"thing_id": 4, "name": "four"})


def test_a_line_says_from_where(api: Api) -> None:
    api.as_("student").post("/probe/things", json={"name": "from"}, headers={"X-Request-ID": "where-it-came-from"})
    with api.inside():
        line = db.row(select(activity))
    assert line is not None
    assert (line["ip"], line["request_id"], line["door"]) == ("127.0.0.1", "where-it-came-from", "local")


def test_nothing_is_left_of_a_rollback(api: Api) -> None:
    def work() -> None:
        events.emit(ProbeDone(thing_id=1, name="back"))
        raise RuntimeError

    with api.inside():
        cache.bump(["probe"])
        before = cache.stamp(["probe"])
        with pytest.raises(RuntimeError):
            db.transaction(work)
        assert cache.stamp(["probe"]) == before
    assert counts(api) == (0, 0)


def test_an_event_needs_a_unit_of_work(api: Api) -> None:
    with api.inside(), pytest.raises(RuntimeError):
        events.emit(ProbeDone(thing_id=1, name="alone"))
    assert counts(api) == (0, 0)


def test_reactions_are_of_the_same_transaction(api: Api) -> None:
    seen: list[ProbeDone] = []

    def react(event: ProbeDone) -> None:
        assert db.in_unit_of_work()
        seen.append(event)
        if event.name == "first":
            events.emit(ProbeDone(thing_id=2, name="second"))

    with reacting(react), api.inside():
        db.transaction(lambda: events.emit(ProbeDone(thing_id=1, name="first")))
    assert [event.name for event in seen] == ["first", "second"]
    assert counts(api) == (2, 2)

    def refuse(_event: ProbeDone) -> None:
        raise RuntimeError("a reaction fails")

    with reacting(refuse), api.inside(), pytest.raises(RuntimeError):
        db.transaction(lambda: events.emit(ProbeDone(thing_id=1, name="third")))
    assert counts(api) == (2, 2)


def test_ids_of_an_aggregate_follow_the_order_of_the_events(api: Api) -> None:
    def work() -> None:
        for number in range(5):
            events.emit(ProbeDone(thing_id=1, name=str(number)))

    with api.inside():
        db.transaction(work)
        rows = db.rows(select(outbox.c.args).order_by(outbox.c.id))
    assert [row["args"][1] for row in rows] == list("01234")


# --- what features declare ---------------------------------------------------------------


@pytest.mark.parametrize("kind", DECLARED, ids=lambda kind: kind.topic)
def test_an_event_is_declared_as_the_contract_names_it(kind: type[Event]) -> None:
    assert kind.topic in TOPICS
    assert kind.action == ACTIONS.get(kind.topic, "learnomy_" + kind.topic.replace(".", "_"))
    assert len(kind.action) <= 96
    if kind.action in ARGUMENTS:
        assert kind.arguments == ARGUMENTS[kind.action]


@pytest.mark.parametrize("kind", DECLARED, ids=lambda kind: kind.topic)
def test_an_events_own_parts_fit_together(kind: type[Event]) -> None:
    assert dataclasses.is_dataclass(kind)
    types = {field.name: field.type for field in dataclasses.fields(kind)}
    assert set(types.values()) <= {"int", "str", "bool", "int | float", "int | None", "str | None"}
    values = {name: 2**63 - 1 if type_.startswith("int") else "x" for name, type_ in types.items()}
    assert set(kind.arguments) <= set(types)
    assert types[kind.arguments[0]] == "int"
    for text in (kind.aggregate, *kind.tags):
        assert {name for _, name, _, _ in string.Formatter().parse(text) if name} <= set(types)
    assert 0 < len(kind.aggregate.format(**values)) <= 64
    object_type, id_field = kind.about
    assert object_type
    assert types[id_field] == "int"
    assert kind.summary.endswith(".")


def test_each_topic_and_action_is_declared_once() -> None:
    assert len({kind.topic for kind in DECLARED}) == len(DECLARED)
    assert len({kind.action for kind in DECLARED}) == len(DECLARED)
