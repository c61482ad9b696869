"""One certificate for each completion: by itself, by hand, in place of another; revoked, run out, renewed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import time_machine
from sqlalchemy import delete, select

from learnomy_wp.kernel.clock import iso
from tests.certificates.academy import Academy, file_of, together_of
from tests.courses.school import made, of_resource, together
from wp_schema.tables import certificates, courses

ABSENT = 999_999_999


def test_a_completion_gives_one_certificate(academy: Academy) -> None:
    course = academy.awarding(title="Celestial mechanics")
    academy.complete(course)
    found = academy.only(course["id"])
    assert (found["status"], found["is_expired"], found["completion_no"]) == ("active", False, 1)
    assert (found["title"], found["recipient_name"]) == ("Celestial mechanics", "Student")
    assert (found["user_id"], found["course_id"], found["expires_at"]) == (academy.ids["student"], course["id"], None)
    assert found["verify_url"].startswith("http://learnomy.test/")
    assert found["uuid"] in found["verify_url"]
    assert found["pdf_url"] == f"http://learnomy.test/wp-json/learnomy/v1/certificates/{found['id']}/pdf"
    assert academy.as_("student").get(f"/certificates/{found['id']}").data == found
    hooks = academy.hooks(course["id"])
    issued = ("learnomy_certificate_issued", [found["id"], academy.ids["student"], course["id"]])
    assert hooks.count(issued) == 1
    assert [hook for hook, _ in hooks].index("learnomy_course_completed") == hooks.index(issued) - 1


def test_a_course_that_awards_none_gives_none(academy: Academy) -> None:
    course = academy.filled()
    academy.complete(course)
    assert academy.as_("student").get(f"/certificates?course_id={course['id']}").body["meta"]["total"] == 0


def test_each_run_through_a_course_has_its_own(academy: Academy) -> None:
    course = academy.awarding(allow_retake=True)
    academy.complete(course)
    lesson = course["lessons"][0]
    assert academy.as_("student").delete(f"/lessons/{lesson}/complete").status == 200
    assert academy.as_("student").post(f"/lessons/{lesson}/complete").status == 200
    assert academy.only(course["id"])["completion_no"] == 1
    assert academy.as_("student").delete(f"/courses/{course['id']}/progress").status == 200
    for each in course["lessons"]:
        assert academy.as_("student").post(f"/lessons/{each}/complete").status == 200
    answer = academy.as_("student").get(f"/certificates?course_id={course['id']}&sort=issued_at")
    assert [row["completion_no"] for row in answer.data] == [1, 2]
    assert {row["status"] for row in answer.data} == {"active"}


def test_completing_at_once_in_many_windows_gives_one(academy: Academy) -> None:
    course = academy.awarding()
    academy.enrol(course["id"])
    session = academy.as_("student")
    paths = [f"/lessons/{lesson}/complete" for lesson in course["lessons"] for _ in range(4)]
    answers = together([lambda path=path: session.post(path) for path in paths])
    assert {answer.status for answer in answers} == {200}
    academy.only(course["id"])
    names = [hook for hook, _ in academy.hooks(course["id"])]
    assert names.count("learnomy_certificate_issued") == names.count("learnomy_course_completed") == 1


def test_by_hand_at_once_gives_one(academy: Academy) -> None:
    course = academy.filled()
    academy.complete(course)
    body = {"user_id": academy.ids["student"], "course_id": course["id"]}
    answers = together_of(academy, "teacher", "/certificates", body, 6)
    assert sorted(answer.status for answer in answers) == [201, *[409] * 5]
    assert {answer.code for answer in answers if answer.status == 409} == {"certificate_exists"}
    first = next(answer for answer in answers if answer.status == 201)
    assert first.headers["Location"] == f"/wp-json/learnomy/v1/certificates/{first.data['id']}"
    assert [hook for hook, _ in academy.hooks(course["id"])].count("learnomy_certificate_issued") == 1


def test_nobody_gets_one_without_having_completed(academy: Academy) -> None:
    course = academy.filled()
    body = {"user_id": academy.ids["student"], "course_id": course["id"]}
    assert academy.as_("teacher").post("/certificates", json=body).code == "course_not_completed"
    academy.enrol(course["id"])
    assert academy.as_("admin").post("/certificates", json=body).code == "course_not_completed"
    assert academy.as_("student").post("/certificates", json=body).status == 403
    assert academy.as_("teacher2").post("/certificates", json=body).status in (403, 422)
    assert academy.rows(select(certificates.c.id).where(certificates.c.course_id == course["id"])) == []


def test_what_a_body_names_must_be_the_callers(academy: Academy) -> None:
    course, other = academy.filled(), academy.filled("teacher2")
    academy.complete(course)
    student = academy.ids["student"]
    for body, field in (
        ({"user_id": student, "course_id": other["id"]}, "course_id"),
        ({"user_id": ABSENT, "course_id": course["id"]}, "user_id"),
        ({"user_id": student, "course_id": course["id"], "template_id": ABSENT}, "template_id"),
        ({"user_id": student, "course_id": course["id"], "replaces": 1}, "course_id"),
        ({"replaces": ABSENT}, "replaces"),
        ({"user_id": student}, "course_id"),
        ({"user_id": student, "course_id": course["id"], "expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ({"user_id": student, "course_id": course["id"], "recipient_name": " "}, "recipient_name"),
    ):
        answer = academy.as_("teacher").post("/certificates", json=body)
        assert (answer.status, answer.body["error"]["details"][0]["field"]) == (422, field), body


def test_a_reissue_takes_the_place_of_another(academy: Academy) -> None:
    old = academy.certified()
    answer = academy.as_("teacher").post("/certificates", json={"replaces": old["id"], "recipient_name": "Zoë Student"})
    new = made(answer)
    assert (new["recipient_name"], new["title"], new["replaces_id"]) == ("Zoë Student", old["title"], old["id"])
    assert (new["completion_no"], new["status"]) == (old["completion_no"], "active")
    before = academy.as_("student").get(f"/certificates/{old['id']}").data
    assert (before["status"], before["replaced_by_id"]) == ("revoked", new["id"])
    told = academy.verify(old["uuid"])
    assert (told["status"], told["replaced_by"]) == ("revoked", new["uuid"])
    assert academy.verify(new["uuid"])["status"] == "valid"
    hooks = [hook for hook, _ in academy.hooks(old["course_id"])]
    assert hooks[-2:] == ["learnomy_certificate_revoked", "learnomy_certificate_issued"]
    again = academy.as_("teacher").post("/certificates", json={"replaces": old["id"]})
    assert (again.status, again.code) == (409, "certificate_replaced")


def test_replacing_at_once_makes_one_successor(academy: Academy) -> None:
    old = academy.certified()
    answers = together_of(academy, "teacher", "/certificates", {"replaces": old["id"]}, 6)
    assert sorted(answer.status for answer in answers) == [201, *[409] * 5]
    assert {answer.code for answer in answers if answer.status == 409} == {"certificate_replaced"}
    rows = academy.rows(select(certificates.c.status).where(certificates.c.course_id == old["course_id"]))
    assert sorted(row["status"] for row in rows) == ["active", "revoked"]


def test_revoking_needs_a_reason_and_happens_once(academy: Academy) -> None:
    found = academy.certified()
    path = f"/certificates/{found['id']}/revoke"
    assert academy.as_("student").post(path, json={"reason": "Mine"}).status == 403
    assert academy.as_("student2").post(path, json={"reason": "Not mine"}).status == 404
    assert academy.as_("teacher2").post(path, json={"reason": "Not mine"}).status == 404
    assert academy.as_("teacher").post(path, json={}).status == 422
    answers = together_of(academy, "teacher", path, {"reason": "Copied work"}, 4)
    assert {answer.status for answer in answers} == {200}
    again = academy.as_("admin").post(path, json={"reason": "Another"})
    assert (again.data["status"], again.data["revoke_reason"]) == ("revoked", "Copied work")
    assert again.data["revoked_at"] is not None
    hooks = academy.hooks(found["course_id"])
    expected = ("learnomy_certificate_revoked", [found["id"], academy.ids["student"], found["course_id"]])
    assert hooks.count(expected) == [hook for hook, _ in hooks].count("learnomy_certificate_revoked") == 1
    told = academy.verify(found["uuid"])
    assert (told["status"], told["is_signature_valid"]) == ("revoked", True)
    assert "Copied work" not in str(told)
    for name in ("pdf", "credential"):
        answer, _ = file_of(academy.as_("student"), f"/certificates/{found['id']}/{name}")
        assert (answer.status, answer.code) == (409, "certificate_revoked")
    fresh = {"user_id": academy.ids["student"], "course_id": found["course_id"]}
    assert academy.as_("teacher").post("/certificates", json=fresh).status == 201


def test_a_certificate_runs_out_and_is_renewed(academy: Academy) -> None:
    found = academy.certified(certificate_days=30)
    issued = datetime.fromisoformat(found["issued_at"])
    assert datetime.fromisoformat(found["expires_at"]) == issued + timedelta(days=30)
    assert academy.verify(found["uuid"])["status"] == "valid"
    with time_machine.travel(issued + timedelta(days=30, seconds=-2), tick=False):
        assert academy.verify(found["uuid"])["status"] == "valid"
    with time_machine.travel(issued + timedelta(days=30, seconds=2), tick=False):
        told = academy.verify(found["uuid"])
        assert (told["status"], told["is_signature_valid"]) == ("expired", True)
    new = made(academy.as_("teacher").post("/certificates", json={"replaces": found["id"]}))
    assert datetime.fromisoformat(new["expires_at"]) >= datetime.now(UTC) + timedelta(days=29)
    endless = academy.as_("teacher").post("/certificates", json={"replaces": new["id"], "expires_at": None})
    assert made(endless)["expires_at"] is None


def test_lists_hold_ones_own_and_those_of_ones_courses(academy: Academy) -> None:
    course = academy.awarding()
    academy.complete(course)
    academy.complete(course, "student2")
    own = academy.as_("student").get("/certificates?per_page=100")
    assert {row["user_id"] for row in own.data} == {academy.ids["student"]}
    assert own.body["meta"]["total"] == len(own.data)
    for query in (f"user_id={academy.ids['student2']}", f"course_id={course['id']}&user_id={academy.ids['student2']}"):
        assert academy.as_("student").get(f"/certificates?{query}").body["meta"]["total"] == 0
        assert academy.as_("teacher2").get(f"/certificates?{query}").body["meta"]["total"] == 0
    for who in ("teacher", "admin"):
        answer = academy.as_(who).get(f"/certificates?course_id={course['id']}")
        assert {row["user_id"] for row in answer.data} == {academy.ids["student"], academy.ids["student2"]}
        assert answer.body["meta"]["total"] == 2
        one = academy.as_(who).get(f"/certificates?course_id={course['id']}&status=revoked")
        assert one.body["meta"]["total"] == 0
    pages = academy.as_("teacher").get("/certificates?per_page=1&sort=issued_at")
    seen = [row["id"] for row in pages.data]
    while pages.body["meta"]["cursor_next"]:
        cursor = pages.body["meta"]["cursor_next"]
        pages = academy.as_("teacher").get(f"/certificates?per_page=1&sort=issued_at&cursor={cursor}")
        seen += [row["id"] for row in pages.data]
    assert len(seen) == len(set(seen)) == pages.body["meta"]["total"]
    found = academy.only(course["id"])
    for who in ("student2", "teacher2", "subscriber"):
        for path in ("", "/pdf", "/credential"):
            assert academy.as_(who).get(f"/certificates/{found['id']}{path}").status == 404


def test_certificates_outlive_their_course_in_the_trash(academy: Academy) -> None:
    found = academy.certified()
    assert academy.as_("teacher").delete(f"/courses/{found['course_id']}").status == 200
    assert academy.verify(found["uuid"])["status"] == "valid"
    assert academy.only(found["course_id"])["id"] == found["id"]
    answer, content = file_of(academy.as_("student"), f"/certificates/{found['id']}/pdf")
    assert (answer.status, content[:5]) == (200, b"%PDF-")
    assert academy.as_("teacher").patch(f"/courses/{found['course_id']}", json={"status": "published"}).status == 200
    assert academy.verify(found["uuid"])["status"] == "valid"
    # Even a course that somebody removed from the table by hand takes no certificate with it.
    academy.write(delete(courses).where(courses.c.id == found["course_id"]))
    assert academy.verify(found["uuid"])["status"] == "valid"
    assert file_of(academy.as_("student"), f"/certificates/{found['id']}/credential")[0].status == 200
    new = made(academy.as_("admin").post("/certificates", json={"replaces": found["id"]}))
    assert (new["title"], new["course_id"]) == (found["title"], found["course_id"])


def test_times_are_the_databases(academy: Academy) -> None:
    found = academy.certified()
    stored = academy.stored(found["id"])
    assert iso(stored["issued_at"]) == found["issued_at"]
    assert stored["active_no"] == 1


def test_a_repeated_request_issues_nothing_more(academy: Academy) -> None:
    course = academy.filled()
    academy.complete(course)
    body = {"user_id": academy.ids["student"], "course_id": course["id"]}
    key = {"Idempotency-Key": f"certificate-{course['id']}"}
    first = academy.as_("teacher").post("/certificates", json=body, headers=key)
    again = academy.as_("teacher").post("/certificates", json=body, headers=key)
    assert (first.status, again.status, again.data) == (201, 201, first.data)
    assert again.headers["Idempotency-Replayed"] == "true"
    academy.only(course["id"])


def test_issuing_takes_the_same_number_of_queries_however_many_there_are(academy: Academy) -> None:
    counts = []
    for _ in range(3):
        course = academy.filled()
        academy.complete(course)
        body = {"user_id": academy.ids["student"], "course_id": course["id"]}
        with academy.queries() as sent:
            made(academy.as_("teacher").post("/certificates", json=body))
        counts.append(len(of_resource(sent)))
    assert len(set(counts)) == 1
    assert counts[0] <= 15
