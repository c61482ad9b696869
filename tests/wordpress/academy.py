"""A course as an instructor makes it, and pages of the site as a browser reads them."""

from __future__ import annotations

import html
import json
import re
import secrets
from dataclasses import dataclass
from typing import Any

from tests.site import Answer, Site


@dataclass
class Page:
    """One page that came back."""

    answer: Answer

    @property
    def status(self) -> int:
        return self.answer.status

    @property
    def text(self) -> str:
        return self.answer.text

    @property
    def title(self) -> str:
        """The document's title."""
        return html.unescape(self._first(r"<title>(.*?)</title>"))

    @property
    def canonical(self) -> list[str]:
        """Every canonical address it names."""
        return re.findall(r"<link rel=[\"']canonical[\"'] href=[\"']([^\"']+)", self.text)

    @property
    def body_classes(self) -> list[str]:
        """Classes of the body."""
        return self._first(r"<body[^>]* class=\"([^\"]*)\"").split()

    @property
    def json_ld(self) -> list[dict[str, Any]]:
        """Its structured data."""
        return [
            json.loads(found) for found in re.findall(r'<script type="application/ld\+json">(.*?)</script>', self.text)
        ]

    def meta(self, name: str) -> str:
        """One meta tag, by name or property."""
        return html.unescape(
            self._first(rf'<meta (?:name|property)=["\']{re.escape(name)}["\'] content=["\'](.*?)["\']')
        )

    def _first(self, pattern: str) -> str:
        found = re.search(pattern, self.text, re.DOTALL)
        return found[1] if found else ""


def page(site: Site, path: str, **options: Any) -> Page:
    """A page of the site."""
    return Page(site.page(path, **options))


def make_course(site: Site, *, user: str = "admin", publish: bool = True, **fields: Any) -> dict[str, Any]:
    """A new course, made by REST inside WordPress."""
    body = {"title": f"Course {secrets.token_hex(4)}", "content": "<p>About it.</p>", **fields}
    made = site.post("/courses", door="internal", user=user, json=body)
    assert made.status == 201, made.text
    course: dict[str, Any] = made.data
    if publish:
        published = site.post(f"/courses/{course['id']}/publish", door="internal", user=user)
        assert published.status == 200, published.text
        course = published.data
    return course


def renders(site: Site) -> int:
    """How often the backend was asked to render so far."""
    log = site.folder / "logs" / "api.log"
    return log.read_text(errors="replace").count('"endpoint":"bridge_render"')


def cookies(site: Site, login: str) -> dict[str, str]:
    """The cookies of somebody who logged in."""
    return site.log_in(login)[0]
