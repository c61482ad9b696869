"""What the role matrix asks for: for each endpoint the objects it is tried on.

An object is made once and used for every role until a write on it succeeds; then a new one is
made, so that one role's success is not another's refusal.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.client import Api

ABSENT = 999_999
_numbers = itertools.count(1)


@dataclass
class Target:
    """Where to send, and what."""

    path: str
    body: Any = None
    query: str = ""


@dataclass
class World:
    """Makes objects through the API, as their owner would."""

    api: Api
    made: dict[str, Any] = field(default_factory=dict)

    def post(self, who: str, path: str, body: Any = None) -> Any:
        answer = self.api.as_(who).post(path, json=body)
        assert answer.status in (200, 201), (path, answer.body)
        return answer.data

    def course(self, *, published: bool = True, owner: str = "teacher", enrolled: bool = True) -> dict[str, Any]:
        """A course of the teacher with a co-instructor and an assistant, a section, a lesson and a topic."""
        course = self.post(owner, "/courses", {"title": f"Subject {next(_numbers)}"})
        for login, role in (("co", "co"), ("assistant", "assistant")):
            path = f"/courses/{course['id']}/instructors/{self.api.ids[login]}"
            assert self.api.as_(owner).put(path, json={"role": role}).status in (200, 201)
        section = self.post(owner, f"/courses/{course['id']}/sections", {"title": "Part"})
        lesson = self.lesson(section["id"], owner)
        topic = self.post(owner, f"/lessons/{lesson}/topics", {"title": "Detail", "status": "published"})
        if published:
            self.post(owner, f"/courses/{course['id']}/publish")
        found = {**course, "section": section["id"], "lesson": lesson, "topic": topic["id"], "enrollment": ABSENT}
        if published and enrolled:
            found["enrollment"] = self.post("student", f"/courses/{course['id']}/enroll")["id"]
        return found

    def lesson(self, section_id: int, owner: str = "teacher") -> int:
        body = {"title": f"Lesson {next(_numbers)}", "status": "published"}
        return int(self.post(owner, f"/sections/{section_id}/lessons", body)["id"])


Make = Callable[[World], Target]


def _on_courses(path: str, body: Any = None) -> dict[str, Make]:
    """A path below a course: a published one, a draft, and none."""

    def at(course: dict[str, Any]) -> Target:
        return Target(path.format(**course), body)

    nothing = dict.fromkeys(("id", "section", "lesson", "topic", "enrollment"), ABSENT)
    return {
        "published": lambda w: at(w.course()),
        "draft": lambda w: at(w.course(published=False)),
        "absent": lambda _w: at(nothing),
    }


def _fixed(path: str, body: Any = None, query: str = "") -> dict[str, Make]:
    return {"any": lambda _w: Target(path, body, query)}


def _instructor(w: World, course: dict[str, Any], login: str = "teacher2") -> str:
    return f"/courses/{course['id']}/instructors/{w.api.ids[login]}"


def _put_curriculum(w: World, *, foreign: bool = False) -> Target:
    course = w.course()
    lesson = w.course(owner="teacher2")["lesson"] if foreign else course["lesson"]
    sections = [{"id": course["section"], "lessons": [{"id": lesson, "topics": [{"id": course["topic"]}]}]}]
    return Target(f"/courses/{course['id']}/curriculum", {"sections": sections})


def _category(w: World) -> int:
    return int(w.post("admin", "/course-categories", {"name": f"Field {next(_numbers)}"})["id"])


def _enrolment(w: World, login: str = "student2", **changes: Any) -> Target:
    course = w.course(published=changes.pop("published", True))
    return Target("/enrollments", {"course_id": course["id"], "user_id": w.api.ids[login], **changes})


def _job(w: World) -> Target:
    job = w.post("teacher", f"/courses/{w.course()['id']}/duplicate")
    return Target(f"/jobs/{job['job_id']}")


def _foreign_section(w: World) -> Target:
    """A lesson moved into a section of somebody else's course."""
    mine, theirs = w.course(), w.course(owner="teacher2")
    return Target(f"/lessons/{mine['lesson']}", {"section_id": theirs["section"]})


def _foreign_prerequisite(w: World) -> Target:
    """A draft of somebody else's named as a prerequisite."""
    mine, theirs = w.course(), w.course(owner="teacher2", published=False)
    return Target(f"/courses/{mine['id']}", {"prerequisites": [theirs["id"]]})


def _by_slug(w: World, *, published: bool) -> Target:
    return Target(f"/courses/{w.course(published=published)['slug']}")


