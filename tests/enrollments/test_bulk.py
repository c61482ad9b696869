"""Enrolling a list: what a row may say, what is reported of it, and what is written."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from learnomy_wp.kernel import db, jobrun
from tests.client import Answer
from tests.progress.world import World
from wp_schema.tables import enrollment_grants, enrollments, jobs, outbox, users

DAY = timedelta(days=1)


class Bulk:
    """Lists sent to the API, and the reports of their jobs."""

    def __init__(self, world: World) -> None:
        self.world = world

    def send(self, who: str | None = "teacher", **body: Any) -> Answer:
        return self.world.as_(who).post("/enrollments/bulk", json=body)

    def send_file(self, content: bytes, who: str = "teacher", **fields: str) -> Answer:
        boundary, body = encode_multipart({**fields, "file": FileStorage(io.BytesIO(content), "list.csv")})
        session = self.world.as_(who)
        sent = session.app.test_client().post(
            "/wp-json/learnomy/v1/enrollments/bulk",
            data=body,
            headers=session.headers,
            content_type=f"multipart/form-data; boundary={boundary}",
        )
        return Answer(sent.status_code, sent.get_json(silent=True), sent.headers)

    def report(self, sent: Answer, who: str = "teacher") -> dict[str, Any]:
        assert sent.status == 201, sent.body
        assert sent.headers["Location"] == f"/wp-json/learnomy/v1/jobs/{sent.data['job_id']}"
        self.world.run_jobs()
        job = self.world.as_(who).get(f"/jobs/{sent.data['job_id']}").data
        assert (job["state"], job["done"]) == ("done", job["total"]), job
        assert len(job["report"]["rows"]) == job["total"]
        assert sum(job["report"]["counts"].values()) == job["total"]
        return dict(job["report"])

    def do(self, who: str = "teacher", **body: Any) -> list[dict[str, Any]]:
        return list(self.report(self.send(who, **body), who)["rows"])


@pytest.fixture
def bulk(world: World) -> Bulk:
    return Bulk(world)


def brief(rows: list[dict[str, Any]]) -> list[Any]:
    """The outcome of each row; of a failed one, which field and why."""
    return [
        row["status"] if row["status"] != "failed" else tuple((e["field"], e["code"]) for e in row["errors"])
        for row in rows
    ]


def test_a_list_enrols_everybody_once(world: World, bulk: Bulk) -> None:
    course, other = world.course(), world.course()
    people = world.people(30)
    rows = [{"course_id": course.id, "user_id": user} for user in people]
    rows += [{"course": other.row()["slug"], "user_id": user} for user in people[:3]]
    sent = bulk.send(rows=rows)
    assert (sent.data["kind"], sent.data["state"], sent.data["total"]) == ("bulk_enroll", "queued", 33)
    assert world.rows(select(enrollments).where(enrollments.c.course_id == course.id)) == []
    report = bulk.report(sent)
    assert report["counts"] == {
        "enrolled": 33, "added": 0, "scheduled": 0, "closed": 0, "unchanged": 0, "failed": 0,
    }  # fmt: skip
    assert [row["row"] for row in report["rows"]] == list(range(1, 34))
    first = report["rows"][0]
    row = course.enrollment(people[0])
    assert (first["enrollment_id"], first["user_id"], first["course_id"]) == (row["id"], people[0], course.id)
    assert (row["status"], row["source"], row["lessons_total"]) == ("active", "import", 2)
    assert course.row()["student_count"] == 30
    assert world.events(course.id) == ["enrollment.created"] * 30
    assert world.events(other.id) == ["enrollment.created"] * 3

    again = bulk.do(rows=rows)
    assert brief(again) == ["unchanged"] * 33
    assert world.events(course.id) == ["enrollment.created"] * 30


def test_each_row_fires_once_and_says_that_it_is_one_of_many(world: World, bulk: Bulk) -> None:
    """So that no mail goes out for each: the action fires as ever, and the event knows."""
    course = world.course()
    bulk.do(rows=[{"user_id": world.ids["student"]}], course_id=course.id, source="manual")
    course.enrol("student2")
    enrollment_id = course.enrollment("student")["id"]
    assert world.actions(course.id, "student") == [
        ("learnomy_student_enrolled", [enrollment_id, world.ids["student"], course.id, "manual"])
    ]
    sent = world.rows(select(outbox.c.payload).where(outbox.c.aggregate.like(f"course_user:{course.id}:%")))
    assert [row["payload"]["is_bulk"] for row in sent] == [True, False]


def test_people_are_named_in_three_ways(world: World, bulk: Bulk) -> None:
    course, ids = world.course(), world.ids
    rows = [
        {"user_id": ids["student"]},
        {"email": "Student2@Example.test"},
        {"username": "student3"},
        {"email": "nobody@example.test"},
        {"username": "nobody"},
        {"user_id": 987654321},
        {},
        {"user_id": ids["subscriber"], "email": "subscriber@example.test"},
    ]
    assert brief(bulk.do(rows=rows, course_id=course.id)) == [
        "enrolled",
        "enrolled",
        "enrolled",
        (("email", "unknown"),),
        (("username", "unknown"),),
        (("user_id", "unknown"),),
        (("user_id", "required"),),
        (("user_id", "required"),),
    ]
    assert course.row()["student_count"] == 3


def test_what_is_wrong_with_a_row_stops_no_other(world: World, bulk: Bulk) -> None:
    course, theirs, trash = world.course(), world.course(teacher="teacher2"), world.course()
    trash.change(status="trash", deleted_at=datetime.now(UTC))
    user = world.ids["student"]
    yesterday = (datetime.now(UTC) - DAY).isoformat()
    rows: list[dict[str, Any]] = [
        {"course_id": theirs.id, "user_id": user},
        {"course_id": trash.id, "user_id": user},
        {"course_id": 987654321, "user_id": user},
        {"course": "no-such-course", "user_id": user},
        {"user_id": user},
        {"course_id": course.id, "user_id": "x"},
        {"course_id": course.id, "user_id": 0},
        {"course_id": course.id, "user_id": user, "source": "self"},
        {"course_id": course.id, "user_id": user, "rank": 1},
        {"course_id": course.id, "user_id": user, "expires_at": yesterday},
        {"course_id": course.id, "user_id": user, "starts_at": "soon"},
        {"course_id": course.id, "username": "student'); DROP TABLE wp_users; --"},
        {"course_id": course.id, "user_id": user},
    ]
    assert brief(bulk.do(rows=rows)) == [
        *[(("course_id", "unknown"),)] * 5,
        *[(("user_id", "invalid"),)] * 2,
        (("source", "invalid"),),
        (("rank", "unknown_field"),),
        (("expires_at", "too_early"),),
        (("starts_at", "invalid"),),
        (("username", "unknown"),),
        "enrolled",
    ]
    assert world.rows(select(enrollments).where(enrollments.c.course_id == theirs.id)) == []


def test_every_kind_of_outcome(world: World, bulk: Bulk) -> None:
    open_course, full, over = world.course(), world.course(capacity=1), world.course()
    over.change(access_ends_at=datetime.now(UTC) - DAY)
    tomorrow = (datetime.now(UTC) + DAY).isoformat()
    student, student2 = world.ids["student"], world.ids["student2"]
    rows = [
        {"course_id": open_course.id, "user_id": student},
        {"course_id": open_course.id, "user_id": student, "source": "cohort", "source_id": 7},
        {"course_id": open_course.id, "user_id": student, "source": "cohort", "source_id": 7},
        {"course_id": open_course.id, "user_id": student2, "starts_at": tomorrow},
        {"course_id": full.id, "user_id": student},
        {"course_id": full.id, "user_id": student2},
        {"course_id": full.id, "user_id": student, "source": "space"},
        {"course_id": over.id, "user_id": student},
    ]
    expected = ["enrolled", "added", "unchanged", "scheduled", "enrolled", (("course_id", "course_full"),)]
    expected += ["added", "closed"]
    before = world.rows(select(func.count()).select_from(enrollment_grants))
    rehearsed = bulk.report(bulk.send(rows=rows, dry_run=True))
    assert brief(rehearsed["rows"]) == expected, "a dry run says what the real one then does"
    assert rehearsed["dry_run"] is True
    assert world.rows(select(func.count()).select_from(enrollment_grants)) == before
    assert world.events(open_course.id) == []
    done = bulk.report(bulk.send(rows=rows))
    assert (brief(done["rows"]), done["dry_run"]) == (expected, False)
    assert rehearsed["counts"] == done["counts"]
    assert (
        brief(bulk.do(rows=rows, dry_run=True))
        == ["unchanged"] * 5 + [(("course_id", "course_full"),)] + ["unchanged"] * 2
    )


def test_a_rehearsal_counts_seats_across_its_batches(world: World, bulk: Bulk) -> None:
    course = world.course(capacity=40)
    people = world.people(60)
    rows = [{"user_id": user} for user in people]
    expected = ["enrolled"] * 40 + [(("course_id", "course_full"),)] * 20
    assert brief(bulk.do(rows=rows, course_id=course.id, dry_run=True)) == expected
    assert brief(bulk.do(rows=rows, course_id=course.id)) == expected
    assert course.row()["student_count"] == 40


def test_a_request_that_waits_is_granted(world: World, bulk: Bulk) -> None:
    course = world.course(enrollment_mode="approval")
    assert course.enrol("student")["status"] == "pending"
    assert brief(bulk.do(rows=[{"user_id": world.ids["student"]}], course_id=course.id)) == ["enrolled"]
    assert course.enrollment("student")["status"] == "active"


def test_defaults_count_where_a_row_says_nothing(world: World, bulk: Bulk) -> None:
    course = world.course(access_days=10)
    end = (datetime.now(UTC) + 30 * DAY).replace(microsecond=0)
    rows: list[dict[str, Any]] = [
        {"user_id": world.ids["student"]},
        {"user_id": world.ids["student2"], "source": "manual", "expires_at": None},
    ]
    bulk.do(rows=rows, course_id=course.id, source="cohort", source_id=5, expires_at=end.isoformat())
    first, second = course.grants("student")[0], course.grants("student2")[0]
    assert (first["source"], first["source_id"], first["ends_at"]) == ("cohort", 5, end)
    assert (second["source"], second["source_id"], second["ends_at"]) == ("manual", 5, None)


# --- CSV ------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_csv_as_spreadsheets_write_it(world: World, bulk: Bulk, encoding: str, delimiter: str, end: str) -> None:
    course = world.course()
    lines = [
        ["E-Mail", "Course ID", "Expires at", "Nickname"],
        ["student@example.test", str(course.id), "2099-01-31", '"Ünal, ""Ü"""'],
        ["", "", "", ""],
        [" student2@example.test ", str(course.id), "never", ""],
        ["who@example.test", str(course.id), "", ""],
    ]
    text = end.join(delimiter.join(cells) for cells in lines) + end
    report = bulk.report(bulk.send_file(text.encode(encoding), source="manual"))
    assert brief(report["rows"]) == ["enrolled", "enrolled", (("email", "unknown"),)]
    assert [row["line"] for row in report["rows"]] == [2, 4, 5]
    assert report["ignored_columns"] == ["nickname"]
    assert course.grants("student")[0]["ends_at"] == datetime(2099, 1, 31, tzinfo=UTC)
    assert course.grants("student2")[0]["ends_at"] is None


