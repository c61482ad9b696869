"""WordPress's formats against a real WordPress of each version, in both directions."""

import math

import pytest

from tests.wp_schema.wordpress.exchange import CAPABILITIES, PASSWORDS, STORED, decoded
from wp_schema import application_passwords, cookies, passwords, php, roles

pytestmark = pytest.mark.wordpress("6.1", "6.8", "7.1")

# What get_option() gives: arrays as they were, scalars as text.
READABLE = {
    name: php.unserialize(php.serialize(value)) if isinstance(value, str | list | dict) else php.to_text(value)
    for name, value in STORED.items()
}


# --- serialize ---------------------------------------------------------------------------


def test_python_serializes_as_php_does(exchange):
    for value, text in zip(exchange.values, exchange.php["serialized"], strict=True):
        assert php.serialize(value) == decoded(text)


def test_python_reads_what_php_serialized(exchange):
    for text in exchange.php["serialized"]:
        raw = decoded(text)
        assert php.serialize(php.unserialize(raw)) == raw


def test_php_reads_what_python_serialized(exchange):
    for value, text in zip(exchange.values, exchange.verdict["values"], strict=True):
        assert php.serialize(value) == decoded(text)


def test_values_that_json_cannot_carry(exchange):
    special = {name: decoded(text) for name, text in exchange.php["special"].items()}
    infinite = php.unserialize(special["infinite"])
    assert infinite[:2] == [math.inf, -math.inf]
    assert math.isnan(infinite[2])
    assert php.serialize(infinite) == special["infinite"]
    assert php.serialize(php.unserialize(special["bytes"])) == special["bytes"]
    assert php.unserialize(special["reference"]) == ["a", "a"]
    keys = {5: "a", "05": "b", -3: "c", "": "d", "9223372036854775808": "e"}
    assert php.unserialize(special["keys"]) == keys
    assert php.serialize(keys) == special["keys"]
    with pytest.raises(php.PhpObjectError):
        php.unserialize(special["object"])


def test_floats_become_the_same_text(exchange):
    assert [php.to_text(value) for value in exchange.floats] == exchange.php["as_text"]


def test_both_read_the_same_of_damaged_texts(exchange):
    for raw, judged in zip(exchange.texts, exchange.php["texts"], strict=True):
        theirs = None if judged["read"] is None else decoded(judged["read"])
        ours, refusal = _read_again(raw)
        if ours is None:
            # PHP stops at the end of the first value, lets an array hold itself and cuts numbers.
            assert theirs is None or "follow" in refusal or "64-bit" in refusal or b"R:1;" in raw, raw
        elif b"R:" in theirs:
            assert _read_again(theirs)[0] == ours, raw  # PHP keeps the reference, Python a copy
        else:
            assert ours == theirs, raw


def _read_again(raw):
    try:
        return php.serialize(php.unserialize(raw)), ""
    except php.PhpError as error:
        return None, str(error)


def test_both_judge_alike_what_looks_serialized(exchange):
    for raw, judged in zip(exchange.texts, exchange.php["texts"], strict=True):
        text = raw.decode("utf-8", "surrogateescape")
        assert php.is_serialized(text) is judged["strict"], raw
        assert php.is_serialized(text, strict=False) is judged["loose"], raw
        stored = php.maybe_serialize(text).encode("utf-8", "surrogateescape")
        assert stored == decoded(judged["stored"]), raw


# --- options and user meta ---------------------------------------------------------------


def test_python_reads_options_and_meta(exchange):
    written = {name: value for name, value in READABLE.items() if name != "false"}  # WordPress adds no option for false
    assert exchange.options == {**written, "object": False}
    assert exchange.meta == READABLE
    for name, text in exchange.php["options"].items():
        assert php.serialize(exchange.options.get(name, False)) == decoded(text)


def test_php_reads_options_and_meta(exchange):
    for side in ("options", "meta"):
        read = {name: decoded(text) for name, text in exchange.verdict[side].items()}
        assert read == {name: php.serialize(value) for name, value in READABLE.items()}


# --- passwords ---------------------------------------------------------------------------


def test_python_verifies_what_php_hashed(exchange):
    for password, hashed in zip(PASSWORDS, exchange.php["hashes"], strict=True):
        is_possible = len(password.encode()) <= 4096
        assert passwords.verify(password.strip(" \n\r\t\v\0"), hashed) is is_possible
        assert not passwords.verify(password + "x", hashed)
        assert hashed == "*" if not is_possible else passwords.is_known(hashed)
    assert passwords.verify(passwords.as_posted(PASSWORDS[3]), exchange.user_pass)
    assert not passwords.verify(PASSWORDS[3], exchange.user_pass)


def test_both_give_the_same_verdict_on_passwords(exchange):
    # 6.8 brought two formats and dropped one; Python reads what any version does.
    unknown = ("$wp", "$argon2") if exchange.is_old else ("$H$",)
    for (password, hashed), theirs in zip(exchange.pairs, exchange.verdict["checked"], strict=True):
        ours = passwords.verify(password, hashed)
        if hashed.startswith(unknown):
            assert not theirs
        else:
            assert ours is theirs, (password, hashed)


def test_php_logs_in_with_a_hash_of_pythons(exchange):
    assert exchange.verdict["logged_in"] == [exchange.php["user_id"], "incorrect_password"]


def test_both_know_which_hashes_are_outdated(exchange):
    if exchange.is_old:
        assert "needs_rehash" not in exchange.verdict
        return
    cost = exchange.verdict["cost"]
    assert exchange.verdict["needs_rehash"] == [
        passwords.needs_rehash(hashed, cost=cost) for hashed in exchange.stored_hashes
    ]
    assert exchange.verdict["fast_hashes"] == [
        passwords.fast_hash(message) for message in ("", "abcd1234EFGH5678ijkl9012", "ünïcode")
    ]


