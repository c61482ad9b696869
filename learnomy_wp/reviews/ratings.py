"""A course's rating: how many of each number of stars, kept by every write under the locked row of the course."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, update

from learnomy_wp.kernel import db
from learnomy_wp.reviews.events import TAG
from wp_schema.tables import course_terms, courses

Row = dict[str, Any]

STARS = (1, 2, 3, 4, 5)
COUNTED = tuple(courses.c[f"stars_{stars}"] for stars in STARS)
ROLL_UP = (
    update(courses)
    .where(courses.c.id == bindparam("of_course"))
    .values(
        {
            **{courses.c[f"stars_{stars}"]: bindparam(f"new_{stars}") for stars in STARS},
            courses.c.rating_count: bindparam("new_count"),
            courses.c.rating_sum: bindparam("new_sum"),
            courses.c.rating_avg: bindparam("new_avg"),
        }
    )
)
# The copies that lists by category are sorted by.
ROLL_UP_TERMS = (
    update(course_terms)
    .where(course_terms.c.course_id == bindparam("of_course"))
    .values({course_terms.c.rating_avg: bindparam("new_avg")})
)


def counted(review: Mapping[str, Any] | None) -> int:
    """The stars that a review adds to the course's rating, 0 where it is not shown."""
    return int(review["rating"]) if review is not None and review["status"] == "approved" else 0


def roll_up(course: Mapping[str, Any], before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
    """Count what a change of a review does to the rating of its course, whose row is locked."""
    was, now = counted(before), counted(after)
    if was == now:
        return
    stars = {each: int(course[f"stars_{each}"]) + (each == now) - (each == was) for each in STARS}
    count, total = sum(stars.values()), sum(each * many for each, many in stars.items())
    values = {f"new_{each}": many for each, many in stars.items()}
    average = {"of_course": course["id"], "new_avg": average_of(count, total)}
    db.execute(ROLL_UP, {**average, **values, "new_count": count, "new_sum": total})
    db.execute(ROLL_UP_TERMS, average)


def average_of(count: int, total: int) -> int:
    """Hundredths of a star, rounded half up; 0 where nobody has rated."""
    return (total * 200 + count) // (count * 2) if count else 0


def summary_of(course: Mapping[str, Any]) -> Row:
    """What a list of reviews says of them all."""
    return {
        "rating": course["rating_avg"] / 100,
        "rating_count": course["rating_count"],
        "distribution": [{"rating": stars, "count": course[f"stars_{stars}"]} for stars in reversed(STARS)],
    }


def tags() -> list[str]:
    """What a review that is shown, changed or taken away ends of kept answers."""
    return [TAG]
