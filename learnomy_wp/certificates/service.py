"""Issuing, replacing and revoking certificates.

Each verb locks the learner's enrolment first, as everything does that happens to a learner in a
course, then the certificate. That one completion has one certificate in force is the database's word.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, case, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from learnomy_wp.certificates import badge, keys, policies, queries, signing
from learnomy_wp.certificates.events import CertificateIssued, CertificateRevoked
from learnomy_wp.courses.policies import has_role, is_staff
from learnomy_wp.kernel import clock, db, events, pipeline
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import NotFound, ValidationFailed, refusal
from learnomy_wp.progress.events import CourseCompleted
from wp_schema.tables import certificate_templates, certificates, course_instructors, courses, enrollments, users

Row = dict[str, Any]

NotCompleted = refusal("course_not_completed", "This student has not completed the course yet.")
CertificateExists = refusal(
    "certificate_exists", "This completion has a certificate already. Replace it, or revoke it first."
)
AlreadyReplaced = refusal("certificate_replaced", "This certificate was replaced by another. Replace that one.")
CertificateIsRevoked = refusal("certificate_revoked", "This certificate was revoked.")
REPLACED = "Replaced by another certificate."

COURSE = (
    select(
        courses.c.id,
        courses.c.slug,
        courses.c.title,
        courses.c.awards_certificate,
        courses.c.certificate_template_id,
        courses.c.certificate_days,
        course_instructors.c.role,
    )
    .select_from(
        courses.outerjoin(
            course_instructors,
            and_(course_instructors.c.course_id == courses.c.id, course_instructors.c.user_id == bindparam("actor_id")),
        )
    )
    .where(courses.c.id == bindparam("id"))
)
# The course's template first, else the site's default; one that is archived is neither.
_is_chosen = certificate_templates.c.id == bindparam("chosen")
TEMPLATE = (
    select(certificate_templates.c.id, certificate_templates.c.version, certificate_templates.c.valid_days)
    .where(certificate_templates.c.status == "active", or_(_is_chosen, certificate_templates.c.is_default.is_(True)))
    .order_by(case((_is_chosen, 0), else_=1))
    .limit(1)
)
USER = select(users.c.ID.label("id"), users.c.display_name, users.c.user_login, users.c.user_email).where(
    bindparam("id") == users.c.ID
)
LOCK_ENROLLMENT = (
    select(enrollments.c.id, enrollments.c.completion_no)
    .where(enrollments.c.user_id == bindparam("user_id"), enrollments.c.course_id == bindparam("course_id"))
    .with_for_update()
)
LOCK = select(certificates).where(certificates.c.id == bindparam("id")).with_for_update()
PLACE = select(certificates.c.user_id, certificates.c.course_id).where(certificates.c.id == bindparam("id"))
ADD = insert(certificates)
END = (
    update(certificates)
    .where(certificates.c.id == bindparam("certificate_id"))
    .values(
        {
            certificates.c.status: "revoked",
            certificates.c.revoked_at: bindparam("at"),
            certificates.c.revoked_by: bindparam("by"),
            certificates.c.revoke_reason: bindparam("reason"),
            certificates.c.version: certificates.c.version + 1,
            certificates.c.updated_at: bindparam("at"),
        }
    )
)
FOLLOW = (
    update(certificates)
    .where(certificates.c.id == bindparam("certificate_id"))
    .values({certificates.c.replaced_by_id: bindparam("successor_id")})
)


@events.listens(CourseCompleted)
def award(event: CourseCompleted) -> None:
    """Issue the certificate of a completion, where the course awards one; the enrolment's row is locked."""
    course = db.row(COURSE, {"id": event.course_id, "actor_id": 0})
    if course is None or not course["awards_certificate"]:
        return
    place = {"user_id": event.user_id, "completion_no": event.completion_no}
    try:
        issue(course, place, {}, issued_by=0)
    except CertificateExists:
        return


def create_certificate(actor: Actor, body: Mapping[str, Any]) -> Row:
    """A certificate by hand for the last completion, or with `replaces` in place of another.

    Raises `ValidationFailed` for what the caller is not staff of, `NotCompleted`, `CertificateExists`,
    `AlreadyReplaced`. Events: `CertificateIssued`, and `CertificateRevoked` for the one replaced.
    """
    made = _replace(actor, body) if "replaces" in body else _issue_by_hand(actor, body)
    pipeline.locate(f"/certificates/{made}")
    return queries.find_certificate(made)


def revoke_certificate(actor: Actor, certificate_id: int, reason: str) -> Row:
    """Revoke a certificate for good. Twice is once: the first reason stays. Event: `CertificateRevoked`."""
    before = _lock(certificate_id)
    pipeline.check_version(before["version"])
    if before["status"] == "active":
        _end(before, actor, reason)
    return queries.find_certificate(certificate_id)


def find_credential(certificate_id: int) -> Row:
    """The signed credential of a certificate in force. Raises `CertificateIsRevoked`."""
    found = db.row(queries.CREDENTIAL, {"id": certificate_id})
    if found is None:
        raise NotFound("certificate")
    if found["status"] != "active":
        raise CertificateIsRevoked
    return found


