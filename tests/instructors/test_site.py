"""Becoming an instructor on a real WordPress: WordPress gives the role, listeners hear of it after that, once."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any

import pytest

from tests.site import PASSWORD, Site

ABOUT = {"about": "I bake.", "expertise": ["Bread"], "course_idea": "Baking for all"}
# Typed as integrators type them, and what the applicant may do when it is heard.
LISTENERS = """
add_action( 'learnomy_instructor_application_submitted', function ( int $id, int $user_id ) {
    note_heard( array( 'submitted', $id, $user_id, user_can( $user_id, 'learnomy_edit_courses' ) ) );
}, 10, 2 );
add_action( 'learnomy_instructor_application_approved', function ( int $id, int $user_id ) {
    note_heard( array( 'approved', $id, $user_id, user_can( $user_id, 'learnomy_edit_courses' ) ) );
}, 10, 2 );
add_action( 'add_user_role', function ( $user_id, $role ) { note_heard( array( 'role', $role, $user_id ) ); }, 10, 2 );
function note_heard( array $what ) {
    file_put_contents( WP_CONTENT_DIR . '/heard.log', wp_json_encode( $what ) . "\\n", FILE_APPEND | LOCK_EX );
}
"""


def heard(site: Site, number: int) -> list[list[Any]]:
    """What the listeners noted, once there is so much of it."""
    path, until = site.content / "heard.log", time.monotonic() + 10
    while True:
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        if len(lines) >= number or time.monotonic() > until:
            return lines
        time.sleep(0.05)


def log_in(site: Site, login: str) -> dict[str, str]:
    answer = site.post("/auth/token", json={"username": login, "password": PASSWORD})
    assert answer.status == 200, answer.text
    return {"Authorization": f"Bearer {answer.data['access_token']}"}


def person(site: Site) -> tuple[int, str]:
    login = f"p{secrets.token_hex(4)}"
    made = site.php(
        "return wp_insert_user( array( 'role' => 'lrn_student', "
        f"'user_login' => '{login}', 'user_pass' => '{PASSWORD}' ) );"
    )
    return int(made), login


@pytest.mark.parametrize("door", ["direct", "early", "full", "internal"])
def test_approval_gives_the_role_by_way_of_wordpress(site: Site, door: str) -> None:
    user_id, login = person(site)
    (site.content / "heard.log").unlink(missing_ok=True)
    how: dict[str, Any] = {"door": door}
    applicant = {"user": login} if door == "internal" else {"headers": log_in(site, login)}
    admin = {"user": "admin"} if door == "internal" else {"headers": log_in(site, "admin")}
    with site.plugin("heard", LISTENERS):
        site.get("/health", door="full")
        applied = site.post("/instructor-applications", json=ABOUT, **how, **applicant)
        assert applied.status == 201, applied.text
        number = applied.data["id"]
        assert heard(site, 1) == [["submitted", number, user_id, False]]
        path = f"/instructor-applications/{number}/decision"
        decided = site.post(path, json={"decision": "approve"}, **how, **admin)
        assert (decided.status, decided.data["status"]) == (200, "approved")
        assert heard(site, 3)[1:] == [["role", "lrn_instructor", user_id], ["approved", number, user_id, True]]
        again = site.post(path, json={"decision": "approve"}, **how, **admin)
        assert (again.status, again.error["code"]) == (409, "already_decided")
        time.sleep(0.5)
        assert len(heard(site, 3)) == 3, "each once"
    (site.content / "heard.log").unlink()
    roles = site.php(f"return get_userdata( {user_id} )->roles;")
    assert roles == ["lrn_student", "lrn_instructor"]
    # The backend sees it at once, by a token that was issued before.
    bearer = applicant.get("headers") or log_in(site, login)
    assert site.post("/courses", json={"title": "Mine"}, headers=bearer).status == 201


def test_no_other_role_is_given_that_way(site: Site) -> None:
    """An effect names a role of ours; whoever forged one gets no administrator."""
    user_id, _ = person(site)
    for role in ("administrator", "editor", "lrn_unheard_of", ""):
        done = site.php(
            "$done = \\Learnomy\\Effects::perform( array( array( 'kind' => 'add_role', 'user_id' => "
            f"{user_id}, 'role' => '{role}' ) ) ); return is_wp_error( $done ) ? $done->get_error_code() : 'done';"
        )
        assert done == "unknown_effect"
    assert site.php(f"return get_userdata( {user_id} )->roles;") == ["lrn_student"]
