"""The outbox as the only memory: claims, kills, pullers and order, with the worker at rest."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pymysql
import pytest
import requests

from tests.site import Site
from tests.wordpress.outbox import Outbox, Rest, token

STEPS = """
function step( $name ) {
	return function ( $id ) use ( $name ) {
		heard( "$name $id" );
		$marker = WP_CONTENT_DIR . '/kill-' . $name;
		if ( file_exists( $marker ) ) {
			if ( 'once' === file_get_contents( $marker ) ) { unlink( $marker ); }
			shell_exec( 'kill -9 ' . getmypid() );
		}
	};
}
foreach ( array( 'one' => 1, 'two' => 5, 'three' => 5, 'four' => 99 ) as $name => $priority ) {
	add_action( 'learnomy_student_enrolled', step( $name ), $priority );
}
"""
NAMES = ("one", "two", "three", "four")


@pytest.fixture(scope="module")
def rest() -> Iterator[Rest]:
    """Workers of this module's sites rest until its end."""
    made = Rest()
    yield made
    made.end()


@pytest.fixture
def outbox(site: Site, rest: Rest) -> Iterator[Outbox]:
    """The outbox of a site whose worker rests and whose claims last a second."""
    rest.worker_of(site)
    with site.config("define( 'LEARNOMY_LEASE_SECONDS', 1 );"):
        yield Outbox(site)


@pytest.fixture
def kill(site: Site) -> Iterator[object]:
    """Has a listener kill its process: once, or always."""
    made = []

    def mark(name: str, times: str) -> None:
        path = site.content / f"kill-{name}"
        path.write_text(times)
        made.append(path)

    yield mark
    for path in made:
        path.unlink(missing_ok=True)


