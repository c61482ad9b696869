"""Enrolling many at once: a list is judged as a whole here, and each of its rows by the job that it becomes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import bindparam, select

from learnomy_wp.enrollments import bulk_rows, policies
from learnomy_wp.enrollments.bulk_rows import MAX_CSV_BYTES, Listed
from learnomy_wp.kernel import db, jobs, jobview
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import PayloadTooLarge, ValidationFailed
from learnomy_wp.kernel.serialize import MAX_ID
from learnomy_wp.kernel.uploads import Upload
from wp_schema import slugs
from wp_schema.tables import courses

Row = dict[str, Any]

KIND = "bulk_enroll"
DEFAULTS = ("course_id", "source", "source_id", "starts_at", "expires_at")
AT_ONCE = 500

BY_ID = select(courses.c.id, courses.c.id.label("named")).where(
    courses.c.id.in_(bindparam("named", expanding=True)), courses.c.status != "trash"
)
BY_SLUG = select(courses.c.id, courses.c.slug.label("named")).where(
    courses.c.slug.in_(bindparam("named", expanding=True)), courses.c.status != "trash"
)


def start(actor: Actor, body: Mapping[str, Any], upload: Upload | None) -> Row:
    """Begin the job that enrols a list; gives the job.

    Which courses the caller may give is settled here, by the credential of this call. Raises `ValidationFailed`
    for a list that cannot be read; what is wrong with a row stands in the job's report.
    """
    listed = _listed(body, upload)
    defaults = {name: bulk_rows.plain(body[name]) for name in DEFAULTS if name in body}
    references = {bulk_rows.reference(row) or bulk_rows.reference(defaults) for row in listed.rows}
    payload = {
        "rows": listed.rows,
        "lines": listed.lines,
        "ignored_columns": listed.ignored_columns,
        "defaults": {name: value for name, value in defaults.items() if name != "course_id"},
        "course": bulk_rows.reference(defaults),
        "courses": _resolve(actor, references - {""}),
        "dry_run": body["dry_run"],
    }
    return jobview.started(jobs.enqueue(KIND, payload, owner_id=actor.id, total=len(listed.rows)))


def _listed(body: Mapping[str, Any], upload: Upload | None) -> Listed:
    given = [name for name in ("rows", "csv") if name in body] + (["file"] if upload is not None else [])
    if len(given) != 1:
        raise ValidationFailed.of("rows", "Send one list: rows, or a CSV as text or as a file.", "required")
    if given == ["rows"]:
        return Listed(list(body["rows"]))
    has_course = "course_id" in body
    if upload is None:
        return bulk_rows.read_csv(body["csv"], "csv", has_course=has_course)
    if upload.size > MAX_CSV_BYTES:
        raise PayloadTooLarge(f"A list may have {MAX_CSV_BYTES // 1024 // 1024} MiB.")
    return bulk_rows.read_csv(b"".join(upload.pieces()), "file", has_course=has_course)


def _resolve(actor: Actor, references: Iterable[str]) -> dict[str, int]:
    """The courses that references stand for, as far as the caller is staff of them."""
    by_id, by_slug = {}, {}
    for text in references:
        if text.isascii() and text.isdigit():
            if 0 < int(text[:20]) <= MAX_ID:
                by_id[text] = int(text[:20])
        else:
            by_slug[text] = slugs.asked_for(text)
    staffed = None if policies.sees_all(actor) else set(policies.list_staffed(actor.id))
    found: dict[str, int] = {}
    for statement, named in ((BY_ID, by_id), (BY_SLUG, by_slug)):
        ids = _find(statement, sorted(set(named.values()), key=str))
        found |= {text: ids[name] for text, name in named.items() if name in ids}
    return {text: course_id for text, course_id in found.items() if staffed is None or course_id in staffed}


def _find(statement: Any, names: list[Any]) -> dict[Any, int]:
    found: dict[Any, int] = {}
    for start_at in range(0, len(names), AT_ONCE):
        rows = db.rows(statement, {"named": names[start_at : start_at + AT_ONCE]})
        found |= {row["named"]: row["id"] for row in rows}
    return found
