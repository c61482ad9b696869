"""Filters of other plugins around an answer count by every door, whoever calls and however."""

from __future__ import annotations

from typing import Any

import pytest

from tests.site import Answer
from tests.wordpress.acceptance.academy import DOORS, HTTP_DOORS, Academy

# As MediaShield's: three arguments, an array, an object, and the request where there is one.
LESSON = """
add_filter( 'learnomy_rest_lesson_payload', function ( array $payload, object $lesson, ?WP_REST_Request $request ) {
	$payload['added'] = array(
		'viewer'  => get_current_user_id(),
		'type'    => $lesson->content_type,
		'video'   => $lesson->video_url,
		'request' => $request instanceof WP_REST_Request,
		'said'    => get_option( 'acceptance_said', '' ),
	);
	return $payload;
}, 10, 3 );
"""


@pytest.fixture(scope="module")
def enrolled() -> dict[str, int]:
    """The lesson that the student may read, by site."""
    return {}


@pytest.fixture
def lesson(academy: Academy, enrolled: dict[str, int]) -> int:
    """A lesson that student and student2 may read."""
    key = str(academy.site.folder)
    if key not in enrolled:
        course = academy.make_course(1)
        for login in ("student", "student2"):
            assert academy.site.post(f"/courses/{course.id}/enroll", **academy.as_(login, "direct")).status == 201
        enrolled[key] = course.lessons[0]
    return enrolled[key]


def test_a_listener_changes_the_lesson_by_every_door(academy: Academy, lesson: int) -> None:
    path = f"/lessons/{lesson}"
    plain = {door: academy.site.get(path, **academy.as_("student", door)) for door in DOORS}
    assert [academy.door_of(plain[door]) for door in HTTP_DOORS] == list(HTTP_DOORS)
    with academy.listening(LESSON):
        for door in DOORS:
            answer = academy.site.get(path, **academy.as_("student", door))
            added = {
                "viewer": academy.site.user_id("student"),
                "type": "text",
                "video": None,
                "request": True,
                "said": "",
            }
            assert answer.status == 200
            assert answer.data == {**plain[door].data, "added": added}, door
            if door != "internal":
                assert academy.door_of(answer) == "full"
                assert {"private", "no-store"} <= set(answer.headers["Cache-Control"].split(", "))
        for how in everybody(academy):
            answer = academy.site.get(path, **how)
            assert answer.data["added"]["viewer"] == academy.site.user_id("student"), how
    assert academy.door_of(academy.site.get(path, **academy.as_("student", "direct"))) == "direct"


def everybody(academy: Academy) -> list[dict[str, Any]]:
    """The student by each credential and door."""
    cookies, nonce = academy.site.log_in("student")
    password = academy.site.application_password("student")
    by_cookie = {"cookies": cookies, "headers": {"X-WP-Nonce": nonce}}
    return [{"door": door, **how} for door in ("early", "full") for how in (by_cookie, {"auth": password})]


@pytest.mark.parametrize("door", HTTP_DOORS)
def test_a_filtered_answer_has_a_tag_of_its_own(academy: Academy, lesson: int, door: str) -> None:
    path, how = f"/lessons/{lesson}", academy.as_("student", door)
    unfiltered = academy.site.get(path, **how).headers["ETag"]

    def ask(etag: str, login: str = "student") -> Answer:
        headers = {**academy.bearer(login), "If-None-Match": etag}
        return academy.site.get(path, door=door, headers=headers)

    with academy.listening(LESSON):
        assert ask(unfiltered).status == 200
        etag = academy.site.get(path, **how).headers["ETag"]
        assert etag != unfiltered
        assert etag.split(".")[0] == unfiltered.split(".")[0], "the version is the lesson's own"
        again = ask(etag)
        assert (again.status, again.body, again.headers["ETag"]) == (304, b"", etag)
        assert ask(etag, "student2").status == 200, "another viewer's answer is another"
        with academy.site.option("acceptance_said", "something else"):
            changed = ask(etag)
        assert (changed.status, changed.data["added"]["said"]) == (200, "something else")
        # If-Match goes by the version, which no filter changes.
        title = {"title": "Lesson 0"}
        edit = {"auth": academy.teacher, "door": door, "json": title}
        assert academy.site.patch(path, headers={"If-Match": '"99999.x"'}, **edit).status == 412
        edited = academy.site.patch(path, headers={"If-Match": etag}, **edit)
        assert edited.status == 200, edited.text
        assert edited.data["added"]["viewer"] == academy.site.user_id("teacher")


@pytest.mark.parametrize("door", DOORS)
def test_field_selection_sees_what_a_filter_added(academy: Academy, lesson: int, door: str) -> None:
    with academy.listening(LESSON):
        answer = academy.site.get(f"/lessons/{lesson}?_fields=id,added.type", **academy.as_("student", door))
    assert answer.json() == {"data": {"id": lesson, "added": {"type": "text"}}}


FAILING = """
add_filter( 'learnomy_rest_lesson_payload', function ( array $payload, array $lesson ) { return $payload; }, 10, 2 );
"""
SPOILING = """
add_filter( 'learnomy_rest_lesson_payload', function ( $payload ) { echo '<b>noise</b>'; return null; } );
"""


@pytest.mark.parametrize("door", DOORS)
def test_a_broken_listener_cannot_break_the_envelope(academy: Academy, lesson: int, door: str) -> None:
    path, how = f"/lessons/{lesson}", academy.as_("student", door)
    with academy.listening(FAILING):
        answer = academy.site.get(path, **how)
    assert (answer.status, answer.error["code"]) == (500, "internal_error")
    with academy.listening(SPOILING):
        answer = academy.site.get(path, **how)
    assert answer.status == 200
    assert answer.text.endswith("}")
    assert answer.text[answer.text.index("{") :] == answer.text, "what a listener prints is no part of the answer"
    assert answer.data["id"] == lesson


QUERY = """
add_filter( 'learnomy_course_query', function ( array $query, WP_REST_Request $request ) {
	$query['search'] = 'no course has such a name';
	return $query;
}, 10, 2 );
add_filter( 'learnomy_pre_enroll_in_course', function ( $refusal, array $params, WP_REST_Request $request ) {
	return new WP_Error( 'not_on_mondays', 'Come <b>back</b> tomorrow.', array( 'status' => 409 ) );
}, 10, 3 );
"""


def test_query_and_refusing_filters_count_by_every_door(academy: Academy) -> None:
    course = academy.make_course(1)
    with academy.listening(QUERY):
        for door in DOORS:
            listed = academy.site.get("/courses", **academy.as_("", door))
            assert (listed.data, listed.json()["meta"]["total"]) == ([], 0), door
            refused = academy.site.post(f"/courses/{course.id}/enroll", **academy.as_("student", door))
            assert refused.status == 409
            assert (refused.error["code"], refused.error["message"]) == ("not_on_mondays", "Come back tomorrow.")
            assert refused.error["request_id"] == refused.headers["X-Request-ID"]
    assert academy.site.rows("SELECT id FROM wp_lrn_enrollments WHERE course_id = %s", course.id) == []
    assert academy.site.get("/courses").json()["meta"]["total"] > 0
