"""Application Passwords: reading the meta, finding the one presented, making new ones."""

import hashlib

import pytest

from wp_schema import application_passwords, passwords, php

NOW = 1_760_000_000


def test_made_ones_are_found_with_and_without_groups():
    first, first_entry = application_passwords.make("phone", now=NOW)
    second, second_entry = application_passwords.make("backup", now=NOW, app_id="some-uuid", style="phpass")
    stored = php.serialize([first_entry, second_entry]).decode()
    entries = application_passwords.parse(stored)
    assert entries == [first_entry, second_entry]
    assert application_passwords.find_match(first, entries) == first_entry
    assert application_passwords.find_match(application_passwords.in_groups(second), entries) == second_entry
    assert application_passwords.find_match(f" {first[:5]}-{first[5:]}é\n", entries) == first_entry
    assert application_passwords.find_match(first[:-1], entries) is None
    assert application_passwords.find_match(first.swapcase(), entries) is None


def test_shape_of_an_entry():
    password, entry = application_passwords.make("phone", now=NOW)
    assert len(password) == 24
    assert password.isalnum()
    assert entry == {
        "uuid": entry["uuid"],
        "app_id": "",
        "name": "phone",
        "password": passwords.fast_hash(password),
        "created": NOW,
        "last_used": None,
        "last_ip": None,
    }
    assert len(application_passwords.in_groups(password)) == 29


def test_an_array_with_gaps_is_read():
    password, entry = application_passwords.make("phone", now=NOW)
    stored = php.serialize({3: entry, "odd": "no entry", 7: {"name": "no password"}, 8: {"password": 5}}).decode()
    assert application_passwords.parse(stored) == [entry]
    assert application_passwords.find_match(password, php.unserialize(stored)) == entry


@pytest.mark.parametrize("stored", [None, "", "text", "i:5;", "a:1:{", 'O:8:"stdClass":0:{}', "a:1:{i:0;i:1;}"])
def test_unreadable_meta_holds_none(stored):
    assert application_passwords.parse(stored) == []


@pytest.mark.parametrize("presented", ["", "   ", "éé", "--"])
def test_nothing_matches_nothing(presented):
    entries = [{"password": passwords.fast_hash("")}, {"password": hashlib.md5(b"").hexdigest()}, {"password": ""}]
    assert application_passwords.find_match(presented, entries) is None
