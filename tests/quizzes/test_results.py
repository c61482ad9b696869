"""After submission: grading by hand, overrides, regrading, statistics; and what changes no grade."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from learnomy_wp.kernel import db, jobrun
from tests.courses.school import made
from tests.quizzes.exam import RIGHT, WRONG, Exams, essay, from_now, pick, single, text
from wp_schema.tables import jobs, questions, quizzes

Row = dict[str, Any]


def run(exams: Exams, job: Row) -> Row:
    """Run a job that was just enqueued; gives its report."""
    with exams.api.inside():
        assert jobrun.run(job["id"])
        found = db.row(select(jobs).where(jobs.c.id == job["id"]))
    assert found is not None
    assert found["state"] == "done", found
    return dict(found["report"])


# --- by hand -----------------------------------------------------------------------------


def test_essays_wait_for_a_person(exams: Exams) -> None:
    quiz = exams.in_course(questions=[single(), essay(points=4)], passing_percent=80)
    done = exams.take(quiz["id"], right=1)
    assert (done["status"], done["pending_count"], done["score"], done["passed"]) == ("needs_grading", 1, None, None)
    assert [hook for hook, _args in exams.hooks(done["id"])] == ["learnomy_quiz_submitted"]
    inbox = exams.as_("teacher").get(f"/quiz-attempts?status=needs_grading&quiz_id={quiz['id']}")
    assert [row["id"] for row in inbox.data] == [done["id"]]
    assert inbox.data[0]["user"]["display_name"] == "Student"
    path = f"/quiz-attempts/{done['id']}/grade"
    mark = {"position": 2, "points": 3.5, "feedback": "<p>Good <script>x()</script></p>", "rubric": {"style": "fine"}}
    assert exams.as_("student").post(path, json={"answers": [mark]}).status == 403
    assert exams.as_("teacher2").post(path, json={"answers": [mark]}).status == 404
    too_many = exams.as_("teacher").post(path, json={"answers": [{**mark, "points": 4.5}]})
    assert too_many.body["error"]["details"][0]["field"] == "answers.0.points"
    graded = exams.as_("teacher").post(path, json={"answers": [mark], "feedback": "Well done."})
    assert graded.status == 200, graded.body
    assert (graded.data["status"], graded.data["score"], graded.data["percent"]) == ("graded", 4.5, 90)
    assert [hook for hook, _args in exams.hooks(done["id"])][1:] == ["learnomy_quiz_graded", "learnomy_quiz_passed"]
    again = exams.as_("teacher").post(path, json={"answers": [{"position": 2, "points": 0}]})
    assert (again.data["score"], again.data["passed"]) == (1, False)
    assert len(exams.hooks(done["id"])) == 3
    assert exams.as_("student").get(f"/quizzes/{quiz['id']}").data["passed"] is False
    read = exams.attempt(done["id"])
    assert (read["feedback_html"], read["questions"][1]["feedback_html"]) == ("Well done.", "<p>Good </p>")
    assert read["questions"][1]["rubric"] == {"style": "fine"}


def test_what_still_goes_on_is_not_graded(exams: Exams) -> None:
    quiz = exams.in_course(questions=[essay()])
    attempt = exams.start(quiz["id"])
    answer = exams.as_("teacher").post(f"/quiz-attempts/{attempt['id']}/grade", json={"answers": []})
    assert (answer.status, answer.code) == (409, "attempt_open")


def test_a_blank_essay_waits_for_nobody(exams: Exams) -> None:
    quiz = exams.in_course(questions=[essay()])
    assert exams.submit(exams.start(quiz["id"])["id"])["status"] == "graded"


def test_attempts_are_listed_to_whom_they_concern(exams: Exams) -> None:
    quiz = exams.in_course(questions=[single()])
    mine = exams.take(quiz["id"], right=1)
    exams.enrol(quiz["course_id"], "student2")
    theirs = exams.take(quiz["id"], "student2")

    def seen(who: str, query: str = "") -> list[int]:
        answer = exams.as_(who).get(f"/quiz-attempts?quiz_id={quiz['id']}{query}")
        assert answer.status == 200, answer.body
        assert answer.body["meta"]["total"] == len(answer.data)
        return sorted(row["id"] for row in answer.data)

    both = sorted([mine["id"], theirs["id"]])
    assert seen("student") == [mine["id"]]
    assert seen("student", f"&user_id={exams.ids['student2']}") == []
    assert seen("teacher") == seen("admin") == both
    assert seen("teacher", f"&user_id={exams.ids['student2']}") == [theirs["id"]]
    assert seen("teacher2") == []
    assert seen("teacher", "&status=graded") == both
    for who, wanted in (("student", {mine["id"]}), ("teacher", set(both))):
        rows = exams.as_(who).get("/quiz-attempts?per_page=100").data
        assert wanted <= {row["id"] for row in rows}
    for_student = exams.as_("student").get("/quiz-attempts?per_page=100").data
    assert {row["user_id"] for row in for_student} == {exams.ids["student"]}


# --- overrides ---------------------------------------------------------------------------


def override(exams: Exams, quiz_id: int, who: str = "student", **given: Any) -> Row:
    body = {"overrides": [{"user_id": exams.ids[who], **given}]}
    answer = exams.as_("teacher").patch(f"/quizzes/{quiz_id}", json=body)
    assert answer.status == 200, answer.body
    return dict(answer.data)


def test_extra_time_moves_an_open_attempt_too(exams: Exams) -> None:
    quiz = exams.in_course(questions=[single()], time_limit_seconds=60)
    began = from_now(seconds=2)
    with exams.at(began):
        attempt = exams.start(quiz["id"])
        shown = override(exams, quiz["id"], extra_time_seconds=600)
        assert [item["extra_time_seconds"] for item in shown["overrides"]] == [600]
        assert exams.attempt(attempt["id"])["seconds_left"] == 660
        assert exams.as_("student").get(f"/quizzes/{quiz['id']}").data["time_limit_seconds"] == 660
        assert exams.as_("student").get(f"/quizzes/{quiz['id']}").data["overrides"] is None
    with exams.at(began + timedelta(seconds=120)):
        exams.end_due()
        assert exams.attempt(attempt["id"])["status"] == "in_progress"
        shown = override(exams, quiz["id"], remove=True)
        assert shown["overrides"] == []
        exams.end_due()
        assert exams.attempt(attempt["id"])["status"] == "graded"


def test_extra_attempts_and_other_dates(exams: Exams) -> None:
    closed = text(from_now(hours=-1))
    quiz = exams.in_course(questions=[single()], attempt_limit=1, closes_at=closed)
    student, path = exams.as_("student"), f"/quizzes/{quiz['id']}/attempts"
    assert student.post(path).code == "quiz_closed"
    override(exams, quiz["id"], closes_at=text(from_now(hours=1)), extra_attempts=1)
    exams.take(quiz["id"])
    exams.take(quiz["id"])
    assert student.post(path).code == "attempt_limit_reached"


def test_reset_attempts_count_no_more(exams: Exams) -> None:
    quiz = exams.in_course(questions=[single()], attempt_limit=1, passing_percent=50)
    done = exams.take(quiz["id"], right=1)
    assert exams.as_("student").get(f"/quizzes/{quiz['id']}").data["passed"] is True
    override(exams, quiz["id"], reset_attempts=True)
    read = exams.as_("student").get(f"/quizzes/{quiz['id']}").data
    assert (read["attempts_used"], read["attempts_left"], read["best_percent"]) == (0, 1, None)
    progress = exams.as_("student").get(f"/courses/{quiz['course_id']}/progress").data
    assert progress["quizzes_passed"] == 0
    assert exams.attempt(done["id"])["is_voided"] is True
    assert exams.take(quiz["id"])["number"] == 2


def test_overrides_are_for_students_of_the_course(exams: Exams) -> None:
    quiz = exams.in_course(questions=[single()])
    body = {"overrides": [{"user_id": exams.ids["student3"]}]}
    answer = exams.as_("teacher").patch(f"/quizzes/{quiz['id']}", json=body)
    assert (answer.status, answer.body["error"]["details"][0]["field"]) == (422, "overrides.0.user_id")


# --- nothing that is edited changes a grade -----------------------------------------------


def edit(exams: Exams, slot: Row, body: Row) -> Row:
    """Change a question through the bank."""
    answer = exams.as_("teacher").patch(f"/questions/{slot['question']['id']}", json=body)
    assert answer.status == 200, answer.body
    return dict(answer.data)


def flipped(slot: Row) -> Row:
    """The content of a single choice with another right answer."""
    answers = [dict(answer) for answer in slot["question"]["content"]["answers"]]
    for answer in answers:
        answer["fraction"] = 0
    answers[1]["fraction"] = 1
    return {**slot["question"]["content"], "answers": answers}


def test_edits_change_no_open_or_past_grade(exams: Exams) -> None:
    quiz = exams.in_course(questions=[single(), single()], passing_percent=50)
    slot = quiz["slots"][0]
    past = exams.take(quiz["id"], right=2)
    going_on = exams.start(quiz["id"])
    edit(exams, slot, {"content": flipped(slot)})
    changes = {"passing_percent": 100, "slots": [{"id": quiz["slots"][1]["id"]}], "mode": "practice"}
    answer = exams.as_("teacher").patch(f"/quizzes/{quiz['id']}", json=changes)
    assert answer.status == 200, answer.body
    assert answer.data["question_count"] == 1
    assert exams.attempt(past["id"])["percent"] == 100
    items = []
    for question, wanted in zip(going_on["questions"], (RIGHT, WRONG), strict=True):
        items.append({"position": question["position"], "sequence": 1, "answer": pick(question, wanted)})
    assert exams.as_("teacher").delete(f"/quizzes/{quiz['id']}").status == 200
    assert exams.as_("student").get(f"/quizzes/{quiz['id']}").status == 404
    done = exams.submit(going_on["id"], answers=items)
    assert (done["percent"], done["passed"], done["mode"]) == (50, True, "graded")
    restored = exams.as_("teacher").patch(f"/quizzes/{quiz['id']}", json={"status": "published"})
    assert restored.status == 200
    assert exams.attempt(past["id"])["percent"] == 100


# --- regrading ---------------------------------------------------------------------------


def test_a_regrade_is_shown_first_and_keeps_both_versions(exams: Exams) -> None:
    quiz = exams.in_course(questions=[single(), single()], passing_percent=100)
    slot = quiz["slots"][0]
    right, wrong = exams.take(quiz["id"], right=2), exams.take(quiz["id"], right=0)
    edit(exams, slot, {"content": flipped(slot)})
    path = f"/quizzes/{quiz['id']}/regrade"
    started = exams.as_("teacher").post(path, json={"dry_run": True})
    job = made(started)
    assert started.headers["Location"].endswith(f"/jobs/{job['job_id']}")
    report = run(exams, job)
    moves = {move["attempt_id"]: (move["from_percent"], move["to_percent"]) for move in report["moves"]}
    assert (report["attempts"], report["moved"], report["dry_run"]) == (2, 2, True)
    assert moves == {right["id"]: (100, 50), wrong["id"]: (0, 50)}
    assert exams.attempt(right["id"])["percent"] == 100
    assert run(exams, made(exams.as_("teacher").post(path, json={})))["moved"] == 2
    after = exams.attempt(right["id"], "teacher")
    assert (after["percent"], after["passed"]) == (50, False)
    first = after["questions"][0]["staff"]
    assert first["regraded_from"] != first["version_id"]
    assert after["regrades"][0]["versions"] == [
        {"position": 1, "from": first["regraded_from"], "to": first["version_id"]}
    ]
    assert exams.attempt(right["id"])["regrades"] is None
    assert exams.as_("student").get(f"/quizzes/{quiz['id']}").data["passed"] is False
    assert run(exams, made(exams.as_("teacher").post(path, json={})))["moved"] == 0
    assert len(exams.attempt(right["id"], "teacher")["regrades"]) == 1


def test_a_regrade_with_an_unchanged_key_changes_nothing_and_keeps_what_people_gave(exams: Exams) -> None:
    quiz = exams.in_course(questions=[single(), essay()])
    done = exams.take(quiz["id"], right=0)
    mark = {"answers": [{"position": 1, "points": 1}, {"position": 2, "points": 2}]}
    assert exams.as_("teacher").post(f"/quiz-attempts/{done['id']}/grade", json=mark).status == 200
    before = (exams.stored(done["id"]), exams.answers(done["id"]))
    report = run(exams, made(exams.as_("teacher").post(f"/quizzes/{quiz['id']}/regrade", json={})))
    assert (report["attempts"], report["moved"]) == (1, 0)
    assert (exams.stored(done["id"]), exams.answers(done["id"])) == before


def test_open_attempts_are_moved_to_a_fixed_question_on_purpose(exams: Exams) -> None:
    quiz = exams.in_course(questions=[single(), single()], passing_percent=100)
    slot = quiz["slots"][0]
    attempt = exams.start(quiz["id"])
    question = attempt["questions"][0]
    item = {"position": 1, "sequence": 1, "answer": pick(question, f"{WRONG} 0")}
    assert exams.save(attempt["id"], [item]).status == 200
    changed = edit(exams, slot, {"content": flipped(slot), "prompt": "Which one?"})
    path = f"/quizzes/{quiz['id']}/regrade"
    assert run(exams, made(exams.as_("teacher").post(path, json={})))["attempts"] == 0
    assert exams.attempt(attempt["id"])["questions"][0]["prompt_html"] != changed["prompt_html"]
    assert run(exams, made(exams.as_("teacher").post(path, json={"include_open": True})))["open"] == 1
    moved = exams.attempt(attempt["id"])["questions"][0]
    assert (moved["prompt_html"], moved["answer"]) == (changed["prompt_html"], item["answer"])
    last = attempt["questions"][1]
    done = exams.submit(attempt["id"], answers=[{"position": 2, "sequence": 1, "answer": pick(last, RIGHT)}])
    assert done["percent"] == 100


# --- statistics --------------------------------------------------------------------------


def test_statistics_are_counted_once_a_minute(exams: Exams) -> None:
    course = exams.course(published=True)
    people = ["student", "student2", "student3", "subscriber"]
    for who in people:
        exams.enrol(course["id"], who)
    quiz = exams.quiz(course_id=course["id"], questions=[single("First"), single("Second"), single("Third")])
    path = f"/quizzes/{quiz['id']}/statistics"
    empty = exams.as_("teacher").get(path).data
    assert (empty["counted_at"], empty["questions"]) == (None, [])
    for who, right in zip(people, (3, 2, 1, 0), strict=True):
        exams.take(quiz["id"], who, right=right)
    with exams.at(from_now(seconds=61)):
        assert exams.run_jobs() >= 1
        found = exams.as_("teacher").get(path).data
        assert exams.as_("student").get(path).status == 403
    assert (found["graded_count"], found["average_percent"]) == (4, 50)
    first, second, third = found["questions"]
    assert [item["facility"] for item in found["questions"]] == [75, 50, 25]
    # First is right with 2, 1, 0 points elsewhere and wrong with 0; and so on: by hand.
    assert first["discrimination"] == pytest.approx(0.5222, abs=1e-3)
    assert second["discrimination"] == pytest.approx(0.7071, abs=1e-3)
    assert third["discrimination"] == pytest.approx(0.5222, abs=1e-3)
    assert {item["choice"]: item["count"] for item in first["choices"]}[RIGHT] == 3


def test_reading_statistics_is_one_row_whatever_was_taken(exams: Exams) -> None:
    quiz = exams.in_course(questions=[single()])
    for _ in range(3):
        exams.take(quiz["id"])
    with exams.queries() as sent:
        assert exams.as_("teacher").get(f"/quizzes/{quiz['id']}/statistics").status == 200
    read = [statement for statement in sent if "quiz" in statement]
    assert len(read) == 2, read  # the rule's and the quiz's own
    assert not any("attempt_answers" in statement for statement in read)


def test_versions_are_frozen_once_given(exams: Exams) -> None:
    quiz = exams.in_course(questions=[single()])
    slot = quiz["slots"][0]
    edit(exams, slot, {"title": "Before"})
    before = exams.row(questions, slot["question"]["id"])
    exams.start(quiz["id"])
    edit(exams, slot, {"content": flipped(slot)})
    after = exams.row(questions, slot["question"]["id"])
    assert before is not None
    assert after is not None
    assert (before["version_count"], after["version_count"]) == (1, 2)
    stored = exams.row(quizzes, quiz["id"])
    assert stored is not None
    assert stored["question_count"] == 1
