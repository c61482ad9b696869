"""Addresses of the school's pages, as `\\Learnomy\\route_url()` makes them in PHP."""

from __future__ import annotations

import re
from string import Formatter
from urllib.parse import quote, urlencode

from marshmallow import fields, validate

from learnomy_wp.kernel import settings, site
from learnomy_wp.kernel.serialize import Matches

_PLAIN = re.compile("[A-Za-z0-9_-]*")
# Base slugs that the owner may change.
BASES = {
    "courses": "courses",
    "quiz": "quiz",
    "account": "account",
    "become_instructor": "become-instructor",
    "instructor": "instructor",
    "instructors": "instructors",
    "membership": "membership",
    "checkout": "checkout",
    "certificate": "certificate",
    "login": "login",
    "register": "register",
}
# The routes that answers link to, and their paths; braces name base slugs and arguments.
ROUTES = {
    "catalog": "{courses}",
    "category": "{courses}/category/{slug}",
    "course": "{courses}/{slug}",
    "lesson": "{courses}/{course}/{lesson}",
    "quiz": "{quiz}/{slug}",
    "student-dashboard": "{account}",
    "instructor": "{instructors}/{slug}",
    "certificate-verify": "{certificate}/{uuid}",
    "login": "{login}",
}
SLUGS = settings.declare(
    "slugs",
    BASES,
    fields.Dict(
        keys=fields.String(validate=validate.OneOf(sorted(BASES))),
        values=fields.String(validate=Matches(r"^[a-z0-9][a-z0-9-]{0,60}$")),
        metadata={"description": "Base slugs of the school's pages."},
    ),
)


def url(name: str, **arguments: str) -> str:
    """The address of a page of the school."""
    record = site.record()
    if not record.permalink_structure:
        query = {"learnomy_route": name} | {f"learnomy_{key}": value for key, value in arguments.items()}
        return f"{record.home}/?{urlencode(query)}"
    pattern = record.memo.get(("page", name))
    if pattern is None:
        pattern = record.memo["page", name] = _pattern(record, name)
    return f"{record.home}{pattern.format(**{key: _quoted(value) for key, value in arguments.items()})}"


def _pattern(record: site.Record, name: str) -> str:
    """The path of a route, with its arguments still in braces."""
    structure = record.permalink_structure
    root = "index.php/" if structure.startswith("/index.php/") else ""
    end = "/" if structure.endswith("/") else ""
    names = [field for _, field, _, _ in Formatter().parse(ROUTES[name]) if field]
    bases = {**{field: f"{{{field}}}" for field in names}, **BASES, **(settings.get(SLUGS) or {})}
    return f"/{root}{ROUTES[name].format(**bases)}{end}"


def _quoted(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else quote(value, safe="%")
