"""Private notes: whose they are, where they are written, and what is left of a deleted one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from learnomy_wp.kernel import retention
from tests.courses.school import School, made, together
from wp_schema.tables import notes

Course = dict[str, Any]


@pytest.fixture
def course(school: School) -> Course:
    """A published course that the student is in."""
    course = school.filled()
    school.enrol(course["id"])
    return course


def write(school: School, course: Course, who: str = "student", **body: Any) -> dict[str, Any]:
    path = f"/lessons/{course['lessons'][0]}/notes"
    return made(school.as_(who).post(path, json={"body": "Remember the chain rule", **body}))


def listed(school: School, lesson_id: int, who: str = "student", query: str = "") -> list[dict[str, Any]]:
    answer = school.as_(who).get(f"/lessons/{lesson_id}/notes{query}")
    assert answer.status == 200, answer.body
    assert answer.body["meta"]["total"] >= len(answer.data)
    return list(answer.data)


def test_a_note_is_written_and_read_again(school: School, course: Course) -> None:
    note = write(school, course, body="  Zeile 1\n第二条笔记 🙂  ", position_seconds=95)
    assert note["body"] == "Zeile 1\n第二条笔记 🙂"
    assert (note["lesson_id"], note["course_id"], note["position_seconds"]) == (course["lessons"][0], course["id"], 95)
    assert listed(school, course["lessons"][0]) == [note]
    assert listed(school, course["lessons"][1]) == []


def test_the_answer_says_where_it_is(school: School, course: Course) -> None:
    answer = school.as_("student").post(f"/lessons/{course['lessons'][0]}/notes", json={"body": "x"})
    assert answer.headers["Location"].endswith(f"/learnomy/v1/notes/{answer.data['id']}")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"body": ""}, "body"),
        ({"body": "  \n "}, "body"),
        ({"body": "x" * 20_001}, "body"),
        ({"body": None}, "body"),
        ({"body": "x", "position_seconds": -1}, "position_seconds"),
        ({"body": "x", "position_seconds": "5"}, "position_seconds"),
        ({"body": "x", "client_id": "a b"}, "client_id"),
        ({"body": "x", "client_id": "a" * 65}, "client_id"),
        ({"body": "x", "user_id": 1}, "user_id"),
    ],
)
def test_what_is_no_note_is_refused(school: School, course: Course, body: Any, field: str) -> None:
    answer = school.as_("student").post(f"/lessons/{course['lessons'][0]}/notes", json=body)
    assert (answer.status, answer.code) == (422, "validation_failed")
    assert [detail["field"] for detail in answer.body["error"]["details"]] == [field]


def test_nobody_else_reads_or_changes_a_note(school: School, course: Course) -> None:
    """Not another student, not the course's staff, not an administrator: notes are their author's alone."""
    school.enrol(course["id"], "student2")
    note = write(school, course)
    for who in ("student2", "teacher", "teacher2", "admin", "editor"):
        session = school.as_(who)
        if who != "teacher2":
            answer = session.get(f"/lessons/{course['lessons'][0]}/notes")
            assert (answer.data, answer.body["meta"]["total"]) == ([], 0) if answer.status == 200 else True
        assert session.patch(f"/notes/{note['id']}", json={"body": "mine"}).status == 404
        assert session.delete(f"/notes/{note['id']}").status == 404
    assert school.as_(None).patch(f"/notes/{note['id']}", json={"body": "mine"}).status == 401
    assert listed(school, course["lessons"][0]) == [note]


def test_a_guest_keeps_no_notes_not_even_in_a_preview(school: School, course: Course) -> None:
    preview = school.lesson(course["section"], is_preview=True)["id"]
    for session in (school.as_(None),):
        assert session.get(f"/lessons/{preview}/notes").status == 401
        assert session.post(f"/lessons/{preview}/notes", json={"body": "x"}).status == 401
    assert made(school.as_("student3").post(f"/lessons/{preview}/notes", json={"body": "x"}))["lesson_id"] == preview


def test_who_is_not_in_the_course_writes_none(school: School, course: Course) -> None:
    for method in ("get", "post"):
        answer = getattr(school.as_("student3"), method)(
            f"/lessons/{course['lessons'][0]}/notes", **({"json": {"body": "x"}} if method == "post" else {})
        )
        assert (answer.status, answer.code) == (403, "not_enrolled")
    draft = school.lesson(course["section"], status="draft")["id"]
    assert school.as_("student").post(f"/lessons/{draft}/notes", json={"body": "x"}).status == 404


def test_changes_count_versions_and_obey_if_match(school: School, course: Course) -> None:
    note = write(school, course)
    changed = school.as_("student").patch(f"/notes/{note['id']}", json={"position_seconds": 7})
    assert (changed.data["position_seconds"], changed.data["body"]) == (7, note["body"])
    stale = school.as_("student").patch(f"/notes/{note['id']}", json={"body": "b"}, headers={"If-Match": '"1.x"'})
    assert (stale.status, stale.code) == (412, "precondition_failed")
    fresh = school.as_("student").patch(f"/notes/{note['id']}", json={"body": "b"}, headers={"If-Match": '"2.x"'})
    assert fresh.data["body"] == "b"
    cleared = school.as_("student").patch(f"/notes/{note['id']}", json={"position_seconds": None})
    assert cleared.data["position_seconds"] is None
    same = school.as_("student").patch(f"/notes/{note['id']}", json={"body": "b"})
    assert same.headers["ETag"].partition(".")[0] == cleared.headers["ETag"].partition(".")[0]


def test_a_deleted_note_leaves_an_empty_row_for_the_devices(school: School, course: Course) -> None:
    note = write(school, course, client_id="phone.1")
    answer = school.as_("student").delete(f"/notes/{note['id']}")
    assert answer.data == {"id": note["id"], "deleted": True}
    assert listed(school, course["lessons"][0]) == []
    for method in ("patch", "delete"):
        again = getattr(school.as_("student"), method)(
            f"/notes/{note['id']}", **({"json": {"body": "x"}} if method == "patch" else {})
        )
        assert again.status == 404
    row = school.row(notes, note["id"])
    assert row is not None
    assert (row["body"], row["client_id"], row["version"]) == ("", "phone.1", 2)
    assert row["deleted_at"] == row["updated_at"] == row["sync_at"]


def test_the_empty_row_goes_when_synchronisation_is_over(school: School, course: Course) -> None:
    gone, kept = write(school, course), write(school, course)
    school.as_("student").delete(f"/notes/{gone['id']}")
    for days, left in ((89, True), (91, False)):
        with time_machine.travel(datetime.now(UTC) + timedelta(days=days), tick=False), school.api.inside():
            retention.REMOVALS["notes"]()
        assert (school.row(notes, gone["id"]) is not None) == left
    assert school.row(notes, kept["id"]) is not None


def test_a_device_writes_a_note_once(school: School, course: Course) -> None:
    note = write(school, course, client_id="tablet.7")
    path = f"/lessons/{course['lessons'][0]}/notes"
    again = school.as_("student").post(path, json={"body": "other", "client_id": "tablet.7"})
    assert (again.status, again.code) == (409, "note_exists")
    school.enrol(course["id"], "student2")
    assert made(school.as_("student2").post(path, json={"body": "x", "client_id": "tablet.7"}))["id"] != note["id"]


def test_twenty_at_once_with_one_name_make_one_note(school: School, course: Course) -> None:
    """Mirrors learners who were added twice for want of a unique key: the key is the database's."""
    path = f"/lessons/{course['lessons'][0]}/notes"
    session = school.as_("student")
    answers = together([lambda: session.post(path, json={"body": "x", "client_id": "race"})] * 20)
    assert sorted(answer.status for answer in answers) == [201] + [409] * 19
    found = school.rows(select(notes.c.id).where(notes.c.client_id == "race", notes.c.course_id == course["id"]))
    assert len(found) == 1


