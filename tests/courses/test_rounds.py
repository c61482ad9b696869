"""How often WordPress is asked before a course is written: one round for all that a body needs of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.client import Api
from tests.kernel.paired import Control, Paired, paired

WHOLE = {"content": "Read [this].", "faq_html": "Why? Because.", "thumbnail_id": 77}


@pytest.fixture
def wp(api: Api) -> Iterator[Paired]:
    with paired(api) as found:
        yield found


def send(wp: Paired, method: str, path: str, body: dict[str, Any]) -> tuple[Control, list[list[str]]]:
    """The answer, and what was asked in each round before it."""
    user = {"User": str(wp.api.ids["teacher"]), "Via": "cookie"}
    reply, rounds = wp.signed(method, path, body=body, **user), []
    while reply.control == "ask":
        rounds.append([ask["name"] for ask in reply.body["asks"]])
        answers = {
            "capabilities": ["learnomy_edit_courses"],
            "image_url": {"url": "http://learnomy.test/a.png"},
            "render_content": {"html": "<p>As WordPress has it</p>", "slots": []},
        }
        reply = wp.go_on(method, path, reply, answers, body=body, **user)
    return reply, rounds


def test_a_course_is_rendered_in_one_round(wp: Paired) -> None:
    reply, rounds = send(wp, "POST", "/courses", {"title": "A course", **WHOLE})
    assert reply.status == 201, reply.body
    assert rounds == [["render_content", "render_content", "image_url"]]
    course = reply.body["data"]
    assert (course["thumbnail_url"], course["content_html"]) == (
        "http://learnomy.test/a.png",
        "<p>As WordPress has it</p>",
    )
    reply, rounds = send(wp, "PATCH", f"/courses/{course['id']}", WHOLE)
    assert (reply.status, len(rounds)) == (200, 1)


def test_where_plugins_have_a_say_in_capabilities_there_is_one_more(wp: Paired) -> None:
    wp.record(gates={"user_has_cap": ["members/members.php"]})
    reply, rounds = send(wp, "POST", "/courses", {"title": "A course", **WHOLE})
    assert reply.status == 201, reply.body
    assert [len(names) for names in rounds] == [1, 3]


def test_a_refused_image_is_named_after_the_round(wp: Paired) -> None:
    user = {"User": str(wp.api.ids["teacher"]), "Via": "cookie"}
    body = {"title": "A course", **WHOLE}
    asked = wp.signed("POST", "/courses", body=body, **user)
    answers = {"render_content": {"html": "", "slots": []}, "image_url": None}
    reply = wp.go_on("POST", "/courses", asked, answers, body=body, **user)
    assert (reply.status, reply.body["error"]["details"][0]["field"]) == (422, "thumbnail_id")
