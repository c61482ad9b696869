"""Copying a course with its sections, lessons, topics, files and quizzes into a new draft."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Column, Select, Table, bindparam, insert, select, update

from learnomy_wp.courses import changes, lookups, plan, prerequisites, tagging
from learnomy_wp.kernel import clock, db, jobs, jobview
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.jobrun import Job, JobRefused
from learnomy_wp.kernel.slugs import Slugs
from learnomy_wp.kernel.trash import InTrash
from wp_schema.folding import search_text, sort_title
from wp_schema.tables import (
    attachments,
    course_instructors,
    course_links,
    course_terms,
    courses,
    lessons,
    quiz_slots,
    quizzes,
    sections,
)

KIND = "duplicate_course"
CHUNK = 100
TITLE_LENGTH = 255
Row = dict[str, Any]

# What a copy does not take over.
COURSE_ANEW = {
    "status": "draft",
    "previous_status": None,
    "is_featured": False,
    "section_count": 0,
    "lesson_count": 0,
    "quiz_count": 0,
    "student_count": 0,
    "completion_count": 0,
    "rating_avg": 0,
    "rating_count": 0,
    "rating_sum": 0,
    **{f"stars_{stars}": 0 for stars in range(1, 6)},
    "demo_key": None,
    "version": 1,
    "curriculum_version": 1,
    "first_published_at": None,
    "deleted_at": None,
    "completion_quiz_id": None,
}
LESSON_ANEW = {"discussion_count": 0, "version": 1, "trashed_with_parent": False}
QUIZ_ANEW = {
    "attempt_count": 0,
    "passed_count": 0,
    "overridden": None,
    "statistics": None,
    "version": 1,
    "trashed_with_parent": False,
}


def _written(table: Table) -> list[Column[Any]]:
    """The columns that an INSERT may name."""
    return [column for column in table.c if column.computed is None]


def _of_course(table: Table) -> Select[Any]:
    found = select(*_written(table)).where(table.c.course_id == bindparam("of_course")).order_by(table.c.id)
    return found.where(table.c.status != "trash") if "status" in table.c else found


COURSE = select(*_written(courses)).where(courses.c.id == bindparam("of_course"))
SECTIONS = _of_course(sections)
# Lessons before their topics, and no content in memory that is not being copied.
LESSON_IDS = (
    select(lessons.c.id)
    .where(lessons.c.course_id == bindparam("of_course"), lessons.c.status != "trash")
    .order_by(lessons.c.parent_id.is_not(None), lessons.c.id)
)
LESSONS = select(*_written(lessons)).where(lessons.c.id.in_(bindparam("ids", expanding=True)))
QUIZZES = _of_course(quizzes)
SLOTS = select(quiz_slots).where(quiz_slots.c.quiz_id == bindparam("of_quiz")).order_by(quiz_slots.c.id)
FILES = _of_course(attachments).where(attachments.c.deleted_at.is_(None))
QUIZ_SLUGS = select(quizzes.c.slug).where(quizzes.c.slug.in_(bindparam("slugs", expanding=True)))
QUIZ_SLUG = Slugs(lambda asked: db.values(QUIZ_SLUGS, {"slugs": asked}), "quiz")
SET_QUIZ = (
    update(lessons).where(lessons.c.id == bindparam("of_lesson")).values(required_quiz_id=bindparam("new_quiz_id"))
)
SET_FINAL = update(courses).where(courses.c.id == bindparam("of_course")).values(completion_quiz_id=bindparam("quiz"))


def start_copy(actor: Actor, course_id: int, *, title: str | None = None) -> Row:
    """Enqueue the copy; gives the job, whose report names the new course. Raises `InTrash`."""
    course = lookups.find_course(actor, course_id)
    if course["status"] == "trash":
        raise InTrash
    payload = {"course_id": course_id, "title": title}
    total = 1 + course["section_count"] + course["lesson_count"]
    return jobview.started(jobs.enqueue(KIND, payload, owner_id=actor.id, total=total))


def copy_course(running: Job) -> Row:
    """The job: the copy and the report that names it are committed together, so that a rerun finds it made."""
    made = jobview.find_job(running.id)["report"]
    if made is not None:
        return dict(made)

    def copy() -> Row:
        running.report = {"course_id": _copy(running.payload, running.owner_id)}
        running.progress(running.total or 1)
        return running.report

    return db.transaction(copy)


def _copy(payload: Mapping[str, Any], owner_id: int) -> int:
    source = payload["course_id"]
    row = db.row(COURSE, {"of_course": source})
    if row is None or row["status"] == "trash":
        raise JobRefused("the course is gone")
    course = _copy_row(row, owner_id, payload["title"])
    _copy_people_and_terms(source, course, owner_id)
    into: Row = {"course_id": course["id"], "created_at": course["created_at"], "updated_at": course["created_at"]}
    section_ids = {old["id"]: _insert(sections, {**old, **into, "version": 1}) for old in _rows(SECTIONS, source)}
    lesson_ids, required = _copy_lessons(source, into, section_ids)
    quiz_ids = _copy_quizzes(source, into, section_ids, lesson_ids)
    _connect_quizzes(course["id"], row["completion_quiz_id"], required, quiz_ids)
    for old in _rows(FILES, source):
        if old["lesson_id"] in lesson_ids:
            _insert(attachments, {**old, **into, "lesson_id": lesson_ids[old["lesson_id"]], "version": 1})
    changes.curriculum_changed(course["id"])
    return int(course["id"])


def _copy_row(row: Row, owner_id: int, title: str | None) -> Row:
    now = clock.now()
    title = title or f"{row['title'][: TITLE_LENGTH - 7]} (copy)"
    copied = {**row, **COURSE_ANEW, "title": title, "sort_title": sort_title(title), "author_id": owner_id}
    copied |= {"created_at": now, "updated_at": now, "published_at": now}
    copied["search_text"] = search_text(title, row["excerpt"], *tagging.term_names(row["id"]))
    copied["id"] = plan.SLUGS.insert(lambda slug: _insert(courses, {**copied, "slug": slug}), title)
    return copied


def _copy_people_and_terms(source: int, course: Row, owner_id: int) -> None:
    copies = {copy: course[name] for name, copy in tagging.TEACHER_COPIES.items()}
    place = {"course_id": course["id"], "created_at": course["created_at"]}
    _insert(course_instructors, {**place, "user_id": owner_id, "role": "owner", **copies})
    copies = {copy: course[name] for name, copy in tagging.TERM_COPIES.items()}
    for held in db.rows(tagging.BY_COURSE, {"course_id": source}):
        new = {"course_id": course["id"], "term_id": held["term_id"], "position": held["position"]}
        _insert(course_terms, {**new, **copies})
    for link in db.rows(prerequisites.OF_OWNER, {"owner_id": source}):
        new = {"kind": prerequisites.KIND, "owner_id": course["id"], "created_at": course["created_at"]}
        _insert(course_links, {**new, "course_id": link["course_id"], "position": link["position"]})


def _copy_lessons(source: int, into: Row, section_ids: Mapping[int, int]) -> tuple[dict[int, int], dict[int, int]]:
    """New ids by old ones, and by new lesson the old quiz that it asks for."""
    made: dict[int, int] = {}
    required: dict[int, int] = {}
    for old in _lessons_in_order(source):
        if old["parent_id"] is not None and old["parent_id"] not in made:
            continue  # a topic whose lesson is in the trash
        new = {**old, **into, **LESSON_ANEW, "published_at": into["created_at"]}
        new |= {"section_id": section_ids.get(old["section_id"]), "parent_id": made.get(old["parent_id"])}
        made[old["id"]] = _insert(lessons, {**new, "required_quiz_id": None})
        if old["required_quiz_id"] is not None:
            required[made[old["id"]]] = old["required_quiz_id"]
    return made, required


def _lessons_in_order(source: int) -> Iterator[Row]:
    ids = db.values(LESSON_IDS, {"of_course": source})
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        found = {row["id"]: row for row in db.rows(LESSONS, {"ids": chunk})}
        yield from (found[lesson_id] for lesson_id in chunk)


def _copy_quizzes(
    source: int, into: Row, section_ids: Mapping[int, int], lesson_ids: Mapping[int, int]
) -> dict[int, int]:
    made = {}
    for old in _rows(QUIZZES, source):
        new = {**old, **into, **QUIZ_ANEW, "published_at": into["created_at"]}
        new |= {"section_id": section_ids.get(old["section_id"]), "lesson_id": lesson_ids.get(old["lesson_id"])}
        new["slug"] = QUIZ_SLUG.free(old["slug"])
        made[old["id"]] = _insert(quizzes, new)
        for slot in db.rows(SLOTS, {"of_quiz": old["id"]}):
            times = {"created_at": into["created_at"], "updated_at": into["created_at"]}
            _insert(quiz_slots, {**slot, **times, "quiz_id": made[old["id"]]})
    return made


def _connect_quizzes(
    course_id: int, final: int | None, required: Mapping[int, int], quiz_ids: Mapping[int, int]
) -> None:
    for lesson_id, old in required.items():
        if old in quiz_ids:
            db.execute(SET_QUIZ, {"of_lesson": lesson_id, "new_quiz_id": quiz_ids[old]})
    if final is not None and final in quiz_ids:
        db.execute(SET_FINAL, {"of_course": course_id, "quiz": quiz_ids[final]})


def _rows(statement: Select[Any], source: int) -> list[Row]:
    return db.rows(statement, {"of_course": source})


def _insert(table: Table, row: Row) -> int:
    """Insert a copy of a row; its old id stays behind."""
    return db.insert_id(db.execute(insert(table), {name: value for name, value in row.items() if name != "id"}))
