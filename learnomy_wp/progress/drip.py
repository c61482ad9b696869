"""When a lesson opens: drip as instants, never as days of a calendar.

`after_enrolment` counts 24-hour days from the enrolment, `on_date` is a stored instant, and
`sequential` waits for the lesson before. So neither the site's time zone nor daylight saving
moves anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, func

from learnomy_wp.progress.outline import parents
from wp_schema.tables import lessons, sections

AFTER_ENROLMENT, ON_DATE, SEQUENTIAL = "after_enrolment", "on_date", "sequential"


def _in_force(name: str) -> ColumnElement[Any]:
    """A lesson's own value, else its section's; a topic opens no earlier than its lesson."""
    own, inherited = lessons.c[name], func.coalesce(parents.c[name], sections.c[name])
    of_topic = case((own.is_(None), inherited), (inherited.is_(None), own), (own > inherited, own), else_=inherited)
    return case((lessons.c.parent_id.is_(None), func.coalesce(own, inherited)), else_=of_topic).label(name)


# What `opens_at` needs of a lesson, for statements over `outline.SOURCE`.
COLUMNS = (_in_force("drip_days"), _in_force("drip_at"))


def opens_at(facts: Mapping[str, Any], mode: str, enrolled_at: datetime) -> datetime | None:
    """The instant before which a lesson is closed, None where no date closes it."""
    if mode == AFTER_ENROLMENT and facts["drip_days"] is not None:
        return enrolled_at + timedelta(days=facts["drip_days"])
    at: datetime | None = facts["drip_at"] if mode == ON_DATE else None
    return at


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
