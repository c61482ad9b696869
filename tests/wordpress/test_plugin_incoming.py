"""Calls of the backend to WordPress: signed, fresh, once; and what each verb answers."""

from __future__ import annotations

import json
import secrets
import time

import pytest

from tests.site import Site
from tests.wordpress.channel_ends import Caller, settle


@pytest.fixture
def caller(site: Site) -> Caller:
    return Caller.of(site)


@pytest.mark.wordpress("6.1", "6.8", "7.1")
def test_ping_answers_signed(caller: Caller) -> None:
    nonce = secrets.token_hex(16)
    reply = caller.call("ping", {}, nonce=nonce)
    assert reply.status_code == 200
    assert caller.is_signed(nonce, reply)
    data = reply.json()["data"]
    assert abs(data["time_ms"] - time.time() * 1000) < 5000
    assert data["wp_version"] == caller.site.exact_version
    assert data["authorization"] is False
    body = b"{}"
    with_header = {**caller.headers("ping", body), "Authorization": "Bearer x"}
    assert caller.post("ping", body, with_header).json()["data"]["authorization"] is True
    assert reply.headers["Cache-Control"].startswith("no-")


def test_what_is_not_signed_fresh_and_new_gets_nothing(caller: Caller) -> None:
    body = b"{}"
    good = caller.headers("ping", body)
    assert caller.post("ping", body, good).status_code == 200
    late, early = (str(int(time.time() * 1000) + shift) for shift in (-61_000, 61_000))
    refused = {
        "replayed": (body, good),
        "another body": (b'{"a":1}', caller.headers("ping", body)),
        "another verb": (body, caller.headers("ask", body)),
        "another blog": (body, caller.headers("ping", body, blog="2")),
        "stale": (body, caller.headers("ping", body, time=late)),
        "of the future": (body, caller.headers("ping", body, time=early)),
        "an odd nonce": (body, caller.headers("ping", body, nonce="x" * 32)),
        "a wrong signature": (body, caller.headers("ping", body, signature="0" * 64)),
        "no signature": (body, {}),
        "another protocol": (body, caller.headers("ping", body, bridge="2")),
    }
    for name, (sent, headers) in refused.items():
        reply = caller.post("ping", sent, headers)
        assert (reply.status_code, reply.content) == (403, b""), name
        assert "X-Learnomy-Response-Signature" not in reply.headers


def test_a_request_key_signs_no_call(site: Site) -> None:
    caller = Caller.of(site)
    caller.call_key = caller.reply_key
    assert caller.call("ping", {}).status_code == 403


def test_an_unknown_verb_and_a_get_are_pages(caller: Caller) -> None:
    assert caller.call("no-such-verb", {}).headers["Content-Type"].startswith("text/html")
    assert caller.site.page("/?learnomy-bridge=ping").headers["Content-Type"].startswith("text/html")


def test_ask_applies_filters(caller: Caller) -> None:
    with caller.site.must_use("rule", "add_filter( 'learnomy_x', fn( $v, $w ) => $v + $w, 10, 2 );"):
        asks = [{"id": "a", "kind": "filter", "name": "learnomy_x", "value": 1, "args": [2]}]
        assert caller.call("ask", {"asks": asks}).json() == {"data": {"answers": {"a": 3}}}
        asks[0]["id"] = "0"
        assert caller.call("ask", {"asks": asks}).json() == {"data": {"answers": {"0": 3}}}
    with caller.site.must_use("rule", "add_filter( 'learnomy_x', fn() => new WP_Error( 'no', 'No.' ) );"):
        nonce = secrets.token_hex(16)
        reply = caller.call("ask", {"asks": asks}, nonce=nonce)
        assert (reply.status_code, reply.json()["error"]["code"]) == (403, "no")
        assert caller.is_signed(nonce, reply)


def test_what_listeners_print_is_no_part_of_a_reply(caller: Caller) -> None:
    code = """
    add_filter( 'learnomy_x', function ( $v ) {
        echo 'noise';
        ob_start();
        echo 'more';
        return $v;
    } );
    """
    with caller.site.must_use("noise", code):
        asks = [{"id": "a", "kind": "filter", "name": "learnomy_x", "value": 1, "args": []}]
        assert caller.call("ask", {"asks": asks}).json() == {"data": {"answers": {"a": 1}}}


def test_effects_change_wordpress(caller: Caller) -> None:
    user = caller.site.user_id("student2")
    wanted = [{"kind": "update_user", "user_id": user, "fields": {"description": "by a call"}}]
    assert caller.call("effect", {"effects": wanted}).json() == {"data": {"results": [True]}}
    said = caller.site.php(f"return get_user_meta( {user}, 'description', true );")
    assert said == "by a call"


def test_record_renews_the_record(caller: Caller) -> None:
    settle(caller.site)
    with caller.site.must_use("listener", "add_action( 'learnomy_test_hook', 'strtolower' );"):
        reply = caller.call("record", {})
    assert abs(reply.json()["data"]["time"] - time.time()) < 5
    stored = caller.site.php("return get_option( 'learnomy_record' );")
    assert stored["listeners"]["learnomy_test_hook"] == ["unknown"]


def test_calls_are_answered_while_the_rest_api_is_closed(caller: Caller) -> None:
    closed = (
        "add_filter( 'rest_authentication_errors', fn() => new WP_Error( 'closed', 'x', array( 'status' => 401 ) ) );"
    )
    with caller.site.must_use("closed", closed):
        assert caller.call("ping", {}).status_code == 200


def test_an_oversized_call_is_refused(caller: Caller) -> None:
    body = json.dumps({"x": "y" * 5_000_000}).encode()
    assert caller.post("ping", body, caller.headers("ping", body)).status_code == 403
