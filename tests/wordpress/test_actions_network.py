"""Actions, models and pages on a network: each site has its own outbox, tables and addresses."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.site import Site
from tests.wordpress.academy import Page
from tests.wordpress.outbox import HEARD, Rest, token

LISTENER = "add_action( 'learnomy_student_enrolled', function ( $id ) { heard( get_current_blog_id() . \" $id\" ); } );"


@pytest.fixture(scope="module")
def rest() -> Iterator[Rest]:
    """Workers of this module's sites rest until its end."""
    made = Rest()
    yield made
    made.end()


@pytest.fixture
def heard(network: Site, rest: Rest) -> Iterator[object]:
    """A listener on every site of the network; the worker rests."""
    log = network.content / "heard.log"
    log.unlink(missing_ok=True)
    for prefix in ("wp_", "wp_2_"):
        network.rows(f"DELETE FROM {prefix}lrn_outbox")
    rest.worker_of(network)
    with network.must_use("test-listeners", HEARD + LISTENER):
        yield lambda: log.read_text().splitlines() if log.exists() else []


def add(site: Site, prefix: str, number: int, claim: str | None = None) -> None:
    """A row in the outbox of one site."""
    site.rows(
        f"INSERT INTO {prefix}lrn_outbox (aggregate, event, hook, args, state, claim_token, claimed_until, created_at)"
        " VALUES (%s, 'enrollment.created', 'learnomy_student_enrolled', %s, %s, %s,"
        " DATE_ADD(UTC_TIMESTAMP(6), INTERVAL 60 SECOND), UTC_TIMESTAMP(6))",
        f"a{number}",
        f'[{number}, 1, 1, ""]',
        "claimed" if claim else "pending",
        claim,
    )


def until(heard: object, *lines: str) -> None:
    """Wait for what is to be heard."""
    end = time.monotonic() + 5
    while heard() != list(lines) and time.monotonic() < end:  # type: ignore[operator]
        time.sleep(0.05)
    assert heard() == list(lines)  # type: ignore[operator]


def test_a_page_fires_its_own_sites_rows(network: Site, heard: object) -> None:
    add(network, "wp_", 1)
    add(network, "wp_2_", 2)
    network.page("/second/")
    until(heard, "2 2")
    network.page("/")
    until(heard, "2 2", "1 1")


def test_a_claim_of_another_site_is_fired_there(network: Site, heard: object) -> None:
    claim = token()
    add(network, "wp_2_", 3, claim)
    code = f"""
    if ( 1 !== get_current_blog_id() ) {{ return 'not the main site'; }}
    switch_to_blog( 2 );
    Learnomy\\Actions::defer_token( '{claim}' );
    restore_current_blog();
    return get_current_blog_id();
    """
    assert network.php(code) == 1
    until(heard, "2 3")
    assert network.value("SELECT state FROM wp_2_lrn_outbox") == "done"


def test_an_exit_on_another_site_goes_on_there(network: Site, heard: object) -> None:
    claim = token()
    add(network, "wp_2_", 4, claim)
    add(network, "wp_2_", 5, claim)
    listener = "add_action( 'learnomy_student_enrolled', function ( $id ) { if ( 4 === $id ) { exit; } }, 20 );"
    fire = f"""
    add_action( 'wp_loaded', function () {{
        if ( isset( $_GET['fire_there'] ) ) {{
            switch_to_blog( 2 );
            Learnomy\\Actions::fire_token( '{claim}' );
        }}
    }} );
    """
    with network.must_use("exits", listener + fire):
        network.page("/?fire_there=1")
        until(heard, "2 4", "2 5")
    assert [row["state"] for row in network.rows("SELECT state FROM wp_2_lrn_outbox ORDER BY id")] == ["done", "done"]


def test_addresses_and_models_are_each_sites_own(network: Site) -> None:
    found = network.php(
        """
        $here = array( Learnomy\\route_url( 'catalog' ), count( Learnomy\\Models\\Course::list_published() ) );
        switch_to_blog( 2 );
        $there = array( Learnomy\\route_url( 'catalog' ), count( Learnomy\\Models\\Course::list_published() ) );
        restore_current_blog();
        return array( $here, $there, home_url() );
        """
    )
    home = found[2]
    assert (found[0][0], found[1][0]) == (f"{home}/courses/", f"{home}/second/courses/")


def test_a_course_page_of_a_site_in_a_folder(network: Site) -> None:
    made = network.php(
        """
        switch_to_blog( 2 );
        add_user_to_blog( 2, get_current_user_id(), 'administrator' );
        wp_set_current_user( get_current_user_id() );
        $request = new WP_REST_Request( 'POST', '/learnomy/v1/courses' );
        $request->set_header( 'Content-Type', 'application/json' );
        $request->set_body( '{"title":"Of the second site"}' );
        $reply = rest_do_request( $request );
        $data = $reply->get_data();
        $publish = new WP_REST_Request( 'POST', '/learnomy/v1/courses/' . ( $data['data']['id'] ?? 0 ) . '/publish' );
        $done = rest_do_request( $publish );
        restore_current_blog();
        return array( $reply->get_status(), $done->get_status(), $data );
        """,
        user="admin",
    )
    assert made[:2] == [201, 200], made
    slug = made[2]["data"]["slug"]
    shown = Page(network.page(f"/second/courses/{slug}/"))
    assert shown.status == 200
    assert shown.title.startswith("Of the second site")
    assert Page(network.page("/second/courses/")).status == 200
    assert Page(network.page(f"/courses/{slug}/")).status == 404
