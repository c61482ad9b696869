"""Quizzes and their places: created, changed, ordered, trashed; large ones in few statements."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from sqlalchemy import insert, select

from learnomy_wp.kernel import clock, db
from learnomy_wp.quizzes.rules import MODES, ON_LATE, SCORE_POLICIES
from tests.courses.school import made, of_resource
from tests.processor import processor_seconds
from tests.quizzes.exam import Exams, from_now, single, text
from wp_schema.tables import question_versions, questions, quiz_slots, quizzes

Row = dict[str, Any]


def errors(answer: Any) -> list[str]:
    assert answer.status == 422, answer.body
    return [detail["field"] for detail in answer.body["error"]["details"]]


# --- the quiz ----------------------------------------------------------------------------


def test_a_quiz_keeps_every_field(exams: Exams) -> None:
    course = exams.filled()
    body = {
        "title": "The  whole quiz",
        "course_id": course["id"],
        "lesson_id": course["lessons"][0],
        "content": "<p>About</p>",
        "mode": "practice",
        "template": "classic",
        "opens_at": text(from_now(days=1)),
        "closes_at": text(from_now(days=2)),
        "cooldown_seconds": 60,
        "attempt_limit": 3,
        "access_code": "Sesame",
        "time_limit_seconds": 900,
        "grace_seconds": 5,
        "on_late": "count",
        "passing_percent": 62.5,
        "shuffle_questions": True,
        "shuffle_answers": True,
        "one_per_page": False,
        "allow_back": False,
        "score_policy": "average",
        "is_required": False,
        "drip_days": 3,
    }
    quiz = made(exams.as_("teacher").post("/quizzes", json=body))
    for name, value in body.items():
        if name not in ("title", "content", "opens_at", "closes_at"):
            assert quiz[name] == value, name
    assert (quiz["title"], quiz["slug"], quiz["status"]) == ("The whole quiz", "the-whole-quiz", "draft")
    assert (quiz["content_html"], quiz["section_id"]) == ("<p>About</p>", course["section"])
    second = made(exams.as_("teacher").post("/quizzes", json=body))
    assert second["slug"] == "the-whole-quiz-2"
    listed = exams.as_("teacher").get(f"/quizzes?course_id={course['id']}&sort=title")
    assert [row["id"] for row in listed.data] == [quiz["id"], second["id"]]
    assert listed.data[0]["course"]["id"] == course["id"]
    changed = exams.as_("teacher").patch(f"/quizzes/{quiz['id']}", json={"lesson_id": None, "status": "published"})
    assert (changed.data["lesson_id"], changed.data["status"]) == (None, "published")
    assert exams.as_("teacher").get(f"/courses/{course['id']}").data["quiz_count"] == 1


def test_what_does_not_fit_is_refused_by_its_name(exams: Exams) -> None:
    course, other = exams.filled(), exams.filled("teacher2")
    teacher = exams.as_("teacher")

    def refused(**body: Any) -> list[str]:
        return errors(teacher.post("/quizzes", json={"title": "A quiz", **body}))

    assert refused(course_id=other["id"]) == ["course_id"]
    assert refused(course_id=999_999) == ["course_id"]
    assert refused(course_id=course["id"], section_id=other["section"]) == ["section_id"]
    assert refused(course_id=course["id"], lesson_id=other["lessons"][0]) == ["lesson_id"]
    assert refused(section_id=course["section"]) == ["section_id"]
    assert refused(opens_at=text(from_now(days=2)), closes_at=text(from_now(days=1))) == ["closes_at"]
    assert refused(attempt_limit=0) == ["attempt_limit"]
    assert refused(passing_percent=101) == ["passing_percent"]
    assert refused(unheard_of=1) == ["unheard_of"]
    assert exams.as_("student").post("/quizzes", json={"title": "A quiz"}).status == 403


def test_every_pair_of_settings_is_taken_and_kept(exams: Exams) -> None:
    """No setting is refused for another: a score policy with unlimited attempts, no way back on one page, and so on."""
    choices: dict[str, tuple[Any, ...]] = {
        "mode": MODES,
        "on_late": ON_LATE,
        "score_policy": SCORE_POLICIES,
        "attempt_limit": (None, 1),
        "time_limit_seconds": (None, 60),
        "cooldown_seconds": (None, 60),
        "one_per_page": (True, False),
        "allow_back": (True, False),
        "shuffle_questions": (True, False),
        "access_code": (None, "Sesame"),
    }
    quiz = exams.quiz()
    for first, second in itertools.combinations(choices, 2):
        for one, other in itertools.product(choices[first], choices[second]):
            answer = exams.as_("teacher").patch(f"/quizzes/{quiz['id']}", json={first: one, second: other})
            assert answer.status == 200, (first, one, second, other, answer.body)
            assert (answer.data[first], answer.data[second]) == (one, other)


def test_versions_guard_against_lost_edits(exams: Exams) -> None:
    quiz = exams.quiz()
    path, teacher = f"/quizzes/{quiz['id']}", exams.as_("teacher")
    tag = teacher.get(path).headers["ETag"]
    assert teacher.patch(path, json={"title": "One"}, headers={"If-Match": tag}).status == 200
    assert teacher.patch(path, json={"title": "Two"}, headers={"If-Match": tag}).status == 412
    before = teacher.get(path).headers["ETag"].strip('"').partition(".")[0]
    exams.take(exams.quiz(questions=[single()])["id"])
    assert teacher.get(path).headers["ETag"].strip('"').partition(".")[0] == before


def test_the_trash_and_the_way_back(exams: Exams) -> None:
    quiz = exams.in_course(questions=[single()])
    path, teacher = f"/quizzes/{quiz['id']}", exams.as_("teacher")
    assert exams.as_("co").delete(path).status == 403
    assert teacher.delete(path).data == {"id": quiz["id"], "deleted": True}
    assert teacher.delete(path).status == 200
    assert teacher.get(path).status == exams.as_("student").get(path).status == 404
    assert teacher.patch(path, json={"title": "Another"}).code == "in_trash"
    listed = teacher.get("/quizzes?status=trash&per_page=100").data
    assert quiz["id"] in [row["id"] for row in listed]
    with exams.at(from_now(days=31)):
        assert exams.as_("teacher").patch(path, json={"status": "draft"}).code == "trash_expired"
    assert teacher.patch(path, json={"status": "published"}).status == 200
    assert exams.as_("student").get(path).status == 200


def test_lists_hold_what_the_caller_is_staff_of(exams: Exams) -> None:
    own, foreign = exams.quiz(), exams.quiz("teacher2")
    ids = {row["id"] for row in exams.as_("teacher").get("/quizzes?standalone=true&per_page=100").data}
    assert own["id"] in ids
    assert foreign["id"] not in ids
    everything = exams.as_("admin").get("/quizzes?standalone=true&per_page=100")
    assert {own["id"], foreign["id"]} <= {row["id"] for row in everything.data}
    assert exams.as_("student").get("/quizzes").data == []
    first = exams.as_("admin").get("/quizzes?per_page=2")
    after = exams.as_("admin").get(f"/quizzes?per_page=2&cursor={first.body['meta']['cursor_next']}")
    assert not {row["id"] for row in first.data} & {row["id"] for row in after.data}


# --- places ------------------------------------------------------------------------------


def test_places_are_added_ordered_and_taken_out(exams: Exams) -> None:
    quiz = exams.quiz(questions=[single("One", points=2), single("Two")])
    path = f"/quizzes/{quiz['id']}/questions"
    third = exams.ask(quiz["id"], single("Three"), position=0, page=2, heading="Part", points=5)
    titles = [slot["question"]["title"] for slot in exams.as_("teacher").get(path).data]
    assert titles == ["Three", "One", "Two"]
    assert third["points"] == 5
    assert exams.as_("teacher").get(f"/quizzes/{quiz['id']}").data["max_score"] == 8
    assert exams.as_("student").get(path).status == 403
    one, two = quiz["slots"]
    order = {"slots": [{"id": two["id"], "points": 3}, {"id": third["id"], "heading": None}]}
    changed = exams.as_("teacher").patch(f"/quizzes/{quiz['id']}", json=order)
    assert (changed.data["question_count"], changed.data["max_score"]) == (2, 8)
    slots = exams.as_("teacher").get(path).data
    assert [(slot["id"], slot["position"], slot["heading"]) for slot in slots] == [
        (two["id"], 0, None),
        (third["id"], 1, None),
    ]
    used = {row["id"]: row["use_count"] for row in exams.rows(select(questions.c.id, questions.c.use_count))}
    assert (used[one["question"]["id"]], used[two["question"]["id"]]) == (0, 1)


def test_nothing_of_others_gets_into_a_quiz(exams: Exams) -> None:
    quiz, foreign = exams.quiz(questions=[single()]), exams.quiz("teacher2", questions=[single()])
    teacher, path = exams.as_("teacher"), f"/quizzes/{quiz['id']}/questions"
    before = exams.rows(select(quiz_slots).order_by(quiz_slots.c.id))
    theirs = foreign["slots"][0]
    assert errors(teacher.post(path, json={"question_id": theirs["question"]["id"]})) == ["question_id"]
    assert errors(teacher.post(path, json={"question_id": 999_999})) == ["question_id"]
    assert errors(teacher.post(path, json={"draw": {"category_id": 999_999, "count": 1}})) == ["draw.category_id"]
    assert errors(teacher.post(path, json={})) == ["question_id"]
    order = {"slots": [{"id": quiz["slots"][0]["id"]}, {"id": theirs["id"]}]}
    assert errors(teacher.patch(f"/quizzes/{quiz['id']}", json=order)) == ["slots.1.id"]
    pinned = {"slots": [{"id": quiz["slots"][0]["id"], "version_id": theirs["question"]["version_id"]}]}
    assert errors(teacher.patch(f"/quizzes/{quiz['id']}", json=pinned)) == ["slots.0.version_id"]
    twice = {"slots": [{"id": quiz["slots"][0]["id"]}] * 2}
    assert errors(teacher.patch(f"/quizzes/{quiz['id']}", json=twice)) == ["slots.1.id"]
    assert exams.rows(select(quiz_slots).order_by(quiz_slots.c.id)) == before
    again = teacher.post(path, json={"question_id": quiz["slots"][0]["question"]["id"]})
    assert (again.status, again.code) == (409, "question_in_quiz")
    wrong = teacher.post(path, json={"question": {**single(), "content": {"answers": []}}})
    assert errors(wrong)[0].startswith("question.content")


def test_a_draw_takes_other_questions_than_the_quiz_has(exams: Exams) -> None:
    course = exams.course(published=True)
    exams.enrol(course["id"])
    bank = [{**single(f"Bank {number}"), "course_id": course["id"], "tags": ["pool"]} for number in range(5)]
    ids = [made(exams.as_("teacher").post("/questions", json=question))["id"] for question in bank]
    quiz = exams.quiz(course_id=course["id"])
    path = f"/quizzes/{quiz['id']}/questions"
    made(exams.as_("teacher").post(path, json={"question_id": ids[0]}))
    drawn = made(exams.as_("teacher").post(path, json={"draw": {"count": 3, "tags": ["pool"]}, "points": 2}))
    assert drawn["draw"]["count"] == 3
    assert exams.as_("teacher").get(f"/quizzes/{quiz['id']}").data["question_count"] == 4
    seen = set()
    for _ in range(8):
        attempt = exams.start(quiz["id"])
        rows = exams.answers(attempt["id"])
        assert len({row["question_id"] for row in rows}) == 4
        assert rows[0]["question_id"] == ids[0]
        assert attempt["max_score"] == 7
        seen.add(tuple(sorted(row["question_id"] for row in rows[1:])))
        exams.submit(attempt["id"])
    assert len(seen) > 1


def test_questions_are_shuffled_and_paged_as_the_quiz_says(exams: Exams) -> None:
    quiz = exams.quiz(questions=[single(f"Question {number}") for number in range(8)], shuffle_questions=True)
    orders = set()
    for _ in range(5):
        attempt = exams.start(quiz["id"])
        orders.add(tuple(question["prompt_html"] for question in attempt["questions"]))
        assert [question["page"] for question in attempt["questions"]] == list(range(1, 9))
        exams.submit(attempt["id"])
    assert len(orders) > 1
    whole = exams.quiz(questions=[single(), single()], one_per_page=False)
    assert [question["page"] for question in exams.start(whole["id"])["questions"]] == [1, 1]


def test_a_copied_course_has_quizzes_that_can_be_taken_at_once(exams: Exams) -> None:
    course = exams.filled()
    exams.quiz(course_id=course["id"], section_id=course["section"], questions=[single(), single()])
    made(exams.as_("teacher").post(f"/courses/{course['id']}/duplicate"))
    exams.run_jobs()
    copies = select(quizzes.c.id, quizzes.c.course_id).order_by(quizzes.c.id.desc()).limit(1)
    copy = exams.rows(copies)[0]
    assert copy["course_id"] != course["id"]
    assert exams.as_("teacher").post(f"/courses/{copy['course_id']}/publish").status == 200
    exams.enrol(copy["course_id"])
    changed = exams.as_("teacher").patch(f"/quizzes/{copy['id']}", json={"status": "published"})
    assert changed.data["question_count"] == 2
    extra = {"overrides": [{"user_id": exams.ids["student"], "extra_attempts": 1}]}
    assert exams.as_("teacher").patch(f"/quizzes/{copy['id']}", json=extra).status == 200
    assert exams.take(copy["id"], right=2)["percent"] == 100


# --- size --------------------------------------------------------------------------------


def fill(exams: Exams, quiz_id: int, count: int) -> None:
    """So many questions with places in a quiz, written straight into the tables."""
    now, teacher = clock.now(), exams.ids["teacher"]
    content = {
        "answers": [
            {"id": str(n), "text_html": f"Answer {n}", "fraction": float(n == 0), "feedback_html": ""} for n in range(4)
        ],
        "shuffle": True,
    }
    times = {"created_at": now, "updated_at": now}

    def write() -> None:
        ids, rows = [], []
        for number in range(count):
            row = {"author_id": teacher, "type": "single_choice", "title": f"Q {number}", "sort_title": f"q {number}"}
            question_id = db.insert_id(db.execute(insert(questions), {**row, "version_count": 1, **times}))
            ids.append(question_id)
            version = {"question_id": question_id, "number": 1, "type": "single_choice", "prompt_raw": "What is it?"}
            version |= {"prompt_html": "What is it?", "content": content, "content_hash": "x", "created_by": teacher}
            version_id = db.insert_id(db.execute(insert(question_versions), {**version, **times}))
            current = questions.update().where(questions.c.id == question_id)
            db.execute(current.values(current_version_id=version_id))
            rows.append({"quiz_id": quiz_id, "position": number, "question_id": question_id, **times})
        db.execute(insert(quiz_slots), rows)

    with exams.api.inside():
        db.transaction(write)


@pytest.fixture(scope="module")
def costs() -> dict[str, dict[int, int]]:
    """How many statements each act took, by the number of questions."""
    return {}


@pytest.mark.parametrize("count", [60, 300, 800])
def test_large_quizzes_load_and_save_within_a_second(
    exams: Exams, costs: dict[str, dict[int, int]], count: int
) -> None:
    quiz = exams.quiz()
    fill(exams, quiz["id"], count)
    teacher, path = exams.as_("teacher"), f"/quizzes/{quiz['id']}"
    slots = teacher.get(f"{path}/questions").data
    order = {"slots": [{"id": slot["id"], "points": 2} for slot in reversed(slots)]}
    acts = {
        "load": lambda: teacher.get(f"{path}/questions"),
        "read": lambda: teacher.get(path),
        "save": lambda: teacher.patch(path, json=order),
        "start": lambda: teacher.post(f"{path}/attempts"),
    }
    engine = "sqlite" if exams.api.runtime.database.is_sqlite else "mariadb"
    for name, act in acts.items():
        with exams.queries() as sent, processor_seconds() as seconds:
            answer = act()
            taken = seconds()
        assert answer.status in (200, 201), answer.body
        assert taken < 1, name
        known = costs.setdefault(f"{engine} {name}", {})
        known[count] = len(of_resource(sent))
        assert len(set(known.values())) == 1, (name, known)
    assert len(slots) == count
    assert [slot["id"] for slot in teacher.get(f"{path}/questions").data] == [slot["id"] for slot in reversed(slots)]


def test_an_attempt_of_forty_questions_costs_few_statements(exams: Exams) -> None:
    quiz = exams.in_course()
    fill(exams, quiz["id"], 40)
    attempt = exams.start(quiz["id"])
    item = {"position": 7, "sequence": 1, "answer": attempt["questions"][6]["content"]["choices"][0]["id"]}
    exams.save(attempt["id"], [item])
    with exams.queries() as sent:
        assert exams.save(attempt["id"], [{**item, "sequence": 2}]).status == 200
    assert len(of_resource(sent)) <= 5, sent
    many = [
        {"position": asked["position"], "sequence": 3, "answer": asked["content"]["choices"][1]["id"]}
        for asked in attempt["questions"]
    ]
    with exams.queries() as sent:
        saved = exams.save(attempt["id"], many)
    assert {item["outcome"] for item in saved.data["answers"]} == {"saved"}
    assert len(of_resource(sent)) <= (5 if not exams.api.runtime.database.is_sqlite else 5 + len(many)), sent
    with exams.queries() as sent:
        exams.submit(attempt["id"])
    assert len(of_resource(sent)) <= 25, sent


def test_what_staff_tried_goes_with_a_course_that_is_deleted_for_good(exams: Exams) -> None:
    course = exams.course(published=True)
    quiz = exams.quiz(course_id=course["id"], questions=[single()])
    attempt = exams.start(quiz["id"], "teacher")
    assert exams.as_("teacher").delete(f"/courses/{course['id']}").status == 200
    removed = exams.as_("admin").delete(f"/courses/{course['id']}?force=true")
    assert removed.status == 200, removed.body
    assert exams.row(quizzes, quiz["id"]) is None
    assert exams.answers(attempt["id"]) == []
    assert exams.as_("teacher").get("/quiz-attempts?per_page=100").status == 200
