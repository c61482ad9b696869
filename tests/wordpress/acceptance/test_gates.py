"""Plugins that guard the REST API, the site or the login through core's own hooks are obeyed by every door."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.wordpress.acceptance.academy import HTTP_DOORS, Academy

MEMBERS_ONLY = """
add_filter( 'rest_authentication_errors', function ( $result ) {
	if ( true === $result || is_wp_error( $result ) || is_user_logged_in() ) { return $result; }
	return new WP_Error( 'rest_login_required', 'Members only.', array( 'status' => 401 ) );
}, 95 );
"""
CLOSED = """
add_filter( 'rest_authentication_errors', function ( $result ) {
	return new WP_Error( 'api_closed', 'The API is <em>closed</em>.', array( 'status' => 403 ) );
}, 999 );
"""
NO_COURSES = """
add_filter( 'rest_pre_dispatch', function ( $result, $server, $request ) {
	return 0 === strpos( $request->get_route(), '/learnomy/v1/courses' )
		? new WP_Error( 'no_courses_today', 'Not today.', array( 'status' => 423 ) ) : $result;
}, 10, 3 );
"""


@pytest.fixture(autouse=True)
def logged_in(academy: Academy) -> None:
    """Everybody has a credential: behind a guard nobody could get one."""
    for login in ("student", "teacher", "editor1"):
        academy.bearer(login)
    assert academy.teacher


def test_a_plugin_that_refuses_guests_is_obeyed(academy: Academy) -> None:
    with academy.listening(MEMBERS_ONLY):
        for door in HTTP_DOORS:
            guest = academy.site.get("/courses", door=door)
            assert (guest.status, guest.error["code"], guest.error["message"]) == (
                401,
                "unauthenticated",
                "Members only.",
            )
            member = academy.site.get("/courses", **academy.as_("student", door))
            assert member.status == 200, member.text
            assert academy.site.get("/courses", door=door, auth=academy.teacher).status == 200


@pytest.mark.wordpress("6.1", "7.1")
def test_a_closed_api_is_closed_to_everybody(academy: Academy) -> None:
    with academy.listening(CLOSED):
        for door in HTTP_DOORS:
            for how in (academy.as_("", door), academy.as_("student", door)):
                answer = academy.site.get("/me/courses", **how)
                assert (answer.status, answer.error["code"]) == (403, "api_closed")
                assert answer.error["message"] == "The API is closed."
                assert answer.error["request_id"] == answer.headers["X-Request-ID"]
            write = academy.site.post("/auth/token", door=door, json={"username": "student", "password": "x"})
            assert write.status == 403


def test_a_plugin_that_answers_before_dispatch_is_obeyed(academy: Academy) -> None:
    with academy.listening(NO_COURSES):
        for door in (*HTTP_DOORS, "internal"):
            answer = academy.site.get("/courses", **academy.as_("student", door))
            assert answer.status == 423
            if door != "internal":
                assert answer.error["code"] == "no_courses_today"
            assert academy.site.get("/me", **academy.as_("student", door)).status == 200


def test_a_plugin_marked_harmless_closes_no_door(academy: Academy) -> None:
    mark = "\\Learnomy\\Bridge_Options::set( array( 'harmless' => %s ) ); return true;"
    heard = """
    add_filter( 'determine_current_user', function ( $user ) { return $user; } );
    add_action( 'learnomy_student_enrolled', function ( $id ) { note_down( array( 'id' => $id ) ); } );
    """
    with academy.listening(heard):
        assert academy.door_of(academy.site.get("/courses")) == "full"
        academy.site.php(mark % "array( 'mu:acceptance.php' )")
        try:
            academy.forget_copy()
            for door in ("direct", "early"):
                assert academy.door_of(academy.site.get("/courses", door=door)) == door
            # It is harmless to doors: what it listens to, it still hears.
            course = academy.make_course(1)
            enrolled = academy.site.post(f"/courses/{course.id}/enroll", **academy.as_("student", "direct"))
            noted = academy.until(lambda seen: bool(seen), 3)
            assert [note["id"] for note in noted] == [enrolled.data["id"]]
        finally:
            academy.site.php(mark % "array()")


@contextmanager
def private_site(academy: Academy) -> Iterator[None]:
    """A plugin that no hook of the REST API shows: it guards `init`, and is known by its name."""
    code = """
    add_action( 'init', function () {
        if ( 'cli' !== PHP_SAPI && ! is_user_logged_in() && ! strpos( $_SERVER['REQUEST_URI'], 'wp-login.php' ) ) {
            status_header( 403 );
            exit( 'This site is private.' );
        }
    } );
    """
    try:
        with academy.site.plugin("wp-force-login", code):
            academy.record()
            yield
    finally:
        academy.record()


def test_a_private_site_is_private_by_every_door(academy: Academy) -> None:
    with private_site(academy):
        for door in HTTP_DOORS:
            guest = academy.site.get("/courses", door=door)
            assert (guest.status, guest.text) == (403, "This site is private.")
            member = academy.site.get("/me/courses", **academy.as_("student", door))
            assert member.status == 200, member.text
            wrong = academy.site.get("/courses", door=door, headers={"Authorization": "Bearer lrn_" + "x" * 40})
            assert wrong.status in (401, 403)


def test_maintenance_mode_is_obeyed_by_every_door(academy: Academy) -> None:
    with academy.site.maintenance():
        for door in HTTP_DOORS:
            answer = academy.site.get("/courses", **academy.as_("student", door))
            assert answer.status == 503
            assert "Retry-After" in answer.headers
            write = academy.site.post("/auth/token", door=door, json={"username": "student", "password": "x"})
            assert write.status == 503
    assert academy.site.get("/courses").status == 200


def test_a_plugin_switched_off_serves_nothing_by_any_door(academy: Academy) -> None:
    """The web server and the backend are still there; the owner's word is the plugins screen."""
    switch = """
    require_once ABSPATH . 'wp-admin/includes/plugin.php';
    wp_set_current_user( 1 );
    return is_wp_error( %s( 'learnomy/learnomy.php' ) );
    """
    course, key = academy.make_course(1), academy.teacher
    academy.site.php(switch % "deactivate_plugins")
    try:
        for door in HTTP_DOORS:
            answer = academy.site.get("/courses", door=door)
            assert (answer.status, answer.json().get("code")) == (404, "rest_no_route")
            written = academy.site.post(f"/courses/{course.id}/enroll", door=door, auth=key)
            assert written.status == 404
        assert academy.site.page(f"/courses/{course.slug}/").status == 404
        assert academy.site.page("/").status == 200
        assert not (academy.site.content / "mu-plugins" / "learnomy-early.php").exists()
    finally:
        assert academy.site.php(switch % "activate_plugin") is False
        academy.record()
    for door in HTTP_DOORS:
        answer = academy.site.get("/courses", door=door)
        assert (answer.status, academy.door_of(answer)) == (200, door)
    assert academy.site.rows("SELECT id FROM wp_lrn_enrollments WHERE course_id = %s", course.id) == []


