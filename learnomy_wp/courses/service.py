"""Creating, changing and publishing courses. Every change is one unit of work under the course's locked row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, insert, update

from learnomy_wp.courses import changes, directory, events, lookups, plan, prerequisites, queries, states, tagging
from learnomy_wp.courses.hooks import CURRENCY
from learnomy_wp.enrollments import access
from learnomy_wp.kernel import clock, db, pipeline, settings
from learnomy_wp.kernel import events as bus
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.trash import InTrash
from wp_schema.folding import search_text
from wp_schema.tables import course_instructors, courses

INSERT = insert(courses)
INSERT_OWNER = insert(course_instructors)
UPDATE_SEARCH = (
    update(courses).where(courses.c.id == bindparam("of_course")).values(search_text=bindparam("new_search_text"))
)


def create_course(actor: Actor, body: Mapping[str, Any]) -> dict[str, Any]:
    """A new draft with the caller as its owner. Raises `ValidationFailed`."""
    columns = plan.columns_of(actor, body)
    row = {**_new_row(actor), **columns}
    plan.check_whole({**dict.fromkeys(courses.c.keys()), "completion_mode": "all_lessons", **row})
    wanted = _wanted_terms(body)
    row["id"] = plan.SLUGS.insert(lambda slug: _insert({**row, "slug": slug}), row["title"], body.get("slug"))
    db.execute(INSERT_OWNER, _owner(actor, row))
    complete = {**row, "rating_avg": 0, "student_count": 0, "price_minor": row.get("price_minor", 0)}
    tagging.sync(None, complete, wanted)
    if "prerequisites" in body:
        prerequisites.require(actor, row["id"], body["prerequisites"])
    _write_search_text(complete)
    pipeline.locate(f"/courses/{row['id']}")
    return queries.get_course(actor, row["id"])


def update_course(actor: Actor, course_id: int, facts: Mapping[str, Any], *, body: Mapping[str, Any]) -> dict[str, Any]:
    """Change a course; `facts` carries the caller's role in it.

    Emits `CoursePublished` where it becomes visible to students, `CourseUpdated` where a published
    one changed. Raises `PreconditionFailed`, `InTrash`, `TrashExpired`, `Forbidden`, `ValidationFailed`.
    """
    columns = plan.columns_of(actor, body)
    before = lookups.lock_course(course_id)
    pipeline.check_version(before["version"])
    if before["status"] == "trash" and body.get("status", "trash") == "trash" and set(body) - {"status"}:
        raise InTrash
    if "slug" in body:
        columns["slug"] = plan.SLUGS.choose(body["slug"], before["slug"])
    if body.get("status", before["status"]) != before["status"]:
        columns |= states.status_columns(before, states.allowed_status(actor, facts, body["status"]))
    wanted = _wanted_terms(body)
    changed = {name: value for name, value in columns.items() if before[name] != value}
    after = {**before, **changed}
    plan.check_whole(after)
    is_changed = "prerequisites" in body and prerequisites.require(actor, course_id, body["prerequisites"])
    _finish(actor, before, after, wanted, is_changed=is_changed or bool(changed))
    return queries.get_course(actor, course_id)


def publish_course(actor: Actor, course_id: int, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Publish a course, or leave it for review where the site asks for that. Twice is once."""
    status = states.allowed_status(actor, facts, "published")
    before = lookups.lock_course(course_id)
    pipeline.check_version(before["version"])
    if before["status"] == "trash":
        raise InTrash
    if before["status"] != "published":
        after = {**before, **states.status_columns(before, status)}
        _finish(actor, before, after, {}, is_changed=after["status"] != before["status"])
    return queries.get_course(actor, course_id)


def trash_course(actor: Actor, course_id: int) -> dict[str, Any]:
    """Put a course into the trash with all that it consists of. Twice is once."""
    before = lookups.lock_course(course_id)
    pipeline.check_version(before["version"])
    if before["status"] != "trash":
        _finish(actor, before, {**before, **states.status_columns(before, "trash")}, {}, is_changed=True)
    return {"id": course_id, "deleted": True}


def touch_course(actor: Actor, course: Mapping[str, Any]) -> None:
    """Something else that answers show of a course changed: a new version, and the event where it is published."""
    _finish(actor, course, dict(course), {}, is_changed=True)


# --- the parts of a change ---------------------------------------------------------------


def _new_row(actor: Actor) -> dict[str, Any]:
    now = clock.now()
    return {
        "status": "draft",
        "author_id": actor.id,
        "currency": settings.get(CURRENCY),
        "created_at": now,
        "updated_at": now,
        "published_at": now,
    }


def _owner(actor: Actor, row: Mapping[str, Any]) -> dict[str, Any]:
    copies = {copy: row[name] for name, copy in tagging.TEACHER_COPIES.items()}
    return {"course_id": row["id"], "user_id": actor.id, "role": "owner", "created_at": row["created_at"], **copies}


def _insert(row: Mapping[str, Any]) -> int:
    return db.insert_id(db.execute(INSERT, row))


def _wanted_terms(body: Mapping[str, Any]) -> dict[str, list[int]]:
    found = {}
    if "categories" in body:
        found["category"] = tagging.resolve("category", body["categories"], "categories")
    if "tags" in body:
        found["tag"] = tagging.resolve("tag", body["tags"], "tags", create=True)
    return found


def _finish(
    actor: Actor,
    before: Mapping[str, Any],
    after: dict[str, Any],
    wanted: Mapping[str, list[int]],
    *,
    is_changed: bool,
) -> None:
    """Write what differs, with its copies, its children and its events."""
    after |= {"version": before["version"] + 1, "updated_at": clock.now()}
    is_retagged = tagging.sync(before, after, wanted)
    if not is_changed and not is_retagged:
        return
    _update(before, after)
    if (before["status"] == "published") != (after["status"] == "published"):
        directory.count_course(after["id"])
    if is_retagged or before["title"] != after["title"] or before["excerpt"] != after["excerpt"]:
        _write_search_text(after)
    # Whom another rule completes is found by the same count as after a change of the curriculum.
    counts_anew = any(before[name] != after[name] for name in ("completion_mode", "completion_share"))
    is_moved = states.move_children(before, after)
    if is_moved and after["status"] == "trash":
        # Counts stay as they were, and so does what students have achieved: the trash is part of no record.
        changes.content_changed(after["id"])
    elif is_moved or counts_anew:
        changes.curriculum_changed(after["id"])
    if before["access_ends_at"] != after["access_ends_at"]:
        access.window_moved(after["id"])
    if after["status"] == "published" != before["status"]:
        bus.emit(events.CoursePublished(course_id=after["id"], user_id=actor.id), actor_id=actor.id)
    elif "published" in (before["status"], after["status"]):
        bus.emit(events.CourseUpdated(course_id=after["id"], user_id=actor.id), actor_id=actor.id)


def _update(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    changed = {name: value for name, value in after.items() if before[name] != value}
    statement = update(courses).where(courses.c.id == after["id"]).values(changed)
    plan.SLUGS.unless_taken(lambda: db.execute(statement), after["slug"])


def _write_search_text(course: Mapping[str, Any]) -> None:
    names = tagging.term_names(course["id"])
    text = search_text(course["title"], course.get("excerpt") or "", *names)
    db.execute(UPDATE_SEARCH, {"of_course": course["id"], "new_search_text": text})
