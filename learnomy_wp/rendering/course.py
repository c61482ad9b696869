"""The course page: what it is, its curriculum with lock states, who teaches it, and how to get in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup
from marshmallow import fields, validate

from learnomy_wp.courses import queries
from learnomy_wp.curriculum import queries as curriculum
from learnomy_wp.enrollments.access import find_access
from learnomy_wp.kernel import pages, site
from learnomy_wp.kernel.serialize import Query
from learnomy_wp.rendering import templating
from learnomy_wp.rendering.registry import Context, Fragment, Slots, shown_as
from learnomy_wp.rendering.wording import _

DESCRIPTION_LENGTH = 160


class CoursePageAttributes(Query):
    """The course page's."""

    slug = fields.String(required=True, validate=validate.Length(1, 200))


@shown_as(CoursePageAttributes(), page="course")
def render_course_page(attributes: Mapping[str, Any], context: Context) -> Fragment:
    """One course's page. Raises `NotFound` also for what this viewer may not know of."""
    course = queries.get_course(context.actor, attributes["slug"])
    outline = curriculum.get_curriculum(context.actor, course["id"])
    slots = Slots()
    access = find_access(context.actor.id, course["id"]) if context.actor.is_logged_in else None
    html = templating.render(
        "course.html",
        course=course,
        sections=outline["sections"],
        content=Markup(_with_slots(course, slots)),  # noqa: S704 - rendered by WordPress when it was saved
        before=Markup(slots.hook("learnomy_before_course_content", course["id"])),  # noqa: S704 - a marker
        after=Markup(slots.hook("learnomy_after_course_content", course["id"])),  # noqa: S704 - a marker
        footer=Markup(slots.hook("learnomy_course_sidebar_card_footer", course["id"])),  # noqa: S704 - a marker
        enrolled=curriculum.find_progress(context.actor, course["id"]) if access and access.is_enrolled else None,
        next_url=_next_url(course, outline["sections"]),
        enrol_text=_("Free to join.") if course["is_free"] else _("One payment, no subscription."),
        login_url="" if context.actor.is_logged_in else _login_url(context.url),
    )
    is_indexed = course["status"] == "published"
    return Fragment(
        html,
        slots=slots,
        tags=["courses", f"course:{course['id']}", "settings"],
        is_personal=context.actor.is_logged_in,
        head={
            "title": course["title"],
            "description": _description(course),
            "canonical": course["permalink"],
            "og": _open_graph(course),
            "jsonld": [course_jsonld(course), breadcrumb_jsonld(course)] if is_indexed else [],
            "robots": "" if is_indexed else "noindex",
        },
    )


def _with_slots(course: Mapping[str, Any], slots: Slots) -> str:
    """Stored static HTML with each stored slot's place marked for this render."""
    html = str(course["content_html"] or "")
    for stored in course["content_slots"] or []:
        html = html.replace(stored["marker"], slots.dynamic(stored["kind"], stored["dynamic"]))
    return html


def _next_url(course: Mapping[str, Any], sections: Sequence[Mapping[str, Any]]) -> str:
    for section in sections:
        for lesson in section["lessons"]:
            if lesson["state"] in ("available", "in_progress"):
                return pages.url("lesson", course=course["slug"], lesson=lesson["slug"])
    return ""


def _login_url(back: str) -> str:
    from urllib.parse import urlencode

    return f"{site.record().siteurl}/wp-login.php?{urlencode({'redirect_to': back})}"


def _description(course: Mapping[str, Any]) -> str:
    text = str(course["excerpt"])
    return text if len(text) <= DESCRIPTION_LENGTH else text[: DESCRIPTION_LENGTH - 1].rstrip() + "…"


def _open_graph(course: Mapping[str, Any]) -> dict[str, str]:
    found = {
        "og:type": "website",
        "og:title": course["title"],
        "og:description": _description(course),
        "og:url": course["permalink"],
        "og:site_name": site.record().name,
    }
    if course["thumbnail_url"]:
        found["og:image"] = course["thumbnail_url"]
    return found


def course_jsonld(course: Mapping[str, Any]) -> dict[str, Any]:
    """schema.org/Course, with what Google asks for: offers, an instance and its workload."""
    record, price = site.record(), course["price"]
    found: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Course",
        "@id": f"{course['permalink']}#course",
        "url": course["permalink"],
        "name": course["title"],
        "description": course["excerpt"] or course["title"],
        "provider": {"@type": "Organization", "name": record.name, "sameAs": record.home},
        "offers": [
            {
                "@type": "Offer",
                "category": "Free" if course["is_free"] else "Paid",
                "price": templating.decimal_price(price),
                "priceCurrency": price["currency"] or "EUR",
                "url": course["permalink"],
            }
        ],
        "hasCourseInstance": [
            {
                "@type": "CourseInstance",
                "courseMode": "Online",
                "courseWorkload": f"PT{max(1, course['duration_minutes'])}M",
            }
        ],
    }
    if course["language"]:
        found["inLanguage"] = course["language"]
    if course["thumbnail_url"]:
        found["image"] = [course["thumbnail_url"]]
    if course["instructors"]:
        found["instructor"] = [{"@type": "Person", "name": person["name"]} for person in course["instructors"]]
    if course["rating_count"]:
        found["aggregateRating"] = {
            "@type": "AggregateRating",
            "ratingValue": course["rating"],
            "ratingCount": course["rating_count"],
            "bestRating": 5,
            "worstRating": 1,
        }
    return found


def breadcrumb_jsonld(course: Mapping[str, Any]) -> dict[str, Any]:
    """Home, catalogue, course."""
    steps = [
        (site.record().name, site.record().home + "/"),
        (_("Courses"), pages.url("catalog")),
        (course["title"], course["permalink"]),
    ]
    return {
        "@context": "https://schema.org",
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": position, "name": name, "item": url}
            for position, (name, url) in enumerate(steps, start=1)
        ],
    }
