"""Passwords that a plugin stores or judges in its own way: WordPress says whether one is right."""

from __future__ import annotations

from typing import Any

import pytest

from tests.site import Site

# As a plugin does that brought its accounts along from another system.
FOREIGN = """
add_filter( 'check_password', function ( $is_right, $password, $hash ) {
    if ( 0 !== strncmp( $hash, '$legacy-sha1-with-a-long-name$', 30 ) ) {
        return $is_right;
    }
    return hash_equals( substr( $hash, 30 ), sha1( 'pepper' . $password ) );
}, 10, 3 );
"""
PASSWORD = "it's a \\ secret"


@pytest.fixture
def change(site: Site) -> Any:
    """A PATCH of /me by the student, who has a password of the old system."""
    user_id = site.user_id("student")
    made = "'$legacy-sha1-with-a-long-name$' . sha1( 'pepper' . wp_slash( \"it's a \\\\ secret\" ) )"
    hashed, email = site.php(f"$u = get_userdata( {user_id} ); return array( $u->user_pass, $u->user_email );")
    credentials = site.application_password("student")

    def store(password: str) -> None:
        columns = f"array( 'user_pass' => {password}, 'user_email' => '{email}' )"
        where = f"array( 'ID' => {user_id} )"
        site.php(f"global $wpdb; $wpdb->update( $wpdb->users, {columns}, {where} ); clean_user_cache( {user_id} );")

    store(made)

    def patch(door: str, **body: Any) -> Any:
        return site.patch("/me", door=door, auth=credentials, json=body)

    yield patch
    store(f"'{hashed}'")


@pytest.mark.wordpress("6.1", "7.1")
@pytest.mark.parametrize("door", ["direct", "full"])
def test_the_right_password_is_right_in_any_format(site: Site, change: Any, door: str) -> None:
    with site.must_use("legacy-accounts", FOREIGN):
        refused = change(door, email="legacy@example.test", current_password="a guess")
        assert (refused.status, refused.json()["error"]["code"]) == (403, "wrong_password")
        taken = change(door, email="legacy@example.test", current_password=PASSWORD)
        assert (taken.status, taken.data["email"]) == (200, "legacy@example.test"), taken.json()
    without = change(door, email="other@example.test", current_password=PASSWORD)
    assert without.status == 403, "nobody knows this format now"
