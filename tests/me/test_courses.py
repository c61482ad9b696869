"""GET /me/courses and /me/dashboard: one's own courses, and nothing of others or of drafts."""

from __future__ import annotations

import itertools

import pytest
from sqlalchemy import update

from learnomy_wp.kernel import clock
from tests.accounts.people import Person, with_token
from tests.client import Answer, Api, Session
from tests.courses.school import School
from wp_schema.tables import courses, lessons

_numbers = itertools.count()


class Learner(Person):
    """A student with a session, who enrols."""

    def __init__(self, api: Api) -> None:
        super().__init__(api)
        self.session: Session = with_token(api, self.log_in().data["access_token"])

    def enrol(self, course_id: int) -> int:
        answer = self.session.post(f"/courses/{course_id}/enroll")
        assert answer.status == 201, answer.body
        return int(answer.data["enrollment_id"])

    def complete(self, lesson_id: int) -> None:
        answer = self.session.post(f"/lessons/{lesson_id}/complete")
        assert answer.status == 200, answer.body

    def courses(self, query: str = "") -> Answer:
        return self.session.get(f"/me/courses?{query}")


@pytest.fixture(scope="module")
def school(api: Api) -> School:
    return School(api)


@pytest.fixture
def learner(api: Api) -> Learner:
    return Learner(api)


def ids(answer: Answer) -> list[int]:
    assert answer.status == 200, answer.body
    assert answer.body["meta"]["total"] >= len(answer.data)
    return [row["course_id"] for row in answer.data]


def test_an_enrolment_comes_with_course_progress_and_next_lesson(school: School, learner: Learner) -> None:
    course = school.filled(lessons=2)
    enrollment_id = learner.enrol(course["id"])
    learner.complete(course["lessons"][0])
    (row,) = learner.courses().data
    assert row["id"] == row["enrollment_id"] == enrollment_id
    assert (row["course_id"], row["user_id"], row["status"], row["source"]) == (
        course["id"],
        learner.id,
        "active",
        "self",
    )
    assert (row["progress_percent"], row["lessons_completed"], row["lessons_total"]) == (50, 1, 2)
    assert row["has_access"] is True
    assert (row["course"]["id"], row["course"]["title"]) == (course["id"], course["title"])
    assert row["course"]["permalink"].startswith("http://learnomy.test/")
    assert row["next_lesson"]["id"] == course["lessons"][1]
    learner.complete(course["lessons"][1])
    (row,) = learner.courses().data
    assert (row["status"], row["progress_percent"], row["next_lesson"]) == ("completed", 100, None)


def test_they_are_ones_own(school: School, api: Api, learner: Learner) -> None:
    course, other = school.filled(), Learner(api)
    other.enrol(course["id"])
    assert learner.courses().body == {"data": [], "meta": {"total": 0, "cursor_next": None}}
    assert api.as_(None).get("/me/courses").status == 401
    for query in (f"user_id={other.id}", f"user={other.id}"):
        assert learner.courses(query).data == []


def test_filters_sorts_and_pages(school: School, api: Api, learner: Learner) -> None:
    made = [school.filled(lessons=1) for _ in range(5)]
    for course in made:
        learner.enrol(course["id"])
    learner.complete(made[1]["lessons"][0])
    assert ids(learner.courses("sort=-enrolled_at")) == [course["id"] for course in reversed(made)]
    assert ids(learner.courses()) == [made[index]["id"] for index in (1, 4, 3, 2, 0)], "the latest activity first"
    assert ids(learner.courses("status=completed")) == [made[1]["id"]]
    assert learner.courses("status=active").body["meta"]["total"] == 4
    first = learner.courses("per_page=2&sort=-enrolled_at")
    cursor = first.body["meta"]["cursor_next"]
    second = learner.courses(f"per_page=2&sort=-enrolled_at&cursor={cursor}")
    assert ids(first) + ids(second) == [made[index]["id"] for index in (4, 3, 2, 1)]
    other = Learner(api)
    assert other.courses(f"per_page=2&sort=-enrolled_at&cursor={cursor}").status == 422, "a cursor is its reader's"
    for wrong in ("sort=title", "status=trash", "per_page=500"):
        assert learner.courses(wrong).status == 422


@pytest.mark.parametrize("status", ["draft", "pending", "trash"])
def test_what_was_withdrawn_is_shown_nowhere(school: School, learner: Learner, status: str) -> None:
    course, kept = school.filled(), school.filled()
    for each in (course, kept):
        learner.enrol(each["id"])
    deleted_at = clock.now() if status == "trash" else None
    school.write(update(courses).where(courses.c.id == course["id"]).values(status=status, deleted_at=deleted_at))
    assert ids(learner.courses()) == [kept["id"]]
    assert learner.courses().body["meta"]["total"] == 1
    assert learner.session.get("/me").data["counts"]["enrolled"] == 1
    dashboard = learner.session.get("/me/dashboard").data
    assert [row["course_id"] for row in dashboard["continue_learning"]] == [kept["id"]]


@pytest.mark.parametrize("status", ["private", "archived"])
def test_what_is_open_to_its_students_is_shown_to_them(school: School, learner: Learner, status: str) -> None:
    course = school.filled()
    learner.enrol(course["id"])
    school.write(update(courses).where(courses.c.id == course["id"]).values(status=status))
    assert ids(learner.courses()) == [course["id"]]


def test_a_next_lesson_that_was_withdrawn_is_not_named(school: School, learner: Learner) -> None:
    course = school.filled()
    learner.enrol(course["id"])
    title = "The secret draft"
    school.write(update(lessons).where(lessons.c.id == course["lessons"][0]).values(status="draft", title=title))
    answer = learner.courses()
    assert title not in str(answer.body)


def test_the_dashboard_in_one_call(school: School, learner: Learner) -> None:
    done, going, fresh = (school.filled(lessons=count) for count in (1, 2, 4))
    for course in (done, going, fresh):
        learner.enrol(course["id"])
    learner.complete(done["lessons"][0])
    learner.complete(going["lessons"][0])
    shown = learner.session.get("/me/dashboard").data
    assert shown["counts"] == {
        "enrolled": 3,
        "in_progress": 2,
        "completed": 1,
        "certificates": 0,
        "unread_notifications": 0,
    }
    assert shown["average_progress"] == 25
    assert shown["average_quiz_score"] is None
    assert [row["course_id"] for row in shown["continue_learning"]] == [going["id"], fresh["id"]]
    assert [row["course_id"] for row in shown["recently_completed"]] == [done["id"]]
    assert learner.session.get("/me").data["counts"] == shown["counts"]


def test_nobody_has_no_dashboard(api: Api) -> None:
    assert api.as_(None).get("/me/dashboard").status == 401
    empty = Learner(api).session.get("/me/dashboard").data
    assert (empty["continue_learning"], empty["recently_completed"], empty["average_progress"]) == ([], [], 0)


def test_the_number_of_queries_is_the_same_for_any_number_of_rows(school: School, learner: Learner) -> None:
    def queries() -> int:
        with school.queries() as sent:
            learner.courses("per_page=100")
        return len(sent)

    for course in [school.filled(lessons=1) for _ in range(2)]:
        learner.enrol(course["id"])
    few = queries()
    for course in [school.filled(lessons=1) for _ in range(8)]:
        learner.enrol(course["id"])
    assert queries() == few
