"""Creating, reading, changing and trashing lessons and topics."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from learnomy_wp.kernel import clock
from tests.courses.school import School, made, of_resource, together
from wp_schema.tables import attachments, lessons, quizzes

WHOLE = {
    "title": " What   is baking? ",
    "excerpt": "In short",
    "content": "<p>Long <script>x()</script>text</p>",
    "content_type": "video",
    "video_url": "https://videos.example/a.mp4",
    "media": {
        "poster_url": "https://videos.example/a.jpg",
        "sources": [{"url": "https://videos.example/a.webm", "type": "video/webm"}],
        "captions": [{"url": "https://videos.example/a.vtt", "language": "de"}],
    },
    "live_starts_at": "2027-01-01T10:00:00Z",
    "live_ends_at": "2027-01-01T11:00:00Z",
    "duration_seconds": 600,
    "is_preview": True,
    "drip_days": 2,
    "drip_at": "2027-01-01T00:00:00Z",
    "completion_rules": {"min_watch_seconds": 60, "required_video_share": 80, "requires_scroll": True},
}
LESSON = {
    "id", "course_id", "section_id", "parent_id", "title", "slug", "content_type", "content_html", "video_url",
    "duration_seconds", "position_seconds", "is_preview", "completed_at", "completion_rules", "attachments", "previous",
    "next",
}  # fmt: skip


def test_a_lesson_is_made_with_all_it_has(school: School) -> None:
    course = school.course(published=True)
    section = school.section(course["id"])["id"]
    answer = school.as_("teacher").post(f"/sections/{section}/lessons", json=WHOLE)
    lesson = made(answer)
    assert answer.headers["Location"] == f"/wp-json/learnomy/v1/lessons/{lesson['id']}"
    assert lesson.keys() >= LESSON
    assert (lesson["course_id"], lesson["section_id"], lesson["parent_id"]) == (course["id"], section, None)
    assert (lesson["title"], lesson["slug"], lesson["status"]) == ("What is baking?", "what-is-baking", "published")
    assert lesson["permalink"] == f"{course['permalink']}what-is-baking/"
    assert (lesson["content_html"], lesson["content_raw"]) == ("<p>Long text</p>", WHOLE["content"])
    assert lesson["completion_rules"] == {**WHOLE["completion_rules"], "required_quiz_id": None}
    assert lesson["media"] == {
        "poster_url": "https://videos.example/a.jpg",
        "document_url": None,
        "embed_url": None,
        "meeting_url": None,
        "sources": [{"url": "https://videos.example/a.webm", "type": "video/webm"}],
        "captions": [{"url": "https://videos.example/a.vtt", "language": "de", "label": None}],
    }
    for name in ("content_type", "video_url", "duration_seconds", "is_preview", "drip_days", "drip_at", "live_ends_at"):
        assert lesson[name] == WHOLE[name], name
    shown = school.as_(None).get(f"/courses/{course['id']}").data
    assert (shown["lesson_count"], shown["duration_minutes"]) == (1, 10)


def test_lessons_and_topics_stand_where_they_are_wanted(school: School) -> None:
    course = school.filled(lessons=2)
    section, [a, b] = course["section"], course["lessons"]
    first = school.lesson(section, position=0)["id"]
    middle = school.lesson(section, position=2)["id"]
    t1, t2 = (school.topic(a)["id"] for _ in range(2))
    t0 = school.topic(a, position=0)["id"]
    [shown] = school.as_("teacher").get(f"/courses/{course['id']}/curriculum").data["sections"]
    assert [row["id"] for row in shown["lessons"]] == [first, a, middle, b]
    assert [row["id"] for row in shown["lessons"][1]["topics"]] == [t0, t1, t2]
    topic = school.as_("teacher").get(f"/lessons/{t1}").data
    assert (topic["parent_id"], topic["section_id"]) == (a, section)
    assert (topic["previous"]["id"], topic["next"]["id"]) == (t0, t2)
    assert [row["id"] for row in school.as_("teacher").get(f"/lessons/{a}").data["topics"]] == [t0, t1, t2]
    nested = school.as_("teacher").post(f"/lessons/{t1}/topics", json={"title": "Deeper"})
    assert (nested.status, nested.code) == (409, "not_a_lesson")


def test_slugs_are_a_courses_own(school: School) -> None:
    one, two = school.course(), school.course()
    first, second = (school.section(course["id"])["id"] for course in (one, two))
    assert school.lesson(first, title="Same")["slug"] == "same"
    assert school.lesson(first, title="Same")["slug"] == "same-2"
    assert school.lesson(second, title="Same")["slug"] == "same"
    assert school.lesson(second, title="2024")["slug"] == "2024-2"
    assert school.lesson(second, title="!!")["slug"] == "lesson"
    chosen = school.lesson(second, title="Other", slug="My Own")
    assert chosen["slug"] == "my-own"
    path = f"/lessons/{chosen['id']}"
    assert school.as_("teacher").patch(path, json={"slug": "same"}).body["error"]["details"][0]["code"] == "taken"
    assert school.as_("teacher").patch(path, json={"slug": "feed"}).body["error"]["details"][0]["code"] == "reserved"
    assert school.as_("teacher").patch(path, json={"slug": "My Own"}).status == 200
    taken = school.as_("teacher").post(f"/sections/{second}/lessons", json={"title": "X", "slug": "same"})
    assert taken.status == 422


def test_the_same_title_at_once_gives_several_slugs(school: School) -> None:
    section = school.section(school.course()["id"])["id"]
    path = f"/sections/{section}/lessons"
    answers = together([lambda: school.as_("teacher").post(path, json={"title": "Raced"})] * 5)
    assert {answer.status for answer in answers} == {201}, [answer.body for answer in answers]
    assert len({answer.data["slug"] for answer in answers}) == 5
    assert sorted(answer.data["position"] for answer in answers) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "title"),
        ({"title": "  "}, "title"),
        ({"title": "L", "content_type": "A B"}, "content_type"),
        ({"title": "L", "video_url": "javascript:alert(1)"}, "video_url"),
        ({"title": "L", "media": {"embed_url": "data:text/html,x"}}, "media.embed_url"),
        ({"title": "L", "media": {"sources": [{"url": "nowhere"}]}}, "media.sources.0.url"),
        ({"title": "L", "media": {"other": 1}}, "media.other"),
        ({"title": "L", "duration_seconds": -1}, "duration_seconds"),
        ({"title": "L", "drip_days": 1.5}, "drip_days"),
        ({"title": "L", "status": "trash"}, "status"),
        ({"title": "L", "section_id": 1}, "section_id"),
        ({"title": "L", "parent_id": 1}, "parent_id"),
        ({"title": "L", "completion_rules": {"required_video_share": 101}}, "completion_rules.required_video_share"),
        ({"title": "L", "completion_rules": {"required_quiz_id": 987654}}, "completion_rules.required_quiz_id"),
        (
            {"title": "L", "live_starts_at": "2027-01-02T00:00:00Z", "live_ends_at": "2027-01-01T00:00:00Z"},
            "live_ends_at",
        ),
    ],
)
def test_wrong_fields_are_named_and_nothing_is_written(school: School, body: dict[str, Any], field: str) -> None:
    course = school.filled(lessons=1)
    for path in (f"/sections/{course['section']}/lessons", f"/lessons/{course['lessons'][0]}/topics"):
        answer = school.as_("teacher").post(path, json=body)
        assert (answer.status, answer.body["error"]["details"][0]["field"]) == (422, field), answer.body
    assert len(school.rows(select(lessons.c.id).where(lessons.c.course_id == course["id"]))) == 1


def test_a_quiz_of_another_course_is_no_rule(school: School) -> None:
    course, other = school.filled(lessons=1), school.course()
    now = clock.now()
    ids = {}
    for owner in (course, other):
        row = {"course_id": owner["id"], "title": "Q", "slug": f"rule-{owner['id']}", "sort_title": "q"}
        school.write(insert(quizzes).values(**row, created_at=now, updated_at=now, published_at=now))
        [found] = school.rows(select(quizzes.c.id).where(quizzes.c.course_id == owner["id"]))
        ids[owner["id"]] = found["id"]
    path = f"/lessons/{course['lessons'][0]}"
    foreign = school.as_("teacher").patch(path, json={"completion_rules": {"required_quiz_id": ids[other["id"]]}})
    assert foreign.status == 422
    mine = school.as_("teacher").patch(path, json={"completion_rules": {"required_quiz_id": ids[course["id"]]}})
    assert mine.data["completion_rules"]["required_quiz_id"] == ids[course["id"]]
    kept = school.as_("teacher").patch(path, json={"completion_rules": {"requires_scroll": True}})
    assert kept.data["completion_rules"]["required_quiz_id"] == ids[course["id"]]


# --- reading -----------------------------------------------------------------------------


def test_who_opens_a_lesson(school: School) -> None:
    course = school.filled(lessons=3)
    preview, closed, draft = course["lessons"]
    teacher = school.as_("teacher")
    assert teacher.patch(f"/lessons/{preview}", json={"is_preview": True}).status == 200
    assert teacher.patch(f"/lessons/{draft}", json={"status": "draft"}).status == 200
    school.enrol(course["id"], "student2")
    seen = {
        who: [school.as_(who).get(f"/lessons/{lesson}").status for lesson in (preview, closed, draft, 987654)]
        for who in (None, "student", "teacher2", "student2", "teacher", "admin")
    }
    assert seen == {
        None: [200, 401, 404, 404],
        "student": [200, 403, 404, 404],
        "teacher2": [200, 403, 404, 404],
        "student2": [200, 200, 404, 404],
        "teacher": [200, 200, 200, 404],
        "admin": [200, 200, 200, 404],
    }
    assert school.as_("student").get(f"/lessons/{closed}").code == "not_enrolled"


def test_what_a_learner_sees_of_a_lesson(school: School) -> None:
    course = school.filled(lessons=3)
    first, second, third = course["lessons"]
    hidden = school.topic(second, title="Hidden", status="draft")["id"]
    topic = school.topic(second, title="Shown")["id"]
    assert school.as_("teacher").patch(f"/lessons/{second}", json={"content": "<p>Raw</p>"}).status == 200
    now = clock.now()
    file = {"course_id": course["id"], "filename": "a.pdf", "title": "A", "mime_type": "application/pdf"}
    for lesson, deleted in ((second, None), (second, now), (first, None)):
        row = {**file, "lesson_id": lesson, "size_bytes": 5, "path": "ab", "sha256": "cd", "deleted_at": deleted}
        school.write(insert(attachments).values(**row, created_at=now, updated_at=now))
    school.enrol(course["id"])
    student = school.as_("student")
    position = {"position_seconds": 42, "watched_seconds": 40}
    assert student.put(f"/lessons/{second}/position", json=position).status == 200
    seen = student.get(f"/lessons/{second}").data
    assert seen.keys() >= LESSON
    assert (seen["content_html"], seen["content_raw"]) == ("<p>Raw</p>", None)
    assert (seen["state"], seen["position_seconds"], seen["completed_at"]) == ("in_progress", 42, None)
    assert [row["id"] for row in seen["topics"]] == [topic]
    assert [row["filename"] for row in seen["attachments"]] == ["a.pdf"]
    assert "/attachments/" in seen["attachments"][0]["download_url"]
    assert seen["previous"] == {"id": first, "title": "Lesson 0", "slug": "lesson-0", "parent_id": None}
    assert (seen["next"]["id"], seen["next"]["parent_id"]) == (topic, second)
    for lesson in (topic, second):
        kind = "topics" if lesson == topic else "lessons"
        assert student.post(f"/{kind}/{lesson}/complete").status == 200
    done = student.get(f"/lessons/{second}").data
    assert done["state"] == "completed"
    assert done["completed_at"] is not None
    assert student.get(f"/lessons/{first}").data["previous"] is None
    assert student.get(f"/lessons/{third}").data["next"] is None
    assert [row["id"] for row in school.as_("teacher").get(f"/lessons/{second}").data["topics"]] == [hidden, topic]


def test_the_player_of_a_plugin_finds_its_type_and_id(school: School) -> None:
    section = school.section(school.course()["id"])["id"]
    lesson = school.lesson(section, content_type="mediashield", video_url="4711")
    assert (lesson["content_type"], lesson["video_url"]) == ("mediashield", "4711")


def test_a_lesson_costs_a_fixed_number_of_queries(school: School) -> None:
    course = school.filled(lessons=9)
    school.enrol(course["id"])
    session = school.as_("student")
    counts = set()
    for lesson in course["lessons"][1:3]:
        with school.queries() as sent:
            assert session.get(f"/lessons/{lesson}").status == 200
        counts.add(len(of_resource(sent)))
    assert counts == {6}


# --- changing ----------------------------------------------------------------------------


def test_a_lesson_is_changed_under_its_version(school: School) -> None:
    course = school.filled(lessons=1)
    path = f"/lessons/{course['lessons'][0]}"
    teacher = school.as_("teacher")
    tag = teacher.get(path).headers["ETag"]
    changed = teacher.patch(path, json={"title": "Newer", "is_preview": True}, headers={"If-Match": tag})
    assert (changed.status, changed.data["title"], changed.data["is_preview"]) == (200, "Newer", True)
    assert teacher.patch(path, json={"title": "Newest"}, headers={"If-Match": tag}).status == 412
    same = teacher.patch(path, json={"title": "Newer", "slug": changed.data["slug"], "status": "published"})
    assert same.headers["ETag"] == changed.headers["ETag"]
    assert school.events(course["id"]) == ["course.published"]


def test_a_lesson_moves_with_its_topics(school: School) -> None:
    course, other = school.filled(lessons=2), school.filled(lessons=1)
    lesson = course["lessons"][0]
    topic = school.topic(lesson)["id"]
    target = school.section(course["id"])["id"]
    path = f"/lessons/{lesson}"
    moved = school.as_("teacher").patch(path, json={"section_id": target})
    assert (moved.data["section_id"], moved.data["position"]) == (target, 0)
    assert school.row(lessons, topic)["section_id"] == target
    for wrong in (other["section"], 987654):
        refused = school.as_("teacher").patch(path, json={"section_id": wrong})
        assert (refused.status, refused.body["error"]["details"][0]["field"]) == (422, "section_id")
    assert school.as_("teacher").patch(f"/lessons/{topic}", json={"section_id": target}).status == 422
    assert school.as_("teacher").patch(path, json={"section_id": None}).data["section_id"] is None
    assert school.as_(None).get(f"/courses/{course['id']}").data["lesson_count"] == 1
    assert school.as_("student").get(path).status == 404


def test_the_trash_takes_a_lesson_with_its_topics(school: School) -> None:
    course = school.filled(lessons=2)
    lesson = course["lessons"][0]
    topic, draft, gone = (school.topic(lesson, status=s)["id"] for s in ("published", "draft", "published"))
    teacher, path = school.as_("teacher"), f"/lessons/{lesson}"
    assert teacher.delete(f"/lessons/{gone}").data == {"id": gone, "deleted": True}
    assert teacher.delete(path).status == 200
    assert teacher.delete(path).status == 200

    def statuses() -> list[str]:
        return [school.row(lessons, row)["status"] for row in (lesson, topic, draft, gone)]

    assert statuses() == ["trash"] * 4
    assert school.as_(None).get(f"/courses/{course['id']}").data["lesson_count"] == 1
    assert teacher.get(path).status == 404
    assert [
        row["id"] for row in teacher.get(f"/lessons?course_id={course['id']}&status=trash&sort=created_at").data
    ] == [
        lesson,
        topic,
        draft,
        gone,
    ]
    assert teacher.patch(path, json={"title": "New"}).code == "in_trash"
    orphan = teacher.patch(f"/lessons/{topic}", json={"status": "published"})
    assert (orphan.status, orphan.code) == (409, "in_trash")
    assert teacher.post(f"/lessons/{lesson}/topics", json={"title": "New"}).code == "in_trash"
    back = teacher.patch(path, json={"status": "draft"}).data
    assert (back["status"], back["deleted_at"], back["section_id"]) == ("draft", None, course["section"])
    assert statuses() == ["draft", "published", "draft", "trash"]
    assert teacher.patch(f"/lessons/{gone}", json={"status": "published"}).status == 200


def test_a_lesson_comes_back_into_no_section_where_its_own_is_gone(school: School) -> None:
    course = school.filled(lessons=1)
    lesson = course["lessons"][0]
    teacher = school.as_("teacher")
    assert teacher.delete(f"/lessons/{lesson}").status == 200
    assert teacher.delete(f"/sections/{course['section']}").status == 200
    assert teacher.patch(f"/lessons/{lesson}", json={"status": "published"}).data["section_id"] is None


def test_after_thirty_days_a_lesson_stays_gone(school: School) -> None:
    course = school.filled(lessons=1)
    path = f"/lessons/{course['lessons'][0]}"
    assert school.as_("teacher").delete(path).status == 200
    old = clock.now() - timedelta(days=30, minutes=1)
    school.write(update(lessons).where(lessons.c.id == course["lessons"][0]).values(deleted_at=old))
    refused = school.as_("teacher").patch(path, json={"status": "published"})
    assert (refused.status, refused.code) == (409, "trash_expired")


@pytest.mark.parametrize(
    ("who", "status"), [(None, 401), ("student", 403), ("teacher2", 403), ("teacher", 200), ("admin", 200)]
)
def test_who_may_edit_lessons(school: School, who: str | None, status: int) -> None:
    course = school.filled(lessons=1)
    session, path = school.as_(who), f"/lessons/{course['lessons'][0]}"
    created = 201 if status == 200 else status
    assert session.post(f"/sections/{course['section']}/lessons", json={"title": "L"}).status == created
    assert session.post(f"{path}/topics", json={"title": "T"}).status == created
    assert session.patch(path, json={"title": "L"}).status == status
    assert session.delete(path).status == status


def test_lessons_of_a_foreign_draft_are_404(school: School) -> None:
    foreign = school.filled("teacher2", published=False, lessons=1)
    for lesson in (foreign["lessons"][0], 987654):
        for answer in (
            school.as_("teacher").patch(f"/lessons/{lesson}", json={"title": "Mine"}),
            school.as_("teacher").delete(f"/lessons/{lesson}"),
            school.as_("teacher").post(f"/lessons/{lesson}/topics", json={"title": "Mine"}),
        ):
            assert (answer.status, answer.code) == (404, "not_found")
    assert school.row(lessons, foreign["lessons"][0])["title"] == "Lesson 0"