def test_a_csv_as_text(world: World, bulk: Bulk) -> None:
    course = world.course()
    assert brief(bulk.do(csv="username\nstudent\nstudent2", course_id=course.id)) == ["enrolled"] * 2


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "missing_column"),
        (b"email\n", "missing_column"),
        (b"course_id,name\n1,x", "missing_column"),
        (b"email,course_id\n", "required"),
        (b"email,course_id,email\na,1,b", "duplicate"),
        (b"email,course_id,user_email\na,1,b", "duplicate"),
        (b'email,course_id\n"a,1\n', "unreadable"),
        (b"email,course_id\n\xff\xfe,1\n", "unreadable"),
        (b"email,course_id\na\x00b,1\n", None),
        (b"email,course_id\n" + b"a@example.test,1\n" * 5001, "too_long"),
        (b"email,course_id\n" + b"x" * 200_000 + b",1\n", "unreadable"),
    ],
)
def test_a_file_that_is_no_list_is_refused_whole(world: World, bulk: Bulk, content: bytes, code: str | None) -> None:
    answer = bulk.send_file(content)
    if code is None:
        assert answer.status in (201, 422)
        return
    assert (answer.status, answer.code) == (422, "validation_failed")
    assert [(d["field"], d["code"]) for d in answer.body["error"]["details"]] == [("file", code)]
    assert len(answer.body["error"]["details"][0]["message"].split()) > 3


