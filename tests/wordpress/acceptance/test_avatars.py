"""Avatars are WordPress's where a plugin has a say in them, and Gravatar's, made without it, where none has."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.site import Answer
from tests.wordpress.academy import page
from tests.wordpress.acceptance.academy import HTTP_DOORS, Academy

# As plugins for uploaded avatars do it: they know their members by id.
LOCAL = """
add_filter( '%s', function ( $value, $who ) {
    note_down( array( 'who' => $who ) );
    $url = is_numeric( $who ) ? "https://cdn.example/$who.png" : 'https://cdn.example/nobody.png';
    return is_array( $value ) ? array( 'url' => $url ) + $value : $url;
}, 10, 2 );
"""


def teachers_avatar(answer: Answer) -> str:
    return str(answer.data["instructors"][0]["avatar_url"])


@pytest.mark.parametrize("hook", ["get_avatar_url", "pre_get_avatar_data"])
def test_avatars_of_a_plugins_are_shown_by_every_door(academy: Academy, hook: str) -> None:
    site, course = academy.site, academy.course
    wanted = f"https://cdn.example/{site.user_id('teacher')}.png"
    path = f"/courses/{course.slug}"
    assert teachers_avatar(site.get(path)).startswith("https://secure.gravatar.com/avatar/")
    with academy.listening(LOCAL % hook):
        for door in (*HTTP_DOORS, "internal"):
            assert teachers_avatar(site.get(path, **academy.as_("student", door))) == wanted
            me = site.get("/auth/me", **academy.as_("student", door))
            assert me.data["avatar_url"] == f"https://cdn.example/{site.user_id('student')}.png"
        changed = site.patch(f"/courses/{course.id}", json={"excerpt": "Changed"}, auth=academy.teacher)
        assert teachers_avatar(changed) == wanted
        listed = site.get("/courses?per_page=100").data
        assert {person["avatar_url"] for row in listed for person in row["instructors"]} <= {
            f"https://cdn.example/{person['id']}.png" for row in listed for person in row["instructors"]
        }
        assert f'src="{wanted}"' in page(site, f"{path}/").text
    assert teachers_avatar(site.get(path)).startswith("https://secure.gravatar.com/avatar/")


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline


def test_a_list_asks_once_for_all_its_people_and_then_needs_no_wordpress(academy: Academy) -> None:
    """Each process of the backend learns of them by itself."""
    site = academy.site
    academy.make_course(1)
    with academy.listening(LOCAL % "get_avatar_url", name="pictures"):
        first = site.get("/courses?per_page=100&sort=title")
        people = {person["id"] for row in first.data for person in row["instructors"]}
        assert academy.door_of(first) == "full"
        assert sorted(note["who"] for note in academy.noted()) == sorted(people)
        until(lambda: academy.door_of(site.get("/courses?per_page=100&sort=title")) == "direct")
        again = site.get("/courses?per_page=100&sort=title")
        assert again.data == first.data


def test_pages_ask_too(academy: Academy) -> None:
    teacher = academy.site.user_id("teacher")
    with academy.listening(LOCAL % "get_avatar_url", name="shown"):
        shown = page(academy.site, f"/courses/{academy.course.slug}/").text
        assert [note["who"] for note in academy.noted()] == [teacher]
    assert f'src="https://cdn.example/{teacher}.png"' in shown


@pytest.mark.wordpress("7.1")
@pytest.mark.parametrize(("stand_in", "rating"), [("mystery", "G"), ("gravatar_default", "PG"), ("retro", "X")])
def test_without_a_plugin_addresses_are_wordpresss_own(academy: Academy, stand_in: str, rating: str) -> None:
    site = academy.site
    with site.option("avatar_default", stand_in), site.option("avatar_rating", rating):
        academy.forget_copy()
        answer = site.get("/auth/me", auth=academy.teacher)
        wanted = site.php(f"return get_avatar_url( {site.user_id('teacher')}, array( 'size' => 96 ) );")
    assert answer.data["avatar_url"] == wanted
    academy.forget_copy()
