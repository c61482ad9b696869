"""A community that closes its courses to guests (the shape BuddyNext hooks) closes them by every door and page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.wordpress.acceptance.academy import DOORS, HTTP_DOORS, Academy, Course

# It answers for the current user only, never widens, and does not look at its own switch.
COMMUNITY = """
add_filter( 'learnomy_require_login_for_content', function ( $on ) {
	return (bool) get_option( 'acceptance_private', true );
} );
add_filter( 'learnomy_content_can_access', function ( $allowed, $user_id ) {
	if ( ! is_user_logged_in() || get_current_user_id() !== (int) $user_id ) { return false; }
	return (bool) $allowed && 'student2' !== wp_get_current_user()->user_login;
}, 10, 2 );
"""


def paths(course: Course) -> list[str]:
    """Everything of the catalogue that a guest may read in a public academy."""
    return [
        "/courses",
        "/courses?search=Acceptance",
        f"/courses/{course.id}",
        f"/courses/{course.slug}",
        f"/courses/{course.id}/curriculum",
        "/course-categories",
        f"/lessons/{course.lessons[0]}",
    ]


@pytest.fixture
def course(academy: Academy) -> Course:
    """A course whose first lesson is a preview."""
    shared = academy.course
    answer = academy.site.patch(f"/lessons/{shared.lessons[0]}", json={"is_preview": True}, auth=academy.teacher)
    assert answer.status == 200, answer.text
    return shared


@pytest.fixture
def community(academy: Academy) -> Iterator[Academy]:
    with academy.listening(COMMUNITY):
        yield academy


def test_a_guest_gets_nothing_by_any_door(academy: Academy, course: Course) -> None:
    for path in paths(course):
        assert academy.site.get(path).status == 200, path
    # What was kept for guests before is not given to guests after.
    with academy.listening(COMMUNITY):
        for door in DOORS:
            for path in paths(course):
                guest = academy.site.get(path, **academy.as_("", door))
                assert guest.status == 401, (door, path, guest.text)
                assert guest.error["code"] == "unauthenticated"
                assert course.slug not in guest.text
            access = academy.site.get(f"/courses/{course.id}/access", **academy.as_("", door)).data
            assert (access["can_access"], access["can_enroll"], access["reason"]) == (False, False, "private")
            assert {access[name] for name in ("price", "capacity", "opens_at", "status")} == {None}
            unknown = academy.site.get("/courses/99999/access", **academy.as_("", door)).data
            assert {**unknown, "course_id": course.id} == access, "what is private may as well not be there"
            member = academy.site.get(f"/courses/{course.slug}", **academy.as_("student", door))
            assert (member.status, member.data["id"]) == (200, course.id)
            pending = academy.site.get(f"/courses/{course.slug}", **academy.as_("student2", door))
            assert (pending.status, pending.error["code"]) == (403, "forbidden")
            enrolling = academy.site.post(f"/courses/{course.id}/enroll", **academy.as_("student2", door))
            assert enrolling.status == 403
    for path in paths(course):
        assert academy.site.get(path).status == 200, path


def test_a_guest_gets_no_page_of_it(academy: Academy, course: Course) -> None:
    title = academy.site.get(f"/courses/{course.id}").data["title"]
    catalogue = f"/courses/?search={title.split()[-1]}"
    pages = [catalogue, f"/courses/{course.slug}/", "/courses/category/general/", "/wp-sitemap.xml"]
    seen = {path: academy.site.page(path).text for path in pages}
    assert title in seen[f"/courses/{course.slug}/"]
    assert title in seen[catalogue]
    maps = [part.split("</loc>")[0] for part in seen["/wp-sitemap.xml"].split("<loc>")[1:]]
    ours = ["/wp-sitemap" + address.partition("/wp-sitemap")[2] for address in maps if "-courses-" in address]
    assert any(course.slug in academy.site.page(path).text for path in ours)
    shortcode = academy.site.php(
        "return wp_insert_post( array( 'post_type' => 'page', 'post_status' => 'publish', 'post_name' => 'academy',"
        " 'post_title' => 'Academy', 'post_content' => '[learnomy_courses]' ) );"
    )
    with academy.listening(COMMUNITY):
        cookies, _nonce = academy.site.log_in("student")
        for path in [*pages, *ours, f"/?page_id={shortcode}", "/?rest_route=/learnomy/v1/courses", "/feed/"]:
            page = academy.site.page(path, allow_redirects=True)
            assert title not in page.text, path
            assert course.slug not in page.text.replace(f"/courses/{course.slug}/", ""), path
        member = academy.site.page(f"/courses/{course.slug}/", cookies=cookies)
        assert title in member.text
        assert academy.site.page(f"/courses/{course.slug}/").status in (302, 401, 403, 404)
    assert title in academy.site.page(f"/courses/{course.slug}/").text


def test_a_public_community_hides_nothing(community: Academy, course: Course) -> None:
    """Its second filter says no to every guest; it is not asked."""
    with community.site.option("acceptance_private", 0):
        for door in HTTP_DOORS:
            answer = community.site.get(f"/courses/{course.slug}", door=door)
            assert (answer.status, answer.data["id"]) == (200, course.id)
        assert community.site.page(f"/courses/{course.slug}/").status == 200
