"""Listeners of actions: each on its own, as core's own do_action calls them, whatever one of them does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tests.site import Site
from tests.wordpress.outbox import Outbox, Rest, token

THREE = """
add_action( 'learnomy_student_enrolled', function ( int $enrollment, int $user, int $course, string $source ) {
	heard( "first $enrollment $user $course [$source]" );
}, 5, 4 );
add_action( 'learnomy_student_enrolled', function ( int $enrollment ) { heard( 'second' ); %s }, 10, 1 );
add_action( 'learnomy_student_enrolled', function ( $enrollment, $user ) { heard( "third $user" ); }, 11, 2 );
"""
ALL_HEARD = ["first 12 3 4 [self]", "second", "third 3"]


@pytest.fixture(scope="module")
def rest() -> Iterator[Rest]:
    """Workers of this module's sites rest until its end."""
    made = Rest()
    yield made
    made.end()


@pytest.fixture
def outbox(site: Site, rest: Rest) -> Outbox:
    """The outbox of a site whose worker rests."""
    rest.worker_of(site)
    return Outbox(site)


def get(outbox: Outbox, query: str) -> requests.Response:
    """Ask for a page of the site."""
    with requests.Session() as session:
        session.trust_env = False
        return session.get(f"{outbox.site.php_url}/?{query}", timeout=30, allow_redirects=False)


BEHAVIOURS = {
    "nothing": ("", None),
    "throws": ('throw new RuntimeException( "no\\nway" );', "threw"),
    "type error": ("strlen( array() );", "threw"),
    "prints": ("echo 'PRINTED'; print_r( array( 1 ) ); trigger_error( 'a warning', E_USER_WARNING );", None),
    "redirects": ("wp_redirect( 'https://example.org/' ); setcookie( 'x', 'y' ); status_header( 418 );", None),
    "redirects and exits": ("wp_redirect( 'https://example.org/' ); exit;", "exit"),
    "exits": ("exit( 'bye' );", "exit"),
    "dies": ("wp_die( 'no' );", "exit"),
    "fatal": ("eval( 'class Twice {} class Twice {}' );", "fatal"),
}


@pytest.mark.wordpress("6.1", "6.8", "7.1")
@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_a_listener_changes_neither_the_answer_nor_the_others(outbox: Outbox, behaviour: str) -> None:
    code, noted = BEHAVIOURS[behaviour]
    with outbox.listeners(THREE % code):
        claim = token()
        row = outbox.add(12, 3, 4, "self", token=claim)
        answer = get(outbox, f"test_defer={claim}")
        if behaviour == "fatal":
            outbox.until("pending")
            get(outbox, "test_pull=1")
        assert outbox.until("done") == ALL_HEARD
        assert (answer.status_code, answer.text) == (200, "the answer")
        assert "Location" not in answer.headers
        assert "Set-Cookie" not in answer.headers
        note = outbox.row(row)["note"]
        assert note is None if noted is None else note.startswith(f"{noted} closure in ")


@pytest.mark.parametrize("behaviour", [name for name in BEHAVIOURS if name not in {"fatal", "dies"}])
def test_the_drain_gets_its_reply_whatever_a_listener_does(outbox: Outbox, behaviour: str) -> None:
    code, _noted = BEHAVIOURS[behaviour]
    with outbox.listeners(THREE % code):
        claim = token()
        row = outbox.add(12, 3, 4, "self", token=claim)
        reply = outbox.call("fire", {"token": claim, "ids": [row]})
        assert reply.status_code == 200
        assert reply.json() == {"data": {"done": [row], "skipped": [], "failed": []}}
        assert outbox.heard() == ALL_HEARD


def test_out_of_memory_and_fatal_errors_are_noted_and_the_rest_goes_on(outbox: Outbox) -> None:
    code = "$s = ''; while ( true ) { $s .= str_repeat( 'a', 10000000 ); }"
    with outbox.listeners(THREE % code):
        claim = token()
        row = outbox.add(12, 3, 4, "self", token=claim)
        get(outbox, f"test_fire={claim}")
        assert outbox.until("done") == ALL_HEARD
        assert outbox.row(row)["note"].startswith("fatal closure in ")


def test_a_sleeping_listener_delays_no_answer(outbox: Outbox) -> None:
    with outbox.listeners(THREE % "sleep( 2 );"):
        claim = token()
        outbox.add(12, 3, 4, "self", token=claim)
        answer = get(outbox, f"test_defer={claim}")
        assert answer.text == "the answer"
        assert answer.elapsed.total_seconds() < 1
        assert outbox.until("done") == ALL_HEARD


def test_several_exits_in_several_rows_lose_and_repeat_nothing(outbox: Outbox) -> None:
    with outbox.listeners(THREE % "exit;"):
        claim = token()
        for number in range(4):
            outbox.add(12, 3, 4, "self", token=claim, aggregate=f"course_user:4:{number}")
        get(outbox, f"test_defer={claim}")
        for _ in range(4):
            get(outbox, "test_pull=1")
        assert outbox.until("done", "done", "done", "done") == ALL_HEARD * 4


