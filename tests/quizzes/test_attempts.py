"""Starting, saving and submitting: once each, by the server's clock, whatever arrives late or twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from tests.quizzes.exam import RIGHT, WRONG, Exams, essay, from_now, pick, single, text
from wp_schema.tables import courses


def answer(question: dict[str, object], value: object, sequence: int = 1) -> dict[str, object]:
    return {"position": question["position"], "sequence": sequence, "answer": value}


# --- starting ----------------------------------------------------------------------------


def test_an_attempt_from_start_to_grade(exams: Exams) -> None:
    quiz = exams.in_course(questions=[single("One"), single("Two"), single("Three")], passing_percent=60)
    read = exams.as_("student").get(f"/quizzes/{quiz['id']}").data
    assert (read["question_count"], read["max_score"], read["attempts_used"]) == (3, 3.0, 0)
    attempt = exams.start(quiz["id"])
    assert (attempt["status"], attempt["number"], attempt["score"], attempt["max_score"]) == ("in_progress", 1, None, 3)
    assert [question["position"] for question in attempt["questions"]] == [1, 2, 3]
    first, second, third = attempt["questions"]
    saved = exams.save(attempt["id"], [answer(first, pick(first, RIGHT)), answer(second, pick(second, RIGHT))])
    assert saved.status == 200, saved.body
    assert [item["outcome"] for item in saved.data["answers"]] == ["saved", "saved"]
    done = exams.submit(attempt["id"], answers=[answer(third, pick(third, WRONG))])
    assert (done["status"], done["score"], done["percent"], done["passed"]) == ("graded", 2, 66.66667, True)
    assert [question["result"] for question in done["questions"]] == ["right", "right", "wrong"]
    ids = [attempt["id"], exams.ids["student"], quiz["id"]]
    assert exams.hooks(attempt["id"]) == [
        ("learnomy_quiz_submitted", ids),
        ("learnomy_quiz_graded", ids),
        ("learnomy_quiz_passed", [*ids, 66.66667]),
    ]
    assert exams.events(quiz["course_id"])[-3:] == [
        "quiz.attempt.submitted",
        "quiz.attempt.graded",
        "quiz.attempt.passed",
    ]
    progress = exams.as_("student").get(f"/courses/{quiz['course_id']}/progress").data
    assert (progress["quizzes_passed"], progress["quizzes_total"]) == (1, 1)
    assert progress["items"][-1]["state"] == "completed"


def test_a_whole_score_is_an_int_and_a_failed_attempt_passes_nothing(exams: Exams) -> None:
    quiz = exams.in_course(questions=[single(), single()], passing_percent=100)
    failed = exams.take(quiz["id"], right=1)
    assert [hook for hook, _args in exams.hooks(failed["id"])] == ["learnomy_quiz_submitted", "learnomy_quiz_graded"]
    passed = exams.take(quiz["id"], right=2)
    score = exams.hooks(passed["id"])[-1][1][-1]
    assert (score, type(score)) == (100, int)


def test_starting_twice_is_going_on(exams: Exams) -> None:
    quiz = exams.in_course(questions=[single()], attempt_limit=1)
    first, second = exams.start(quiz["id"]), exams.start(quiz["id"])
    assert first["id"] == second["id"]
    assert exams.as_("student").get(f"/quizzes/{quiz['id']}").data["open_attempt_id"] == first["id"]


def test_each_gate_says_why(exams: Exams) -> None:
    quiz = exams.in_course(questions=[single()], attempt_limit=2, cooldown_seconds=600, access_code="Sesame")
    student, path = exams.as_("student"), f"/quizzes/{quiz['id']}/attempts"

    def refused(**changes: object) -> tuple[int, str]:
        answer = exams.as_("teacher").patch(f"/quizzes/{quiz['id']}", json=changes)
        assert answer.status == 200, answer.body
        found = student.post(path, json={"access_code": "Sesame"})
        return found.status, found.code

    assert student.post(path).code == "access_code_wrong"
    assert student.post(path, json={"access_code": "sesame"}).code == "access_code_wrong"
    assert refused(opens_at=text(from_now(hours=1))) == (409, "quiz_not_open")
    assert refused(opens_at=None, closes_at=text(from_now(hours=-1))) == (409, "quiz_closed")
    answer = exams.as_("teacher").patch(f"/quizzes/{quiz['id']}", json={"closes_at": None})
    assert answer.status == 200
    exams.submit(exams.start(quiz["id"], access_code="Sesame")["id"])
    cooling = student.post(path, json={"access_code": "Sesame"})
    assert (cooling.status, cooling.code) == (409, "attempt_cooldown")
    assert 590 <= int(cooling.headers["Retry-After"]) <= 601
    with exams.at(from_now(seconds=601)):
        exams.submit(exams.start(quiz["id"], access_code="Sesame")["id"])
    with exams.at(from_now(days=2)):
        assert exams.as_("student").post(path, json={"access_code": "Sesame"}).code == "attempt_limit_reached"
        read = exams.as_("student").get(f"/quizzes/{quiz['id']}").data
        assert (read["attempts_used"], read["attempts_left"]) == (2, 0)


def test_a_quiz_without_questions_cannot_be_started(exams: Exams) -> None:
    quiz = exams.in_course()
    assert exams.as_("student").post(f"/quizzes/{quiz['id']}/attempts").code == "quiz_empty"


def test_who_may_open_a_quiz(exams: Exams) -> None:
    quiz = exams.in_course(questions=[single()])
    path = f"/quizzes/{quiz['id']}"
    assert exams.as_(None).get(path).status == 401
    assert exams.as_("student2").get(path).code == "not_enrolled"
    assert exams.as_("student2").post(f"{path}/attempts").code == "not_enrolled"
    assert exams.as_("teacher2").get(path).code == "not_enrolled"
    assert exams.as_("teacher").get(path).data["content_raw"] == ""
    assert exams.as_("student").get(path).data["content_raw"] is None
    alone = exams.quiz(questions=[single()])
    assert exams.as_("subscriber").get(f"/quizzes/{alone['id']}").status == 200
    assert exams.as_(None).get(f"/quizzes/{alone['id']}").status == 401
    draft = exams.quiz(status="draft")
    assert exams.as_("student").get(f"/quizzes/{draft['id']}").status == 404
    assert exams.as_("teacher").get(f"/quizzes/{draft['id']}").status == 200
    assert exams.as_("teacher2").get(f"/quizzes/{draft['id']}").status == 404


def test_a_quiz_of_a_lesson_opens_with_it(exams: Exams) -> None:
    course = exams.filled()
    exams.enrol(course["id"])
    answer = exams.as_("teacher").patch(f"/courses/{course['id']}", json={"drip_mode": "sequential"})
    assert answer.status == 200
    second = exams.quiz(course_id=course["id"], lesson_id=course["lessons"][1], questions=[single()])
    assert second["section_id"] == course["section"]
    student = exams.as_("student")
    assert student.get(f"/quizzes/{second['id']}").code == "lesson_locked"
    shown = student.get(f"/courses/{course['id']}/curriculum").data["sections"][0]["quizzes"][0]
    assert (shown["state"], shown["locked_reason"]) == ("locked", "previous_lesson")
    assert student.post(f"/lessons/{course['lessons'][0]}/complete").status == 200
    assert student.get(f"/quizzes/{second['id']}").status == 200
    shown = student.get(f"/courses/{course['id']}/curriculum").data["sections"][0]["quizzes"][0]
    assert shown["state"] == "available"


# --- saving ------------------------------------------------------------------------------


def test_a_late_packet_never_overwrites_a_newer_one(exams: Exams) -> None:
    quiz = exams.in_course(questions=[single()])
    attempt = exams.start(quiz["id"])
    question = attempt["questions"][0]
    right, wrong = pick(question, RIGHT), pick(question, WRONG)
    assert exams.save(attempt["id"], [answer(question, right, 7)]).data["answers"][0]["outcome"] == "saved"
    for sequence in (3, 7):
        found = exams.save(attempt["id"], [answer(question, wrong, sequence)]).data["answers"][0]
        assert (found["outcome"], found["sequence"]) == ("superseded", 7)
    resumed = exams.start(quiz["id"])["questions"][0]
    assert (resumed["answer"], resumed["sequence"]) == (right, 7)
    assert exams.save(attempt["id"], [answer(question, None, 8)]).status == 200
    assert exams.attempt(attempt["id"])["questions"][0]["is_answered"] is False


def test_what_is_no_answer_is_refused_with_its_place(exams: Exams) -> None:
    quiz = exams.in_course(questions=[single()])
    attempt = exams.start(quiz["id"])
    question = attempt["questions"][0]
    unknown = exams.save(attempt["id"], [{"position": 9, "sequence": 1, "answer": None}])
    assert (unknown.status, unknown.body["error"]["details"][0]["field"]) == (422, "answers.0.position")
    for value in ({"a": 1}, "no such choice", 10**30, [["x"]]):
        wrong = exams.save(attempt["id"], [answer(question, value)])
        assert (wrong.status, wrong.body["error"]["details"][0]["field"]) == (422, "answers.0.answer"), value
    assert exams.save(attempt["id"], [answer(question, None)], "student2").status == 404
    assert exams.save(attempt["id"], [answer(question, None)], "teacher").status == 404


def test_nothing_changes_after_submission(exams: Exams) -> None:
    quiz = exams.in_course(questions=[single()], passing_percent=50)
    attempt = exams.start(quiz["id"])
    question = attempt["questions"][0]
    exams.submit(attempt["id"], answers=[answer(question, pick(question, WRONG))])
    before = exams.answers(attempt["id"])
    again = exams.save(attempt["id"], [answer(question, pick(question, RIGHT), 9)])
    assert (again.status, again.code) == (409, "attempt_closed")
    replay = exams.as_("student").post(
        f"/quiz-attempts/{attempt['id']}/submit", json={"answers": [answer(question, pick(question, RIGHT), 9)]}
    )
    assert (replay.status, replay.code) == (409, "attempt_closed")
    assert exams.submit(attempt["id"])["percent"] == 0
    assert exams.answers(attempt["id"]) == before
    assert len(exams.hooks(attempt["id"])) == 2


def test_pages_that_were_left_stay_closed_without_backtracking(exams: Exams) -> None:
    quiz = exams.in_course(questions=[single(), single()], allow_back=False)
    attempt = exams.start(quiz["id"])
    first, second = attempt["questions"]
    assert exams.save(attempt["id"], [answer(first, pick(first, WRONG))], current_page=2).status == 200
    back = exams.save(attempt["id"], [answer(first, pick(first, RIGHT), 2)], current_page=1)
    assert back.data["answers"][0]["outcome"] == "refused"
    assert exams.attempt(attempt["id"])["current_page"] == 2
    assert exams.save(attempt["id"], [answer(second, pick(second, RIGHT))]).data["answers"][0]["outcome"] == "saved"


# --- time --------------------------------------------------------------------------------


def test_time_over_submits_what_was_saved_in_time(exams: Exams) -> None:
    began = from_now(seconds=2)
    quiz = exams.in_course(questions=[single(), single()], time_limit_seconds=60, grace_seconds=10)
    with exams.at(began):
        attempt = exams.start(quiz["id"])
        assert attempt["seconds_left"] == 60
    first, second = attempt["questions"]
    with exams.at(began + timedelta(seconds=69)):
        assert exams.save(attempt["id"], [answer(first, pick(first, RIGHT))]).data["answers"][0]["outcome"] == "saved"
    with exams.at(began + timedelta(seconds=71)):
        late = exams.save(attempt["id"], [answer(second, pick(second, RIGHT))])
        assert late.data["answers"][0]["outcome"] == "late"
        exams.end_due()
        done = exams.attempt(attempt["id"])
        assert (done["status"], done["is_auto_submitted"], done["score"]) == ("graded", True, 1)
        assert datetime.fromisoformat(done["submitted_at"]) == (began + timedelta(seconds=70)).replace(microsecond=0)
        seen = exams.attempt(attempt["id"], "teacher")["questions"][1]
        assert (seen["answer"], seen["staff"]["late_answer"]["answer"]) == (None, pick(second, RIGHT))
        # What was under way is still kept aside, and never counted.
        on_the_way = exams.save(attempt["id"], [answer(first, pick(first, WRONG), 5)])
        assert on_the_way.data["answers"][0]["outcome"] == "late"
        assert exams.attempt(attempt["id"])["score"] == 1
    with exams.at(began + timedelta(days=2)):
        assert exams.save(attempt["id"], [answer(first, None, 9)]).code == "attempt_closed"


def test_late_answers_count_where_the_quiz_says_so(exams: Exams) -> None:
    began = from_now(seconds=2)
    quiz = exams.in_course(questions=[single()], time_limit_seconds=60, on_late="count")
    with exams.at(began):
        attempt = exams.start(quiz["id"])
    question = attempt["questions"][0]
    with exams.at(began + timedelta(minutes=5)):
        exams.end_due()
        saved = exams.save(attempt["id"], [answer(question, pick(question, RIGHT))])
        assert saved.data["answers"][0]["outcome"] == "saved"
        done = exams.submit(attempt["id"])
        assert (done["is_late"], done["is_auto_submitted"], done["score"]) == (True, False, 1)
    with exams.at(began + timedelta(minutes=10)):
        forgotten = exams.start(quiz["id"])
    with exams.at(began + timedelta(days=1, minutes=12)):
        exams.end_due()
        assert exams.attempt(forgotten["id"])["status"] == "graded"


def test_an_attempt_may_be_abandoned_when_time_is_over(exams: Exams) -> None:
    began = from_now(seconds=2)
    quiz = exams.in_course(questions=[single()], time_limit_seconds=60, on_late="abandon", attempt_limit=2)
    with exams.at(began):
        attempt = exams.start(quiz["id"])
    with exams.at(began + timedelta(seconds=61)):
        done = exams.submit(attempt["id"])
        assert (done["status"], done["score"], done["passed"]) == ("abandoned", None, None)
        assert exams.hooks(attempt["id"]) == []
        assert exams.as_("student").get(f"/quizzes/{quiz['id']}").data["attempts_left"] == 1


def test_a_start_after_time_over_ends_the_old_attempt_first(exams: Exams) -> None:
    began = from_now(seconds=2)
    quiz = exams.in_course(questions=[single()], time_limit_seconds=60, attempt_limit=2)
    with exams.at(began):
        old = exams.start(quiz["id"])
    with exams.at(began + timedelta(seconds=61)):
        new = exams.start(quiz["id"])
        assert new["number"] == 2
        assert exams.attempt(old["id"])["status"] == "graded"


def test_the_close_of_the_quiz_is_a_deadline_too(exams: Exams) -> None:
    began = from_now(seconds=2)
    quiz = exams.in_course(questions=[single()], closes_at=text(began + timedelta(seconds=30)))
    with exams.at(began):
        attempt = exams.start(quiz["id"])
        assert 28 <= attempt["seconds_left"] <= 30
    with exams.at(began + timedelta(seconds=31)):
        exams.end_due()
        assert exams.attempt(attempt["id"])["status"] == "graded"


@pytest.mark.parametrize(
    "edge",
    [
        datetime(2027, 3, 28, 0, 59, 30, tzinfo=UTC),  # Berlin springs forward at 01:00 UTC
        datetime(2027, 10, 31, 0, 59, 30, tzinfo=UTC),  # and falls back
        datetime(2027, 11, 7, 5, 59, 30, tzinfo=UTC),  # New York falls back at 06:00 UTC
    ],
    ids=str,
)
def test_a_change_of_the_clocks_moves_no_deadline(exams: Exams, edge: datetime) -> None:
    quiz = exams.in_course(questions=[single()], time_limit_seconds=60, cooldown_seconds=60)
    with exams.at(edge):
        attempt = exams.start(quiz["id"])
        assert datetime.fromisoformat(attempt["due_at"]) == edge + timedelta(seconds=60)
    with exams.at(edge + timedelta(seconds=59)):
        assert exams.attempt(attempt["id"])["seconds_left"] == 1
        exams.submit(attempt["id"])
        read = exams.as_("student").get(f"/quizzes/{quiz['id']}").data
        assert datetime.fromisoformat(read["next_attempt_at"]) == edge + timedelta(seconds=119)
    with exams.at(edge + timedelta(seconds=118)):
        assert exams.as_("student").post(f"/quizzes/{quiz['id']}/attempts").code == "attempt_cooldown"
    with exams.at(edge + timedelta(seconds=119)):
        exams.start(quiz["id"])


# --- what several attempts come to -------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "result", "passed"),
    [("highest", 100, True), ("last", 0, False), ("first", 50, False), ("average", 50, False)],
)
def test_the_score_policy_decides(exams: Exams, policy: str, result: float, passed: bool) -> None:
    quiz = exams.in_course(questions=[single(), single()], passing_percent=60, score_policy=policy)
    for right in (1, 2, 0):
        exams.take(quiz["id"], right=right)
    read = exams.as_("student").get(f"/quizzes/{quiz['id']}").data
    assert (read["best_percent"], read["passed"]) == (result, passed)
    place = exams.place(quiz["id"])
    assert place is not None
    assert (place["state"], place["attempts_used"]) == ("completed" if passed else "in_progress", 3)


def test_practice_and_surveys_touch_no_progress(exams: Exams) -> None:
    practice = exams.in_course(questions=[single()], mode="practice")
    done = exams.take(practice["id"], right=1)
    assert (done["percent"], done["passed"]) == (100, True)
    place = exams.place(practice["id"])
    assert place is not None
    assert (place["state"], place["best_percent"]) == ("none", None)
    assert [hook for hook, _args in exams.hooks(done["id"])] == ["learnomy_quiz_submitted", "learnomy_quiz_graded"]
    survey = exams.in_course(questions=[single(), essay()], mode="survey")
    answered = exams.take(survey["id"], right=1)
    assert (answered["status"], answered["score"], answered["percent"]) == ("submitted", None, None)
    assert [hook for hook, _args in exams.hooks(answered["id"])] == ["learnomy_quiz_submitted"]


def test_passing_the_final_quiz_completes_the_course_once(exams: Exams) -> None:
    course = exams.filled(lessons=1)
    exams.enrol(course["id"])
    quiz = exams.quiz(course_id=course["id"], questions=[single()], passing_percent=50)
    rule = {"completion_mode": "lessons_and_quiz", "completion_quiz_id": quiz["id"]}
    # A test of the course's own fields is elsewhere.
    exams.write(update(courses).where(courses.c.id == course["id"]).values(**rule))
    assert exams.as_("student").post(f"/lessons/{course['lessons'][0]}/complete").status == 200
    assert "enrollment.completed" not in exams.events(course["id"])
    exams.take(quiz["id"], right=1)
    exams.take(quiz["id"], right=1)
    assert exams.events(course["id"]).count("enrollment.completed") == 1
    standing = exams.as_("student").get(f"/courses/{course['id']}/progress").data
    assert (standing["status"], standing["quizzes_passed"]) == ("completed", 1)


def test_a_withdrawn_quiz_keeps_nobody_from_a_lesson_or_a_course(exams: Exams) -> None:
    course = exams.filled(lessons=1)
    exams.enrol(course["id"])
    quiz = exams.quiz(course_id=course["id"], questions=[single()], passing_percent=50)
    lesson = course["lessons"][0]
    rules = {"completion_rules": {"required_quiz_id": quiz["id"]}}
    assert exams.as_("teacher").patch(f"/lessons/{lesson}", json=rules).status == 200
    assert exams.as_("student").post(f"/lessons/{lesson}/complete").code == "requirements_unmet"
    assert exams.as_("teacher").delete(f"/quizzes/{quiz['id']}").status == 200
    assert exams.as_("student").post(f"/lessons/{lesson}/complete").status == 200


def test_a_course_begun_again_has_all_its_attempts_again(exams: Exams) -> None:
    course = exams.filled(lessons=1)
    exams.write(update(courses).where(courses.c.id == course["id"]).values(allow_retake=True))
    exams.enrol(course["id"])
    questions = {"questions": [single()], "attempt_limit": 1, "passing_percent": 50}
    first = exams.quiz(course_id=course["id"], **questions)
    second = exams.quiz(course_id=course["id"], **questions)
    exams.take(first["id"], right=1)
    going_on = exams.start(second["id"])
    assert exams.as_("student").post(f"/quizzes/{first['id']}/attempts").code == "attempt_limit_reached"
    assert exams.as_("student").delete(f"/courses/{course['id']}/progress").status == 200
    read = exams.as_("student").get(f"/quizzes/{first['id']}").data
    assert (read["attempts_used"], read["attempts_left"], read["best_percent"]) == (0, 1, None)
    assert exams.take(first["id"], right=0)["number"] == 2
    assert exams.as_("student").get(f"/quizzes/{first['id']}").data["passed"] is False
    new = exams.start(second["id"])
    assert new["id"] != going_on["id"]
    assert exams.attempt(going_on["id"])["status"] == "abandoned"


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations([(position, sequence) for position in (1, 2, 3) for sequence in (1, 2)]))
def test_the_order_in_which_answers_are_saved_does_not_matter(exams: Exams, order: list[tuple[int, int]]) -> None:
    quiz = exams.quiz(questions=[single(), single(), single()])
    attempt = exams.start(quiz["id"])
    asked = {question["position"]: question for question in attempt["questions"]}
    for position, sequence in order:
        wanted = RIGHT if sequence == 2 and position != 2 else WRONG
        saved = exams.save(attempt["id"], [answer(asked[position], pick(asked[position], wanted), sequence)])
        assert saved.status == 200
    done = exams.submit(attempt["id"])
    assert [question["result"] for question in done["questions"]] == ["right", "wrong", "right"]
    assert [question["sequence"] for question in done["questions"]] == [2, 2, 2]
