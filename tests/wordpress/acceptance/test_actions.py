"""Actions end to end: what a request changes, PHP's listeners hear once, after the commit and soon."""

from __future__ import annotations

import statistics
import time
from typing import Any

import pytest

from tests.site import Answer
from tests.wordpress.acceptance.academy import Academy, Course

# Typed as integrators declare theirs, without strict types; each reads the row that the action is about.
LISTENERS = """
add_action( 'learnomy_student_enrolled', function ( int $enrollment_id, int $user_id, int $course_id, string $source ) {
	global $wpdb;
	$row = $wpdb->get_row( "SELECT user_id, course_id, status FROM {$wpdb->prefix}lrn_enrollments
		WHERE id = $enrollment_id" );
	note_down( array( 'hook' => current_action(), 'args' => func_get_args(), 'row' => array_values( (array) $row ) ) );
}, 10, 4 );
add_action( 'learnomy_lesson_completed', function ( int $user_id, int $lesson_id, int $course_id ) {
	global $wpdb;
	$row = $wpdb->get_row( "SELECT state FROM {$wpdb->prefix}lrn_progress WHERE user_id = $user_id
		AND object_type = 'lesson' AND object_id = $lesson_id" );
	note_down( array( 'hook' => current_action(), 'args' => func_get_args(), 'row' => array_values( (array) $row ) ) );
}, 10, 3 );
add_action( 'learnomy_course_completed', function ( int $enrollment_id, int $user_id, int $course_id ) {
	global $wpdb;
	$row = $wpdb->get_row( "SELECT status, progress_percent FROM {$wpdb->prefix}lrn_enrollments
		WHERE id = $enrollment_id" );
	note_down( array( 'hook' => current_action(), 'args' => func_get_args(), 'row' => array_values( (array) $row ) ) );
}, 10, 3 );
"""

PEOPLE = ("student", "student2", "editor1")
LESSONS = 9
HOOKS = 1 + LESSONS + 1


def user_of(note: dict[str, Any]) -> int:
    """Whom an action is about: it stands first for a lesson, second otherwise."""
    return int(note["args"][0 if note["hook"] == "learnomy_lesson_completed" else 1])


def expected(user: int, course: Course, enrolment: int) -> list[tuple[str, list[Any]]]:
    """What the listeners of a whole course must hear, in order."""
    return [
        ("learnomy_student_enrolled", [enrolment, user, course.id, "self"]),
        *(("learnomy_lesson_completed", [user, lesson, course.id]) for lesson in course.lessons),
        ("learnomy_course_completed", [enrolment, user, course.id]),
    ]


@pytest.mark.parametrize("door", ["direct", "full"])
def test_each_action_is_heard_once_in_order_and_within_a_second(academy: Academy, door: str) -> None:
    course = academy.make_course(LESSONS)
    answered: dict[int, list[float]] = {}
    enrolments: dict[int, int] = {}
    with academy.listening(LISTENERS):
        for login in PEOPLE:
            user = academy.site.user_id(login)
            answered[user] = []
            for step, answer in academy.take(login, course, door):
                assert answer.status in (200, 201), answer.text
                answered[user].append(time.time())
                if step == "enrol":
                    enrolments[user] = answer.data["enrollment_id"]
            answered[user].append(answered[user][-1])  # the last lesson completes the course
        academy.until(lambda noted: len(noted) >= HOOKS * len(PEOPLE))
        time.sleep(0.4)  # a second firing would come now
        heard = academy.noted()
    late = []
    for user, enrolment in enrolments.items():
        mine = [note for note in heard if user_of(note) == user]
        assert [(note["hook"], note["args"]) for note in mine] == expected(user, course, enrolment)
        late += [note["at"] - at for note, at in zip(mine, answered[user], strict=True)]
        # The rows are there when the listener looks; the first may be seen after the last was committed.
        assert mine[0]["row"][:2] == [str(user), str(course.id)]
        assert all(note["row"] == ["completed"] for note in mine[1:-1])
        assert mine[-1]["row"] == ["completed", "100"]
    assert len(heard) == HOOKS * len(PEOPLE)
    p95 = statistics.quantiles(late, n=20)[-1]
    assert p95 < 1.0, sorted(late)[-5:]


def test_nothing_is_heard_of_what_was_rolled_back_or_is_done_already(academy: Academy) -> None:
    course = academy.make_course(1)
    with academy.listening(LISTENERS):
        for door in ("direct", "full"):
            refused = academy.site.post(f"/lessons/{course.lessons[0]}/complete", **academy.as_("student2", door))
            assert (refused.status, refused.error["code"]) == (403, "not_enrolled")
        for _ in range(2):
            for _step, answer in academy.take("student", course, "direct"):
                assert answer.status in (200, 201, 409), answer.text
        heard = academy.until(lambda noted: len(noted) >= 3)
        time.sleep(0.5)
        assert [note["hook"] for note in academy.noted()] == [note["hook"] for note in heard]
    assert [note["hook"] for note in heard] == [
        "learnomy_student_enrolled",
        "learnomy_lesson_completed",
        "learnomy_course_completed",
    ]


