"""The harness itself: each of its tools does to a real WordPress what its name says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy

from tests.conftest import VERSIONS
from tests.site import Site

ECHO = """
add_action( 'rest_api_init', function () {
    register_rest_route( 'learnomy-test/v1', '/echo', array(
        'methods' => 'GET,POST',
        'permission_callback' => '__return_true',
        'callback' => function ( $request ) {
            return array(
                'user' => wp_get_current_user()->user_login,
                'body' => $request->get_json_params(),
                'query' => $request->get_query_params(),
                'header' => $request->get_header( 'X-Sent' ),
                'home' => home_url(),
                'full' => defined( 'LEARNOMY_FULL_DOOR' ),
                'address' => $_SERVER['HTTP_X_REAL_IP'] ?? '',
            );
        },
    ) );
} );
"""
PATH = "/wp-json/learnomy-test/v1/echo"


@pytest.fixture
def echo(bare_site: Site) -> Iterator[Site]:
    with bare_site.must_use("echo", ECHO):
        yield bare_site


@pytest.mark.wordpress("6.1", "6.8", "7.1")
def test_the_version_is_the_one_asked_for(bare_site: Site) -> None:
    newest = VERSIONS[-1]  # Debian's newest moves on
    assert bare_site.exact_version.startswith(bare_site.version) or bare_site.version == newest
    assert bare_site.php("return get_bloginfo( 'version' );") == bare_site.exact_version


@pytest.mark.parametrize("door", ["early", "full", "internal"])
def test_a_request_arrives_whole_by_every_door(echo: Site, door: str) -> None:
    user = {"user": "student"} if door == "internal" else {"auth": echo.application_password("student")}
    came = echo.post(PATH + "?a=1&b=%2F", door=door, json={"x": [1, "ü"]}, headers={"X-Sent": "yes"}, **user)
    assert came.status == 200
    assert came.json()["user"] == "student"
    assert came.json()["body"] == {"x": [1, "ü"]}
    assert came.json()["query"] == {"a": "1", "b": "/"}
    assert came.json()["header"] == "yes"
    assert came.json()["full"] is (door == "full")


def test_there_is_one_home_and_the_address_is_the_web_servers_word(echo: Site) -> None:
    direct = echo.get(PATH, door="direct", headers={"X-Real-IP": "203.0.113.9"}).json()
    early = echo.get(PATH, door="early", headers={"X-Real-IP": "203.0.113.9"}).json()
    assert (direct["home"], early["home"]) == (echo.url, echo.url)
    assert direct["address"] == early["address"] == "127.0.0.1"


def test_a_login_counts_on_both_ports(echo: Site) -> None:
    cookies, nonce = echo.log_in("editor1")
    for door in ("direct", "early"):
        assert echo.get(PATH, door=door, cookies=cookies).json()["user"] is False
        came = echo.get(PATH, door=door, cookies=cookies, headers={"X-WP-Nonce": nonce})
        assert came.json()["user"] == "editor1"


def test_a_plugin_is_there_only_within_its_context(bare_site: Site) -> None:
    with bare_site.plugin("shortlived", "add_filter( 'pre_option_blogname', fn() => 'renamed' );"):
        assert bare_site.php("return get_bloginfo( 'name' );") == "renamed"
    assert bare_site.php("return get_bloginfo( 'name' );") == "Learnomy academy"
    assert not (bare_site.content / "plugins" / "shortlived").exists()


def test_constants_options_and_themes_are_put_back(bare_site: Site) -> None:
    with (
        bare_site.config("define( 'LEARNOMY_TEST_CONSTANT', 7 );"),
        bare_site.option("blogdescription", "another"),
        bare_site.theme("twentytwentyone"),
    ):
        told = bare_site.php("return [ LEARNOMY_TEST_CONSTANT, get_option( 'blogdescription' ), get_stylesheet() ];")
        assert told == [7, "another", "twentytwentyone"]
    told = bare_site.php(
        "return [ defined( 'LEARNOMY_TEST_CONSTANT' ), get_option( 'blogdescription' ), get_stylesheet() ];"
    )
    assert told[:2] == [False, ""]
    assert told[2] != "twentytwentyone"


def test_mail_and_notices_are_kept(bare_site: Site) -> None:
    bare_site.clear_mails()
    bare_site.clear_debug_log()
    bare_site.php("trigger_error( 'noticed' ); return wp_mail( 'a@example.test', 'A subject', 'A body' );")
    assert "noticed" in bare_site.debug_log()
    (mail,) = bare_site.mails()
    assert "Subject: A subject" in mail
    assert "A body" in mail
    bare_site.clear_debug_log()


def test_maintenance_stops_pages(bare_site: Site) -> None:
    assert bare_site.page("/").status == 200
    with bare_site.maintenance():
        assert bare_site.page("/").status == 503
    assert bare_site.page("/").status == 200


@pytest.mark.wordpress("6.8")
def test_the_object_cache_persists(bare_site: Site) -> None:
    assert bare_site.php("return wp_using_ext_object_cache();") is True
    bare_site.php("wp_cache_set( 'kept', array( 'a' => 1 ), 'test' ); wp_cache_set( 'gone', 1, 'test2' ); return true;")
    assert bare_site.php("return wp_cache_get( 'kept', 'test' );") == {"a": 1}
    bare_site.php("wp_cache_flush_group( 'test2' ); return true;")
    assert bare_site.php("return [ wp_cache_get( 'kept', 'test' ), wp_cache_get( 'gone', 'test2' ) ];") == [
        {"a": 1},
        False,
    ]
    bare_site.php("wp_cache_flush(); return true;")
    assert bare_site.php("return wp_cache_get( 'kept', 'test' );") is False


def test_both_databases_are_empty_ones(any_database_url: str) -> None:
    engine = sqlalchemy.create_engine(any_database_url)
    assert sqlalchemy.inspect(engine).get_table_names() == []
    engine.dispose()


def test_redis_is_empty(redis_url: str) -> None:
    import redis

    with redis.Redis.from_url(redis_url) as connection:
        assert connection.dbsize() == 0
        connection.set("x", 1)
