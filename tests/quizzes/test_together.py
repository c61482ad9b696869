"""What happens at the same moment: many starts, many saves, a save and a submission. On MariaDB."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from learnomy_wp.kernel import db, local, site
from tests.client import Api, make_api
from tests.progress.world import together
from tests.quizzes.conftest import LIMITS
from tests.quizzes.exam import RIGHT, WRONG, Exams, pick, single
from wp_schema.tables import outbox, quiz_attempts, quizzes


@pytest.fixture(scope="module")
def api(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    made = make_api(database_url, tmp_path_factory.mktemp("together"))
    with made.inside():
        db.transaction(lambda: local.set_option("learnomy_settings", LIMITS))
        site.current().forget_record()
    yield made
    made.runtime.database.dispose()


@pytest.mark.parametrize("in_course", [True, False], ids=["course", "standalone"])
def test_fifty_starts_at_once_are_one_attempt(exams: Exams, in_course: bool) -> None:
    questions = [single(), single()]
    made = exams.in_course if in_course else exams.quiz
    quiz = made(questions=questions, attempt_limit=1)
    student = exams.as_("student")
    answers = together([lambda: student.post(f"/quizzes/{quiz['id']}/attempts")] * 50)
    assert {answer.status for answer in answers} == {201}, [answer.body for answer in answers if answer.status != 201]
    assert len({answer.data["id"] for answer in answers}) == 1
    assert len(exams.rows(select(quiz_attempts.c.id).where(quiz_attempts.c.quiz_id == quiz["id"]))) == 1
    stored = exams.row(quizzes, quiz["id"])
    assert stored is not None
    assert stored["attempt_count"] == 1


def test_the_limit_holds_when_each_start_is_submitted_at_once(exams: Exams) -> None:
    quiz = exams.in_course(questions=[single()], attempt_limit=3)
    student, path = exams.as_("student"), f"/quizzes/{quiz['id']}/attempts"

    def go() -> str:
        answer = student.post(path)
        if answer.status == 201:
            student.post(f"/quiz-attempts/{answer.data['id']}/submit")
            return "started"
        return answer.code

    results = together([go] * 50)
    assert set(results) <= {"started", "attempt_limit_reached"}, results
    while go() == "started":
        pass
    found = exams.rows(select(quiz_attempts.c.number).where(quiz_attempts.c.quiz_id == quiz["id"]))
    assert sorted(row["number"] for row in found) == [1, 2, 3]


def test_the_greatest_sequence_stands_whatever_order_packets_arrive_in(exams: Exams) -> None:
    quiz = exams.in_course(questions=[single()])
    attempt = exams.start(quiz["id"])
    question = attempt["questions"][0]
    right, wrong = pick(question, RIGHT), pick(question, WRONG)

    def save(sequence: int) -> int:
        value = right if sequence == 20 else wrong
        item = {"position": 1, "sequence": sequence, "answer": value}
        return exams.save(attempt["id"], [item]).status

    statuses = together([lambda number=number: save(number) for number in range(20, 0, -1)])
    assert set(statuses) == {200}
    kept = exams.attempt(attempt["id"])["questions"][0]
    assert (kept["sequence"], kept["answer"]) == (20, right)


def test_twenty_submissions_are_one(exams: Exams) -> None:
    quiz = exams.in_course(questions=[single()], passing_percent=50)
    attempt = exams.start(quiz["id"])
    question = attempt["questions"][0]
    item = {"position": 1, "sequence": 1, "answer": pick(question, RIGHT)}
    assert exams.save(attempt["id"], [item]).status == 200
    student = exams.as_("student")
    answers = together([lambda: student.post(f"/quiz-attempts/{attempt['id']}/submit")] * 20)
    assert {answer.status for answer in answers} == {200}
    assert len(exams.hooks(attempt["id"])) == 3
    counted = exams.row(quizzes, quiz["id"])
    assert counted is not None
    assert counted["passed_count"] == 1


def test_a_save_and_a_submission_never_cross(exams: Exams) -> None:
    """What a save was told is kept is in the grade; what came too late is refused."""
    quiz = exams.in_course(questions=[single()])
    student = exams.as_("student")
    for _ in range(10):
        attempt = exams.start(quiz["id"])
        question = attempt["questions"][0]
        item = {"position": 1, "sequence": 1, "answer": pick(question, RIGHT)}
        saved, done = together(
            [
                lambda attempt=attempt, item=item: exams.save(attempt["id"], [item]),
                lambda attempt=attempt: student.post(f"/quiz-attempts/{attempt['id']}/submit"),
            ]
        )
        assert done.status == 200
        assert saved.status in (200, 409)
        assert exams.stored(attempt["id"])["percent"] == (100 if saved.status == 200 else 0)


def test_many_students_submit_at_once(exams: Exams) -> None:
    course = exams.course(published=True)
    people = ["student", "student2", "student3", "subscriber"]
    for who in people:
        exams.enrol(course["id"], who)
    quiz = exams.quiz(course_id=course["id"], questions=[single() for _ in range(10)], passing_percent=50)
    done = together([lambda who=who: exams.take(quiz["id"], who, right=10) for who in people])
    assert [attempt["percent"] for attempt in done] == [100] * 4
    ids = [attempt["id"] for attempt in done]
    rows = exams.rows(select(outbox.c.args).where(outbox.c.hook == "learnomy_quiz_passed"))
    assert sorted(row["args"][0] for row in rows if row["args"][0] in ids) == sorted(ids)
    counted = exams.row(quizzes, quiz["id"])
    assert counted is not None
    assert (counted["attempt_count"], counted["passed_count"]) == (4, 4)
