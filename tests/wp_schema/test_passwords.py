"""Stored passwords: every format, WordPress's limits, and libpass as an oracle for phpass."""

import base64
import hashlib
import hmac

import bcrypt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from passlib.hash import phpass

from wp_schema import passwords

FAST = 4  # bcrypt cost

VECTOR = "$wp$2y$10$607XKVrBjPEqujeOXNwbYuOJ.gPMd2TelMMknmeV70Kap1E81Ovo6"
ARGON2I = "$argon2i$v=19$m=65536,t=4,p=1$aU5RUjF0UnlxdEVrV05Zbg$OwjiVNtxwQTL9Gn5gf2+0fr2SUTpxn67Dykz1YTON9o"
ARGON2ID = "$argon2id$v=19$m=65536,t=4,p=1$SnFSakFJcWlxZmlTSWZLZQ$5WdkSh8vOFojAJfE8J3Mh/cfcqQfoNvenpzxTNs4Q7M"


def plain_bcrypt(password: bytes) -> str:
    return bcrypt.hashpw(password, bcrypt.gensalt(FAST)).decode().replace("$2b$", "$2y$")


def prehashed_bcrypt(password: bytes) -> str:
    return "$wp" + plain_bcrypt(base64.b64encode(hmac.digest(b"wp-sha384", password, hashlib.sha384)))


def test_known_hashes():
    assert passwords.verify("hashpwn", VECTOR)
    assert not passwords.verify("hashpwm", VECTOR)
    assert not passwords.verify("hashpwn", VECTOR[:-1] + "7")
    for hashed in (ARGON2I, ARGON2ID):
        assert passwords.verify("hashpwn", hashed)
        assert not passwords.verify("hashpwm", hashed)


def test_known_fast_hash():
    made = passwords.fast_hash("abcd1234EFGH5678ijkl9012")
    assert made == "$generic$-r4FB5NrhNs1VZlhj9uMueqVu30SZqjhd5q-NUtA"
    assert passwords.verify_fast_hash("abcd1234EFGH5678ijkl9012", made)
    assert not passwords.verify_fast_hash("abcd1234EFGH5678ijkl9013", made)
    assert not passwords.verify_fast_hash("abcd1234EFGH5678ijkl9012", made[:-1])


@settings(max_examples=30, deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=100))
def test_bcrypt_round_trip(password):
    made = passwords.hash_password(password, cost=FAST)
    trimmed = password.strip(" \n\r\t\v\0")
    assert len(made) == 63
    assert passwords.verify(trimmed, made)
    assert not passwords.verify(trimmed + "x", made)
    assert passwords.verify(password, made) is (password == trimmed)


@settings(max_examples=30, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=80))
def test_phpass_agrees_with_libpass(password):
    stripped = password.strip(" \n\r\t\v\0")
    made = passwords.hash_password(password, "phpass")
    assert phpass.verify(stripped, made)
    assert made.startswith("$P$B")
    assert len(made) == 34
    theirs = phpass.using(rounds=8, ident="$H$").hash(password)
    assert passwords.verify(password, theirs)
    assert not passwords.verify(password + "x", theirs)


def test_md5_of_old_versions():
    hashed = hashlib.md5(b" old pass ").hexdigest()
    assert passwords.verify(" old pass ", hashed)
    assert not passwords.verify("old pass", hashed)
    assert not passwords.verify(" old pass ", hashed.upper())
    assert passwords.verify("x" * 5000, hashlib.md5(b"x" * 5000).hexdigest())


def test_plain_bcrypt_is_cut_as_php_cuts_it():
    assert passwords.verify("pässword", plain_bcrypt("pässword".encode()))
    assert passwords.verify("x" * 80, plain_bcrypt(b"x" * 72))
    assert not passwords.verify("x" * 71, plain_bcrypt(b"x" * 72))
    assert passwords.verify("ab\0cd", plain_bcrypt(b"ab"))


def test_prehashed_bcrypt_is_not_cut():
    hashed = prehashed_bcrypt(b"x" * 80)
    assert passwords.verify("x" * 80, hashed)
    assert not passwords.verify("x" * 79, hashed)
    assert not passwords.verify("x" * 72, hashed)


def test_no_password_is_longer_than_4096_bytes():
    for style in ("bcrypt-wp", "phpass"):
        assert passwords.hash_password("x" * 4097, style, cost=FAST) == "*"
        assert passwords.hash_password("é" * 2049, style, cost=FAST) == "*"
        assert passwords.verify("x" * 4096, passwords.hash_password("x" * 4096, style, cost=FAST))
    assert not passwords.verify("x" * 4097, prehashed_bcrypt(b"x" * 4097))
    assert passwords.hash_password(" " * 4000 + "x" * 97, cost=FAST) == "*"
    assert passwords.verify("x", passwords.hash_password(" " * 4096 + "x", "phpass"))


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "*",
        "*0",
        "!",
        "x" * 33,
        "$P$",
        "$P$B" + "a" * 29,
        "$P$B" + "a" * 31,
        "$P$." + "a" * 30,
        "$P$S" + "a" * 30,
        "$P$B" + "é" * 30,
        "$2y$10$" + "a" * 52,
        "$2y$99$" + "a" * 53,
        "$2y$04$" + "é" * 53,
        "$wp$2y$10$" + "a" * 52,
        "$wp" + "x" * 40,
        "$wp$P$B" + "a" * 30,
        "$argon2id$v=19$m=65536,t=4,p=1$c2FsdA$",
        "$argon2id$" + "x" * 40,
        "$argon2ds$" + "x" * 40,
        "$6$salt$" + "x" * 86,
        passwords.fast_hash("password"),
    ],
)
def test_broken_and_foreign_hashes_match_nothing(stored):
    for password in ("", "password", "*", stored):
        assert passwords.verify(password, stored) is False


def test_strange_passwords_do_no_harm():
    hashed = passwords.hash_password("right", cost=FAST)
    for password in ("\ud800", "\0", "right\0", "é" * 2048):
        assert passwords.verify(password, hashed) is False


def test_needs_rehash():
    assert not passwords.needs_rehash(VECTOR)
    assert passwords.needs_rehash(VECTOR, cost=12)
    assert passwords.needs_rehash(plain_bcrypt(b"x"))
    assert passwords.needs_rehash(passwords.hash_password("x", "phpass"))
    assert passwords.needs_rehash(hashlib.md5(b"x").hexdigest())
    assert not passwords.needs_rehash(passwords.hash_password("x", "phpass"), "phpass")
    assert passwords.needs_rehash(hashlib.md5(b"x").hexdigest(), "phpass")


def test_hashes_of_plugins_are_told_apart():
    for known in (VECTOR, ARGON2I, ARGON2ID, plain_bcrypt(b"x"), passwords.hash_password("x", "phpass"), "0" * 32):
        assert passwords.is_known(known)
    for foreign in ("$6$salt$" + "x" * 86, "$scrypt$" + "x" * 60, "$argon2ds$" + "x" * 60):
        assert not passwords.is_known(foreign)


@pytest.mark.parametrize(
    ("typed", "posted"),
    [
        ("plain", "plain"),
        ("  padded\t", "padded"),
        ("it's", "it\\'s"),
        ('say "hi"', 'say \\"hi\\"'),
        ("back\\slash", "back\\\\slash"),
        ("nul\0", "nul\\0"),
    ],
)
def test_what_a_form_makes_of_a_password(typed, posted):
    assert passwords.as_posted(typed) == posted