def get(outbox: Outbox, query: str, path: str = "/") -> requests.Response | None:
    """Ask for a page of the site; None where the process was killed."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.get(f"{outbox.site.php_url}{path}?{query}", timeout=30, allow_redirects=False)
        except requests.ConnectionError:
            return None


def wait_for_lease() -> None:
    """Wait until a claim of one second has ended."""
    time.sleep(1.2)


@pytest.mark.parametrize("name", NAMES)
def test_after_a_kill_only_the_listener_in_flight_repeats(outbox: Outbox, kill: object, name: str) -> None:
    with outbox.listeners(STEPS):
        kill(name, "once")  # type: ignore[operator]
        claim = token()
        row = outbox.add(7, 3, 4, "", token=claim)
        get(outbox, f"test_fire={claim}")
        assert outbox.row(row)["state"] == "firing"
        get(outbox, "test_pull=1")
        assert outbox.row(row)["state"] == "firing", "the claim still holds"
        wait_for_lease()
        get(outbox, "test_pull=1")
        at = NAMES.index(name) + 1
        assert outbox.until("done") == [f"{step} 7" for step in (*NAMES[:at], *NAMES[at - 1 :])]
        assert outbox.row(row)["note"].startswith(f"repeated {at - 1} closure in ")


@pytest.mark.parametrize("name", NAMES)
def test_a_listener_that_kills_twice_is_left_out_and_named(outbox: Outbox, kill: object, name: str) -> None:
    with outbox.listeners(STEPS):
        kill(name, "always")  # type: ignore[operator]
        row = outbox.add(7, 3, 4, "", state="pending")
        for _ in range(3):
            get(outbox, "test_pull=1")
            wait_for_lease()
        at = NAMES.index(name) + 1
        assert outbox.until("skipped") == [f"{step} 7" for step in (*NAMES[:at], name, *NAMES[at:])]
        assert "skipped closure in " in outbox.row(row)["note"]


def test_a_claim_whose_holder_died_before_firing_is_taken_over(outbox: Outbox) -> None:
    with outbox.listeners(STEPS):
        row = outbox.add(7, 3, 4, "", token=token(), lease=-1)
        get(outbox, "test_pull=1")
        assert outbox.until("done") == [f"{name} 7" for name in NAMES]
        assert outbox.row(row)["note"] is None


def test_a_claim_is_fired_once_however_often_its_token_comes(outbox: Outbox) -> None:
    with outbox.listeners(STEPS + "add_action( 'learnomy_student_enrolled', function () { usleep( 200000 ); } );"):
        claim = token()
        outbox.add(7, 3, 4, "", token=claim)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _n: get(outbox, f"test_fire={claim}"), range(4)))
        get(outbox, f"test_fire={token()}")
        get(outbox, "test_fire='%20OR%201=1")
        assert outbox.until("done") == [f"{name} 7" for name in NAMES]


def test_many_claimers_fire_each_row_once_and_in_order(outbox: Outbox) -> None:
    code = """
    add_action( 'learnomy_student_enrolled', function ( $id, $aggregate ) {
        heard( "$aggregate $id" );
        usleep( 5000 );
    }, 10, 2 );
    """
    with outbox.listeners(code):
        for number in range(40):
            outbox.add(number, f"a{number % 5}", 0, "", state="pending", aggregate=f"a{number % 5}")
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda _n: get(outbox, "test_pull=1"), range(12)))
        heard = outbox.until(*["done"] * 40)
        assert len(heard) == 40
        for aggregate in range(5):
            mine = [int(line.split()[1]) for line in heard if line.startswith(f"a{aggregate} ")]
            assert mine == list(range(aggregate, 40, 5))


def test_a_row_that_commits_late_is_neither_lost_nor_waited_for(outbox: Outbox) -> None:
    site = outbox.site
    with outbox.listeners(STEPS):
        late = pymysql.connect(
            unix_socket=site.database_url.split("unix_socket=")[1].split("&")[0],
            user="root",
            database=site.layout.database,
        )
        try:
            with late.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO wp_lrn_outbox (aggregate, event, hook, args, created_at) VALUES"
                    " ('late', 'enrollment.created', 'learnomy_student_enrolled', '[1, 1, 1, \"\"]', UTC_TIMESTAMP(6))"
                )
                outbox.add(2, 1, 1, "", state="pending", aggregate="other")
                get(outbox, "test_pull=1")
                assert outbox.until("done") == [f"{name} 2" for name in NAMES]
            late.commit()
        finally:
            late.close()
        get(outbox, "test_pull=1")
        assert outbox.until("done", "done")[4:] == [f"{name} 1" for name in NAMES]


def test_a_row_waits_for_the_earlier_ones_of_its_aggregate(outbox: Outbox) -> None:
    with outbox.listeners(STEPS):
        claim = token()
        outbox.add(1, 1, 1, "", token=claim, lease=60)
        outbox.add(2, 1, 1, "", state="pending")
        get(outbox, "test_pull=1")
        assert outbox.states() == ["claimed", "pending"]
        get(outbox, f"test_fire={claim}")
        assert outbox.until("done", "done") == [f"{name} {number}" for number in (1, 2) for name in NAMES]


def test_a_listener_may_cause_events_of_its_own(outbox: Outbox) -> None:
    inner = token()
    code = f"""
    add_action( 'learnomy_student_enrolled', function ( $id ) {{
        heard( "before $id" );
        if ( 1 === $id ) {{ heard( json_encode( Learnomy\\Actions::fire_token( '{inner}' ) ) ); }}
    }}, 1 );
    add_action( 'learnomy_student_enrolled', function ( $id ) {{ heard( "after $id" ); }}, 2 );
    """
    with outbox.listeners(code):
        claim = token()
        outbox.add(1, 1, 1, "", token=claim)
        row = outbox.add(2, 1, 1, "", token=inner, aggregate="other")
        get(outbox, f"test_fire={claim}")
        said = f'{{"done":[{row}],"skipped":[],"failed":[]}}'
        assert outbox.until("done", "done") == ["before 1", "before 2", "after 2", said, "after 1"]


@pytest.mark.parametrize("ends", ["1", "2"])
def test_an_exit_in_an_event_inside_an_event_loses_nothing(outbox: Outbox, ends: str) -> None:
    inner = token()
    code = f"""
    add_action( 'learnomy_student_enrolled', function ( $id ) {{
        heard( "before $id" );
        if ( 1 === $id ) {{ Learnomy\\Actions::fire_token( '{inner}' ); }}
        if ( {ends} === $id ) {{ exit; }}
    }}, 1 );
    add_action( 'learnomy_student_enrolled', function ( $id ) {{ heard( "after $id" ); }}, 2 );
    """
    with outbox.listeners(code):
        claim = token()
        outbox.add(1, 1, 1, "", token=claim)
        outbox.add(2, 1, 1, "", token=inner, aggregate="other")
        get(outbox, f"test_fire={claim}")
        assert outbox.until("done", "done") == ["before 1", "before 2", "after 2", "after 1"]


@pytest.mark.wordpress("6.1", "7.1")
def test_any_page_of_the_site_fires_what_is_due(outbox: Outbox) -> None:
    with outbox.listeners(STEPS):
        outbox.add(7, 3, 4, "", state="pending")
        answer = get(outbox, "")
        assert answer is not None
        assert answer.status_code == 200
        assert outbox.until("done") == [f"{name} 7" for name in NAMES]


def test_a_page_fires_a_few_rows_and_wp_cron_the_rest(outbox: Outbox) -> None:
    with outbox.listeners("add_action( 'learnomy_student_enrolled', function ( $id ) { heard( $id ); } );"):
        for number in range(25):
            outbox.add(number, 3, 4, "", state="pending", aggregate=f"a{number}")
        get(outbox, "")
        outbox.until(*["done"] * 10, *["pending"] * 15)
        outbox.site.php("wp_schedule_single_event( time() - 1, 'learnomy_pull_outbox' ); return true;")
        get(outbox, "doing_wp_cron", "/wp-cron.php")
        assert sorted(outbox.until(*["done"] * 25), key=int) == [str(number) for number in range(25)]


def test_the_cron_event_is_kept_scheduled(outbox: Outbox) -> None:
    outbox.site.php("wp_clear_scheduled_hook( 'learnomy_pull_outbox' ); return true;")
    get(outbox, "")
    assert outbox.site.php("return wp_get_schedule( 'learnomy_pull_outbox' );") == "learnomy_minute"


def test_rows_that_cannot_be_read_are_skipped_and_hold_nothing_up(outbox: Outbox) -> None:
    with outbox.listeners(STEPS):
        outbox.add(1, 1, 1, "", state="pending", hook="wp_footer")
        outbox.add(2, 1, 1, "", state="pending")
        outbox.site.rows(
            "UPDATE wp_lrn_outbox SET args = 'no json' WHERE id = %s",
            outbox.add(3, 1, 1, state="pending", aggregate="b"),
        )
        get(outbox, "test_pull=1")
        assert outbox.until("skipped", "done", "skipped") == [f"{name} 2" for name in NAMES]


def test_a_change_of_wordpress_own_comes_before_the_events_of_its_row(outbox: Outbox) -> None:
    student = outbox.site.user_id("student2")
    code = """
    add_action( 'learnomy_student_enrolled', function ( $id, $user ) {
        heard( get_userdata( $user )->display_name );
    }, 10, 2 );
    """
    with outbox.listeners(code):
        effect = {"user_id": student, "fields": {"display_name": "Renamed by an effect"}}
        outbox.add(state="pending", kind="effect", hook="", event="update_user", payload=effect)
        outbox.add(1, student, 1, "", state="pending")
        outbox.add(state="pending", kind="effect", hook="", event="no_such_effect", aggregate="b")
        get(outbox, "test_pull=1")
        assert outbox.until("done", "done", "skipped") == ["Renamed by an effect"]


def test_the_reply_names_what_another_process_holds(outbox: Outbox) -> None:
    with outbox.listeners(STEPS):
        claim = token()
        mine = outbox.add(1, 1, 1, "", token=claim)
        other = outbox.add(2, 1, 1, "", token=token(), aggregate="b")
        reply = outbox.call("fire", {"token": claim, "ids": [mine, other]})
        assert reply.json()["data"] == {"done": [mine], "skipped": [], "failed": []}
        assert outbox.row(other)["state"] == "claimed"


def test_a_listener_that_outlasts_its_claim_keeps_no_other_waiting(outbox: Outbox) -> None:
    code = """
    add_action( 'learnomy_student_enrolled', function ( $id ) {
        heard( "slow $id" );
        sleep( 1 === $id ? 3 : 0 );
    } );
    """
    with outbox.listeners(code):
        outbox.add(1, 1, 1, "", state="pending")
        outbox.add(2, 1, 1, "", state="pending", aggregate="b")
        slow = threading.Thread(target=get, args=(outbox, "test_pull=1"))
        slow.start()
        time.sleep(0.7)
        get(outbox, "test_pull=1")
        assert outbox.states() == ["firing", "done"]
        slow.join()
        assert outbox.until("done", "done") == ["slow 1", "slow 2"]
