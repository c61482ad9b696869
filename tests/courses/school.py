"""Courses made through the API, and what the tables and the query log say of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event, select

from learnomy_wp.kernel import db, jobrun, jobs
from tests.client import Answer, Api, Session
from tests.progress.world import together
from wp_schema.tables import activity, outbox

__all__ = ["School", "made", "of_resource", "together"]

_numbers = itertools.count(1)


def made(answer: Answer) -> dict[str, Any]:
    """The data of a 201."""
    assert answer.status == 201, answer.body
    return dict(answer.data)


class School:
    """The API with shorthands for its courses."""

    def __init__(self, api: Api) -> None:
        self.api, self.ids = api, api.ids

    def as_(self, who: str | None) -> Session:
        return self.api.as_(who)

    def course(self, who: str = "teacher", *, published: bool = False, **body: Any) -> dict[str, Any]:
        """A new course; published if wanted."""
        course = made(self.as_(who).post("/courses", json={"title": f"Lecture {next(_numbers)}", **body}))
        if published:
            answer = self.as_(who).post(f"/courses/{course['id']}/publish")
            assert answer.status == 200, answer.body
            course = dict(answer.data)
        return course

    def section(self, course_id: int, who: str = "teacher", **body: Any) -> dict[str, Any]:
        return made(self.as_(who).post(f"/courses/{course_id}/sections", json={"title": "A section", **body}))

    def lesson(self, section_id: int, who: str = "teacher", **body: Any) -> dict[str, Any]:
        return made(self.as_(who).post(f"/sections/{section_id}/lessons", json={"title": "A lesson", **body}))

    def topic(self, lesson_id: int, who: str = "teacher", **body: Any) -> dict[str, Any]:
        return made(self.as_(who).post(f"/lessons/{lesson_id}/topics", json={"title": "A topic", **body}))

    def filled(self, who: str = "teacher", *, published: bool = True, lessons: int = 2) -> dict[str, Any]:
        """A course with one section of lessons; gives `id`, `section` and `lessons`."""
        course = self.course(who, published=published)
        section = self.section(course["id"], who)
        ids = [self.lesson(section["id"], who, title=f"Lesson {number}")["id"] for number in range(lessons)]
        return {**course, "section": section["id"], "lessons": ids}

    def enrol(self, course_id: int, who: str = "student") -> None:
        answer = self.as_(who).post(f"/courses/{course_id}/enroll")
        assert answer.status == 201, answer.body

    # -- reading

    def rows(self, statement: Any) -> list[dict[str, Any]]:
        with self.api.inside():
            return db.rows(statement)

    def row(self, table: Any, row_id: int) -> dict[str, Any] | None:
        found = self.rows(select(table).where(table.c.id == row_id))
        return found[0] if found else None

    def write(self, statement: Any) -> None:
        with self.api.inside():
            db.transaction(lambda: db.execute(statement))

    def events(self, course_id: int) -> list[str]:
        """The topics of a course's events, from the activity log."""
        wanted = select(activity.c.event).where(activity.c.course_id == course_id).order_by(activity.c.id)
        return [row["event"] for row in self.rows(wanted)]

    def actions(self, course_id: int) -> list[tuple[str, list[Any]]]:
        """Hooks and arguments in a course's part of the outbox."""
        wanted = select(outbox.c.hook, outbox.c.args).where(outbox.c.aggregate == f"course:{course_id}")
        return [(row["hook"], row["args"]) for row in self.rows(wanted.order_by(outbox.c.id))]

    def run_jobs(self) -> int:
        """Run what is due; gives how many ran."""
        with self.api.inside():
            return sum(jobrun.run(job_id) for job_id in jobs.due_jobs())

    @contextmanager
    def queries(self) -> Iterator[list[str]]:
        """The statements sent within."""
        sent: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            sent.append(statement)

        engines = (self.api.runtime.database.read, self.api.runtime.database.write)
        for engine in engines:
            event.listen(engine, "before_cursor_execute", note)
        try:
            yield sent
        finally:
            for engine in engines:
                event.remove(engine, "before_cursor_execute", note)


def of_resource(sent: list[str]) -> list[str]:
    """The statements but for identity, the site record and what caches keep."""
    return [s for s in sent if not any(name in s for name in ("_options", "usermeta", "expiring_keys", "BEGIN"))]
