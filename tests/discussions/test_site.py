"""Discussions on a real WordPress: what staff writes WordPress renders, what learners write is as its comments are."""

from __future__ import annotations

import base64
import secrets
from typing import Any

import pytest

from tests.site import DOORS, PASSWORD, Answer, Site

TEXTS = [
    "plain",
    "<b>bold</b> and <i>more</i>",
    "<strong>a</strong><em>b</em><code>c</code><del datetime='2026-01-01'>d</del>",
    "<h1>Big</h1><table><tr><td>x</td></tr></table>",
    "<img src=x onerror=alert(1)>after",
    "<b onclick='alert(1)' style='color:red' class=x>x</b>",
    "<iframe src='https://evil.test'></iframe>x",
    "a &lt; b &amp; c &gt; d",
    "<q cite='https://a.test'>said</q> <abbr title='World Wide Web'>WWW</abbr>",
    "<script>x</script>",
]


class Place:
    """A lesson of the teacher's on a site, with the student in its course."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.tokens = {who: self._log_in(who) for who in ("teacher", "student")}
        course = self._made("/courses", {"title": f"Talk {secrets.token_hex(4)}"})
        section = self._made(f"/courses/{course['id']}/sections", {"title": "One"})
        lesson = self._made(f"/sections/{section['id']}/lessons", {"title": "One"})
        self.path = f"/lessons/{lesson['id']}/discussions"
        assert site.post(f"/courses/{course['id']}/publish", headers=self.tokens["teacher"]).status == 200
        assert site.post(f"/courses/{course['id']}/enroll", headers=self.tokens["student"]).status == 201

    def _log_in(self, who: str) -> dict[str, str]:
        answer = self.site.post("/auth/token", json={"username": who, "password": PASSWORD})
        assert answer.status == 200, answer.text
        return {"Authorization": f"Bearer {answer.data['access_token']}"}

    def _made(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.site.post(path, json=body, headers=self.tokens["teacher"])
        assert answer.status == 201, answer.text
        return dict(answer.data)

    def send(self, method: str, path: str, who: str, door: str, body: dict[str, Any] | None = None) -> Answer:
        if door == "internal":
            return self.site.request(method, path, door=door, user=who, json=body)
        return self.site.request(method, path, door=door, headers=self.tokens[who], json=body)


@pytest.fixture(scope="module")
def places() -> dict[str, Place]:
    return {}


@pytest.fixture
def place(site: Site, places: dict[str, Place]) -> Place:
    if site.version not in places:
        places[site.version] = Place(site)
    return places[site.version]


@pytest.mark.parametrize("door", DOORS)
def test_a_thread_goes_through_every_door(place: Place, door: str) -> None:
    question = place.send("POST", place.path, "student", door, {"body": "Why <b>so</b>?", "title": f"By {door}"})
    assert question.status == 201, question.text
    assert question.data["body_html"] == "<p>Why <b>so</b>?</p>"
    text = "<!-- wp:heading --><h2>Because</h2><!-- /wp:heading -->\n\n[gallery ids='1'] <script>alert(1)</script>"
    body = {"body": text, "parent_id": question.data["id"]}
    reply = place.send("POST", place.path, "teacher", door, body)
    assert reply.status == 201, reply.text
    html = reply.data["body_html"]
    assert '<h2 class="wp-block-heading">Because</h2>' in html
    assert not any(mark in html for mark in ("learnomy-slot", "<script", "[gallery", "wp:heading"))
    solved = place.send("PATCH", f"/discussions/{reply.data['id']}", "teacher", door, {"is_solution": True})
    assert (solved.status, solved.data["is_solution"]) == (200, True)
    listed = place.send("GET", place.path, "student", door)
    row = next(row for row in listed.data if row["id"] == question.data["id"])
    assert (row["is_resolved"], row["reply_count"], row["is_unread"]) == (True, 1, True)
    gone = place.send("DELETE", f"/discussions/{question.data['id']}", "student", door)
    assert gone.data == {"id": question.data["id"], "deleted": True}


@pytest.mark.parametrize("text", TEXTS)
def test_a_learner_may_write_no_more_than_wordpress_lets_comments_have(place: Place, text: str) -> None:
    """The tags and attributes that come out are among those that `wp_filter_kses()` leaves to a comment."""
    ours = place.send("POST", place.path, "student", "direct", {"body": text})
    assert ours.status == 201, ours.text
    code = """
    $left = function ( $html ) {
        $found = array();
        $tags  = new WP_HTML_Tag_Processor( $html );
        while ( $tags->next_tag() ) {
            $names = (array) $tags->get_attribute_names_with_prefix( '' );
            $found[] = strtolower( $tags->get_tag() ) . ' ' . implode( ' ', array_diff( $names, array( 'rel' ) ) );
        }
        return array_values( array_diff( $found, array( 'p ', 'br ' ) ) );
    };
    $text = wp_slash( base64_decode( 'TEXT' ) );
    return array( $left( base64_decode( 'OURS' ) ), $left( wp_unslash( wp_filter_kses( $text ) ) ) );
    """
    for name, value in (("OURS", ours.data["body_html"]), ("TEXT", text)):
        code = code.replace(name, base64.b64encode(value.encode()).decode())
    kept, theirs = place.site.php(code, user="student")
    assert kept == theirs
