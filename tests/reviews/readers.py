"""Courses that are read, and what is said of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select

from learnomy_wp.kernel import db, local, site
from tests.client import Answer, Session
from tests.courses.school import School, made
from wp_schema.tables import course_terms, courses, enrollment_grants, enrollments, reviews, users

_numbers = itertools.count(1)


class Readers(School):
    """A school with shorthands for reviews."""

    def read(self, who: str = "student", *, lessons: int = 2, done: int = 1) -> dict[str, Any]:
        """A published course in which somebody is, with so many lessons completed."""
        course = self.filled(lessons=lessons)
        self.enrol(course["id"], who)
        for lesson in course["lessons"][:done]:
            assert self.as_(who).post(f"/lessons/{lesson}/complete").status == 200
        return course

    def review(self, course_id: int, who: str = "student", *, rating: int = 4, **body: Any) -> dict[str, Any]:
        return made(self.say(course_id, who, rating=rating, **body))

    def say(self, course_id: int, who: str = "student", *, rating: Any = 4, **body: Any) -> Answer:
        return self.as_(who).post(f"/courses/{course_id}/reviews", json={"rating": rating, **body})

    def moderate(self, review_id: int, **body: Any) -> Answer:
        return self.as_("admin").post(f"/reviews/{review_id}/moderate", json=body)

    def approved(self, course_id: int, who: str = "student", *, rating: int = 4, **body: Any) -> dict[str, Any]:
        found = self.review(course_id, who, rating=rating, **body)
        return dict(self.moderate(found["id"], status="approved").data)

    def shown(self, course_id: int, who: str | None = None, query: str = "") -> Answer:
        answer = self.as_(who).get(f"/courses/{course_id}/reviews{query}")
        assert answer.status == 200, answer.body
        return answer

    def rating(self, course_id: int) -> tuple[float, int]:
        """What the course's own answer says."""
        data = self.as_("teacher").get(f"/courses/{course_id}").data
        return data["rating"], data["rating_count"]

    def check_rating(self, course_id: int) -> dict[str, Any]:
        """The roll-up equals what is counted from the reviews; gives the course's row."""
        rows = self.rows(select(reviews).where(reviews.c.course_id == course_id, reviews.c.status == "approved"))
        course = self.row(courses, course_id)
        assert course is not None
        given = [row["rating"] for row in rows]
        assert [course[f"stars_{stars}"] for stars in range(1, 6)] == [given.count(stars) for stars in range(1, 6)]
        assert (course["rating_count"], course["rating_sum"]) == (len(given), sum(given))
        exact = sum(given) * 100 / len(given) if given else 0
        assert abs(course["rating_avg"] - exact) <= 0.5
        terms = self.rows(select(course_terms.c.rating_avg).where(course_terms.c.course_id == course_id))
        assert {row["rating_avg"] for row in terms} <= {course["rating_avg"]}
        return course

    @contextmanager
    def settings(self, **values: Any) -> Iterator[None]:
        """Settings of the site for a while."""
        before = self.as_("admin").get("/settings").data
        answer = self.as_("admin").patch("/settings", json=values)
        assert answer.status == 200, answer.body
        try:
            yield
        finally:
            back = {name: before[name] for name in values}
            assert self.as_("admin").patch("/settings", json=back).status == 200

    def students(self, course_id: int, count: int) -> list[Session]:
        """Further students who have completed a course, logged in."""
        logins = [f"reader{next(_numbers)}" for _ in range(count)]
        now = datetime.now(UTC)
        password = self.rows(select(users.c.user_pass).where(users.c.user_login == "student"))[0]["user_pass"]

        def make() -> None:
            for login in logins:
                row = {"user_login": login, "user_pass": password, "user_nicename": login, "display_name": login}
                user_id = db.insert_id(db.execute(insert(users), {**row, "user_email": f"{login}@example.test"}))
                local.set_user_meta(user_id, "wp_capabilities", {"lrn_student": True})
                place = {"course_id": course_id, "user_id": user_id, "status": "completed", "completion_no": 1}
                times = {"enrolled_at": now, "last_activity_at": now, "created_at": now, "updated_at": now}
                enrollment = db.insert_id(db.execute(insert(enrollments), {**place, **times, "completed_at": now}))
                grant = {"enrollment_id": enrollment, "source": "manual", "starts_at": now, "created_at": now}
                grant["updated_at"] = now
                db.execute(insert(enrollment_grants), grant)

        with self.api.inside():
            db.transaction(make)
            site.current().forget_record()
        return [self.as_(login) for login in logins]