# As the usual JWT plugins are: it judges every Bearer it sees, and refuses those it does not know.
FOREIGN = """
add_filter( 'determine_current_user', function ( $user ) {
	$header = $_SERVER['HTTP_AUTHORIZATION'] ?? '';
	if ( 0 !== strpos( $header, 'Bearer ' ) ) { return $user; }
	$parts  = explode( '.', substr( $header, 7 ) );
	$claims = 3 === count( $parts ) ? json_decode( base64_decode( $parts[1] ), true ) : null;
	if ( 'good' !== ( $parts[2] ?? '' ) || empty( $claims['who'] ) ) {
		$GLOBALS['foreign_error'] = new WP_Error( 'foreign_invalid', 'Wrong token.', array( 'status' => 403 ) );
		return $user;
	}
	return get_user_by( 'login', $claims['who'] )->ID;
}, 10 );
add_filter( 'rest_pre_dispatch', function ( $result ) { return $GLOBALS['foreign_error'] ?? $result; } );
"""


def foreign(login: str, signature: str = "good") -> dict[str, str]:
    """A token of that other plugin."""
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in ({"kid": "other"}, {"who": login})
    ]
    return {"Authorization": f"Bearer {parts[0]}.{parts[1]}.{signature}"}


def test_another_plugins_tokens_count_and_ours_are_none_of_its_business(academy: Academy) -> None:
    for door in HTTP_DOORS:
        unknown = academy.site.get("/auth/me", door=door, headers=foreign("teacher"))
        assert (unknown.status, unknown.error["code"]) == (401, "unauthenticated")
    with academy.listening(FOREIGN):
        for door in HTTP_DOORS:
            known = academy.site.get("/auth/me", door=door, headers=foreign("teacher"))
            assert (known.data["username"], known.data["credential"]) == ("teacher", "foreign")
            assert "learnomy_edit_courses" in known.data["capabilities"]
            wrong = academy.site.get("/courses", door=door, headers=foreign("teacher", "bad"))
            assert (wrong.status, wrong.error["code"]) == (403, "foreign_invalid")
            ours = academy.site.get("/auth/me", **academy.as_("student", door))
            assert (ours.data["username"], ours.data["credential"]) == ("student", "jwt")
            # Ours also opens WordPress's own routes, as the same person.
            core = academy.site.get("/wp-json/wp/v2/users/me", **academy.as_("student", "full"))
            assert core.json()["id"] == academy.site.user_id("student")


CAPABILITIES = """
add_filter( 'user_has_cap', function ( $all, $asked, $args, $user ) {
	if ( 'teacher' === $user->user_login ) { $all['learnomy_edit_courses'] = false; }
	if ( 'editor1' === $user->user_login ) { $all['learnomy_manage'] = true; }
	return $all;
}, 10, 4 );
"""


@pytest.mark.parametrize("door", [*HTTP_DOORS, "internal"])
def test_capabilities_that_a_plugin_gives_or_takes_count(academy: Academy, door: str) -> None:
    course = academy.course
    with academy.listening(CAPABILITIES):
        refused = academy.site.patch(
            f"/courses/{course.id}", json={"excerpt": "Changed"}, **academy.as_("teacher", door)
        )
        assert refused.status == 403, refused.text
        manager = academy.site.get("/settings", **academy.as_("editor1", door))
        assert manager.status == 200, manager.text
    assert academy.site.get("/settings", **academy.as_("editor1", door)).status == 403