OBJECTS: dict[str, dict[str, Make]] = {
    "create_token": _fixed("/auth/token", {"username": "student", "password": "wrong"}),
    "refresh_token": _fixed("/auth/token/refresh", {"refresh_token": "lrr_nothing"}),
    "revoke_token": _fixed("/auth/token/revoke", {"refresh_token": "lrr_nothing"}),
    "get_auth_me": _fixed("/auth/me"),
    "get_me": _fixed("/me"),
    "update_me": _fixed("/me", {"biography": "Learns."}),
    "list_my_courses": _fixed("/me/courses"),
    "get_dashboard": _fixed("/me/dashboard"),
    "get_health": _fixed("/health"),
    "get_status": _fixed("/status"),
    "get_openapi": _fixed("/openapi.json"),
    "get_settings": _fixed("/settings"),
    "update_settings": _fixed("/settings", {"completion_rules": "strict"}),
    "get_job": {"of the teacher": _job, "absent": lambda _w: Target(f"/jobs/{ABSENT}")},
    "list_course_categories": _fixed("/course-categories"),
    "create_course_category": {
        "any": lambda _w: Target("/course-categories", {"name": f"Field {next(_numbers)}"}),
        "foreign parent": lambda _w: Target("/course-categories", {"name": "Lost", "parent_id": ABSENT}),
    },
    "update_course_category": {
        "any": lambda w: Target(f"/course-categories/{_category(w)}", {"description": "New."}),
        "absent": lambda _w: Target(f"/course-categories/{ABSENT}", {"description": "New."}),
    },
    "delete_course_category": {
        "any": lambda w: Target(f"/course-categories/{_category(w)}"),
        "absent": lambda _w: Target(f"/course-categories/{ABSENT}"),
    },
    "list_courses": {
        "published": lambda _w: Target("/courses"),
        "drafts": lambda _w: Target("/courses", query="?status=draft"),
    },
    "create_course": _fixed("/courses", {"title": "A new subject"}),
    "get_course": {
        "published": lambda w: _by_slug(w, published=True),
        "draft": lambda w: _by_slug(w, published=False),
        "draft by id": lambda w: Target(f"/courses/{w.course(published=False)['id']}"),
        "absent": lambda _w: Target(f"/courses/{ABSENT}"),
    },
    "update_course": {
        **_on_courses("/courses/{id}", {"excerpt": "Changed."}),
        "foreign prerequisite": _foreign_prerequisite,
    },
    "delete_course": _on_courses("/courses/{id}"),
    "publish_course": _on_courses("/courses/{id}/publish"),
    "duplicate_course": _on_courses("/courses/{id}/duplicate"),
    "put_course_instructor": {
        "published": lambda w: Target(_instructor(w, w.course()), {"role": "assistant"}),
        "draft": lambda w: Target(_instructor(w, w.course(published=False)), {"role": "assistant"}),
        "absent user": lambda w: Target(f"/courses/{w.course()['id']}/instructors/{ABSENT}", {"role": "assistant"}),
        "absent": lambda w: Target(_instructor(w, {"id": ABSENT}), {"role": "assistant"}),
    },
    "remove_course_instructor": {
        "published": lambda w: Target(_instructor(w, w.course(), "co")),
        "draft": lambda w: Target(_instructor(w, w.course(published=False), "co")),
        "absent": lambda w: Target(_instructor(w, {"id": ABSENT}, "co")),
    },
    "get_curriculum": _on_courses("/courses/{id}/curriculum"),
    "put_curriculum": {
        "published": _put_curriculum,
        "foreign lesson": lambda w: _put_curriculum(w, foreign=True),
        "absent": lambda _w: Target(f"/courses/{ABSENT}/curriculum", {"sections": []}),
    },
    "create_section": _on_courses("/courses/{id}/sections", {"title": "More"}),
    "update_section": _on_courses("/sections/{section}", {"title": "Renamed"}),
    "delete_section": _on_courses("/sections/{section}"),
    "create_lesson": _on_courses("/sections/{section}/lessons", {"title": "Another"}),
    "list_lessons": _fixed("/lessons"),
    "get_lesson": _on_courses("/lessons/{lesson}"),
    "update_lesson": {**_on_courses("/lessons/{lesson}", {"excerpt": "New."}), "foreign section": _foreign_section},
    "delete_lesson": _on_courses("/lessons/{lesson}"),
    "create_topic": _on_courses("/lessons/{lesson}/topics", {"title": "Aside"}),
    "complete_lesson": _on_courses("/lessons/{lesson}/complete"),
    "uncomplete_lesson": _on_courses("/lessons/{lesson}/complete"),
    "complete_topic": _on_courses("/topics/{topic}/complete"),
    "save_position": _on_courses("/lessons/{lesson}/position", {"position_seconds": 5}),
    "enroll_in_course": _on_courses("/courses/{id}/enroll"),
    "leave_course": _on_courses("/courses/{id}/enroll"),
    "get_course_access": _on_courses("/courses/{id}/access"),
    "get_course_progress": _on_courses("/courses/{id}/progress"),
    "restart_course": _on_courses("/courses/{id}/progress"),
    "list_enrollments": _fixed("/enrollments"),
    "create_enrollment": {
        "published": _enrolment,
        "draft": lambda w: _enrolment(w, published=False),
        "absent user": lambda w: Target("/enrollments", {"course_id": w.course()["id"], "user_id": ABSENT}),
        "absent course": lambda w: Target("/enrollments", {"course_id": ABSENT, "user_id": w.api.ids["student2"]}),
    },
    "get_enrollment": _on_courses("/enrollments/{enrollment}"),
    "update_enrollment": _on_courses("/enrollments/{enrollment}", {"status": "cancelled"}),
    "delete_enrollment": _on_courses("/enrollments/{enrollment}"),
}
