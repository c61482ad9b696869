"""What the body of a course means as columns: judged, rendered and resolved before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from sqlalchemy import bindparam, select

from learnomy_wp.courses import hooks
from learnomy_wp.kernel import db, settings, wordpress
from learnomy_wp.kernel.actor import EDIT_OTHERS_COURSES, Actor
from learnomy_wp.kernel.errors import Detail, Forbidden, ValidationFailed
from learnomy_wp.kernel.slugs import Slugs
from wp_schema.folding import sort_title
from wp_schema.tables import certificate_templates, courses

# Slugs that stand for something else below the catalogue, as the plugin's routes have it.
RESERVED = frozenset({"category", "page", "feed", "embed"})
# What is more than a column of the same name.
WORKED_OUT = frozenset(
    {"title", "slug", "content", "price", "thumbnail_id", "faq_html", "categories", "tags", "prerequisites", "status"}
)
LISTS = ("requirements", "outcomes", "audience")
SPANS = (("opens_at", "closes_at"), ("access_starts_at", "access_ends_at"))
TAKEN = select(courses.c.slug).where(courses.c.slug.in_(bindparam("slugs", expanding=True)))
TEMPLATE = select(certificate_templates.c.id).where(
    certificate_templates.c.id == bindparam("id"), certificate_templates.c.status == "active"
)


def columns_of(actor: Actor, body: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that a body sets. WordPress may be asked to render content, which ends a round.

    Raises `Forbidden` for what only those who edit everybody's courses may set.
    """
    if "is_featured" in body and not actor.can(EDIT_OTHERS_COURSES):
        raise Forbidden("Only those who edit everybody's courses may feature one.")
    found = {name: value for name, value in body.items() if name not in WORKED_OUT}
    found |= {name: found[name] or None for name in LISTS if name in found}
    if "title" in body:
        found |= {"title": body["title"], "sort_title": sort_title(body["title"])}
    if "price" in body:
        found["price_minor"] = body["price"]["amount_minor"]
        found["currency"] = body["price"].get("currency") or settings.get(hooks.CURRENCY)
    if body.get("certificate_template_id") and db.value(TEMPLATE, {"id": body["certificate_template_id"]}) is None:
        raise ValidationFailed.of("certificate_template_id", "There is no such certificate template.", "unknown")
    return found | _rendered(actor, body)


def _rendered(actor: Actor, body: Mapping[str, Any]) -> dict[str, Any]:
    """What WordPress has to be asked for, in one round."""
    found = wordpress.together(*(partial(ask, actor, body[name]) for name, ask in _ASKED.items() if name in body))
    return {column: value for columns in found for column, value in columns.items()}


def _content(actor: Actor, content: str) -> dict[str, Any]:
    made = wordpress.render_content(content, actor.id)
    return {"content_raw": content, "content_html": made["html"], "content_slots": made["slots"] or None}


def _faq(actor: Actor, given: str | None) -> dict[str, Any]:
    return {"faq_html": wordpress.render_content(given, actor.id)["html"] if given else None}


def _thumbnail(actor: Actor, image_id: int | None) -> dict[str, Any]:
    if not image_id:
        return {"thumbnail_id": 0, "thumbnail_url": None}
    url = wordpress.image_url(image_id, actor)
    if url is None:
        raise ValidationFailed.of("thumbnail_id", "There is no such image in the media library.", "unknown")
    return {"thumbnail_id": image_id, "thumbnail_url": url}


_ASKED: dict[str, Callable[[Actor, Any], dict[str, Any]]] = {
    "content": _content,
    "faq_html": _faq,
    "thumbnail_id": _thumbnail,
}


def check_whole(course: Mapping[str, Any]) -> None:
    """Refuse a course whose settings do not go together."""
    wrong = [
        Detail(last, "too_early", f"This must be later than {first}.")
        for first, last in SPANS
        if course[first] is not None and course[last] is not None and course[first] >= course[last]
    ]
    if course["completion_mode"] == "share" and not course["completion_share"]:
        wrong.append(Detail("completion_share", "required", "Say which share of the lessons completes the course."))
    if wrong:
        raise ValidationFailed(details=wrong)


def _find_taken(wanted: list[str]) -> list[str]:
    return db.values(TAKEN, {"slugs": wanted})


SLUGS = Slugs(_find_taken, "course", lambda slug: slug in RESERVED or slug.isdigit())
