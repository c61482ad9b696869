"""A course's staff: roles, shares, and the owner that every course keeps."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from tests.courses.school import School
from wp_schema.tables import course_instructors


def put(school: School, course: dict[str, Any], who: str, role: str, *, by: str | None = "teacher", **body: Any) -> Any:
    path = f"/courses/{course['id']}/instructors/{school.ids[who]}"
    return school.as_(by).put(path, json={"role": role, **body})


def test_an_instructor_gets_a_place_and_loses_it(school: School) -> None:
    course = school.course(published=True)
    answer = put(school, course, "teacher2", "co", revenue_share_percent=12.5)
    assert answer.status == 200, answer.body
    assert answer.data == {
        "id": school.ids["teacher2"],
        "name": "Teacher2",
        "slug": "teacher2",
        "role": "co",
        "avatar_url": answer.data["avatar_url"],
        "is_listed": True,
        "revenue_share_percent": 12.5,
    }
    shown = school.as_(None).get(f"/courses/{course['id']}").data
    assert [person["slug"] for person in shown["instructors"]] == ["teacher", "teacher2"]
    assert "revenue_share_percent" not in shown["instructors"][1]
    assert school.as_("teacher2").patch(f"/courses/{course['id']}", json={"excerpt": "By two"}).status == 200
    changed = put(school, course, "teacher2", "assistant").data
    assert (changed["role"], changed["revenue_share_percent"], changed["is_listed"]) == ("assistant", 12.5, True)
    assert (
        put(school, course, "teacher2", "assistant", revenue_share_percent=None).data["revenue_share_percent"] is None
    )
    removed = school.as_("teacher").delete(f"/courses/{course['id']}/instructors/{school.ids['teacher2']}")
    assert removed.data == {"id": school.ids["teacher2"], "deleted": True}
    again = school.as_("teacher").delete(f"/courses/{course['id']}/instructors/{school.ids['teacher2']}")
    assert again.status == 404
    assert school.as_("teacher2").patch(f"/courses/{course['id']}", json={"excerpt": "By one"}).status == 403
    assert school.events(course["id"]) == ["course.published", *["course.updated"] * 5]


def test_a_new_place_carries_the_courses_copies(school: School) -> None:
    course = school.course(published=True)
    put(school, course, "teacher2", "co")
    rows = school.rows(select(course_instructors).where(course_instructors.c.course_id == course["id"]))
    assert {row["course_status"] for row in rows} == {"published"}
    assert len({(row["published_at"], row["sort_title"]) for row in rows}) == 1
    assert [row["position"] for row in rows] == [0, 1]


def test_the_last_owner_stays(school: School) -> None:
    course = school.course()
    mine = f"/courses/{course['id']}/instructors/{school.ids['teacher']}"
    for refused in (school.as_("teacher").delete(mine), put(school, course, "teacher", "co")):
        assert (refused.status, refused.code) == (409, "last_owner")
    assert put(school, course, "teacher2", "owner").status == 200
    assert put(school, course, "teacher", "co").status == 200
    assert school.as_("teacher").delete(mine).status == 403
    assert school.as_("teacher2").delete(mine).status == 200
    assert school.as_("teacher").get(f"/courses/{course['id']}").status == 404


@pytest.mark.parametrize(
    ("by", "status"), [(None, 401), ("student", 403), ("teacher2", 403), ("student2", 403), ("admin", 200)]
)
def test_who_may_give_places(school: School, by: str | None, status: int) -> None:
    course = school.course(published=True)
    put(school, course, "teacher2", "co")
    put(school, course, "student2", "assistant")
    assert put(school, course, "student3", "assistant", by=by).status == status
    path = f"/courses/{course['id']}/instructors/{school.ids['teacher2']}"
    assert school.as_(by).delete(path).status == status


@pytest.mark.parametrize(
    ("who", "body", "status", "field"),
    [
        ("student", {"role": "co"}, 422, "role"),
        ("student", {"role": "owner"}, 422, "role"),
        ("student", {"role": "assistant"}, 200, ""),
        ("teacher2", {"role": "boss"}, 422, "role"),
        ("teacher2", {}, 422, "role"),
        ("teacher2", {"role": "co", "revenue_share_percent": 100.01}, 422, "revenue_share_percent"),
        ("teacher2", {"role": "co", "revenue_share_percent": 60}, 422, "revenue_share_percent"),
        ("teacher2", {"role": "co", "revenue_share_percent": 50}, 200, ""),
    ],
)
def test_what_a_place_may_be(school: School, who: str, body: dict[str, Any], status: int, field: str) -> None:
    course = school.course()
    assert put(school, course, "teacher", "owner", revenue_share_percent=50).status == 200
    answer = school.as_("teacher").put(f"/courses/{course['id']}/instructors/{school.ids[who]}", json=body)
    assert answer.status == status, answer.body
    if field:
        assert answer.body["error"]["details"][0]["field"] == field


def test_unknown_people_are_404(school: School) -> None:
    course = school.course()
    for user_id in (987654, 2**64):
        path = f"/courses/{course['id']}/instructors/{user_id}"
        assert school.as_("teacher").put(path, json={"role": "co"}).status == 404
        assert school.as_("teacher").delete(path).status == 404


def test_assistants_see_and_do_not_edit(school: School) -> None:
    course = school.filled(published=False, lessons=1)
    put(school, course, "student2", "assistant")
    assistant = school.as_("student2")
    path = f"/courses/{course['id']}"
    assert assistant.get(path).data["staff"][0]["revenue_share_percent"] is None
    assert [row["id"] for row in assistant.get("/courses?status=draft").data] == [course["id"]]
    assert [row["id"] for row in assistant.get("/lessons").data] == course["lessons"]
    assert assistant.get(f"/lessons/{course['lessons'][0]}").status == 200
    for refused in (
        assistant.patch(path, json={"title": "Mine"}),
        assistant.post(f"{path}/publish"),
        assistant.post(f"{path}/sections", json={"title": "Mine"}),
        assistant.patch(f"/lessons/{course['lessons'][0]}", json={"title": "Mine"}),
    ):
        assert refused.status == 403
