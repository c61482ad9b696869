"""Uploads: what is taken, what is refused, and that nothing hostile ever lies where somebody could run it."""

from __future__ import annotations

import io
import os
import re
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from learnomy_wp.attachments import storage, types
from learnomy_wp.kernel import db, uploads
from tests import media
from tests.attachments.files import API, Files
from tests.attachments.samples import BAD, GOOD, JPEG, NAMES, PDF, PHP, PNG
from tests.courses.school import School, together
from wp_schema.tables import attachments, postmeta


@pytest.mark.parametrize(("name", "content", "kind"), GOOD, ids=[name for name, _, _ in GOOD])
def test_a_file_is_taken_and_given_back(files: Files, name: str, content: bytes, kind: str) -> None:
    made = files.add(name, content)
    assert (made["mime_type"], made["size_bytes"]) == (kind, len(content))
    got = files.get(made["id"])
    assert (got.status, got.body) == (200, content)
    assert got.headers["Content-Type"].partition(";")[0] == kind
    assert got.headers["Content-Disposition"].startswith("attachment; ")
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in got.headers["Content-Security-Policy"]


@pytest.mark.parametrize(("name", "content", "code"), BAD, ids=[repr(name) for name, _, _ in BAD])
def test_a_hostile_file_is_refused_and_not_kept(files: Files, name: str, content: bytes, code: str) -> None:
    """Mirrors forms through which visitors uploaded any file: scripts, markup, double extensions, wrong content."""
    before = files.on_disk()
    answer = files.send(name, content)
    assert answer.status == 422, answer.body
    if name:
        assert answer.body["error"]["details"][0] == {
            "field": "file",
            "code": code,
            "message": answer.body["error"]["details"][0]["message"],
        }
    assert files.on_disk() == before
    assert files.of_lesson() == []


@pytest.mark.parametrize(("given", "kept"), NAMES, ids=[repr(given)[:40] for given, _ in NAMES])
def test_a_name_is_made_safe(files: Files, given: str, kept: str) -> None:
    content = b"a,b\n" if given.endswith("csv") else PDF
    with files.school.api.inside():
        assert types.check(given, io.BytesIO(content), "file")[0] == kept
    made = files.add(kept, content)
    assert made["filename"] == kept
    disposition = files.get(made["id"]).headers["Content-Disposition"]
    assert "\n" not in disposition
    assert disposition.isascii()


def test_a_polyglot_is_kept_where_nobody_runs_it(files: Files) -> None:
    """A picture that is a script, too: outside the web root, under a name without an end, saved and never shown."""
    before = files.on_disk()
    made = files.add("photo.php.jpg", JPEG[:-2] + PHP + b"\xff\xd9")
    assert made["filename"] == "photo.php_.jpg"
    (kept,) = files.on_disk() - before
    assert kept.suffix == ""
    assert "photo" not in str(kept)
    mode = stat.S_IMODE(kept.stat().st_mode)
    assert (mode & 0o077, mode & 0o111) == (0, 0)
    got = files.get(made["id"])
    assert got.headers["Content-Disposition"].startswith("attachment; ")
    assert got.headers["Content-Type"] == "image/jpeg"


def test_the_name_on_disk_cannot_be_guessed(files: Files) -> None:
    before = files.on_disk()
    for _ in range(3):
        files.add()
    names = {path.name for path in files.on_disk() - before}
    assert len(names) == 3
    assert all(re.fullmatch("[0-9a-f]{32}-[0-9a-f]{8}", name) for name in names)


def test_titles_and_places(files: Files) -> None:
    first = files.add("one.pdf")
    second = files.add("two.pdf", title="  The   second ")
    front = files.add("zero.pdf", position=0)
    assert (first["title"], second["title"]) == ("one", "The second")
    assert [file["id"] for file in files.of_lesson()] == [front["id"], first["id"], second["id"]]
    assert [file["filename"] for file in files.of_lesson()] == ["zero.pdf", "one.pdf", "two.pdf"]


