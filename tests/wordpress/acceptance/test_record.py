"""When the record of listeners cannot be trusted, WordPress is asked, and nothing is lost meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.wordpress.acceptance.academy import Academy

LISTENER = """
add_filter( 'learnomy_rest_course_payload', fn( array $payload ) => array( 'heard' => true ) + $payload );
add_action( 'learnomy_student_enrolled', function ( $id ) {
	file_put_contents( WP_CONTENT_DIR . '/noted.log', wp_json_encode( array( 'id' => $id ) ) . "\\n", FILE_APPEND );
} );
"""


def test_a_record_older_than_five_minutes_is_renewed_by_the_next_request(academy: Academy) -> None:
    site = academy.site
    stored = academy.fingerprint()
    written = int(re.findall(r's:4:"time";i:(\d+);', stored)[0])
    old = re.sub(r's:4:"time";i:\d+;', f's:4:"time";i:{written - 400};', stored)
    site.rows("UPDATE wp_options SET option_value = %s WHERE option_name = 'learnomy_record'", old)
    academy.forget_copy()
    answer = site.get("/courses")
    assert (answer.status, academy.door_of(answer)) == (200, "full")
    for _ in range(30):
        if academy.fingerprint() != old:
            break
    renewed = int(re.findall(r's:4:"time";i:(\d+);', academy.fingerprint())[0])
    assert renewed >= written
    academy.forget_copy()
    assert academy.door_of(site.get("/courses")) == "direct"


@contextmanager
def plugin_switched_on_by_sql(academy: Academy) -> Iterator[None]:
    """As a deployment does it: the files are there, and the option is changed with no WordPress running."""
    site, name = academy.site, "acceptance-unseen"
    path = site.content / "plugins" / name / f"{name}.php"
    site._write(path, f"<?php\n/*\nPlugin Name: {name}\nVersion: 1\n*/\n{LISTENER}")
    before = site.value("SELECT option_value FROM wp_options WHERE option_name = 'active_plugins'")
    count = int(re.match(r"a:(\d+)", before)[1])  # type: ignore[index]
    entry = f'i:99;s:{len(f"{name}/{name}.php")}:"{name}/{name}.php";}}'
    after = f"a:{count + 1}" + before[before.index(":{") :][:-1] + entry
    academy.log.unlink(missing_ok=True)
    site.rows("UPDATE wp_options SET option_value = %s WHERE option_name = 'active_plugins'", after)
    academy.forget_copy()
    try:
        yield
    finally:
        site.rows("UPDATE wp_options SET option_value = %s WHERE option_name = 'active_plugins'", before)
        path.unlink()
        academy.forget_copy()
        academy.record()


@pytest.mark.parametrize("door", ["direct", "early"])
def test_a_plugin_that_no_page_has_shown_yet_is_heard(academy: Academy, door: str) -> None:
    course = academy.course
    with plugin_switched_on_by_sql(academy):
        answer = academy.site.get(f"/courses/{course.slug}", door=door)
        assert answer.data["heard"] is True


@pytest.mark.parametrize("door", ["direct", "full", "internal"])
def test_an_event_before_the_plugin_is_recorded_is_not_lost(academy: Academy, door: str) -> None:
    course = academy.make_course(1)
    academy.bearer("student")
    with plugin_switched_on_by_sql(academy):
        answer = academy.site.post(f"/courses/{course.id}/enroll", **academy.as_("student", door))
        assert answer.status == 201, answer.text
        assert academy.until(lambda noted: bool(noted), 3) == [{"id": answer.data["id"]}]


def test_an_event_without_any_record_is_not_lost(academy: Academy) -> None:
    course = academy.make_course(1)
    listener = "add_action( 'learnomy_student_enrolled', function ( $id ) { note_down( array( 'id' => $id ) ); } );"
    with academy.listening(listener):
        academy.site.php("delete_option( 'learnomy_record' ); return true;")
        academy.forget_copy()
        answer = academy.site.post(f"/courses/{course.id}/enroll", **academy.as_("student", "full"))
        noted = academy.until(lambda seen: bool(seen), 3)
        assert [note["id"] for note in noted] == [answer.data["id"]]


def test_another_theme_is_noticed(academy: Academy) -> None:
    site = academy.site
    before = site.value("SELECT option_value FROM wp_options WHERE option_name = 'stylesheet'")
    change = "UPDATE wp_options SET option_value = %s WHERE option_name IN ('stylesheet', 'template')"
    assert academy.door_of(site.get("/courses")) == "direct"
    site.rows(change, "twentytwentyone")
    academy.forget_copy()
    try:
        assert academy.door_of(site.get("/courses")) == "full"
    finally:
        site.rows(change, before)
        academy.forget_copy()
        academy.record()
