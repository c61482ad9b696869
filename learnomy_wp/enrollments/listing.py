"""Lists of enrolments: whose the caller may see, in which order, by which index."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, bindparam, or_, select

from learnomy_wp.enrollments import policies, queries
from learnomy_wp.enrollments.events import MEMBERSHIP
from learnomy_wp.kernel import cache, db
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.page import Condition, Filter, Listing, Page, Sort
from wp_schema.tables import enrollments

_INDEX = "zblog_lrn_enrollments_"
# Up to so many enrolments of a teacher's courses are found by course and sorted. More than that
# are frequent enough among all to be met soon when reading in order.
FEW = 1000


def _by_date(index: str) -> dict[str, str]:
    """The index that serves the one order there is, both ways."""
    return dict.fromkeys(("-enrolled_at", "enrolled_at"), f"{_INDEX}{index}")


def _is(column: Column[Any]) -> Condition:
    return lambda value: column == value


def _is_seen(course_ids: Any) -> Any:
    return or_(enrollments.c.user_id == bindparam("caller_id"), enrollments.c.course_id.in_(course_ids))


LISTING = Listing(
    select(*queries.COLUMNS),
    table=enrollments,
    key=enrollments.c.id,
    default="-enrolled_at",
    sorts={
        "-enrolled_at": Sort(enrollments.c.enrolled_at, descending=True, index=f"{_INDEX}enrolled"),
        "enrolled_at": Sort(enrollments.c.enrolled_at, index=f"{_INDEX}enrolled"),
    },
    filters={
        "ids": Filter(enrollments.c.id.in_, many=True, narrow=True),
        "own": Filter(_is(enrollments.c.user_id), narrow=True),
        "user_with_status": Filter(_is(enrollments.c.user_id), indexes=_by_date("user_status")),
        "user_id": Filter(_is(enrollments.c.user_id), indexes=_by_date("user")),
        "course_with_status": Filter(_is(enrollments.c.course_id), indexes=_by_date("course_status")),
        "course_id": Filter(_is(enrollments.c.course_id), indexes=_by_date("course")),
        "few_of_staff": Filter(_is_seen, many=True, narrow=True),
        "many_of_staff": Filter(_is_seen, many=True),
        "status": Filter(_is(enrollments.c.status), indexes=_by_date("status")),
    },
)


def list_enrollments(actor: Actor, query: Mapping[str, Any]) -> Page:
    """The caller's own enrolments; for staff those of their courses too, for managers all."""
    values = {
        **query,
        "course_id": query.get("course_id") or query.get("course"),
        "user_id": query.get("user_id") or query.get("user"),
    }
    values |= _scope(actor, values)
    if values.get("status") is not None:
        values |= _with_status(values)
    is_total_shared = policies.sees_all(actor) and values["user_id"] is None
    total = cache.cached_count("enrollments", LISTING.key_of(values), MEMBERSHIP) if is_total_shared else None
    page = LISTING.page(values, {"caller_id": actor.id}, owner=actor.id, total=total)
    return page.with_rows(queries.complete(page.rows, actor))


def _scope(actor: Actor, values: Mapping[str, Any]) -> dict[str, Any]:
    """The filter that leaves what the caller may see."""
    if policies.sees_all(actor) or values["user_id"] == actor.id:
        return {}
    staffed = policies.list_staffed(actor.id)
    if values["course_id"] in staffed:
        return {}
    if not staffed or values["course_id"] is not None:
        # Somebody else's are none of the caller's business: the two conditions leave nothing.
        return {"own": actor.id} if values["user_id"] is not None else {"user_id": actor.id}
    if values["user_id"] is not None:
        return {"few_of_staff": staffed}
    return {"few_of_staff" if _count(staffed, actor.id) <= FEW else "many_of_staff": staffed}


COUNT = select(enrollments.c.id).where(_is_seen(bindparam("staffed", expanding=True))).limit(FEW + 1)


def _count(staffed: list[int], caller_id: int) -> int:
    """How many enrolments a teacher sees, counted no further than is needed."""
    return len(db.values(COUNT, {"staffed": staffed, "caller_id": caller_id}))


def _with_status(values: Mapping[str, Any]) -> dict[str, Any]:
    """A course or user together with a status has an index of its own."""
    for name in ("course", "user"):
        if values[f"{name}_id"] is not None:
            return {f"{name}_with_status": values[f"{name}_id"], f"{name}_id": None}
    return {}