def test_the_answer_names_its_place(files: Files) -> None:
    answer = files.send()
    assert answer.headers["Location"].endswith(f"/attachments/{answer.data['id']}")
    assert answer.data["lesson_id"] == files.lesson
    assert answer.data["media_id"] is None


@pytest.mark.parametrize("who", ["student", "student3", "teacher2", None])
def test_only_editors_of_the_course_add_files(files: Files, who: str | None) -> None:
    before = files.on_disk()
    answer = files.send(who=who)
    assert answer.status == (401 if who is None else 403)
    assert files.on_disk() == before


def test_a_form_without_a_right_is_not_even_read(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mirrors uploads that were judged after they were taken: the body of a stranger stays unread."""
    read: list[int] = []
    kept = uploads._parse
    monkeypatch.setattr(uploads, "_parse", lambda call, source: read.append(1) or kept(call, source))
    assert files.send(who=None).status == 401
    assert files.send(who=None, headers={"Idempotency-Key": "stranger"}).status == 401
    assert files.send(who="student").status == 403
    assert read == []
    assert files.send().status == 201
    assert read == [1]


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({}, "file"),
        ({"media_id": "x"}, "media_id"),
        ({"media_id": "0"}, "media_id"),
        ({"position": "-1"}, "position"),
        ({"title": ""}, "title"),
        ({"title": "x" * 256}, "title"),
        ({"path": "/etc/passwd"}, "path"),
        ({"mime_type": "text/html"}, "mime_type"),
    ],
)
def test_what_is_no_attachment_is_refused(files: Files, form: dict[str, str], field: str) -> None:
    session = files.school.as_("teacher")
    answer = session.post(f"/lessons/{files.lesson}/attachments", json=form)
    assert answer.status == 422
    assert answer.body["error"]["details"][0]["field"] == field


def test_a_form_holds_one_file_in_its_field(files: Files) -> None:
    assert files.send(field="other").status == 422
    session = files.school.as_("teacher")
    two = {"file": [(io.BytesIO(PDF), "a.pdf"), (io.BytesIO(PDF), "b.pdf")]}
    sent = session.app.test_client().post(
        f"{API}/lessons/{files.lesson}/attachments", data=two, headers=session.headers
    )
    assert sent.status_code == 422
    both = files.send(media_id=5)
    assert (both.status, both.body["error"]["details"][0]["field"]) == (422, "file")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no form at all",
        b"--x\r\nContent-Disposition: form-data; name=file; filename=a.pdf\r\n\r\n",
        b"--x\r\n" + b"a" * 100_000,
        b"--x\r\nContent-Disposition: form-data; name=" + b"a" * 400_000 + b"\r\n\r\nx\r\n--x--\r\n",
        b"".join(b"--x\r\nContent-Disposition: form-data; name=f%d\r\n\r\n1\r\n" % number for number in range(2000))
        + b"--x--\r\n",
    ],
    ids=["empty", "none", "cut", "headers", "name", "parts"],
)
def test_a_broken_form_is_no_crash(files: Files, body: bytes) -> None:
    session = files.school.as_("teacher")
    sent = session.app.test_client().post(
        f"{API}/lessons/{files.lesson}/attachments",
        data=body,
        headers=session.headers,
        content_type="multipart/form-data; boundary=x",
    )
    assert sent.status_code in (400, 413, 422)
    assert sent.get_json()["error"]["code"] in ("bad_request", "payload_too_large", "validation_failed")


def test_a_form_without_a_boundary_is_no_crash(files: Files) -> None:
    session = files.school.as_("teacher")
    for kind in ("multipart/form-data", "multipart/form-data; boundary="):
        sent = session.app.test_client().post(
            f"{API}/lessons/{files.lesson}/attachments", data=b"x", headers=session.headers, content_type=kind
        )
        assert sent.status_code in (400, 422)


def test_a_file_may_be_as_large_as_wordpress_takes_one(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "DEFAULT_BYTES", 100_000)
    before = files.on_disk()
    fits = PDF + bytes(100_000 - len(PDF))
    assert files.add(content=fits)["size_bytes"] == 100_000
    for content in (fits + b"x", fits * 20):
        answer = files.send(content=content)
        assert (answer.status, answer.code) == (413, "payload_too_large")
    assert len(files.on_disk() - before) == 1


def test_other_bodies_stay_small(files: Files) -> None:
    """A JSON body has the limit of every other endpoint, however large a file may be."""
    session = files.school.as_("teacher")
    answer = session.post(f"/lessons/{files.lesson}/attachments", json={"title": "x" * 1_100_000})
    assert (answer.status, answer.code) == (413, "payload_too_large")
    form = session.app.test_client().post(
        f"{API}/lessons/{files.lesson}/notes",
        data=b"x" * 1_100_000,
        headers=session.headers,
        content_type="multipart/form-data; boundary=x",
    )
    assert form.status_code == 413


def test_a_repeated_key_keeps_one_file(files: Files) -> None:
    headers, before = {"Idempotency-Key": "file-1"}, files.on_disk()
    first, second = files.send(headers=headers), files.send(headers=headers)
    assert (first.status, second.status) == (201, 201)
    assert first.data["id"] == second.data["id"]
    assert second.headers["Idempotency-Replayed"] == "true"
    other = files.send(content=PDF + b"more", headers=headers)
    assert (other.status, other.code) == (422, "idempotency_mismatch")
    assert len(files.on_disk() - before) == 1


def test_twenty_uploads_at_once_get_twenty_places(files: Files) -> None:
    answers = together([lambda: files.send()] * 20)
    assert {answer.status for answer in answers} == {201}
    assert sorted(answer.data["position"] for answer in answers) == list(range(20))


def test_a_lesson_has_room_for_so_many_files(files: Files) -> None:
    made = files.add()
    row = files.school.row(attachments, made["id"])
    assert row is not None
    copies = [{**row, "position": number} for number in range(1, 200)]
    for copy in copies:
        del copy["id"]
    with files.school.api.inside():
        db.transaction(lambda: db.execute(insert(attachments), copies))
    before = files.on_disk()
    answer = files.send()
    assert (answer.status, answer.code) == (409, "too_many_files")
    assert files.on_disk() == before


def test_nothing_is_added_in_the_trash(files: Files) -> None:
    assert files.school.as_("teacher").delete(f"/lessons/{files.lesson}").status == 200
    before = files.on_disk()
    answer = files.send()
    assert (answer.status, answer.code) == (409, "in_trash")
    assert files.on_disk() == before


def test_a_folder_within_the_web_root_is_refused(files: Files, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Mirrors plugins that kept private files below wp-content: a guessed address gave them to anybody."""
    site = files.school.api.runtime.site
    monkeypatch.setattr(site, "_pairing", {"abspath": str(site.config.state_dir)})
    answer = files.send()
    assert (answer.status, answer.code) == (409, "storage_not_private")


# --- the media library -------------------------------------------------------------------


class Library:
    """Items of the media library, with files."""

    def __init__(self, school: School) -> None:
        self.school = school
        self.folder = school.api.runtime.site.config.state_dir / "uploads"

    def item(self, name: str, content: bytes = PNG, **columns: Any) -> int:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return self.row(name, **columns)

    def row(self, stored: str, **columns: Any) -> int:
        media_id = media.upload(self.school.api, f"http://learnomy.test/{stored}", post_title="A picture", **columns)
        meta = {"post_id": media_id, "meta_key": "_wp_attached_file", "meta_value": stored}
        self.school.write(insert(postmeta).values(meta))
        return media_id


@pytest.fixture
def library(school: School) -> Library:
    return Library(school)


def attach(files: Files, media_id: int, who: str = "teacher") -> Any:
    return files.school.as_(who).post(f"/lessons/{files.lesson}/attachments", json={"media_id": media_id})


def test_an_item_of_the_library_is_copied(files: Files, library: Library) -> None:
    """What happens to the library's item later changes nothing in the course."""
    media_id = library.item("2026/11/shot.png")
    made = attach(files, media_id)
    assert made.status == 201, made.body
    assert (made.data["media_id"], made.data["title"], made.data["filename"]) == (media_id, "A picture", "shot.png")
    (library.folder / "2026/11/shot.png").unlink()
    assert files.get(made.data["id"]).body == PNG


def test_an_item_that_is_not_ones_to_see_is_unknown(files: Files, library: Library) -> None:
    theirs = library.item("theirs.png", post_status="private", post_author=files.school.ids["admin"])
    for media_id in (theirs, 999_999):
        answer = attach(files, media_id)
        assert (answer.status, answer.body["error"]["details"][0]["field"]) == (422, "media_id")


@pytest.mark.parametrize("stored", ["../secret", "../../secret.png", "/etc/hosts", "absent.png", "", "folder.png"])
def test_a_path_out_of_the_library_is_not_read(files: Files, library: Library, stored: str) -> None:
    library.folder.mkdir(parents=True, exist_ok=True)
    (library.folder.parent / "secret.png").write_bytes(PNG)
    (library.folder / "folder.png").mkdir(exist_ok=True)
    before = files.on_disk()
    answer = attach(files, library.row(stored))
    assert answer.status in (409, 422)
    assert files.on_disk() == before


def test_a_link_out_of_the_library_is_not_followed(files: Files, library: Library) -> None:
    library.folder.mkdir(parents=True, exist_ok=True)
    outside = library.folder.parent / "outside.png"
    outside.write_bytes(PNG)
    link = library.folder / "link.png"
    link.unlink(missing_ok=True)
    link.symlink_to(outside)
    answer = attach(files, library.row("link.png"))
    assert (answer.status, answer.code) == (409, "media_unreadable")


def test_an_item_is_judged_like_an_upload(files: Files, library: Library) -> None:
    answer = attach(files, library.item("bad.png", PHP))
    assert (answer.status, answer.body["error"]["details"][0]["code"]) == (422, "type_mismatch")
    answer = attach(files, library.item("wp-config.php", PHP))
    assert (answer.status, answer.body["error"]["details"][0]["code"]) == (422, "type_not_allowed")


# --- what is left behind -----------------------------------------------------------------


def test_files_that_no_row_names_are_swept_up(files: Files) -> None:
    kept, before = files.add(), files.on_disk()
    with files.school.api.inside():
        lost, young = storage.keep([b"lost"]), storage.keep([b"young"])
        draft = (storage.root() / lost).with_suffix(".part")  # of a process that was killed
        draft.write_bytes(b"half")
        old = time.time() - storage.SWEPT_AFTER_SECONDS - 60
        for path in files.on_disk():
            if path.name != young.rpartition("/")[2]:
                os.utime(path, (old, old))
        assert storage.sweep_attachments() == 2
        assert storage.find(lost) is None
    assert {path.name for path in files.on_disk()} == {path.name for path in before} | {young.rpartition("/")[2]}
    assert files.get(kept["id"]).status == 200


def test_files_of_another_site_in_the_same_folder_stay(files: Files) -> None:
    with files.school.api.inside():
        theirs = storage.root() / "ab" / f"{'c' * 32}-00000000"
        theirs.parent.mkdir(exist_ok=True)
        theirs.write_bytes(b"theirs")
        old = time.time() - storage.SWEPT_AFTER_SECONDS - 60
        os.utime(theirs, (old, old))
        storage.sweep_attachments()
    assert theirs.exists()


def test_a_write_that_fails_keeps_no_file(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    from learnomy_wp.attachments import service

    def fail(*_arguments: Any) -> Any:
        raise RuntimeError("lost")

    monkeypatch.setattr(service, "_insert", fail)
    before = files.on_disk()
    assert files.send().status == 500
    assert files.on_disk() == before
    assert files.school.rows(select(attachments.c.id).where(attachments.c.lesson_id == files.lesson)) == []
