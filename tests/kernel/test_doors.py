"""The one decision whether WordPress is needed: by whom it is taken, and that it comes before any effect."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from learnomy_wp.kernel import clock, doors
from tests.client import Answer, Api
from tests.kernel import probe
from tests.kernel.paired import SALTS, Paired, paired
from wp_schema import cookies

COOKIE = "wordpress_logged_in_0123456789abcdef0123456789abcdef=student%7C1900000000%7Ctoken%7Cmac"
PLUGIN = "foreign/foreign.php"


@pytest.fixture(scope="module")
def of_module(probe_app: Api) -> Iterator[Paired]:
    with paired(probe_app) as found:
        yield found


@pytest.fixture
def wp(of_module: Paired, probe_api: Api) -> Iterator[Paired]:
    """A paired application; nothing listens."""
    of_module.record()
    yield of_module
    of_module.pair()
    of_module.set_options(using_application_passwords=None)


def reason(answer: Answer) -> str:
    """Why WordPress is needed; '' where it is not."""
    handed_over = answer.headers.get("X-Accel-Redirect")
    assert handed_over in (None, "@wordpress")
    if handed_over is None:
        assert "X-Learnomy-Reason" not in answer.headers
        return ""
    assert answer.status == 200
    assert answer.body is None
    assert "Cache-Control" not in answer.headers, "nginx would put it on WordPress's own answer"
    return str(answer.headers["X-Learnomy-Reason"])


def test_where_nothing_listens_no_wordpress_is_needed(wp: Paired) -> None:
    answer = wp.direct("GET", "/probe/still/1")
    assert (reason(answer), answer.data["name"]) == ("", "still")


@pytest.mark.parametrize("gate", [*doors.GATES, probe.PRICE.name])
def test_a_listener_on_a_gate_or_filter_needs_it(wp: Paired, gate: str) -> None:
    kind = "listeners" if gate.startswith("learnomy_") else "gates"
    wp.record(**{kind: {gate: [PLUGIN]}})
    assert reason(wp.direct("GET", "/probe/asked")) == f"a listener on {gate}"
    early = wp.signed("GET", "/probe/asked", Door="early", User="")
    assert (early.control, early.answer.status) == ("handover", 200)
    wp.record(**{kind: {gate: [PLUGIN]}}, bridge={"harmless": [PLUGIN]})
    # Harmless is who guards his own routes only: what he listens to of ours, he means.
    assert reason(wp.direct("GET", "/probe/asked")) == (f"a listener on {gate}" if kind == "listeners" else "")
    wp.record(**{kind: {gate: [PLUGIN, "other/other.php"]}}, bridge={"harmless": [PLUGIN]})
    assert reason(wp.direct("GET", "/probe/asked")) == f"a listener on {gate}"


def test_a_filter_of_another_route_needs_none(wp: Paired) -> None:
    wp.record(listeners={probe.PRICE.name: [PLUGIN], "learnomy_probe_done": [PLUGIN]})
    assert reason(wp.direct("GET", "/probe/still/1")) == ""


@pytest.mark.parametrize("gate", doors.PASSWORD_GATES)
def test_password_gates_count_where_passwords_are_checked(wp: Paired, gate: str) -> None:
    wp.record(gates={gate: [PLUGIN]})
    assert reason(wp.direct("GET", "/probe/still/1")) == ""
    login = wp.direct("POST", "/auth/token", body={"username": "student", "password": "wrong"})
    assert reason(login) == f"a listener on {gate}"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"stylesheet": "another"}, "the theme changed"),
        ({"plugins": "0" * 32}, "the active plugins changed"),
        ({"blog": {"archived": 1}}, "the blog is archived, spam or deleted"),
        ({"blog": {"spam": "1"}}, "the blog is archived, spam or deleted"),
        ({"blog": {"deleted": 1}}, "the blog is archived, spam or deleted"),
        ({"age": 301}, "the record is old"),
        ({"firewalls": ["wall"]}, "firewall wall"),
        ({"firewalls": ["wall"], "bridge": {"firewall_ok": ["wall"]}}, ""),
        ({"bridge": {"compat": True}}, "compatibility mode"),
        ({"age": 270}, ""),
    ],
)
def test_the_record_decides(wp: Paired, changes: dict[str, Any], why: str) -> None:
    wp.record(**changes)
    assert reason(wp.direct("GET", "/probe/still/1")) == why


def test_without_a_record_wordpress_is_needed(wp: Paired) -> None:
    wp.set_options(learnomy_record=None)
    assert reason(wp.direct("GET", "/probe/still/1")) == "nothing is recorded yet"
    wp.set_options(learnomy_record="garbage")
    assert reason(wp.direct("GET", "/probe/still/1")) == "nothing is recorded yet"


def test_maintenance_needs_it(wp: Paired, tmp_path: Path) -> None:
    wp.pair(abspath=str(tmp_path))
    assert reason(wp.direct("GET", "/probe/still/1")) == ""
    (tmp_path / ".maintenance").write_text("<?php $upgrading = time();")
    assert reason(wp.direct("GET", "/probe/still/1")) == "maintenance mode"


@pytest.mark.parametrize("name", doors.WORDPRESS_PARAMETERS)
def test_parameters_of_wordpress_need_it(wp: Paired, name: str) -> None:
    assert reason(wp.direct("GET", f"/probe/still/1?{name}=1")) == "a parameter of WordPress's own"


def test_what_writes_wordpress_needs_it(wp: Paired) -> None:
    assert reason(wp.direct("PATCH", "/me", body={})) == "writes WordPress's tables"


# --- credentials -------------------------------------------------------------------------


def basic(login: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()


def test_a_cookie_or_a_foreign_token_needs_it(wp: Paired) -> None:
    assert reason(wp.direct("GET", "/probe/still/1", Cookie=COOKIE)) == "a login cookie"
    own = wp.api.runtime.site.pairing["cookies"]["logged_in"]
    assert reason(wp.direct("GET", "/probe/still/1", Cookie=f"{own}=x")) == "a login cookie"
    for token in ("abc", "", "a.b.c", "eyJhbGciOiJIUzI1NiJ9.e30.x"):
        answer = wp.direct("GET", "/probe/still/1", Authorization=f"Bearer {token}")
        assert reason(answer) == "a credential of another plugin", token
    assert reason(wp.direct("GET", "/probe/still/1", Cookie="wordpress_test_cookie=1; lang=de")) == ""


def test_our_own_token_leaves_the_cookie_aside(wp: Paired) -> None:
    token = wp.api.as_("student").headers["Authorization"]
    answer = wp.direct("GET", "/auth/me", Authorization=token, Cookie=COOKIE.replace("student", "teacher"))
    assert answer.data["username"] == "student"


def test_a_web_servers_own_password_leaves_the_cookie_in_charge(wp: Paired) -> None:
    """A staging site behind Basic: the browser sends it with every request."""
    behind = basic("staging", "let me in")
    assert wp.direct("GET", "/probe/still/1", Authorization=behind).status == 200
    assert reason(wp.direct("GET", "/probe/still/1", Authorization=behind, Cookie=COOKIE)) == "a login cookie"
    wp.set_options(using_application_passwords="1")
    https = {"X_Forwarded_Proto": "https", "Authorization": behind}
    assert wp.direct("GET", "/probe/still/1", **https).status == 401, "as WordPress judges it"
    answer = wp.direct("GET", "/probe/still/1", Cookie=COOKIE, **https)
    assert reason(answer) == "a login cookie beside another credential"


def test_a_password_counts_where_wordpress_knows_of_tls(wp: Paired) -> None:
    """Behind a proxy that ends TLS the request looks plain to the backend, and not to WordPress."""
    wp.set_options(using_application_passwords="1")
    sent = basic("student", "abcd efgh ijkl mnop qrst uvwx")
    assert reason(wp.direct("GET", "/probe/still/1", Authorization=sent)) == "a password that counts over TLS only"
    assert wp.direct("GET", "/probe/still/1", Authorization=sent, X_Forwarded_Proto="https").status == 401


def test_a_site_of_the_network_that_is_not_known_is_wordpresss_to_find(wp: Paired) -> None:
    wp.pair(multisite=True)
    try:
        assert reason(wp.direct("GET", "/probe/still/1", Host="new.learnomy.test")) == "a site that is not known here"
    finally:
        wp.pair()


def test_a_nonce_that_is_no_visitors_needs_it(wp: Paired) -> None:
    """WordPress refuses a wrong nonce with 403, and gives a right one to visitors as well."""
    right = cookies.make_nonce("wp_rest", 0, "", SALTS["nonce"], int(clock.now().timestamp()))
    assert reason(wp.direct("GET", "/probe/still/1", X_WP_Nonce=right)) == ""
    assert reason(wp.direct("GET", f"/probe/still/1?_wpnonce={right}")) == ""
    assert reason(wp.direct("GET", "/probe/still/1", X_WP_Nonce="0123456789")) == "a nonce that is no visitor's"


# --- before any effect -------------------------------------------------------------------


def test_handing_over_leaves_nothing_behind(wp: Paired) -> None:
    before = int(wp.direct("GET", "/probe/limited").headers["RateLimit-Remaining"])
    wp.record(gates={"rest_pre_dispatch": [PLUGIN]})
    for _ in range(70):
        assert reason(wp.direct("GET", "/probe/limited"))
    wp.record()
    assert before - int(wp.direct("GET", "/probe/limited").headers["RateLimit-Remaining"]) in (1, -59)


def test_a_need_found_late_gives_everything_back(wp: Paired) -> None:
    """A filter that nobody declared is met within the rule: limit, key and rows are as before."""
    token = wp.api.as_("student2").headers["Authorization"]
    wp.record(listeners={probe.TITLE.name: [PLUGIN]})
    for mode in ("needs", "asks"):
        before = wp.direct("GET", "/probe/limited", Authorization=token).headers["RateLimit-Remaining"]
        body = {"name": f"late {mode}", "mode": mode}
        answer = wp.direct("POST", "/probe/things", body=body, Authorization=token, Idempotency_Key=f"late-{mode}")
        assert reason(answer)
        assert probe.effects(wp.api, f"late {mode}") == 0
        body["mode"] = "ok"
        again = wp.direct("POST", "/probe/things", body=body, Authorization=token, Idempotency_Key=f"late-{mode}")
        assert again.status == 201, "the key was left in use"
        after = wp.direct("GET", "/probe/limited", Authorization=token).headers["RateLimit-Remaining"]
        assert int(before) - int(after) in (1, -59)


def test_a_limit_is_charged_once_when_the_question_comes_late(wp: Paired) -> None:
    token = wp.api.as_("student3").headers["Authorization"]
    wp.record(listeners={probe.PRICE.name: [PLUGIN]})
    asked = wp.signed("GET", "/probe/asked", authorization=token, User="", Via="jwt")
    assert asked.control == "ask"
    answer = wp.go_on("GET", "/probe/asked", asked, {probe.PRICE.name: 12}, authorization=token, User="", Via="jwt")
    first = int(answer.answer.headers["RateLimit-Remaining"])
    again = wp.signed("GET", "/probe/limited", authorization=token, User="", Via="jwt")
    assert first - int(again.answer.headers["RateLimit-Remaining"]) in (1, -59)
