"""Writing, changing, removing and moderating reviews.

Each verb locks the course first, then the review, so that the course's rating is exact whatever
happens at once. That a student has one review of a course is the database's word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from learnomy_wp.courses import lookups
from learnomy_wp.kernel import cache, clock, db, events, pipeline, retention, settings, trash
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import Forbidden, NotFound, refusal
from learnomy_wp.kernel.trash import InTrash
from learnomy_wp.reviews import listing, ratings
from learnomy_wp.reviews.events import ReviewSubmitted
from wp_schema.tables import reviews

Row = dict[str, Any]

ReviewExists = refusal("review_exists", "You have reviewed this course already. Change that review instead.")
TooEarly = refusal("review_too_early", "Go on a little before you review this course.")

LEAST_PROGRESS = settings.declare(
    "review_min_progress",
    20,
    fields.Integer(
        strict=True,
        validate=validate.Range(0, 100),
        metadata={"description": "Percent of a course that a student has done before reviewing it."},
    ),
)
MODERATED = settings.declare(
    "reviews_need_approval",
    True,
    fields.Boolean(metadata={"description": "Reviews are shown once somebody approved them."}),
)

# A day later than anybody may bring it back.
retention.keep(reviews, reviews.c.deleted_at, days=lambda: trash.KEPT.days + 1, index="deleted")

BY_ID = select(reviews).where(reviews.c.id == bindparam("id"))
LOCK = BY_ID.with_for_update()
WAS_HERE = (
    select(reviews.c.id)
    .where(reviews.c.user_id == bindparam("user_id"), reviews.c.course_id == bindparam("course_id"))
    .limit(1)
)
ADD = insert(reviews)
EDITED = ("rating", "title", "body")


def submit_review(actor: Actor, found: Mapping[str, Any], body: Mapping[str, Any]) -> Row:
    """A student's review of a course that `found` leads to with the student's standing.

    Raises `TooEarly`, `ReviewExists`. Event: `ReviewSubmitted`, with the first one of a course.
    """
    standing = found["standing"]
    if not standing["completion_no"] and standing["progress_percent"] < settings.get(LEAST_PROGRESS):
        raise TooEarly(f"Do {settings.get(LEAST_PROGRESS)} percent of this course before you review it.")
    course = _lock_course(found["id"])
    is_first = db.value(WAS_HERE, {"user_id": actor.id, "course_id": course["id"]}) is None
    now = clock.now()
    row = {
        **{name: body[name] for name in EDITED},
        "course_id": course["id"],
        "user_id": actor.id,
        "status": _status_of_new(),
        "created_at": now,
        "updated_at": now,
    }
    review_id = db.insert_id(_written(ADD.values(**row)))
    ratings.roll_up(course, None, row)
    cache.bump_after_commit(ratings.tags())
    if is_first:
        submitted = ReviewSubmitted(review_id=review_id, user_id=actor.id, course_id=course["id"])
        events.emit(submitted, actor_id=actor.id)
    pipeline.locate(f"/reviews/{review_id}")
    return listing.find_review(review_id, actor, is_staff=False)


def update_review(actor: Actor, review_id: int, course_id: int, body: Mapping[str, Any]) -> Row:
    """Change one's own review, or bring back what one deleted oneself; what changed is approved again.

    Raises `PreconditionFailed`, `InTrash`, `TrashExpired`, `ReviewExists`.
    """
    course, before = _lock(course_id, review_id)
    changed = {name: body[name] for name in EDITED if name in body and body[name] != before[name]}
    if before["status"] == "trash":
        if "status" not in body:
            raise InTrash
        trash.check_restorable(before["deleted_at"])
        if before["deleted_by"] != actor.id:
            raise Forbidden("Somebody else deleted this review.")
        changed |= _restored(_status_of_new())
    elif changed:
        changed |= {"status": _status_of_new(), "reject_reason": None}
    _change(course, before, changed)
    return listing.find_review(review_id, actor, is_staff=False)


def delete_review(actor: Actor, review_id: int, course_id: int) -> Row:
    """Put a review into the trash; twice is once. Its author may write another, or bring it back."""
    course, before = _lock(course_id, review_id, trashed_course=True)
    if before["status"] != "trash":
        gone = {"status": "trash", "previous_status": before["status"], "deleted_at": clock.now()}
        _change(course, before, {**gone, "deleted_by": actor.id})
    return {"id": review_id, "deleted": True}


def moderate_review(actor: Actor, review_id: int, body: Mapping[str, Any]) -> Row:
    """Approve or reject a review, reply to it, or both; approving one in the trash brings it back.

    Raises `NotFound`, `PreconditionFailed`, `InTrash`, `TrashExpired`, `ReviewExists`.
    """
    place = db.row(BY_ID, {"id": review_id})
    if place is None:
        raise NotFound("review")
    course, before = _lock(place["course_id"], review_id)
    changed: Row = {}
    if "reply" in body and body["reply"] != before["reply"]:
        replied = body["reply"] is not None
        by = {"replied_by": actor.id if replied else None, "replied_at": clock.now() if replied else None}
        changed |= {"reply": body["reply"], **by}
    if "status" in body:
        changed |= _decided(actor, before, body)
    elif before["status"] == "trash":
        raise InTrash
    _change(course, before, changed)
    return listing.find_review(review_id, actor, is_staff=True)


def _decided(actor: Actor, before: Row, body: Mapping[str, Any]) -> Row:
    changed: Row = {"status": body["status"], "reject_reason": body.get("reason")}
    if before["status"] == "trash":
        trash.check_restorable(before["deleted_at"])
        changed = {**_restored(body["status"]), **changed}
    if any(before[name] != value for name, value in changed.items()):
        changed |= {"moderated_by": actor.id, "moderated_at": clock.now()}
    return changed


def _restored(status: str) -> Row:
    return {"status": status, "previous_status": None, "deleted_at": None, "deleted_by": None}


def _status_of_new() -> str:
    return "pending" if settings.get(MODERATED) else "approved"


def _lock_course(course_id: int) -> Row:
    course = lookups.lock_course(course_id)
    if course["status"] == "trash":
        raise InTrash
    return course


def _lock(course_id: int, review_id: int, *, trashed_course: bool = False) -> tuple[Row, Row]:
    """The rows of a course and of a review of it, locked in this order, the version checked."""
    course = lookups.lock_course(course_id) if trashed_course else _lock_course(course_id)
    found = db.row(LOCK, {"id": review_id})
    if found is None:
        raise NotFound("review")
    pipeline.check_version(found["version"])
    return course, found


def _change(course: Row, before: Row, changed: Mapping[str, Any]) -> None:
    different = {name: value for name, value in changed.items() if before[name] != value}
    if not different:
        return
    values = {**different, "version": before["version"] + 1, "updated_at": clock.now()}
    _written(update(reviews).where(reviews.c.id == before["id"]).values(**values))
    ratings.roll_up(course, before, {**before, **different})
    cache.bump_after_commit(ratings.tags())


def _written(statement: Any) -> Any:
    try:
        return db.execute(statement)
    except IntegrityError:
        raise ReviewExists from None
