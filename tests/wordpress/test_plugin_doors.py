"""The doors of the plugin, with the real backend behind them: which one serves what, and that all say the same."""

from __future__ import annotations

from typing import Any

import pytest

from tests.site import DOORS, Site
from tests.wordpress.channel_ends import door_of, settle

HEALTH = "/health"
INSIDE = ("full", "internal")


@pytest.fixture
def site(site: Site) -> Site:
    """A site whose listeners are recorded."""
    settle(site)
    return site


@pytest.mark.wordpress("6.1", "6.8", "7.1")
@pytest.mark.parametrize("door", DOORS)
def test_each_door_serves(site: Site, door: str) -> None:
    answer = site.get(HEALTH, door=door)
    assert answer.status == 200
    assert answer.data["status"] == "ok"
    assert door_of(site, answer) == door


@pytest.mark.wordpress("6.1", "7.1")
@pytest.mark.parametrize("door", ["early", "full"])
def test_head_gives_the_headers_of_get_and_no_body(site: Site, door: str) -> None:
    auth = site.application_password("student")
    whole, bare = site.get("/auth/me", door=door, auth=auth), site.request("HEAD", "/auth/me", door=door, auth=auth)
    assert bare.status == 200
    assert bare.body == b""
    assert bare.headers["ETag"] == whole.headers["ETag"]


@pytest.mark.wordpress("6.1", "7.1")
@pytest.mark.parametrize("door", ["early", "full"])
def test_an_unchanged_answer_is_304(site: Site, door: str) -> None:
    auth = site.application_password("student")
    etag = site.get("/auth/me", door=door, auth=auth).headers["ETag"]
    again = site.get("/auth/me", door=door, auth=auth, headers={"If-None-Match": etag})
    assert (again.status, again.body) == (304, b"")
    assert again.headers["ETag"] == etag


@pytest.mark.parametrize("door", ["early", "full"])
def test_the_body_is_the_backends_own_bytes(site: Site, door: str) -> None:
    assert site.get("/openapi.json", door=door).body == site.get("/openapi.json").body


@pytest.mark.parametrize("path", ["/wp-json/learnomy/v1/health", "/?rest_route=/learnomy/v1/health"])
def test_the_early_door_knows_both_kinds_of_address(site: Site, path: str) -> None:
    assert door_of(site, site.get(path, door="early")) == "early"


@pytest.mark.parametrize(
    "path",
    [
        "/wp-json/learnomy/v1/health?_jsonp=cb",
        "/wp-json/learnomy/v1/health?_envelope=1",
        "/wp-json/learnomy/v1/health?_embed=1",
        "/index.php?rest_route=/learnomy/v1/health&_embed",
        "/wp-json/learnomy/v1/health?rest_route=/learnomy/v1/health",
        "/sample-page/?rest_route=/learnomy/v1/health",
    ],
)
def test_what_wordpress_must_read_is_not_served_early(site: Site, path: str) -> None:
    answer = site.get(path, door="early")
    assert answer.status == 200
    assert "ok" in answer.text
    # WordPress's own header, on the answer or in its envelope.
    assert answer.headers.get("Allow") == "GET" or '"Allow":"GET"' in answer.text


def test_an_address_that_names_two_routes_is_wordpresss_to_read(site: Site) -> None:
    answer = site.get("/wp-json/learnomy/v1/health?rest_route=/wp/v2/types", door="early")
    assert answer.status == 200
    assert "post" in answer.json()


def test_a_login_cookie_needs_wordpress(site: Site) -> None:
    cookies, nonce = site.log_in("student")
    answer = site.get("/auth/me", door="early", cookies=cookies, headers={"X-WP-Nonce": nonce})
    assert answer.data["username"] == "student"
    assert answer.data["credential"] == "cookie"
    assert door_of(site, answer) == "full"


def test_compatibility_mode_closes_the_early_and_the_direct_door(site: Site) -> None:
    site.php("\\Learnomy\\Bridge_Options::set( array( 'compat' => true ) ); return 1;")
    try:
        for door in ("early", "direct"):
            assert door_of(site, site.get(HEALTH, door=door)) == "full"
    finally:
        site.php("\\Learnomy\\Bridge_Options::set( array( 'compat' => false ) ); return 1;")


def test_without_a_record_everything_goes_through_wordpress_which_makes_one(site: Site) -> None:
    site.php("delete_option( 'learnomy_record' ); return 1;")
    assert door_of(site, site.get(HEALTH, door="early")) == "full"
    assert door_of(site, site.get(HEALTH, door="early")) == "early"


def test_the_owner_can_close_the_early_door(site: Site) -> None:
    with site.config("define( 'LEARNOMY_FULL_DOOR', true );"):
        assert door_of(site, site.get(HEALTH, door="early")) == "full"