def test_twenty_changes_at_once_are_all_counted(school: School, course: Course) -> None:
    note = write(school, course)
    session = school.as_("student")

    def change(number: int) -> Any:
        return lambda: session.patch(f"/notes/{note['id']}", json={"body": f"text {number}"})

    answers = together([change(number) for number in range(20)])
    assert {answer.status for answer in answers} == {200}
    row = school.row(notes, note["id"])
    assert row is not None
    assert row["version"] == 21
    assert row["body"].startswith("text ")


def test_a_repeated_key_writes_once(school: School, course: Course) -> None:
    headers = {"Idempotency-Key": "note-1"}
    path = f"/lessons/{course['lessons'][1]}/notes"
    first, second = (school.as_("student").post(path, json={"body": "x"}, headers=headers) for _ in range(2))
    assert (first.data, second.headers["Idempotency-Replayed"]) == (second.data, "true")
    assert len(listed(school, course["lessons"][1])) == 1


def test_pages_follow_the_order_and_end(school: School, course: Course) -> None:
    wanted = [write(school, course, body=f"note {number}")["id"] for number in range(5)]
    found: list[int] = []
    cursor = ""
    for _ in range(3):
        answer = school.as_("student").get(f"/lessons/{course['lessons'][0]}/notes?per_page=2{cursor}")
        assert answer.body["meta"]["total"] == 5
        found += [row["id"] for row in answer.data]
        cursor = f"&cursor={answer.body['meta']['cursor_next']}"
    assert found == wanted
    newest = listed(school, course["lessons"][0], query="?sort=-created_at")
    assert [row["id"] for row in newest] == wanted[::-1]
    assert school.as_("student").get(f"/lessons/{course['lessons'][0]}/notes?sort=body").status == 422


def test_a_page_costs_the_same_number_of_queries(school: School, course: Course) -> None:
    write(school, course)
    with school.queries() as few:
        listed(school, course["lessons"][0])
    for _ in range(10):
        write(school, course)
    with school.queries() as many:
        listed(school, course["lessons"][0])
    assert len(many) <= len(few)


def test_notes_outlive_the_trash_of_their_lesson(school: School, course: Course) -> None:
    """Trashing loses no student's record: what comes back brings the notes with it."""
    note, lesson = write(school, course), course["lessons"][0]
    assert school.as_("teacher").delete(f"/lessons/{lesson}").status == 200
    assert school.as_("student").get(f"/lessons/{lesson}/notes").status == 404
    assert school.as_("student").patch(f"/notes/{note['id']}", json={"body": "still mine"}).status == 200
    assert school.as_("teacher").patch(f"/lessons/{lesson}", json={"status": "published"}).status == 200
    assert [row["body"] for row in listed(school, lesson)] == ["still mine"]
