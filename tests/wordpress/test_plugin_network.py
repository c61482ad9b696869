"""One backend for a network of sites: each has tables, keys, roles, a record and doors of its own."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from tests.site import Answer, Site
from tests.wordpress.channel_ends import door_of

SECOND = "/second/wp-json/learnomy/v1"


@pytest.fixture
def site(network: Site) -> Site:
    for path in ("/", "/second/"):
        network.page(path)
        network.page(f"{path}wp-json/wp/v2/types")
    return network


def second(site: Site, path: str, **options: Any) -> Answer:
    """Ask the second site."""
    door = options.pop("door", "direct")
    base = site.url if door == "direct" else site.php_url
    headers = {**options.pop("headers", {}), **({"X-Learnomy-Test-Door": "full"} if door == "full" else {})}
    return site._http.send(options.pop("method", "GET"), base + SECOND + path, headers=headers, **options)


def blog(site: Site, code: str, number: int = 2) -> Any:
    return site.php(
        f"switch_to_blog( {number} ); $f = function () {{ {code} }}; $r = $f(); restore_current_blog(); return $r;"
    )


def test_each_site_is_served_by_every_door(site: Site) -> None:
    for door in ("direct", "early", "full"):
        assert site.get("/health", door=door).status == 200
        answer = second(site, "/health", door=door)
        assert answer.status == 200, answer.text
        assert answer.data["status"] == "ok"
    # What ends at the early door has seen no plugin: it must not tell the record anything.
    for _ in range(3):
        assert door_of(site, second(site, "/health", door="early")) == "early"
        time.sleep(0.5)


def test_sites_have_tables_keys_and_roles_of_their_own_and_one_secret(site: Site) -> None:
    keys = [blog(site, "return get_option( 'learnomy_keys' );", number)["box"] for number in (1, 2)]
    assert keys[0] != keys[1]
    bridges = [blog(site, "return get_option( 'learnomy_bridge' );", number) for number in (1, 2)]
    assert bridges[0]["secret"]
    assert "secret" not in bridges[1]
    assert blog(site, "return \\Learnomy\\Bridge_Options::secret();") == bridges[0]["secret"]
    assert blog(site, "return isset( wp_roles()->roles['lrn_instructor'] );") is True
    for prefix in ("wp_", "wp_2_"):
        assert site.value(f"SELECT COUNT(*) FROM {prefix}lrn_courses") is not None


def test_a_token_of_one_site_is_none_of_another(site: Site) -> None:
    form = {"username": "admin", "password": "learnomy-demo"}
    token = site.post("/auth/token", door="early", json=form).data["access_token"]
    header = {"Authorization": f"Bearer {token}"}
    assert site.get("/auth/me", door="early", headers=header).status == 200
    for door in ("direct", "early", "full"):
        assert second(site, "/auth/me", door=door, headers=header).status == 401


@pytest.fixture
def third(site: Site) -> Iterator[int]:
    made = site.php(
        "require_once ABSPATH . 'wp-admin/includes/ms.php';"
        "$id = wpmu_create_blog( DOMAIN_CURRENT_SITE, '/third' . wp_rand() . '/', 'Third', 1 );"
        "return is_wp_error( $id ) ? $id->get_error_message() : $id;"
    )
    assert isinstance(made, int), made
    yield made
    site.php(
        "require_once ABSPATH . 'wp-admin/includes/ms.php';"
        f"if ( get_site( {made} ) ) {{ wpmu_delete_blog( {made}, true ); }} return 1;"
    )


def pairing(site: Site) -> Any:
    return json.loads((site.layout.state / "pairing.json").read_text())


def test_a_new_site_is_set_up_and_a_deleted_one_leaves_nothing(site: Site, third: int) -> None:
    assert third in [entry["id"] for entry in pairing(site)["blogs"]]
    count = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name LIKE %s"
    assert site.value(count, f"wp\\_{third}\\_lrn\\_%") >= 40
    assert blog(site, "return get_role( 'lrn_student' ) ? 1 : 0;", third) == 1
    path = site.php(f"return get_site( {third} )->path;")
    for door in ("early", "full"):
        headers = {"X-Learnomy-Test-Door": "full"} if door == "full" else {}
        url = f"{site.php_url}{path}wp-json/learnomy/v1/health"
        assert site._http.send("GET", url, headers=headers).status == 200
    site.php(f"require_once ABSPATH . 'wp-admin/includes/ms.php'; wpmu_delete_blog( {third}, true ); return 1;")
    assert site.value(count, f"wp\\_{third}\\_%") == 0
    site.page("/")
    deadline = time.monotonic() + 5
    while third in [entry["id"] for entry in pairing(site)["blogs"]]:
        assert time.monotonic() < deadline
        site.php(
            "$r = get_option( 'learnomy_record' ); $r['time'] = 1; update_option( 'learnomy_record', $r ); return 1;"
        )
        site.page("/")
        time.sleep(0.3)


def test_an_archived_site_answers_by_no_door(site: Site) -> None:
    site.php("update_blog_status( 2, 'archived', 1 ); return 1;")
    try:
        for door in ("direct", "early", "full"):
            assert second(site, "/health", door=door).status in {403, 410}, door
    finally:
        site.php("update_blog_status( 2, 'archived', 0 ); return 1;")
        site.page("/second/")
    assert second(site, "/health", door="full").status == 200


def test_a_plugin_of_the_network_is_heard_on_every_site(site: Site) -> None:
    site._write(
        site.content / "plugins" / "wide" / "wide.php",
        "<?php\n/*\nPlugin Name: wide\n*/\nadd_filter( 'rest_authentication_errors',"
        " fn() => new WP_Error( 'closed', 'Closed.', array( 'status' => 401 ) ) );",
    )
    load = "require_once ABSPATH . 'wp-admin/includes/plugin.php';"
    site.php(load + "activate_plugin( 'wide/wide.php', '', true ); return 1;")
    try:
        for door in ("direct", "early", "full"):
            assert site.get("/health", door=door).status == 401
            assert second(site, "/health", door=door).status == 401
    finally:
        site.php(load + "deactivate_plugins( 'wide/wide.php', false, true ); return 1;")
    assert second(site, "/health", door="full").status == 200


def test_a_plugin_that_a_deployment_switched_on_for_the_network_is_noticed(site: Site) -> None:
    """Its files are there, and the table is changed with no WordPress running."""
    site._write(
        site.content / "plugins" / "deployed" / "deployed.php",
        "<?php\n/*\nPlugin Name: deployed\n*/\nadd_filter( 'rest_authentication_errors',"
        " fn() => new WP_Error( 'closed', 'Closed.', array( 'status' => 401 ) ) );",
    )
    where = "WHERE meta_key = 'active_sitewide_plugins'"
    before = site.value(f"SELECT meta_value FROM wp_sitemeta {where}")
    count, _, entries = before.removeprefix("a:").partition(":{")
    after = f'a:{int(count) + 1}:{{{entries[:-1]}s:21:"deployed/deployed.php";i:1700000000;}}'
    for ask in (site.get, functools.partial(second, site)):
        wait_for(lambda ask=ask: (answer := ask("/health")).status == 200 and door_of(site, answer) == "direct")
    site.rows(f"UPDATE wp_sitemeta SET meta_value = %s {where}", after)
    forget_copies(site)
    try:
        for ask in (site.get, functools.partial(second, site)):
            for door in ("direct", "early", "full"):
                assert ask("/health", door=door).status == 401
    finally:
        site.rows(f"UPDATE wp_sitemeta SET meta_value = %s {where}", before)
        forget_copies(site)
    for ask in (site.get, functools.partial(second, site)):
        assert ask("/health", door="full").status == 200
        wait_for(lambda ask=ask: (answer := ask("/health")).status == 200 and door_of(site, answer) == "direct")


def wait_for(is_so: Callable[[], bool]) -> None:
    """Wait for what WordPress writes after its answer, and the backend reads two seconds later."""
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def forget_copies(site: Site) -> None:
    """Let the backend read its records anew, which it does every two seconds by itself."""
    with redis.Redis.from_url(site.redis_url) as connection:
        connection.flushdb()
