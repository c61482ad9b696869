"""Creating, reading, changing and publishing courses, by every role."""

from __future__ import annotations

from typing import Any

import pytest

from tests.courses.school import School, made, of_resource, together
from tests.media import upload
from wp_schema.tables import courses

CARD = {
    "id", "slug", "title", "excerpt", "status", "level", "language", "thumbnail_url", "permalink", "price", "is_free",
    "duration_minutes", "lesson_count", "student_count", "rating", "rating_count", "instructors", "categories", "tags",
    "published_at", "updated_at",
}  # fmt: skip
WHOLE = {
    "excerpt": "All about it",
    "content": "<p>Hello <script>alert(1)</script>there</p>",
    "level": "beginner",
    "language": "de",
    "intro_video_url": "https://videos.example/a.mp4",
    "price": {"amount_minor": 4900, "currency": "EUR"},
    "tags": ["Web", "web", "Python 3"],
    "capacity": 20,
    "opens_at": "2027-01-01T00:00:00Z",
    "closes_at": "2027-02-01T01:00:00+01:00",
    "access_days": 30,
    "drip_mode": "after_enrolment",
    "completion_mode": "share",
    "completion_share": 80,
    "completion_rules": "advisory",
    "enrollment_mode": "approval",
    "allow_retake": True,
    "requirements": ["A notebook"],
    "outcomes": ["Cook"],
    "audience": ["Cooks"],
    "faq_html": "<p>Why?</p>",
}


def test_a_course_begins_as_a_draft_of_its_owner(school: School) -> None:
    answer = school.as_("teacher").post("/courses", json={"title": "  Cooking   for two ", **WHOLE})
    course = made(answer)
    assert answer.headers["Location"] == f"/wp-json/learnomy/v1/courses/{course['id']}"
    assert course["title"] == "Cooking for two"
    assert course["slug"] == "cooking-for-two"
    assert course["permalink"] == "http://learnomy.test/courses/cooking-for-two/"
    assert (course["status"], course["published_at"]) == ("draft", None)
    assert course["price"] == {"amount_minor": 4900, "currency": "EUR"}
    assert not course["is_free"]
    assert "script" not in course["content_html"]
    assert course["content_raw"] == WHOLE["content"]
    assert [tag["name"] for tag in course["tags"]] == ["Web", "Python 3"]
    assert (course["opens_at"], course["closes_at"]) == ("2027-01-01T00:00:00Z", "2027-02-01T00:00:00Z")
    assert (course["capacity"], course["seats_left"]) == (20, 20)
    assert course["instructors"] == course["staff"] or course["staff"][0]["role"] == "owner"
    [owner] = course["instructors"]
    assert (owner["id"], owner["role"], owner["slug"]) == (school.ids["teacher"], "owner", "teacher")
    assert school.events(course["id"]) == []
    for name in ("drip_mode", "completion_share", "completion_rules", "enrollment_mode", "requirements", "outcomes"):
        assert course[name] == WHOLE[name], name


def test_a_price_without_a_currency_is_in_the_sites(school: School) -> None:
    assert school.course(price={"amount_minor": 5})["price"] == {"amount_minor": 5, "currency": "USD"}
    assert school.as_("admin").patch("/settings", json={"currency": "JPY"}).status == 200
    try:
        assert school.course()["price"] == {"amount_minor": 0, "currency": "JPY"}
    finally:
        school.as_("admin").patch("/settings", json={"currency": "USD"})


