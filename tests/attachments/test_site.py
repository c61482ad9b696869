"""A private file on a real WordPress: sent and fetched by every door, and by no address of anybody outside."""

from __future__ import annotations

import hashlib
import json
import random
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.attachments.samples import JPEG, PDF, PHP, PNG, SVG
from tests.site import DOORS, PASSWORD, Answer, Site

HTTP_DOORS = ("direct", "early", "full")
MEBIBYTE = 1024 * 1024
# Larger than two pieces, and no multiple of one.
LARGE = PDF + random.Random(7).randbytes(9 * MEBIBYTE + 12_345)


class Place:
    """A course of the teacher's on a site, with the student in it."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.tokens = {who: self._log_in(who) for who in ("teacher", "student", "student2")}
        course = self._made("/courses", {"title": f"Files {secrets.token_hex(4)}"})
        self.course = course["id"]
        section = self._made(f"/courses/{self.course}/sections", {"title": "One"})
        self.lesson = self._made(f"/sections/{section['id']}/lessons", {"title": "One"})["id"]
        assert site.post(f"/courses/{self.course}/publish", headers=self.tokens["teacher"]).status == 200
        joined = site.post(f"/courses/{self.course}/enroll", headers=self.tokens["student"])
        assert joined.status == 201, joined.text

    def _log_in(self, who: str) -> dict[str, str]:
        answer = self.site.post("/auth/token", json={"username": who, "password": PASSWORD})
        assert answer.status == 200, answer.text
        return {"Authorization": f"Bearer {answer.data['access_token']}"}

    def _made(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.site.post(path, json=body, headers=self.tokens["teacher"])
        assert answer.status == 201, answer.text
        return dict(answer.data)

    @property
    def path(self) -> str:
        return f"/lessons/{self.lesson}/attachments"

    def send(self, door: str, name: str, content: bytes, who: str = "teacher", **fields: str) -> Answer:
        """Upload by a door; inside WordPress as a plugin does, with the file on disk."""
        if door == "internal":
            return self._send_inside(name, content, who, fields)
        files = {"file": (name, content, "application/octet-stream")}
        headers = self.tokens.get(who, {})
        return self.site.post(self.path, door=door, headers=headers, data=fields, files=files, timeout=60)

    def _send_inside(self, name: str, content: bytes, who: str, fields: dict[str, str]) -> Answer:
        held = self.site.folder / f"sent-{secrets.token_hex(4)}"
        held.write_bytes(content)
        held.chmod(0o644)
        given = ", ".join(f"'{key}' => '{value}'" for key, value in fields.items())
        code = f"""
        $request = new WP_REST_Request( 'POST', '/learnomy/v1{self.path}' );
        $request->set_header( 'Content-Type', 'multipart/form-data' );
        $request->set_body_params( array( {given} ) );
        $request->set_file_params( array( 'file' => array( 'name' => '{name}', 'type' => 'application/pdf',
            'tmp_name' => '{held}', 'error' => 0, 'size' => {len(content)} ) ) );
        $response = rest_do_request( $request );
        return array( $response->get_status(), wp_json_encode( $response->get_data() ) );
        """
        try:
            status, body = self.site.php(code, user=who)
        finally:
            held.unlink()
        return Answer(status, {}, body.encode())

    def fetch(self, door: str, attachment_id: int, who: str = "student", **headers: str) -> Answer:
        return self.site.get(
            f"/attachments/{attachment_id}/download",
            door=door,
            headers={**self.tokens.get(who, {}), **{name.replace("_", "-"): value for name, value in headers.items()}},
            timeout=60,
        )

    def link(self, attachment_id: int, who: str = "student") -> str:
        lesson = self.site.get(f"/lessons/{self.lesson}", headers=self.tokens[who]).data
        return str(next(file["download_url"] for file in lesson["attachments"] if file["id"] == attachment_id))

    def kept(self) -> list[Path]:
        return [path for path in (self.site.layout.state / "files").rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def places() -> dict[str, Place]:
    return {}


@pytest.fixture
def place(site: Site, places: dict[str, Place]) -> Iterator[Place]:
    if site.version not in places:
        places[site.version] = Place(site)
    yield places[site.version]
    site.php('global $wpdb; return (int) $wpdb->query( "DELETE FROM wp_lrn_attachments" );')


def open_link(site: Site, address: str, base: str, **headers: str) -> requests.Response:
    """Follow a link as a browser does that is not logged in."""
    place = urlsplit(address)
    session = requests.Session()
    session.trust_env = False
    with session:
        return session.get(f"{base}{place.path}?{place.query}", headers=headers, timeout=60, allow_redirects=False)


@pytest.mark.wordpress("6.1", "7.1")
@pytest.mark.parametrize("door", DOORS)
def test_a_file_goes_in_by_every_door(place: Place, door: str) -> None:
    before = len(place.kept())
    made = place.send(door, "paper.pdf", PDF, title="By the door")
    assert made.status == 201, made.text
    assert (made.data["title"], made.data["size_bytes"]) == ("By the door", len(PDF))
    assert len(place.kept()) == before + 1
    assert place.fetch("direct", made.data["id"]).body == PDF


@pytest.mark.parametrize("door", DOORS)
def test_a_large_file_goes_in_by_every_door_unharmed(place: Place, door: str) -> None:
    """By PHP it is never whole in memory: the memory of a request there is a fraction of what it carries."""
    made = place.send(door, "large.pdf", LARGE)
    assert made.status == 201, made.text
    row = place.site.rows("SELECT sha256, size_bytes FROM wp_lrn_attachments WHERE id = %s", made.data["id"])[0]
    assert (row["sha256"], row["size_bytes"]) == (hashlib.sha256(LARGE).hexdigest(), len(LARGE))


@pytest.mark.wordpress("6.1", "7.1")
def test_a_file_comes_out_by_every_door_whole_and_in_part(place: Place) -> None:
    site, attachment = place.site, place.send("direct", "large.pdf", LARGE).data["id"]
    for door in HTTP_DOORS:
        whole = place.fetch(door, attachment)
        assert whole.status == 200, door
        assert hashlib.sha256(whole.body).digest() == hashlib.sha256(LARGE).digest(), door
        assert whole.headers["Content-Length"] == str(len(LARGE))
        assert whole.headers["Content-Type"] == "application/pdf"
        assert whole.headers["Content-Disposition"].startswith('attachment; filename="large.pdf"')
        assert whole.headers["X-Content-Type-Options"] == "nosniff"
        assert "no-store" in whole.headers["Cache-Control"]
        for asked, first, last in (
            ("0-99", 0, 99),
            ("1000-9000000", 1000, 9_000_000),
            ("-7", len(LARGE) - 7, len(LARGE) - 1),
        ):
            part = place.fetch(door, attachment, Range=f"bytes={asked}")
            assert (part.status, part.body == LARGE[first : last + 1]) == (206, True), (door, asked)
            assert part.headers["Content-Range"] == f"bytes {first}-{last}/{len(LARGE)}"
        beyond = place.fetch(door, attachment, Range=f"bytes={len(LARGE)}-")
        assert (beyond.status, beyond.error["code"]) == (416, "range_not_satisfiable"), door
        assert beyond.headers["Content-Range"] == f"bytes */{len(LARGE)}"
        other = place.fetch(door, attachment, Range="bytes=0-9", If_Range='"another"')
        assert (other.status, len(other.body)) == (200, len(LARGE)), door
        same = place.fetch(door, attachment, If_None_Match=whole.headers["ETag"])
        assert (same.status, same.body) == (304, b""), door
        head = site.request("HEAD", f"/attachments/{attachment}/download", door=door, headers=place.tokens["student"])
        assert (head.status, head.headers["Content-Length"], head.body) == (200, str(len(LARGE)), b""), door
    inside = site.php(
        f"$r = rest_do_request( new WP_REST_Request( 'GET', '/learnomy/v1/attachments/{attachment}/download' ) );"
        " return array( $r->get_status(), hash( 'sha256', $r->get_data() ) );",
        user="student",
    )
    assert inside == [200, hashlib.sha256(LARGE).hexdigest()]


def test_nobody_outside_reads_it_by_any_door_or_address(place: Place) -> None:
    """Mirrors files of courses that anybody could fetch who guessed or was given their address."""
    site, attachment = place.site, place.send("direct", "secret.pdf", PDF + b"MarkOfSecret").data["id"]
    path = f"/attachments/{attachment}/download"
    for door in HTTP_DOORS:
        assert place.fetch(door, attachment, "student2").status == 403, door
        assert place.fetch(door, attachment, "nobody").status == 401, door
        assert place.send(door, "x.pdf", PDF, "student").status == 403, door
        assert place.send(door, "x.pdf", PDF, "nobody").status == 401, door
    for user, status in (("student2", 403), ("", 401), ("editor1", 403)):
        assert site.get(path, door="internal", user=user).status == status
    cookies, nonce = site.log_in("student2")
    assert site.get(path, door="full", cookies=cookies, headers={"X-WP-Nonce": nonce}).status == 403
    cookies, nonce = site.log_in("student")
    assert site.get(path, door="full", cookies=cookies, headers={"X-WP-Nonce": nonce}).status == 200
    assert site.get(path, door="full", cookies=cookies).status == 401, "a cookie alone is nobody"
    kept = [file for file in place.kept() if b"MarkOfSecret" in file.read_bytes()]
    assert len(kept) == 1
    root = site.root.resolve()
    assert not kept[0].resolve().is_relative_to(root)
    assert not [file for file in root.rglob("*") if file.is_file() and b"MarkOfSecret" in file.read_bytes()]
    for guess in ("secret.pdf", kept[0].name, f"learnomy/{kept[0].name}", "../state/files", "..%2fstate%2ffiles"):
        for base in (site.url, site.php_url):
            found = requests.get(f"{base}/wp-content/uploads/{guess}", timeout=10)
            assert b"MarkOfSecret" not in found.content
    for shadow in ("/wp-json/wp/v2/media", "/wp-json/wp/v2/search?search=secret", "/?s=secret", "/feed/"):
        assert b"MarkOfSecret" not in site.page(shadow).body
        assert b"secret.pdf" not in site.page(shadow).body


def test_a_link_opens_by_every_door_and_dies(place: Place) -> None:
    site, attachment = place.site, place.send("direct", "linked.pdf", PDF).data["id"]
    link = place.link(attachment)
    assert link.startswith(site.url)
    for base in (site.url, site.php_url):
        assert open_link(site, link, base).content == PDF
        part = open_link(site, link, base, Range="bytes=0-3")
        assert (part.status_code, part.content) == (206, PDF[:4])
        assert open_link(site, link.replace("signature=", "signature=0"), base).status_code == 401
        with site.must_use("always-full", "define( 'LEARNOMY_FULL_DOOR', true );"):
            assert open_link(site, link, base).content == PDF
    left = site.delete(f"/courses/{place.course}/enroll", headers=place.tokens["student"])
    assert left.status == 200
    try:
        for base in (site.url, site.php_url):
            assert open_link(site, link, base).status_code == 403
    finally:
        again = site.post(f"/courses/{place.course}/enroll", headers=place.tokens["student"])
        assert again.status in (200, 201)


@pytest.mark.parametrize("door", DOORS)
def test_hostile_files_are_refused_by_every_door(place: Place, door: str) -> None:
    before = place.kept()
    for name, content in (("shell.php", PHP), ("shell.jpg", PHP), ("picture.svg", SVG), ("shell.php.jpg", PHP)):
        answer = place.send(door, name, content)
        assert (answer.status, answer.error["details"][0]["field"]) == (422, "file"), name
    assert place.kept() == before
    polyglot = place.send(door, "shell.php.jpg", JPEG[:-2] + PHP + b"\xff\xd9")
    assert polyglot.data["filename"] == "shell.php_.jpg"


def test_what_wordpress_takes_is_what_is_taken(place: Place) -> None:
    """Types and size are the site's own, with the say of its plugins."""
    site = place.site
    site.get("/health", door="full")

    def told() -> Any:
        return json.loads((site.layout.state / "pairing.json").read_text())["uploads"]

    _await(lambda: told()["max_bytes"] == 60 * MEBIBYTE)  # as PHP has it for requests, not for commands
    assert told()["types"]["jpg|jpeg|jpe"] == "image/jpeg"
    assert not set(told()["types"]) & {"swf", "exe", "js", "htm|html"}
    assert place.send("direct", "a.pdf", PDF).status == 201
    code = (
        "add_filter( 'upload_mimes', function ( $types ) { unset( $types['pdf'] );"
        " return $types + array( 'glb' => 'model/gltf-binary' ); } );"
        " add_filter( 'upload_size_limit', function () { return 5000; } );"
    )
    with site.must_use("uploads", code):
        site.get("/health", door="full")
        _await(lambda: place.send("direct", "a.pdf", PDF).status == 422)
        model = place.send("direct", "a.glb", b"glTF\x02\x00\x00\x00" + bytes(100))
        assert (model.status, model.data["mime_type"]) == (201, "model/gltf-binary")
        large = place.send("direct", "a.png", PNG + bytes(6000))
        assert (large.status, large.error["code"]) == (413, "payload_too_large")
    site.get("/health", door="full")
    _await(lambda: place.send("direct", "a.pdf", PDF).status == 201)


