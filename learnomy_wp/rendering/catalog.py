"""The catalogue: block, shortcode, and the pages at the courses' base and at each category."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from markupsafe import escape
from marshmallow import ValidationError, fields, validate
from sqlalchemy import bindparam, select

from learnomy_wp.courses import listing
from learnomy_wp.courses.schemas import LEVELS, CourseQuery
from learnomy_wp.kernel import db, pages, site
from learnomy_wp.kernel.errors import NotFound
from learnomy_wp.kernel.serialize import Query
from learnomy_wp.rendering import templating
from learnomy_wp.rendering.registry import Context, Fragment, shown_as
from learnomy_wp.rendering.wording import _, noted
from wp_schema.tables import terms

SORTS = (
    ("-published_at", noted("Newest first")),
    ("title", noted("Title")),
    ("-rating", noted("Best rated")),
    ("-student_count", noted("Most students")),
    ("price", noted("Price")),
)
# What a visitor may choose in the address.
CHOICES = ("search", "category", "tag", "level", "price", "sort")
# WordPress has query variables of these names: an address with one asks for its own posts, and a static front page
# turns into the blog. So links and forms say them in our own words; what comes by the plain name is understood too.
PARAMETERS = {name: name for name in CHOICES} | {"search": "learnomy_search", "tag": "learnomy_tag"}
# Choices that the form has no field for go on with it.
NO_FIELD = ("tag", "price")
PAGE = "learnomy_page"
CATEGORIES = (
    select(terms.c.name, terms.c.slug)
    .where(terms.c.taxonomy == "category", terms.c.course_count > 0)
    .order_by(terms.c.sort_title, terms.c.id)
    .limit(200)
)
CATEGORY = select(terms.c.name, terms.c.slug, terms.c.description).where(
    terms.c.taxonomy == "category", terms.c.slug == bindparam("slug")
)
COURSE_QUERY = CourseQuery()


class CatalogAttributes(Query):
    """Attributes of the catalogue."""

    perPage = fields.Integer(load_default=12, validate=validate.Range(1, 48))  # noqa: N815
    columns = fields.Integer(load_default=3, validate=validate.Range(1, 6))
    layout = fields.String(load_default="grid", validate=validate.OneOf(("grid", "list", "categories")))
    category = fields.String(validate=validate.Length(max=200))
    tag = fields.String(validate=validate.Length(max=200))
    level = fields.String(validate=validate.OneOf(LEVELS))
    sort = fields.String(validate=validate.OneOf([value for value, _label in SORTS]))
    search = fields.String(validate=validate.Length(max=100))
    showFilters = fields.Boolean(load_default=True)  # noqa: N815
    showPrice = fields.Boolean(load_default=True)  # noqa: N815


class CategoryAttributes(CatalogAttributes):
    """The category page's."""

    slug = fields.String(required=True, validate=validate.Length(1, 200))


@shown_as(CatalogAttributes(), block="learnomy/course-catalog", shortcode="learnomy_courses")
def render_catalog(attributes: Mapping[str, Any], context: Context) -> Fragment:
    """Courses as cards, with filters that work as a plain form."""
    asked = _asked(context.query)
    chosen = {name: str(asked.get(name) or attributes.get(name) or "") for name in CHOICES}
    page = _page_number(context.query)
    query = _query(chosen, per_page=attributes["perPage"], page=page)
    found = listing.list_courses(context.actor, query)
    html = templating.render(
        "catalog.html",
        courses=found.rows,
        total=found.total,
        layout=attributes["layout"],
        columns=attributes["columns"],
        show_filters=attributes["showFilters"],
        show_price=attributes["showPrice"],
        categories=db.rows(CATEGORIES) if attributes["showFilters"] else [],
        chosen=chosen,
        sorts=SORTS,
        action=context.path,
        kept={PARAMETERS[name]: asked[name] for name in NO_FIELD if name in asked},
        parameters=PARAMETERS,
        uid=f"learnomy-{hashlib.blake2b(repr(sorted(attributes.items())).encode(), digest_size=4).hexdigest()}",
        previous_url=_page_url(context, page - 1) if page > 1 else "",
        next_url=_page_url(context, page + 1) if page * attributes["perPage"] < min(found.total, 1000) else "",
    )
    return Fragment(html, tags=["courses", "terms", "settings"])


@shown_as(CatalogAttributes(), page="catalog")
def render_catalog_page(attributes: Mapping[str, Any], context: Context) -> Fragment:
    """The catalogue's own page."""
    fragment = render_catalog(attributes, context)
    fragment.html = f'<h1 class="learnomy-page__title">{escape(_("Courses"))}</h1>{fragment.html}'
    fragment.head = _head(_("Courses"), _("All courses of %s.", site.record().name), pages.url("catalog"), context)
    return fragment


@shown_as(CategoryAttributes(), page="category")
def render_category_page(attributes: Mapping[str, Any], context: Context) -> Fragment:
    """One category's page. Raises `NotFound`."""
    category = db.row(CATEGORY, {"slug": attributes["slug"]})
    if category is None:
        raise NotFound("category")
    fragment = render_catalog({**attributes, "category": category["slug"]}, context)
    title = templating.environment().from_string('<h1 class="learnomy-page__title">{{ name }}</h1>')
    fragment.html = title.render(name=category["name"]) + fragment.html
    canonical = pages.url("category", slug=category["slug"])
    fragment.head = _head(category["name"], category["description"], canonical, context)
    return fragment


def _asked(query: Mapping[str, str]) -> dict[str, str]:
    """What the visitor chose in the address."""
    asked = {name: query.get(PARAMETERS[name]) or query.get(name) for name in CHOICES}
    return {name: value for name, value in asked.items() if value}


def _query(chosen: Mapping[str, str], *, per_page: int, page: int) -> dict[str, Any]:
    """The list's query; a choice that is not valid is left out."""
    wanted = {name: value for name, value in chosen.items() if value} | {"per_page": per_page, "page": page}
    try:
        return dict(COURSE_QUERY.load(wanted))
    except ValidationError as error:
        valid = {name: value for name, value in wanted.items() if name not in error.messages_dict}
        return dict(COURSE_QUERY.load(valid))


def _page_number(query: Mapping[str, str]) -> int:
    given = query.get(PAGE, "1")
    return max(1, min(int(given), 84)) if given.isascii() and given.isdigit() and len(given) < 4 else 1


def _page_url(context: Context, number: int) -> str:
    query = {PARAMETERS[name]: value for name, value in _asked(context.query).items()}
    if number > 1:
        query[PAGE] = str(number)
    return context.path + (f"?{urlencode(query)}" if query else "")


def _head(title: str, description: str, canonical: str, context: Context) -> dict[str, Any]:
    is_filtered = bool(_asked(context.query) or context.query.get(PAGE))
    return {
        "title": title,
        "description": description,
        "canonical": canonical,
        "og": {"og:type": "website", "og:title": title, "og:url": canonical, "og:description": description},
        "jsonld": [],
        "robots": "noindex" if is_filtered else "",
    }