def test_an_exit_in_the_middle_of_a_page_still_lets_the_rest_hear(outbox: Outbox) -> None:
    with outbox.listeners(THREE % "exit;"):
        claim = token()
        outbox.add(12, 3, 4, "self", token=claim)
        get(outbox, f"test_fire={claim}")
        assert outbox.until("done") == ALL_HEARD


def test_arguments_are_native_and_coerced_as_cores_callers_do(outbox: Outbox) -> None:
    code = """
    add_action( 'learnomy_quiz_passed', function ( int $attempt, int $user, int $quiz, $score ) {
        heard( gettype( $attempt ) . $attempt . ' ' . gettype( $score ) . ' ' . json_encode( $score ) );
    }, 10, 4 );
    add_action( 'learnomy_quiz_passed', function ( ...$all ) { heard( json_encode( $all ) ); }, 11, 2 );
    """
    with outbox.listeners(code):
        claim = token()
        for number, args in enumerate(((5, 3, 4, 87.0), ("5", "3", "4", 87.5), (5, 3, 4, None))):
            outbox.add(*args, hook="learnomy_quiz_passed", token=claim, aggregate=f"attempt:{number}")
        get(outbox, f"test_fire={claim}")
        assert outbox.until("done", "done", "done") == [
            "integer5 integer 87",
            "[5,3]",
            "integer5 double 87.5",
            '["5","3"]',
            'integer5 string ""',
            "[5,3]",
        ]


def test_hooks_inside_hooks_are_cores(outbox: Outbox) -> None:
    code = """
    add_action( 'learnomy_student_enrolled', function ( $id ) {
        heard( 'a ' . current_filter() . ' ' . did_action( 'learnomy_student_enrolled' ) );
        remove_action( 'learnomy_student_enrolled', 'removed_listener', 10 );
        add_action( 'learnomy_student_enrolled', function () {
            heard( 'added later' );
            throw new Exception( 'x' );
        }, 20 );
        do_action( 'learnomy_other', $id );
        heard( 'after ' . current_filter() );
    }, 5 );
    function removed_listener() { heard( 'removed' ); }
    add_action( 'learnomy_student_enrolled', 'removed_listener', 10 );
    function kept_listener() { heard( 'kept' ); }
    add_action( 'learnomy_student_enrolled', 'kept_listener', 15 );
    add_action( 'learnomy_other', function ( $id ) { heard( "other $id " . current_filter() ); } );
    add_action( 'learnomy_student_enrolled', function () {
        global $wp_filter;
        heard( 'last' . ( has_action( 'learnomy_student_enrolled', 'kept_listener' ) === 15 ? ' seen' : ' hidden' ) );
    }, 99 );
    add_action( 'learnomy_student_enrolled', function ( $id ) {
        static $deep = 0;
        if ( ! $deep++ ) {
            remove_all_actions( 'learnomy_student_enrolled', 5 );
            do_action( 'learnomy_student_enrolled', 7 );
        }
    }, 100 );
    """
    with outbox.listeners(code):
        claim = token()
        row = outbox.add(12, 3, 4, "", token=claim)
        get(outbox, f"test_fire={claim}")
        heard = outbox.until("done")
        assert heard[:7] == [
            "a learnomy_student_enrolled 1",
            "other 12 learnomy_other",
            "after learnomy_student_enrolled",
            "kept",
            "added later",
            "last seen",
            "kept",
        ]
        assert "removed" not in heard
        assert outbox.row(row)["note"].count("threw") == 2


def test_a_callback_on_the_hook_all_cannot_stop_an_action(outbox: Outbox) -> None:
    code = """
    add_action( 'all', function ( $hook ) {
        if ( 'learnomy_student_enrolled' === $hook ) { throw new Exception( 'all' ); }
    } );
    """
    with outbox.listeners(THREE % "" + code):
        claim = token()
        outbox.add(12, 3, 4, "self", token=claim)
        get(outbox, f"test_fire={claim}")
        assert outbox.until("done") == ALL_HEARD


def test_listeners_run_as_the_one_who_caused_the_event(outbox: Outbox) -> None:
    student = outbox.site.user_id("student")
    code = "add_action( 'learnomy_student_enrolled', function () { heard( get_current_user_id() ); } );"
    code += f"add_action( 'wp_loaded', function () {{ wp_set_current_user( {outbox.site.user_id('editor1')} ); }}, 0 );"
    with outbox.listeners(code):
        claim = token()
        outbox.add(1, 2, 3, "", token=claim, actor=student, aggregate="a")
        outbox.add(1, 2, 3, "", token=claim, actor=0, aggregate="b")
        get(outbox, f"test_fire={claim}")
        assert outbox.until("done", "done") == [str(student), "0"]


def test_a_plugins_open_transaction_does_not_hold_the_outbox(outbox: Outbox) -> None:
    code = """
    add_action( 'learnomy_student_enrolled', function () {
        heard( 'once' );
        $GLOBALS['wpdb']->query( 'START TRANSACTION' );
    }, 5 );
    add_action( 'learnomy_student_enrolled', function () { exit; }, 10 );
    """
    with outbox.listeners(code):
        claim = token()
        outbox.add(1, 2, 3, "", token=claim)
        get(outbox, f"test_fire={claim}")
        assert outbox.until("done") == ["once"]
