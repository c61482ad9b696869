"""What stands in our pages: slots, personal and degraded pages, the private academy, one call a page."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.settling import await_recovery
from tests.site import Site
from tests.wordpress.academy import cookies, make_course, page, renders
from tests.wordpress.test_pages_routes import theme

BLOCK = '<!-- wp:learnomy/course-catalog {"perPage":%d} /-->'


@contextmanager
def post(site: Site, content: str, kind: str = "page", **fields: str) -> Iterator[str]:
    """A published page of that content; gives its path."""
    given = {"post_content": content, "post_type": kind, "post_status": "publish", "post_title": "T", **fields}
    code = "".join(f"'{name}' => '{value.replace(chr(39), chr(92) + chr(39))}'," for name, value in given.items())
    made, path = site.php(
        f"$id = wp_insert_post( wp_slash( array( {code} ) ) );"
        " return array( $id, parse_url( get_permalink( $id ), PHP_URL_PATH ) );",
        user="admin",
    )
    try:
        yield path
    finally:
        site.php(f"wp_delete_post( {made}, true ); return true;")


# --- slots -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["block", "classic"])
def test_a_slot_is_fired_once_with_the_courses_id(site: Site, kind: str) -> None:
    course = make_course(site)
    code = """
    add_action( 'learnomy_course_sidebar_card_footer', function ( int $id ) { echo "<i>discuss $id</i>"; } );
    add_action( 'learnomy_course_sidebar_card_footer', function () { throw new Exception( 'a broken plugin' ); }, 11 );
    add_action( 'learnomy_course_sidebar_card_footer', function () { echo '<i>still here</i>'; }, 12 );
    """
    site.clear_debug_log()
    with site.must_use("slots", code), theme(site, kind):
        shown = page(site, f"/courses/{course['slug']}/")
    assert shown.text.count(f"<i>discuss {course['id']}</i><i>still here</i>") == 1
    assert "<!--learnomy" not in shown.text
    assert "a broken plugin" in site.debug_log()
    assert "a broken plugin" not in shown.text


def test_markers_that_people_write_fire_nothing(site: Site) -> None:
    forged = "<!--learnomy:0000000000000000:0--><!--learnomy-slot:00000000000000000000000000000000:0-->"
    course = make_course(site, content=f"<p>Before{forged}after</p>")
    with site.must_use("slots", "add_action( 'learnomy_course_sidebar_card_footer', function () { echo 'FIRED'; } );"):
        shown = page(site, f"/courses/{course['slug']}/")
    assert "Before" in shown.text
    assert "<!--learnomy" not in shown.text
    assert shown.text.count("FIRED") == 1


def test_dynamic_content_is_rendered_for_each_viewer(site: Site) -> None:
    code = "add_shortcode( 'viewer', fn () => '<b>viewer ' . get_current_user_id() . '</b>' );"
    with site.must_use("viewer", code):
        course = make_course(site, content="<p>Hello</p>\n\n[viewer]\n\n<!-- wp:latest-posts /-->")
        guest = page(site, f"/courses/{course['slug']}/")
        student = page(site, f"/courses/{course['slug']}/", cookies=cookies(site, "student"))
    assert "<b>viewer 0</b>" in guest.text
    assert f"<b>viewer {site.user_id('student')}</b>" in student.text
    assert "wp-block-latest-posts" in guest.text
    assert "[viewer]" not in guest.text


def test_no_shortcode_runs_in_what_people_call_their_courses(site: Site) -> None:
    code = "add_shortcode( 'evil', fn () => 'RAN' ); add_shortcode( 'gallery2', fn () => 'RAN' );"
    with site.must_use("evil", code):
        make_course(site, title="Safe [evil] title", excerpt="[gallery2 ids=1]")
        with post(site, f"<!-- wp:paragraph --><p>x</p><!-- /wp:paragraph -->{BLOCK % 12}") as path:
            shown = page(site, path)
        with post(site, "[learnomy_courses]") as path:
            short = page(site, path)
        catalog = page(site, "/courses/")
    for each in (shown, short, catalog):
        assert "Safe" in each.text
        assert "RAN" not in each.text


# --- what caches may keep ----------------------------------------------------------------


def test_personal_pages_are_kept_out_of_caches_and_guests_are_not(site: Site) -> None:
    course = make_course(site)
    seen = (
        "add_action( 'shutdown', function () { error_log( 'DONOTCACHEPAGE ' . (int) defined( 'DONOTCACHEPAGE' ) ); } );"
    )
    path = f"/courses/{course['slug']}/"
    with site.must_use("seen", seen):
        site.clear_debug_log()
        guest = page(site, path)
        assert "DONOTCACHEPAGE 0" in site.debug_log()
        site.clear_debug_log()
        student = page(site, path, cookies=cookies(site, "student"))
        assert "DONOTCACHEPAGE 1" in site.debug_log()
    assert "no-cache" not in guest.answer.headers.get("Cache-Control", "")
    assert "no-cache" in student.answer.headers["Cache-Control"]


def test_kept_fragments_are_fresh_as_long_as_the_owner_says(site: Site) -> None:
    course = make_course(site)
    slot = "add_action( 'learnomy_course_sidebar_card_footer', function () { echo 'slot ' . uniqid( '', true ); } );"
    path = f"/courses/{course['slug']}/"
    with site.config("define( 'LEARNOMY_FRAGMENT_SECONDS', 60 );"), site.must_use("slots", slot):
        first = page(site, path)
        before = renders(site)
        second = page(site, path)
        assert renders(site) == before, "the kept HTML is shown"
        assert second.title == first.title
        assert second.json_ld == first.json_ld
        assert second.text.split("slot ")[1][:20] != first.text.split("slot ")[1][:20], (
            "slots are filled after the cache"
        )
        student = page(site, path, cookies=cookies(site, "student"))
        assert renders(site) == before + 1, "members' pages are never kept"
        assert student.status == 200
        changed = site.patch(
            f"/courses/{course['id']}", door="internal", user="admin", json={"title": "Another name altogether"}
        )
        assert changed.status == 200
        assert page(site, path).title.startswith("Another name altogether")
    assert renders(site) == before + 2


# --- the private academy -------------------------------------------------------------------

PRIVATE = {"require_login_for_content": True}


def test_guests_of_a_private_academy_are_sent_to_the_login(site: Site) -> None:
    course = make_course(site)
    with site.option("learnomy_settings", PRIVATE), post(site, BLOCK % 12) as embedded:
        for path in ("/courses/", f"/courses/{course['slug']}/", "/courses/none/"):
            shown = page(site, path)
            assert shown.status == 302
            assert "wp-login.php" in shown.answer.headers["Location"]
            assert "no-cache" in shown.answer.headers["Cache-Control"]
            assert course["title"] not in shown.text
        block = page(site, embedded)
        assert block.status == 200
        assert course["title"] not in block.text
        assert "Please log in to see the courses." in block.text
        member = cookies(site, "student")
        assert course["title"] in page(site, f"/courses/{course['slug']}/", cookies=member).text
        assert course["title"] in page(site, embedded, cookies=member).text


FILTERS = """
add_filter( 'learnomy_require_login_for_content', function ( $on ) { return %s; } );
add_filter( 'learnomy_content_can_access', function ( $allowed, $user ) { return %s; }, 10, 2 );
"""


def test_community_plugins_decide_who_sees_the_academy(site: Site) -> None:
    course = make_course(site)
    path = f"/courses/{course['slug']}/"
    student = cookies(site, "student")
    with site.must_use("private", FILTERS % ("true", "$user > 0 && $allowed && 0 === $user % 2 + 9")):
        refused = page(site, path, cookies=student)
        assert refused.status == 403
        assert course["title"] not in refused.text
        assert page(site, path).status == 302
    with site.must_use("private", FILTERS % ("true", "true")):
        assert page(site, path).status == 200
    with site.must_use("private", FILTERS % ("$on", "false")):
        assert page(site, path).status == 200, "who may see is asked only where a login is asked for"


# --- without a backend -----------------------------------------------------------------------


@pytest.fixture
def without_breaker(site: Site) -> Iterator[None]:
    """The breaker closed before and after."""
    await_recovery(site)
    yield
    await_recovery(site)


@pytest.mark.usefixtures("without_breaker")
def test_a_page_shown_before_is_shown_again_without_a_backend(site: Site) -> None:
    course, other = make_course(site), make_course(site)
    path = f"/courses/{course['slug']}/"
    slot = "add_action( 'learnomy_course_sidebar_card_footer', function ( $id ) { echo \"slot $id\"; } );"
    with site.must_use("slots", slot), post(site, BLOCK % 12) as kept, post(site, BLOCK % 11) as new:
        page(site, path)
        page(site, kept)
        page(site, path, cookies=cookies(site, "admin"))
        with site.without("api"):
            again = page(site, path)
            assert again.status == 200
            assert again.title.startswith(course["title"])
            assert f"slot {course['id']}" in again.text
            assert "no-cache" in again.answer.headers["Cache-Control"]
            never = page(site, f"/courses/{other['slug']}/")
            assert never.status == 503
            assert int(never.answer.headers["Retry-After"]) > 0
            assert "no-cache" in never.answer.headers["Cache-Control"]
            assert "learnomy-notice" in never.text
            block = page(site, kept)
            assert (block.status, course["title"] in block.text) == (200, True)
            notice = page(site, new)
            assert notice.status == 200
            assert "cannot be shown at the moment" in notice.text
            assert page(site, "/hello-world/").status == 200
            patience = int(page(site, f"/courses/{other['slug']}/").answer.headers["Retry-After"])
        deadline = time.monotonic() + patience + 1
        while page(site, f"/courses/{other['slug']}/").status != 200:
            assert time.monotonic() < deadline, "it promised to be back by then"
            time.sleep(0.1)


@pytest.mark.usefixtures("without_breaker")
def test_a_hanging_backend_holds_no_page_up_for_long(site: Site) -> None:
    course = make_course(site)
    path = f"/courses/{course['slug']}/"
    page(site, path)
    with site.hanging_backend():
        began = time.monotonic()
        assert page(site, path).status == 200
        assert time.monotonic() - began < 3
        for _ in range(3):
            page(site, path)
        began = time.monotonic()
        assert page(site, path).status == 200
        assert time.monotonic() - began < 1, "the breaker is open"
        began = time.monotonic()
        assert page(site, "/").status == 200
        assert time.monotonic() - began < 1


@pytest.mark.usefixtures("without_breaker")
def test_garbage_from_the_backend_is_no_page(site: Site) -> None:
    course = make_course(site)
    path = f"/courses/{course['slug']}/"
    body = b'{"data":{"items":{},"head":{"title":"FORGED"}}}'

    def answer(request: object) -> None:
        request.send_response(200)  # type: ignore[attr-defined]
        request.send_header("Content-Type", "application/json")  # type: ignore[attr-defined]
        request.send_header("Content-Length", str(len(body)))  # type: ignore[attr-defined]
        request.end_headers()  # type: ignore[attr-defined]
        request.wfile.write(body)  # type: ignore[attr-defined]

    with site.backend_replaced(answer):
        shown = page(site, path)
    assert shown.status == 503
    assert "FORGED" not in shown.text


# --- one call a page ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["block", "classic"])
def test_everything_on_a_page_comes_in_one_call(site: Site, kind: str) -> None:
    pattern = "register_block_pattern( 'test/courses', array( 'title' => 'C', 'content' => '%s' ) );" % (BLOCK % 3)
    code = f"add_action( 'init', function () {{ {pattern} }} );"
    with site.must_use("pattern", code), post(site, BLOCK % 4, "wp_block") as _path:
        synced = site.value("SELECT MAX(ID) FROM wp_posts WHERE post_type = 'wp_block'")
        content = (
            f'{BLOCK % 5}<!-- wp:group --><div class="wp-block-group">{BLOCK % 6}</div><!-- /wp:group -->'
            f'<!-- wp:block {{"ref":{synced}}} /--><!-- wp:pattern {{"slug":"test/courses"}} /-->'
            '<!-- wp:shortcode -->[learnomy_courses per_page="7"]<!-- /wp:shortcode -->'
        )
        with post(site, content) as path, theme(site, kind):
            before = renders(site)
            shown = page(site, path)
            assert renders(site) == before + 1
            assert shown.text.count('<section class="learnomy-catalog') == 5
            page(site, path)
            assert renders(site) == before + 2


def test_a_template_part_and_a_widget_are_foreseen(site: Site) -> None:
    site.php(
        f"update_option( 'widget_block', array( 2 => array( 'content' => '{BLOCK % 8}' ), '_multiwidget' => 1 ) );"
        " $s = get_option( 'sidebars_widgets' ); $s['sidebar-1'] = array( 'block-2' );"
        " update_option( 'sidebars_widgets', $s ); return true;"
    )
    with theme(site, "classic"):
        before = renders(site)
        shown = page(site, "/hello-world/")
        assert "learnomy-catalog" in shown.text
        assert renders(site) == before + 1
    part = site.php(
        f"$id = wp_insert_post( array( 'post_type' => 'wp_template_part', 'post_name' => 'footer',"
        f" 'post_status' => 'publish', 'post_title' => 'F', 'post_content' => '{BLOCK % 9}{BLOCK % 10}' ) );"
        " wp_set_object_terms( $id, get_stylesheet(), 'wp_theme' );"
        " wp_set_object_terms( $id, 'footer', 'wp_template_part_area' ); return $id;",
        user="admin",
    )
    try:
        before = renders(site)
        shown = page(site, "/hello-world/")
        assert shown.text.count('<section class="learnomy-catalog') == 2
        assert renders(site) == before + 1
    finally:
        site.php(f"wp_delete_post( {part}, true ); return true;")


def test_what_nobody_foresaw_is_asked_for_and_learned(site: Site) -> None:
    code = (
        f"add_action( 'wp_footer', function () {{ if ( is_single() ) {{ echo do_blocks( '{BLOCK % 13}' ); }} }}, 1 );"
    )
    with site.must_use("builder", code):
        before = renders(site)
        assert "learnomy-catalog" in page(site, "/hello-world/").text
        assert renders(site) == before + 1
        with post(site, BLOCK % 14, "post") as path:
            page(site, path)
            assert renders(site) == before + 3, "one for the plan, one for what it did not know"
            page(site, path)
            assert renders(site) == before + 4, "it knows now"
    page(site, "/hello-world/")
    assert renders(site) == before + 5
    page(site, "/hello-world/")
    assert renders(site) == before + 5, "what is no longer shown is forgotten"
