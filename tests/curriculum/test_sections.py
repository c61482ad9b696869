"""Adding, changing and removing sections."""

from __future__ import annotations

from typing import Any

import pytest

from tests.courses.school import School
from wp_schema.tables import lessons, sections


def titles(school: School, course_id: int) -> list[str]:
    found = school.as_("teacher").get(f"/courses/{course_id}/curriculum").data
    return [section["title"] for section in found["sections"]]


def test_a_section_is_added_where_it_is_wanted(school: School) -> None:
    course = school.course()
    answer = school.as_("teacher").post(
        f"/courses/{course['id']}/sections",
        json={"title": " First  one ", "description": "About it", "drip_days": 3, "drip_at": "2027-01-01T00:00:00Z"},
    )
    assert (answer.status, answer.headers["Location"]) == (201, f"/wp-json/learnomy/v1/sections/{answer.data['id']}")
    section = answer.data
    assert (section["title"], section["description"], section["position"]) == ("First one", "About it", 0)
    assert (section["drip_days"], section["drip_at"], section["status"]) == (3, "2027-01-01T00:00:00Z", "published")
    school.section(course["id"], title="Last")
    school.section(course["id"], title="Before", position=0)
    school.section(course["id"], title="Between", position=2)
    school.section(course["id"], title="Far behind", position=99)
    assert titles(school, course["id"]) == ["Before", "First one", "Between", "Last", "Far behind"]
    assert school.as_("teacher").get(f"/courses/{course['id']}").data["section_count"] == 5


def test_a_section_is_changed(school: School) -> None:
    course = school.course()
    path = f"/sections/{school.section(course['id'])['id']}"
    changed = school.as_("teacher").patch(path, json={"title": "New", "drip_days": 7})
    assert (changed.data["title"], changed.data["drip_days"]) == ("New", 7)
    tag = changed.headers["ETag"]
    again = school.as_("teacher").patch(path, json={"title": "New"})
    assert again.headers["ETag"] == tag
    assert school.as_("teacher").patch(path, json={"title": "Newer"}, headers={"If-Match": tag}).status == 200
    assert school.as_("teacher").patch(path, json={"title": "Newest"}, headers={"If-Match": tag}).status == 412
    assert school.as_("teacher").patch(path, json={"drip_days": None}).data["drip_days"] is None


def test_lessons_of_a_removed_section_stay_and_come_back_with_it(school: School) -> None:
    course = school.filled(lessons=3)
    section, [a, b, c] = course["section"], course["lessons"]
    topic = school.topic(a)["id"]
    other = school.section(course["id"])["id"]
    path = f"/sections/{section}"
    assert school.as_("teacher").delete(path).data == {"id": section, "deleted": True}
    assert school.as_("teacher").delete(path).status == 200
    found = school.as_("teacher").get(f"/courses/{course['id']}/curriculum").data
    assert [row["id"] for row in found["unattached"]] == [a, b, c]
    assert [row["id"] for row in found["unattached"][0]["topics"]] == [topic]
    assert school.as_("student").get(f"/courses/{course['id']}/curriculum").data["unattached"] == []
    loose = school.as_("teacher").get(f"/lessons?course_id={course['id']}&unattached=true").data
    assert [row["id"] for row in loose] == [c, b, a]
    assert school.as_(None).get(f"/courses/{course['id']}").data["lesson_count"] == 0
    # One lesson is filed elsewhere in the meantime.
    assert school.as_("teacher").patch(f"/lessons/{b}", json={"section_id": other}).status == 200
    assert school.as_("teacher").patch(path, json={"title": "Still gone"}).code == "in_trash"
    back = school.as_("teacher").patch(path, json={"status": "published", "title": "Back"})
    assert (back.status, back.data["title"], back.data["deleted_at"]) == (200, "Back", None)
    found = school.as_("teacher").get(f"/courses/{course['id']}/curriculum").data
    assert [(row["id"], [lesson["id"] for lesson in row["lessons"]]) for row in found["sections"]] == [
        (section, [a, c]),
        (other, [b]),
    ], "where it stood"
    assert found["unattached"] == []
    assert school.row(lessons, topic)["section_id"] == section
    assert school.row(lessons, a)["extra"] is None
    assert school.as_(None).get(f"/courses/{course['id']}").data["lesson_count"] == 4


def test_patching_the_status_is_the_trash_too(school: School) -> None:
    course = school.filled(lessons=1)
    path = f"/sections/{course['section']}"
    gone = school.as_("teacher").patch(path, json={"status": "trash"})
    assert (gone.status, gone.data["status"]) == (200, "trash")
    assert school.as_("teacher").patch(path, json={"status": "trash"}).status == 200
    assert school.row(lessons, course["lessons"][0])["section_id"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "title"),
        ({"title": " "}, "title"),
        ({"title": "x" * 256}, "title"),
        ({"title": "S", "drip_days": -1}, "drip_days"),
        ({"title": "S", "drip_at": "soon"}, "drip_at"),
        ({"title": "S", "position": -1}, "position"),
        ({"title": "S", "status": "trash"}, "status"),
    ],
)
def test_wrong_fields_are_named(school: School, body: dict[str, Any], field: str) -> None:
    course = school.course()
    answer = school.as_("teacher").post(f"/courses/{course['id']}/sections", json=body)
    assert (answer.status, answer.body["error"]["details"][0]["field"]) == (422, field)


def test_unknown_and_foreign_sections_are_404(school: School) -> None:
    foreign = school.section(school.course("teacher2")["id"], "teacher2")["id"]
    for section_id in (foreign, 987654):
        assert school.as_("teacher").patch(f"/sections/{section_id}", json={"title": "Mine"}).status == 404
        assert school.as_("teacher").delete(f"/sections/{section_id}").status == 404
        assert school.as_("teacher").post(f"/sections/{section_id}/lessons", json={"title": "Mine"}).status == 404
    assert school.row(sections, foreign)["title"] == "A section"
    assert school.as_("teacher").post("/courses/987654/sections", json={"title": "Mine"}).status == 404
