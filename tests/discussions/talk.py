"""Shorthands for talking about a lesson."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from learnomy_wp.kernel import db, local, site
from tests.client import Answer
from tests.courses.school import School, made
from wp_schema.tables import discussions, lessons


class Talk:
    """One lesson's discussions."""

    def __init__(self, school: School, course: dict[str, Any]) -> None:
        self.school, self.course = school, course
        self.lesson: int = course["lessons"][0]
        self.path = f"/lessons/{self.lesson}/discussions"

    def ask(self, who: str = "student", text: str = "How does this work?", **body: Any) -> dict[str, Any]:
        return made(self.school.as_(who).post(self.path, json={"body": text, **body}))

    def answer(self, question: dict[str, Any], who: str = "student2", text: str = "Like so.") -> dict[str, Any]:
        return self.ask(who, text, parent_id=question["id"])

    def change(self, post: dict[str, Any], who: str, **body: Any) -> Answer:
        return self.school.as_(who).patch(f"/discussions/{post['id']}", json=body)

    def delete(self, post: dict[str, Any], who: str) -> Answer:
        return self.school.as_(who).delete(f"/discussions/{post['id']}")

    def list(self, who: str = "student", query: str = "") -> Answer:
        answer = self.school.as_(who).get(f"{self.path}{query}")
        assert answer.status == 200, answer.body
        return answer

    def rows(self, who: str = "student", query: str = "") -> list[dict[str, Any]]:
        answer = self.list(who, query)
        assert answer.body["meta"]["total"] == len(answer.data)
        return list(answer.data)

    def answers(self, question: dict[str, Any], who: str = "student") -> list[dict[str, Any]]:
        return self.rows(who, f"?parent_id={question['id']}")

    def unread(self, who: str) -> int:
        return int(self.list(who).body["meta"]["unread"])

    def row(self, post: dict[str, Any]) -> dict[str, Any]:
        found = self.school.row(discussions, post["id"])
        assert found is not None
        return found

    def counted(self) -> int:
        found = self.school.row(lessons, self.lesson)
        assert found is not None
        return int(found["discussion_count"])

    @contextmanager
    def settings(self, **values: Any) -> Iterator[None]:
        """The site with these settings."""
        self._set(values)
        yield
        self._set({})

    def _set(self, values: dict[str, Any]) -> None:
        with self.school.api.inside():
            db.transaction(lambda: local.set_option("learnomy_settings", values))
            site.current().forget_record()
