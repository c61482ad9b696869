"""Who calls: every credential as the plugin sees it, on our routes and on those of others."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import requests

from tests.site import PASSWORD, Site
from tests.wordpress.channel_ends import Peer, door_of, settle

OUR_DOORS = ("direct", "early", "full")
# What WordPress and other plugins see of the caller, at different moments and on a route of their own.
WITNESS = """
add_action( 'init', function () {
    $header = $_SERVER['HTTP_AUTHORIZATION'] ?? '';
    $GLOBALS['seen_at_init'] = array( get_current_user_id(), $header, array_keys( $_COOKIE ) );
} );
add_action( 'rest_api_init', function () {
    register_rest_route( 'other/v1', '/who', array(
        'permission_callback' => '__return_true',
        'callback'            => function () {
            return array( 'init' => $GLOBALS['seen_at_init'], 'now' => get_current_user_id() );
        },
    ) );
} );
"""


@pytest.fixture
def site(site: Site) -> Site:
    settle(site)
    return site


@pytest.fixture
def no_failures(site: Site) -> None:
    """Nobody has failed to log in yet."""
    redis.Redis.from_url(site.redis_url).flushdb()


@pytest.fixture
def witness(site: Site) -> Iterator[Site]:
    with site.must_use("witness", WITNESS):
        settle(site)
        yield site


def log_in(site: Site, login: str = "student") -> str:
    """An access token."""
    answer = site.post("/auth/token", door="full", json={"username": login, "password": PASSWORD})
    return str(answer.data["access_token"])


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def who(site: Site, **options: Any) -> Any:
    return site.get("/wp-json/other/v1/who", door="full", **options)


# --- our tokens ------------------------------------------------------------------------------


@pytest.mark.wordpress("6.1", "6.8", "7.1")
@pytest.mark.parametrize("door", OUR_DOORS)
@pytest.mark.parametrize("header", ["Authorization", "X-Learnomy-Authorization"])
def test_a_token_counts_by_every_door_and_in_both_headers(site: Site, door: str, header: str) -> None:
    answer = site.get("/auth/me", door=door, headers={header: f"Bearer {log_in(site)}"})
    assert (answer.data["username"], answer.data["credential"]) == ("student", "jwt")
    assert door_of(site, answer) == door


@pytest.mark.parametrize("door", OUR_DOORS)
def test_our_own_header_never_wins_over_the_real_one(site: Site, door: str) -> None:
    token = log_in(site)
    wrong = {"Authorization": f"Bearer {token}x", "X-Learnomy-Authorization": f"Bearer {token}"}
    assert site.get("/auth/me", door=door, headers=wrong).status == 401
    staging = {
        "Authorization": "Basic " + b64encode(b"web:server").decode(),
        "X-Learnomy-Authorization": f"Bearer {token}",
    }
    answer = site.get("/auth/me", door=door, headers=staging)
    assert answer.status == 401


@pytest.mark.parametrize("door", OUR_DOORS)
@pytest.mark.parametrize("path", ["/health", "/auth/me"])
def test_a_wrong_token_is_401_also_where_nobody_must_log_in(site: Site, door: str, path: str) -> None:
    good = log_in(site)
    head, claims, signature = good.split(".")
    altered = f"{head}.{claims}.{'A' * len(signature)}"
    for token in (altered, f"{head}.{signature}.{claims}", good + "x", "lrn_0123456789abcdef"):
        answer = site.get(path, door=door, headers=bearer(token))
        assert (answer.status, answer.error["code"]) == (401, "unauthenticated"), token
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("door", OUR_DOORS)
def test_an_expired_token_says_so(site: Site, door: str) -> None:
    token = log_in(site)
    expired = site.php(
        f"""
        $parts  = explode( '.', '{token}' );
        $claims = json_decode( base64_decode( strtr( $parts[1], '-_', '+/' ) ), true );
        $claims['exp'] = time() - 5;
        $ring   = ( new ReflectionClass( 'Learnomy\\Signing_Keys' ) )->getMethod( 'ring' );
        $ring->setAccessible( true );
        $key    = base64_decode( $ring->invoke( null )[0]['key'] );
        $plain  = fn( $x ) => rtrim( strtr( base64_encode( $x ), '+/', '-_' ), '=' );
        $signed = $parts[0] . '.' . $plain( json_encode( $claims ) );
        return $signed . '.' . $plain( hash_hmac( 'sha256', $signed, $key, true ) );
        """
    )
    answer = site.get("/auth/me", door=door, headers=bearer(expired))
    assert (answer.status, answer.error["code"]) == (401, "token_expired")


@pytest.mark.wordpress("6.1", "7.1")
def test_a_token_names_the_current_user_for_everybody_and_nobody_else_sees_it(witness: Site) -> None:
    seen = who(witness, headers=bearer(log_in(witness))).json()
    student = witness.user_id("student")
    assert seen["now"] == student
    assert seen["init"][0] == student
    assert seen["init"][1] == ""


@pytest.mark.wordpress("6.1", "7.1")
@pytest.mark.parametrize("with_nonce", [True, False])
def test_a_token_of_one_never_meets_a_cookie_of_another(witness: Site, with_nonce: bool) -> None:
    token = log_in(witness, "student")
    cookies, nonce = witness.log_in("teacher")
    headers = {**bearer(token), **({"X-WP-Nonce": nonce} if with_nonce else {})}
    for door in OUR_DOORS:
        answer = witness.get("/auth/me", door=door, headers=headers, cookies=cookies)
        assert answer.data["username"] == "student", door
    seen = who(witness, headers=headers, cookies=cookies).json()
    assert seen["now"] == witness.user_id("student")
    assert not [name for name in seen["init"][2] if name.startswith("wordpress_logged_in")]
    # A wrong token with a right cookie is a wrong token.
    for door in OUR_DOORS:
        wrong = {**headers, **bearer(token + "x")}
        assert witness.get("/auth/me", door=door, headers=wrong, cookies=cookies).status == 401
    assert who(witness, headers={**headers, **bearer(token + "x")}, cookies=cookies).status == 401


def test_the_backend_is_asked_once_and_judges_the_token_again_for_its_session(site: Site) -> None:
    token = log_in(site)
    student = site.user_id("student")
    peer = Peer.of(site)

    def answer(peer: Peer, handler: Any, _body: bytes) -> None:
        data = {"user_id": student, "credential": "jwt"} if handler.path.endswith("/whoami") else {"x": 1}
        peer.reply(handler, {"data": data})

    peer.answer = answer
    with site.backend_replaced(peer):
        site.get("/auth/me", door="full", headers=bearer(token))
    asked = [sent for sent in peer.seen if not sent["target"].endswith(("/changed", "/pair"))]
    assert [sent["target"].rpartition("/")[2] for sent in asked] == ["whoami", "me"]
    me = asked[1]["headers"]
    assert me["authorization"] == f"Bearer {token}"
    assert (me.get("x-learnomy-user", ""), me["x-learnomy-via"]) == ("", "jwt")
    assert all(peer.is_signed(sent) for sent in asked)


def test_another_plugins_rest_refuses_a_wrong_token_as_core_refuses_a_wrong_password(witness: Site) -> None:
    answer = who(witness, headers=bearer(log_in(witness) + "x"))
    assert answer.status == 401
    assert answer.json()["code"] == "unauthenticated"


def test_a_key_opens_nothing_but_our_own_routes(witness: Site) -> None:
    """Its scopes are known to the backend alone."""
    peer = Peer.of(witness)

    def answer(peer: Peer, handler: Any, _body: bytes) -> None:
        data = {"user_id": witness_admin, "credential": "api_key"} if handler.path.endswith("/whoami") else {"x": 1}
        peer.reply(handler, {"data": data})

    witness_admin = witness.user_id("admin")
    peer.answer = answer
    with witness.backend_replaced(peer):
        refused = who(witness, headers=bearer("lrn_abcdef"))
        assert (refused.status, refused.json()["code"]) == (401, "learnomy_api_key_scope")
        assert witness.get("/health", door="full", headers=bearer("lrn_abcdef")).status == 200


def test_without_a_backend_a_token_is_503_and_the_rest_goes_on(witness: Site) -> None:
    token = log_in(witness)
    with witness.without("api"):
        assert witness.get("/auth/me", door="full", headers=bearer(token)).status == 503
        assert who(witness, headers=bearer(token)).status == 503
        assert who(witness).json()["now"] == 0
        cookies, nonce = witness.log_in("teacher")
        assert who(witness, cookies=cookies, headers={"X-WP-Nonce": nonce}).json()["now"] == witness.user_id("teacher")


def test_a_token_opens_no_page_of_wordpress(site: Site) -> None:
    token = log_in(site, "admin")
    answer = site.page("/wp-admin/profile.php", headers=bearer(token))
    assert answer.status == 302
    assert "wp-login.php" in answer.headers["Location"]


# --- what WordPress knows itself -----------------------------------------------------------------


@pytest.mark.wordpress("6.1", "7.1")
@pytest.mark.parametrize("door", OUR_DOORS)
def test_an_application_password_counts_by_every_door(site: Site, door: str) -> None:
    auth = site.application_password("teacher")
    answer = site.get("/auth/me", door=door, auth=auth)
    assert (answer.data["username"], answer.data["credential"]) == ("teacher", "application_password")
    wrong = site.get("/auth/me", door=door, auth=(auth[0], auth[1] + "x"))
    assert (wrong.status, wrong.error["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize("door", ["early", "full"])
def test_an_application_password_in_our_header(site: Site, door: str) -> None:
    auth = site.application_password("teacher")
    header = {"X-Learnomy-Authorization": "Basic " + b64encode(":".join(auth).encode()).decode()}
    assert site.get("/auth/me", door=door, headers=header).data["username"] == "teacher"


def test_a_basic_of_the_web_servers_own_is_nobody_where_wordpress_takes_none(site: Site) -> None:
    with site.config("define( 'WP_ENVIRONMENT_TYPE', 'production' );"):
        assert site.get("/health", door="full", auth=("web", "server")).status == 200
        cookies, nonce = site.log_in("student")
        answer = site.get(
            "/auth/me", door="full", auth=("web", "server"), cookies=cookies, headers={"X-WP-Nonce": nonce}
        )
        assert (answer.data["username"], answer.data["credential"]) == ("student", "cookie")


@pytest.mark.wordpress("6.1", "7.1")
@pytest.mark.parametrize("door", OUR_DOORS)
def test_a_cookie_counts_with_its_nonce_only(site: Site, door: str) -> None:
    cookies, nonce = site.log_in("student")
    with_nonce = site.get("/auth/me", door=door, cookies=cookies, headers={"X-WP-Nonce": nonce})
    assert with_nonce.data["username"] == "student"
    assert "private" in with_nonce.headers["Cache-Control"] or "no-store" in with_nonce.headers["Cache-Control"]
    assert site.get("/auth/me", door=door, cookies=cookies).status == 401
    assert site.get("/health", door=door, cookies=cookies).status == 200
    wrong = site.get("/auth/me", door=door, cookies=cookies, headers={"X-WP-Nonce": "0123456789"})
    assert (wrong.status, wrong.error["code"]) == (403, "forbidden")


@pytest.mark.parametrize("door", OUR_DOORS)
def test_a_bearer_that_nobody_answers_for_is_wrong(site: Site, door: str) -> None:
    for path in ("/health", "/auth/me"):
        answer = site.get(path, door=door, headers=bearer("of.another.plugin"))
        assert (answer.status, answer.error["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize("door", OUR_DOORS)
def test_whom_another_plugin_names_by_its_bearer_is_who_calls(site: Site, door: str) -> None:
    code = """
    add_filter( 'determine_current_user', function ( $user ) {
        $is_theirs = 'Bearer of.another.plugin' === ( $_SERVER['HTTP_AUTHORIZATION'] ?? '' );
        return $is_theirs ? get_user_by( 'login', 'teacher' )->ID : $user;
    } );
    """
    with site.plugin("foreign-jwt", code):
        answer = site.get("/auth/me", door=door, headers=bearer("of.another.plugin"))
        assert (answer.data["username"], answer.data["credential"]) == ("teacher", "foreign")


# --- logging in ----------------------------------------------------------------------------------


@pytest.mark.wordpress("6.1", "7.1")
@pytest.mark.parametrize("door", OUR_DOORS)
def test_a_plugin_on_authenticate_judges_first(site: Site, door: str) -> None:
    code = """
    add_filter( 'authenticate', function ( $user ) {
        if ( $user instanceof WP_User && '123456' !== ( $_POST['otp'] ?? '' ) ) {
            return new WP_Error( 'otp_missing', '<strong>Error:</strong> Give the code.' );
        }
        return $user;
    }, 50 );
    """
    good = {"username": "student", "password": PASSWORD}
    with site.plugin("two-factor", code):
        refused = site.post("/auth/token", door=door, json=good)
        assert (refused.status, refused.error["code"]) == (401, "unauthenticated")
        assert refused.error["message"] == "Error: Give the code."
        assert [detail["code"] for detail in refused.error["details"]] == ["otp_missing"]
        passed = site.post("/auth/token", door=door, json={**good, "extra": {"otp": "123456"}})
        assert passed.data["user"]["username"] == "student"
        wrong = site.post("/auth/token", door=door, json={**good, "password": "wrong", "extra": {"otp": "123456"}})
        assert (wrong.status, wrong.error["details"]) == (401, [])
        assert wrong.error["message"] == "The user name or the password is not right."


def test_an_application_password_opens_no_session(site: Site) -> None:
    login, password = site.application_password("student")
    answer = site.post("/auth/token", door="full", json={"username": login, "password": password})
    assert answer.status == 401


@pytest.mark.usefixtures("no_failures")
def test_failed_logins_are_counted_where_wordpress_judges_too(site: Site) -> None:
    site.php(
        "return wp_insert_user( array( 'user_login' => 'guessed', 'user_pass' => 'right', 'role' => 'subscriber' ) );"
    )
    statuses = [
        site.post("/auth/token", door="full", json={"username": "guessed", "password": f"wrong {number}"}).status
        for number in range(11)
    ]
    assert statuses == [401] * 10 + [429]
    right = site.post("/auth/token", door="full", json={"username": "guessed", "password": "right"})
    assert right.status == 429
    assert int(right.headers["Retry-After"]) > 0


@pytest.mark.usefixtures("no_failures")
@pytest.mark.parametrize("password", ["it's", 'quo"te', "back\\slash", " spaced ", "ümläut"])
def test_passwords_are_compared_as_wordpress_compares_them(site: Site, password: str) -> None:
    made = {"log": "odd", "pwd": password}
    site.php(
        f"""
        $found = get_user_by( 'login', 'odd' );
        if ( $found ) {{ require_once ABSPATH . 'wp-admin/includes/user.php'; wp_delete_user( $found->ID ); }}
        return wp_insert_user( array( 'user_login' => 'odd', 'user_email' => 'odd@example.test',
            'user_pass' => addslashes( json_decode( {json.dumps(json.dumps(password))} ) ) ) );
        """
    )
    with requests.Session() as session:
        session.trust_env = False
        session.post(f"{site.php_url}/wp-login.php", data=made, timeout=30, allow_redirects=False)
        is_in = any(cookie.name.startswith("wordpress_logged_in") for cookie in session.cookies)
    for door in OUR_DOORS:
        answer = site.post("/auth/token", door=door, json={"username": "odd", "password": password})
        assert (answer.status == 200) is is_in, door
