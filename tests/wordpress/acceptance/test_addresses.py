"""Sites at other addresses: plain permalinks, a sub-folder, another REST prefix, and visitors who name another host."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from tests.site import Answer
from tests.wordpress.acceptance.academy import HTTP_DOORS, Academy


def path_of(url: str) -> str:
    """A URL without its host."""
    return urlsplit(url)._replace(scheme="", netloc="").geturl()


@contextmanager
def permalinks(academy: Academy, structure: str) -> Iterator[None]:
    """Another structure, as the screen sets it."""
    code = """
    global $wp_rewrite;
    $was = get_option( 'permalink_structure' );
    $wp_rewrite->set_permalink_structure( '%s' );
    flush_rewrite_rules( false );
    return $was;
    """
    before = academy.site.php(code % structure)
    academy.forget_copy()
    try:
        yield
    finally:
        academy.site.php(code % before)
        academy.forget_copy()


def test_plain_permalinks(academy: Academy) -> None:
    site, course = academy.site, academy.make_course(1)
    with permalinks(academy, ""):
        for door in ("early", "full"):
            listed = site.get("/?rest_route=/learnomy/v1/courses&per_page=1", door=door)
            assert listed.status == 200, listed.text[:500]
            assert len(listed.data) == 1
            assert academy.door_of(listed) == door
            wrong = site.get("/?rest_route=/learnomy/v1/no-such-thing", door=door)
            assert (wrong.status, wrong.error["code"]) == (404, "not_found")
        enroll = f"/?rest_route=/learnomy/v1/courses/{course.id}/enroll"
        made = site.post(enroll, **academy.as_("student", "early"))
        assert made.status == 201
        one = site.get(f"/?rest_route=/learnomy/v1/courses/{course.slug}", **academy.as_("student", "full"))
        page = site.page(path_of(one.data["permalink"]))
        assert (page.status, one.data["title"] in page.text) == (200, True)
        by_php = site.php(f"return Learnomy\\route_url( 'course', array( 'slug' => '{course.slug}' ) );")
        assert path_of(by_php) == path_of(one.data["permalink"])
    one = site.get(f"/courses/{course.slug}")
    assert path_of(one.data["permalink"]) == f"/courses/{course.slug}/"


@contextmanager
def subfolder(academy: Academy) -> Iterator[None]:
    """WordPress at /school, moved there and paired again by its owner."""
    site = academy.site
    pair = f"return \\Learnomy\\pair( array( 'address' => '{site.backend_url}' ) );"
    here = "'http://' . $_SERVER['HTTP_HOST'] . '/school'"
    try:
        with site.config(f"define( 'WP_HOME', {here} ); define( 'WP_SITEURL', {here} );"):
            assert site.php(pair) is True
            academy.record()
            yield
    finally:
        assert site.php(pair) is True
        academy.record()


def test_a_site_in_a_folder(academy: Academy) -> None:
    site, course = academy.site, academy.make_course(1)
    with subfolder(academy):
        api = "/school/wp-json/learnomy/v1"

        def ask(method: str, path: str, door: str, **how: Any) -> Answer:
            headers = dict(how.pop("headers", {}))
            if door == "full":
                headers["X-Learnomy-Test-Door"] = "full"
            return site._http.send(method, site.php_url + path, headers=headers, **how)

        for door in ("early", "full"):
            answer = ask("GET", f"{api}/courses/{course.slug}", door)
            assert answer.status == 200, (door, answer.headers, answer.text[:500])
            assert answer.data["id"] == course.id
            assert academy.door_of(answer) == door
            assert path_of(answer.data["permalink"]) == f"/school/courses/{course.slug}/"
            routed = ask("GET", "/school/?rest_route=/learnomy/v1/courses", door)
            assert routed.status == 200
        password = site.application_password("student")
        made = ask("POST", f"{api}/courses/{course.id}/enroll", "early", auth=password)
        assert made.status == 201, made.text
        page = site._http.send("GET", f"{site.php_url}/school/courses/{course.slug}/")
        assert page.status == 200
        # Tokens are of the new address.
        pair = ask("POST", f"{api}/auth/token", "early", json={"username": "student", "password": "learnomy-demo"})
        bearer = {"Authorization": f"Bearer {pair.data['access_token']}"}
        assert ask("GET", f"{api}/auth/me", "full", headers=bearer).status == 200
    assert site.get("/auth/me", headers=bearer).status == 401, "a token of another address"


def test_another_rest_prefix(academy: Academy) -> None:
    site, course = academy.site, academy.course
    code = "add_filter( 'rest_url_prefix', fn() => 'api' );"
    flush = "flush_rewrite_rules( false ); return rest_url( 'learnomy/v1/' );"
    try:
        with academy.listening(code):
            address = site.php(flush)
            assert address.endswith("/api/learnomy/v1/")
            for base in (site.url, site.php_url):
                answer = site._http.send("GET", f"{base}/api/learnomy/v1/courses/{course.slug}")
                assert answer.status == 200, (answer.headers, answer.text[:500])
                assert answer.data["id"] == course.id
                wrong = site._http.send("POST", f"{base}/api/learnomy/v1/auth/token", data=b"{")
                assert wrong.error["code"] in ("malformed_json", "unsupported_media_type")
            for door in HTTP_DOORS:
                assert site.get("/courses", door=door).status == 404, "the site has no API there"
    finally:
        site.php(flush)
    for door in HTTP_DOORS:
        assert site.get("/courses", door=door).status == 200


def test_a_visitor_cannot_move_the_site(academy: Academy) -> None:
    """A wp-config.php that goes by the Host header, as this site's does for its ports, gives nobody its address."""
    site = academy.site
    pairing = site.layout.state / "pairing.json"

    def homes() -> set[str]:
        known = json.loads(pairing.read_text())
        return {known["home"], *(blog["home"] for blog in known["blogs"])}

    before = homes()
    changed = "define( 'WP_HOME', 'http://' . $_SERVER['HTTP_HOST'] );"
    with site.config(changed):
        for _ in range(2):
            site._http.send("GET", site.php_url + "/", headers={"Host": "evil.example"})
            site._http.send("GET", site.php_url + "/wp-json/learnomy/v1/health?x", headers={"Host": "evil.example"})
        academy.record()
        assert homes() == before
        assert site.get("/auth/me", **academy.as_("student", "full")).status == 200
    poisoned = site._http.send("GET", f"{site.php_url}/wp-json/learnomy/v1/courses", headers={"Host": "evil.example"})
    assert "evil.example" not in poisoned.text