def test_a_file_may_not_be_larger_than_a_list_can_be(bulk: Bulk) -> None:
    assert bulk.send_file(b"email,course_id\n" + b" " * 5_000_000).status == 413


# --- the list as a whole --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "rows"),
        ({"rows": []}, "rows"),
        ({"rows": [{}], "csv": "email\nx"}, "rows"),
        ({"rows": [{}] * 5001}, "rows"),
        ({"rows": ["x"]}, "rows.0"),
        ({"rows": [{}], "course_id": "x"}, "course_id"),
        ({"rows": [{}], "source": "self"}, "source"),
        ({"rows": [{}], "send_mail": True}, "send_mail"),
    ],
)
def test_a_body_that_is_no_list_is_refused(bulk: Bulk, body: dict[str, Any], field: str) -> None:
    answer = bulk.send(**body)
    assert (answer.status, answer.code) == (422, "validation_failed")
    assert answer.body["error"]["details"][0]["field"] == field


def test_who_teaches_nothing_sends_no_list(world: World, bulk: Bulk) -> None:
    course = world.course()
    rows = [{"course_id": course.id, "user_id": world.ids["student"]}]
    assert bulk.send(None, rows=rows).status == 401
    assert bulk.send("student", rows=rows).status == 403
    other = bulk.do("admin", rows=rows)
    assert brief(other) == ["enrolled"]


