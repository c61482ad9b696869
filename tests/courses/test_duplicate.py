"""Copying a course, and following the job that does it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from learnomy_wp.kernel import clock
from learnomy_wp.kernel.jobrun import run
from tests.courses.school import School, made
from wp_schema.tables import attachments, courses, jobs, lessons, quiz_slots, quizzes


def shape(school: School, course_id: int) -> list[Any]:
    """The titles of a course's curriculum, drafts and loose lessons too."""
    found = school.as_("admin").get(f"/courses/{course_id}/curriculum").data

    def titles(rows: list[dict[str, Any]]) -> list[Any]:
        return [(row["title"], row["status"], [topic["title"] for topic in row["topics"]]) for row in rows]

    places = [
        (section["title"], titles(section["lessons"]), [q["title"] for q in section["quizzes"]])
        for section in found["sections"]
    ]
    return [*places, titles(found["unattached"])]


def test_a_copy_is_a_whole_new_draft(school: School) -> None:
    first = school.course(published=True)
    course = school.filled(lessons=2)
    teacher, path = school.as_("teacher"), f"/courses/{course['id']}"
    body = {"tags": ["Copied"], "price": {"amount_minor": 900, "currency": "EUR"}, "prerequisites": [first["id"]]}
    assert teacher.patch(path, json={**body, "excerpt": "Long ago", "content": "<p>Text</p>"}).status == 200
    lesson = course["lessons"][0]
    school.topic(lesson, title="Below")
    school.lesson(course["section"], title="Draft", status="draft")
    gone = school.lesson(course["section"], title="Gone")["id"]
    other = school.section(course["id"], title="Another")
    loose = school.lesson(other["id"], title="Loose")["id"]
    assert teacher.patch(f"/lessons/{loose}", json={"section_id": None}).status == 200
    now = clock.now()
    times = {"created_at": now, "updated_at": now}
    quiz = {
        "course_id": course["id"],
        "section_id": other["id"],
        "lesson_id": lesson,
        "title": "Quiz",
        "sort_title": "quiz",
    }
    school.write(
        quizzes.insert().values(**quiz, slug=f"quiz-{course['id']}", status="published", published_at=now, **times)
    )
    [made_quiz] = school.rows(select(quizzes).where(quizzes.c.course_id == course["id"]))
    school.write(quiz_slots.insert().values(quiz_id=made_quiz["id"], question_id=7, position=0, **times))
    file = {
        "course_id": course["id"],
        "lesson_id": lesson,
        "filename": "a.pdf",
        "title": "A",
        "mime_type": "application/pdf",
    }
    school.write(attachments.insert().values(**file, size_bytes=10, path="ab/cd", sha256="ef", **times))
    rules = {"completion_rules": {"required_quiz_id": made_quiz["id"], "requires_scroll": True}}
    assert teacher.patch(f"/lessons/{lesson}", json=rules).status == 200
    assert teacher.delete(f"/lessons/{gone}").status == 200

    answer = teacher.post(f"{path}/duplicate")
    job = made(answer)
    assert answer.headers["Location"] == f"/wp-json/learnomy/v1/jobs/{job['id']}"
    assert (job["job_id"], job["kind"], job["state"], job["report"]) == (job["id"], "duplicate_course", "queued", None)
    assert school.run_jobs() >= 1
    done = teacher.get(f"/jobs/{job['id']}").data
    assert (done["state"], done["done"]) == ("done", done["total"])
    assert done["finished_at"] is not None

    new = teacher.get(f"/courses/{done['report']['course_id']}").data
    old = teacher.get(path).data
    assert (new["title"], new["slug"]) == (f"{course['title']} (copy)", f"{course['slug']}-copy")
    assert (new["status"], new["published_at"], new["student_count"]) == ("draft", None, 0)
    for name in ("price", "excerpt", "content_html", "content_raw", "lesson_count", "quiz_count", "section_count"):
        assert new[name] == old[name], name
    assert [tag["name"] for tag in new["tags"]] == ["Copied"]
    assert [row["id"] for row in new["prerequisites"]] == [first["id"]]
    assert [(person["id"], person["role"]) for person in new["staff"]] == [(school.ids["teacher"], "owner")]
    assert shape(school, new["id"]) == shape(school, course["id"])
    [copied] = school.rows(select(lessons).where(lessons.c.course_id == new["id"], lessons.c.requires_scroll.is_(True)))
    [new_quiz] = school.rows(select(quizzes).where(quizzes.c.course_id == new["id"]))
    assert copied["required_quiz_id"] == new_quiz["id"] != made_quiz["id"]
    assert (new_quiz["lesson_id"], new_quiz["slug"]) == (copied["id"], f"quiz-{course['id']}-2")
    assert len(school.rows(select(quiz_slots).where(quiz_slots.c.quiz_id == new_quiz["id"]))) == 1
    [new_file] = school.rows(select(attachments).where(attachments.c.course_id == new["id"]))
    assert (new_file["lesson_id"], new_file["path"]) == (copied["id"], "ab/cd")
    # The copy stands on its own.
    assert teacher.delete(path).status == 200
    assert shape(school, new["id"])[0][1] != []


def test_a_copy_may_have_a_name_of_its_own(school: School) -> None:
    course = school.course()
    job = made(school.as_("teacher").post(f"/courses/{course['id']}/duplicate", json={"title": "A second life"}))
    school.run_jobs()
    report = school.as_("teacher").get(f"/jobs/{job['id']}").data["report"]
    assert school.as_("teacher").get(f"/courses/{report['course_id']}").data["slug"] == "a-second-life"


def test_a_job_that_runs_again_makes_no_second_copy(school: School) -> None:
    course = school.course()
    job = made(school.as_("teacher").post(f"/courses/{course['id']}/duplicate"))
    school.run_jobs()
    count = len(school.rows(select(courses.c.id)))
    # As after a process that was killed between its commit and its report.
    school.write(
        update(jobs).where(jobs.c.id == job["id"]).values(state="queued", finished_at=None, run_at=clock.now())
    )
    with school.api.inside():
        assert run(job["id"])
    assert len(school.rows(select(courses.c.id))) == count
    assert school.as_("teacher").get(f"/jobs/{job['id']}").data["state"] == "done"


def test_a_course_that_is_gone_by_then_is_not_copied(school: School) -> None:
    course = school.course()
    job = made(school.as_("teacher").post(f"/courses/{course['id']}/duplicate"))
    assert school.as_("teacher").delete(f"/courses/{course['id']}?force=true").status == 200
    school.run_jobs()
    assert school.as_("teacher").get(f"/jobs/{job['id']}").data["state"] == "failed"


def test_an_idempotency_key_gives_the_same_job(school: School) -> None:
    course = school.course()
    path, headers = f"/courses/{course['id']}/duplicate", {"Idempotency-Key": f"copy-{course['id']}"}
    first = school.as_("teacher").post(path, headers=headers)
    again = school.as_("teacher").post(path, headers=headers)
    assert (again.status, again.data) == (201, first.data)
    assert again.headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize(("who", "status"), [(None, 401), ("student", 404), ("teacher2", 404), ("admin", 200)])
def test_who_follows_a_job(school: School, who: str | None, status: int) -> None:
    job = made(school.as_("teacher").post(f"/courses/{school.course()['id']}/duplicate"))
    assert school.as_(who).get(f"/jobs/{job['id']}").status == status
    assert school.as_(who).get("/jobs/987654").status == (401 if who is None else 404)
