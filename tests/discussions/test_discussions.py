"""Questions and answers: who talks where, what is counted, what others see of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from learnomy_wp.kernel import retention
from tests.accounts.people import Person
from tests.client import Session
from tests.courses.school import made, of_resource, together
from tests.discussions.talk import Talk
from wp_schema.tables import discussions


def test_a_question_and_its_answers(talk: Talk) -> None:
    question = talk.ask(title="Chain   rule", text="Why twice?")
    assert (question["title"], question["body_html"], question["status"]) == (
        "Chain rule",
        "<p>Why twice?</p>",
        "visible",
    )
    assert question["author"]["display_name"] == "Student"
    assert (question["parent_id"], question["reply_count"], question["is_resolved"]) == (None, 0, False)
    first = talk.answer(question, "student2")
    second = talk.answer(question, "teacher", "<p>Because.</p>")
    assert second["author"]["is_staff"] is True
    (shown,) = talk.rows("student2")
    assert (shown["id"], shown["reply_count"]) == (question["id"], 2)
    assert shown["last_reply_at"] is not None
    assert [row["id"] for row in talk.answers(question)] == [first["id"], second["id"]]
    assert talk.counted() == 1


def test_the_answer_says_where_it_is(talk: Talk) -> None:
    answer = talk.school.as_("student").post(talk.path, json={"body": "x"})
    assert answer.headers["Location"].endswith(f"/discussions/{answer.data['id']}")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"body": " "}, "body"),
        ({"body": "x" * 20_001}, "body"),
        ({"body": "x", "title": ""}, "title"),
        ({"body": "x", "title": "y" * 256}, "title"),
        ({"body": "x", "parent_id": 999_999}, "parent_id"),
        ({"body": "x", "parent_id": "1"}, "parent_id"),
        ({"body": "x", "status": "visible"}, "status"),
        ({"body": "x", "is_solution": True}, "is_solution"),
        ({"body": "x", "user_id": 1}, "user_id"),
    ],
)
def test_what_is_no_post_is_refused(talk: Talk, body: dict[str, Any], field: str) -> None:
    answer = talk.school.as_("student").post(talk.path, json=body)
    assert (answer.status, answer.body["error"]["details"][0]["field"]) == (422, field)


def test_an_answer_stands_below_a_question_of_its_lesson(talk: Talk) -> None:
    """Mirrors replies into conversations that one is not part of: a foreign parent is unknown."""
    question = talk.ask()
    reply = talk.answer(question)
    other = f"/lessons/{talk.course['lessons'][1]}/discussions"
    student = talk.school.as_("student")
    foreign = student.post(other, json={"body": "x", "parent_id": question["id"]})
    nested = student.post(talk.path, json={"body": "x", "parent_id": reply["id"]})
    titled = student.post(talk.path, json={"body": "x", "parent_id": question["id"], "title": "t"})
    for answer, field in ((foreign, "parent_id"), (nested, "parent_id"), (titled, "title")):
        assert (answer.status, answer.body["error"]["details"][0]["field"]) == (422, field)
    assert student.get(f"{other}?parent_id={question['id']}").status == 404
    assert talk.row(question)["reply_count"] == 1


def test_who_may_talk(talk: Talk) -> None:
    question = talk.ask()
    for method, options in (("get", {}), ("post", {"json": {"body": "x"}})):
        outsider = getattr(talk.school.as_("student3"), method)(talk.path, **options)
        assert (outsider.status, outsider.code) == (403, "not_enrolled")
        assert getattr(talk.school.as_(None), method)(talk.path, **options).status == 401
        assert getattr(talk.school.as_("teacher2"), method)(talk.path, **options).status == 403
    preview = talk.school.lesson(talk.course["section"], is_preview=True)["id"]
    path = f"/lessons/{preview}/discussions"
    assert talk.school.as_(None).get(path).status == 401
    assert talk.school.as_("student3").get(path).data == []
    assert talk.rows()[0]["id"] == question["id"]


def test_only_author_and_staff_touch_a_post(talk: Talk) -> None:
    question = talk.ask()
    for who, status in (("student2", 403), ("student3", 404), ("teacher2", 404)):
        assert talk.change(question, who, body="mine").status == status
        assert talk.delete(question, who).status == status
    assert talk.school.as_(None).delete(f"/discussions/{question['id']}").status == 401
    assert talk.change(question, "teacher", body="put into the student's mouth").status == 403
    for change in ({"status": "visible"}, {"is_solution": True}, {"status": "hidden", "body": "x"}):
        assert talk.change(question, "student", **change).status == 403
    assert talk.row(question)["body_raw"] == "How does this work?"


def test_an_author_edits(talk: Talk) -> None:
    question = talk.ask()
    changed = talk.change(question, "student", body="Better <b>put</b>", title="New")
    assert (changed.status, changed.data["body_html"]) == (200, "<p>Better <b>put</b></p>")
    assert (changed.data["title"], changed.data["body_raw"]) == ("New", "Better <b>put</b>")
    assert changed.data["edited_at"] is not None
    (seen,) = talk.rows("student2")
    assert (seen["body_raw"], seen["title"]) == (None, "New")
    (by_staff,) = talk.rows("teacher")
    assert by_staff["body_raw"] == "Better <b>put</b>"
    path = f"/discussions/{question['id']}"
    stale = talk.school.as_("student").patch(path, json={"body": "x"}, headers={"If-Match": '"1.x"'})
    assert stale.status == 412
    same = talk.change(question, "student", title="New")
    assert same.data["edited_at"] == changed.data["edited_at"]
    assert talk.row(question)["version"] == 2


def test_staff_marks_one_answer_as_the_solution(talk: Talk) -> None:
    question = talk.ask()
    first, second = talk.answer(question), talk.answer(question, "student", "Or so.")
    assert talk.change(first, "teacher", is_solution=True).data["is_solution"] is True
    assert talk.rows()[0]["is_resolved"] is True
    assert talk.change(second, "teacher", is_solution=True).status == 200
    assert [row["is_solution"] for row in talk.answers(question)] == [False, True]
    refused = talk.change(question, "teacher", is_solution=True)
    assert (refused.status, refused.body["error"]["details"][0]["field"]) == (422, "is_solution")
    assert talk.delete(second, "teacher").status == 200
    assert talk.rows()[0]["is_resolved"] is False


def test_mentions_name_people_of_the_course(talk: Talk) -> None:
    text = "@student2 and @teacher, not @student3, me@student.test, @student nor @nobody. @student2 again"
    question = talk.ask(text=text)
    assert sorted(person["slug"] for person in question["mentions"]) == ["student2", "teacher"]
    assert all(set(person) == {"id", "display_name", "slug"} for person in question["mentions"])
    changed = talk.change(question, "student", body="nobody at all")
    assert changed.data["mentions"] == []


def test_what_is_new_is_counted_until_it_is_seen(talk: Talk) -> None:
    assert talk.unread("student2") == 0
    question = talk.ask()
    talk.answer(question, "teacher", "x")
    assert (talk.unread("student"), talk.unread("student2")) == (1, 2)
    (row,) = talk.rows("student2")
    assert row["is_unread"] is True
    assert talk.list("student2", "?mark_seen=true").body["meta"]["unread"] == 2
    assert talk.unread("student2") == 0
    assert [row["is_unread"] for row in talk.rows("student2")] == [False]
    later = talk.answer(question, "student", "one more")
    assert talk.unread("student2") == 1
    assert [row["is_unread"] for row in talk.rows("student2")] == [True]
    assert [row["is_unread"] for row in talk.answers(question, "student2")] == [False, True]
    assert later["is_unread"] is False


def test_ones_own_post_is_nothing_new(talk: Talk) -> None:
    talk.ask("student")
    talk.list("student2", "?mark_seen=true")
    talk.ask("student2")
    assert talk.unread("student2") == 0
    talk.ask("teacher", "hello")
    talk.ask("student2")
    assert talk.unread("student2") == 1


def test_lists_are_in_order_and_paged(talk: Talk) -> None:
    posts = [talk.ask(text=f"question {number}") for number in range(5)]
    ids = [post["id"] for post in posts]
    talk.answer(posts[0])
    assert [row["id"] for row in talk.rows()] == [ids[0], *ids[:0:-1]]
    assert [row["id"] for row in talk.rows(query="?sort=created_at")] == ids
    assert [row["id"] for row in talk.rows(query="?sort=-created_at")] == ids[::-1]
    first = talk.list(query="?per_page=2&sort=created_at")
    assert first.body["meta"]["total"] == 5
    second = talk.list(query=f"?per_page=2&sort=created_at&cursor={first.body['meta']['cursor_next']}")
    assert [row["id"] for row in (*first.data, *second.data)] == ids[:4]
    assert talk.school.as_("student").get(f"{talk.path}?sort=body").status == 422


def test_a_page_costs_the_same_number_of_queries(talk: Talk) -> None:
    talk.ask(text="@student2 look")
    talk.rows("student2")
    with talk.school.queries() as few:
        talk.list("student2")
    for number in range(10):
        talk.ask(("student", "student2", "teacher")[number % 3], f"@student2 @teacher {number}")
    with talk.school.queries() as many:
        talk.list("student2")
    assert len(of_resource(many)) == len(of_resource(few)) <= 8


# --- deleting -----------------------------------------------------------------------------


def test_a_deleted_question_leaves_its_place_and_its_answers(talk: Talk) -> None:
    question = talk.ask(title="Secret", text="my words @student2")
    reply = talk.answer(question)
    assert talk.delete(question, "student").data == {"id": question["id"], "deleted": True}
    (place,) = talk.rows("student2")
    assert (place["id"], place["status"], place["reply_count"]) == (question["id"], "trash", 1)
    for name in ("author", "title", "body_html", "body_raw"):
        assert place[name] is None
    assert place["mentions"] == []
    assert [row["id"] for row in talk.answers(question, "student2")] == [reply["id"]]
    (staff,) = talk.rows("teacher")
    assert (staff["title"], staff["status"]) == ("Secret", "trash")
    assert talk.counted() == 0
    closed = talk.school.as_("student2").post(talk.path, json={"body": "x", "parent_id": question["id"]})
    assert (closed.status, closed.code) == (409, "in_trash")
    assert talk.delete(reply, "student2").status == 200
    assert talk.rows("student2") == []


def test_a_deleted_post_without_answers_is_gone(talk: Talk) -> None:
    question, other = talk.ask(), talk.ask()
    reply = talk.answer(other)
    talk.delete(question, "student")
    talk.delete(reply, "teacher")
    assert [row["id"] for row in talk.rows()] == [other["id"]]
    assert (talk.answers(other), talk.row(other)["reply_count"]) == ([], 0)
    assert talk.row(other)["last_reply_at"] is None
    assert talk.change(question, "student", body="x").status == 404
    assert talk.delete(question, "student").status == 404
    assert talk.delete(question, "teacher").status == 200


def test_staff_brings_back_what_was_deleted(talk: Talk) -> None:
    question = talk.ask()
    talk.delete(question, "student")
    assert [row["id"] for row in talk.rows("teacher", "?status=trash")] == [question["id"]]
    assert talk.school.as_("student").get(f"{talk.path}?status=trash").status == 403
    assert talk.change(question, "teacher", status="visible").data["deleted_at"] is None
    assert [row["id"] for row in talk.rows()] == [question["id"]]
    assert talk.counted() == 1


def test_after_thirty_days_it_is_gone_for_good(talk: Talk) -> None:
    alone, answered = talk.ask(text="alone"), talk.ask(text="private matter")
    hidden = talk.answer(alone, "student2", "never approved")
    talk.change(hidden, "teacher", status="hidden")
    reply = talk.answer(answered)
    talk.delete(alone, "student")
    talk.delete(answered, "student")
    with time_machine.travel(datetime.now(UTC) + timedelta(days=29), tick=False), talk.school.api.inside():
        retention.REMOVALS["discussions"]()
    assert talk.row(answered)["body_raw"] == "private matter"
    with time_machine.travel(datetime.now(UTC) + timedelta(days=31), tick=False):
        talk.school.api._tokens.clear()
        refused = talk.change(alone, "teacher", status="visible")
        assert (refused.status, refused.code) == (409, "trash_expired")
        with talk.school.api.inside():
            assert retention.REMOVALS["discussions"]() >= 2
            retention.REMOVALS["discussions"]()
    talk.school.api._tokens.clear()
    assert talk.school.row(discussions, alone["id"]) is None
    assert talk.school.row(discussions, hidden["id"]) is None
    row = talk.row(answered)
    assert (row["body_raw"], row["body_html"], row["user_id"]) == ("", "", 0)
    assert [found["id"] for found in talk.answers(answered)] == [reply["id"]]


def test_discussions_outlive_the_trash_of_their_lesson(talk: Talk) -> None:
    question = talk.ask()
    teacher = talk.school.as_("teacher")
    assert teacher.delete(f"/lessons/{talk.lesson}").status == 200
    assert talk.school.as_("student").get(talk.path).status == 404
    assert teacher.patch(f"/lessons/{talk.lesson}", json={"status": "published"}).status == 200
    assert [row["id"] for row in talk.rows()] == [question["id"]]


# --- at once ------------------------------------------------------------------------------


def test_thirty_answers_at_once_are_counted(talk: Talk) -> None:
    question = talk.ask()
    sessions = [talk.school.as_(who) for who in ("student", "student2", "teacher")]

    def answer(number: int) -> Any:
        body = {"body": f"answer {number}", "parent_id": question["id"]}
        return lambda: sessions[number % 3].post(talk.path, json=body)

    answers = together([answer(number) for number in range(30)])
    assert {found.status for found in answers} == {201}
    row = talk.row(question)
    assert row["reply_count"] == 30
    assert row["last_reply_id"] == max(found.data["id"] for found in answers)


def test_solutions_marked_at_once_leave_one(talk: Talk) -> None:
    question = talk.ask()
    replies = [talk.answer(question, "student2", f"answer {number}") for number in range(8)]
    teacher = talk.school.as_("teacher")

    def mark(reply: dict[str, Any]) -> Any:
        return lambda: teacher.patch(f"/discussions/{reply['id']}", json={"is_solution": True})

    answers = together([mark(reply) for reply in replies])
    assert {found.status for found in answers} == {200}
    assert sum(row["is_solution"] for row in talk.answers(question)) == 1


def test_deleting_and_answering_at_once_agree(talk: Talk) -> None:
    """Whatever comes first, the counts are those of the rows."""
    for _ in range(5):
        question = talk.ask()
        student, other = talk.school.as_("student"), talk.school.as_("student2")
        body = {"body": "x", "parent_id": question["id"]}
        delete = partial(student.delete, f"/discussions/{question['id']}")
        gone, answered = together([delete, partial(other.post, talk.path, json=body)])
        assert gone.status == 200
        assert answered.status in (201, 422)
        assert talk.row(question)["reply_count"] == (1 if answered.status == 201 else 0)
    questions = talk.school.rows(
        select(discussions.c.id).where(
            discussions.c.lesson_id == talk.lesson, discussions.c.parent_id.is_(None), discussions.c.status == "visible"
        )
    )
    assert talk.counted() == len(questions)


def test_a_repeated_key_asks_once(talk: Talk) -> None:
    headers = {"Idempotency-Key": "ask-1"}
    first, second = (talk.school.as_("student").post(talk.path, json={"body": "x"}, headers=headers) for _ in range(2))
    assert first.data["id"] == second.data["id"]
    assert len(talk.rows()) == 1


# --- moderation ---------------------------------------------------------------------------


def test_what_waits_is_its_authors_and_staffs_only(talk: Talk) -> None:
    with talk.settings(discussion_moderation="all"):
        question = talk.ask()
        assert question["status"] == "pending"
        assert (talk.rows("student2"), talk.rows("student"), talk.counted()) == ([], [], 0)
        assert [row["id"] for row in talk.rows("student", "?status=pending")] == [question["id"]]
        assert talk.rows("student2", "?status=pending") == []
        assert [row["id"] for row in talk.rows("teacher", "?status=pending")] == [question["id"]]
        assert talk.ask("teacher", "staff waits for nobody")["status"] == "visible"
        unknown = talk.school.as_("student2").post(talk.path, json={"body": "x", "parent_id": question["id"]})
        assert unknown.status == 422
        assert talk.school.as_("student2").get(f"{talk.path}?parent_id={question['id']}").status == 404
    approved = talk.change(question, "teacher", status="visible")
    assert approved.data["status"] == "visible"
    assert question["id"] in [row["id"] for row in talk.rows("student2")]


def test_each_ones_first_post_waits(talk: Talk) -> None:
    person = Person(talk.school.api, "lrn_student")
    newcomer = Session(talk.school.api.app, {"Authorization": f"Bearer {person.log_in().data['access_token']}"})
    assert newcomer.post(f"/courses/{talk.course['id']}/enroll").status == 201

    def ask() -> dict[str, Any]:
        return made(newcomer.post(talk.path, json={"body": "hello"}))

    with talk.settings(discussion_moderation="first"):
        first = ask()
        assert (first["status"], ask()["status"]) == ("pending", "pending")
        assert talk.change(first, "teacher", status="visible").status == 200
        assert ask()["status"] == "visible"


def test_many_links_wait(talk: Talk) -> None:
    links = " ".join(f"https://example.test/{number}" for number in range(3))
    assert talk.ask(text=links)["status"] == "pending"
    assert talk.ask(text=links[:42])["status"] == "visible"
    with talk.settings(discussion_max_links=3):
        assert talk.ask(text=links)["status"] == "visible"


def test_an_edit_is_judged_as_a_new_post(talk: Talk) -> None:
    """Mirrors moderation that was got round by writing something harmless first."""
    question = talk.ask()
    links = " ".join(f"https://example.test/{number}" for number in range(3))
    assert talk.change(question, "student", body=links).data["status"] == "pending"
    assert talk.rows("student2") == []
    assert talk.change(question, "teacher", status="visible").status == 200


@pytest.mark.parametrize("status", ["hidden", "spam"])
def test_what_staff_takes_away_is_gone_with_its_answers(talk: Talk, status: str) -> None:
    question = talk.ask()
    talk.answer(question)
    assert talk.change(question, "teacher", status=status).data["status"] == status
    assert (talk.rows("student2"), talk.counted()) == ([], 0)
    assert talk.school.as_("student2").get(f"{talk.path}?parent_id={question['id']}").status == 404
    assert [row["id"] for row in talk.rows("teacher", f"?status={status}")] == [question["id"]]
    assert talk.change(question, "teacher", status="visible").status == 200
    assert len(talk.answers(question, "student2")) == 1


def test_only_staff_lists_what_is_hidden(talk: Talk) -> None:
    for status in ("hidden", "spam", "trash"):
        assert talk.school.as_("student").get(f"{talk.path}?status={status}").status == 403
    assert talk.school.as_("student").get(f"{talk.path}?status=other").status == 422
