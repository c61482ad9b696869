"""Becoming an instructor: applying, deciding, and the role that WordPress gives."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from learnomy_wp.kernel import db, local, outbox, site
from tests.accounts.people import Person
from tests.client import Answer, Session
from tests.courses.school import School, made, together
from wp_schema.tables import activity, instructor_applications
from wp_schema.tables import outbox as outbox_table

ABOUT = {"about": "I bake.", "expertise": ["Bread", "  Cakes  and pies "], "course_idea": "Baking for all"}
PATH = "/instructor-applications"


class Applicant:
    """Somebody new who is no instructor yet."""

    def __init__(self, school: School, role: str = "lrn_student") -> None:
        self.school, self.person = school, Person(school.api, role)
        self.id = self.person.id
        self.session = self.log_in()

    def log_in(self) -> Session:
        token = self.person.log_in().data["access_token"]
        return Session(self.school.api.app, {"Authorization": f"Bearer {token}"})

    def apply(self, **body: Any) -> Answer:
        return self.session.post(PATH, json={**ABOUT, **body})


@pytest.fixture
def applicant(school: School) -> Applicant:
    return Applicant(school)


def decide(school: School, application: dict[str, Any], who: str | None = "admin", **body: Any) -> Answer:
    return school.as_(who).post(f"{PATH}/{application['id']}/decision", json=body)


def drain(school: School) -> None:
    with school.api.inside():
        while outbox.drain_once():
            pass


def test_an_application_is_approved_and_gives_the_role(school: School, applicant: Applicant) -> None:
    answer = applicant.apply(experience="Ten years")
    application = made(answer)
    assert answer.headers["Location"].endswith(f"{PATH}/{application['id']}")
    assert (application["status"], application["expertise"]) == ("pending", ["Bread", "Cakes and pies"])
    assert (application["user"]["id"], application["experience"]) == (applicant.id, "Ten years")
    assert applicant.session.post("/courses", json={"title": "Mine"}).status == 403
    decided = decide(school, application, decision="approve", reason="Welcome")
    assert decided.status == 200, decided.body
    assert (decided.data["status"], decided.data["reason"]) == ("approved", "Welcome")
    assert decided.data["decided_by"] == school.ids["admin"]
    assert decided.data["decided_at"] is not None
    drain(school)
    again = applicant.log_in()
    assert set(again.get("/auth/me").data["roles"]) == {"lrn_student", "lrn_instructor"}
    assert again.post("/courses", json={"title": "Mine"}).status == 201


def test_the_role_is_given_before_the_event_is_heard(school: School, applicant: Applicant) -> None:
    application = made(applicant.apply())
    decide(school, application, decision="approve")
    wanted = select(outbox_table.c.kind, outbox_table.c.event, outbox_table.c.hook, outbox_table.c.args)
    wanted = wanted.where(outbox_table.c.aggregate == f"instructor_application:{application['id']}")
    found = [tuple(row.values()) for row in school.rows(wanted.order_by(outbox_table.c.id))]
    ids = [application["id"], applicant.id]
    assert found == [
        ("action", "instructor.application.submitted", "learnomy_instructor_application_submitted", ids),
        ("effect", "add_role", "", []),
        ("action", "instructor.application.approved", "learnomy_instructor_application_approved", ids),
    ]


def test_each_step_is_in_the_log_once(school: School, applicant: Applicant) -> None:
    application = made(applicant.apply())
    decide(school, application, decision="approve")
    wanted = select(activity.c.event, activity.c.actor_id).where(
        activity.c.object_type == "instructor_application", activity.c.object_id == application["id"]
    )
    assert [tuple(row.values()) for row in school.rows(wanted.order_by(activity.c.id))] == [
        ("instructor.application.submitted", applicant.id),
        ("instructor.application.approved", school.ids["admin"]),
    ]


def test_a_rejection_has_a_reason_and_is_not_the_end(school: School, applicant: Applicant) -> None:
    first = made(applicant.apply())
    rejected = decide(school, first, decision="reject", reason="Too short")
    assert (rejected.data["status"], rejected.data["reason"]) == ("rejected", "Too short")
    drain(school)
    assert "lrn_instructor" not in applicant.log_in().get("/auth/me").data["roles"]
    second = made(applicant.apply(about="I have baked for twenty years."))
    assert second["id"] != first["id"]


def test_one_application_waits_at_a_time(applicant: Applicant) -> None:
    made(applicant.apply())
    again = applicant.apply()
    assert (again.status, again.code) == (409, "application_pending")


def test_ten_at_once_are_one(school: School, applicant: Applicant) -> None:
    answers = together([applicant.apply] * 10)
    assert sorted(answer.status for answer in answers) == [201] + [409] * 9
    wanted = select(instructor_applications.c.id).where(instructor_applications.c.user_id == applicant.id)
    assert len(school.rows(wanted)) == 1


def test_two_decisions_at_once_are_one(school: School, applicant: Applicant) -> None:
    application = made(applicant.apply())
    admin = school.as_("admin")
    path = f"{PATH}/{application['id']}/decision"
    answers = together(
        [lambda way=way: admin.post(path, json={"decision": way}) for way in ("approve", "reject") * 3]  # type: ignore[misc]
    )
    assert sorted(answer.status for answer in answers) == [200] + [409] * 5
    assert {answer.code for answer in answers if answer.status == 409} == {"already_decided"}


def test_all_areas_are_kept(applicant: Applicant) -> None:
    areas = ["ü" * 100] * 20
    assert made(applicant.apply(expertise=areas))["expertise"] == areas


def test_instructors_need_not_apply(school: School) -> None:
    for who in ("teacher", "admin"):
        answer = school.as_(who).post(PATH, json=ABOUT)
        assert (answer.status, answer.code) == (409, "already_instructor")


def test_a_site_may_take_none(school: School, applicant: Applicant) -> None:
    def store(value: dict[str, Any]) -> None:
        with school.api.inside():
            db.transaction(lambda: local.set_option("learnomy_settings", value))
            site.current().forget_record()

    store({"instructor_applications": False})
    try:
        answer = applicant.apply()
        assert (answer.status, answer.code) == (409, "applications_closed")
    finally:
        store({})
    assert applicant.apply().status == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"about": ""}, "about"),
        ({"about": None}, "about"),
        ({"about": "x" * 10_001}, "about"),
        ({"expertise": []}, "expertise"),
        ({"expertise": "Bread, Cakes"}, "expertise"),
        ({"expertise": [""]}, "expertise.0"),
        ({"expertise": ["x"] * 21}, "expertise"),
        ({"expertise": ["x" * 101]}, "expertise.0"),
        ({"course_idea": " "}, "course_idea"),
        ({"status": "approved"}, "status"),
        ({"user_id": 1}, "user_id"),
    ],
)
def test_what_is_no_application_is_refused(applicant: Applicant, body: dict[str, Any], field: str) -> None:
    answer = applicant.apply(**body)
    assert (answer.status, answer.body["error"]["details"][0]["field"]) == (422, field)


def test_only_managers_see_and_decide(school: School, applicant: Applicant) -> None:
    application = made(applicant.apply())
    for who, status in ((None, 401), ("student", 403), ("teacher", 403), ("editor", 403)):
        assert school.as_(who).get(PATH).status == status
        assert decide(school, application, who, decision="approve").status == status
    assert applicant.session.post(f"{PATH}/{application['id']}/decision", json={"decision": "approve"}).status == 403
    assert school.as_(None).post(PATH, json=ABOUT).status == 401
    assert decide(school, {"id": 999_999}, decision="approve").status == 404
    for body in ({}, {"decision": "maybe"}, {"decision": "approve", "role": "administrator"}):
        assert decide(school, application, **body).status == 422


def test_managers_list_what_waits(school: School, applicant: Applicant) -> None:
    waiting = made(applicant.apply())
    other = made(Applicant(school).apply())
    decide(school, other, decision="reject")
    pending = school.as_("admin").get(f"{PATH}?status=pending&per_page=100")
    ids = [row["id"] for row in pending.data]
    assert waiting["id"] in ids
    assert other["id"] not in ids
    assert ids == sorted(ids, reverse=True)
    assert pending.body["meta"]["total"] == len(ids)
    oldest = school.as_("admin").get(f"{PATH}?sort=created_at&per_page=100").data
    assert [row["id"] for row in oldest] == sorted(row["id"] for row in oldest)
    assert school.as_("admin").get(f"{PATH}?status=other").status == 422


def test_an_applicant_who_is_gone_is_not_approved(school: School, applicant: Applicant) -> None:
    from wp_schema.tables import users

    application = made(applicant.apply())
    school.write(users.delete().where(applicant.id == users.c.ID))
    gone = decide(school, application, decision="approve")
    assert (gone.status, gone.code) == (409, "applicant_gone")
    assert decide(school, application, decision="reject").data["user"] is None


def test_a_decision_obeys_if_match(school: School, applicant: Applicant) -> None:
    application = made(applicant.apply())
    path = f"{PATH}/{application['id']}/decision"
    stale = school.as_("admin").post(path, json={"decision": "approve"}, headers={"If-Match": '"7.x"'})
    assert stale.status == 412