# --- Application Passwords ---------------------------------------------------------------


def test_python_finds_phps_application_password(exchange):
    entries = application_passwords.parse(exchange.raw[exchange.php["user_id"], "_application_passwords"])
    found = application_passwords.find_match(exchange.php["application_password"], entries)
    assert found is not None
    assert found["uuid"] == exchange.php["application_uuid"]
    assert set(found) == set(application_passwords.make("x", now=1)[1])
    assert application_passwords.find_match(exchange.php["application_password"][:-1], entries) is None


def test_php_accepts_pythons_application_passwords(exchange):
    *right, longer, empty = exchange.verdict["applications"]
    assert right == [exchange.php["user_id"]] * len(exchange.application_entries)
    assert longer == empty == "incorrect_password"
    stored = application_passwords.parse(exchange.verdict["application_meta"])
    assert [entry["last_ip"] for entry in stored] == ["127.0.0.1"] * len(right)
    assert [entry["uuid"] for entry in stored] == [entry["uuid"] for entry in exchange.application_entries]


# --- cookies and nonces ------------------------------------------------------------------


def test_python_verifies_phps_cookie(exchange):
    made = exchange.php
    salt = made["salts"]["logged_in"]
    cookie = cookies.parse_login_cookie(made["cookie"])
    assert cookie is not None
    assert (cookie.login, cookie.expiration) == (made["login"], made["expiration"])
    assert cookies.parse_login_cookie(cookie.header_value()) == cookie
    for is_old in {exchange.is_old, True} if exchange.user_pass.startswith("$P$") else {exchange.is_old}:
        assert cookies.verify_login_cookie(cookie, exchange.user_pass, salt, made["now"], before_6_8=is_old)
    assert not cookies.verify_login_cookie(cookie, exchange.user_pass, salt, made["expiration"] + 1)
    sessions = cookies.parse_sessions(exchange.raw[made["user_id"], "session_tokens"])
    assert cookies.session_is_live(sessions, cookie.token, made["now"])
    assert not cookies.session_is_live(sessions, cookie.token, made["expiration"] + 1)
    assert not cookies.session_is_live(sessions, "another", made["now"])
    assert cookies.logged_in_name(made["siteurl"]) == made["cookie_name"]


def test_python_verifies_a_browsers_cookie_and_nonce(exchange):
    made = exchange.php
    cookie = cookies.parse_login_cookie(exchange.browser[made["cookie_name"]])
    assert cookie is not None
    assert cookie.header_value() == exchange.browser[made["cookie_name"]]
    assert cookies.verify_login_cookie(
        cookie, exchange.user_pass, made["salts"]["logged_in"], made["now"], before_6_8=exchange.is_old
    )
    sessions = cookies.parse_sessions(exchange.raw[made["user_id"], "session_tokens"])
    assert cookies.session_is_live(sessions, cookie.token, made["now"])
    salt, user_id = made["salts"]["nonce"], made["user_id"]
    assert cookies.verify_nonce(exchange.browser_nonce, "wp_rest", user_id, cookie.token, salt, made["now"]) in {1, 2}


def test_php_accepts_pythons_cookies(exchange):
    refused = [False] * 5
    assert exchange.verdict["cookies"] == [exchange.php["user_id"]] * 8 + refused


def test_python_verifies_phps_nonces(exchange):
    made = exchange.php
    salt, user_id, now = made["salts"]["nonce"], made["user_id"], made["now"]
    cookie = cookies.parse_login_cookie(made["cookie"])
    assert cookie is not None
    assert cookies.verify_nonce(made["guest_nonce"], "wp_rest", 0, "", salt, now) in {1, 2}
    assert cookies.verify_nonce(made["user_nonce"], "wp_rest", user_id, cookie.token, salt, now) in {1, 2}
    assert not cookies.verify_nonce(made["user_nonce"], "wp_rest", user_id, "", salt, now)
    assert not cookies.verify_nonce(made["user_nonce"], "wp_rest", 0, "", salt, now)


def test_php_accepts_pythons_nonces(exchange):
    assert exchange.verdict["guest_nonces"] == [1, 2, False]
    assert exchange.verdict["user_nonces"] == [1, 2, False]


# --- roles -------------------------------------------------------------------------------


def test_python_resolves_phps_roles(exchange):
    every = roles.parse_roles(exchange.roles_option)
    for user in exchange.php["users"]:
        held, granted = every.capabilities_of(exchange.raw[user["id"], "wp_capabilities"])
        assert list(held) == user["roles"]
        assert granted == {*user["granted"], "exist"} - {"do_not_allow"}
        assert [name for name in CAPABILITIES if name in granted] == user["user_can"]


def test_php_resolves_pythons_roles(exchange):
    for held, theirs in zip(exchange.capability_meta, exchange.verdict["user_can"], strict=True):
        its_roles, granted = exchange.new_roles.capabilities_of(php.to_text(held))
        assert list(its_roles) == theirs["roles"]
        assert [name for name in CAPABILITIES if name in granted] == theirs["granted"]


def test_the_embedded_defaults_roles_are_wordpresss(exchange):
    theirs = roles.parse_roles(exchange.roles_option).roles
    for slug, role in roles.wordpress_roles().roles.items():
        assert theirs[slug].name == role.name
        added = {name for name in theirs[slug].capabilities if name.startswith("learnomy_")}
        assert set(theirs[slug].capabilities) - added == set(role.capabilities)
