"""The catalogue, category and course pages: real pages in any theme, without posts behind them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
import requests

from tests.site import Site
from tests.wordpress.academy import cookies, make_course, page, renders

CLASSIC = "twentytwentyone"


@contextmanager
def theme(site: Site, kind: str) -> Iterator[None]:
    """A block theme is what every site begins with."""
    if kind == "block":
        assert site.php("return wp_is_block_theme();") is True
        yield
        return
    with site.theme(CLASSIC):
        yield


@pytest.mark.wordpress("6.1", "6.8", "7.1")
@pytest.mark.parametrize("kind", ["block", "classic"])
def test_a_course_page(site: Site, kind: str) -> None:
    course = make_course(site, title="Ink & <em>brush</em> [gallery]", excerpt='Draw "slowly" & well.')
    with theme(site, kind):
        shown = page(site, f"/courses/{course['slug']}/")
    assert shown.status == 200
    assert shown.title.startswith("Ink & <em>brush</em> [gallery]")
    assert shown.title.endswith(site.php("return get_bloginfo( 'name' );"))
    assert shown.canonical == [course["permalink"]]
    assert shown.meta("description") == 'Draw "slowly" & well.'
    assert shown.meta("og:title") == course["title"]
    assert shown.meta("og:url") == course["permalink"]
    assert {document["@type"] for document in shown.json_ld} >= {"Course", "BreadcrumbList"}
    assert next(d for d in shown.json_ld if d["@type"] == "Course")["name"] == course["title"]
    assert shown.text.count("<h1") == 1
    assert "Ink &amp; &lt;em&gt;brush&lt;/em&gt; &#91;gallery&#93;" in shown.text
    assert shown.text.count('class="learnomy-course"') == 1
    assert {"learnomy-page", "learnomy-page-course"} <= set(shown.body_classes)
    assert not {"home", "blog", "error404", "archive"} & set(shown.body_classes)
    assert "learnomy.css" in shown.text or "learnomy-inline-css" in shown.text
    assert "no-cache" not in shown.answer.headers.get("Cache-Control", "")
    assert "Welcome to WordPress" not in shown.text


@pytest.mark.wordpress("6.1", "7.1")
@pytest.mark.parametrize("kind", ["block", "classic"])
def test_the_catalogue_page(site: Site, kind: str) -> None:
    course = make_course(site)
    with theme(site, kind):
        shown = page(site, "/courses/")
        filtered = page(site, "/courses/?search=nothing-has-this-name&tag=none&p=1&name=x&utm_source=mail")
    assert shown.status == 200
    assert [urlsplit(address).path for address in shown.canonical] == ["/courses/"]
    assert course["title"] in shown.text
    assert f'href="{course["permalink"]}"' in shown.text
    assert filtered.status == 200
    assert course["title"] not in filtered.text
    assert "noindex" in filtered.meta("robots")
    assert "utm_source" not in re.sub(r"(?s)<head>.*?</head>", "", filtered.text)


def test_a_category_page(site: Site) -> None:
    site.post("/course-categories", door="internal", user="admin", json={"name": "Tests & Trials", "slug": "trials"})
    course = make_course(site, categories=["trials"])
    shown = page(site, "/courses/category/trials/")
    assert shown.status == 200
    assert shown.title.startswith("Tests & Trials")
    assert course["title"] in shown.text
    assert page(site, "/courses/category/none/").status == 404
    assert page(site, "/courses/category/").status == 404


@pytest.mark.wordpress("6.1", "7.1")
@pytest.mark.parametrize("kind", ["block", "classic"])
def test_what_does_not_exist_is_the_themes_own_404(site: Site, kind: str) -> None:
    draft = make_course(site, publish=False)
    with theme(site, kind):
        for path in ("/courses/no-such-course/", f"/courses/{draft['slug']}/", "/courses/page/2/", "/courses/feed/x/"):
            shown = page(site, path)
            assert shown.status == 404, path
            assert "error404" in shown.body_classes
            assert shown.title.startswith("Page not found")
            assert "no-cache" in shown.answer.headers["Cache-Control"]
            assert not shown.canonical
            assert not shown.json_ld


def test_staff_see_a_draft_and_nobody_may_keep_that(site: Site) -> None:
    draft = make_course(site, publish=False)
    shown = page(site, f"/courses/{draft['slug']}/", cookies=cookies(site, "admin"))
    assert shown.status == 200
    assert draft["title"] in shown.text
    assert "no-cache" in shown.answer.headers["Cache-Control"]
    assert "noindex" in shown.meta("robots")


def test_head_requests_have_the_status_of_the_page(site: Site) -> None:
    course = make_course(site)
    for path, status in ((f"/courses/{course['slug']}/", 200), ("/courses/none/", 404)):
        with requests.Session() as session:
            session.trust_env = False
            assert session.head(site.php_url + path, timeout=30).status_code == status


def test_a_route_yields_to_a_published_page_unless_it_is_given_to_it(site: Site) -> None:
    made = site.php(
        "return wp_insert_post( array( 'post_type' => 'page', 'post_name' => 'courses', 'post_title' => 'Our own page',"
        " 'post_content' => 'Written by hand.', 'post_status' => 'draft' ) );"
    )
    try:
        assert "Written by hand" not in page(site, "/courses/").text, "a draft takes nothing"
        site.php(f"wp_publish_post( {made} ); return true;")
        shown = page(site, "/courses/")
        assert "Written by hand" in shown.text
        assert "page" in shown.body_classes
        course = make_course(site)
        assert page(site, f"/courses/{course['slug']}/").title.startswith(course["title"])
        with site.option("learnomy_settings", {"pages": {"catalog": made}}):
            assert "Written by hand" not in page(site, "/courses/").text
    finally:
        site.php(f"wp_delete_post( {made}, true ); return true;")


def test_activation_picks_slugs_that_no_page_has(site: Site) -> None:
    made = site.php(
        "return wp_insert_post( array( 'post_type' => 'page', 'post_name' => 'checkout', 'post_title' => 'Shop',"
        " 'post_status' => 'publish' ) );"
    )
    activate = (
        "update_option( 'learnomy_settings', array() );"
        "do_action( 'activate_learnomy/learnomy.php', false );"
        "$s = get_option( 'learnomy_settings' ); update_option( 'learnomy_settings', array() ); return $s;"
    )
    try:
        slugs = site.php(activate)["slugs"]
        assert slugs["checkout"] == "academy-checkout"
        assert slugs["courses"] == "courses"
    finally:
        site.php(f"wp_delete_post( {made}, true ); return true;")
    assert site.php(activate) == []


def test_pages_follow_the_owners_base_slug_and_rules_are_flushed_once(site: Site) -> None:
    course = make_course(site)
    code = """
    add_action( 'generate_rewrite_rules', function () {
        update_option( 'flushes', 1 + get_option( 'flushes', 0 ) );
    } );
    """
    with site.must_use("flushes", code), site.option("flushes", 0):
        with site.option("learnomy_settings", {"slugs": {"courses": "kurse"}}):
            site.page("/")
            assert page(site, f"/kurse/{course['slug']}/").title.startswith(course["title"])
            assert page(site, f"/courses/{course['slug']}/").status == 404
            flushes = site.php("return (int) get_option( 'flushes' );")
            for _ in range(3):
                site.page("/")
            assert site.php("return (int) get_option( 'flushes' );") == flushes
        site.page("/")
        assert page(site, f"/courses/{course['slug']}/").status == 200


def test_plain_permalinks(site: Site) -> None:
    course = make_course(site)
    with site.option("permalink_structure", ""):
        shown = page(site, f"/?learnomy_route=course&learnomy_slug={course['slug']}")
        assert shown.status == 200
        assert shown.title.startswith(course["title"])
        assert page(site, "/?learnomy_route=catalog").status == 200
        assert "home" in page(site, "/?learnomy_route=no-such").body_classes
    site.php("flush_rewrite_rules( false ); return true;")


def test_wordpress_redirects_our_addresses_nowhere(site: Site) -> None:
    course = make_course(site)
    for path in (f"/courses/{course['slug']}", "/courses", f"/courses/{course['slug']}/?p=1&page_id=2"):
        assert page(site, path).status == 200, path


def test_the_front_page_and_posts_are_as_before(site: Site) -> None:
    front = page(site, "/")
    assert "home" in front.body_classes
    assert "Hello world" in front.text
    assert "learnomy-catalog" not in front.text
    assert page(site, "/hello-world/").status == 200


def test_the_theme_may_have_a_template_of_its_own(site: Site) -> None:
    course = make_course(site)
    template = site.content / "themes" / CLASSIC / "learnomy-course.php"
    with site.theme(CLASSIC):
        template.write_text(
            "<?php get_header(); echo '<b>mine</b>'; do_action( 'learnomy_page_content' ); get_footer();"
        )
        try:
            shown = page(site, f"/courses/{course['slug']}/")
        finally:
            template.unlink()
    assert "<b>mine</b>" in shown.text
    assert shown.text.count('class="learnomy-course"') == 1


@pytest.mark.wordpress("6.1", "7.1")
def test_the_owner_may_edit_the_template_of_a_block_theme(site: Site) -> None:
    course = make_course(site)
    listed = site.php("return wp_list_pluck( get_block_templates(), 'title', 'slug' );")
    assert listed["learnomy-course"] == "Course"
    post = site.php(
        "$id = wp_insert_post( array( 'post_type' => 'wp_template', 'post_name' => 'learnomy-course',"
        " 'post_status' => 'publish', 'post_title' => 'Mine',"
        " 'post_content' => '<!-- wp:paragraph --><p>Above all</p><!-- /wp:paragraph --><!-- wp:post-content /-->' ) );"
        " wp_set_object_terms( $id, get_stylesheet(), 'wp_theme' ); return $id;",
        user="admin",
    )
    try:
        shown = page(site, f"/courses/{course['slug']}/")
    finally:
        site.php(f"wp_delete_post( {post}, true ); return true;")
    assert "Above all</p>" in shown.text
    assert shown.text.count('class="learnomy-course"') == 1


SEO = """
namespace Yoast\\Fake {
    class Head {
        public static function title() { return 'A title of the SEO plugin'; }
    }
}
namespace {
    define( 'WPSEO_VERSION', '99.0' );
    add_filter( 'pre_get_document_title', array( 'Yoast\\Fake\\Head', 'title' ), 15 );
    add_action( 'wp_head', function () {
        $lines = array( '<link rel="canonical" href="https://seo.test/" />' );
        echo implode( '', apply_filters( 'wpseo_frontend_presenters', $lines ) );
    }, 1 );
}
"""


def test_seo_plugins_stand_aside_on_our_pages_only(site: Site) -> None:
    course = make_course(site)
    with site.must_use("seo", SEO):
        shown = page(site, f"/courses/{course['slug']}/")
        other = page(site, "/hello-world/")
    assert shown.title.startswith(course["title"])
    assert shown.canonical == [course["permalink"]]
    assert other.title == "A title of the SEO plugin"
    assert "https://seo.test/" in other.canonical


def test_published_courses_are_in_the_sitemap(site: Site) -> None:
    course, draft = make_course(site), make_course(site, publish=False)
    index = site.page("/wp-sitemap.xml")
    space = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    maps = [found.text or "" for found in ElementTree.fromstring(index.body).iter(space + "loc")]
    ours = [address for address in maps if "wp-sitemap-courses" in address]
    assert ours
    addresses: list[str] = []
    for address in ours:
        answer = site.page(address.split("/", 3)[3].join(("/", "")))
        if answer.status == 200:
            addresses += [found.text or "" for found in ElementTree.fromstring(answer.body).iter(space + "loc")]
    paths = [urlsplit(address).path for address in addresses]
    assert f"/courses/{course['slug']}/" in paths
    assert paths.count("/courses/") == 1
    assert f"/courses/{draft['slug']}/" not in paths
    with site.option("learnomy_settings", {"require_login_for_content": True}):
        assert "wp-sitemap-courses" not in site.page("/wp-sitemap.xml").text


def test_one_call_brings_a_page(site: Site) -> None:
    course = make_course(site)
    before = renders(site)
    page(site, f"/courses/{course['slug']}/")
    assert renders(site) == before + 1
    page(site, "/hello-world/")
    page(site, "/")
    assert renders(site) == before + 1, "a page without anything of ours asks nothing"
