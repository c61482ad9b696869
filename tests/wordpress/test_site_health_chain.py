"""Site Health tries the whole chain and says what to do: every link is broken once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from tests.settling import await_recovery
from tests.site import Site


@pytest.fixture(autouse=True)
def without_breaker(site: Site) -> Iterator[None]:
    """The breaker closed before and after: PHP-FPM's, and the command line's, which these tests open."""
    forget = "delete_option( 'learnomy_breaker' ); wp_cache_flush(); return true;"
    site.php(forget)
    await_recovery(site)
    yield
    site.php(forget)


def findings(site: Site) -> dict[str, list[tuple[str, str]]]:
    """Status and text of what was found, by link."""
    found: dict[str, list[tuple[str, str]]] = {}
    for finding in site.php("return Learnomy\\Site_Chain::run();", user="admin"):
        found.setdefault(finding["id"], []).append((finding["status"], finding["text"]))
    return found


def text(found: dict[str, list[tuple[str, str]]], link: str, status: str) -> str:
    """The text of one finding, which must have that status."""
    assert [was for was, _text in found[link]] == [status], found
    return found[link][0][1]


@contextmanager
def bridge(site: Site, **changes: Any) -> Iterator[None]:
    """Other values in the bridge's options."""
    options = site.php("return get_option( 'learnomy_bridge' );")
    with site.option("learnomy_bridge", {**options, **changes}):
        yield


@pytest.mark.wordpress("6.1", "7.1")
def test_a_whole_chain_is_good(site: Site) -> None:
    site.page("/")
    found = findings(site)
    for link in ("secret", "address", "backend", "clock", "versions", "worker", "loopback", "authorization", "record"):
        text(found, link, "good")
    assert "straight to the backend" in text(found, "doors", "good")


@pytest.mark.wordpress("6.1", "7.1")
def test_site_health_shows_it(site: Site) -> None:
    tests = site.php(
        "require_once ABSPATH . 'wp-admin/includes/class-wp-site-health.php';"
        " return WP_Site_Health::get_tests()['async'];",
        user="admin",
    )
    assert tests["learnomy"]["test"] == "learnomy"
    shown = site.php("return Learnomy\\Site_Health::run();", user="admin")
    assert shown["status"] in {"good", "recommended"}
    assert set(shown) == {"label", "status", "badge", "description", "actions", "test"}
    assert "<li" in shown["description"]
    facts = site.php("return apply_filters( 'debug_information', array() )['learnomy']['fields'];")
    assert facts["version"]["value"].endswith("(1.9.5)")
    assert facts["address"]["value"].startswith(("http", "unix:"))
    assert "secret" not in str(facts).lower()


@pytest.mark.wordpress("6.1", "7.1")
def test_its_request_is_for_those_who_may(site: Site) -> None:
    cookies, _nonce = site.log_in("admin")
    student, _nonce = site.log_in("student")
    with requests.Session() as session:
        session.trust_env = False
        screen = session.get(site.php_url + "/wp-admin/site-health.php", cookies=cookies, timeout=60).text
        nonce = re.search(r'"site_status":"(\w+)"', screen)
        assert nonce
        address = site.php_url + "/wp-admin/admin-ajax.php"
        sent = {"action": "health-check-learnomy", "_wpnonce": nonce[1]}
        answer = session.post(address, data=sent, cookies=cookies, timeout=60).json()
        assert answer["success"] is True
        assert answer["data"]["test"] == "learnomy"
        assert session.post(address, data=sent, cookies=student, timeout=60).status_code == 403
        assert session.post(address, data=sent, timeout=60).status_code >= 400


def test_no_backend(site: Site) -> None:
    with site.without("api"):
        found = findings(site)
    assert "Start the backend" in text(found, "backend", "critical")


def test_a_hanging_backend(site: Site) -> None:
    with site.hanging_backend():
        assert "does not answer in time" in text(findings(site), "backend", "critical")


def test_something_else_at_the_backends_address(site: Site) -> None:
    def answer(request: Any) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "2")
        request.end_headers()
        request.wfile.write(b"hi")

    with site.backend_replaced(answer):
        assert "is not the backend" in text(findings(site), "backend", "critical")


def test_another_secret(site: Site) -> None:
    with site.config("define( 'LEARNOMY_SECRET', '" + "x1" * 20 + "' );"):
        assert "press Connect again" in text(findings(site), "backend", "critical")


