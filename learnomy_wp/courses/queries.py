"""Course rows as answers show them: cards of lists and the whole course."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import bindparam, select

from learnomy_wp.courses import lookups
from learnomy_wp.kernel import avatars, db, pages, wordpress
from learnomy_wp.kernel.actor import EDIT_OTHERS_COURSES, Actor
from wp_schema.tables import course_instructors, course_links, course_terms, courses, terms, users

CARD = tuple(
    courses.c[name]
    for name in (
        "id", "slug", "title", "excerpt", "status", "level", "language", "thumbnail_url", "price_minor", "currency",
        "is_free", "is_featured", "duration_minutes", "lesson_count", "section_count", "student_count", "rating_avg",
        "rating_count", "published_at", "first_published_at", "updated_at",
    )
)  # fmt: skip
INSTRUCTORS = (
    select(
        course_instructors.c.course_id,
        course_instructors.c.user_id.label("id"),
        course_instructors.c.role,
        course_instructors.c.is_listed,
        course_instructors.c.revenue_share_bp,
        users.c.display_name.label("name"),
        users.c.user_nicename.label("slug"),
        users.c.user_email,
    )
    .join_from(course_instructors, users, course_instructors.c.user_id == users.c.ID)
    .where(course_instructors.c.course_id.in_(bindparam("ids", expanding=True)))
    .order_by(course_instructors.c.course_id, course_instructors.c.position, course_instructors.c.id)
)
TERMS = (
    select(course_terms.c.course_id, terms.c.id, terms.c.taxonomy, terms.c.name, terms.c.slug)
    .join_from(course_terms, terms, terms.c.id == course_terms.c.term_id)
    .where(course_terms.c.course_id.in_(bindparam("ids", expanding=True)))
    .order_by(course_terms.c.course_id, course_terms.c.position, course_terms.c.term_id)
)
PREREQUISITES = (
    select(courses.c.id, courses.c.title, courses.c.slug, courses.c.status)
    .join_from(course_links, courses, courses.c.id == course_links.c.course_id)
    .where(
        course_links.c.kind == "prerequisite",
        course_links.c.owner_id == bindparam("id"),
        courses.c.status != "trash",
    )
    .order_by(course_links.c.position, course_links.c.id)
)
# The name that a taxonomy's terms have in a course row.
TAXONOMIES = {"category": "categories", "tag": "tags"}


def complete(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Course rows with price, permalink, instructors and terms: two queries, however many rows."""
    if not found:
        return []
    ids = [row["id"] for row in found]
    people = _grouped(db.rows(INSTRUCTORS, {"ids": ids}))
    tagged = _grouped(db.rows(TERMS, {"ids": ids}))
    return [_card(row, people.get(row["id"], ()), tagged.get(row["id"], ())) for row in found]


def get_course(actor: Actor, reference: str | int) -> dict[str, Any]:
    """The whole course for the caller. Raises `NotFound`."""
    return describe(actor, lookups.find_course(actor, reference))


def read_course(actor: Actor, reference: str | int) -> dict[str, Any]:
    """The same with its dynamic blocks and shortcodes filled for the caller, which may ask WordPress."""
    course = get_course(actor, reference)
    return {**course, "content_html": wordpress.fill_slots(course["content_html"], course["content_slots"])}


def describe(actor: Actor, course: dict[str, Any]) -> dict[str, Any]:
    """A whole course out of its row; what only its staff may see is null for others."""
    people = db.rows(INSTRUCTORS, {"ids": [course["id"]]})
    card = _card(course, people, db.rows(TERMS, {"ids": [course["id"]]}))
    is_staff = lookups.is_staff(actor, course)
    required = db.rows(PREREQUISITES, {"id": course["id"]}) if course["has_prerequisites"] else []
    return {
        **card,
        "prerequisites": [
            {**row, "permalink": pages.url("course", slug=row["slug"])}
            for row in required
            if is_staff or row["status"] == "published"
        ],
        "seats_left": _seats_left(course),
        "requirements": course["requirements"] or [],
        "outcomes": course["outcomes"] or [],
        "audience": course["audience"] or [],
        "content_raw": course["content_raw"] if is_staff else None,
        "staff": [describe_instructor(actor, course, person) for person in people] if is_staff else None,
    }


def describe_instructor(actor: Actor, course: dict[str, Any], person: dict[str, Any]) -> dict[str, Any]:
    """One of a course's staff; shares are for owners, managers and for whom they concern."""
    may_see = course["role"] == "owner" or actor.can(EDIT_OTHERS_COURSES) or person["id"] == actor.id
    share = person["revenue_share_bp"]
    return {
        **person,
        "avatar_url": avatars.url(person["user_email"]),
        "revenue_share_percent": share / 100 if may_see and share is not None else None,
    }


def _card(row: dict[str, Any], people: Iterable[dict[str, Any]], tagged: Iterable[dict[str, Any]]) -> dict[str, Any]:
    named: dict[str, list[dict[str, Any]]] = {name: [] for name in TAXONOMIES.values()}
    for term in tagged:
        if term["taxonomy"] in TAXONOMIES:
            named[TAXONOMIES[term["taxonomy"]]].append(term)
    listed = [{**person, "avatar_url": avatars.url(person["user_email"])} for person in people if person["is_listed"]]
    return {
        **row,
        **named,
        "instructors": listed,
        "permalink": pages.url("course", slug=row["slug"]),
        "price": {"amount_minor": row["price_minor"], "currency": row["currency"]},
        "rating": row["rating_avg"] / 100,
        "published_at": row["published_at"] if row["first_published_at"] is not None else None,
    }


def _seats_left(course: dict[str, Any]) -> int | None:
    return None if course["capacity"] is None else max(0, course["capacity"] - course["student_count"])


def _grouped(found: Iterable[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    groups: dict[int, list[dict[str, Any]]] = {}
    for row in found:
        groups.setdefault(row["course_id"], []).append(row)
    return groups
