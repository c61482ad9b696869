"""Who is listed as an instructor, with how many courses and students: kept on one row of each.

An instructor is whoever a published course lists as its owner or co-instructor. The first such row of each carries
`is_lead`, the folded name by which lists sort, and the sums over all these courses. Publishing and staff changes
count at once; students, ratings and names follow within minutes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from sqlalchemy import bindparam, func, select, update

from learnomy_wp.kernel import cache, db, schedules
from wp_schema.folding import sort_title
from wp_schema.tables import course_instructors, courses, users

Row = dict[str, Any]
TAG = "instructors"
REFRESH_SECONDS = 300
CHUNK = 200
KEPT = ("sort_name", "course_count", "student_count", "rating_count", "rating_sum")

TEACHERS = select(course_instructors.c.user_id).where(course_instructors.c.course_id == bindparam("of_course"))
HELD = (
    select(
        course_instructors.c.id,
        course_instructors.c.user_id,
        course_instructors.c.is_lead,
        *(course_instructors.c[name] for name in KEPT),
    )
    .where(course_instructors.c.user_id.in_(bindparam("ids", expanding=True)))
    .order_by(course_instructors.c.id)
    .with_for_update()
)
COUNTED = (
    select(
        course_instructors.c.user_id,
        func.min(course_instructors.c.id).label("row_id"),
        func.max(users.c.display_name).label("name"),
        func.count().label("course_count"),
        func.sum(courses.c.student_count).label("student_count"),
        func.sum(courses.c.rating_count).label("rating_count"),
        func.sum(courses.c.rating_sum).label("rating_sum"),
    )
    .select_from(
        course_instructors.join(courses, courses.c.id == course_instructors.c.course_id).join(
            users, course_instructors.c.user_id == users.c.ID
        )
    )
    .where(
        course_instructors.c.user_id.in_(bindparam("ids", expanding=True)),
        course_instructors.c.course_status == "published",
        course_instructors.c.is_listed.is_(True),
        course_instructors.c.role.in_(("owner", "co")),
    )
    .group_by(course_instructors.c.user_id)
)
DISMISS = (
    update(course_instructors)
    .where(course_instructors.c.id.in_(bindparam("ids", expanding=True)))
    .values(is_lead=False)
)
LEAD = (
    update(course_instructors)
    .where(course_instructors.c.id == bindparam("row_id"))
    .values(is_lead=True, **{name: bindparam(f"new_{name}") for name in KEPT})
)
NEXT = (
    select(course_instructors.c.user_id)
    .where(course_instructors.c.user_id > bindparam("after"))
    .distinct()
    .order_by(course_instructors.c.user_id)
    .limit(CHUNK)
)


def count_course(course_id: int) -> None:
    """Count the instructors of a course anew, in the current unit of work."""
    recount(db.values(TEACHERS, {"of_course": course_id}))


def recount(user_ids: Iterable[int]) -> None:
    """Count some users' courses and students anew, in the current unit of work."""
    ids = sorted(set(user_ids))
    if not ids:
        return
    held = db.rows(HELD, {"ids": ids})
    wanted = {row["row_id"]: _kept(row) for row in db.rows(COUNTED, {"ids": ids})}
    dismissed = [row["id"] for row in held if row["is_lead"] and row["id"] not in wanted]
    changed = [row for row in held if row["id"] in wanted and _differs(row, wanted[row["id"]])]
    if dismissed:  # before another row of the same user leads
        db.execute(DISMISS, {"ids": dismissed})
    for row in changed:
        values = {f"new_{name}": value for name, value in wanted[row["id"]].items()}
        db.execute(LEAD, {"row_id": row["id"], **values})
    if dismissed or changed:
        cache.bump_after_commit([TAG])


def _kept(counted: Mapping[str, Any]) -> Row:
    sums = {name: int(counted[name] or 0) for name in KEPT if name != "sort_name"}
    return {"sort_name": sort_title(counted["name"] or ""), **sums}


def _differs(row: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return not row["is_lead"] or any(row[name] != value for name, value in wanted.items())


def recount_all() -> None:
    """Count everybody anew, in units of work of a few hundred."""
    for ids in _everybody():
        db.transaction(partial(recount, ids))


@schedules.every(REFRESH_SECONDS)
def refresh_instructors() -> None:
    """Follow the numbers of students, the ratings and the names."""
    recount_all()


def _everybody() -> Iterator[list[int]]:
    last = 0
    while ids := db.values(NEXT, {"after": last}):
        yield ids
        last = ids[-1]
