"""Login cookies, sessions and nonces: made, read, and refused where anything is altered."""

from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wp_schema import cookies, passwords, php

NOW = 1_760_000_000
SALT = "logged-in key and salt"
HASH = "$P$BabcdefghijklmnopqrstuvwxyzABCD"


def test_a_cookie_is_good_until_it_expires():
    cookie = cookies.make_login_cookie("admin", HASH, NOW, "token", SALT)
    assert cookies.verify_login_cookie(cookie, HASH, SALT, NOW)
    assert not cookies.verify_login_cookie(cookie, HASH, SALT, NOW + 1)


@pytest.mark.parametrize(
    "change", [{"login": "editor"}, {"expiration": NOW + 10}, {"token": "other"}, {"mac": "0" * 64}, {"mac": ""}]
)
def test_an_altered_cookie_is_refused(change):
    cookie = cookies.make_login_cookie("admin", HASH, NOW + 9, "token", SALT)
    assert not cookies.verify_login_cookie(replace(cookie, **change), HASH, SALT, NOW)


def test_a_cookie_ends_with_its_password_and_its_salt():
    cookie = cookies.make_login_cookie("admin", HASH, NOW + 9, "token", SALT)
    assert not cookies.verify_login_cookie(cookie, HASH[:8] + "XXXX" + HASH[12:], SALT, NOW)
    assert not cookies.verify_login_cookie(cookie, HASH, SALT + "x", NOW)


@pytest.mark.parametrize(
    ("stored", "fragment", "fragment_before_6_8"),
    [
        (HASH, "efgh", "efgh"),
        ("$2y$10$abcdefgh", "bcde", "bcde"),
        ("$wp$2y$10$abcdefghWXYZ", "WXYZ", "0$ab"),
        ("0123456789abcdef0123456789abcdef", "cdef", "89ab"),
        ("$argon2id$v=19$rest", "rest", "d$v="),
        ("*", "*", ""),
    ],
)
def test_the_part_of_the_hash_that_counts(stored, fragment, fragment_before_6_8):
    assert cookies.password_fragment(stored) == fragment
    assert cookies.password_fragment(stored, before_6_8=True) == fragment_before_6_8
    for is_old in (False, True):
        cookie = cookies.make_login_cookie("admin", stored, NOW, "token", SALT, before_6_8=is_old)
        assert cookies.verify_login_cookie(cookie, stored, SALT, NOW, before_6_8=is_old)


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="|"), min_size=1, max_size=20),
    st.text("abcXYZ019", max_size=43),
)
def test_a_cookie_survives_its_way_to_the_browser_and_back(login, token):
    cookie = cookies.make_login_cookie(login, HASH, NOW, token, SALT)
    assert cookies.parse_login_cookie(cookie.header_value()) == cookie
    assert cookie.header_value() == quote(str(cookie), safe="")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "admin",
        "admin|1|t",
        "admin|1|t|m|x",
        "|1|t|m",
        "admin||t|m",
        "admin|x|t|m",
        "admin|-1|t|m",
        "admin|01|t|m",
        "admin|1 |t|m",
        "admin|" + "9" * 40 + "|t|m",
    ],
)
def test_malformed_cookies_are_none(value):
    assert cookies.parse_login_cookie(value) is None


def test_a_plus_stays_a_plus():
    parsed = cookies.parse_login_cookie("a+b%20c%40d|1|t|m")
    assert parsed is not None
    assert parsed.login == "a+b c@d"


def test_stray_bytes_are_refused_quietly():
    parsed = cookies.parse_login_cookie("%ff|1760000009|%fe|%fd")
    assert parsed is not None
    assert not cookies.verify_login_cookie(parsed, HASH, SALT, NOW)
    assert not cookies.session_is_live({}, parsed.token, NOW)
    assert cookies.verify_nonce("\udcff", "wp_rest", 1, parsed.token, SALT, NOW) == 0


def test_name_of_the_cookie():
    assert cookies.logged_in_name("http://127.0.0.1:8000") == "wordpress_logged_in_4411def9d576984c8d78253236b2a62f"


def test_sessions():
    token, session = cookies.make_session(now=NOW, expiration=NOW + 10, ip="127.0.0.1", user_agent="test")
    assert session == {"expiration": NOW + 10, "ip": "127.0.0.1", "ua": "test", "login": NOW}
    assert len(token) == 43
    stored = php.serialize({cookies.verifier(token): session, cookies.verifier("old"): NOW + 5}).decode()
    sessions = cookies.parse_sessions(stored)
    assert cookies.session_is_live(sessions, token, NOW + 10)
    assert not cookies.session_is_live(sessions, token, NOW + 11)
    assert cookies.session_is_live(sessions, "old", NOW + 5)
    assert not cookies.session_is_live(sessions, "other", NOW)
    assert not cookies.session_is_live(sessions, "", NOW)
    assert cookies.make_session(now=NOW, expiration=NOW)[1] == {"expiration": NOW, "login": NOW}


@pytest.mark.parametrize(
    "stored",
    [None, "", "text", "a:1:{", "i:5;", 'O:8:"stdClass":0:{}', 'a:1:{s:1:"x";s:1:"y";}', 'a:1:{s:1:"x";a:0:{}}'],
)
def test_unreadable_sessions_are_none(stored):
    assert cookies.parse_sessions(stored) == {}


def test_a_nonce_lives_two_ticks():
    start = 43200 * 40_740 + 1  # the first second of a tick: ceil()
    nonce = cookies.make_nonce("wp_rest", 7, "token", SALT, start)
    assert len(nonce) == 10
    expected = {0: 1, 43199: 1, 43200: 2, 86399: 2, 86400: 0, -1: 0}
    for after, verdict in expected.items():
        assert cookies.verify_nonce(nonce, "wp_rest", 7, "token", SALT, start + after) == verdict


def test_a_nonce_is_bound_to_all_its_parts():
    nonce = cookies.make_nonce("wp_rest", 7, "token", SALT, NOW)
    assert cookies.verify_nonce(nonce, "wp_rest", 7, "token", SALT, NOW) == 1
    assert cookies.verify_nonce(nonce, "other", 7, "token", SALT, NOW) == 0
    assert cookies.verify_nonce(nonce, "wp_rest", 0, "token", SALT, NOW) == 0
    assert cookies.verify_nonce(nonce, "wp_rest", 7, "", SALT, NOW) == 0
    assert cookies.verify_nonce(nonce, "wp_rest", 7, "token", SALT + "x", NOW) == 0
    assert cookies.verify_nonce("", "wp_rest", 7, "token", SALT, NOW) == 0
    assert cookies.verify_nonce(nonce[:-1], "wp_rest", 7, "token", SALT, NOW) == 0


def test_the_life_of_a_nonce_may_differ():
    nonce = cookies.make_nonce("wp_rest", 0, "", SALT, 1000, life=100)
    assert cookies.verify_nonce(nonce, "wp_rest", 0, "", SALT, 1050, life=100) == 2
    assert cookies.verify_nonce(nonce, "wp_rest", 0, "", SALT, 1051, life=100) == 0


def test_cookie_of_a_real_password():
    stored = passwords.hash_password("secret", cost=4)
    cookie = cookies.make_login_cookie("admin", stored, NOW, "token", SALT)
    assert cookies.verify_login_cookie(cookie, stored, SALT, NOW)
    assert not cookies.verify_login_cookie(cookie, passwords.hash_password("secret", cost=4), SALT, NOW)