@pytest.mark.parametrize(
    ("who", "status"), [(None, 401), ("student", 403), ("subscriber", 403), ("teacher", 201), ("admin", 201)]
)
def test_who_may_create_courses(school: School, who: str | None, status: int) -> None:
    assert school.as_(who).post("/courses", json={"title": "A course"}).status == status


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "title"),
        ({"title": " "}, "title"),
        ({"title": "x" * 256}, "title"),
        ({"title": "A", "status": "published"}, "status"),
        ({"title": "A", "nonsense": 1}, "nonsense"),
        ({"title": "A", "slug": "2024"}, "slug"),
        ({"title": "A", "slug": "category"}, "slug"),
        ({"title": "A", "slug": "!!"}, "slug"),
        ({"title": "A", "price": {"amount_minor": -1}}, "price.amount_minor"),
        ({"title": "A", "price": {"amount_minor": 1.5}}, "price.amount_minor"),
        ({"title": "A", "price": {"amount_minor": 1, "currency": "XXX"}}, "price.currency"),
        ({"title": "A", "level": "hard"}, "level"),
        ({"title": "A", "language": "d"}, "language"),
        ({"title": "A", "intro_video_url": "javascript:alert(1)"}, "intro_video_url"),
        ({"title": "A", "categories": ["nowhere"]}, "categories.0"),
        ({"title": "A", "categories": [True]}, "categories.0"),
        ({"title": "A", "tags": ["ok", 987654]}, "tags.1"),
        ({"title": "A", "tags": [""]}, "tags.0"),
        ({"title": "A", "prerequisites": [987654]}, "prerequisites.0"),
        ({"title": "A", "thumbnail_id": 987654}, "thumbnail_id"),
        ({"title": "A", "certificate_template_id": 987654}, "certificate_template_id"),
        ({"title": "A", "completion_mode": "share"}, "completion_share"),
        ({"title": "A", "opens_at": "2027-01-02T00:00:00Z", "closes_at": "2027-01-01T00:00:00Z"}, "closes_at"),
        (
            {"title": "A", "access_starts_at": "2027-01-02T00:00:00Z", "access_ends_at": "2027-01-02T00:00:00Z"},
            "access_ends_at",
        ),
        ({"title": "A", "capacity": -1}, "capacity"),
        ({"title": "A", "capacity": "5"}, "capacity"),
    ],
)
def test_wrong_fields_are_named_and_nothing_is_written(school: School, body: dict[str, Any], field: str) -> None:
    before = len(school.rows(courses.select()))
    answer = school.as_("teacher").post("/courses", json=body)
    assert (answer.status, answer.code) == (422, "validation_failed"), answer.body
    assert field in [detail["field"] for detail in answer.body["error"]["details"]]
    assert len(school.rows(courses.select())) == before


def test_only_those_who_edit_everybodys_courses_feature_one(school: School) -> None:
    course = school.course()
    path = f"/courses/{course['id']}"
    assert school.as_("teacher").patch(path, json={"is_featured": True}).status == 403
    assert school.as_("admin").patch(path, json={"is_featured": True}).data["is_featured"] is True


# --- slugs -------------------------------------------------------------------------------


def test_slugs_are_made_as_wordpress_makes_them(school: School) -> None:
    assert school.course(title="Größe & Maß 2.0")["slug"] == "grose-mas-2-0"
    assert school.course(title="Привет")["slug"] == "%d0%bf%d1%80%d0%b8%d0%b2%d0%b5%d1%82"
    assert school.course(title="!!!")["slug"] == "course"
    assert school.course(title="!!!")["slug"] == "course-2"
    assert school.course(title="2024")["slug"] == "2024-2"
    assert school.course(title="Category")["slug"] == "category-2"
    assert school.course(title="x" * 250)["slug"] == "x" * 200
    assert school.course(title="x" * 250)["slug"] == "x" * 198 + "-2"
    assert school.course(title="Another", slug="My Own")["slug"] == "my-own"


def test_a_course_is_found_by_its_slug_as_browsers_write_it(school: School) -> None:
    course = school.course(title="Приветствие", published=True)
    for reference in (course["slug"], "Приветствие", str(course["id"])):
        assert school.as_(None).get(f"/courses/{reference}").data["id"] == course["id"]


def test_a_chosen_slug_is_free_or_refused(school: School) -> None:
    first, second = school.course(title="Chosen"), school.course(title="Another chosen")
    answer = school.as_("teacher").post("/courses", json={"title": "X", "slug": "chosen"})
    assert [d["code"] for d in answer.body["error"]["details"]] == ["taken"]
    path = f"/courses/{second['id']}"
    assert school.as_("teacher").patch(path, json={"slug": first["slug"]}).status == 422
    assert school.as_("teacher").patch(path, json={"slug": second["slug"]}).status == 200
    renamed = school.as_("teacher").patch(path, json={"title": "Renamed"}).data
    assert (renamed["title"], renamed["slug"]) == ("Renamed", second["slug"])


def test_the_same_title_at_the_same_moment_gives_two_slugs(school: School) -> None:
    answers = together([lambda: school.as_("teacher").post("/courses", json={"title": "At once"})] * 6)
    assert [answer.status for answer in answers] == [201] * 6, [answer.body for answer in answers]
    assert sorted(answer.data["slug"] for answer in answers) == sorted(
        ["at-once", *(f"at-once-{n}" for n in range(2, 7))]
    )


# --- reading -----------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["draft", "pending", "private", "archived", "trash"])
def test_who_knows_of_a_course_that_is_not_published(school: School, status: str) -> None:
    course = school.course(published=True)
    path = f"/courses/{course['id']}"
    school.enrol(course["id"], "student2")
    assert school.as_("teacher").patch(path, json={"status": status}).status == 200
    seen = {
        who: school.as_(who).get(path).status for who in (None, "student", "teacher2", "student2", "teacher", "admin")
    }
    inside = 200 if status in ("private", "archived") else 404
    assert seen == {None: 404, "student": 404, "teacher2": 404, "student2": inside, "teacher": 200, "admin": 200}
    assert school.as_(None).get(f"/courses/{course['slug']}").status == 404
    listed = {row["id"] for row in school.as_(None).get("/courses?per_page=100").data}
    assert course["id"] not in listed


