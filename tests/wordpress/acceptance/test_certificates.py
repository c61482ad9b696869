"""Certificates and reviews on a real WordPress: files by every door, listeners, filters, pictures of its library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from openbadgeslib.ob3.verifier import OB3Verifier

from learnomy_wp.certificates import keys
from tests.certificates.academy import decoded, picture, text_of
from tests.site import Site
from tests.wordpress.acceptance.academy import DOORS, HTTP_DOORS, Academy, Course

# Typed as integrators declare theirs; each reads the row that the action is about.
LISTENERS = """
add_action( 'learnomy_certificate_issued', function ( int $certificate_id, int $user_id, int $course_id ) {
	global $wpdb;
	$row = $wpdb->get_row( "SELECT uuid, user_id, course_id, status FROM {$wpdb->prefix}lrn_certificates
		WHERE id = $certificate_id" );
	note_down( array( 'hook' => current_action(), 'args' => func_get_args(), 'row' => array_values( (array) $row ) ) );
}, 10, 3 );
add_action( 'learnomy_review_submitted', function ( int $review_id, int $user_id, int $course_id ) {
	global $wpdb;
	$row = $wpdb->get_row( "SELECT rating, user_id, course_id FROM {$wpdb->prefix}lrn_reviews WHERE id = $review_id" );
	note_down( array( 'hook' => current_action(), 'args' => func_get_args(), 'row' => array_values( (array) $row ) ) );
}, 10, 3 );
add_action( 'learnomy_certificate_revoked', function ( int $certificate_id, int $user_id, int $course_id ) {
	note_down( array( 'hook' => current_action(), 'args' => func_get_args(), 'row' => array() ) );
}, 10, 3 );
"""
FILTERS = """
add_filter( 'learnomy_certificate_texts', function ( $texts, $certificate_id ) {
	$texts['recipient'] = 'Dr. ' . $texts['recipient'] . ' No ' . $certificate_id;
	return $texts;
}, 10, 2 );
add_filter( 'learnomy_rest_certificate_payload', function ( $payload ) {
	$payload['title'] = 'Filtered';
	return $payload;
} );
add_filter( 'learnomy_rest_review_payload', function ( $payload ) {
	$payload['title'] = 'Filtered';
	return $payload;
} );
"""


def certified(academy: Academy, login: str, door: str = "direct", **settings: Any) -> tuple[Course, dict[str, Any]]:
    """A new course that awards certificates, completed by somebody, and the certificate of it."""
    course = academy.make_course(1)
    body = {"awards_certificate": True, **settings}
    assert academy.site.patch(f"/courses/{course.id}", json=body, auth=academy.teacher).status == 200
    for _, answer in academy.take(login, course, door):
        assert answer.status in (200, 201), answer.text
    listed = academy.site.get(f"/certificates?course_id={course.id}", **academy.as_(login, "direct"))
    assert len(listed.data) == 1
    return course, listed.data[0]


@pytest.mark.parametrize("door", ["direct", "early", "full"])
def test_each_is_heard_of_once(academy: Academy, door: str) -> None:
    student = academy.site.user_id("student")
    with academy.listening(LISTENERS):
        course, found = certified(academy, "student", door)
        review = academy.site.post(f"/courses/{course.id}/reviews", json={"rating": 5}, **academy.as_("student", door))
        assert review.status == 201, review.text
        path = f"/certificates/{found['id']}/revoke"
        assert academy.site.post(path, json={"reason": "A test"}, auth=academy.teacher).status == 200
        noted = academy.until(lambda notes: len(notes) >= 3)
        noted = academy.until(lambda notes: len(notes) > 3, seconds=1)
    heard = {note["hook"]: (note["args"], [str(value) for value in note["row"]]) for note in noted}
    place = [str(student), str(course.id)]
    assert len(noted) == 3
    assert heard["learnomy_certificate_issued"][0] == [found["id"], student, course.id]
    assert heard["learnomy_certificate_issued"][1][:3] == [found["uuid"], *place]
    assert heard["learnomy_review_submitted"] == ([review.data["id"], student, course.id], ["5", *place])
    assert heard["learnomy_certificate_revoked"][0] == [found["id"], student, course.id]


def test_files_are_the_same_by_every_door(academy: Academy, tmp_path: Path) -> None:
    _, found = certified(academy, "student2")
    for name, content_type in (("pdf", "application/pdf"), ("credential", "application/vc+jwt")):
        path = f"/certificates/{found['id']}/{name}"
        answers = {door: academy.site.get(path, **academy.as_("student2", door)) for door in HTTP_DOORS}
        for door, answer in answers.items():
            assert (answer.status, answer.headers["Content-Type"]) == (200, content_type), (door, answer.body[:200])
            assert answer.headers["Content-Disposition"].startswith('attachment; filename="certificate-')
            assert answer.body == answers["direct"].body, door
            assert academy.site.get(path, **academy.as_("student", door)).status == 404
    content = academy.site.get(f"/certificates/{found['id']}/pdf", **academy.as_("student2", "direct")).body
    assert decoded(picture(content, tmp_path), tmp_path) == [found["verify_url"]]
    assert found["verify_url"] == f"{academy.site.url}/certificate/{found['uuid']}/"
    token = academy.site.get(f"/certificates/{found['id']}/credential", **academy.as_("student2", "direct")).text
    for door in DOORS:
        told = academy.site.get(f"/certificates/verify/{found['uuid']}", **academy.as_("", door)).data
        assert (told["status"], told["is_signature_valid"]) == ("valid", True), door
        key = Ed25519PublicKey.from_public_bytes(keys.decode(told["public_key"]["x"]))
        assert OB3Verifier(key).verify(token).issuer.id == academy.site.url


def test_filters_change_what_is_printed_and_shown(academy: Academy, tmp_path: Path) -> None:
    course, found = certified(academy, "student2")
    review = academy.site.post(f"/courses/{course.id}/reviews", json={"rating": 3}, **academy.as_("student2", "direct"))
    assert review.status == 201, review.text
    with academy.listening(FILTERS):
        for door in HTTP_DOORS:
            how = academy.as_("student2", door)
            content = academy.site.get(f"/certificates/{found['id']}/pdf", **how).body
            assert f"Dr. {found['recipient_name']} No {found['id']}" in text_of(content, tmp_path), door
            assert academy.site.get(f"/certificates/{found['id']}", **how).data["title"] == "Filtered"
            shown = academy.site.get(f"/courses/{course.id}/reviews?status=pending", **how)
            assert [row["title"] for row in shown.data] == ["Filtered"]
    content = academy.site.get(f"/certificates/{found['id']}/pdf", **academy.as_("student2", "direct")).body
    assert "Dr. " not in text_of(content, tmp_path)


def test_pictures_come_from_the_media_library(academy: Academy, site: Site, tmp_path: Path) -> None:
    image = site.php(
        """
        require_once ABSPATH . 'wp-admin/includes/image.php';
        $picture = imagecreatetruecolor( 60, 40 );
        imagefill( $picture, 0, 0, imagecolorallocate( $picture, 10, 120, 200 ) );
        ob_start();
        imagepng( $picture );
        $file = wp_upload_bits( 'paper-' . uniqid() . '.png', null, ob_get_clean() );
        return wp_insert_attachment( array( 'post_mime_type' => 'image/png', 'post_title' => 'Paper' ), $file['file'] );
        """,
        user="admin",
    )
    body = {"title": "On paper", "background_id": image}
    made = site.post("/certificate-templates", json=body, auth=site.application_password("admin"))
    assert made.status == 201, made.text
    assert made.data["background_url"].startswith(site.url)
    _, found = certified(academy, "student2", certificate_template_id=made.data["id"])
    content = site.get(f"/certificates/{found['id']}/pdf", **academy.as_("student2", "direct")).body
    corner = picture(content, tmp_path).getpixel((6, 6))
    assert isinstance(corner, tuple)
    assert all(abs(a - b) < 8 for a, b in zip(corner, (10, 120, 200), strict=True)), corner