def _await(condition: Any) -> None:
    """The plugin tells the backend once its answer is sent."""
    import time

    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.2)


@pytest.mark.parametrize("door", DOORS)
def test_an_item_of_the_media_library_becomes_a_private_copy(place: Place, door: str) -> None:
    site = place.site
    media_id, path, url = site.php(
        "$made = wp_upload_bits( 'shot.png', null, base64_decode( '" + _base64(PNG) + "' ) );"
        " $id = wp_insert_attachment( array( 'post_title' => 'A shot', 'post_mime_type' => 'image/png',"
        " 'post_status' => 'inherit' ), $made['file'] );"
        " return array( $id, $made['file'], wp_get_attachment_url( $id ) );",
        user="teacher",
    )
    body = {"media_id": media_id}
    if door == "internal":
        made = site.post(place.path, door=door, user="teacher", json=body)
    else:
        made = site.post(place.path, door=door, headers=place.tokens["teacher"], json=body)
    assert made.status == 201, made.text
    assert (made.data["title"], made.data["media_id"]) == ("A shot", media_id)
    lesson = site.get(f"/lessons/{place.lesson}", headers=place.tokens["student"])
    assert url not in lesson.text
    Path(path).unlink()
    assert place.fetch("direct", made.data["id"]).body == PNG
    assert site.post(place.path, headers=place.tokens["teacher"], json={"media_id": 999_999}).status == 422
    outside = site.php(
        f"update_post_meta( {media_id}, '_wp_attached_file', '../../wp-config.php' );"
        f" return get_attached_file( {media_id} );"
    )
    assert "wp-config" in outside
    refused = site.post(place.path, headers=place.tokens["teacher"], json=body)
    assert refused.status in (409, 422)


def _base64(content: bytes) -> str:
    import base64

    return base64.b64encode(content).decode()


def test_a_large_upload_needs_little_memory_in_php(place: Place) -> None:
    site = place.site
    code = (
        "add_action( 'shutdown', function () {"
        " file_put_contents( WP_CONTENT_DIR . '/peak', memory_get_peak_usage() ); } );"
    )
    with site.must_use("peak", code):
        base = place.send("full", "small.pdf", PDF)
        assert base.status == 201, base.text
        small = int((site.content / "peak").read_text())
        large = place.send("full", "large.pdf", PDF + bytes(40 * MEBIBYTE))
        assert large.status == 201, large.text
        assert int((site.content / "peak").read_text()) - small < 8 * MEBIBYTE
        assert place.fetch("full", large.data["id"]).status == 200
        assert int((site.content / "peak").read_text()) - small < 24 * MEBIBYTE
    (site.content / "peak").unlink()
