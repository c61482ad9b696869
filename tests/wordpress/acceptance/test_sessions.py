"""Tokens and passwords of people who change: what ends at once, by every door, and what goes on."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from tests.site import Answer
from tests.wordpress.acceptance.academy import HTTP_DOORS, Academy

NEW = "a new password, long enough"


@dataclass
class Person:
    """Somebody with a token, a refresh token for each door, and an Application Password."""

    academy: Academy
    login: str
    password: str

    def __post_init__(self) -> None:
        self.tokens = {door: self.academy.log_in(self.login, self.password) for door in HTTP_DOORS}
        self.key = self.academy.site.application_password(self.login)
        # Whatever is kept of a right credential is kept now.
        assert set(self.with_token().values()) == {200}
        assert set(self.with_key().values()) == {200}

    def with_token(self) -> dict[str, int]:
        """What the access token gives by each door."""
        return {door: self.me(door).status for door in HTTP_DOORS}

    def me(self, door: str) -> Answer:
        token = self.tokens[door]["access_token"]
        return self.academy.site.get("/auth/me", door=door, headers={"Authorization": f"Bearer {token}"})

    def with_key(self) -> dict[str, int]:
        """What the Application Password gives by each door."""
        return {door: self.academy.site.get("/auth/me", door=door, auth=self.key).status for door in HTTP_DOORS}

    def refreshed(self) -> dict[str, int]:
        """What the refresh token gives by each door."""
        return {
            door: self.academy.site.post(
                "/auth/token/refresh", door=door, json={"refresh_token": self.tokens[door]["refresh_token"]}
            ).status
            for door in HTTP_DOORS
        }

    def php(self, code: str) -> Any:
        """Code in WordPress with the person as `$user`."""
        return self.academy.site.php(f"$user = get_user_by( 'login', '{self.login}' ); {code} return true;")


@pytest.fixture
def person(academy: Academy) -> Callable[[str], Person]:
    def make(role: str = "subscriber") -> Person:
        return Person(academy, *academy.person(role))

    academy.forget_limits()
    return make


ENDED = dict.fromkeys(HTTP_DOORS, 401)
GOES_ON = dict.fromkeys(HTTP_DOORS, 200)

CHANGES = {
    "set password": "wp_set_password( 'another one', $user->ID );",
    "updated password": "wp_update_user( array( 'ID' => $user->ID, 'user_pass' => 'another one' ) );",
    "reset by mail": "reset_password( $user, 'another one' );",
}
STOPS = {
    "deleted": "require_once ABSPATH . 'wp-admin/includes/user.php'; wp_delete_user( $user->ID );",
    "spam": "global $wpdb; $wpdb->update( $wpdb->users, array( 'user_status' => 1 ), array( 'ID' => $user->ID ) );"
    " clean_user_cache( $user );",
}


@pytest.mark.wordpress("6.1", "6.8", "7.1")
@pytest.mark.parametrize("change", ["set password"])
def test_a_changed_password_ends_tokens_at_once(person: Callable[[], Person], change: str) -> None:
    somebody = person()
    somebody.php(CHANGES[change])
    assert somebody.with_token() == ENDED
    assert somebody.refreshed() == ENDED
    assert somebody.with_key() == GOES_ON, "as in WordPress, an Application Password is one of its own"


@pytest.mark.parametrize("change", ["updated password", "reset by mail"])
def test_so_does_every_other_way_to_change_it(person: Callable[[], Person], change: str) -> None:
    somebody = person()
    somebody.php(CHANGES[change])
    assert (somebody.with_token(), somebody.refreshed()) == (ENDED, ENDED)


@pytest.mark.wordpress("6.1", "7.1")
def test_so_does_the_profile_screen(academy: Academy, person: Callable[[], Person]) -> None:
    somebody = person()
    with requests.Session() as browser:
        browser.trust_env = False
        base = academy.site.php_url
        browser.get(f"{base}/wp-login.php", timeout=30)
        form = {"log": somebody.login, "pwd": somebody.password, "testcookie": "1"}
        browser.post(f"{base}/wp-login.php", data=form, timeout=30, allow_redirects=False)
        screen = browser.get(f"{base}/wp-admin/profile.php", timeout=30).text
        nonce = screen.split('name="_wpnonce" value="')[1].split('"')[0]
        user_id = str(academy.site.user_id(somebody.login))
        form = {
            "_wpnonce": nonce,
            "from": "profile",
            "checkuser_id": user_id,
            "user_id": user_id,
            "action": "update",
            "nickname": somebody.login,
            "display_name": somebody.login,
            "email": f"{somebody.login}@example.org",
            "pass1": NEW,
            "pass2": NEW,
        }
        saved = browser.post(f"{base}/wp-admin/profile.php", data=form, timeout=30)
        assert saved.status_code == 200
    assert (somebody.with_token(), somebody.refreshed()) == (ENDED, ENDED)
    assert academy.log_in(somebody.login, NEW)


@pytest.mark.parametrize("door", ["direct", "full"])
def test_so_does_the_api(academy: Academy, person: Callable[[], Person], door: str) -> None:
    somebody = person()
    headers = {"Authorization": f"Bearer {somebody.tokens[door]['access_token']}"}
    changes = {"password": NEW, "current_password": "wrong"}
    wrong = academy.site.patch("/me", door=door, headers=headers, json=changes)
    assert (wrong.status, wrong.error["code"]) == (403, "wrong_password")
    changes["current_password"] = somebody.password
    changed = academy.site.patch("/me", door=door, headers=headers, json=changes)
    assert changed.status == 200, changed.text
    assert (somebody.with_token(), somebody.refreshed()) == (ENDED, ENDED)
    assert academy.log_in(somebody.login, NEW)


@pytest.mark.parametrize("stop", STOPS)
def test_who_is_gone_or_barred_is_nobody(academy: Academy, person: Callable[[], Person], stop: str) -> None:
    somebody = person()
    somebody.php(STOPS[stop])
    assert somebody.with_token() == ENDED
    assert somebody.refreshed() == ENDED
    assert somebody.with_key() == ENDED
    for door in HTTP_DOORS:
        academy.forget_limits()
        again = {"username": somebody.login, "password": somebody.password}
        assert academy.site.post("/auth/token", door=door, json=again).status == 401


def test_rights_taken_away_end_tokens_and_rights_given_do_not(
    academy: Academy, person: Callable[[str], Person]
) -> None:
    demoted, stripped = person("lrn_instructor"), person("lrn_instructor")
    demoted.php("$user->set_role( 'subscriber' );")
    stripped.php("$user->add_cap( 'learnomy_edit_courses', false );")
    assert (demoted.with_token(), demoted.refreshed()) == (ENDED, ENDED)
    assert (stripped.with_token(), stripped.refreshed()) == (ENDED, ENDED)
    added = person("subscriber")
    added.php("$user->add_role( 'lrn_instructor' );")
    assert added.with_token() == GOES_ON
    assert "learnomy_edit_courses" in added.me("direct").data["capabilities"]
    for login in (demoted.login, stripped.login):
        answer = academy.site.post("/courses", json={"title": "No"}, auth=academy.site.application_password(login))
        assert (answer.status, answer.error["code"]) == (403, "forbidden")


def test_a_revoked_session_ends_by_every_door(academy: Academy, person: Callable[[], Person]) -> None:
    somebody = person()
    for door in HTTP_DOORS:
        pair = somebody.tokens[door]
        bearer = {"Authorization": f"Bearer {pair['access_token']}"}
        ended = academy.site.post(
            "/auth/token/revoke", door=door, headers=bearer, json={"refresh_token": pair["refresh_token"]}
        )
        assert ended.data == {"revoked": True}
    assert (somebody.with_token(), somebody.refreshed()) == (ENDED, ENDED)
    assert somebody.with_key() == GOES_ON


def test_nobody_ends_the_session_of_another(academy: Academy, person: Callable[[], Person]) -> None:
    one, other = person(), person()
    bearer = {"Authorization": f"Bearer {one.tokens['direct']['access_token']}"}
    theirs = {"refresh_token": other.tokens["direct"]["refresh_token"]}
    assert academy.site.post("/auth/token/revoke", headers=bearer, json=theirs).data == {"revoked": False}
    assert other.with_token() == GOES_ON


def test_a_refresh_token_that_is_used_again_ends_its_family(academy: Academy, person: Callable[[], Person]) -> None:
    somebody = person()
    first = somebody.tokens["direct"]

    def refresh(token: str, door: str) -> Answer:
        return academy.site.post("/auth/token/refresh", door=door, json={"refresh_token": token})

    second = refresh(first["refresh_token"], "full")
    lost = refresh(first["refresh_token"], "early")
    assert lost.data["refresh_token"] == second.data["refresh_token"], "a lost answer is given again"
    third = refresh(second.data["refresh_token"], "direct")
    assert third.status == 200
    stolen = refresh(first["refresh_token"], "full")
    assert (stolen.status, stolen.error["code"]) == (401, "unauthenticated")
    assert refresh(third.data["refresh_token"], "direct").status == 401
    assert somebody.me("direct").status == 401
    assert somebody.me("early").status == 200, "another session goes on"


def test_a_revoked_application_password_ends_by_every_door(person: Callable[[], Person]) -> None:
    somebody = person()
    somebody.php("WP_Application_Passwords::delete_all_application_passwords( $user->ID );")
    assert somebody.with_key() == ENDED
    assert somebody.with_token() == GOES_ON


@pytest.mark.parametrize("door", HTTP_DOORS)
def test_the_use_of_an_application_password_is_recorded(academy: Academy, door: str) -> None:
    """Its owner sees in the profile when it was used last, and from where."""
    login, _password = academy.person()
    key = academy.site.application_password(login)
    assert [academy.site.get("/auth/me", door=door, auth=key).status for _ in range(3)] == [200] * 3
    code = f"return WP_Application_Passwords::get_user_application_passwords( {academy.site.user_id(login)} )[0];"
    end = time.monotonic() + 5
    used = academy.site.php(code)
    while used["last_used"] is None and time.monotonic() < end:
        time.sleep(0.1)
        used = academy.site.php(code)
    assert abs(used["last_used"] - time.time()) < 60
    assert used["last_ip"] == "127.0.0.1"


@pytest.mark.parametrize("door", HTTP_DOORS)
def test_a_token_of_one_with_the_cookie_of_another(academy: Academy, door: str) -> None:
    cookies, nonce = academy.site.log_in("student2")
    for extra in ({}, {"X-WP-Nonce": nonce}, {"X-WP-Nonce": "wrong"}):
        answer = academy.site.get(
            "/auth/me", door=door, cookies=cookies, headers={**academy.bearer("student"), **extra}
        )
        assert (answer.status, answer.data["username"], answer.data["credential"]) == (200, "student", "jwt")
    wrong = {"Authorization": academy.bearer("student")["Authorization"] + "x", "X-WP-Nonce": nonce}
    assert academy.site.get("/auth/me", door=door, cookies=cookies, headers=wrong).status == 401
    course = academy.make_course(1)
    written = academy.site.post(
        f"/courses/{course.id}/enroll", door=door, cookies=cookies, headers=academy.bearer("student")
    )
    assert written.data["user_id"] == academy.site.user_id("student")


TWO_FACTORS = """
add_filter( 'authenticate', function ( $user, $name, $password ) {
	if ( ! $user instanceof WP_User || 'editor1' !== $user->user_login ) { return $user; }
	note_down( array( 'posted' => $_POST['authcode'] ?? null, 'requested' => $_REQUEST['authcode'] ?? null ) );
	if ( empty( $_POST['authcode'] ) ) {
		return new WP_Error( 'two_factor_required', '<strong>Code</strong> please.' );
	}
	return "it's" === wp_unslash( $_POST['authcode'] ) ? $user : new WP_Error( 'two_factor_wrong', 'Wrong code.' );
}, 50, 3 );
add_action( 'wp_login_failed', function ( $name ) { note_down( array( 'failed' => $name ) ); } );
"""


def test_a_second_factor_is_asked_for_by_every_door(academy: Academy) -> None:
    key = academy.site.application_password("editor1")
    good = {"username": "editor1", "password": "learnomy-demo"}

    def log_in(door: str, **extra: str) -> Answer:
        academy.forget_limits()
        return academy.site.post("/auth/token", door=door, json={**good, **({"extra": extra} if extra else {})})

    with academy.listening(TWO_FACTORS):
        for door in (*HTTP_DOORS, "internal"):
            challenged = log_in(door)
            assert (challenged.status, challenged.error["code"]) == (401, "unauthenticated")
            assert challenged.error["message"] == "Code please."
            assert [row["code"] for row in challenged.error["details"]] == ["two_factor_required"]
            assert [row["code"] for row in log_in(door, authcode="000").error["details"]] == ["two_factor_wrong"]
            passed = log_in(door, authcode="it's")
            assert passed.status == 200, passed.text
            assert passed.data["user"]["username"] == "editor1"
            # Who does not know the password learns nothing of a second factor.
            wrong = academy.site.post("/auth/token", door=door, json={**good, "password": "wrong"})
            assert (wrong.status, wrong.error["details"]) == (401, [])
            if door == "internal":
                continue
            assert academy.site.get("/auth/me", door=door, auth=key).status == 200
            as_password = {"username": key[0], "password": key[1]}
            assert academy.site.post("/auth/token", door=door, json=as_password).status == 401
            token = {"refresh_token": passed.data["refresh_token"]}
            assert academy.site.post("/auth/token/refresh", door=door, json=token).status == 200
        failed = [note["failed"] for note in academy.noted() if "failed" in note]
        assert failed.count("editor1") >= 4 * 3, "plugins that count failures hear of each"


def test_behind_the_web_servers_own_password_nobody_is_refused(academy: Academy) -> None:
    """A staging site: every request carries a Basic that is none of WordPress's."""
    site = academy.site
    basic = (f"staging-{secrets.token_hex(2)}", "secret")
    used = "UPDATE wp_options SET option_value = %s WHERE option_name = 'using_application_passwords'"
    cookies, nonce = site.log_in("student")
    by_cookie = {"cookies": cookies, "headers": {"X-WP-Nonce": nonce}}
    before = site.value("SELECT option_value FROM wp_options WHERE option_name = 'using_application_passwords'")
    site.rows(used, "0")
    academy.forget_copy()
    try:
        for door in HTTP_DOORS:
            assert site.get("/courses", door=door, auth=basic).status == 200
            assert site.get("/auth/me", door=door, auth=basic).status == 401
            me = site.get("/auth/me", door=door, auth=basic, **by_cookie)
            assert (me.data["username"], me.data["credential"]) == ("student", "cookie")
    finally:
        site.rows(used, before or "1")
        academy.forget_copy()
    # Where Application Passwords are in use, WordPress takes the browser's session before a strange Basic.
    for door in HTTP_DOORS:
        me = site.get("/auth/me", door=door, auth=basic, **by_cookie)
        assert (me.status, me.data["username"]) == (200, "student")
