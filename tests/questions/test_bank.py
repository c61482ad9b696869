"""Questions through the API: creating, changing, versions, the trash."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from learnomy_wp.kernel import db
from learnomy_wp.questions import versions
from tests.questions.bank import CONTENTS, Bank, example
from wp_schema.tables import question_versions, questions, terms


def answered(bank: Bank, question: dict[str, Any]) -> None:
    """As if somebody had been given the question."""
    with bank.api.inside():
        db.transaction(lambda: versions.mark_answered([question["version_id"]]))


def versions_of(bank: Bank, question_id: int) -> list[dict[str, Any]]:
    wanted = select(question_versions).where(question_versions.c.question_id == question_id)
    return bank.rows(wanted.order_by(question_versions.c.number))


def fields(answer: Any) -> set[str]:
    assert answer.status == 422, answer.body
    return {detail["field"] for detail in answer.body["error"]["details"]}


@pytest.mark.parametrize("kind", CONTENTS)
def test_a_question_of_each_type_is_created_and_read(bank: Bank, kind: str) -> None:
    body = example(
        type=kind,
        points=2.5,
        difficulty="hard",
        tags=["algebra", "Unit 1", "algebra"],
        category="Maths/Sets",
        hints=["<b>Look</b>", "Again<script>x</script>"],
        feedback={"general_html": "G", "correct_html": "<p>Yes</p>"},
        idnumber="Q-1",
        rubric=[{"id": "style", "title": "Style", "levels": [{"title": "Good", "points": 1}]}],
    )
    answer = bank.as_("teacher").post("/questions", json=body)
    assert answer.status == 201, answer.body
    made = answer.data
    assert answer.headers["Location"].endswith(f"/learnomy/v1/questions/{made['id']}")
    listed = bank.as_("teacher").get(f"/questions?ids={made['id']}").data
    assert listed == [made]
    assert made["tags"] == ["algebra", "Unit 1"]
    assert made["category"]["path"] == "Maths/Sets"
    assert made["hints"] == ["<b>Look</b>", "Again"]
    assert made["feedback"] == {"general_html": "G", "correct_html": "<p>Yes</p>"}
    assert (made["version_number"], made["version_count"], made["is_answered"]) == (1, 1, False)
    assert (made["points"], made["difficulty"], made["idnumber"]) == (2.5, "hard", "Q-1")
    assert made["author_id"] == bank.ids["teacher"]
    assert "{}" not in str(made)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"type": "guess"}, {"type"}),
        ({"type": None}, {"type"}),
        ({"content": {}}, {"content.answers"}),
        (
            {"content": {"answers": [{"text_html": "a", "fraction": 7}, {"text_html": "b"}]}},
            {"content.answers.0.fraction"},
        ),
        ({"content": {"answers": [{"text_html": "a"}, {"text_html": 5}]}}, {"content.answers.1.text_html"}),
        ({"content": None}, {"content"}),
        ({"title": ""}, {"title"}),
        ({"title": "x" * 256}, {"title"}),
        ({"points": -1}, {"points"}),
        ({"points": "many"}, {"points"}),
        ({"difficulty": "impossible"}, {"difficulty"}),
        ({"category_id": 999_999}, {"category_id"}),
        ({"category": "/".join("abcdefghijk")}, {"category"}),
        ({"category": "A", "category_id": 1}, {"category"}),
        ({"course_id": 999_999}, {"course_id"}),
        ({"tags": ["x"] * 51}, {"tags"}),
        ({"tags": [""]}, {"tags.0"}),
        ({"hints": ["x"] * 21}, {"hints"}),
        ({"status": "trash"}, {"status"}),
        ({"author_id": 1}, {"author_id"}),
        ({"is_answered": False}, {"is_answered"}),
        ({"feedback": {"html": "x"}}, {"feedback.html"}),
    ],
)
def test_what_does_not_fit_is_refused_with_its_field(bank: Bank, changes: dict[str, Any], wrong: set[str]) -> None:
    before = len(bank.rows(select(questions.c.id)))
    assert fields(bank.as_("teacher").post("/questions", json={**example(), **changes})) == wrong
    assert len(bank.rows(select(questions.c.id))) == before


def test_what_is_missing_is_named(bank: Bank) -> None:
    assert fields(bank.as_("teacher").post("/questions", json={})) == {"type", "prompt", "content"}


def test_a_question_without_a_title_is_called_by_its_prompt(bank: Bank) -> None:
    body = example(prompt="<p>How  <b>many</b> &lt; three?</p>")
    del body["title"]
    assert bank.question(**{**body, "title": "T"})["title"] == "T"
    answer = bank.as_("teacher").post("/questions", json=body)
    assert answer.data["title"] == "How many < three?"


def test_a_change_before_anybody_answers_makes_no_version(bank: Bank) -> None:
    made = bank.question()
    session = bank.as_("teacher")
    same = session.patch(f"/questions/{made['id']}", json={"prompt": made["prompt"]})
    assert same.data == made
    changed = session.patch(f"/questions/{made['id']}", json={"prompt": "<p>Another?</p>", "points": 3}).data
    assert (changed["version_id"], changed["version_number"]) == (made["version_id"], 1)
    assert (changed["prompt_html"], changed["points"]) == ("<p>Another?</p>", 3)
    assert len(versions_of(bank, made["id"])) == 1


def test_an_answered_question_gets_a_new_version_and_keeps_the_old_one(bank: Bank) -> None:
    made = bank.question(hints=["h"])
    answered(bank, made)
    session = bank.as_("teacher")
    # What is no part of a version is changed without one.
    aside = session.patch(f"/questions/{made['id']}", json={"title": "New", "tags": ["t"], "difficulty": "easy"}).data
    assert (aside["version_id"], aside["is_answered"]) == (made["version_id"], True)
    content = {"answers": [{**made["content"]["answers"][2], "fraction": 1}, {"text_html": "Oslo"}]}
    changed = session.patch(f"/questions/{made['id']}", json={"content": content}).data
    assert (changed["version_number"], changed["version_count"], changed["is_answered"]) == (2, 2, False)
    assert changed["content"]["answers"][0]["id"] == made["content"]["answers"][2]["id"]
    assert (changed["prompt"], changed["hints"]) == (made["prompt"], ["h"])
    old, new = versions_of(bank, made["id"])
    assert old["content"] == made["content"]
    assert old["is_answered"]
    assert new["id"] == changed["version_id"]
    # The new one is changed in its place as long as nobody has it.
    again = session.patch(f"/questions/{made['id']}", json={"points": 7}).data
    assert (again["version_id"], again["points"]) == (new["id"], 7)
    assert versions_of(bank, made["id"])[0] == old


def test_each_part_of_a_version_makes_a_new_one(bank: Bank) -> None:
    changes: list[dict[str, Any]] = [
        {"prompt": "<p>New</p>"},
        {"points": 4.5},
        {"hints": ["one"]},
        {"feedback": {"general_html": "g"}},
        {"rubric": [{"id": "a", "title": "A"}]},
        {"type": "essay", "content": {}},
    ]
    made = bank.question()
    for number, change in enumerate(changes, 2):
        answered(bank, made)
        made = bank.as_("teacher").patch(f"/questions/{made['id']}", json=change).data
        assert made["version_number"] == number, change
    assert made["hints"] == ["one"]
    assert made["feedback"] == {"general_html": "g"}
    taken = bank.as_("teacher").patch(f"/questions/{made['id']}", json={"feedback": None, "hints": [], "rubric": None})
    assert (taken.data["feedback"], taken.data["hints"], taken.data["rubric"]) == (None, [], None)


def test_a_changed_prompt_must_still_fit_its_content(bank: Bank) -> None:
    made = bank.question(type="fill_blank")
    session = bank.as_("teacher")
    assert fields(session.patch(f"/questions/{made['id']}", json={"prompt": "<p>no places</p>"})) == {"content.blanks"}
    assert fields(session.patch(f"/questions/{made['id']}", json={"type": "essay"})) == {"content"}


def test_two_who_change_a_question_do_not_overwrite_each_other(bank: Bank) -> None:
    made = bank.question()
    session = bank.as_("teacher")
    tag = session.patch(f"/questions/{made['id']}", json={"title": "One"}).headers["ETag"]
    assert session.patch(f"/questions/{made['id']}", json={"title": "Two"}, headers={"If-Match": tag}).status == 200
    late = session.patch(f"/questions/{made['id']}", json={"title": "Three"}, headers={"If-Match": tag})
    assert (late.status, late.code) == (412, "precondition_failed")


def test_the_trash_keeps_a_question_for_a_month(bank: Bank) -> None:
    made = bank.question(status="draft")
    session, path = bank.as_("teacher"), f"/questions/{made['id']}"
    assert session.delete(path).data == {"id": made["id"], "deleted": True}
    assert session.delete(path).status == 200
    assert session.get(f"/questions?ids={made['id']}").data == []
    trashed = session.get(f"/questions?ids={made['id']}&status=trash").data
    assert trashed[0]["deleted_at"] is not None
    assert session.patch(path, json={"title": "x"}).code == "in_trash"
    restored = session.patch(path, json={"status": "published"}).data
    assert (restored["status"], restored["deleted_at"]) == ("published", None)
    session.delete(path)
    row = bank.row(questions, made["id"])
    assert row is not None
    long_ago = row["deleted_at"] - timedelta(days=31)
    bank.write(update(questions).where(questions.c.id == made["id"]).values(deleted_at=long_ago))
    assert session.patch(path, json={"status": "draft"}).code == "trash_expired"


def test_questions_of_a_course_are_its_editors(bank: Bank) -> None:
    course = bank.course()
    bank.as_("teacher").put(f"/courses/{course['id']}/instructors/{bank.ids['co']}", json={"role": "co"})
    bank.as_("teacher").put(f"/courses/{course['id']}/instructors/{bank.ids['assistant']}", json={"role": "assistant"})
    made = bank.question(course_id=course["id"])
    path = f"/questions/{made['id']}"
    for who, status in (("co", 200), ("admin", 200), ("assistant", 403), ("teacher2", 404), ("student", 404)):
        assert bank.as_(who).patch(path, json={"tags": [who]}).status == status, who
    for who, sees in (("co", True), ("assistant", True), ("admin", True), ("teacher2", False), ("student", False)):
        found = bank.as_(who).get(f"/questions?course_id={course['id']}")
        assert (found.status, bool(found.data)) == (200, sees), who
    assert bank.as_(None).get("/questions").status == 401
    assert fields(bank.as_("teacher2").post("/questions", json=example(course_id=course["id"]))) == {"course_id"}
    assert bank.as_("student").post("/questions", json=example()).status == 403
    # Nobody takes a question away into a bank where its editors cannot follow.
    assert bank.as_("co").patch(path, json={"course_id": None}).status == 403
    assert bank.as_("teacher").patch(path, json={"course_id": None}).status == 200
    assert bank.as_("co").patch(path, json={"title": "x"}).status == 404


def test_a_question_is_moved_into_courses_of_ones_own_alone(bank: Bank) -> None:
    made, foreign = bank.question(), bank.course("teacher2")
    answer = bank.as_("teacher").patch(f"/questions/{made['id']}", json={"course_id": foreign["id"]})
    assert fields(answer) == {"course_id"}
    own = bank.course()
    moved = bank.as_("teacher").patch(f"/questions/{made['id']}", json={"course_id": own["id"]})
    assert moved.data["course_id"] == own["id"]


def test_categories_are_made_once_and_found_again(bank: Bank) -> None:
    first = bank.question(category=" Physics / Waves//Light ")["category"]
    second = bank.question("teacher2", category="physics/waves//light")["category"]
    assert first == second
    assert first["path"] == "Physics/Waves//Light"
    other = bank.question(category="Optics/Waves//Light")["category"]
    assert other["id"] != first["id"]
    made = bank.question(category_id=first["id"])
    assert made["category"] == first
    gone = bank.as_("teacher").patch(f"/questions/{made['id']}", json={"category_id": None})
    assert gone.data["category"] is None
    named = select(terms).where(terms.c.taxonomy == "question_category", terms.c.sort_title == "physics")
    assert len(bank.rows(named)) == 1
    assert bank.as_(None).get("/course-categories").status == 200
    assert "Physics" not in str(bank.as_(None).get("/course-categories").body)