def test_the_report_is_its_senders(world: World, bulk: Bulk) -> None:
    world.course(teacher="teacher2")
    sent = bulk.send(rows=[{"user_id": 1}], course_id=world.course().id)
    path = f"/jobs/{sent.data['job_id']}"
    assert [world.as_(who).get(path).status for who in ("teacher2", "student", "admin", "teacher")] == [
        404, 404, 200, 200,
    ]  # fmt: skip


def test_rights_that_are_gone_by_then_count_for_nothing(world: World, bulk: Bulk) -> None:
    course, kept = world.course(), world.course()
    rows = [{"course_id": each.id, "user_id": world.ids["student"]} for each in (course, kept)]
    sent = bulk.send(rows=rows)
    staff = f"/courses/{course.id}/instructors"
    admin = world.as_("admin")
    assert admin.put(f"{staff}/{world.ids['teacher2']}", json={"role": "owner"}).status == 200
    assert admin.delete(f"{staff}/{world.ids['teacher']}").status == 200
    assert brief(bulk.report(sent)["rows"]) == [(("course_id", "unknown"),), "enrolled"]


def test_a_repeated_request_with_its_key_begins_no_second_job(world: World, bulk: Bulk) -> None:
    course = world.course()
    body = {"rows": [{"user_id": world.ids["student"]}], "course_id": course.id}
    headers = {"Idempotency-Key": f"bulk-{course.id}"}
    first, again = (world.as_("teacher").post("/enrollments/bulk", json=body, headers=headers) for _ in range(2))
    assert (first.data, first.status, again.status) == (again.data, 201, 201)


@contextmanager
def refused_by_the_database(world: World, user_id: int) -> Iterator[None]:
    """A database that takes no enrolment of one user."""
    engine = world.api.runtime.database.write
    head = "CREATE TRIGGER refuse_one BEFORE INSERT ON wp_lrn_enrollments"
    if world.api.runtime.database.is_sqlite:
        body = f"WHEN NEW.user_id = {user_id} BEGIN SELECT RAISE(ABORT, 'not this one'); END"
    else:
        body = f"FOR EACH ROW IF NEW.user_id = {user_id} THEN SIGNAL SQLSTATE '45000'; END IF"
    with engine.begin() as connection:
        connection.exec_driver_sql(f"{head} {body}")
    try:
        yield
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP TRIGGER refuse_one")


def test_a_row_that_breaks_its_batch_is_reported_alone(world: World, bulk: Bulk) -> None:
    """Whatever the database refuses of one row, the others are done, once."""
    course = world.course()
    people = world.people(30)
    with refused_by_the_database(world, people[11]):
        done = bulk.do(rows=[{"user_id": user} for user in people], course_id=course.id)
    assert [place for place, row in enumerate(done) if row["status"] != "enrolled"] == [11]
    assert brief(done)[11] == (("", "internal_error"),)
    assert course.row()["student_count"] == 29
    assert world.events(course.id) == ["enrollment.created"] * 29


def test_the_statements_of_a_row_are_few(world: World, bulk: Bulk) -> None:
    course = world.course(lessons=3)
    sent = bulk.send(rows=[{"user_id": user} for user in world.people(50)], course_id=course.id)
    with world.api.inside():
        jobrun.run(sent.data["job_id"])
        assert db.query_count() / 50 < 20


def test_every_person_of_the_school(world: World, bulk: Bulk) -> None:
    """The columns of the users' table decide who is meant, not letters that look alike."""
    course = world.course()
    with world.api.inside():
        emails = db.values(select(users.c.user_email).where(users.c.user_email != ""))
    rows = [{"email": email.upper()} for email in emails]
    assert brief(bulk.do(rows=rows, course_id=course.id)) == ["enrolled"] * len(emails)
    assert world.rows(select(jobs.c.id).where(jobs.c.kind == "bulk_enroll", jobs.c.state != "done")) == []
