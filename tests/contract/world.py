"""The school that matrix and leak walk look at: courses in every state, and people in every relation to them.

Names of objects, as the tables use them: P published, D draft, N pending, V private, A archived, X in the trash
(all of the owner's), F published and G draft (of another teacher's); `P.section`, `P.lesson`, `P.enrollment` and so on
are within them.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from sqlalchemy import insert, select

from learnomy_wp.certificates.service import issue
from learnomy_wp.courses.lookups import lock_course
from learnomy_wp.kernel import clock, db
from learnomy_wp.reviews.ratings import roll_up
from tests.accounts.people import Person
from tests.client import Api, Session
from tests.contract import beside
from tests.contract.question_world import build_questions
from tests.contract.quiz_world import build_quizzes
from tests.courses.school import School, made
from wp_schema.tables import certificates, course_instructors, courses, jobs, reviews

# In the order of the table's columns.
ROLES = (
    "guest",
    "subscriber",
    "student",
    "enrolled",
    "stripped",
    "assistant",
    "co",
    "owner",
    "other_teacher",
    "editor",
    "admin",
)
LOGINS = {
    "subscriber": "subscriber",
    "student": "student2",
    "enrolled": "student",
    "owner": "teacher",
    "other_teacher": "teacher2",
    "editor": "editor",
    "admin": "admin",
}
ABSENT = 999_999_999

# What must never be read by whoever may not: each stands in what it names.
MARKS = {
    "draft": "MarkOfDraft",
    "trash": "MarkOfTrash",
    "private": "MarkOfPrivate",
    "raw": "MarkOfRaw",
    "lesson": "MarkOfLessonContent",
    "foreign": "MarkOfForeignDraft",
}


@dataclasses.dataclass
class World:
    """The school with its people; `ids` are its objects by name."""

    api: Api
    ids: dict[str, int]
    sessions: dict[str, Session]
    user_ids: dict[str, int]
    logins: dict[str, str]
    slugs: dict[str, str]

    def id(self, name: str) -> int:
        """An object's or a person's id."""
        if name == "absent":
            return ABSENT
        return self.ids[name] if name in self.ids else self.user_ids[name]


def build(api: Api) -> World:
    """Everything, made through the API where it can be."""
    school, ids = School(api), {}
    people, logins = {role: api.ids[login] for role, login in LOGINS.items()}, {**LOGINS, "guest": ""}
    sessions = {role: api.as_(login) for role, login in LOGINS.items()}
    sessions["guest"] = api.as_(None)
    for role, kind in (("co", "lrn_instructor"), ("assistant", "lrn_instructor"), ("stripped", "subscriber")):
        person = Person(api, kind)
        people[role], sessions[role], logins[role] = person.id, _session(api, person), person.login
    people["outsider"] = api.ids["student3"]
    people["newcomer"] = Person(api).id
    for name, title in (("P", "Public"), ("D", MARKS["draft"]), ("N", MARKS["draft"]), ("V", MARKS["private"])):
        _course(school, name, title, "teacher", people, ids)
    for name, title in (("A", MARKS["private"]), ("X", MARKS["trash"])):
        _course(school, name, title, "teacher", people, ids)
    for name, title in (("F", "Foreign"), ("G", MARKS["foreign"])):
        _course(school, name, title, "teacher2", people, ids)
    _extras(school, ids)
    _enrolments(school, people, ids)
    beside.add(school, people, sessions, ids, MARKS)
    build_quizzes(school, ids)
    build_questions(school, ids, MARKS)
    for name, status in (("D", "draft"), ("N", "pending"), ("V", "private"), ("A", "archived"), ("G", "draft")):
        who = "teacher2" if name == "G" else "teacher"
        answer = school.as_(who).patch(f"/courses/{ids[name]}", json={"status": status})
        assert answer.status == 200, answer.body
        assert answer.data["status"] == status
    assert school.as_("teacher").delete(f"/courses/{ids['X']}").status == 200
    ids["category"] = made(school.as_("admin").post("/course-categories", json={"name": "Numbers"}))["id"]
    ids["child"] = made(
        school.as_("admin").post("/course-categories", json={"name": "Primes", "parent_id": ids["category"]})
    )["id"]
    ids["job"] = _job(school, people["owner"])
    _certificates(school, people, ids)
    _reviews(school, people, ids)
    school.run_jobs()
    slugs = {name: school.row(courses, ids[name]) for name in ids if len(name) == 1}
    return World(api, ids, sessions, people, logins, {name: row["slug"] for name, row in slugs.items() if row})


def _session(api: Api, person: Person) -> Session:
    return Session(api.app, {"Authorization": f"Bearer {person.log_in().data['access_token']}"})


def _course(school: School, name: str, title: str, who: str, people: dict[str, int], ids: dict[str, int]) -> None:
    course = school.course(who, published=True, title=title, content=_content(title), excerpt=title)
    ids[name] = course["id"]
    ids[f"{name}.section"] = school.section(course["id"], who, title=f"{title} section")["id"]
    lesson = {"title": f"{title} lesson", "content": _content(MARKS["lesson"])}
    ids[f"{name}.lesson"] = school.lesson(ids[f"{name}.section"], who, **lesson)["id"]
    ids[f"{name}.topic"] = school.topic(ids[f"{name}.lesson"], who, title=f"{title} topic")["id"]
    if who == "teacher":
        for role in ("co", "assistant"):
            path = f"/courses/{course['id']}/instructors/{people[role]}"
            answer = school.as_("teacher").put(path, json={"role": role})
            assert answer.status == 200, answer.body
        school.write(
            insert(course_instructors).values(
                course_id=course["id"], user_id=people["stripped"], role="co", **_instructor(school, course["id"])
            )
        )


def _content(text: str) -> str:
    return f'<!-- wp:paragraph {{"mark":"{MARKS["raw"]}"}} --><p>{text}</p><!-- /wp:paragraph -->'


def _instructor(school: School, course_id: int) -> dict[str, Any]:
    """The columns that a row of another on the same course's staff has."""
    known = select(course_instructors).where(course_instructors.c.course_id == course_id)
    row = dict(school.rows(known)[0])
    own = ("id", "course_id", "user_id", "role", "is_lead", "lead_user_id")
    return {name: value for name, value in row.items() if name not in own}


