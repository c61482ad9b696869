"""What has been in the trash for more than 30 days goes for good, but for what is part of somebody's record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Table, delete, func, insert, select, update

from learnomy_wp.courses import purging
from learnomy_wp.curriculum import purging as section_purging
from learnomy_wp.kernel import cleanup, clock, db, jobrun
from learnomy_wp.lessons import purging as lesson_purging
from tests.courses.school import School
from wp_schema.tables import (
    attachments,
    certificates,
    courses,
    discussions,
    enrollments,
    lessons,
    notes,
    progress,
    quizzes,
    sections,
)
from wp_schema.tables import jobs as job_rows

TABLES = (courses, sections, lessons, quizzes)


@pytest.fixture(autouse=True)
def _nothing_in_the_trash(school: School) -> Iterator[None]:
    """What another test left there would go as well."""
    yield
    for table in (lessons, sections, courses):
        school.write(delete(table).where(table.c.status == "trash"))


def age(school: School, days: float) -> None:
    """Let what is in the trash have been there for so long."""
    for table in TABLES:
        school.write(
            update(table).where(table.c.status == "trash").values(deleted_at=clock.now() - timedelta(days=days))
        )


def clean_up(school: School) -> dict[str, int]:
    """Run the job; gives what it removed."""
    with school.api.inside():
        db.write(delete(job_rows).where(job_rows.c.kind == cleanup.KIND))
        cleanup.schedule_clean_up()
        job_id = db.value(select(job_rows.c.id).where(job_rows.c.kind == cleanup.KIND))
        assert jobrun.run(job_id)
        found = db.row(select(job_rows.c.state, job_rows.c.report).where(job_rows.c.id == job_id))
        assert found is not None
        assert found["state"] == "done"
    removed = found["report"] or {}
    return {name: number for name, number in removed.items() if name in ("courses", "sections", "lessons")}


def trash(school: School, path: str) -> None:
    assert school.as_("teacher").delete(path).status == 200


def count(school: School, table: Table, course_id: int) -> int:
    return int(school.rows(select(func.count().label("n")).where(table.c.course_id == course_id))[0]["n"])


# --- courses -----------------------------------------------------------------------------


def test_a_course_that_nobody_took_goes_with_all_that_hangs_on_it(school: School) -> None:
    course, other = school.filled(), school.filled()
    trash(school, f"/courses/{course['id']}")
    for days in (29.9, 30.9):  # restored until the thirtieth day, and removed after a day of grace
        age(school, days)
        assert clean_up(school) == {}
    age(school, 31.1)
    assert clean_up(school) == {"courses": 1}
    assert school.row(courses, course["id"]) is None
    assert [count(school, table, course["id"]) for table in (sections, lessons)] == [0, 0]
    assert [count(school, table, other["id"]) for table in (sections, lessons)] == [1, 2]
    assert school.actions(course["id"])[-1] == ("learnomy_course_deleted", [course["id"], 0])
    assert school.events(course["id"])[-1] == "course.deleted"
    assert school.as_("admin").get(f"/courses/{course['id']}").status == 404


def record_of(school: School, course_id: int, what: str) -> None:
    student, now = school.ids["student"], clock.now()
    if what == "certificate":
        named = {"title": "Done", "recipient_name": "Student", "uuid": f"purge-{course_id}"}
        times = {"issued_at": now, "created_at": now, "updated_at": now}
        school.write(insert(certificates).values(user_id=student, course_id=course_id, **named, **times))
        return
    school.enrol(course_id)
    if what == "left":
        assert school.as_("student").delete(f"/courses/{course_id}/enroll").status == 200


@pytest.mark.parametrize("what", ["enrolment", "left", "certificate"])
def test_a_course_that_is_part_of_a_record_is_kept_whole(school: School, what: str) -> None:
    course = school.filled()
    record_of(school, course["id"], what)
    trash(school, f"/courses/{course['id']}")
    age(school, 4000)
    assert clean_up(school) == {}
    kept = school.row(courses, course["id"])
    assert kept is not None
    assert (kept["title"], kept["status"]) == (course["title"], "trash")
    assert [count(school, table, course["id"]) for table in (sections, lessons)] == [1, 2]
    refused = school.as_("teacher").patch(f"/courses/{course['id']}", json={"status": "draft"})
    assert refused.code == "trash_expired"
    school.write(delete(enrollments).where(enrollments.c.course_id == course["id"]))
    school.write(delete(certificates).where(certificates.c.course_id == course["id"]))


def test_what_was_restored_in_the_meantime_stays(school: School) -> None:
    course = school.filled()
    lesson = course["lessons"][0]
    with school.api.inside():
        db.transaction(lambda: purging._remove(course["id"]))
        db.transaction(lambda: section_purging._remove(course["id"], [course["section"]]))
        db.transaction(lambda: lesson_purging._remove(course["id"], [lesson]))
    assert school.row(courses, course["id"]) is not None
    assert school.row(sections, course["section"]) is not None
    assert school.row(lessons, lesson) is not None


# --- lessons and topics --------------------------------------------------------------------


def test_a_lesson_that_nobody_opened_goes_with_its_topics_and_files(school: School) -> None:
    course = school.filled(lessons=2)
    gone, kept = course["lessons"]
    topic = school.topic(gone)["id"]
    now = clock.now()
    file = {
        "path": "",
        "sha256": "0" * 64,
        "filename": "a.pdf",
        "title": "A",
        "mime_type": "application/pdf",
        "size_bytes": 1,
    }
    for lesson in (gone, kept):
        values = {"course_id": course["id"], "lesson_id": lesson, "created_at": now, "updated_at": now}
        school.write(insert(attachments).values(**file, **values))
    trash(school, f"/lessons/{gone}")
    age(school, 32)
    assert clean_up(school) == {"lessons": 1}, "the topic; its lesson once it has none"
    assert [school.row(lessons, lesson) is None for lesson in (gone, topic)] == [False, True]
    assert clean_up(school) == {"lessons": 1}
    assert [school.row(lessons, lesson) is None for lesson in (gone, topic, kept)] == [True, True, False]
    left = school.rows(select(attachments.c.lesson_id).where(attachments.c.course_id == course["id"]))
    assert left == [{"lesson_id": kept}]


def note_on(school: School, course_id: int, lesson_id: int, what: str) -> None:
    now = clock.now()
    times = {"created_at": now, "updated_at": now}
    who = {"user_id": school.ids["student"], "course_id": course_id}
    if what == "progress":
        school.write(insert(progress).values(object_type="lesson", object_id=lesson_id, **who, **times))
    elif what == "note":
        school.write(insert(notes).values(lesson_id=lesson_id, client_id=f"n{lesson_id}", body="!", **who, **times))
    else:
        said: dict[str, Any] = {"body_raw": "?", "body_html": "?", "last_activity_at": now}
        school.write(insert(discussions).values(lesson_id=lesson_id, **said, **who, **times))


@pytest.mark.parametrize("what", ["progress", "note", "discussion"])
@pytest.mark.parametrize("on_topic", [False, True])
def test_a_lesson_that_is_part_of_a_record_is_kept(school: School, what: str, on_topic: bool) -> None:
    course = school.filled(lessons=1)
    (lesson,) = course["lessons"]
    topic = school.topic(lesson)["id"]
    note_on(school, course["id"], topic if on_topic else lesson, what)
    trash(school, f"/lessons/{lesson}")
    age(school, 400)
    clean_up(school)
    kept = school.row(lessons, lesson)
    assert kept is not None
    assert (kept["status"], kept["title"]) == ("trash", "Lesson 0")
    assert (school.row(lessons, topic) is not None) == on_topic
    refused = school.as_("teacher").patch(f"/lessons/{lesson}", json={"status": "draft"})
    assert refused.code == "trash_expired"


def test_a_quiz_of_a_lesson_that_goes_is_not_lost(school: School) -> None:
    course = school.filled(lessons=1)
    (lesson,) = course["lessons"]
    now = clock.now()
    values = {"course_id": course["id"], "lesson_id": lesson, "title": "Q", "slug": f"q-{lesson}", "sort_title": "q"}
    written = {"created_at": now, "updated_at": now, "published_at": now, "status": "published"}
    given = {name: value for name, value in (values | written).items() if name in quizzes.c}
    school.write(insert(quizzes).values(**given))
    trash(school, f"/lessons/{lesson}")
    age(school, 32)
    assert clean_up(school) == {"lessons": 1}
    assert school.rows(select(quizzes.c.lesson_id).where(quizzes.c.course_id == course["id"])) == [{"lesson_id": None}]


# --- sections ------------------------------------------------------------------------------


def test_a_section_goes_and_its_lessons_stay(school: School) -> None:
    course = school.filled(lessons=2)
    trash(school, f"/sections/{course['section']}")
    age(school, 30.5)
    assert clean_up(school) == {}
    age(school, 32)
    assert clean_up(school) == {"sections": 1}
    assert school.row(sections, course["section"]) is None
    assert [school.row(lessons, lesson)["section_id"] for lesson in course["lessons"]] == [None, None]  # type: ignore[index]


def test_many_go_in_one_run(school: School) -> None:
    ids = [school.course()["id"] for _ in range(5)]
    for course_id in ids:
        trash(school, f"/courses/{course_id}")
    age(school, 32)
    assert clean_up(school) == {"courses": 5}
