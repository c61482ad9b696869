"""What WordPress changes for us: as its screens do, seen at once by both sides, and a plugin may refuse it."""

from __future__ import annotations

import pytest

from tests.site import Answer
from tests.wordpress.acceptance.academy import HTTP_DOORS, Academy

ON_CACHED_AND_UNCACHED = pytest.mark.wordpress("6.8", "7.1")


@pytest.fixture
def admin(academy: Academy) -> tuple[str, str]:
    """An Application Password of the administrator's."""
    return academy.site.application_password("admin")


@ON_CACHED_AND_UNCACHED
def test_settings_count_at_once_on_both_sides(academy: Academy, admin: tuple[str, str]) -> None:
    site = academy.site
    try:
        for door in (*HTTP_DOORS, *HTTP_DOORS):
            for is_private in (True, False):
                changed = site.patch("/settings", door=door, auth=admin, json={"require_login_for_content": is_private})
                assert changed.status == 200, changed.text
                guest = site.get("/courses")
                assert guest.status == (401 if is_private else 200), "the very next request of a guest"
                assert site.get("/settings", auth=admin).data["require_login_for_content"] is is_private
    finally:
        site.patch("/settings", auth=admin, json={"require_login_for_content": False})
    stored = site.php("return get_option( 'learnomy_settings' );")
    assert stored["require_login_for_content"] is False
    # And the other way: what PHP changes, the backend sees.
    with site.option("learnomy_settings", {**stored, "currency": "CHF"}):
        assert site.get("/settings", auth=admin).data["currency"] == "CHF"
    unknown = site.patch("/settings", auth=admin, json={"no_such_setting": 1})
    assert (unknown.status, unknown.error["details"][0]["field"]) == (422, "no_such_setting")
    assert site.patch("/settings", json={"currency": "EUR"}, **academy.as_("student", "direct")).status == 403


@ON_CACHED_AND_UNCACHED
def test_a_profile_counts_at_once_on_both_sides(academy: Academy) -> None:
    site = academy.site
    login, password = academy.person()
    academy.forget_limits()
    bearer = {"Authorization": f"Bearer {academy.log_in(login, password)['access_token']}"}
    heard = "add_action( 'profile_update', function ( $id ) { note_down( array( 'changed' => $id ) ); } );"
    with academy.listening(heard):
        for door in HTTP_DOORS:
            name, text = f"O'Neil \\ by the {door} door", 'He said "it\'s" <b>fine</b>'
            answer = site.patch("/me", door=door, headers=bearer, json={"display_name": name, "biography": text})
            assert answer.status == 200, answer.text
            assert answer.data["display_name"] == name
            assert site.get("/me", headers=bearer).data["display_name"] == name
            # In another process of WordPress, whatever it has cached.
            user_id = site.user_id(login)
            seen = site.page(f"/wp-json/wp/v2/users/{user_id}?context=edit", auth=site.application_password("admin"))
            assert seen.json()["name"] == name
            by_php = site.php(f"return get_user_by( 'login', '{login}' )->description;")
            assert by_php == site.get("/me", headers=bearer).data["biography"]
        assert len([note for note in academy.noted() if note.get("changed") == user_id]) == 3
    # What WordPress changes, the backend sees at the next request.
    site.php(f"return wp_update_user( array( 'ID' => {user_id}, 'display_name' => 'From WordPress' ) );")
    assert site.get("/me", headers=bearer).data["display_name"] == "From WordPress"
    site.php(f"( new WP_User( {user_id} ) )->add_role( 'lrn_instructor' ); return true;")
    assert "learnomy_edit_courses" in site.get("/auth/me", headers=bearer).data["capabilities"]


REFUSING = """
add_action( 'user_profile_update_errors', function ( $errors, $update, $user ) {
	if ( isset( $user->user_pass ) && false === strpos( $user->user_pass, '!' ) ) {
		$errors->add( 'weak_password', '<strong>Error:</strong> Use a <em>!</em> in it.' );
	}
	if ( isset( $user->display_name ) && 'Root' === $user->display_name ) {
		$errors->add( 'reserved_name', 'That name is taken.' );
	}
}, 10, 3 );
"""


@pytest.mark.wordpress("6.1", "7.1")
def test_a_plugin_that_refuses_a_change_is_the_answer(academy: Academy) -> None:
    login, password = academy.person()
    academy.forget_limits()
    bearer = {"Authorization": f"Bearer {academy.log_in(login, password)['access_token']}"}

    def change(door: str, **fields: str) -> Answer:
        return academy.site.patch("/me", door=door, headers=bearer, json=fields)

    with academy.listening(REFUSING):
        for door in HTTP_DOORS:
            weak = change(door, password="long but weak", current_password=password, display_name="Changed")
            assert (weak.status, weak.error["code"], weak.error["message"]) == (
                400,
                "weak_password",
                "Error: Use a ! in it.",
            )
            assert change(door, display_name="Root").error["code"] == "reserved_name"
        assert academy.site.get("/me", headers=bearer).data["display_name"] == login
        assert change("full", display_name="Other").status == 200
    # Core's own refusal, too.
    nobody = "add_filter( 'wp_pre_insert_user_data', '__return_empty_array' );"
    with academy.listening(nobody):
        for door in HTTP_DOORS:
            refused = change(door, display_name="Never")
            assert (refused.status, refused.error["code"]) == (400, "empty_data")
    assert academy.site.get("/me", headers=bearer).data["display_name"] == "Other"


def test_a_new_address_and_password_are_told_by_mail(academy: Academy) -> None:
    login, password = academy.person()
    academy.forget_limits()
    academy.site.clear_mails()
    bearer = {"Authorization": f"Bearer {academy.log_in(login, password)['access_token']}"}
    taken = {"email": "student2@example.org", "current_password": password}
    owned = academy.site.value("SELECT user_email FROM wp_users WHERE user_login = 'student2'")
    refused = academy.site.patch("/me", headers=bearer, json={**taken, "email": owned})
    assert (refused.status, refused.error["details"][0]["field"]) == (422, "email")
    new = {"email": f"new-{login}@example.org", "password": "another one, longer", "current_password": password}
    assert academy.site.patch("/me", headers=bearer, json=new).status == 200
    mails = academy.site.mails()
    assert len(mails) == 2
    assert all(f"{login}@example.org" in mail for mail in mails)
