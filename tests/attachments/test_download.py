"""Downloads: who gets a file by which address, whole or in part, and for how long."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from learnomy_wp.attachments import storage
from learnomy_wp.kernel import retention
from tests.attachments.files import API, Files
from tests.attachments.samples import PDF
from wp_schema.tables import attachments

CONTENT = PDF + bytes(range(256)) * 40
SIZE = len(CONTENT)


@pytest.fixture
def file(files: Files) -> dict[str, Any]:
    return files.add("paper.pdf", CONTENT)


def altered(address: str, **changes: str) -> str:
    """The address with other parameters."""
    place = urlsplit(address)
    query = {**dict(parse_qsl(place.query)), **changes}
    return urlunsplit(place._replace(query=urlencode(query)))


# --- who ---------------------------------------------------------------------------------


def test_those_who_may_open_the_lesson_get_its_files(files: Files, file: dict[str, Any]) -> None:
    """No file of a course is readable by a person outside it, by any address."""
    outcome = {who: files.get(file["id"], who) for who in ("student", "teacher", "admin", "student3", "teacher2")}
    assert {who: got.status for who, got in outcome.items()} == {
        "student": 200,
        "teacher": 200,
        "admin": 200,
        "student3": 403,
        "teacher2": 403,
    }
    assert outcome["student3"].code == "not_enrolled"
    assert CONTENT not in outcome["student3"].body
    guest = files.get(file["id"], None)
    assert (guest.status, guest.code) == (401, "unauthenticated")


def test_a_preview_is_open_with_its_files(files: Files) -> None:
    preview = files.school.lesson(files.course["section"], is_preview=True)["id"]
    made = files.add(lesson=preview)
    assert files.get(made["id"], None).status == 200
    (shown,) = files.of_lesson(None, preview)
    assert "signature" not in shown["download_url"]
    assert files.open(shown["download_url"]).status == 200


def test_what_may_not_be_known_of_is_not_there(files: Files) -> None:
    draft = files.school.lesson(files.course["section"], status="draft")["id"]
    made = files.add(lesson=draft)
    for who in ("student", "student3", None):
        hidden, absent = files.get(made["id"], who), files.get(999_999, who)
        assert (hidden.status, absent.status) == (404, 404)
        assert hidden.json["error"]["message"] == absent.json["error"]["message"]
    assert files.get(made["id"], "teacher").status == 200


def test_a_locked_lesson_keeps_its_files(files: Files) -> None:
    teacher = files.school.as_("teacher")
    assert teacher.patch(f"/courses/{files.course['id']}", json={"drip_mode": "after_enrolment"}).status == 200
    later = files.school.lesson(files.course["section"], drip_days=3)["id"]
    made = files.add(lesson=later)
    locked = files.get(made["id"])
    assert (locked.status, locked.code) == (403, "lesson_locked")
    with time_machine.travel(datetime.now(UTC) + timedelta(days=3, minutes=1), tick=True):
        token = files.school.api
        token._tokens.clear()
        assert files.get(made["id"]).status == 200
    files.school.api._tokens.clear()


# --- links -------------------------------------------------------------------------------


def test_a_link_opens_without_a_login(files: Files, file: dict[str, Any]) -> None:
    (shown,) = files.of_lesson()
    got = files.open(shown["download_url"])
    assert (got.status, got.body) == (200, CONTENT)
    assert got.headers["Cache-Control"] == "private, no-store"


def test_a_link_dies_in_five_minutes(files: Files, file: dict[str, Any]) -> None:
    (shown,) = files.of_lesson()
    for seconds, status in ((298, 200), (302, 403), (86_400, 403)):
        with time_machine.travel(datetime.now(UTC) + timedelta(seconds=seconds), tick=False):
            got = files.open(shown["download_url"])
            assert got.status == status
            if status == 403:
                assert got.code == "link_expired"


@pytest.mark.parametrize(
    "changes",
    [
        {"user": "1"},
        {"user": "999999"},
        {"user": ""},
        {"user": "0"},
        {"user": "-1"},
        {"user": "1 OR 1=1"},
        {"user": "9" * 30},
        {"expires": "99999999999"},
        {"expires": "-1"},
        {"expires": "x"},
        {"expires": "9" * 30},
        {"signature": ""},
        {"signature": "0" * 64},
        {"signature": "ü"},
    ],
)
def test_a_link_that_was_altered_opens_nothing(files: Files, file: dict[str, Any], changes: dict[str, str]) -> None:
    (shown,) = files.of_lesson()
    got = files.open(altered(shown["download_url"], **changes))
    assert (got.status, CONTENT in got.body) in ((401, False), (422, False))


def test_a_link_is_for_one_file(files: Files, file: dict[str, Any]) -> None:
    other = files.add("other.pdf")
    shown = next(row for row in files.of_lesson() if row["id"] == file["id"])
    moved = shown["download_url"].replace(f"/attachments/{file['id']}/", f"/attachments/{other['id']}/")
    assert moved != shown["download_url"]
    assert files.open(moved).status == 401


def test_a_link_gives_no_more_than_its_user_may(files: Files, file: dict[str, Any]) -> None:
    """Who left the course is out, link or not; and a link of somebody's is no right of another's."""
    (shown,) = files.of_lesson()
    assert files.open(shown["download_url"], "student3").status == 403
    assert files.school.as_("student").request("DELETE", f"/courses/{files.course['id']}/enroll").status == 200
    left = files.open(shown["download_url"])
    assert (left.status, left.code) == (403, "not_enrolled")


def test_each_gets_a_link_of_ones_own(files: Files, file: dict[str, Any]) -> None:
    mine, theirs = files.of_lesson()[0]["download_url"], files.of_lesson("teacher")[0]["download_url"]
    assert dict(parse_qsl(urlsplit(mine).query))["user"] == str(files.school.ids["student"])
    assert dict(parse_qsl(urlsplit(theirs).query))["user"] == str(files.school.ids["teacher"])


# --- parts -------------------------------------------------------------------------------

RANGES = [
    ("bytes=0-99", 0, 99),
    ("bytes=100-", 100, SIZE - 1),
    ("bytes=-50", SIZE - 50, SIZE - 1),
    ("bytes=0-0", 0, 0),
    (f"bytes={SIZE - 1}-", SIZE - 1, SIZE - 1),
    (f"bytes=10-{SIZE * 2}", 10, SIZE - 1),
    (f"bytes=-{SIZE * 2}", 0, SIZE - 1),
    ("Bytes=5-6", 5, 6),
]


@pytest.mark.parametrize(("asked", "first", "last"), RANGES)
def test_a_range_is_what_was_asked_for(files: Files, file: dict[str, Any], asked: str, first: int, last: int) -> None:
    got = files.get(file["id"], Range=asked)
    assert (got.status, got.body) == (206, CONTENT[first : last + 1])
    assert got.headers["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
    assert got.headers["Content-Length"] == str(last - first + 1)


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={SIZE + 5}-{SIZE + 9}", "bytes=-0"])
def test_a_range_beyond_the_end_is_refused(files: Files, file: dict[str, Any], asked: str) -> None:
    got = files.get(file["id"], Range=asked)
    assert (got.status, got.code) == (416, "range_not_satisfiable")
    assert got.headers["Content-Range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize(
    "asked", ["bytes=5-2", "bytes=-", "bytes=a-b", "items=0-5", "bytes=0-1,5-6", "0-5", "bytes=٣-٤"]
)
def test_what_is_no_single_range_gives_the_whole(files: Files, file: dict[str, Any], asked: str) -> None:
    got = files.get(file["id"], Range=asked.encode().decode("latin-1"))
    assert (got.status, got.body) == (200, CONTENT)
    assert "Content-Range" not in got.headers


def test_a_range_goes_by_the_content_it_was_begun_with(files: Files, file: dict[str, Any]) -> None:
    whole = files.get(file["id"])
    same = {"If_Range": whole.headers["ETag"]}
    since = {"If_Range": whole.headers["Last-Modified"]}
    for condition in (same, since):
        assert files.get(file["id"], Range="bytes=0-9", **condition).status == 206
    for condition in ('"other"', f"W/{whole.headers['ETag']}", "Wed, 01 Jan 2020 00:00:00 GMT", "nonsense"):
        got = files.get(file["id"], Range="bytes=0-9", If_Range=condition)
        assert (got.status, got.body) == (200, CONTENT)


def test_head_and_conditions(files: Files, file: dict[str, Any]) -> None:
    address = f"{API}/attachments/{file['id']}/download"
    head = files.open(address, "student", method="HEAD")
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(SIZE))
    assert (head.headers["Accept-Ranges"], head.headers["Content-Type"]) == ("bytes", "application/pdf")
    ranged = files.open(address, "student", method="HEAD", Range="bytes=0-9")
    assert (ranged.status, ranged.headers["Content-Length"]) == (200, str(SIZE))
    unchanged = files.get(file["id"], If_None_Match=head.headers["ETag"])
    assert (unchanged.status, unchanged.body) == (304, b"")
    assert files.get(file["id"], "student3", If_None_Match=head.headers["ETag"]).status == 403


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.integers(0, SIZE + 10), last=st.integers(0, SIZE + 10))
def test_any_two_parts_make_the_whole(files: Files, first: int, last: int) -> None:
    made = _once(files)
    got = files.get(made["id"], Range=f"bytes={first}-{last}")
    if last < first:
        assert got.body == CONTENT
    elif first >= SIZE:
        assert got.status == 416
    else:
        assert got.body == CONTENT[first : last + 1]


def _once(files: Files) -> dict[str, Any]:
    """One file for all examples."""
    if files.whole is None:
        files.whole = files.add("whole.pdf", CONTENT)
    return files.whole


def test_the_name_survives_in_every_script(files: Files) -> None:
    made = files.add("Ünïcode (課題).pdf")
    disposition = files.get(made["id"]).headers["Content-Disposition"]
    assert re.fullmatch(r"attachment; filename=\"[ -~]+\.pdf\"; filename\*=UTF-8''[\w%.-]+", disposition)


# --- the end of a file -------------------------------------------------------------------


def test_a_file_that_was_taken_out_is_gone_for_everybody(files: Files, file: dict[str, Any]) -> None:
    (shown,) = files.of_lesson()
    path = f"/attachments/{file['id']}"
    assert files.school.as_("student").delete(path).status == 403
    assert files.school.as_("teacher2").delete(path).status == 403
    stale = files.school.as_("teacher").delete(path, headers={"If-Match": '"9.x"'})
    assert stale.status == 412
    assert files.school.as_("teacher").delete(path).data == {"id": file["id"], "deleted": True}
    assert files.of_lesson() == []
    for who in ("student", "teacher", "admin"):
        assert files.get(file["id"], who).status == 404
    assert files.open(shown["download_url"]).status == 404
    assert files.school.as_("teacher").delete(path).status == 404


def test_its_bytes_are_kept_for_thirty_days(files: Files, file: dict[str, Any]) -> None:
    row = files.school.row(attachments, file["id"])
    assert row is not None
    files.school.as_("teacher").delete(f"/attachments/{file['id']}")
    for days, left in ((29, True), (31, False)):
        with time_machine.travel(datetime.now(UTC) + timedelta(days=days), tick=False), files.school.api.inside():
            retention.REMOVALS["attachments"]()
            assert (storage.find(row["path"]) is not None) == left
    assert files.school.row(attachments, file["id"]) is None


def test_a_copied_course_keeps_its_files(files: Files, file: dict[str, Any]) -> None:
    """A copy names the same bytes: the original's end is not theirs."""
    job = files.school.as_("teacher").post(f"/courses/{files.course['id']}/duplicate").data
    files.school.run_jobs()
    new = files.school.as_("teacher").get(f"/jobs/{job['id']}").data["report"]["course_id"]
    curriculum = files.school.as_("teacher").get(f"/courses/{new}/curriculum").data
    lesson = curriculum["sections"][0]["lessons"][0]["id"]
    (copied,) = files.of_lesson("teacher", lesson)
    assert copied["id"] != file["id"]
    assert files.get(copied["id"], "student").status == 404
    files.school.as_("teacher").delete(f"/attachments/{file['id']}")
    with time_machine.travel(datetime.now(UTC) + timedelta(days=31), tick=False), files.school.api.inside():
        retention.REMOVALS["attachments"]()
    assert files.get(copied["id"], "teacher").body == CONTENT


def test_the_trash_hides_files_and_gives_them_back(files: Files, file: dict[str, Any]) -> None:
    """Trashing a lesson loses nothing: restored, it has its files again."""
    path = f"/lessons/{files.lesson}"
    assert files.school.as_("teacher").delete(path).status == 200
    assert {files.get(file["id"], who).status for who in ("student", "teacher")} == {404}
    assert files.school.as_("teacher").patch(path, json={"status": "published"}).status == 200
    assert files.get(file["id"]).body == CONTENT


def test_a_file_lost_from_disk_is_not_found(files: Files, file: dict[str, Any]) -> None:
    row = files.school.row(attachments, file["id"])
    assert row is not None
    with files.school.api.inside():
        (storage.root() / row["path"]).unlink()
    assert files.get(file["id"]).status == 404
