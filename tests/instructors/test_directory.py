"""The directory of instructors: who is in it, what is counted, and that it is read from what is kept."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from learnomy_wp.courses import directory
from learnomy_wp.kernel import db
from tests.accounts.people import Person
from tests.client import Session
from tests.courses.school import School, made, together
from wp_schema.tables import course_instructors, courses, usermeta, users

_numbers = itertools.count(1)


class Teacher:
    """A new instructor of a name of its own."""

    def __init__(self, school: School, name: str = "") -> None:
        self.school = school
        self.person = Person(school.api, "lrn_instructor")
        self.id = self.person.id
        self.name = name or f"Teacher {next(_numbers):03}"
        school.write(update(users).where(self.id == users.c.ID).values(display_name=self.name))
        token = self.person.log_in().data["access_token"]
        self.session = Session(school.api.app, {"Authorization": f"Bearer {token}"})

    def course(self, *, published: bool = True) -> int:
        course = made(self.session.post("/courses", json={"title": f"By {self.name}"}))
        if published:
            assert self.session.post(f"/courses/{course['id']}/publish").status == 200
        return int(course["id"])

    def listed(self) -> dict[str, Any] | None:
        rows = self.school.as_(None).get(f"/instructors?ids={self.id}").data
        return dict(rows[0]) if rows else None


@pytest.fixture
def teacher(school: School) -> Teacher:
    return Teacher(school)


def lead_rows(school: School, user_id: int) -> list[dict[str, Any]]:
    wanted = select(course_instructors).where(
        course_instructors.c.user_id == user_id, course_instructors.c.is_lead.is_(True)
    )
    return school.rows(wanted)


def test_who_teaches_a_published_course_is_listed(school: School, teacher: Teacher) -> None:
    assert teacher.listed() is None
    draft = teacher.course(published=False)
    assert teacher.listed() is None
    assert school.as_(None).get(f"/instructors/{teacher.id}").status == 404
    assert teacher.session.post(f"/courses/{draft}/publish").status == 200
    row = teacher.listed()
    assert row is not None
    assert (row["name"], row["course_count"], row["student_count"]) == (teacher.name, 1, 0)
    assert (row["rating"], row["rating_count"]) == (0.0, 0)
    assert row["permalink"].endswith(f"/instructors/{row['slug']}/")


def test_unpublishing_and_trash_take_one_out_again(teacher: Teacher) -> None:
    first, second = teacher.course(), teacher.course()
    row = teacher.listed()
    assert row is not None
    assert row["course_count"] == 2
    assert teacher.session.patch(f"/courses/{first}", json={"status": "draft"}).status == 200
    row = teacher.listed()
    assert row is not None
    assert row["course_count"] == 1
    assert teacher.session.delete(f"/courses/{second}").status == 200
    assert teacher.listed() is None
    assert teacher.session.patch(f"/courses/{second}", json={"status": "published"}).status == 200
    assert teacher.listed() is not None


def test_colleagues_count_where_they_are_listed(school: School, teacher: Teacher) -> None:
    colleague, helper = Teacher(school), Teacher(school)
    course = teacher.course()
    path = f"/courses/{course}/instructors"
    assert teacher.session.put(f"{path}/{colleague.id}", json={"role": "co"}).status == 200
    assert teacher.session.put(f"{path}/{helper.id}", json={"role": "assistant"}).status == 200
    assert colleague.listed() is not None
    assert helper.listed() is None
    assert teacher.session.put(f"{path}/{colleague.id}", json={"role": "co", "is_listed": False}).status == 200
    assert colleague.listed() is None
    assert teacher.session.put(f"{path}/{colleague.id}", json={"role": "co", "is_listed": True}).status == 200
    assert teacher.session.delete(f"{path}/{colleague.id}").status == 200
    assert colleague.listed() is None


def test_a_course_deleted_for_good_is_counted_no_more(school: School, teacher: Teacher) -> None:
    course = teacher.course()
    teacher.course()
    assert school.as_("admin").delete(f"/courses/{course}").status == 200
    assert school.as_("admin").delete(f"/courses/{course}").status == 200
    row = teacher.listed()
    assert row is not None
    assert row["course_count"] == 1
    assert len(lead_rows(school, teacher.id)) == 1


def test_students_ratings_and_names_follow(school: School, teacher: Teacher) -> None:
    course = teacher.course()
    for who in ("student", "student2"):
        school.enrol(course, who)
    school.write(update(courses).where(courses.c.id == course).values(rating_count=3, rating_sum=14))
    school.write(update(users).where(teacher.id == users.c.ID).values(display_name="Ärmel Zorro"))
    with school.api.inside():
        directory.refresh_instructors()
    row = teacher.listed()
    assert row is not None
    assert (row["student_count"], row["rating"], row["rating_count"]) == (2, 4.67, 3)
    assert [found["id"] for found in school.as_(None).get("/instructors?search=aRMel").data] == [teacher.id]


def test_an_account_that_is_gone_is_listed_no_more(school: School, teacher: Teacher) -> None:
    teacher.course()
    school.write(users.delete().where(teacher.id == users.c.ID))
    assert school.as_(None).get("/instructors?per_page=100").status == 200
    with school.api.inside():
        directory.recount_all()
    assert teacher.listed() is None


def test_a_profile_has_courses_and_a_plain_bio(school: School, teacher: Teacher) -> None:
    ids = [teacher.course() for _ in range(2)]
    teacher.course(published=False)
    bio = {"user_id": teacher.id, "meta_key": "description", "meta_value": "I <b>teach</b> A &amp; B<script>x</script>"}
    school.write(insert(usermeta).values(bio))
    found = school.as_(None).get(f"/instructors/{teacher.id}").data
    assert found["bio"] == "I teach A & B"
    assert [course["id"] for course in found["courses"]] == ids[::-1]
    assert all(course["permalink"] and course["rating"] == 0 for course in found["courses"])
    assert "email" not in str(found)


def test_who_is_no_instructor_is_not_found(school: School) -> None:
    for user_id in (school.ids["student"], school.ids["admin"], 999_999):
        answer = school.as_("admin").get(f"/instructors/{user_id}")
        assert (answer.status, answer.code) == (404, "not_found")


def test_a_private_academy_shows_nobody(school: School, teacher: Teacher) -> None:
    from learnomy_wp.kernel import local, site

    teacher.course()

    def store(value: dict[str, Any]) -> None:
        with school.api.inside():
            db.transaction(lambda: local.set_option("learnomy_settings", value))
            site.current().forget_record()

    store({"require_login_for_content": True})
    try:
        for path in ("/instructors", f"/instructors/{teacher.id}"):
            assert school.as_(None).get(path).status == 401
            assert school.as_("student").get(path).status == 200
    finally:
        store({})


def test_lists_are_in_order_and_paged(school: School) -> None:
    teachers = [Teacher(school, f"Order {letter}") for letter in "cab"]
    for number, teacher in enumerate(teachers):
        for _ in range(number + 1):
            teacher.course()
    ids = ",".join(str(teacher.id) for teacher in teachers)
    by_name = school.as_(None).get(f"/instructors?ids={ids}").data
    assert [row["name"] for row in by_name] == ["Order a", "Order b", "Order c"]
    by_courses = school.as_(None).get(f"/instructors?ids={ids}&sort=-course_count").data
    assert [row["course_count"] for row in by_courses] == [3, 2, 1]
    found: list[str] = []
    cursor = ""
    for _ in range(3):
        answer = school.as_(None).get(f"/instructors?ids={ids}&per_page=1{cursor}")
        assert answer.body["meta"]["total"] == 3
        found += [row["name"] for row in answer.data]
        cursor = f"&cursor={answer.body['meta']['cursor_next']}"
    assert found == ["Order a", "Order b", "Order c"]
    assert school.as_(None).get("/instructors?sort=email").status == 422


def test_the_list_reads_what_is_kept(school: School) -> None:
    """Mirrors directories that scanned user meta: a page costs four queries, none of which sums up courses."""
    for _ in range(3):
        Teacher(school).course()
    with school.queries() as sent:
        school.as_("student").get("/instructors?per_page=50")
    reads = [statement for statement in sent if "course_instructors" in statement]
    assert len(reads) <= 2
    assert not any("GROUP BY" in statement or "SUM(" in statement.upper() for statement in sent)


def test_whoever_counts_at_once_agrees(school: School, teacher: Teacher) -> None:
    ids = [teacher.course(published=False) for _ in range(8)]

    def publish(course: int) -> Any:
        return lambda: teacher.session.post(f"/courses/{course}/publish")

    answers = together([publish(course) for course in ids])
    assert {answer.status for answer in answers} == {200}
    row = teacher.listed()
    assert row is not None
    assert row["course_count"] == 8
    assert len(lead_rows(school, teacher.id)) == 1