def issue(course: Mapping[str, Any], place: Mapping[str, Any], given: Mapping[str, Any], *, issued_by: int) -> int:
    """Write and sign a certificate for a learner whose enrolment is locked; gives its id.

    `place` says whose and which completion, `given` may set template_id, recipient_name, title and
    expires_at. Raises `CertificateExists`. Event: `CertificateIssued`.
    """
    user = db.row(USER, {"id": place["user_id"]}) or {"display_name": "", "user_login": "", "user_email": ""}
    row = _stated(course, place, {"recipient_name": user["display_name"] or user["user_login"], **given})
    key = keys.signing_key()
    row["payload"] = signing.payload_of(row, key)
    row |= {"signature": key.sign(signing.canonical(row["payload"])), "key_id": key.kid, "issued_by": issued_by}
    row["credential"] = badge.sign(badge.credential_of(row, email=user["user_email"], course=course), row, key)
    try:
        certificate_id = db.insert_id(db.execute(ADD, row))
    except IntegrityError:
        raise CertificateExists from None
    issued = CertificateIssued(certificate_id=certificate_id, user_id=row["user_id"], course_id=row["course_id"])
    events.emit(issued, actor_id=issued_by)
    return certificate_id


def _stated(course: Mapping[str, Any], place: Mapping[str, Any], given: Mapping[str, Any]) -> Row:
    """What a new certificate says, as columns."""
    now = clock.now()
    template = db.row(TEMPLATE, {"chosen": given.get("template_id") or course["certificate_template_id"] or 0}) or {}
    return {
        "uuid": str(uuid.uuid4()),
        "kind": "course",
        "course_id": course["id"],
        "object_id": course["id"],
        "replaces_id": None,
        **place,
        "status": "active",
        "template_id": template.get("id"),
        "template_version": template.get("version", 1),
        "recipient_name": given["recipient_name"],
        "title": given.get("title") or course["title"],
        "issued_at": now,
        "expires_at": _expiry(course, template, given, now),
        "created_at": now,
        "updated_at": now,
    }


def _expiry(
    course: Mapping[str, Any], template: Mapping[str, Any], given: Mapping[str, Any], now: datetime
) -> datetime | None:
    if "expires_at" in given:
        at: datetime | None = given["expires_at"]
        if at is not None and at <= now:
            raise ValidationFailed.of("expires_at", "A new certificate runs out in the future.", "too_early")
        return at
    days = course["certificate_days"] or template.get("valid_days")
    return now + timedelta(days=days) if days else None


def _issue_by_hand(actor: Actor, body: Mapping[str, Any]) -> int:
    course = _staffed_course(actor, body["course_id"])
    _check_template(body)
    if db.row(USER, {"id": body["user_id"]}) is None:
        raise ValidationFailed.of("user_id", "There is no such user.", "unknown")
    enrollment = db.row(LOCK_ENROLLMENT, {"user_id": body["user_id"], "course_id": course["id"]})
    if enrollment is None or not enrollment["completion_no"]:
        raise NotCompleted
    place = {"user_id": body["user_id"], "completion_no": enrollment["completion_no"]}
    return issue(course, place, body, issued_by=actor.id)


def _replace(actor: Actor, body: Mapping[str, Any]) -> int:
    facts = db.row(policies.FACTS, {"id": body["replaces"], "actor_id": actor.id})
    if facts is None or not is_staff(actor, facts):
        raise ValidationFailed.of("replaces", "There is no such certificate.", "unknown")
    _check_template(body)
    before = _lock(body["replaces"])
    if before["replaced_by_id"] is not None:
        raise AlreadyReplaced
    if before["status"] == "active":
        _end(before, actor, REPLACED)
    course = db.row(COURSE, {"id": before["course_id"], "actor_id": actor.id}) or _without_course(before)
    given = {"recipient_name": before["recipient_name"], "title": before["title"], **body}
    if before["template_id"] is not None:
        given.setdefault("template_id", before["template_id"])
    place = {name: before[name] for name in ("user_id", "course_id", "kind", "object_id", "completion_no")}
    made = issue(course, {**place, "replaces_id": before["id"]}, given, issued_by=actor.id)
    db.execute(FOLLOW, {"certificate_id": before["id"], "successor_id": made})
    return made


def _without_course(before: Row) -> Row:
    """What stands for the course of a learning path's certificate."""
    return {"id": before["course_id"], "title": before["title"], "certificate_template_id": None,
            "certificate_days": None, "slug": ""}  # fmt: skip


def _staffed_course(actor: Actor, course_id: int) -> Row:
    found = db.row(COURSE, {"id": course_id, "actor_id": actor.id})
    if found is None or not (actor.is_manager or has_role(actor, found, ("owner", "co", "assistant"))):
        raise ValidationFailed.of("course_id", "There is no such course.", "unknown")
    return found


def _check_template(body: Mapping[str, Any]) -> None:
    wanted = body.get("template_id")
    if wanted is None:
        return
    found = db.row(TEMPLATE, {"chosen": wanted})
    if found is None or found["id"] != wanted:
        raise ValidationFailed.of("template_id", "There is no such certificate template.", "unknown")


def _lock(certificate_id: int) -> Row:
    """A certificate's row, locked after the enrolment's, whose events it shares."""
    place = db.row(PLACE, {"id": certificate_id})
    if place is None:
        raise NotFound("certificate")
    db.row(LOCK_ENROLLMENT, place)
    found = db.row(LOCK, {"id": certificate_id})
    if found is None:
        raise NotFound("certificate")
    return found


def _end(before: Row, actor: Actor, reason: str) -> None:
    db.execute(END, {"certificate_id": before["id"], "at": clock.now(), "by": actor.id, "reason": reason})
    revoked = CertificateRevoked(certificate_id=before["id"], user_id=before["user_id"], course_id=before["course_id"])
    events.emit(revoked, actor_id=actor.id)
