"""When a lesson opens: drip as instants, never as days of a calendar.

`after_enrolment` counts 24-hour days from the enrolment, `on_date` is a stored instant, and
`sequential` waits for the lesson before. So neither the site's time zone nor daylight saving
moves anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from learnomy_wp.progress.outline import parents
from wp_schema.tables import lessons, sections

AFTER_ENROLMENT, ON_DATE, SEQUENTIAL = "after_enrolment", "on_date", "sequential"

# What `opens_at` needs of a lesson, for statements over `outline.SOURCE`.
COLUMNS = (
    lessons.c.drip_days,
    lessons.c.drip_at,
    parents.c.drip_days.label("parent_drip_days"),
    parents.c.drip_at.label("parent_drip_at"),
    sections.c.drip_days.label("section_drip_days"),
    sections.c.drip_at.label("section_drip_at"),
)


def opens_at(facts: Mapping[str, Any], mode: str, enrolled_at: datetime) -> datetime | None:
    """The instant before which a lesson is closed, None where no date closes it.

    A lesson's own value goes before its section's; a topic opens no earlier than its lesson.
    """
    if mode == AFTER_ENROLMENT:
        days: int | None = _latest(_values(facts, "drip_days"))
        return None if days is None else enrolled_at + timedelta(days=days)
    at: datetime | None = _latest(_values(facts, "drip_at")) if mode == ON_DATE else None
    return at


def _values(facts: Mapping[str, Any], name: str) -> Iterable[Any]:
    own, section = facts[name], facts[f"section_{name}"]
    if facts["parent_id"] is None:
        return (own if own is not None else section,)
    parent = facts[f"parent_{name}"]
    return (own, parent if parent is not None else section)


def _latest(values: Iterable[Any]) -> Any:
    return max((value for value in values if value is not None), default=None)


def previous_ids(order: Iterable[tuple[int, int | None]]) -> dict[int, list[int]]:
    """Which lessons must be completed before each one, where they open one after another.

    `order` gives (id, parent_id) in the curriculum's order. A lesson waits for the lesson
    before it; a topic for what its lesson waits for, and for the topic before it.
    """
    needed: dict[int, list[int]] = {}
    last_lesson: int | None = None
    last_topic: dict[int, int] = {}
    for lesson_id, parent_id in order:
        if parent_id is None:
            needed[lesson_id] = [] if last_lesson is None else [last_lesson]
            last_lesson = lesson_id
        else:
            before = last_topic.get(parent_id)
            needed[lesson_id] = [*needed.get(parent_id, ()), *([] if before is None else [before])]
            last_topic[parent_id] = lesson_id
    return needed