BADLY_BEHAVED = """
add_action( 'learnomy_student_enrolled', function ( $id ) { note_down( array( 'who' => 'first' ) ); }, 1 );
add_action( 'learnomy_student_enrolled', function ( int $a, int $b, int $c, int $source ) {
	note_down( array( 'who' => 'wrong type' ) );
}, 2, 4 );
add_action( 'learnomy_student_enrolled', function () { throw new Error( 'no' ); }, 3 );
add_action( 'learnomy_student_enrolled', function () { echo '<h1>printed</h1>'; header( 'X-Spoilt: yes' ); }, 4 );
add_action( 'learnomy_student_enrolled', function () {
	global $wpdb;
	$wpdb->suppress_errors();
	$wpdb->query( 'ROLLBACK' );
	$wpdb->query( 'no sql' );
}, 5 );
add_action( 'learnomy_student_enrolled', function () {
	wp_set_current_user( 1 );
	wp_redirect( home_url( '/elsewhere/' ) );
	exit;
}, 6 );
add_action( 'learnomy_student_enrolled', function () { sleep( 1 ); }, 7 );
add_action( 'learnomy_student_enrolled', function () { while ( ob_get_level() ) { ob_end_clean(); } exit( 0 ); }, 8 );
add_action( 'learnomy_student_enrolled', function ( $id ) { note_down( array( 'who' => 'last' ) ); }, 9 );
"""


@pytest.mark.parametrize("door", ["direct", "early", "full", "internal"])
def test_bad_listeners_change_neither_the_answer_nor_the_good_ones(academy: Academy, door: str) -> None:
    plain = academy.site.post(f"/courses/{academy.make_course(1).id}/enroll", **academy.as_("student", door))
    course = academy.make_course(1)
    with academy.listening(BADLY_BEHAVED):
        began = time.monotonic()
        answer: Answer | None = None
        if door == "internal":
            # Inside WordPress the actions fire at once, and an exit ends the caller's own process.
            academy.site.php(INSIDE % (academy.site.user_id("student"), course.id))
        else:
            answer = academy.site.post(f"/courses/{course.id}/enroll", **academy.as_("student", door))
        took = time.monotonic() - began
        heard = academy.until(lambda noted: len(noted) >= 2)
        time.sleep(0.3)
        assert [note["who"] for note in academy.noted()] == ["first", "last"], heard
    if answer is not None:
        assert took < 1.0
        assert answer.status == plain.status == 201
        assert set(answer.headers) == set(plain.headers)
        assert answer.data.keys() == plain.data.keys()
    state = academy.site.rows("SELECT state FROM wp_lrn_outbox ORDER BY id DESC LIMIT 1")
    assert state == [{"state": "done"}]


INSIDE = """
wp_set_current_user( %d );
register_shutdown_function( function () { echo getenv( 'LEARNOMY_SITE_MARK' ), 'true'; } );
rest_do_request( new WP_REST_Request( 'POST', '/learnomy/v1/courses/%d/enroll' ) );
return true;
"""


def test_community_panels_are_dropped_where_they_show_something_else_now(academy: Academy) -> None:
    """BuddyNext Pro listens to a hook of its own only; where it does not, nothing is written for it."""
    site, student, assistant = academy.site, academy.site.user_id("student"), academy.site.user_id("student2")
    written = "SELECT COUNT(*) FROM wp_lrn_outbox WHERE hook = 'buddynext_suite_panels_changed'"
    listener = """
    add_action( 'buddynext_suite_panels_changed', function ( int $member_id ) { note_down( array( $member_id ) ); } );
    """
    before = site.value(written)
    for heard in (False, True):
        course = academy.make_course(1)
        place = f"/courses/{course.id}/instructors/{assistant}"
        with academy.listening(listener if heard else ""):
            for _step, answer in academy.take("student", course, "direct"):
                assert answer.status in (200, 201)
            for method, body in (("PUT", {"role": "assistant"}), ("PUT", {"role": "assistant"}), ("DELETE", None)):
                assert site.request(method, place, json=body, auth=academy.teacher).status in (200, 201)
            told = [note["0"] for note in academy.until(lambda noted: len(noted) >= 3, 8 if heard else 1)]
        assert told == ([student, assistant, assistant] if heard else [])
    assert site.value(written) == before + 3
