"""A course's curriculum at one version, read once and kept in this process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from sqlalchemy import and_, bindparam, select

from learnomy_wp.kernel import clock, db
from learnomy_wp.progress import drip
from learnomy_wp.progress.outline import IS_PART, ORDER, SOURCE
from wp_schema.tables import courses, lessons

MOST_KEPT, KEPT_SECONDS = 2000, 60

PARTS = (
    select(courses.c.curriculum_version, lessons.c.id, lessons.c.parent_id, *drip.COLUMNS)
    .select_from(courses.outerjoin(SOURCE, and_(lessons.c.course_id == courses.c.id, IS_PART)))
    .where(courses.c.id == bindparam("course_id"))
    .order_by(*ORDER)
)


@dataclass(frozen=True)
class Curriculum:
    """The lessons and topics that count, in order: id, parent_id, drip_days and drip_at of each."""

    version: int
    parts: tuple[Mapping[str, Any], ...]

    @cached_property
    def by_id(self) -> dict[int, Mapping[str, Any]]:
        return {part["id"]: part for part in self.parts}


def find_curriculum(course_id: int, version: int) -> Curriculum:
    """A course's curriculum, at `version` or a later one.

    Every change of it makes a new version in its own transaction, so what belongs to a version never changes. It is
    kept for a minute only, because an owner may put an older database back.
    """
    minute = int(clock.now().timestamp()) // KEPT_SECONDS
    return _read(db.current(), db.blog_id(), course_id, version, minute)


@lru_cache(maxsize=MOST_KEPT)
def _read(_database: db.Database, _blog_id: int, course_id: int, _version: int, _minute: int) -> Curriculum:
    found = db.rows(PARTS, {"course_id": course_id})
    return Curriculum(found[0]["curriculum_version"], tuple(row for row in found if row["id"] is not None))