@pytest.mark.parametrize("reference", ["999999", "no-such-course", "99999999999999999999", "category", "%00", "'"])
def test_unknown_courses_are_404(school: School, reference: str) -> None:
    answer = school.as_(None).get(f"/courses/{reference}")
    assert (answer.status, answer.code) == (404, "not_found")


def test_what_only_staff_sees(school: School) -> None:
    course = school.course(published=True, content="<p>Raw</p>")
    for who in (None, "student", "teacher2"):
        seen = school.as_(who).get(f"/courses/{course['id']}").data
        assert seen["content_html"] == "<p>Raw</p>"
        assert (seen["content_raw"], seen["staff"]) == (None, None)
        assert seen.keys() >= CARD
    for who in ("teacher", "admin"):
        seen = school.as_(who).get(f"/courses/{course['id']}").data
        assert seen["content_raw"] == "<p>Raw</p>"
        assert seen["staff"][0]["id"] == school.ids["teacher"]


def test_a_course_costs_three_queries(school: School) -> None:
    course = school.course(published=True, tags=["Counted"])
    school.as_(None).get("/courses/1")
    with school.queries() as sent:
        assert school.as_(None).get(f"/courses/{course['slug']}").status == 200
    assert len(of_resource(sent)) == 3, sent


def test_fields_and_conditional_requests(school: School) -> None:
    course = school.course(published=True)
    path = f"/courses/{course['id']}"
    answer = school.as_(None).get(f"{path}?_fields=id,price.currency")
    assert answer.data == {"id": course["id"], "price": {"currency": "USD"}}
    tag = school.as_(None).get(path).headers["ETag"]
    assert tag.startswith('"2.')
    assert school.as_(None).get(path, headers={"If-None-Match": tag}).status == 304
    assert school.as_("teacher").patch(path, json={"title": "Newer"}, headers={"If-Match": tag}).status == 200
    assert school.as_(None).get(path, headers={"If-None-Match": tag}).status == 200
    stale = school.as_("teacher").patch(path, json={"title": "Newest"}, headers={"If-Match": tag})
    assert (stale.status, stale.code) == (412, "precondition_failed")
    assert school.as_(None).get(path).data["title"] == "Newer"


# --- changing ----------------------------------------------------------------------------


def test_changes_of_a_published_course_are_told(school: School) -> None:
    course = school.course(published=True)
    path = f"/courses/{course['id']}"
    for body in ({"title": "Changed"}, {"tags": ["New tag"]}, {"price": {"amount_minor": 100}}, {"status": "draft"}):
        assert school.as_("teacher").patch(path, json=body).status == 200
    assert school.as_("teacher").patch(path, json={"title": "Unheard"}).status == 200
    assert school.events(course["id"]) == ["course.published", *["course.updated"] * 4]
    teacher = school.ids["teacher"]
    assert school.actions(course["id"])[:2] == [
        ("learnomy_course_published", [course["id"], teacher]),
        ("learnomy_course_updated", [course["id"], teacher]),
    ]


def test_what_changes_nothing_is_no_version_and_no_event(school: School) -> None:
    course = school.course(published=True, tags=["Same"])
    path = f"/courses/{course['id']}"
    before = school.as_("teacher").get(path)
    same = {
        name: before.data[name] for name in ("title", "slug", "excerpt", "level", "price", "requirements", "status")
    }
    for body in ({}, same, {"tags": ["Same"]}, {"prerequisites": []}):
        assert school.as_("teacher").patch(path, json=body).status == 200
    assert school.as_("teacher").get(path).headers["ETag"] == before.headers["ETag"]
    assert school.events(course["id"]) == ["course.published"]


@pytest.mark.parametrize(
    ("who", "status"), [(None, 401), ("student", 403), ("teacher2", 403), ("teacher", 200), ("admin", 200)]
)
def test_who_may_change_a_published_course(school: School, who: str | None, status: int) -> None:
    course = school.course(published=True)
    path = f"/courses/{course['id']}"
    assert school.as_(who).patch(path, json={"excerpt": "New"}).status == status
    assert school.as_(who).delete(path).status == status


@pytest.mark.parametrize(("who", "status"), [(None, 401), ("student", 404), ("teacher2", 404), ("admin", 200)])
def test_who_may_change_a_draft(school: School, who: str | None, status: int) -> None:
    course = school.course()
    path = f"/courses/{course['id']}"
    assert school.as_(who).patch(path, json={"excerpt": "New"}).status == status
    assert school.as_(who).post(f"{path}/publish").status == status
    assert school.as_(who).post(f"{path}/duplicate").status == (201 if status == 200 else status)
    assert school.as_(who).delete(path).status == status


