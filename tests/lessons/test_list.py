"""The list of lessons: whose, which, in what order."""

from __future__ import annotations

from typing import Any

import pytest

from tests.client import Api
from tests.courses.school import School, of_resource


@pytest.fixture(scope="module")
def listed(api: Api) -> tuple[School, dict[str, Any], dict[str, Any]]:
    """Two courses of the teacher's and one of another's, with drafts, topics and loose lessons."""
    school = School(api)
    first, second = school.filled(lessons=2), school.filled(lessons=1, published=False)
    school.lesson(first["section"], title="Äpfel", content_type="video")
    school.lesson(first["section"], title="Zebra", status="draft")
    school.topic(first["lessons"][0], title="Below")
    loose = school.lesson(second["section"], title="Loose")["id"]
    school.as_("teacher").patch(f"/lessons/{loose}", json={"section_id": None})
    gone = school.lesson(second["section"], title="Gone")["id"]
    school.as_("teacher").delete(f"/lessons/{gone}")
    school.filled("teacher2", lessons=1)
    return school, first, second


def walk(school: School, query: str = "", who: str = "teacher") -> list[str]:
    """The titles of all rows, page by page."""
    rows: list[dict[str, Any]] = []
    cursor = ""
    while cursor is not None:
        answer = school.as_(who).get(f"/lessons?per_page=2&cursor={cursor}&{query}")
        assert answer.status == 200, answer.body
        rows += answer.data
        cursor = answer.body["meta"]["cursor_next"]
        total = answer.body["meta"]["total"]
    assert total == len(rows) == len({row["id"] for row in rows})
    return [row["title"] for row in rows]


def test_each_sees_the_lessons_of_courses_they_are_staff_of(listed: tuple[School, Any, Any]) -> None:
    school, _first, _second = listed
    assert school.as_(None).get("/lessons").status == 401
    assert walk(school, who="student") == []
    assert walk(school, who="teacher2") == ["Lesson 0"]
    mine = walk(school)
    assert mine == ["Loose", "Below", "Zebra", "Äpfel", "Lesson 0", "Lesson 1", "Lesson 0"]
    assert walk(school, who="admin") == ["Lesson 0", *mine]
    assert walk(school, "sort=created_at") == mine[::-1]
    titles = ["Äpfel", "Below", "Lesson 0", "Lesson 0", "Lesson 1", "Loose", "Zebra"]
    assert walk(school, "sort=title") == titles
    assert walk(school, "sort=-title") == titles[::-1]


def test_every_filter(listed: tuple[School, Any, Any]) -> None:
    school, first, second = listed
    expected = {
        f"course_id={second['id']}": ["Loose", "Lesson 0"],
        f"section_id={second['section']}": ["Lesson 0"],
        f"parent_id={first['lessons'][0]}": ["Below"],
        "unattached=true": ["Loose"],
        f"unattached=false&course_id={second['id']}": ["Lesson 0"],
        "content_type=video": ["Äpfel"],
        "status=draft": ["Zebra"],
        "status=trash": ["Gone"],
        f"status=published&course_id={second['id']}": ["Loose", "Lesson 0"],
        f"ids={first['lessons'][1]},{second['lessons'][0]}": ["Lesson 0", "Lesson 1"],
        "course_id=987654": [],
    }
    for query, titles in expected.items():
        for who in ("teacher", "admin"):
            assert walk(school, query, who) == titles, (query, who)
        assert walk(school, f"{query}&sort=title") == sorted(titles, key=lambda t: t.replace("Ä", "A"))
        assert walk(school, query, "student") == []


def test_rows_name_course_and_section(listed: tuple[School, Any, Any]) -> None:
    school, _first, second = listed
    rows = {row["title"]: row for row in school.as_("teacher").get(f"/lessons?course_id={second['id']}").data}
    assert rows["Loose"]["course"] == {
        "id": second["id"],
        "title": second["title"],
        "slug": second["slug"],
        "status": "draft",
    }
    assert (rows["Loose"]["section_title"], rows["Lesson 0"]["section_title"]) == (None, "A section")


@pytest.mark.parametrize("query", ["sort=position", "status=archived", "course_id=x", "content_type=A!", "ids=x"])
def test_bad_values_are_422(listed: tuple[School, Any, Any], query: str) -> None:
    school, _first, _second = listed
    answer = school.as_("teacher").get(f"/lessons?{query}")
    assert (answer.status, answer.body["error"]["details"][0]["field"]) == (422, query.partition("=")[0])


def test_a_list_costs_three_queries_and_its_total(listed: tuple[School, Any, Any]) -> None:
    school, _first, _second = listed
    session = school.as_("teacher")
    for per_page, statements in ((5, 4), (100, 3)):  # a list that ends on its first page is not counted
        with school.queries() as sent:
            assert session.get(f"/lessons?per_page={per_page}").status == 200
        assert len(of_resource(sent)) == statements


def test_the_site_wide_total_follows_what_is_made(listed: tuple[School, Any, Any]) -> None:
    school, first, _second = listed
    total = school.as_("admin").get("/lessons").body["meta"]["total"]
    lesson = school.lesson(first["section"], title="One more")["id"]
    assert school.as_("admin").get("/lessons").body["meta"]["total"] == total + 1
    assert school.as_("teacher").delete(f"/lessons/{lesson}").status == 200
    assert school.as_("admin").get("/lessons").body["meta"]["total"] == total