def _extras(school: School, ids: dict[str, int]) -> None:
    """Lessons and a section of P that learners may not know of, one that anybody may open, and one that is locked."""
    section = ids["P.section"]
    ids["P.preview"] = school.lesson(section, title="A preview", is_preview=True, content="<p>Preview</p>")["id"]
    draft = school.lesson(section, title=MARKS["draft"], status="draft", content=_content(MARKS["lesson"]))
    ids["P.draft"] = draft["id"]
    ids["P.trashed"] = school.lesson(section, title=MARKS["trash"], content=_content(MARKS["lesson"]))["id"]
    assert school.as_("teacher").delete(f"/lessons/{ids['P.trashed']}").status == 200
    ids["P.gone"] = school.section(ids["P"], title=MARKS["trash"])["id"]
    ids["P.loose"] = school.lesson(ids["P.gone"], title=MARKS["draft"], content=_content(MARKS["lesson"]))["id"]
    assert school.as_("teacher").delete(f"/sections/{ids['P.gone']}").status == 200
    ids["F.draft"] = school.lesson(ids["F.section"], "teacher2", title=MARKS["foreign"], status="draft")["id"]
    ids["P.second"] = school.section(ids["P"], title="Second")["id"]
    ids["P.locked"] = school.lesson(ids["P.second"], title="Locked", content=_content(MARKS["lesson"]), drip_days=30)[
        "id"
    ]
    ids["P.later"] = school.lesson(ids["P.second"], title="Later")["id"]
    assert school.as_("teacher").patch(f"/courses/{ids['P']}", json={"drip_mode": "after_enrolment"}).status == 200


def _enrolments(school: School, people: dict[str, int], ids: dict[str, int]) -> None:
    for name in "PDNVAX":
        answer = school.as_("student").post(f"/courses/{ids[name]}/enroll")
        assert answer.status == 201, answer.body
        ids[f"{name}.enrollment"] = answer.data["enrollment_id"]
    for name in ("P", "F"):
        answer = school.as_("student3").post(f"/courses/{ids[name]}/enroll")
        assert answer.status == 201, answer.body
        ids[f"{name}.others"] = answer.data["enrollment_id"]
    assert people


def _certificates(school: School, people: dict[str, int], ids: dict[str, Any]) -> None:
    """One of the enrolled student's in P and in the draft D, one of the outsider's in F, and a template."""
    ids["template"] = made(school.as_("admin").post("/certificate-templates", json={"title": "Plain"}))["id"]
    for name, who in (("P", "enrolled"), ("D", "enrolled"), ("F", "outsider")):
        course = school.row(courses, ids[name])
        place = {"user_id": people[who], "completion_no": 1}

        def write(course: Any = course, place: Any = place) -> int:
            return issue(course, place, {"title": "A certificate"}, issued_by=0)

        with school.api.inside():
            ids[f"{name}.certificate"] = db.transaction(write)
        found = school.row(certificates, ids[f"{name}.certificate"])
        ids[f"{name}.uuid"] = found["uuid"] if found else ""


def _reviews(school: School, people: dict[str, int], ids: dict[str, Any]) -> None:
    """Approved ones of the outsider's in P and F and of the enrolled student's in the draft D; one of P waits."""
    rows = (
        ("P.review", "outsider", "approved"),
        ("P.queue", "newcomer", "pending"),
        ("D.review", "enrolled", "approved"),
    )
    for name, who, status in (*rows, ("F.review", "outsider", "approved")):

        def write(name: str = name, who: str = who, status: str = status) -> int:
            course, now = lock_course(ids[name[0]]), clock.now()
            row = {"course_id": course["id"], "user_id": people[who], "rating": 4, "status": status}
            made_id = db.insert_id(db.execute(insert(reviews).values(**row, created_at=now, updated_at=now)))
            roll_up(course, None, row)
            return made_id

        with school.api.inside():
            ids[name] = db.transaction(write)


def _job(school: School, owner_id: int) -> int:
    row = {
        "kind": "probe",
        "owner_id": owner_id,
        "state": "done",
        "payload": {},
        "run_at": clock.now(),
        "created_at": clock.now(),
        "updated_at": clock.now(),
        "finished_at": clock.now(),
    }
    with school.api.inside():
        return db.transaction(lambda: db.insert_id(db.execute(insert(jobs), row)))
