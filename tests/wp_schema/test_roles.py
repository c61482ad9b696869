"""Roles and capabilities, resolved as WP_User does."""

import pytest

from wp_schema import php, roles

ALL = {
    "author": {"name": "Author", "capabilities": {"read": True, "edit_posts": True, "level_2": 1}},
    "strict": {"name": "Strict", "capabilities": {"edit_posts": False, "grade": "1", "none": "0"}},
}


def resolved(caps, every=ALL):
    every_role = roles.parse_roles(php.serialize(every).decode())
    return every_role.capabilities_of(php.serialize(caps).decode())


def test_a_role_gives_its_capabilities_and_its_name():
    assert resolved({"author": True}) == (
        ("author",),
        frozenset({"read", "edit_posts", "level_2", "author", "exist"}),
    )


def test_later_roles_and_the_users_own_have_the_last_word():
    held, granted = resolved({"author": True, "strict": True, "read": False, "extra": True})
    assert held == ("author", "strict")
    assert granted == {"level_2", "grade", "author", "strict", "extra", "exist"}
    assert "edit_posts" in resolved({"strict": True, "author": True})[1]


def test_a_role_that_is_denied_still_gives_its_capabilities():
    held, granted = resolved({"author": False})
    assert held == ("author",)
    assert granted == {"read", "edit_posts", "level_2", "exist"}


def test_a_role_that_is_gone_is_a_capability_only():
    assert resolved({"vanished": True}) == ((), frozenset({"vanished", "exist"}))


def test_nobody_may_do_what_is_not_allowed():
    assert "do_not_allow" not in resolved({"do_not_allow": True})[1]


@pytest.mark.parametrize("stored", [None, "", "text", "i:1;", "a:1:{", 'O:8:"stdClass":0:{}'])
def test_unreadable_capabilities_are_none(stored):
    assert roles.parse_capabilities(stored) == {}
    assert roles.parse_roles(php.serialize(ALL).decode()).capabilities_of(stored) == ((), frozenset({"exist"}))


@pytest.mark.parametrize("stored", ["", "text", "i:1;", "a:1:{", "a:1:{i:0;i:1;}", 'a:1:{s:1:"x";i:1;}'])
def test_unreadable_roles_are_none(stored):
    assert roles.parse_roles(stored).roles == {}


def test_a_broken_role_gives_nothing():
    every = roles.parse_roles(php.serialize({"odd": {"capabilities": "x"}, "gap": {}}).decode())
    assert every.capabilities_of('a:1:{s:3:"odd";b:1;}') == (("odd",), frozenset({"odd", "exist"}))


def test_the_same_text_is_parsed_once():
    text = php.serialize(ALL).decode()
    assert roles.parse_roles(text) is roles.parse_roles(text)
    every = roles.parse_roles(text)
    assert every.capabilities_of("") is every.capabilities_of("")


def test_many_users_do_not_fill_the_memory():
    every = roles.Roles({})
    for number in range(2500):
        every.capabilities_of(f'a:1:{{s:5:"{number:05}";b:1;}}')
    assert len(every._resolved) <= 1000


def test_capabilities_keep_their_order():
    stored = php.serialize({"b": True, "a": False, "c": "1"}).decode()
    assert list(roles.parse_capabilities(stored).items()) == [("b", True), ("a", False), ("c", True)]


def test_keys_carry_the_blogs_prefix():
    assert roles.capabilities_key("wp_2_") == "wp_2_capabilities"
    assert roles.roles_option("wp_2_") == "wp_2_user_roles"


def test_learnomys_roles_as_the_contract_has_them():
    assert set(roles.LEARNOMY_ROLES["lrn_student"].capabilities) == {"read"}
    assert set(roles.LEARNOMY_ROLES["lrn_instructor"].capabilities) == {
        "read",
        "upload_files",
        "learnomy_edit_courses",
        "learnomy_publish_courses",
        "learnomy_grade",
        "learnomy_view_reports",
    }
    assert len(roles.LEARNOMY_CAPABILITIES) == 6


def test_learnomys_roles_are_added_to_what_is_there():
    every = roles.with_learnomy_roles(roles.wordpress_roles())
    admin = every.capabilities_of('a:1:{s:13:"administrator";b:1;}')[1]
    assert set(roles.LEARNOMY_CAPABILITIES) < admin
    assert "manage_options" in admin
    assert every.capabilities_of('a:1:{s:11:"lrn_student";b:1;}')[1] == {"read", "lrn_student", "exist"}
    assert "learnomy_manage" not in every.capabilities_of('a:1:{s:6:"editor";b:1;}')[1]
    assert roles.with_learnomy_roles(every).to_option() == every.to_option()


def test_a_role_of_the_same_name_keeps_its_own():
    every = roles.with_learnomy_roles(
        roles.Roles({"lrn_instructor": roles.Role("Our teachers", {"moderate_comments": True, "read": False})})
    )
    merged = every.roles["lrn_instructor"]
    assert merged.name == "Our teachers"
    assert merged.capabilities["moderate_comments"]
    assert merged.capabilities["learnomy_grade"]
    assert "administrator" not in every.roles


def test_the_option_reads_back():
    every = roles.with_learnomy_roles(roles.wordpress_roles())
    read = roles.parse_roles(php.serialize(every.to_option()).decode())
    assert read.to_option() == every.to_option()


def test_super_admins():
    assert roles.super_admins_of(None) == {"admin"}
    assert roles.super_admins_of(["root", 5]) == {"root"}
    assert roles.super_admins_of({0: "root", 3: "it"}) == {"root", "it"}
    assert roles.super_admins_of([]) == roles.super_admins_of(False) == frozenset()
    everything = roles.wordpress_roles().all_capabilities()
    assert {"manage_options", "learnomy_manage", "exist"} < everything
    assert "do_not_allow" not in everything
