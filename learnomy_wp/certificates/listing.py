"""Lists of certificates: whose the caller may see, in which order, by which index."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, bindparam, or_, select

from learnomy_wp.certificates import policies, queries
from learnomy_wp.certificates.events import MEMBERSHIP
from learnomy_wp.kernel import cache, db
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.page import Condition, Filter, Listing, Page, Sort
from wp_schema.tables import certificates

_INDEX = "zblog_lrn_certificates_"
# Up to so many certificates of a teacher's courses are found by course and sorted; more of them are
# frequent enough among all to be met soon when reading in order.
FEW = 1000


def _by_date(index: str) -> dict[str, str]:
    return dict.fromkeys(("-issued_at", "issued_at"), f"{_INDEX}{index}")


def _is(column: Column[Any]) -> Condition:
    return lambda value: column == value


def _is_seen(course_ids: Any) -> Any:
    return or_(certificates.c.user_id == bindparam("caller_id"), certificates.c.course_id.in_(course_ids))


LISTING = Listing(
    select(*queries.COLUMNS),
    table=certificates,
    key=certificates.c.id,
    default="-issued_at",
    sorts={
        "-issued_at": Sort(certificates.c.issued_at, descending=True, index=f"{_INDEX}issued"),
        "issued_at": Sort(certificates.c.issued_at, index=f"{_INDEX}issued"),
    },
    filters={
        "ids": Filter(certificates.c.id.in_, many=True, narrow=True),
        "own": Filter(_is(certificates.c.user_id), narrow=True),
        "user_id": Filter(_is(certificates.c.user_id), indexes=_by_date("user")),
        "course_with_status": Filter(_is(certificates.c.course_id), indexes=_by_date("course_status")),
        "course_id": Filter(_is(certificates.c.course_id), indexes=_by_date("course")),
        "few_of_staff": Filter(_is_seen, many=True, narrow=True),
        "many_of_staff": Filter(_is_seen, many=True),
        "status": Filter(_is(certificates.c.status), indexes=_by_date("status")),
    },
)
COUNT = (
    select(certificates.c.id).where(certificates.c.course_id.in_(bindparam("staffed", expanding=True))).limit(FEW + 1)
)


def list_certificates(actor: Actor, query: Mapping[str, Any]) -> Page:
    """The caller's own certificates; for staff those of their courses too, for managers all."""
    values = {**query, "course_id": query.get("course_id"), "user_id": query.get("user_id")}
    values |= _scope(actor, values)
    if values.get("status") is not None and values["course_id"] is not None:
        values |= {"course_with_status": values["course_id"], "course_id": None}
    total = None
    if values.get("many_of_staff"):
        total = cache.cached_count("certificates", f"{actor.id}:{LISTING.key_of(values)}", MEMBERSHIP)
    elif policies.sees_all(actor) and values["user_id"] is None:
        total = cache.cached_count("certificates", LISTING.key_of(values), MEMBERSHIP)
    page = LISTING.page(values, {"caller_id": actor.id}, owner=actor.id, total=total)
    return page.with_rows([queries.complete(row) for row in page.rows])


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
    few = len(db.values(COUNT, {"staffed": staffed})) <= FEW
    return {"few_of_staff" if few else "many_of_staff": staffed}
