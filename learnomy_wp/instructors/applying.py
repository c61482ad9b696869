"""Applications to become an instructor: one waits at a time, and approval gives the role by way of WordPress."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import fields
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from learnomy_wp.instructors.events import AGGREGATE, InstructorApplicationApproved, InstructorApplicationSubmitted
from learnomy_wp.kernel import avatars, clock, db, events, outbox, pipeline, settings
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.auth import users as accounts
from learnomy_wp.kernel.errors import NotFound, refusal
from learnomy_wp.kernel.page import Filter, Listing, Page, Sort
from wp_schema.tables import instructor_applications, users

Row = dict[str, Any]
ROLE = "lrn_instructor"
STATUSES = ("pending", "approved", "rejected")

AlreadyInstructor = refusal("already_instructor", "You are an instructor already.")
ApplicationPending = refusal("application_pending", "Your application is waiting for a decision.")
ApplicationsClosed = refusal("applications_closed", "This site takes no applications at the moment.")
AlreadyDecided = refusal("already_decided", "This application was decided already.")
ApplicantGone = refusal("applicant_gone", "The account of this applicant does not exist any more.")

IS_OPEN = settings.declare(
    "instructor_applications",
    True,
    fields.Boolean(metadata={"description": "Users may apply to become instructors."}),
)

_INDEX = "zblog_lrn_instructor_applications_"
_table = instructor_applications
_BY_STATUS = dict.fromkeys(("-created_at", "created_at"), f"{_INDEX}status")
APPLICATIONS = Listing(
    select(_table),
    table=_table,
    key=_table.c.id,
    default="-created_at",
    sorts={
        "-created_at": Sort(_table.c.created_at, descending=True, index=f"{_INDEX}created"),
        "created_at": Sort(_table.c.created_at, index=f"{_INDEX}created"),
    },
    filters={"status": Filter(lambda value: _table.c.status == value, indexes=_BY_STATUS)},
)
INSERT = insert(_table)
LOCK = select(_table).where(_table.c.id == bindparam("id")).with_for_update()
DECIDE = (
    update(_table)
    .where(_table.c.id == bindparam("row_id"))
    .values(
        status=bindparam("new_status"),
        reason=bindparam("new_reason"),
        decided_by=bindparam("by"),
        decided_at=bindparam("at"),
        updated_at=bindparam("at"),
        version=_table.c.version + 1,
    )
)
PEOPLE = select(users.c.ID.label("id"), users.c.display_name, users.c.user_email).where(
    users.c.ID.in_(bindparam("ids", expanding=True))
)


def apply(actor: Actor, *, body: Mapping[str, Any]) -> Row:
    """Ask to become an instructor. Emits `InstructorApplicationSubmitted`.

    Raises `AlreadyInstructor`, `ApplicationPending`, `ApplicationsClosed`.
    """
    if actor.is_instructor:
        raise AlreadyInstructor
    if not settings.get(IS_OPEN):
        raise ApplicationsClosed
    now = clock.now()
    row = {
        "user_id": actor.id,
        "status": "pending",
        "about": body["about"],
        "expertise": "\n".join(body["expertise"]),
        "course_idea": body["course_idea"],
        "experience": body.get("experience"),
        "created_at": now,
        "updated_at": now,
    }
    try:
        application_id = db.insert_id(db.execute(INSERT, row))
    except IntegrityError:  # the key of the one that waits
        raise ApplicationPending from None
    events.emit(InstructorApplicationSubmitted(application_id, actor.id), actor_id=actor.id)
    pipeline.locate(f"/instructor-applications/{application_id}")
    return _describe([_lock(application_id)])[0]


def list_applications(query: Mapping[str, Any]) -> Page:
    """A page of applications, the newest first."""
    page = APPLICATIONS.page(query)
    return page.with_rows(_describe(page.rows))


def decide(actor: Actor, application_id: int, *, body: Mapping[str, Any]) -> Row:
    """Approve or reject an application. Emits `InstructorApplicationApproved`, once the role is to be given.

    Raises `NotFound`, `AlreadyDecided`, `ApplicantGone`, `PreconditionFailed`.
    """
    found = _lock(application_id)
    pipeline.check_version(found["version"])
    if found["status"] != "pending":
        raise AlreadyDecided
    is_approved = body["decision"] == "approve"
    if is_approved and accounts.find(found["user_id"]) is None:
        raise ApplicantGone
    values = {"row_id": application_id, "new_status": "approved" if is_approved else "rejected"}
    db.execute(DECIDE, {**values, "new_reason": body.get("reason"), "by": actor.id, "at": clock.now()})
    if is_approved:
        _give_role(actor, found)
        events.emit(InstructorApplicationApproved(application_id, found["user_id"]), actor_id=actor.id)
    return _describe([_lock(application_id)])[0]


def _give_role(actor: Actor, application: Row) -> None:
    """WordPress gives the role; the row stands before the event's, so listeners meet an instructor."""
    outbox.add(
        aggregate=AGGREGATE.format(application_id=application["id"]),
        event="add_role",
        kind="effect",
        hook="",
        arguments=[],
        payload={"user_id": application["user_id"], "role": ROLE},
        actor_id=actor.id,
    )


def _lock(application_id: int) -> Row:
    found = db.row(LOCK, {"id": application_id})
    if found is None:
        raise NotFound("application")
    return found


def _describe(rows: Sequence[Row]) -> list[Row]:
    if not rows:
        return []
    people = {row["id"]: row for row in db.rows(PEOPLE, {"ids": sorted({row["user_id"] for row in rows})})}
    return [
        {
            **row,
            "expertise": [line for line in row["expertise"].split("\n") if line],
            "user": _person(people.get(row["user_id"])),
        }
        for row in rows
    ]


def _person(found: Row | None) -> Row | None:
    if found is None:
        return None
    return {"id": found["id"], "name": found["display_name"], "avatar_url": avatars.url(found["user_email"])}
