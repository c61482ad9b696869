"""Reviews: who may write one and when, the queue, replies, the trash, and what lists show to whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select, update

from learnomy_wp.kernel import retention
from tests.reviews.readers import Readers
from wp_schema.tables import activity, courses, enrollments, outbox, reviews


def test_a_review_waits_until_it_is_approved(readers: Readers) -> None:
    course = readers.read()
    answer = readers.say(course["id"], rating=5, title="  Splendid  ", body="Line one\nline two <b>&</b>")
    found = answer.data
    assert (answer.status, answer.headers["Location"]) == (201, f"/wp-json/learnomy/v1/reviews/{found['id']}")
    assert (found["status"], found["title"], found["body"]) == ("pending", "Splendid", "Line one\nline two <b>&</b>")
    assert (found["author_name"], found["is_own"], found["user_id"]) == ("Student", True, readers.ids["student"])
    assert readers.shown(course["id"]).data == []
    assert readers.rating(course["id"]) == (0, 0)
    queue = readers.shown(course["id"], "teacher", "?status=pending")
    assert [row["id"] for row in queue.data] == [found["id"]]
    assert readers.moderate(found["id"], status="approved").data["status"] == "approved"
    shown = readers.shown(course["id"])
    assert shown.body["meta"]["total"] == 1
    assert (shown.data[0]["id"], shown.data[0]["user_id"], shown.data[0]["is_own"]) == (found["id"], None, False)
    assert shown.body["meta"]["rating"] == 5
    assert shown.body["meta"]["distribution"][0] == {"rating": 5, "count": 1}
    assert readers.rating(course["id"]) == (5, 1)


def test_where_nothing_is_moderated_it_is_shown_at_once(readers: Readers) -> None:
    course = readers.read()
    with readers.settings(reviews_need_approval=False):
        found = readers.review(course["id"], rating=2)
        assert found["status"] == "approved"
        assert readers.as_("student").patch(f"/reviews/{found['id']}", json={"rating": 3}).data["status"] == "approved"
    assert readers.rating(course["id"]) == (3, 1)


def test_it_takes_some_progress(readers: Readers) -> None:
    course = readers.read(lessons=4, done=0)
    with readers.settings(review_min_progress=50):
        first = readers.say(course["id"])
        assert (first.status, first.code) == (409, "review_too_early")
        assert "50 percent" in first.body["error"]["message"]
        for lesson in course["lessons"][:2]:
            assert readers.say(course["id"]).code == "review_too_early"
            assert readers.as_("student").post(f"/lessons/{lesson}/complete").status == 200
        assert readers.say(course["id"]).status == 201
    beginner = readers.read("student2", done=0)
    with readers.settings(review_min_progress=0):
        assert readers.say(beginner["id"], "student2").status == 201


def test_who_completed_a_course_may_review_it_for_good(readers: Readers) -> None:
    course = readers.read(done=2)
    enrollment = readers.rows(select(enrollments.c.id).where(enrollments.c.course_id == course["id"]))[0]["id"]
    assert readers.as_("teacher").delete(f"/enrollments/{enrollment}").status == 200
    assert readers.say(course["id"]).status == 201
    left = readers.read("student2", done=1)
    assert readers.as_("student2").delete(f"/courses/{left['id']}/enroll").status == 200
    refused = readers.say(left["id"], "student2")
    assert (refused.status, refused.code) == (403, "not_enrolled")


def test_only_students_of_the_course_review_it(readers: Readers) -> None:
    course = readers.read()
    assert readers.say(course["id"], None).status == 401  # type: ignore[arg-type]
    for who in ("student2", "teacher2", "admin"):
        assert readers.say(course["id"], who).code == "not_enrolled"
    readers.enrol(course["id"], "teacher")
    assert readers.say(course["id"], "teacher").code == "forbidden"
    assert readers.say(999_999_999).status == 404
    draft = readers.course()
    assert readers.say(draft["id"]).status == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"rating": 0}, "rating"),
        ({"rating": 6}, "rating"),
        ({"rating": 4.5}, "rating"),
        ({"rating": "5"}, "rating"),
        ({"rating": None}, "rating"),
        ({"title": "x" * 256}, "title"),
        ({"body": "x" * 5001}, "body"),
        ({"status": "approved"}, "status"),
    ],
    ids=["zero", "six", "half", "text", "null", "title", "body", "status"],
)
def test_what_is_not_possible_is_refused_by_name(readers: Readers, body: dict[str, Any], field: str) -> None:
    course = readers.read()
    answer = readers.as_("student").post(f"/courses/{course['id']}/reviews", json={"rating": 4, **body})
    assert (answer.status, answer.body["error"]["details"][0]["field"]) == (422, field)


def test_one_for_each_student_and_one_event(readers: Readers) -> None:
    course = readers.read()
    found = readers.review(course["id"])
    again = readers.say(course["id"])
    assert (again.status, again.code) == (409, "review_exists")
    assert readers.as_("student").delete(f"/reviews/{found['id']}").data == {"id": found["id"], "deleted": True}
    second = readers.review(course["id"], rating=1)
    assert second["id"] != found["id"]
    expected = [found["id"], readers.ids["student"], course["id"]]
    hooks = [args for hook, args in readers.actions(course["id"]) if hook == "learnomy_review_submitted"]
    assert hooks == [expected], "who reviews again is not paid again"
    assert readers.events(course["id"]).count("review.submitted") == 1
    line = readers.rows(select(activity).where(activity.c.event == "review.submitted"))[-1]
    assert (line["object_type"], line["object_id"]) == ("review", found["id"])
    payload = readers.rows(select(outbox.c.event).where(outbox.c.hook == "learnomy_review_submitted"))[-1]
    assert payload["event"] == "review.submitted"
    restored = readers.as_("student").patch(f"/reviews/{found['id']}", json={"status": "pending"})
    assert (restored.status, restored.code) == (409, "review_exists")


def test_an_edit_is_approved_again(readers: Readers) -> None:
    course = readers.read()
    found = readers.approved(course["id"], rating=5)
    path = f"/reviews/{found['id']}"
    same = readers.as_("student").patch(path, json={"rating": 5})
    assert same.data["status"] == "approved"
    edited = readers.as_("student").patch(path, json={"rating": 1, "body": "On reflection"})
    assert (edited.data["status"], edited.data["rating"]) == ("pending", 1)
    assert readers.rating(course["id"]) == (0, 0)
    stale = readers.as_("student").patch(path, json={"rating": 2}, headers={"If-Match": same.headers["ETag"]})
    assert stale.status == 412
    for who, status in ((None, 401), ("student2", 404), ("teacher", 403), ("admin", 403)):
        assert readers.as_(who).patch(path, json={"rating": 3}).status == status
    readers.moderate(found["id"], status="approved")
    assert readers.as_("student2").patch(path, json={"rating": 3}).status == 403
    readers.check_rating(course["id"])


def test_a_rejection_is_told_to_its_author_alone(readers: Readers) -> None:
    course = readers.read()
    found = readers.review(course["id"])
    rejected = readers.moderate(found["id"], status="rejected", reason="Advertising")
    assert (rejected.data["status"], rejected.data["reject_reason"]) == ("rejected", "Advertising")
    own = readers.shown(course["id"], "student", "?status=rejected")
    assert [row["reject_reason"] for row in own.data] == ["Advertising"]
    for who in ("student2", "teacher2", "subscriber"):
        answer = readers.shown(course["id"], who, "?status=rejected")
        assert (answer.data, answer.body["meta"]["total"]) == ([], 0)
    assert readers.as_(None).get(f"/courses/{course['id']}/reviews?status=rejected").status == 401
    edited = readers.as_("student").patch(f"/reviews/{found['id']}", json={"body": "Without"})
    assert (edited.data["status"], edited.data["reject_reason"]) == ("pending", None)


def test_staff_reply(readers: Readers) -> None:
    course = readers.read()
    found = readers.review(course["id"])
    both = readers.moderate(found["id"], status="approved", reply="Thank you")
    assert (both.data["status"], both.data["reply"], both.data["replied_by_name"]) == (
        "approved",
        "Thank you",
        "Admin",
    )
    assert readers.shown(course["id"]).data[0]["reply"] == "Thank you"
    gone = readers.moderate(found["id"], reply=None)
    assert (gone.data["reply"], gone.data["replied_by_name"], gone.data["replied_at"]) == (None, None, None)
    for who, status in ((None, 401), ("student", 403), ("teacher", 403)):
        assert readers.as_(who).post(f"/reviews/{found['id']}/moderate", json={"reply": "x"}).status == status
    for body in ({}, {"reason": "x"}, {"status": "approved", "reason": "x"}, {"status": "trash"}, {"reply": ""}):
        assert readers.moderate(found["id"], **body).status == 422
    assert readers.moderate(999_999_999, status="approved").status == 404


def test_the_trash_can_be_undone_by_who_filled_it(readers: Readers) -> None:
    course = readers.read()
    found = readers.approved(course["id"], rating=5)
    path = f"/reviews/{found['id']}"
    for who, status in ((None, 401), ("student2", 403), ("teacher2", 403)):
        assert readers.as_(who).delete(path).status == status
    for _ in range(2):
        assert readers.as_("student").delete(path).status == 200
    assert readers.rating(course["id"]) == (0, 0)
    assert [row["id"] for row in readers.shown(course["id"], "teacher", "?status=trash").data] == [found["id"]]
    assert readers.as_("student").patch(path, json={"rating": 1}).code == "in_trash"
    back = readers.as_("student").patch(path, json={"status": "pending"})
    assert (back.data["status"], back.data["rating"]) == ("pending", 5)
    readers.moderate(found["id"], status="approved")
    assert readers.as_("teacher").delete(path).status == 200
    assert readers.as_("student").patch(path, json={"status": "pending"}).status == 403
    assert readers.moderate(found["id"], reply="Hm").code == "in_trash"
    assert readers.moderate(found["id"], status="approved").data["status"] == "approved"
    assert readers.rating(course["id"]) == (5, 1)
    assert readers.as_("student").delete(path).status == 200
    late = datetime.now(UTC) - timedelta(days=31)
    readers.write(update(reviews).where(reviews.c.id == found["id"]).values(deleted_at=late))
    assert readers.as_("student").patch(path, json={"status": "pending"}).code == "trash_expired"
    assert readers.moderate(found["id"], status="approved").code == "trash_expired"
    readers.check_rating(course["id"])


def test_a_course_in_the_trash_keeps_its_reviews(readers: Readers) -> None:
    course = readers.read()
    found = readers.approved(course["id"], rating=3)
    assert readers.as_("teacher").delete(f"/courses/{course['id']}").status == 200
    assert readers.as_(None).get(f"/courses/{course['id']}/reviews").status == 404
    assert readers.as_("student").patch(f"/reviews/{found['id']}", json={"rating": 1}).code == "in_trash"
    assert readers.moderate(found["id"], status="rejected").code == "in_trash"
    assert readers.as_("teacher").patch(f"/courses/{course['id']}", json={"status": "published"}).status == 200
    assert [row["id"] for row in readers.shown(course["id"]).data] == [found["id"]]
    readers.check_rating(course["id"])
    copy = readers.as_("teacher").post(f"/courses/{course['id']}/duplicate")
    assert copy.status == 201
    readers.run_jobs()
    copies = readers.rows(select(courses).where(courses.c.title.startswith(course["title"]), courses.c.rating_sum == 0))
    assert copies
    assert all(row[f"stars_{stars}"] == 0 for row in copies for stars in range(1, 6))


def test_lists_page_filter_and_count(readers: Readers) -> None:
    course = readers.course(published=True)
    for number, session in enumerate(readers.students(course["id"], 12)):
        answer = session.post(f"/courses/{course['id']}/reviews", json={"rating": 1 + number % 5})
        assert answer.status == 201, answer.body
        if number % 4:
            readers.moderate(answer.data["id"], status="approved")
    stored = readers.rows(select(reviews).where(reviews.c.course_id == course["id"]))
    for status in ("approved", "pending"):
        for rating in (None, 1, 3):
            expected = {row["id"] for row in stored if row["status"] == status and rating in (None, row["rating"])}
            for sort in ("-created_at", "created_at"):
                query = f"?status={status}&sort={sort}&per_page=3" + (f"&rating={rating}" if rating else "")
                page = readers.shown(course["id"], "teacher", query)
                seen = [row["id"] for row in page.data]
                while page.body["meta"]["cursor_next"]:
                    cursor = page.body["meta"]["cursor_next"]
                    page = readers.shown(course["id"], "teacher", f"{query}&cursor={cursor}")
                    seen += [row["id"] for row in page.data]
                assert seen == sorted(expected, reverse=sort[0] == "-")
                assert page.body["meta"]["total"] == len(expected)
    meta = readers.shown(course["id"]).body["meta"]
    assert sum(each["count"] for each in meta["distribution"]) == meta["rating_count"] == 9
    with readers.queries() as sent:
        readers.shown(course["id"], "teacher")
    assert len([each for each in sent if "lrn_reviews" in each]) == 1


def test_a_later_change_is_told_at_its_time(readers: Readers) -> None:
    course = readers.read()
    found = readers.review(course["id"])
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=5), tick=False):
        edited = readers.as_("student").patch(f"/reviews/{found['id']}", json={"body": "Later"}).data
    assert edited["created_at"] == found["created_at"]
    assert edited["updated_at"] > found["updated_at"]


def test_what_was_in_the_trash_for_a_month_goes_for_good(readers: Readers) -> None:
    course = readers.read()
    kept, gone = readers.review(course["id"]), readers.review(readers.read("student2")["id"], "student2")
    assert readers.as_("student2").delete(f"/reviews/{gone['id']}").status == 200
    for days, left in ((30, [kept["id"], gone["id"]]), (32, [kept["id"]])):
        with time_machine.travel(datetime.now(UTC) + timedelta(days=days), tick=False), readers.api.inside():
            retention.REMOVALS["reviews"]()
        wanted = select(reviews.c.id).where(reviews.c.id.in_([kept["id"], gone["id"]]))
        assert [row["id"] for row in readers.rows(wanted)] == left
