"""The quizzes of the school: one in each course, some that are locked or open to all, and attempts of several people.

`P.quiz` and so on; `P.attempt` is the enrolled student's and waits for a grade, `P.open` goes on, `P.others_attempt`,
`F.attempt` and `D.attempt` are other people's or of withdrawn courses; `P.slot`, `P.slot_question`, `P.slot_version`.
"""

from __future__ import annotations

from typing import Any

from tests.courses.school import School, made

Row = dict[str, Any]
CHOICES = {"answers": [{"text_html": "Right", "fraction": 1}, {"text_html": "Wrong"}]}


def build_quizzes(school: School, ids: dict[str, int]) -> None:
    """All of them, while every course is still published."""
    for name in "PDNVAXFG":
        who = "teacher2" if name in "FG" else "teacher"
        quiz = _quiz(school, who, course_id=ids[name], section_id=ids[f"{name}.section"])
        ids[f"{name}.quiz"] = quiz["id"]
        slot = quiz["slots"][0]
        ids[f"{name}.slot"], ids[f"{name}.slot_question"] = slot["id"], slot["question"]["id"]
        ids[f"{name}.slot_version"] = slot["question"]["version_id"]
    in_course = {"course_id": ids["P"]}
    ids["P.second_quiz"] = _quiz(school, "teacher", **in_course)["id"]
    ids["P.draft_quiz"] = _quiz(school, "teacher", **in_course, status="draft", title="A draft")["id"]
    ids["P.preview_quiz"] = _quiz(school, "teacher", **in_course, lesson_id=ids["P.preview"])["id"]
    ids["P.locked_quiz"] = _quiz(school, "teacher", **in_course, lesson_id=ids["P.locked"])["id"]
    ids["P.trashed_quiz"] = _quiz(school, "teacher", **in_course)["id"]
    assert school.as_("teacher").delete(f"/quizzes/{ids['P.trashed_quiz']}").status == 200
    ids["alone"] = _quiz(school, "teacher")["id"]
    ids["F.alone"] = _quiz(school, "teacher2")["id"]
    ids["P.attempt"] = _attempt(school, ids["P.quiz"], "student")
    ids["D.attempt"] = _attempt(school, ids["D.quiz"], "student")
    ids["P.others_attempt"] = _attempt(school, ids["P.quiz"], "student3")
    ids["F.attempt"] = _attempt(school, ids["F.quiz"], "student3")
    ids["P.open"] = _attempt(school, ids["P.second_quiz"], "student", submits=False)


def _quiz(school: School, who: str, **body: Any) -> Row:
    """A published quiz of a choice and an essay."""
    given = {"title": "A quiz", "status": "published", "content": "<p>About</p>", **body}
    quiz = made(school.as_(who).post("/quizzes", json=given))
    choice = {"type": "single_choice", "title": "Which?", "prompt": "Which?", "content": CHOICES}
    essay = {"type": "essay", "title": "Why?", "prompt": "Why?", "content": {}}
    path = f"/quizzes/{quiz['id']}/questions"
    return {**quiz, "slots": [made(school.as_(who).post(path, json={"question": each})) for each in (choice, essay)]}


def _attempt(school: School, quiz_id: int, who: str, *, submits: bool = True) -> int:
    session = school.as_(who)
    attempt = made(session.post(f"/quizzes/{quiz_id}/attempts"))
    item = {"position": 2, "sequence": 1, "answer": "Because."}
    path = f"/quiz-attempts/{attempt['id']}"
    assert session.put(f"{path}/answers", json={"answers": [item]}).status == 200
    if submits:
        assert session.post(f"{path}/submit").status == 200
    return int(attempt["id"])
