"""The curriculum as each caller sees it, and its order in one write."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, select

from learnomy_wp.kernel import clock
from tests.courses.school import School, of_resource, together
from wp_schema.tables import courses, enrollments, lessons, quizzes


def outline(school: School, course_id: int, who: str | None = "teacher") -> list[Any]:
    """Sections with their lesson ids and topic ids, and the loose lessons."""
    found = school.as_(who).get(f"/courses/{course_id}/curriculum").data

    def ids(rows: list[dict[str, Any]]) -> list[Any]:
        return [(row["id"], [topic["id"] for topic in row["topics"]]) for row in rows]

    return [*((section["id"], ids(section["lessons"])) for section in found["sections"]), ids(found["unattached"])]


def order(*sections: tuple[int, list[Any]], unattached: list[Any] | None = None) -> dict[str, Any]:
    """A body: lessons are ids, or ids with the ids of their topics."""

    def items(rows: list[Any]) -> list[dict[str, Any]]:
        return [
            {"id": row} if isinstance(row, int) else {"id": row[0], "topics": [{"id": topic} for topic in row[1]]}
            for row in rows
        ]

    body: dict[str, Any] = {"sections": [{"id": section, "lessons": items(rows)} for section, rows in sections]}
    return body if unattached is None else {**body, "unattached": items(unattached)}


# --- reading -----------------------------------------------------------------------------


def test_what_each_caller_sees(school: School) -> None:
    course = school.filled(lessons=2)
    section, [first, second] = course["section"], course["lessons"]
    school.as_("teacher").patch(f"/lessons/{first}", json={"is_preview": True, "duration_seconds": 90})
    topic = school.topic(second)["id"]
    draft = school.lesson(section, title="Draft", status="draft")["id"]
    school.enrol(course["id"], "student2")
    path = f"/courses/{course['id']}/curriculum"

    def states(who: str | None) -> list[tuple[int, str, str | None]]:
        [shown] = school.as_(who).get(path).data["sections"]
        return [(row["id"], row["state"], row["locked_reason"]) for row in shown["lessons"]]

    assert states(None) == [(first, "available", None), (second, "locked", "login_required")]
    assert states("student") == [(first, "available", None), (second, "locked", "not_enrolled")]
    assert states("student2") == [(first, "available", None), (second, "available", None)]
    everything = [(first, "available", None), (second, "available", None), (draft, "available", None)]
    assert states("teacher") == states("admin") == everything
    assert school.as_("student2").post(f"/lessons/{first}/complete").status == 200
    assert states("student2")[0] == (first, "completed", None)
    shown = school.as_("student2").get(path).data
    [lesson, other] = shown["sections"][0]["lessons"]
    assert lesson["completed_at"] is not None
    assert lesson["duration_seconds"] == 90
    assert [row["id"] for row in other["topics"]] == [topic]
    assert (shown["course_id"], shown["unattached"], shown["quizzes"]) == (course["id"], [], [])


@pytest.mark.parametrize("status", ["draft", "private", "trash"])
def test_a_course_that_is_not_open_shows_no_curriculum(school: School, status: str) -> None:
    course = school.filled(lessons=1)
    assert school.as_("teacher").patch(f"/courses/{course['id']}", json={"status": status}).status == 200
    path = f"/courses/{course['id']}/curriculum"
    assert [school.as_(who).get(path).status for who in (None, "student", "teacher2", "teacher", "admin")] == [
        404, 404, 404, 200, 200,
    ]  # fmt: skip
    assert school.as_(None).get("/courses/999999/curriculum").status == 404


def test_quizzes_stand_in_their_sections(school: School) -> None:
    course = school.filled(lessons=1)
    now = clock.now()
    times = {"created_at": now, "updated_at": now, "published_at": now}
    for number, (place, status) in enumerate([(course["section"], "published"), (None, "published"), (None, "draft")]):
        quiz = {"course_id": course["id"], "section_id": place, "title": f"Quiz {number}", "sort_title": "q"}
        school.write(insert(quizzes).values(**quiz, slug=f"q-{course['id']}-{number}", status=status, **times))
    school.lesson(course["section"])  # counts quizzes too
    path = f"/courses/{course['id']}/curriculum"
    guest, teacher = school.as_(None).get(path).data, school.as_("teacher").get(path).data
    assert [(q["title"], q["state"]) for q in guest["sections"][0]["quizzes"]] == [("Quiz 0", "locked")]
    assert [q["title"] for q in guest["quizzes"]] == ["Quiz 1"]
    assert [(q["title"], q["state"]) for q in teacher["quizzes"]] == [("Quiz 1", "available"), ("Quiz 2", "available")]


@pytest.mark.parametrize("count", [1, 12])
def test_a_curriculum_costs_the_same_whatever_its_length(school: School, count: int) -> None:
    course = school.filled(lessons=count)
    session = school.as_("student")
    with school.queries() as sent:
        assert session.get(f"/courses/{course['id']}/curriculum").status == 200
    assert len(of_resource(sent)) == 5


# --- the order ---------------------------------------------------------------------------


def test_the_whole_order_is_one_write(school: School) -> None:
    course = school.filled(lessons=3)
    one, [a, b, c] = course["section"], course["lessons"]
    two = school.section(course["id"])["id"]
    x, y = (school.topic(a)["id"] for _ in range(2))
    answer = school.as_("teacher").put(
        f"/courses/{course['id']}/curriculum", json=order((two, [c, (a, [y, x])]), (one, [b]))
    )
    assert answer.status == 200, answer.body
    assert outline(school, course["id"]) == [(two, [(c, []), (a, [y, x])]), (one, [(b, [])]), []]
    assert {row["section_id"] for row in school.rows(select(lessons).where(lessons.c.id.in_([a, x, y])))} == {two}
    # Topics that are not named stay in their order; a topic becomes a lesson, a lesson a topic.
    body = order((one, [(b, [x]), y]), (two, [c, a]))
    assert school.as_("teacher").put(f"/courses/{course['id']}/curriculum", json=body).status == 200
    assert outline(school, course["id"]) == [(one, [(b, [x]), (y, [])]), (two, [(c, []), (a, [])]), []]
    body = order((one, [(b, [x, a]), y]), (two, []), unattached=[c])
    assert school.as_("teacher").put(f"/courses/{course['id']}/curriculum", json=body).status == 200
    assert outline(school, course["id"]) == [(one, [(b, [x, a]), (y, [])]), (two, []), [(c, [])]]
    assert outline(school, course["id"], None) == [(one, [(b, [x, a]), (y, [])]), (two, []), []]
    assert school.as_("teacher").get(f"/courses/{course['id']}").data["lesson_count"] == 4


def test_loose_lessons_need_not_be_named(school: School) -> None:
    course = school.filled(lessons=2)
    one, [a, b] = course["section"], course["lessons"]
    assert school.as_("teacher").patch(f"/lessons/{a}", json={"section_id": None}).status == 200
    path = f"/courses/{course['id']}/curriculum"
    assert school.as_("teacher").put(path, json=order((one, [b]))).status == 200
    assert outline(school, course["id"]) == [(one, [(b, [])]), [(a, [])]]
    assert school.as_("teacher").put(path, json=order((one, [b, a]))).status == 200
    assert outline(school, course["id"]) == [(one, [(b, []), (a, [])]), []]


def test_what_is_foreign_twice_or_missing_is_refused(school: School) -> None:
    course, other = school.filled(lessons=2), school.filled(lessons=1)
    own = school.filled("teacher2", lessons=1)
    one, [a, b] = course["section"], course["lessons"]
    topic = school.topic(a)["id"]
    trashed = school.lesson(one)["id"]
    assert school.as_("teacher").delete(f"/lessons/{trashed}").status == 200
    before = outline(school, course["id"])
    version = school.row(courses, course["id"])["curriculum_version"]
    refused = [
        (order((one, [a, other["lessons"][0], b])), "sections.0.lessons.1.id", "unknown"),
        (order((one, [a, own["lessons"][0], b])), "sections.0.lessons.1.id", "unknown"),
        (order((one, [a, b, trashed])), "sections.0.lessons.2.id", "unknown"),
        (order((one, [a, b]), (other["section"], [])), "sections.1.id", "unknown"),
        (order((one, [(a, [other["lessons"][0]]), b])), "sections.0.lessons.0.topics.0.id", "unknown"),
        (order((one, [a, b, a])), "sections.0.lessons.2.id", "duplicate"),
        (order((one, [(a, [topic, topic]), b])), "sections.0.lessons.0.topics.1.id", "duplicate"),
        (order((one, [a, b]), (one, [])), "sections.1.id", "duplicate"),
        (order((one, [a])), "sections", "missing"),
        (order((one, [(a, []), b])), "sections", "missing"),
        (order((one, [(b, [a])])), "sections", "nested"),
        ({"sections": []}, "sections", "missing"),
        ({}, "sections", "required"),
        ({"sections": [{"id": one}]}, "sections.0.lessons", "required"),
        ({"sections": [{"id": str(one), "lessons": []}]}, "sections.0.id", "invalid"),
        (
            {"sections": [{"id": one, "lessons": [{"id": a, "title": "New"}]}]},
            "sections.0.lessons.0.title",
            "unknown_field",
        ),
        (
            {"sections": [{"id": one, "lessons": [{"id": a}, {"id": b}], "quizzes": [{"id": 1}]}]},
            "sections.0.quizzes.0.id",
            "unknown",
        ),
    ]
    for body, field, code in refused:
        answer = school.as_("teacher").put(f"/courses/{course['id']}/curriculum", json=body)
        assert answer.status == 422, body
        assert (field, code) in [(d["field"], d["code"]) for d in answer.body["error"]["details"]], answer.body
    assert outline(school, course["id"]) == before
    assert school.row(courses, course["id"])["curriculum_version"] == version


def test_an_order_read_too_long_ago_is_refused(school: School) -> None:
    course = school.filled(lessons=2)
    path, [a, b] = f"/courses/{course['id']}/curriculum", course["lessons"]
    tag = school.as_("teacher").get(path).headers["ETag"]
    body = order((course["section"], [b, a]))
    first = school.as_("teacher").put(path, json=body, headers={"If-Match": tag})
    again = school.as_("teacher").put(path, json=order((course["section"], [a, b])), headers={"If-Match": tag})
    assert (first.status, again.status, again.code) == (200, 412, "precondition_failed")
    assert outline(school, course["id"])[0][1] == [(b, []), (a, [])]
    # The same order again changes nothing, and is no version.
    same = school.as_("teacher").put(path, json=body)
    assert same.headers["ETag"].partition(".")[0] == first.headers["ETag"].partition(".")[0]


def test_two_orders_at_once_are_one_or_the_other(school: School) -> None:
    course = school.filled(lessons=3)
    path, ids = f"/courses/{course['id']}/curriculum", course["lessons"]
    bodies = [order((course["section"], ids)), order((course["section"], ids[::-1]))] * 3
    answers = together([lambda body=body: school.as_("teacher").put(path, json=body) for body in bodies])
    assert {answer.status for answer in answers} == {200}
    assert [lesson for lesson, _topics in outline(school, course["id"])[0][1]] in (ids, ids[::-1])
    positions = school.rows(select(lessons.c.position).where(lessons.c.course_id == course["id"]))
    assert sorted(row["position"] for row in positions) == [0, 1, 2]


@pytest.mark.parametrize(
    ("who", "status"), [(None, 401), ("student", 403), ("teacher2", 403), ("teacher", 200), ("admin", 200)]
)
def test_who_may_put_a_course_in_order(school: School, who: str | None, status: int) -> None:
    course = school.filled(lessons=1)
    body = order((course["section"], course["lessons"]))
    assert school.as_(who).put(f"/courses/{course['id']}/curriculum", json=body).status == status
    assert school.as_(who).post(f"/courses/{course['id']}/sections", json={"title": "S"}).status == (
        201 if status == 200 else status
    )
    assert school.as_(who).patch(f"/sections/{course['section']}", json={"title": "S"}).status == status
    assert school.as_(who).delete(f"/sections/{course['section']}").status == status


def test_learners_progress_follows_the_curriculum(school: School) -> None:
    course = school.filled(lessons=2)
    school.enrol(course["id"])
    assert school.as_("student").post(f"/lessons/{course['lessons'][0]}/complete").status == 200
    for _ in range(2):
        school.lesson(course["section"])
    assert school.run_jobs() >= 1
    [row] = school.rows(select(enrollments).where(enrollments.c.course_id == course["id"]))
    assert (row["lessons_completed"], row["lessons_total"], row["progress_percent"]) == (1, 4, 25)
    assert row["curriculum_version"] == school.row(courses, course["id"])["curriculum_version"]
    assert school.as_("teacher").get(f"/courses/{course['id']}").data["lesson_count"] == row["lessons_total"]


def test_a_long_course_is_ordered_with_the_same_statements(school: School) -> None:
    course = school.course()
    section = school.section(course["id"])["id"]
    now = clock.now()
    rows = [
        {
            "course_id": course["id"], "section_id": section, "position": number, "title": "L", "slug": f"l-{number}",
            "sort_title": "l", "status": "published", "created_at": now, "updated_at": now, "published_at": now,
        }
        for number in range(300)
    ]  # fmt: skip
    school.write(insert(lessons).values(rows))
    ids = [row["id"] for row in school.rows(select(lessons.c.id).where(lessons.c.course_id == course["id"]))]
    session, body = school.as_("teacher"), order((section, ids[::-1]))
    with school.queries() as sent:
        answer = session.put(f"/courses/{course['id']}/curriculum", json=body)
    assert answer.status == 200
    assert [row["id"] for row in answer.data["sections"][0]["lessons"]] == ids[::-1]
    assert len(of_resource(sent)) < 20
