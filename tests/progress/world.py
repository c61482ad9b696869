"""Courses and people for the tests of enrolments and progress, written straight into the tables."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select, update

from learnomy_wp.kernel import db, jobrun, jobs
from tests.client import Api
from wp_schema.tables import (
    activity,
    course_instructors,
    course_links,
    courses,
    enrollment_grants,
    enrollments,
    lessons,
    outbox,
    progress,
    sections,
    users,
)

_numbers = itertools.count(1)
START = datetime(2026, 1, 1, tzinfo=UTC)


def together(calls: list[Callable[[], Any]]) -> list[Any]:
    """Run all calls at the same moment; gives their results in order."""
    barrier = threading.Barrier(len(calls))
    results: list[Any] = [None] * len(calls)

    def run(number: int) -> None:
        barrier.wait()
        results[number] = calls[number]()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


class World:
    """One API with shorthands for making courses and reading what became of them."""

    def __init__(self, api: Api) -> None:
        self.api, self.ids = api, api.ids
        self.as_ = api.as_

    # -- making

    def insert(self, table: Any, **values: Any) -> int:
        now = datetime.now(UTC)
        for name in ("created_at", "updated_at", "published_at"):
            if name in table.c:
                values.setdefault(name, now)
        with self.api.inside():
            return db.transaction(lambda: db.insert_id(db.execute(insert(table), values)))

    def course(self, *, lessons: int = 2, teacher: str = "teacher", topics: int = 0, **values: Any) -> Course:
        """A published course of the teacher's with one section; `topics` go to its first lesson."""
        number = next(_numbers)
        defaults = {"title": f"Course {number}", "slug": f"course-{number}", "sort_title": f"course {number}"}
        course_id = self.insert(
            courses, **{**defaults, "status": "published", "author_id": self.ids[teacher], **values}
        )
        self.insert(course_instructors, course_id=course_id, user_id=self.ids[teacher], role="owner")
        made = Course(self, course_id)
        made.add_section()
        for _ in range(lessons):
            made.add_lesson()
        for _ in range(topics):
            made.add_lesson(parent_id=made.lessons[0])
        return made

    def people(self, count: int) -> list[int]:
        """Further users, without a way to log in."""
        with self.api.inside():
            return db.transaction(lambda: self._people(count))

    def _people(self, count: int) -> list[int]:
        first = int(db.value(select(func.max(users.c.ID))) or 0) + 1
        rows = [
            {"ID": number, "user_login": f"person{number}", "user_nicename": f"person{number}", "user_pass": ""}
            for number in range(first, first + count)
        ]
        db.execute(insert(users), rows)
        return [row["ID"] for row in rows]

    # -- reading and changing

    def rows(self, statement: Any) -> list[dict[str, Any]]:
        with self.api.inside():
            return db.rows(statement)

    def set(self, table: Any, where: Any, **values: Any) -> None:
        with self.api.inside():
            db.transaction(lambda: db.execute(update(table).where(where).values(**values)))

    def events(self, course_id: int, *, user: str | int | None = None, topic: str | None = None) -> list[str]:
        """The topics of a course's events in order, from the activity log."""
        wanted = select(activity.c.event).where(activity.c.course_id == course_id).order_by(activity.c.id)
        if user is not None:
            wanted = wanted.where(activity.c.user_id == (self.ids[user] if isinstance(user, str) else user))
        if topic is not None:
            wanted = wanted.where(activity.c.event == topic)
        return [row["event"] for row in self.rows(wanted)]

    def actions(self, course_id: int, user: str) -> list[tuple[str, list[Any]]]:
        """Hooks and arguments put into the outbox for a learner in a course, in order."""
        aggregate = f"course_user:{course_id}:{self.ids[user]}"
        found = self.rows(
            select(outbox.c.hook, outbox.c.args).where(outbox.c.aggregate == aggregate).order_by(outbox.c.id)
        )
        return [(row["hook"], row["args"]) for row in found]

    def run_jobs(self) -> None:
        """Run what is due, as the worker would."""
        with self.api.inside():
            while due := jobs.due_jobs():
                for job_id in due:
                    jobrun.run(job_id)


class Course:
    """A course under test."""

    def __init__(self, world: World, course_id: int) -> None:
        self.world, self.id = world, course_id
        self.sections: list[int] = []
        self.lessons: list[int] = []
        self.topics: list[int] = []

    def add_section(self, **values: Any) -> int:
        number = len(self.sections) + 1
        made = self.world.insert(
            sections,
            **{"course_id": self.id, "title": f"Part {number}", "sort_title": "", "position": number, **values},
        )
        self.sections.append(made)
        self._changed()
        return made

    def add_lesson(self, *, parent_id: int | None = None, **values: Any) -> int:
        number = next(_numbers)
        defaults = {
            "course_id": self.id,
            "section_id": None if parent_id else self.sections[-1],
            "parent_id": parent_id,
            "title": f"Lesson {number}",
            "slug": f"lesson-{number}",
            "sort_title": "",
            "position": number,
            "status": "published",
        }
        made = self.world.insert(lessons, **{**defaults, **values})
        (self.topics if parent_id else self.lessons).append(made)
        self._changed()
        return made

    def _changed(self) -> None:
        self.world.set(courses, courses.c.id == self.id, curriculum_version=courses.c.curriculum_version + 1)

    def change(self, **values: Any) -> None:
        self.world.set(courses, courses.c.id == self.id, **values)

    def change_lesson(self, lesson_id: int, **values: Any) -> None:
        self.world.set(lessons, lessons.c.id == lesson_id, **values)
        self._changed()

    def require(self, other: Course) -> None:
        self.world.insert(course_links, kind="prerequisite", owner_id=self.id, course_id=other.id)

    def row(self) -> dict[str, Any]:
        return self.world.rows(select(courses).where(courses.c.id == self.id))[0]

    def enrollment(self, user: str | int) -> dict[str, Any]:
        user_id = self.world.ids[user] if isinstance(user, str) else user
        found = self.world.rows(
            select(enrollments).where(enrollments.c.course_id == self.id, enrollments.c.user_id == user_id)
        )
        assert len(found) == 1
        return found[0]

    def grants(self, user: str) -> list[dict[str, Any]]:
        wanted = select(enrollment_grants).where(
            enrollment_grants.c.course_id == self.id, enrollment_grants.c.user_id == self.world.ids[user]
        )
        return self.world.rows(wanted.order_by(enrollment_grants.c.id))

    def progress(self, user: str, lesson_id: int) -> dict[str, Any]:
        wanted = select(progress).where(
            progress.c.user_id == self.world.ids[user],
            progress.c.object_type == "lesson",
            progress.c.object_id == lesson_id,
        )
        return self.world.rows(wanted)[0]

    def move_clock(self, user: str, ago: timedelta) -> None:
        """Put a learner's enrolment and grants back in time."""
        row = self.enrollment(user)
        changes = {
            name: row[name] - ago
            for name in ("enrolled_at", "expires_at", "next_transition_at")
            if row[name] is not None
        }
        self.world.set(enrollments, enrollments.c.id == row["id"], **changes)
        for grant in self.grants(user):
            times = {name: grant[name] - ago for name in ("starts_at", "ends_at") if grant[name] is not None}
            self.world.set(enrollment_grants, enrollment_grants.c.id == grant["id"], **times)

    def enrol(self, user: str) -> Any:
        """Enrol a user by the API."""
        answer = self.world.as_(user).post(f"/courses/{self.id}/enroll")
        assert answer.status == 201, answer.body
        return answer.data
