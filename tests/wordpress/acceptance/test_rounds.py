"""One request, however many rounds it takes through WordPress: written once, charged once, told again alike."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.site import Answer
from tests.wordpress.acceptance.academy import DOORS, HTTP_DOORS, Academy

# The content is rendered by WordPress while the write is planned: each of these asks at least once.
LESSON = {
    "title": "Asked",
    "content": "<!-- wp:paragraph -->\n<p>Read <script>alert(1)</script>[gallery].</p>\n<!-- /wp:paragraph -->",
}
ADDED = """
add_filter( 'learnomy_rest_lesson_payload', function ( array $payload ) {
	static $times = 0;
	$payload['filtered'] = ++$times;
	return $payload;
} );
add_filter( 'learnomy_pre_create_lesson', function ( $refusal ) {
	note_down( array( 'pre' => 1 ) );
	return $refusal;
} );
"""


@pytest.fixture(scope="module")
def sections() -> dict[str, int]:
    """A section of the teacher's, by site."""
    return {}


@pytest.fixture
def section(academy: Academy, sections: dict[str, int]) -> int:
    key = str(academy.site.folder)
    if key not in sections:
        course = academy.make_course(1)
        answer = academy.site.post(f"/courses/{course.id}/sections", json={"title": "More"}, auth=academy.teacher)
        sections[key] = answer.data["id"]
    return sections[key]


@pytest.mark.parametrize("door", HTTP_DOORS)
def test_a_key_makes_one_lesson_however_often_it_comes(academy: Academy, section: int, door: str) -> None:
    key = {"Idempotency-Key": secrets.token_hex(8)}
    path = f"/sections/{section}/lessons"

    def make(**changed: Any) -> Answer:
        return academy.site.post(path, door=door, auth=academy.teacher, headers=key, json={**LESSON, **changed})

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda _n: make(), range(4)))
    assert {answer.status for answer in together} <= {201, 409}
    made = [answer for answer in together if answer.status == 201]
    assert len({answer.data["id"] for answer in made}) == 1
    assert [answer.headers.get("Idempotency-Replayed") for answer in made].count(None) == 1
    again = make()
    assert (again.status, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert again.json() == made[0].json()
    assert again.headers["Location"].endswith(f"/lessons/{again.data['id']}")
    assert "alert(1)" not in again.data["content_html"] or "<script" not in again.data["content_html"]
    other = make(title="Other")
    assert other.status == 422
    # The filters of PHP come after what was stored: told again, it passes through them again.
    with academy.listening(ADDED):
        filtered = make()
        assert filtered.headers["Idempotency-Replayed"] == "true"
        assert {**filtered.data, "filtered": None} == {**again.data, "filtered": None}
        assert filtered.data["filtered"] == 1
        assert len(academy.noted()) == 1, "a refusing filter is asked once a request"


@pytest.mark.parametrize("door", DOORS)
def test_a_request_is_charged_once(academy: Academy, door: str) -> None:
    body = {"username": "student", "password": "learnomy-demo"}

    def remaining() -> int:
        return int(academy.site.post("/auth/token", door=door, json=body).headers["RateLimit-Remaining"])

    listener = "add_filter( 'authenticate', function ( $user ) { return $user; }, 99 );"
    academy.forget_limits()
    first = remaining()
    assert remaining() == first - 1
    with academy.listening(listener):
        assert remaining() == first - 2
        assert remaining() == first - 3
    # Where capabilities are asked for first, there is a round before anything is charged.
    with academy.listening("add_filter( 'user_has_cap', function ( $all ) { return $all; } );"):
        academy.forget_limits()
        how = academy.as_("student", door)
        token = academy.log_in("student2")["refresh_token"]
        academy.forget_limits()
        answers = [
            academy.site.post("/auth/token/refresh", json={"refresh_token": token if n == 0 else "lrr_x"}, **how)
            for n in range(2)
        ]
        left = [int(answer.headers["RateLimit-Remaining"]) for answer in answers]
        assert left == [first, first - 1]


INNER = """
add_filter( 'learnomy_rest_course_payload', function ( array $payload, object $course, $request ) {
	if ( ! $request instanceof WP_REST_Request || isset( $GLOBALS['acceptance_inner'] ) ) { return $payload; }
	$GLOBALS['acceptance_inner'] = true;
	$inner = rest_do_request( new WP_REST_Request( 'GET', '/learnomy/v1/courses/' . $course->id . '/curriculum' ) );
	$missing = rest_do_request( new WP_REST_Request( 'GET', '/learnomy/v1/courses/999999' ) );
	unset( $GLOBALS['acceptance_inner'] );
	$payload['sections'] = count( $inner->get_data()['data']['sections'] );
	$payload['missing']  = $missing->get_status();
	return $payload;
}, 10, 3 );
"""


@pytest.mark.parametrize("door", DOORS)
def test_a_listener_may_ask_the_api_itself(academy: Academy, door: str) -> None:
    with academy.listening(INNER):
        answer = academy.site.get(f"/courses/{academy.course.slug}", **academy.as_("student", door))
        assert answer.status == 200, answer.text
        assert (answer.data["sections"], answer.data["missing"]) == (1, 404)
        assert answer.data["id"] == academy.course.id


FOLLOWING = """
add_action( 'learnomy_course_completed', function ( int $enrollment_id, int $user_id, int $course_id ) {
	$next = (int) get_option( 'acceptance_next' );
	if ( $next && $next !== $course_id ) {
		wp_set_current_user( $user_id );
		$made = rest_do_request( new WP_REST_Request( 'POST', "/learnomy/v1/courses/$next/enroll" ) );
		note_down( array( 'made' => $made->get_status() ) );
	}
}, 10, 3 );
add_action( 'learnomy_student_enrolled', function ( int $enrollment_id, int $user_id, int $course_id ) {
	note_down( array( 'enrolled' => $course_id, 'user' => $user_id, 'is' => get_current_user_id() ) );
}, 10, 3 );
"""


@pytest.mark.parametrize("door", ["direct", "full"])
def test_a_listener_may_cause_the_next_enrolment(academy: Academy, door: str) -> None:
    """As automation plugins do: who completes one course is enrolled in the next, within the action."""
    first, following = academy.make_course(1), academy.make_course(1)
    user = academy.site.user_id("student2")
    with academy.site.option("acceptance_next", following.id), academy.listening(FOLLOWING):
        for _step, answer in academy.take("student2", first, door):
            assert answer.status in (200, 201), answer.text
        noted = academy.until(lambda seen: len(seen) >= 3)
    plain = [{name: value for name, value in note.items() if name != "at"} for note in noted]
    assert plain == [
        {"enrolled": first.id, "user": user, "is": user},
        {"enrolled": following.id, "user": user, "is": user},
        {"made": 201},
    ]


LATE = """
add_action( 'plugins_loaded', function () { learnomy_listens( 'learnomy_rest_course_payload' ); } );
add_action( 'rest_api_init', function () {
	add_filter( 'learnomy_rest_course_payload', fn( array $payload ) => array( 'late' => 1 ) + $payload );
} );
"""


def test_a_declared_listener_is_asked_before_any_rest_request_showed_it(academy: Academy) -> None:
    with academy.listening(LATE):
        for door in DOORS:
            assert academy.site.get(f"/courses/{academy.course.slug}", door=door).data["late"] == 1, door
