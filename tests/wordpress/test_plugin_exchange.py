"""What happens around one call: filters, rounds of questions, effects, and what plugins may refuse."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from tests.site import Site
from tests.wordpress.channel_ends import Peer, settle

ROUND = "application/vnd.learnomy.round+json"
Answer = Callable[[Peer, BaseHTTPRequestHandler, bytes], None]
INSIDE = ("full", "internal")


@pytest.fixture
def site(site: Site) -> Site:
    settle(site)
    return site


@pytest.fixture
def peer(site: Site) -> Iterator[Peer]:
    """A backend that the test speaks for."""
    found = Peer.of(site)
    with site.backend_replaced(found):
        yield found


def fixed(document: Any, **options: Any) -> Answer:
    return lambda peer, handler, _body: peer.reply(handler, document, **options)


def asked(peer: Peer) -> list[dict[str, Any]]:
    """What was sent to our routes."""
    return [sent for sent in peer.seen if sent["target"].startswith("/wp-json/")]


# --- filters around the call ---------------------------------------------------------------------


@pytest.mark.wordpress("6.1", "7.1")
@pytest.mark.parametrize("door", INSIDE)
def test_a_payload_filter_gets_an_array_an_object_and_the_request(site: Site, peer: Peer, door: str) -> None:
    peer.answer = fixed(
        {"data": {"id": 7, "name": "x", "price": 1.0, "nested": {"a": 1, "b": 2}}}, headers={"ETag": '"3.abc"'}
    )
    code = """
    add_filter( 'learnomy_rest_me_payload', function ( array $payload, object $me, ?WP_REST_Request $request ) {
        $payload['added'] = array( $me->id, get_class( $request ), $request->get_route() );
        return $payload;
    }, 10, 3 );
    """
    with site.must_use("payload", code):
        answer = site.get("/me", door=door)
        expected = {"id": 7, "name": "x", "price": 1.0, "nested": {"a": 1, "b": 2}}
        assert answer.json() == {"data": {**expected, "added": [7, "WP_REST_Request", "/learnomy/v1/me"]}}
        version, _, tag = answer.headers["ETag"].strip('"').partition(".")
        assert (version, tag == "abc") == ("3", False)
        # The whole, unconditional answer is asked for: the filter may need what the caller does not want.
        chosen = site.get(
            "/me", door=door, params={"_fields": "added,nested.a", "x": "1"}, headers={"If-None-Match": '"3.abc"'}
        )
        assert chosen.json() == {"data": {"added": [7, "WP_REST_Request", "/learnomy/v1/me"], "nested": {"a": 1}}}
        sent = asked(peer)[-1]
        assert sent["target"] == "/wp-json/learnomy/v1/me?x=1"
        assert "if-none-match" not in sent["headers"]
        again = site.get("/me", door=door, headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status == 304
    assert site.get("/me", door=door).headers["ETag"] == '"3.abc"'


def test_a_payload_filter_that_gives_no_array_changes_nothing(site: Site, peer: Peer) -> None:
    peer.answer = fixed({"data": {"id": 7}})
    with site.must_use("payload", "add_filter( 'learnomy_rest_me_payload', '__return_false' );"):
        assert site.get("/me", door="full").data == {"id": 7}


def test_a_filter_that_throws_gives_an_error_of_ours_and_a_line_in_the_log(site: Site, peer: Peer) -> None:
    peer.answer = fixed({"data": {"id": 7}})
    site.clear_debug_log()
    code = "add_filter( 'learnomy_rest_me_payload', function ( int $wrong ) { return 1; } );"
    with site.must_use("payload", code):
        answer = site.get("/me", door="full")
    assert (answer.status, answer.error["code"]) == (500, "internal_error")
    assert "TypeError" in site.debug_log()


@pytest.mark.parametrize("door", INSIDE)
def test_a_payload_filter_gets_each_row_of_a_list(site: Site, peer: Peer, door: str) -> None:
    peer.answer = fixed({"data": [{"id": 1}, {"id": 2}], "meta": {"total": 2, "cursor_next": None}})
    code = "add_filter( 'learnomy_rest_course_payload', fn( $p, $c ) => $p + array( 'double' => 2 * $c->id ), 10, 2 );"
    with site.must_use("payload", code):
        answer = site.get("/courses", door=door)
        assert answer.data == [{"id": 1, "double": 2}, {"id": 2, "double": 4}]
        assert answer.json()["meta"] == {"total": 2, "cursor_next": None}
        assert site.get("/courses?_fields=double", door=door).data == [{"double": 2}, {"double": 4}]


def test_errors_are_not_filtered(site: Site, peer: Peer) -> None:
    peer.answer = fixed({"error": {"code": "x"}}, status=409)
    with site.must_use("payload", "add_filter( 'learnomy_rest_me_payload', fn() => array( 'wrong' => 1 ) );"):
        answer = site.get("/me", door="full")
    assert (answer.status, answer.json()) == (409, {"error": {"code": "x"}})


@pytest.mark.parametrize("door", INSIDE)
def test_a_query_filter_changes_what_is_asked(site: Site, peer: Peer, door: str) -> None:
    code = """
    add_filter( 'learnomy_course_query', function ( array $query, WP_REST_Request $request ) {
        return array( 'per_page' => 3, 'ids' => array( 4, 5 ), 'featured' => true, 'none' => null ) + $query;
    }, 10, 2 );
    """
    with site.must_use("query", code):
        assert site.get("/courses", door=door, params={"search": "a&b", "per_page": "50"}).status == 200
    assert asked(peer)[-1]["target"].endswith("/courses?per_page=3&ids=4%2C5&featured=true&search=a%26b")


@pytest.mark.parametrize("door", ["early", "full", "internal"])
def test_a_write_may_be_refused_before_it_is_sent(site: Site, door: str) -> None:
    code = """
    add_filter( 'learnomy_pre_create_course', function ( $refusal, array $params, WP_REST_Request $request ) {
        return 'bad' === ( $params['title'] ?? '' )
            ? new WP_Error( 'title-taken', 'Choose another.', array( 'status' => 409 ) ) : $refusal;
    }, 10, 3 );
    """
    with site.must_use("pre", code):
        settle_for(site)
        answer = site.post("/courses", door=door, json={"title": "bad"})
        assert (answer.status, answer.error["code"], answer.error["message"]) == (409, "title_taken", "Choose another.")
        assert site.post("/courses", door=door, json={"title": "good"}).status == 401


def settle_for(site: Site) -> None:
    """Let WordPress note who listens now."""
    site.page("/")
    site.get("/health", door="full")


# --- rounds ---------------------------------------------------------------------------------------


def asking(questions: list[dict[str, Any]], rounds: int = 1) -> Answer:
    """Asks for some rounds, and then answers with what it was told."""
    state = {"n": 0}

    def answer(peer: Peer, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        if not handler.path.startswith("/wp-json/"):
            peer.reply(handler, {"data": {}})
        elif state["n"] < rounds:
            state["n"] += 1
            peer.reply(handler, {"round": f"r{state['n']}", "asks": questions}, control="ask")
        else:
            peer.reply(handler, {"data": {"told": json.loads(body)["answers"]}})

    return answer


@pytest.mark.wordpress("6.1", "7.1")
@pytest.mark.parametrize("door", INSIDE)
@pytest.mark.parametrize(("method", "path", "body"), [("GET", "/courses?x=1", None), ("POST", "/courses", {"a": "Ü"})])
def test_a_question_is_answered_by_the_same_request_again(
    site: Site, peer: Peer, door: str, method: str, path: str, body: Any
) -> None:
    peer.answer = asking(
        [
            {"id": "k1", "kind": "filter", "name": "learnomy_test_price", "value": 10, "args": [5, {"a": [1]}]},
            {"id": "k2", "kind": "filter", "name": "learnomy_nobody_listens", "value": {"b": None}, "args": []},
            {"id": "k3", "kind": "call", "name": "image_url", "args": {"id": 999999, "user_id": 1}},
        ],
        rounds=2,
    )
    code = """
    add_filter( 'learnomy_test_price', function ( int $value, int $by, array $more ) {
        return $value * $by + $more['a'][0];
    }, 10, 3 );
    """
    with site.must_use("rule", code):
        answer = site.request(method, path, door=door, json=body)
    assert answer.data["told"] == {"k1": 51, "k2": {"b": None}, "k3": None}
    first, second, third = asked(peer)
    assert len({sent["headers"]["x-learnomy-nonce"] for sent in (first, second, third)}) == 3
    assert all(peer.is_signed(sent) for sent in (first, second, third))
    for number, sent in enumerate((second, third), 1):
        assert (sent["method"], sent["target"]) == (method, first["target"])
        assert sent["headers"]["content-type"] == ROUND
        wrapped = json.loads(sent["body"])
        assert wrapped["round"] == f"r{number}"
        assert base64.b64decode(wrapped["body"]) == first["body"]
        assert wrapped["content_type"] == first["headers"].get("content-type", "")
        same = ("x-learnomy-user", "x-learnomy-door", "x-learnomy-deadline", "x-request-id")
        assert [sent["headers"].get(name) for name in same] == [first["headers"].get(name) for name in same]


def test_four_rounds_are_the_most(site: Site, peer: Peer) -> None:
    question = {"id": "k1", "kind": "filter", "name": "learnomy_x", "value": 1, "args": []}
    peer.answer = asking([question], rounds=4)
    assert site.get("/courses", door="full").status == 200
    peer.answer = asking([question], rounds=5)
    assert site.get("/courses", door="full").status == 500


@pytest.mark.parametrize(
    ("listener", "expected"),
    [
        ("new WP_Error( 'closed', 'Not today.', array( 'status' => 409 ) )", (409, "closed")),
        ("new WP_Error( 'closed', 'Not today.' )", (403, "closed")),
        ("throw new Exception( 'x' )", (500, "internal_error")),
    ],
)
def test_a_listener_may_refuse_and_one_that_fails_allows_nothing(
    site: Site, peer: Peer, listener: str, expected: tuple[int, str]
) -> None:
    peer.answer = asking([{"id": "k", "kind": "filter", "name": "learnomy_rule", "value": True, "args": []}])
    with site.must_use("rule", f"add_filter( 'learnomy_rule', function () {{ return {listener}; }} );"):
        answer = site.post("/courses", door="full", json={})
    assert (answer.status, answer.error["code"]) == expected
    assert len(asked(peer)) == 1


def test_only_filters_of_ours_and_known_calls_are_answered(site: Site, peer: Peer) -> None:
    for question in (
        {"id": "k", "kind": "filter", "name": "user_has_cap", "value": {}, "args": []},
        {"id": "k", "kind": "call", "name": "system", "args": {"command": "id"}},
        {"id": "k"},
        "k",
    ):
        peer.answer = asking([question])  # type: ignore[list-item]
        assert site.get("/courses", door="full").status == 500


# --- effects ----------------------------------------------------------------------------------------


def effects(*wanted: dict[str, Any], status: int = 200) -> Answer:
    answer = {
        "status": status,
        "headers": {"X-Other": "no", "Cache-Control": "no-store"},
        "body": {"data": {"ok": True}},
    }
    return fixed({"effects": list(wanted), "answer": answer}, control="effect")


@pytest.mark.wordpress("6.1", "7.1")
@pytest.mark.parametrize("door", INSIDE)
def test_a_user_is_changed_as_wordpress_changes_one(site: Site, peer: Peer, door: str) -> None:
    user = site.php("return wp_insert_user( array( 'user_login' => uniqid( 'eff' ), 'user_pass' => 'x' ) );")
    fields = {
        "display_name": "O'Neil \"\\",
        "description": "it's",
        "user_pass": "new'pass",
        "ID": 1,
        "role": "administrator",
    }
    preferences = {"timezone": "Europe/Paris", "quote": "it's \\"}
    peer.answer = effects(
        {"kind": "update_user", "user_id": user, "fields": fields, "meta": {"learnomy_preferences": preferences}},
        {"kind": "update_preferences", "user_id": user, "preferences": {"more": [1]}},
    )
    answer = site.patch("/me", door=door, json={})
    assert (answer.status, answer.data) == (200, {"ok": True})
    assert "X-Other" not in answer.headers
    seen = site.php(
        f"""
        $user = get_userdata( {user} );
        return array( $user->display_name, $user->description, $user->roles,
            get_user_meta( {user}, 'learnomy_preferences', true ),
            wp_authenticate( $user->user_login, wp_slash( "new'pass" ) ) instanceof WP_User );
        """
    )
    assert seen[:2] == ["O'Neil \"\\", "it's"]
    assert "administrator" not in seen[2]
    assert seen[3] == {**preferences, "more": [1]}
    assert seen[4] is True


def test_the_first_refusal_is_the_answer_and_nothing_more_is_done(site: Site, peer: Peer) -> None:
    admin = site.user_id("admin")
    peer.answer = effects(
        {"kind": "update_user", "user_id": admin, "fields": {"user_email": "student@example.test"}},
        {"kind": "update_settings", "settings": {"never": True}},
    )
    answer = site.patch("/me", door="full", json={})
    assert (answer.status, answer.error["code"]) == (409, "existing_user_email")
    assert "never" not in site.php("return (object) get_option( 'learnomy_settings' );")
    for wrong, status in (
        ({"kind": "update_user", "user_id": admin, "fields": {"user_email": "nonsense"}}, 422),
        ({"kind": "update_user", "user_id": 99999999, "fields": {}}, 404),
        (
            {
                "kind": "update_user",
                "user_id": admin,
                "fields": {},
                "meta": {"wp_capabilities": {"administrator": True}},
            },
            501,
        ),
        ({"kind": "drop_tables"}, 501),
    ):
        peer.answer = effects(wrong)
        assert site.patch("/me", door="full", json={}).status == status


def test_a_listener_of_wordpresss_own_can_refuse_an_effect(site: Site, peer: Peer) -> None:
    code = """
    add_filter( 'wp_pre_insert_user_data', function ( $data ) {
        return 'Forbidden' === ( $data['display_name'] ?? '' ) ? array() : $data;
    } );
    """
    peer.answer = effects(
        {"kind": "update_user", "user_id": site.user_id("admin"), "fields": {"display_name": "Forbidden"}}
    )
    with site.must_use("guard", code):
        answer = site.patch("/me", door="full", json={})
    assert (answer.status, answer.error["code"]) == (400, "empty_data")


def test_settings_are_merged_into_the_stored_ones(site: Site, peer: Peer) -> None:
    with site.option("learnomy_settings", {"kept": 1, "changed": 1}):
        peer.answer = effects({"kind": "update_settings", "settings": {"changed": {"a": "it's"}}})
        assert site.patch("/settings", door="full", json={}).status == 200
        assert site.php("return get_option( 'learnomy_settings' );") == {"kept": 1, "changed": {"a": "it's"}}
        told = [sent for sent in peer.seen if sent["target"].endswith("/changed")]
        assert json.loads(told[-1]["body"]) == {"what": ["site"]}
