"""The record of listeners: who is found, whose each callback is, when it is written."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

from tests.site import Site
from tests.wordpress.channel_ends import settle

OPTION = "SELECT option_value FROM wp_options WHERE option_name = 'learnomy_record'"


@pytest.fixture
def site(site: Site) -> Iterator[Site]:
    settle(site)
    yield site
    site.page("/")


def record(site: Site) -> Any:
    return site.php("return get_option( 'learnomy_record' );")


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for what is written after the answer is sent."""
    deadline = time.monotonic() + 3
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def seen(site: Site, path: str = "/") -> Any:
    """The record after one page, which writes once it is sent."""
    before = site.value(OPTION)
    site.page(path)
    deadline = time.monotonic() + 2
    while site.value(OPTION) == before and time.monotonic() < deadline:
        time.sleep(0.05)
    return record(site)


@pytest.mark.wordpress("6.1", "6.8", "7.1")
def test_a_bare_site_has_no_listeners_and_no_gates(site: Site) -> None:
    """All that core and we ourselves register is known."""
    found = record(site)
    assert (found["listeners"], found["gates"], found["firewalls"]) == ([], [], [])
    assert found["version"] == 1
    raw = site.value("SELECT option_value FROM wp_options WHERE option_name = 'active_plugins'")
    assert found["plugins"] == hashlib.md5(raw.encode(), usedforsecurity=False).hexdigest()
    assert found["blog"] == {"archived": 0, "spam": 0, "deleted": 0}
    stored = site.rows("SELECT autoload FROM wp_options WHERE option_name = 'learnomy_record'")
    assert stored[0]["autoload"] in {"yes", "on"}


OWNERS = """
class Mine_Base { public function method() {} public static function still() {} public function __call( $n, $a ) {} }
class Mine extends WP_REST_Controller { public function __invoke() {} }
add_action( 'learnomy_a', function () {} );
add_action( 'learnomy_b', array( new Mine_Base(), 'method' ) );
add_action( 'learnomy_c', 'Mine_Base::still' );
add_action( 'learnomy_d', array( 'Mine_Base', 'still' ) );
add_action( 'learnomy_e', array( new Mine_Base(), 'conjured' ) );
add_action( 'learnomy_f', '__return_true' );
add_action( 'learnomy_g', 'strlen' );
add_action( 'learnomy_h', 'no_such_function' );
add_filter( 'rest_pre_dispatch', new class extends Mine_Base { public function __invoke( $x ) { return $x; } } );
add_filter( 'rest_endpoints', array( new Mine(), 'filter_response_by_context' ) );
add_filter( 'rest_post_dispatch', '__return_null' );
add_filter( 'user_has_cap', 'wp_maybe_grant_site_health_caps', 1, 4 );
add_filter( 'rest_url_prefix', function ( $x ) { return $x; } );
add_filter( 'the_content', function ( $x ) { return $x; } );
"""


def test_every_kind_of_callback_has_its_owner(site: Site) -> None:
    with site.plugin("owners", OWNERS.replace("add_filter( 'rest_post_dispatch', '__return_null' );", "")):
        found = seen(site)
    mine = ["owners/owners.php"]
    named = {f"learnomy_{letter}": mine for letter in "abcde"}
    assert found["listeners"] == {**named, **{f"learnomy_{letter}": ["unknown"] for letter in "fgh"}}
    assert found["gates"] == {"rest_pre_dispatch": mine, "rest_endpoints": mine, "rest_url_prefix": mine}


def test_must_use_files_themes_and_cores_helpers_are_told_apart(site: Site) -> None:
    theme = site.content / "themes" / "twentytwentyone" / "functions.php"
    whole = theme.read_text()
    gate = "add_filter( 'rest_authentication_errors', '__return_null' );"
    with site.must_use("closing", gate + "add_action( 'learnomy_a', fn() => 1 );"), site.theme("twentytwentyone"):
        site._write(theme, whole + "\nadd_action( 'learnomy_b', fn() => 1 );\n")
        try:
            found = seen(site)
        finally:
            site._write(theme, whole)
    assert found["listeners"] == {"learnomy_a": ["mu:closing.php"], "learnomy_b": ["theme:twentytwentyone"]}
    assert found["gates"] == {"rest_authentication_errors": ["unknown"]}
    assert (found["stylesheet"], found["template"]) == ("twentytwentyone", "twentytwentyone")


def test_harmless_plugins_gates_do_not_count_but_their_listeners_do(site: Site) -> None:
    code = "add_filter( 'user_has_cap', fn( $x ) => $x ); add_action( 'learnomy_a', fn() => 1 );"
    with site.plugin("akismet", code):
        found = seen(site)
    assert (found["listeners"], found["gates"]) == ({"learnomy_a": ["akismet/akismet.php"]}, [])


def test_firewalls_are_known_by_name(site: Site) -> None:
    with site.plugin("wordfence", ""):
        assert seen(site)["firewalls"] == ["wordfence"]


def test_the_record_grows_under_one_fingerprint_and_begins_anew_with_another(site: Site) -> None:
    code = """
    add_action( 'wp', function () { if ( isset( $_GET['one'] ) ) { add_action( 'learnomy_one', fn() => 1 ); } } );
    add_action( 'init', function () { if ( isset( $_GET['two'] ) ) { add_action( 'learnomy_two', fn() => 1 ); } } );
    """
    mine = ["growing/growing.php"]
    with site.plugin("growing", code):
        assert seen(site)["listeners"] == []
        assert seen(site, "/?one=1")["listeners"] == {"learnomy_one": mine}
        assert seen(site, "/?two=1")["listeners"] == {"learnomy_one": mine, "learnomy_two": mine}
        assert seen(site)["listeners"] == {"learnomy_one": mine, "learnomy_two": mine}
        (site.content / "plugins" / "growing" / "growing.php").touch()
        assert seen(site)["listeners"] == []


