"""Long work on courses: copying one whole, and search texts after a category got another name."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select, update

from learnomy_wp.courses import duplication
from learnomy_wp.courses.categories import REINDEX
from learnomy_wp.kernel import db
from learnomy_wp.kernel.jobrun import Job
from learnomy_wp.kernel.jobs import job
from wp_schema.folding import search_text
from wp_schema.tables import course_terms, courses, terms

CHUNK = 200

TEXTS = (
    select(courses.c.id, courses.c.title, courses.c.excerpt)
    .where(courses.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(courses.c.id)
    .with_for_update()
)
NAMES = (
    select(course_terms.c.course_id, terms.c.name)
    .join_from(course_terms, terms, terms.c.id == course_terms.c.term_id)
    .where(course_terms.c.course_id.in_(bindparam("ids", expanding=True)))
    .order_by(course_terms.c.course_id, course_terms.c.position, course_terms.c.id)
)
WRITE = update(courses).where(courses.c.id == bindparam("of_course")).values(search_text=bindparam("new_search_text"))


@job(duplication.KIND)
def duplicate_course(running: Job) -> dict[str, Any]:
    """Copy a course with all that it consists of into a new draft."""
    return duplication.copy_course(running)


@job(REINDEX)
def reindex_term(running: Job) -> None:
    """Write the search texts of courses whose categories or tags changed their names."""
    ids = sorted(running.payload["course_ids"])
    for start in range(0, len(ids), CHUNK):
        _reindex(ids[start : start + CHUNK])
        running.progress(min(start + CHUNK, len(ids)), len(ids))


@db.unit_of_work
def _reindex(ids: list[int]) -> None:
    found = db.rows(TEXTS, {"ids": ids})
    names: dict[int, list[str]] = {}
    for row in db.rows(NAMES, {"ids": ids}):
        names.setdefault(row["course_id"], []).append(row["name"])
    values = [
        {
            "of_course": row["id"],
            "new_search_text": search_text(row["title"], row["excerpt"], *names.get(row["id"], ())),
        }
        for row in found
    ]
    if values:
        db.execute(WRITE, values)