def test_a_broken_early_door_leaves_wordpress_whole(site: Site) -> None:
    early = site.content / "plugins" / "learnomy" / "includes" / "early-door.php"
    whole = early.read_text()
    site._write(early, whole + "\nthis is no PHP(")
    try:
        site.stop("php-fpm")
        site.start("php-fpm")
        assert door_of(site, site.get(HEALTH, door="early")) == "full"
        assert site.page("/").status == 200
    finally:
        site._write(early, whole)
        site.stop("php-fpm")
        site.start("php-fpm")
    assert door_of(site, site.get(HEALTH, door="early")) == "early"


def test_another_version_of_the_stub_is_let_be_and_then_renewed(site: Site) -> None:
    stub = site.content / "mu-plugins" / "learnomy-early.php"
    whole = stub.read_text()
    site._write(stub, whole.replace("$learnomy_stub = '", "$learnomy_stub = '0.0."))
    try:
        site.stop("php-fpm")
        site.start("php-fpm")
        assert door_of(site, site.get(HEALTH, door="early")) == "full"
        assert site.php("return \\Learnomy\\Activation_Stub::install();") is True
        assert stub.read_text() == whole
    finally:
        site._write(stub, whole)
        site.stop("php-fpm")
        site.start("php-fpm")


# --- methods -----------------------------------------------------------------------------


