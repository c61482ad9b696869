"""One course from its first draft to its completion, told once for every door.

An instructor creates, fills and publishes a course; a student finds it, enrols, completes every
lesson and with them the course, and ends the session. `Traveller` is how a door is asked.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Ask = Callable[[str, str, str | None, Any], tuple[int, Any]]

_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
_ID_NAMES = re.compile(r"(^|_)(id|ids)$")
_OWN_NAMES = {"access_token", "refresh_token", "request_id", "avatar_url", "cursor_next", "display_name"}


@dataclass
class Traveller:
    """Asks by one door: `ask(method, path, who, json)` gives status and body; `who` is a login, or None."""

    ask: Ask
    name: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    seen: list[tuple[str, int, Any]] = field(default_factory=list)

    def go(self, what: str, method: str, path: str, who: str | None, json: Any = None, *, expect: int = 200) -> Any:
        """One step: the answer must have this status; it is remembered without ids, times and names."""
        status, body = self.ask(method, path, who, json)
        assert status == expect, (what, status, body)
        self.seen.append((what, status, anonymous(body, self.name)))
        return body["data"]


def anonymous(value: Any, name: str, key: str = "") -> Any:
    """A body without what differs between two runs: ids, times, tokens, addresses and the run's own name."""
    if isinstance(value, dict):
        is_person = "avatar_url" in value
        return {k: "*" if is_person and k == "name" else anonymous(v, name, k) for k, v in value.items()}
    if isinstance(value, list):
        return [anonymous(item, name, key) for item in value]
    if value is not None and (_ID_NAMES.search(key) or key in _OWN_NAMES):
        return "*"
    if isinstance(value, str):
        if _TIME.match(value):
            return "<time>"
        return re.sub(r"https?://[^/]+", "<site>", value).replace(name, "<run>")
    return value


def publish_a_course(travel: Traveller, *, teacher: str = "teacher") -> dict[str, Any]:
    """The instructor's half: a draft, two sections, three lessons and a topic; then published."""
    title = f"Journey {travel.name}"
    course = travel.go(
        "create a course", "POST", "/courses", teacher, {"title": title, "excerpt": "A short trip."}, expect=201
    )
    path = f"/courses/{course['id']}"
    first = travel.go("add a section", "POST", f"{path}/sections", teacher, {"title": "Start"}, expect=201)
    second = travel.go("add another", "POST", f"{path}/sections", teacher, {"title": "End"}, expect=201)
    lessons = []
    for section, name in ((first, "Hello"), (first, "Going on"), (second, "Goodbye")):
        lessons.append(
            travel.go(
                f"add the lesson {name}",
                "POST",
                f"/sections/{section['id']}/lessons",
                teacher,
                {"title": name, "content": f"<p>{name}, reader.</p>", "status": "published"},
                expect=201,
            )
        )
    topic = travel.go(
        "add a topic",
        "POST",
        f"/lessons/{lessons[1]['id']}/topics",
        teacher,
        {"title": "A detail", "content": "<p>Look closer.</p>", "status": "published"},
        expect=201,
    )
    travel.go("set the level", "PATCH", path, teacher, {"level": "beginner"})
    published = travel.go("publish", "POST", f"{path}/publish", teacher)
    assert published["status"] == "published"
    return {"course": published, "lessons": lessons, "topic": topic}


def take_the_course(travel: Traveller, made: dict[str, Any], *, student: str = "student") -> None:
    """The student's half: find, enrol, complete every lesson and so the course."""
    course, lessons, topic = made["course"], made["lessons"], made["topic"]
    path = f"/courses/{course['id']}"
    found = travel.go("find it by its name", "GET", f"/courses?search={travel.name}", student)
    assert [row["slug"] for row in found] == [course["slug"]]
    travel.go("open it by its slug", "GET", f"/courses/{course['slug']}", student)
    access = travel.go("ask for access", "GET", f"{path}/access", student)
    assert access is not None
    enrolment = travel.go("enrol", "POST", f"{path}/enroll", student, expect=201)
    assert enrolment["status"] == "active"
    curriculum = travel.go("read the curriculum", "GET", f"{path}/curriculum", student)
    assert [len(section["lessons"]) for section in curriculum["sections"]] == [2, 1]
    for lesson in lessons:
        travel.go("read a lesson", "GET", f"/lessons/{lesson['id']}", student)
        if lesson is lessons[1]:
            travel.go("complete its topic", "POST", f"/topics/{topic['id']}/complete", student)
        travel.go("complete it", "POST", f"/lessons/{lesson['id']}/complete", student)
    progress = travel.go("read the progress", "GET", f"{path}/progress", student)
    assert (progress["percent"], progress["status"]) == (100, "completed")
    mine = travel.go("list my courses", "GET", "/me/courses?per_page=100", student)
    travel.seen.pop()
    row = next(item for item in mine if item["course_id"] == course["id"])
    assert (row["status"], row["progress_percent"]) == ("completed", 100)
