"""The trash of courses, the way back, and deletion for good."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from learnomy_wp.kernel import clock
from tests.courses.school import School
from wp_schema.tables import (
    course_instructors,
    course_links,
    course_terms,
    courses,
    lessons,
    metadata_learnomy,
    quizzes,
    sections,
    terms,
)


def statuses(school: School, course_id: int) -> dict[str, list[str]]:
    return {
        table.name.rpartition("_")[2]: [
            row["status"]
            for row in school.rows(select(table.c.status).where(table.c.course_id == course_id).order_by(table.c.id))
        ]
        for table in (sections, lessons)
    }


def test_the_trash_takes_a_course_with_its_children_and_gives_them_back(school: School) -> None:
    course = school.filled(lessons=2)
    path = f"/courses/{course['id']}"
    teacher = school.as_("teacher")
    draft = school.lesson(course["section"], title="A draft", status="draft")
    gone, topic = course["lessons"][0], school.topic(course["lessons"][0])
    assert teacher.delete(f"/lessons/{gone}").status == 200
    was = statuses(school, course["id"])

    assert teacher.delete(path).data == {"id": course["id"], "deleted": True}
    assert teacher.delete(path).status == 200
    assert set(statuses(school, course["id"])["sections"] + statuses(school, course["id"])["lessons"]) == {"trash"}
    assert school.as_(None).get(path).status == 404
    assert [row["id"] for row in teacher.get("/courses?status=trash&per_page=100").data].count(course["id"]) == 1
    assert teacher.get(path).data["deleted_at"] is not None
    assert school.as_("teacher2").get(path).status == 404

    back = teacher.patch(path, json={"status": "published", "title": "Back again"}).data
    assert (back["status"], back["title"], back["deleted_at"]) == ("published", "Back again", None)
    assert statuses(school, course["id"]) == was
    assert (back["lesson_count"], back["section_count"]) == (1, 1)
    # What was in the trash on its own is still there, and its topic with it.
    assert [school.row(lessons, lesson)["status"] for lesson in (gone, topic["id"], draft["id"])] == [
        "trash",
        "trash",
        "draft",
    ]
    assert teacher.patch(f"/lessons/{gone}", json={"status": "published"}).status == 200
    assert school.row(lessons, topic["id"])["status"] == "published"
    assert school.events(course["id"]) == ["course.published", "course.updated", "course.published"]


def test_nothing_in_the_trash_is_changed(school: School) -> None:
    course = school.filled(lessons=1)
    path = f"/courses/{course['id']}"
    teacher = school.as_("teacher")
    assert teacher.delete(path).status == 200
    refused = [
        teacher.patch(path, json={"title": "New"}),
        teacher.patch(path, json={"title": "New", "status": "trash"}),
        teacher.post(f"{path}/publish"),
        teacher.post(f"{path}/duplicate"),
        teacher.post(f"{path}/sections", json={"title": "New"}),
        teacher.put(f"{path}/curriculum", json={"sections": []}),
        teacher.patch(f"/sections/{course['section']}", json={"title": "New"}),
        teacher.patch(f"/sections/{course['section']}", json={"status": "published"}),
        teacher.post(f"/sections/{course['section']}/lessons", json={"title": "New"}),
        teacher.patch(f"/lessons/{course['lessons'][0]}", json={"title": "New"}),
        teacher.post(f"/lessons/{course['lessons'][0]}/topics", json={"title": "New"}),
    ]
    assert [(answer.status, answer.body.get("error", {}).get("code")) for answer in refused] == [
        (409, "in_trash")
    ] * len(refused)
    assert teacher.patch(path, json={"status": "trash"}).status == 200


def test_after_thirty_days_nothing_comes_back(school: School) -> None:
    course = school.filled(lessons=1)
    path = f"/courses/{course['id']}"
    teacher = school.as_("teacher")
    lesson, section = course["lessons"][0], course["section"]
    for item in (f"/lessons/{lesson}", f"/sections/{section}", path):
        assert teacher.delete(item).status == 200
    ages = {courses: course["id"], lessons: lesson, sections: section}
    for days, status in ((31, 409), (29, 200)):
        for table, row_id in ages.items():
            at = clock.now() - timedelta(days=days)
            school.write(update(table).where(table.c.id == row_id).values(deleted_at=at))
        answers = [
            teacher.patch(path, json={"status": "draft"}),
            *(
                teacher.patch(item, json={"status": "published"})
                for item in (f"/sections/{section}", f"/lessons/{lesson}")
            ),
        ]
        assert answers[0].status == status, answers[0].body
        if status == 409:
            assert answers[0].code == "trash_expired"
            assert answers[1].code == "in_trash"  # its course still is
        else:
            assert [answer.status for answer in answers] == [200, 200, 200]


@pytest.mark.parametrize("published", [True, False])
def test_force_deletes_for_good_where_nobody_is_enrolled(school: School, published: bool) -> None:
    course = school.filled(lessons=1, published=published)
    other = school.course(prerequisites=[course["id"]] if published else [])
    path = f"/courses/{course['id']}"
    tag = school.as_("teacher").patch(path, json={"tags": ["Doomed"]}).data["tags"][0]["id"]
    counted = school.row(terms, tag)["course_count"]
    now = clock.now()
    school.write(
        quizzes.insert().values(
            course_id=course["id"],
            title="Q",
            slug=f"q-{course['id']}",
            sort_title="q",
            created_at=now,
            updated_at=now,
            published_at=now,
        )
    )
    for who, status in ((None, 401), ("student", 403 if published else 404), ("teacher2", 403 if published else 404)):
        assert school.as_(who).delete(f"{path}?force=true").status == status
    assert school.as_("teacher").delete(f"{path}?force=true").data == {"id": course["id"], "deleted": True}
    assert school.as_("teacher").delete(f"{path}?force=true").status == 404
    assert school.as_("admin").get(path).status == 404
    for table in metadata_learnomy.sorted_tables:
        if "course_id" in table.c and table.name.rpartition("_")[2] not in ("activity",):
            left = school.rows(select(func.count().label("n")).where(table.c.course_id == course["id"]))[0]["n"]
            assert left == 0, table.name
    assert school.row(terms, tag)["course_count"] == counted - published
    assert school.as_("teacher").get(f"/courses/{other['id']}").data["prerequisites"] == []
    assert school.events(course["id"])[-1] == "course.deleted"
    assert school.actions(course["id"])[-1] == ("learnomy_course_deleted", [course["id"], school.ids["teacher"]])


def test_a_course_with_students_is_not_deleted(school: School) -> None:
    course = school.filled(lessons=1)
    path = f"/courses/{course['id']}"
    school.enrol(course["id"])
    assert school.as_("student").delete(f"{path}/enroll").status == 200
    refused = school.as_("teacher").delete(f"{path}?force=true")
    assert (refused.status, refused.code) == (409, "course_has_students")
    assert school.as_(None).get(path).status == 200


def test_copies_follow_the_course(school: School) -> None:
    course = school.course(tags=["Followed"], price={"amount_minor": 100})
    path = f"/courses/{course['id']}"
    for body in (
        {"title": "Zebra crossing", "price": {"amount_minor": 0}},
        {"status": "published"},
        {"status": "trash"},
        {"status": "draft"},
    ):
        assert school.as_("teacher").patch(path, json=body).status == 200
        row = school.row(courses, course["id"])
        [term] = school.rows(select(course_terms).where(course_terms.c.course_id == course["id"]))
        [teacher] = school.rows(select(course_instructors).where(course_instructors.c.course_id == course["id"]))
        for copy in (term, teacher):
            assert copy["course_status"] == row["status"]
            assert (copy["published_at"], copy["sort_title"]) == (row["published_at"], row["sort_title"])
        assert term["price_minor"] == row["price_minor"]
        [counted] = school.rows(select(terms.c.course_count).where(terms.c.id == term["term_id"]))
        assert counted["course_count"] == (row["status"] == "published")


def test_links_of_a_course_in_the_trash_ask_for_nothing(school: School) -> None:
    first = school.course(published=True)
    second = school.course(prerequisites=[first["id"]])
    assert school.as_("teacher").delete(f"/courses/{first['id']}").status == 200
    assert school.as_("teacher").get(f"/courses/{second['id']}").data["prerequisites"] == []
    assert len(school.rows(select(course_links).where(course_links.c.owner_id == second["id"]))) == 1
