"""Categories and tags."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from tests.courses.school import School, made, of_resource, together
from wp_schema.tables import course_terms, courses, terms


def category(school: School, name: str, **body: Any) -> dict[str, Any]:
    return made(school.as_("admin").post("/course-categories", json={"name": name, **body}))


def tree(school: School, query: str = "") -> dict[str, Any]:
    rows = school.as_(None).get(f"/course-categories?per_page=100{query}").data
    return {row["name"]: row for row in rows}


def test_a_category_is_made_changed_and_deleted(school: School) -> None:
    answer = school.as_("admin").post("/course-categories", json={"name": " Fine   arts ", "description": "All of it"})
    made_one = made(answer)
    assert answer.headers["Location"] == f"/wp-json/learnomy/v1/course-categories/{made_one['id']}"
    assert made_one == {
        "id": made_one["id"],
        "taxonomy": "category",
        "parent_id": None,
        "name": "Fine arts",
        "slug": "fine-arts",
        "description": "All of it",
        "image_id": None,
        "position": 0,
        "course_count": 0,
        "permalink": "http://learnomy.test/courses/category/fine-arts/",
        "children": [],
    }
    path = f"/course-categories/{made_one['id']}"
    assert category(school, "Fine arts")["slug"] == "fine-arts-2"
    changed = school.as_("admin").patch(path, json={"name": "Arts", "slug": "arts", "position": 3}).data
    assert (changed["name"], changed["slug"], changed["position"]) == ("Arts", "arts", 3)
    assert school.as_("admin").patch(path, json={"slug": "fine-arts-2"}).status == 422
    assert school.as_("admin").delete(path).data == {"id": made_one["id"], "deleted": True}
    assert school.as_("admin").delete(path).status == 404
    assert school.as_("admin").patch(path, json={"name": "Gone"}).status == 404


def test_children_stand_below_and_move_up(school: School) -> None:
    top = category(school, "Top")
    middle = category(school, "Middle", parent_id=top["id"])
    category(school, "Leaf", parent_id=middle["id"])
    shown = tree(school)["Top"]
    assert [child["name"] for child in shown["children"]] == ["Middle"]
    assert [child["name"] for child in shown["children"][0]["children"]] == ["Leaf"]
    assert "Middle" not in tree(school)
    assert school.as_("admin").delete(f"/course-categories/{middle['id']}").status == 200
    assert [child["name"] for child in tree(school)["Top"]["children"]] == ["Leaf"]
    assert school.as_("admin").delete(f"/course-categories/{top['id']}").status == 200
    assert tree(school)["Leaf"]["parent_id"] is None


def test_no_category_stands_below_itself(school: School) -> None:
    top = category(school, "Loop")
    below = category(school, "Below", parent_id=top["id"])
    for parent in (top["id"], below["id"]):
        refused = school.as_("admin").patch(f"/course-categories/{top['id']}", json={"parent_id": parent})
        assert refused.body["error"]["details"][0]["code"] == "cycle"
    moved = [
        lambda: school.as_("admin").patch(f"/course-categories/{top['id']}", json={"parent_id": other["id"]}),
        lambda: school.as_("admin").patch(f"/course-categories/{other['id']}", json={"parent_id": top["id"]}),
    ]
    other = category(school, "Other")
    assert sorted(answer.status for answer in together(moved)) == [200, 422]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": "A", "parent_id": 987654}, "parent_id"),
        ({"name": "A", "slug": "123"}, "slug"),
        ({"name": "A", "taxonomy": "question_category"}, "taxonomy"),
        ({"name": "A", "taxonomy": "tag", "parent_id": 1}, "parent_id"),
        ({"name": "A", "colour": "red"}, "colour"),
    ],
)
def test_wrong_fields_are_named(school: School, body: dict[str, Any], field: str) -> None:
    answer = school.as_("admin").post("/course-categories", json=body)
    assert (answer.status, answer.body["error"]["details"][0]["field"]) == (422, field)


@pytest.mark.parametrize(("who", "status"), [(None, 401), ("student", 403), ("teacher", 403), ("editor", 403)])
def test_only_managers_change_them(school: School, who: str | None, status: int) -> None:
    one = category(school, "Managed")
    session = school.as_(who)
    assert session.post("/course-categories", json={"name": "Mine"}).status == status
    assert session.patch(f"/course-categories/{one['id']}", json={"name": "Mine"}).status == status
    assert session.delete(f"/course-categories/{one['id']}").status == status
    assert session.get("/course-categories").status == 200


def test_a_question_category_is_none_of_these(school: School) -> None:
    from learnomy_wp.kernel import clock

    school.write(
        terms.insert().values(
            taxonomy="question_category",
            name="Q",
            slug="q",
            sort_title="q",
            created_at=clock.now(),
            updated_at=clock.now(),
        )
    )
    [row] = school.rows(select(terms.c.id).where(terms.c.taxonomy == "question_category"))
    assert school.as_("admin").patch(f"/course-categories/{row['id']}", json={"name": "Mine"}).status == 404
    assert school.as_("admin").delete(f"/course-categories/{row['id']}").status == 404
    assert school.as_("teacher").post("/courses", json={"title": "A", "categories": [row["id"]]}).status == 422


def test_courses_are_filed_by_id_or_slug_in_order(school: School) -> None:
    one, two = category(school, "First"), category(school, "Second")
    course = school.course(categories=[two["slug"], one["id"], two["id"]])
    assert [row["id"] for row in course["categories"]] == [two["id"], one["id"]]
    path = f"/courses/{course['id']}"
    again = school.as_("teacher").patch(path, json={"categories": [one["id"], two["id"]]}).data
    assert [row["id"] for row in again["categories"]] == [one["id"], two["id"]]
    assert school.as_("teacher").patch(path, json={"categories": []}).data["categories"] == []
    assert school.rows(select(course_terms).where(course_terms.c.course_id == course["id"])) == []


def test_counts_are_of_published_courses(school: School) -> None:
    one = category(school, "Counted")
    count = lambda: tree(school)["Counted"]["course_count"]  # noqa: E731
    course = school.course(categories=[one["id"]])
    assert count() == 0
    path = f"/courses/{course['id']}"
    for body, expected in (
        ({"status": "published"}, 1),
        ({"categories": []}, 0),
        ({"categories": [one["slug"]]}, 1),
        ({"status": "archived"}, 0),
        ({"status": "published"}, 1),
        ({"status": "trash"}, 0),
    ):
        assert school.as_("teacher").patch(path, json=body).status == 200
        assert count() == expected, body


def test_counts_stay_right_when_courses_are_published_at_once(school: School) -> None:
    one, two = category(school, "Busy"), category(school, "Busier")
    ids = [school.course(categories=pair)["id"] for pair in ([one["id"], two["id"]], [two["id"], one["id"]]) * 4]
    answers = together([lambda i=i: school.as_("teacher").post(f"/courses/{i}/publish") for i in ids])
    assert {answer.status for answer in answers} == {200}
    assert {name: row["course_count"] for name, row in tree(school).items() if name in ("Busy", "Busier")} == {
        "Busy": 8,
        "Busier": 8,
    }


def test_deleting_a_category_leaves_its_courses(school: School) -> None:
    one = category(school, "Vanishing")
    course = school.course(published=True, categories=[one["id"]])
    found = school.as_(None).get("/courses?search=vanishing")
    assert [row["id"] for row in found.data] == [course["id"]]
    assert school.as_("admin").delete(f"/course-categories/{one['id']}").status == 200
    school.run_jobs()
    assert school.as_(None).get(f"/courses/{course['id']}").data["categories"] == []
    assert school.as_(None).get("/courses?search=vanishing").data == []


def test_a_new_name_is_found(school: School) -> None:
    one = category(school, "Oldname")
    course = school.course(published=True, categories=[one["id"]])
    assert school.as_("admin").patch(f"/course-categories/{one['id']}", json={"name": "Freshname"}).status == 200
    assert school.run_jobs() >= 1
    assert [row["id"] for row in school.as_(None).get("/courses?search=freshname").data] == [course["id"]]
    assert "oldname" not in school.row(courses, course["id"])["search_text"]


def test_tags_are_made_by_naming_them(school: School) -> None:
    course = school.course(tags=["Deep Learning", "deep   learning", "日本", "!"])
    assert [(tag["name"], tag["slug"]) for tag in course["tags"]] == [
        ("Deep Learning", "deep-learning"),
        ("日本", "%e6%97%a5%e6%9c%ac"),
        ("!", "tag"),
    ]
    again = school.course(tags=[course["tags"][0]["id"], "日本"])
    assert [tag["id"] for tag in again["tags"]] == [tag["id"] for tag in course["tags"][:2]]
    listed = tree(school, "&taxonomy=tag")
    assert listed["Deep Learning"]["taxonomy"] == "tag"
    assert listed["Deep Learning"]["permalink"] is None
    assert "Deep Learning" not in tree(school)


def test_the_same_new_tag_at_once_is_one_tag(school: School) -> None:
    answers = together([lambda: school.as_("teacher").post("/courses", json={"title": "T", "tags": ["Raced"]})] * 5)
    assert {answer.status for answer in answers} == {201}, [answer.body for answer in answers]
    assert len({answer.data["tags"][0]["id"] for answer in answers}) == 1


def test_the_highest_ones_are_paged(school: School) -> None:
    for number in range(5):
        top = category(school, f"Paged {number}")
        category(school, f"Paged {number} below", parent_id=top["id"])
    names: list[str] = []
    ids: list[int] = []
    cursor, total = "", 0
    while cursor is not None:
        with school.queries() as sent:
            answer = school.as_("teacher").get(f"/course-categories?per_page=2&cursor={cursor}")
        assert answer.status == 200, answer.body
        assert len(of_resource(sent)) == 3
        names += [row["name"] for row in answer.data]
        ids += [row["id"] for row in answer.data]
        total, cursor = answer.body["meta"]["total"], answer.body["meta"]["cursor_next"]
    assert len(ids) == total == len(set(ids))
    assert names == sorted(names, key=str.casefold)
    assert school.as_(None).get("/course-categories?sort=position").status == 200
    assert school.as_(None).get("/course-categories?sort=id").status == 422