def test_a_refused_change_changes_nothing(school: School) -> None:
    course = school.course(published=True, tags=["Kept"])
    path = f"/courses/{course['id']}"
    body = {"title": "Lost", "tags": ["Lost too"], "prerequisites": [course["id"]]}
    assert school.as_("teacher").patch(path, json=body).status == 422
    kept = school.as_("teacher").get(path).data
    assert kept["title"] == course["title"]
    assert [tag["name"] for tag in kept["tags"]] == ["Kept"]
    assert school.as_(None).get("/course-categories?taxonomy=tag&per_page=100").body["meta"]["total"] == len(
        [
            t
            for t in school.as_(None).get("/course-categories?taxonomy=tag&per_page=100").data
            if t["name"] != "Lost too"
        ]
    )


# --- publishing --------------------------------------------------------------------------


def test_publishing_is_told_once(school: School) -> None:
    course = school.course()
    path = f"/courses/{course['id']}/publish"
    first = school.as_("teacher").post(path)
    again = school.as_("teacher").post(path)
    assert (first.status, first.data["status"]) == (200, "published")
    assert again.data["published_at"] == first.data["published_at"] is not None
    assert school.events(course["id"]) == ["course.published"]


def test_two_who_publish_at_once_publish_once(school: School) -> None:
    course = school.course()
    path = f"/courses/{course['id']}/publish"
    answers = together([lambda: school.as_("teacher").post(path), lambda: school.as_("admin").post(path)] * 3)
    assert {answer.status for answer in answers} == {200}
    assert school.events(course["id"]) == ["course.published"]


def test_unpublishing_keeps_the_first_date(school: School) -> None:
    course = school.course(published=True)
    path = f"/courses/{course['id']}"
    draft = school.as_("teacher").patch(path, json={"status": "draft"}).data
    assert (draft["status"], draft["published_at"]) == ("draft", course["published_at"])
    again = school.as_("teacher").patch(path, json={"status": "published"}).data
    assert again["published_at"] == course["published_at"]
    assert school.events(course["id"]) == ["course.published", "course.updated", "course.published"]


def test_where_the_site_asks_for_review_instructors_hand_in(school: School) -> None:
    assert school.as_("admin").patch("/settings", json={"review_courses": True}).status == 200
    try:
        course, other = school.course(), school.course()
        assert school.as_("teacher").post(f"/courses/{course['id']}/publish").data["status"] == "pending"
        handed = school.as_("teacher").patch(f"/courses/{other['id']}", json={"status": "published"})
        assert handed.data["status"] == "pending"
        assert school.as_(None).get(f"/courses/{course['id']}").status == 404
        assert school.events(course["id"]) == []
        assert school.as_("admin").post(f"/courses/{course['id']}/publish").data["status"] == "published"
        kept = school.as_("teacher").patch(f"/courses/{course['id']}", json={"status": "published", "title": "Still"})
        assert kept.data["status"] == "published"
    finally:
        school.as_("admin").patch("/settings", json={"review_courses": False})


# --- the thumbnail -------------------------------------------------------------------------


def test_a_thumbnail_is_an_image_that_its_teacher_may_see(school: School) -> None:
    """The library shows instructors what hangs on no page; what hangs on somebody's draft is not theirs to publish."""
    api, teacher = school.api, school.as_("teacher")
    draft = upload(api, "http://learnomy.test/?p=2", post_type="post", post_status="draft", post_author=1)
    own = upload(api, "http://learnomy.test/uploads/own.png", post_author=school.ids["teacher"], post_parent=draft)
    shared = upload(api, "http://learnomy.test/uploads/shared.png", post_author=1)
    hidden = upload(api, "http://learnomy.test/uploads/secret.png", post_author=1, post_parent=draft)
    paper = upload(api, "http://learnomy.test/uploads/secret.pdf", post_author=1, post_mime_type="application/pdf")
    course = school.course()
    for image in (own, shared):
        changed = teacher.patch(f"/courses/{course['id']}", json={"thumbnail_id": image})
        assert (changed.status, changed.data["thumbnail_id"]) == (200, image)
    for image in (hidden, paper, draft):
        for refused in (
            teacher.patch(f"/courses/{course['id']}", json={"thumbnail_id": image}),
            teacher.post("/courses", json={"title": "A course", "thumbnail_id": image}),
        ):
            assert (refused.status, [d["field"] for d in refused.body["error"]["details"]]) == (422, ["thumbnail_id"])
            assert "secret" not in str(refused.body)
    category = {"name": "Arts", "image_id": paper}
    refused = school.as_("admin").post("/course-categories", json=category)
    assert (refused.status, [d["field"] for d in refused.body["error"]["details"]]) == (422, ["image_id"])
    assert school.as_("admin").post("/course-categories", json={**category, "image_id": hidden}).status == 201