def test_a_request_that_outlives_its_must_use_file_leaves_nothing_behind(site: Site) -> None:
    code = """
    add_filter( 'rest_authentication_errors', '__return_null' );
    add_action( 'learnomy_a', fn() => 1 );
    add_action( 'wp', function () { isset( $_GET['slow'] ) && sleep( 1 ); } );
    """
    with ThreadPoolExecutor(1) as pool:
        with site.must_use("leaving", code):
            slow = pool.submit(site.page, "/?slow=1")
            time.sleep(0.5)
        assert slow.result().status == 200
    time.sleep(0.3)
    found = seen(site)
    assert (found["listeners"], found["gates"]) == ([], [])


GONE = {
    "a must-use file": ("gates", "rest_pre_dispatch", "mu:gone.php"),
    "a plugin": ("listeners", "learnomy_a", "gone/gone.php"),
    "a theme": ("gates", "user_has_cap", "theme:gone"),
}


@pytest.mark.parametrize("what", GONE)
def test_a_record_that_names_what_is_gone_is_begun_anew_by_the_next_request(site: Site, what: str) -> None:
    kind, hook, owner = GONE[what]
    site.php(
        f"$record = get_option( 'learnomy_record' ); $record['{kind}']['{hook}'] = array( '{owner}' );"
        " return update_option( 'learnomy_record', $record );"
    )
    with redis.Redis.from_url(site.redis_url) as connection:
        connection.flushdb()  # what the backend keeps of the record for two seconds
    # A gate's owner sends this to WordPress; who only listens does not, and shows at WordPress's next request.
    site.get("/health", door="direct" if kind == "gates" else "full")
    wait_until(lambda: (record(site)["listeners"], record(site)["gates"]) == ([], []))
    settle(site)


def test_what_compiled_code_says_that_is_kept_a_moment_is_forgotten_with_it(site: Site) -> None:
    """PHP goes on running a changed file for `opcache.revalidate_freq` seconds, two where nobody set it."""
    with site.config("ini_set( 'opcache.revalidate_freq', '2' );"):
        with site.must_use("changing", "add_action( 'learnomy_old', fn() => 1 );") as path:
            os.utime(path, (time.time() - 200,) * 2)
            assert seen(site)["listeners"] == {"learnomy_old": ["mu:changing.php"]}
        with site.must_use("changing", "add_action( 'learnomy_new', fn() => 1 );") as path:
            os.utime(path, (time.time() - 100,) * 2)
            assert seen(site)["listeners"] == {"learnomy_old": ["mu:changing.php"]}
            time.sleep(3)
            assert seen(site)["listeners"] == {"learnomy_new": ["mu:changing.php"]}


def test_what_says_nothing_new_is_written_once_a_minute(site: Site) -> None:
    site.page("/")
    time.sleep(0.3)
    before = site.value(OPTION)
    for path in ("/", "/?x=1", "/wp-json/wp/v2/types", "/wp-login.php"):
        site.page(path)
    time.sleep(0.3)
    assert site.value(OPTION) == before
    written = int(re.findall(r's:4:"time";i:(\d+);', before)[0])
    old = before.replace(f'"time";i:{written};', f'"time";i:{written - 61};')
    site.rows("UPDATE wp_options SET option_value = %s WHERE option_name = 'learnomy_record'", old)
    assert seen(site)["time"] >= written


@pytest.mark.parametrize("path", ["/wp-admin/", "/wp-admin/admin-ajax.php?action=x", "/wp-cron.php"])
def test_what_only_the_back_office_registers_is_not_recorded(site: Site, path: str) -> None:
    with site.plugin(
        "office", "if ( is_admin() || wp_doing_cron() ) { add_filter( 'user_has_cap', fn( $x ) => $x ); }"
    ):
        seen(site)
        site.page(path)
        time.sleep(0.3)
        assert record(site)["gates"] == []


def test_a_page_that_hides_plugins_from_itself_does_not_begin_the_record_anew(site: Site) -> None:
    """As BuddyNext's isolation does on its own pages."""
    hide = """
    add_filter( 'option_active_plugins', function ( $plugins ) {
        return isset( $_GET['hub'] ) ? array_values( array_diff( $plugins, array( 'hidden/hidden.php' ) ) ) : $plugins;
    } );
    """
    with site.must_use("isolation", hide), site.plugin("hidden", "add_action( 'learnomy_a', fn() => 1 );"):
        found = seen(site)
        assert found["listeners"] == {"learnomy_a": ["hidden/hidden.php"]}
        site.page("/?hub=1")
        time.sleep(0.3)
        again = record(site)
        assert (again["listeners"], again["fingerprint"]) == (found["listeners"], found["fingerprint"])


def test_a_plugin_can_declare_what_it_registers_now_and_then(site: Site) -> None:
    code = "add_action( 'plugins_loaded', fn() => learnomy_listens( 'learnomy_now_and_then' ) );"
    with site.plugin("declaring", code):
        assert seen(site)["listeners"] == {"learnomy_now_and_then": ["declaring/declaring.php"]}


def test_a_scan_costs_next_to_nothing(site: Site) -> None:
    took = site.php(
        """
        \\Learnomy\\Record_Scan::run();
        $began = hrtime( true );
        for ( $i = 0; $i < 50; $i++ ) { \\Learnomy\\Record_Scan::run(); }
        return ( hrtime( true ) - $began ) / 50e6;
        """
    )
    assert took < 1.5