def test_a_short_secret(site: Site) -> None:
    with site.config("define( 'LEARNOMY_SECRET', 'short' );"):
        found = findings(site)
    assert "32 characters" in text(found, "secret", "critical")
    assert "backend" not in found


def test_an_unpaired_site(site: Site) -> None:
    with bridge(site, paired_at=0):
        assert "wp learnomy pair" in text(findings(site), "address", "critical")


def test_a_wrong_address(site: Site) -> None:
    with bridge(site, address="http://127.0.0.1:1"):
        assert "Nothing answers at http://127.0.0.1:1" in text(findings(site), "backend", "critical")


def test_the_open_breaker(site: Site) -> None:
    with site.without("api"):
        site.php("for ( $i = 0; $i < 4; $i++ ) { Learnomy\\Channel::call( 'ping', array() ); } return true;")
        found = findings(site)
    assert "refused at once" in text(found, "breaker", "recommended")


def test_a_site_that_cannot_call_itself(site: Site) -> None:
    with bridge(site, loopback="http://127.0.0.1:1"):
        assert "cannot call itself" in text(findings(site), "loopback", "recommended")


def test_a_server_that_takes_the_authorization_header_away(site: Site) -> None:
    code = "unset( $_SERVER['HTTP_AUTHORIZATION'], $_SERVER['REDIRECT_HTTP_AUTHORIZATION'] );"
    with site.config(code):
        assert "HTTP_AUTHORIZATION" in text(findings(site), "authorization", "recommended")


GUARD = "add_filter( 'rest_authentication_errors', function ( $errors ) { return $errors; } );"


def test_a_plugin_that_judges_requests_is_named_until_it_is_ticked(site: Site) -> None:
    with site.plugin("test-guard", GUARD):
        site.page("/")
        site.page("/")
        found = findings(site)
        assert "test-guard/test-guard.php listens to rest_authentication_errors" in text(found, "plugin", "recommended")
        assert "loads all of WordPress" in text(found, "doors", "recommended")
        with bridge(site, harmless=["test-guard/test-guard.php"]):
            assert "plugin" not in findings(site)


def test_a_firewall_is_named_until_it_is_ticked(site: Site) -> None:
    with site.plugin("wordfence", ""):
        site.page("/")
        site.page("/")
        assert "wordfence guards this site" in text(findings(site), "firewall", "recommended")
        with bridge(site, firewall_ok=["wordfence"]):
            assert "firewall" not in findings(site)


def test_compatibility_mode(site: Site) -> None:
    with bridge(site, compat=True):
        found = findings(site)
    assert "Compatibility mode is on" in text(found, "compat", "recommended")
    assert "compatibility mode" in text(found, "doors", "recommended")


def test_an_old_or_missing_record(site: Site) -> None:
    record = site.php("return get_option( 'learnomy_record' );")
    with site.option("learnomy_record", {**record, "time": 1_600_000_000}), site.without("nginx"):
        assert "years old" in text(findings(site), "record", "recommended")
    with site.without("nginx"), site.option("learnomy_record", False):
        assert "Nothing is recorded" in text(findings(site), "record", "recommended")


def test_events_that_wait(site: Site) -> None:
    with site.without("worker"):
        site.rows(
            "INSERT INTO wp_lrn_outbox (aggregate, event, hook, args, state, claim_token, claimed_until, created_at)"
            " VALUES ('x', 'lesson.completed', 'learnomy_lesson_completed', '[1, 2, 3]', 'claimed', 'held',"
            " DATE_ADD(UTC_TIMESTAMP(6), INTERVAL 1 HOUR), DATE_SUB(UTC_TIMESTAMP(6), INTERVAL 2 MINUTE))"
        )
        try:
            assert "the worker does not run" in text(findings(site), "worker", "recommended")
        finally:
            site.rows("DELETE FROM wp_lrn_outbox WHERE claim_token = 'held'")


def test_the_stub_of_the_early_door(site: Site) -> None:
    stub = site.content / "mu-plugins" / "learnomy-early.php"
    text(findings(site), "stub", "good")
    kept = stub.read_text()
    try:
        for problem, said in (
            ("foreign", "Another file stands"),
            ("file_mods", "forbids changes"),
            ("unwritable", "writable"),
        ):
            stub.write_text("<?php // of somebody else")
            with bridge(site, stub_problem=problem):
                assert said in text(findings(site), "stub", "recommended")
    finally:
        stub.write_text(kept)
