"""Pairing, activation, the stub, updates, deactivation and uninstalling, on a real site."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from learnomy_wp.kernel.auth import keys
from tests.site import Site
from tests.wordpress.channel_ends import Peer, door_of, settle
from tests.wordpress.outbox import Outbox
from wp_schema import php

CAPABILITIES = {
    "learnomy_manage",
    "learnomy_edit_courses",
    "learnomy_publish_courses",
    "learnomy_edit_others_courses",
    "learnomy_grade",
    "learnomy_view_reports",
}
INSTRUCTOR = {"read", "upload_files"} | CAPABILITIES - {"learnomy_manage", "learnomy_edit_others_courses"}


def stub_of(site: Site) -> Path:
    return site.content / "mu-plugins" / "learnomy-early.php"


def pairing_of(site: Site) -> Any:
    return json.loads((site.layout.state / "pairing.json").read_text())


@pytest.fixture
def paired(site: Site) -> Iterator[Site]:
    """A site that is paired again afterwards, whatever the test did."""
    settle(site)
    yield site
    site.php(f"return \\Learnomy\\Pairing::pair( '{site.backend_url}' );")


# --- pairing --------------------------------------------------------------------------------------


@pytest.mark.wordpress("6.1", "6.8", "7.1")
def test_pairing_hands_over_all_that_the_backend_needs(site: Site) -> None:
    assert site.php(f"return \\Learnomy\\Pairing::pair( '{site.backend_url}' );") is True
    found = pairing_of(site)
    salts = site.php("return array_map( 'wp_salt', array( 'auth', 'secure_auth', 'logged_in', 'nonce' ) );")
    assert list(found["salts"].values()) == salts
    assert list(found["salts"]) == ["auth", "secure_auth", "logged_in", "nonce"]
    assert found["base_prefix"] == "wp_"
    assert found["multisite"] is False
    assert [blog["prefix"] for blog in found["blogs"]] == ["wp_"]
    assert found["blogs"][0]["domain"] == site.layout.host
    assert found["blogs"][0]["path"] == "/"
    assert found["cookies"]["logged_in"] == f"wordpress_logged_in_{found['cookiehash']}"
    assert (site.layout.state / "pairing.json").stat().st_mode & 0o777 == 0o600
    bridge = site.php("return get_option( 'learnomy_bridge' );")
    assert bridge["address"] == site.backend_url
    assert len(bridge["secret"]) == 64


def test_the_function_and_the_class_are_one(site: Site) -> None:
    assert site.php(f"return \\Learnomy\\pair( array( 'address' => '{site.backend_url}' ) );") is True


def test_pairing_says_what_to_do(paired: Site) -> None:
    def message(address: str, before: str = "") -> str:
        code = f"{before} $said = \\Learnomy\\Pairing::pair( '{address}' );"
        return str(paired.php(code + "return is_wp_error( $said ) ? $said->get_error_message() : $said;"))

    # Another address than the paired one is tried first, and then the paired one: so that one must go.
    forget = "\\Learnomy\\Bridge_Options::set( array( 'address' => '' ) );"
    assert "Nothing answers at http://127.0.0.1:1." in message("http://127.0.0.1:1", forget)
    assert "Nothing answers at unix:/no/such.sock." in message("unix:/no/such.sock", forget)
    for nonsense in ("ftp://x", "http://user@host", "javascript:alert(1)", "http://a b", "/etc/passwd"):
        assert "Nothing answers at unix:/run/learnomy/learnomy.sock." in message(nonsense, forget)

    def someone_else(peer: Peer, handler: Any, _body: bytes) -> None:
        handler.send_response(404)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    peer = Peer.of(paired)
    peer.answer = someone_else
    with paired.backend_replaced(peer):
        assert "is not Learnomy's backend" in message(paired.backend_url, forget)

    def other_secret(peer: Peer, handler: Any, _body: bytes) -> None:
        body = b'{"error":{"code":"bridge_forbidden","message":"x"}}'
        handler.send_response(401)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    peer.answer = other_secret
    with paired.backend_replaced(peer):
        assert "has another secret" in message(paired.backend_url, forget)


def test_pairing_works_at_once_while_the_breaker_is_open(paired: Site) -> None:
    code = f"""
    for ( $i = 0; $i < 3; $i++ ) {{ ( new \\Learnomy\\Breaker( '{paired.backend_url}' ) )->failure(); }}
    return \\Learnomy\\Pairing::pair();
    """
    assert paired.php(code) is True


def test_a_constant_names_the_backend_and_nothing_else_is_tried(paired: Site) -> None:
    with paired.config("define( 'LEARNOMY_BACKEND', 'http://127.0.0.1:1' );"):
        said = paired.php(
            f"$said = \\Learnomy\\Pairing::pair( '{paired.backend_url}' );"
            "return is_wp_error( $said ) ? $said->get_error_message() : $said;"
        )
        assert "Nothing answers at http://127.0.0.1:1." in said


def test_changed_salts_are_handed_over_by_the_next_page(paired: Site) -> None:
    before = pairing_of(paired)["bridge_salt"]
    record = (
        "update_option( 'learnomy_record', array( 'time' => 1 ) + (array) get_option( 'learnomy_record' ) ); return 1;"
    )
    with paired.config("define( 'AUTH_SALT', 'another salt' );"):
        paired.php(record)
        paired.clear_debug_log()
        paired.page("/")
        settle(paired)
        assert pairing_of(paired)["bridge_salt"] != before
        assert paired.post("/auth/token", json={"username": "student", "password": "learnomy-demo"}).status == 200
    paired.php(record)
    paired.page("/")
    settle(paired)
    assert pairing_of(paired)["bridge_salt"] == before


# --- activation -------------------------------------------------------------------------------------


@pytest.mark.wordpress("6.1", "7.1")
def test_activation_makes_roles_capabilities_options_and_keys(site: Site) -> None:
    roles = site.php(
        "return array_map( fn( $r ) => array_keys( array_filter( $r['capabilities'] ) ), wp_roles()->roles );"
    )
    assert set(roles["lrn_instructor"]) == INSTRUCTOR
    assert set(roles["lrn_student"]) == {"read"}
    assert set(roles["administrator"]) >= CAPABILITIES
    assert not CAPABILITIES & set(roles["editor"])
    autoload = {
        row["option_name"]: row["autoload"] in {"yes", "on", "auto-on", "auto"}
        for row in site.rows("SELECT option_name, autoload FROM wp_options WHERE option_name LIKE 'learnomy\\_%%'")
    }
    for name, expected in {
        "learnomy_bridge": True,
        "learnomy_settings": True,
        "learnomy_breaker": True,
        "learnomy_keys": False,
    }.items():
        assert autoload[name] is expected


def test_the_backend_reads_the_keys_that_the_plugin_makes_and_rotates(site: Site) -> None:
    def ring() -> list[tuple[str, bytes]]:
        stored = site.value("SELECT option_value FROM wp_options WHERE option_name = 'learnomy_keys'")
        return keys._decrypt(stored, site.php("return wp_salt( 'auth' );"))

    first = ring()
    assert all(kid.startswith("lrn-") and len(key) == 32 for kid, key in first)
    token = site.post("/auth/token", json={"username": "student", "password": "learnomy-demo"}).data["access_token"]
    site.php("\\Learnomy\\Signing_Keys::ensure(); return 1;")
    assert ring() == first
    site.php("\\Learnomy\\Signing_Keys::rotate(); return 1;")
    second = ring()
    assert (len(second), second[1]) == (2, first[0])
    settle(site)
    # What the last key signed still counts, by every door.
    for door in ("direct", "early", "full"):
        assert site.get("/auth/me", door=door, headers={"Authorization": f"Bearer {token}"}).status == 200
    site.php("\\Learnomy\\Signing_Keys::rotate(); return 1;")
    assert first[0] not in ring()


@pytest.mark.parametrize(
    ("version", "is_refused"),
    [
        ("10.6.12-MariaDB", False),
        ("10.11.6-MariaDB-0+deb12u1", False),
        ("11.8.1-MariaDB", False),
        ("5.5.5-10.5.9-MariaDB", True),
        ("10.3.38-MariaDB", True),
        ("8.0.36", False),
        ("9.1.0", False),
        ("5.7.44-log", True),
        ("", False),
    ],
)
def test_a_database_below_the_floor_is_refused(site: Site, version: str, is_refused: bool) -> None:
    said = site.php(
        f"""
        $real = $GLOBALS['wpdb'];
        $GLOBALS['wpdb'] = new class {{ public function get_var( $sql ) {{ return '{version}'; }} }};
        $said = \\Learnomy\\Activation::database_refusal();
        $GLOBALS['wpdb'] = $real;
        return $said;
        """
    )
    assert bool(said) is is_refused


def test_deactivation_closes_all_doors_and_activation_opens_them(paired: Site) -> None:
    load = "require_once ABSPATH . 'wp-admin/includes/plugin.php';"
    deactivate = load + "deactivate_plugins( 'learnomy/learnomy.php' ); return 1;"
    activate = load + "return activate_plugin( 'learnomy/learnomy.php' );"
    assert stub_of(paired).exists()
    paired.php(deactivate)
    try:
        assert not stub_of(paired).exists()
        for door in ("direct", "early", "full"):
            answer = paired.get("/health", door=door)
            assert (answer.status, answer.json()["code"]) == (404, "rest_no_route"), door
        assert paired.page("/").status == 200
    finally:
        assert paired.php(activate) is None
    assert stub_of(paired).exists()
    settle(paired)
    assert door_of(paired, paired.get("/health", door="early")) == "early"


def test_a_folder_that_cannot_be_written_means_no_early_door_and_is_remembered(paired: Site) -> None:
    folder = stub_of(paired).parent
    install = (
        "return array( \\Learnomy\\Activation_Stub::install(), \\Learnomy\\Bridge_Options::get( 'stub_problem' ) );"
    )
    stub_of(paired).unlink()
    mode, owner = folder.stat().st_mode & 0o777, folder.stat()
    try:
        folder.chmod(0o555)
        os.chown(folder, 0, 0)
        assert paired.php(install) == [False, "unwritable"]
        assert door_of(paired, paired.get("/health", door="early")) == "full"
    finally:
        os.chown(folder, owner.st_uid, owner.st_gid)
        folder.chmod(mode)
    with paired.config("define( 'DISALLOW_FILE_MODS', true );"):
        assert paired.php(install) == [False, "file_mods"]
    paired._write(stub_of(paired), "<?php // somebody else's")
    assert paired.php(install) == [False, "foreign"]
    paired.php("\\Learnomy\\Activation_Stub::remove(); return 1;")
    assert stub_of(paired).exists()
    stub_of(paired).unlink()
    assert paired.php(install) == [True, ""]


def test_an_update_sets_the_site_up_again(paired: Site) -> None:
    cookies, _ = paired.log_in("admin")
    paired.php(
        "\\Learnomy\\Bridge_Options::set( array( 'version' => '0.0.1' ) );"
        "get_role( 'administrator' )->remove_cap( 'learnomy_grade' ); return 1;"
    )
    stub_of(paired).unlink()
    paired.page("/wp-admin/index.php", cookies=cookies)
    assert paired.php("return get_role( 'administrator' )->has_cap( 'learnomy_grade' );") is True
    assert stub_of(paired).exists()


# --- uninstalling ------------------------------------------------------------------------------------

UNINSTALL = """
$starts = fn( $name ) => 0 === strpos( $name, 'learnomy_' );
define( 'WP_UNINSTALL_PLUGIN', 'learnomy/learnomy.php' );
require WP_PLUGIN_DIR . '/learnomy/uninstall.php';
return array(
    $GLOBALS['wpdb']->get_col( "SELECT option_name FROM wp_options WHERE option_name LIKE 'learnomy\\\\_%'" ),
    $GLOBALS['wpdb']->get_col( "SELECT meta_key FROM wp_usermeta WHERE meta_key LIKE 'learnomy\\\\_%'" ),
    array_values( preg_grep( '/^lrn_/', array_keys( wp_roles()->roles ) ) ),
    current( array_filter( array_keys( get_role( 'administrator' )->capabilities ), $starts ) ),
    count( $GLOBALS['wpdb']->get_col( "SHOW TABLES LIKE 'wp\\\\_lrn\\\\_%'" ) ),
    count( $GLOBALS['wpdb']->get_col( "SHOW TABLES LIKE 'wp\\\\_learnomy\\\\_version'" ) ),
    wp_next_scheduled( 'learnomy_pull_outbox' ),
);
"""


@pytest.mark.parametrize("is_ticked", [False, True])
def test_uninstalling_leaves_the_tables_unless_that_was_ticked(site: Site, is_ticked: bool) -> None:
    user = site.user_id("student2")
    site.php(
        f"update_user_meta( {user}, 'learnomy_preferences', array( 1 ) );"
        f"\\Learnomy\\Bridge_Options::set( array( 'remove_tables' => {str(is_ticked).lower()} ) ); return 1;"
    )
    assert site.value("SELECT COUNT(*) FROM information_schema.tables WHERE table_name LIKE 'wp\\_lrn\\_%%'") >= 40
    try:
        options, meta, roles, capability, tables, version, scheduled = site.php(UNINSTALL)
        assert (meta, roles, capability, scheduled) == ([], [], False, False)
        # Options that the end of this very request writes again are the plugin's, which is still loaded here.
        assert options == []
        assert (tables, version) == ((0, 0) if is_ticked else (tables, 1))
        assert is_ticked or tables >= 40
        assert not stub_of(site).exists()
    finally:
        site.php("\\Learnomy\\Activation::set_up_site(); \\Learnomy\\Activation_Stub::install(); return 1;")
        site.restart_backend()
        assert site.php(f"return \\Learnomy\\Pairing::pair( '{site.backend_url}' );") is True
    settle(site)
    # The worker, which was not restarted, knows of the new secret.
    outbox = Outbox(site)
    site.rows("DELETE FROM wp_lrn_outbox")
    outbox.add(state="pending")
    outbox.until("done")


def test_settings_survive_php_serialization(site: Site) -> None:
    """What the plugin writes, the backend reads."""
    with site.option("learnomy_settings", {"a": {"b": [1, "ü", None, True, 1.5]}}):
        raw = site.value("SELECT option_value FROM wp_options WHERE option_name = 'learnomy_settings'")
        assert php.unserialize(raw) == {"a": {"b": [1, "ü", None, True, 1.5]}}
