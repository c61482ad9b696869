"""The whole order of a course in one write: where every section, lesson, topic and quiz stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, select, update

from learnomy_wp.courses import changes
from learnomy_wp.curriculum.queries import get_curriculum
from learnomy_wp.kernel import clock, db, pipeline
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import Detail, ValidationFailed
from learnomy_wp.kernel.trash import InTrash
from wp_schema.tables import lessons, quizzes, sections

Row = dict[str, Any]

SECTIONS = select(sections.c.id, sections.c.position).where(
    sections.c.course_id == bindparam("of_course"), sections.c.status == "published"
)
LESSONS = (
    select(lessons.c.id, lessons.c.section_id, lessons.c.parent_id, lessons.c.position)
    .where(lessons.c.course_id == bindparam("of_course"), lessons.c.status.in_(("draft", "published")))
    .order_by(lessons.c.position, lessons.c.id)
)
QUIZZES = select(quizzes.c.id, quizzes.c.section_id, quizzes.c.position).where(
    quizzes.c.course_id == bindparam("of_course"), quizzes.c.status.in_(("draft", "published"))
)
MOVE_SECTION = (
    update(sections)
    .where(sections.c.id == bindparam("row_id"))
    .values(position=bindparam("new_position"), version=sections.c.version + 1, updated_at=bindparam("at"))
)
MOVE_LESSON = (
    update(lessons)
    .where(lessons.c.id == bindparam("row_id"))
    .values(
        section_id=bindparam("new_section_id"),
        parent_id=bindparam("new_parent_id"),
        position=bindparam("new_position"),
        version=lessons.c.version + 1,
        updated_at=bindparam("at"),
    )
)
MOVE_QUIZ = (
    update(quizzes)
    .where(quizzes.c.id == bindparam("row_id"))
    .values(
        section_id=bindparam("new_section_id"),
        position=bindparam("new_position"),
        version=quizzes.c.version + 1,
        updated_at=bindparam("at"),
    )
)


@dataclass
class _Order:
    """The places that a body gives, and what is wrong with it."""

    sections: dict[int, Row]
    lessons: dict[int, Row]
    quizzes: dict[int, Row]
    places: dict[str, dict[int, Row]] = field(default_factory=lambda: {"sections": {}, "lessons": {}, "quizzes": {}})
    wrong: list[Detail] = field(default_factory=list)

    def put(self, kind: str, item_id: int, path: str, **place: Any) -> bool:
        """Give one item its place, if it is of this course and has none yet."""
        if item_id not in getattr(self, kind):
            self.wrong.append(Detail(f"{path}.id", "unknown", f"This course has no such {kind[:-1]}."))
            return False
        if item_id in self.places[kind]:
            self.wrong.append(Detail(f"{path}.id", "duplicate", "This stands in two places."))
            return False
        self.places[kind][item_id] = place
        return True

    def missing(self, name: str, ids: Iterable[int]) -> None:
        """Note what has to be named and is not."""
        absent = sorted(ids)
        if absent:
            listed = ", ".join(map(str, absent[:20]))
            self.wrong.append(Detail("sections", "missing", f"The order has to name these {name}: {listed}."))


def put_order(actor: Actor, course_id: int, *, body: Mapping[str, Any]) -> Row:
    """Put a course's curriculum in order. Every section has to be named, and every lesson that is in one.

    Raises `ValidationFailed` for what is foreign, named twice or missing; `PreconditionFailed` where the
    order changed since it was read; `InTrash`.
    """
    course = changes.lock_course(course_id)
    pipeline.check_version(course["curriculum_version"])
    if course["status"] == "trash":
        raise InTrash
    order = _Order(_by_id(SECTIONS, course_id), _by_id(LESSONS, course_id), _by_id(QUIZZES, course_id))
    _read(order, body)
    if order.wrong:
        raise ValidationFailed(details=order.wrong)
    if _write(order):
        changes.curriculum_changed(course_id)
    return get_curriculum(actor, course_id)


def _by_id(statement: Any, course_id: int) -> dict[int, Row]:
    return {row["id"]: row for row in db.rows(statement, {"of_course": course_id})}


# --- what the body says ------------------------------------------------------------------


def _read(order: _Order, body: Mapping[str, Any]) -> None:
    for number, section in enumerate(body["sections"]):
        path = f"sections.{number}"
        order.put("sections", section["id"], path, position=number)
        _read_lessons(order, section["lessons"], f"{path}.lessons", section["id"])
        for place, quiz in enumerate(section.get("quizzes", ())):
            order.put("quizzes", quiz["id"], f"{path}.quizzes.{place}", section_id=section["id"], position=place)
    _read_lessons(order, body["unattached"], "unattached", None)
    order.missing("sections", order.sections.keys() - order.places["sections"].keys())
    _keep_topics(order)
    order.missing("lessons", _forgotten_lessons(order))


def _read_lessons(order: _Order, items: Sequence[Row], path: str, section_id: int | None) -> None:
    for number, item in enumerate(items):
        here = f"{path}.{number}"
        place = {"section_id": section_id, "parent_id": None, "position": number}
        if not order.put("lessons", item["id"], here, **place, names_topics="topics" in item):
            continue
        for topic_number, topic in enumerate(item.get("topics", ())):
            place = {"section_id": section_id, "parent_id": item["id"], "position": topic_number}
            order.put("lessons", topic["id"], f"{here}.topics.{topic_number}", **place)


def _keep_topics(order: _Order) -> None:
    """Topics that are not named stay with a lesson that names none; a lesson with topics can be no topic."""
    places = order.places["lessons"]
    for lesson_id, lesson in order.lessons.items():
        parent = places.get(lesson["parent_id"])
        if lesson_id in places or parent is None:
            continue
        if parent.get("names_topics"):
            order.missing("topics", [lesson_id])
        elif parent["parent_id"] is not None:
            text = f"Lesson {lesson['parent_id']} has topics, so it cannot be a topic itself."
            order.wrong.append(Detail("sections", "nested", text))
        else:
            place = {"section_id": parent["section_id"], "parent_id": lesson["parent_id"]}
            places[lesson_id] = {**place, "position": lesson["position"]}


def _forgotten_lessons(order: _Order) -> set[int]:
    attached = {
        lesson_id
        for lesson_id, lesson in order.lessons.items()
        if lesson["parent_id"] is None and lesson["section_id"] in order.sections
    }
    return attached - order.places["lessons"].keys()


# --- what is written ---------------------------------------------------------------------


def _write(order: _Order) -> bool:
    """Write what stands elsewhere now; gives whether anything does."""
    moved = [
        (statement, _moved(getattr(order, kind), order.places[kind], columns))
        for kind, statement, columns in (
            ("sections", MOVE_SECTION, ("position",)),
            ("lessons", MOVE_LESSON, ("section_id", "parent_id", "position")),
            ("quizzes", MOVE_QUIZ, ("section_id", "position")),
        )
    ]
    for statement, rows in moved:
        if rows:
            db.execute(statement, rows)
    return any(rows for _statement, rows in moved)


def _moved(held: Mapping[int, Row], places: Mapping[int, Row], columns: Sequence[str]) -> list[Row]:
    at = clock.now()
    return [
        {"row_id": item_id, "at": at, **{f"new_{name}": place[name] for name in columns}}
        for item_id, place in places.items()
        if any(held[item_id][name] != place[name] for name in columns)
    ]
