"""Who teaches a course: roles and revenue shares. Every course keeps an owner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from learnomy_wp.courses import directory, lookups, queries, service, tagging
from learnomy_wp.kernel import clock, companions, db, pipeline
from learnomy_wp.kernel.actor import EDIT_COURSES, Actor
from learnomy_wp.kernel.auth import users
from learnomy_wp.kernel.errors import NotFound, ValidationFailed, refusal
from wp_schema.tables import course_instructors

LastOwner = refusal("last_owner", "A course needs an owner. Make somebody else its owner first.")

WHOLE = 10_000  # hundredths of a percent
HELD = (
    select(course_instructors)
    .where(course_instructors.c.course_id == bindparam("course_id"))
    .order_by(course_instructors.c.position, course_instructors.c.id)
)
INSERT = insert(course_instructors)
CHANGE = (
    update(course_instructors)
    .where(course_instructors.c.id == bindparam("row_id"))
    .values(
        role=bindparam("new_role"),
        revenue_share_bp=bindparam("new_share"),
        is_listed=bindparam("new_listed"),
    )
)
REMOVE = delete(course_instructors).where(course_instructors.c.id == bindparam("row_id"))


def put_instructor(actor: Actor, course_id: int, user_id: int, *, body: Mapping[str, Any]) -> dict[str, Any]:
    """Give somebody a place on a course's staff, or change it. Raises `LastOwner`, `NotFound`, `ValidationFailed`."""
    course = lookups.lock_course(course_id)
    pipeline.check_version(course["version"])
    held = db.rows(HELD, {"course_id": course_id})
    known = next((row for row in held if row["user_id"] == user_id), None)
    wanted = _place(known, body)
    _check_person(user_id, wanted["role"])
    if wanted["role"] != "owner":
        _check_owner_left(held, user_id)
    _check_shares(held, user_id, wanted["revenue_share_bp"])
    if known is None:
        copies = {copy: course[name] for name, copy in tagging.TEACHER_COPIES.items()}
        place = max((row["position"] for row in held), default=-1) + 1
        row = {"course_id": course_id, "user_id": user_id, "position": place, "created_at": clock.now()}
        db.execute(INSERT, {**row, **wanted, **copies})
    elif any(known[name] != value for name, value in wanted.items()):
        changed = {"new_role": wanted["role"], "new_listed": wanted["is_listed"]}
        db.execute(CHANGE, {"row_id": known["id"], "new_share": wanted["revenue_share_bp"], **changed})
    else:
        return _describe(actor, course_id, user_id)
    directory.recount([user_id])
    companions.panels_changed(user_id, actor_id=actor.id)
    service.touch_course(actor, course)
    return _describe(actor, course_id, user_id)


def remove_instructor(actor: Actor, course_id: int, user_id: int) -> dict[str, Any]:
    """Take somebody off a course's staff. Raises `LastOwner`, `NotFound`."""
    course = lookups.lock_course(course_id)
    pipeline.check_version(course["version"])
    held = db.rows(HELD, {"course_id": course_id})
    known = next((row for row in held if row["user_id"] == user_id), None)
    if known is None:
        raise NotFound("instructor")
    _check_owner_left(held, user_id)
    db.execute(REMOVE, {"row_id": known["id"]})
    directory.recount([user_id])
    companions.panels_changed(user_id, actor_id=actor.id)
    service.touch_course(actor, course)
    return {"id": user_id, "deleted": True}


def _place(known: Mapping[str, Any] | None, body: Mapping[str, Any]) -> dict[str, Any]:
    share = known["revenue_share_bp"] if known is not None else None
    if "revenue_share_percent" in body:
        given = body["revenue_share_percent"]
        share = None if given is None else round(given * 100)
    listed = known["is_listed"] if known is not None else body["role"] != "assistant"
    return {"role": body["role"], "revenue_share_bp": share, "is_listed": body.get("is_listed", listed)}


def _check_person(user_id: int, role: str) -> None:
    found = users.find(user_id)
    if found is None:
        raise NotFound("user")
    if role != "assistant" and not users.to_actor(found, credential="").can(EDIT_COURSES):
        raise ValidationFailed.of("role", "This user is not an instructor, so may only assist.", "not_instructor")


def _check_owner_left(held: list[dict[str, Any]], without: int) -> None:
    was_owner = any(row["role"] == "owner" and row["user_id"] == without for row in held)
    if was_owner and not any(row["role"] == "owner" and row["user_id"] != without for row in held):
        raise LastOwner


def _check_shares(held: list[dict[str, Any]], user_id: int, share: int | None) -> None:
    others = sum(row["revenue_share_bp"] or 0 for row in held if row["user_id"] != user_id)
    if others + (share or 0) > WHOLE:
        raise ValidationFailed.of("revenue_share_percent", "The shares come to more than 100 percent.", "too_much")


def _describe(actor: Actor, course_id: int, user_id: int) -> dict[str, Any]:
    course = lookups.find_course(actor, course_id)
    people = db.rows(queries.INSTRUCTORS, {"ids": [course_id]})
    person = next(person for person in people if person["id"] == user_id)
    return queries.describe_instructor(actor, course, person)