@pytest.mark.parametrize("door", ["direct", "early", "full"])
@pytest.mark.parametrize("how", [{"headers": {"X-HTTP-Method-Override": "PATCH"}}, {"params": {"_method": "PATCH"}}])
def test_an_overridden_method_is_the_one_that_counts(site: Site, door: str, how: dict[str, Any]) -> None:
    answer = site.post("/me", door=door, json={"display_name": "x"}, **how)
    # Nobody may change nobody: but PATCH is known here, and POST is not.
    assert (answer.status, answer.error["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize("door", DOORS)
def test_a_method_that_no_route_has_is_405_with_those_that_it_has(site: Site, door: str) -> None:
    answer = site.request("PUT", "/me", door=door, json={})
    if door == "internal":
        assert answer.status == 404  # core's own word, which no filter can reach
        return
    assert (answer.status, answer.error["code"]) == (405, "method_not_allowed")
    assert {"GET", "HEAD", "PATCH"} <= set(answer.headers["Allow"].replace(" ", "").split(","))


@pytest.mark.parametrize("door", ["direct", "early", "full"])
def test_an_unknown_path_is_404_in_the_envelope(site: Site, door: str) -> None:
    answer = site.get("/no-such-thing", door=door)
    assert (answer.status, answer.error["code"]) == (404, "not_found")
    assert answer.error["request_id"] == answer.headers["X-Request-ID"]


@pytest.mark.parametrize("door", ["early", "full"])
def test_options_is_answered_with_who_may_ask_from_elsewhere(site: Site, door: str) -> None:
    headers = {"Origin": "https://app.example", "Access-Control-Request-Method": "PATCH"}
    answer = site.request("OPTIONS", "/me", door=door, headers=headers)
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
    allowed = answer.headers["Access-Control-Allow-Headers"]
    assert all(name in allowed for name in ("Authorization", "X-WP-Nonce", "Idempotency-Key", "If-Match"))


@pytest.mark.wordpress("6.1", "7.1")
def test_the_headers_for_other_origins_are_the_same_by_every_door(site: Site) -> None:
    names = ("Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Expose-Headers")
    answers = [site.get(HEALTH, door=door, headers={"Origin": "https://a.example"}) for door in ("early", "full")]
    direct = site.get(HEALTH, headers={"Origin": "https://a.example"})
    for answer in answers:
        assert [answer.headers[name] for name in names] == [direct.headers[name] for name in names]


# --- what core would say of a body ---------------------------------------------------------


@pytest.mark.wordpress("6.1", "7.1")
@pytest.mark.parametrize("door", ["direct", "early", "full"])
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{not json", (400, "malformed_json")),
        (b'"text"', (422, "validation_failed")),
        (b"5", (422, "validation_failed")),
        (b"null", (422, "validation_failed")),
        (b"[1, 2]", (422, "validation_failed")),
        (b"{}", (422, "validation_failed")),
        (b'{"username": 5, "password": []}', (422, "validation_failed")),
    ],
)
def test_core_never_judges_a_body(site: Site, door: str, body: bytes, expected: tuple[int, str]) -> None:
    site.clear_debug_log()
    answer = site.post("/auth/token", door=door, data=body, headers={"Content-Type": "application/json"})
    assert (answer.status, answer.error["code"]) == expected
    assert answer.headers["Content-Type"].startswith("application/json")
    assert site.debug_log() == ""


@pytest.mark.parametrize("door", ["early", "full"])
def test_a_body_over_the_limit_is_413(site: Site, door: str) -> None:
    body = b'{"username": "' + b"x" * 1024 * 1024 + b'"}'
    answer = site.post("/auth/token", door=door, data=body, headers={"Content-Type": "application/json"})
    assert (answer.status, answer.error["code"]) == (413, "payload_too_large")


@pytest.mark.parametrize("door", ["direct", "early", "full"])
def test_a_form_is_not_taken_for_json(site: Site, door: str) -> None:
    answer = site.post("/auth/token", door=door, data={"username": "student", "password": "x"})
    assert (answer.status, answer.error["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("door", ["direct", "early", "full"])
@pytest.mark.parametrize(
    "path",
    ["/courses/a%2Fcurriculum", "/courses/%2e%2e", "/courses//curriculum"],
)
def test_an_encoded_path_cannot_mean_another_route(site: Site, door: str, path: str) -> None:
    assert site.get(path, door=door).status == 404


@pytest.mark.parametrize("door", ["early", "full"])
def test_odd_bytes_in_an_address_do_no_harm(site: Site, door: str) -> None:
    for path in ("/health?a=%E9&b[]=1&c=\xe9", "/health?x=<>\"'^`{}|\\", "/health?" + "y" * 6000):
        assert site.get(path, door=door).status == 200
    answer = site.get(HEALTH, door=door, headers={"User-Agent": "caf\xe9", "X-Request-ID": "a b"})
    assert answer.status == 200


# --- WordPress's own view of the routes ------------------------------------------------------


@pytest.mark.wordpress("6.1", "6.8", "7.1")
def test_every_endpoint_is_a_route_with_args_and_none_stands_in_the_index(site: Site) -> None:
    found = site.php(
        """
        $table  = \\Learnomy\\Routes::table();
        $routes = rest_get_server()->get_routes( 'learnomy/v1' );
        $lacks  = array();
        $public = array();
        foreach ( $table['learnomy/v1'] as $row ) {
            $handlers = $routes[ '/learnomy/v1' . $row['path'] ] ?? array();
            $takes    = fn( $one ) => isset( $one['methods'][ $row['method'] ] );
            $mine     = array_values( array_filter( $handlers, $takes ) );
            if ( 1 !== count( $mine ) || array_keys( $row['args'] ) !== array_keys( $mine[0]['args'] ) ) {
                $lacks[] = $row['name'];
            } elseif ( $row['public'] !== ( '__return_true' === $mine[0]['permission_callback'] ) ) {
                $public[] = $row['name'];
            }
        }
        return array( count( $table['learnomy/v1'] ), $lacks, $public );
        """
    )
    assert found == [166, [], []]
    index = site.get("/wp-json/", door="full").json()
    assert "learnomy/v1" in index["namespaces"]
    assert [route for route in index["routes"] if route.startswith("/learnomy/v1/")] == []


def test_registering_the_routes_costs_little(site: Site) -> None:
    took = site.php(
        """
        \\Learnomy\\Routes::table();
        rest_get_server();
        $times = array();
        for ( $i = 0; $i < 20; $i++ ) {
            $began = hrtime( true );
            \\Learnomy\\Routes::register();
            $times[] = ( hrtime( true ) - $began ) / 1e6;
        }
        return min( $times );
        """
    )
    assert took < 3


def test_the_internal_door_speaks_php(site: Site) -> None:
    found = site.php(
        """
        $ok    = rest_do_request( new WP_REST_Request( 'GET', '/learnomy/v1/health' ) );
        $wrong = rest_do_request( new WP_REST_Request( 'GET', '/learnomy/v1/auth/me' ) );
        $error = $wrong->as_error();
        return array(
            $ok->is_error(), is_array( $ok->get_data() ), $ok->get_data()['data']['status'],
            $wrong->get_status(), $wrong->is_error(), $error->get_error_code(), $error->get_error_data()['status'],
        );
        """
    )
    assert found == [False, True, "ok", 401, True, "unauthenticated", 401]


def test_the_internal_door_knows_the_current_user_also_inside_another_request(site: Site) -> None:
    code = """
    add_action( 'rest_api_init', function () {
        register_rest_route( 'other/v1', '/who', array(
            'permission_callback' => '__return_true',
            'callback'            => function () {
                return rest_do_request( new WP_REST_Request( 'GET', '/learnomy/v1/auth/me' ) )->get_data();
            },
        ) );
    } );
    """
    with site.must_use("other", code):
        cookies, nonce = site.log_in("teacher")
        answer = site.get("/wp-json/other/v1/who", door="full", cookies=cookies, headers={"X-WP-Nonce": nonce})
    assert answer.data["username"] == "teacher"
    assert answer.data["credential"] == "internal"


def test_the_internal_door_takes_parameters_as_arrays(site: Site) -> None:
    sent = site.php(
        """
        $request = new WP_REST_Request( 'POST', '/learnomy/v1/auth/token' );
        $request->set_body_params( array( 'username' => 'student', 'password' => "it's wrong" ) );
        $one = rest_do_request( $request );
        $request = new WP_REST_Request( 'POST', '/learnomy/v1/auth/token' );
        $request->set_param( 'username', 'student' );
        $two = rest_do_request( $request );
        return array( $one->get_status(), $two->get_status(), $two->get_data()['error']['details'][0]['field'] );
        """
    )
    assert sent == [401, 422, "password"]
