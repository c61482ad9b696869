"""A site with courses, people and listeners for the acceptance tests, made through its own API."""

from __future__ import annotations

import itertools
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis

from tests.settling import door_of
from tests.site import PASSWORD, Answer, Site

HTTP_DOORS = ("direct", "early", "full")
DOORS = (*HTTP_DOORS, "internal")

# What listeners note goes to a file, one line of JSON each, with the time.
NOTE = """
if ( ! function_exists( 'note_down' ) ) {
	function note_down( $what ) {
		$line = wp_json_encode( array( 'at' => microtime( true ) ) + (array) $what );
		file_put_contents( WP_CONTENT_DIR . '/noted.log', $line . "\\n", FILE_APPEND | LOCK_EX );
	}
}
"""

TOKEN_SECONDS = 600
COUNTED_SECONDS = 8  # in which a test is done with what it counts

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Course:
    """A published course and its lessons."""

    id: int
    slug: str
    lessons: list[int]


@dataclass
class Academy:
    """One site, its teacher's key to it, and the tokens of its people."""

    site: Site
    _teacher: tuple[str, str] | None = None
    _tokens: dict[str, tuple[float, str]] = field(default_factory=dict)
    _course: Course | None = None

    # --- people ----------------------------------------------------------------------

    @property
    def teacher(self) -> tuple[str, str]:
        """An Application Password of the teacher's, as `auth=` takes it."""
        if self._teacher is None:
            self._teacher = self.site.application_password("teacher")
        return self._teacher

    def log_in(self, login: str, password: str = PASSWORD, **options: Any) -> dict[str, Any]:
        """A new pair of tokens."""
        answer = self.site.post("/auth/token", json={"username": login, "password": password}, **options)
        assert answer.status == 200, answer.text
        pair: dict[str, Any] = answer.data
        return pair

    def bearer(self, login: str) -> dict[str, str]:
        """The header of a token of the person's, kept between tests while it is young."""
        made, token = self._tokens.get(login, (0.0, ""))
        if not token or time.monotonic() - made > TOKEN_SECONDS:
            token = self.log_in(login)["access_token"]
            self._tokens[login] = time.monotonic(), token
        return {"Authorization": f"Bearer {token}"}

    def as_(self, login: str, door: str) -> dict[str, Any]:
        """How a request by that door is this person's."""
        if door == "internal":
            return {"door": door, "user": login}
        return {"door": door, "headers": self.bearer(login)} if login else {"door": door}

    def person(self, role: str = "subscriber", *, password: str = "") -> tuple[str, str]:
        """A new account: its login and password."""
        login, password = f"person-{secrets.token_hex(4)}", password or secrets.token_hex(8)
        made = self.site.php(
            f"return wp_insert_user( array( 'user_login' => '{login}', 'user_pass' => '{password}',"
            f" 'user_email' => '{login}@example.org', 'role' => '{role}' ) );"
        )
        assert isinstance(made, int), made
        return login, password

    # --- courses ---------------------------------------------------------------------

    @property
    def course(self) -> Course:
        """One that the tests of this site share and do not change."""
        if self._course is None:
            self._course = self.make_course(2)
        return self._course

    def make_course(self, lessons: int) -> Course:
        """A new published course of the teacher's."""
        number = next(_numbers)
        made = self._teach("POST", "/courses", {"title": f"Acceptance {number} {secrets.token_hex(3)}"})
        section = self._teach("POST", f"/courses/{made['id']}/sections", {"title": "All"})
        ids = [
            self._teach(
                "POST",
                f"/sections/{section['id']}/lessons",
                {"title": f"Lesson {place}", "content": "<p>Read.</p>", "status": "published"},
            )["id"]
            for place in range(lessons)
        ]
        self._teach("POST", f"/courses/{made['id']}/publish")
        return Course(made["id"], made["slug"], ids)

    def _teach(self, method: str, path: str, json: Any = None) -> Any:
        answer = self.site.request(method, path, json=json, auth=self.teacher)
        assert answer.status in (200, 201), answer.text
        return answer.data

    def take(self, login: str, course: Course, door: str) -> Iterator[tuple[str, Answer]]:
        """Enrol and complete every lesson, step by step."""
        how = self.as_(login, door)
        yield "enrol", self.site.post(f"/courses/{course.id}/enroll", **how)
        for lesson in course.lessons:
            yield "complete", self.site.post(f"/lessons/{lesson}/complete", **how)

    # --- listeners -------------------------------------------------------------------

    @property
    def log(self) -> Path:
        """Where listeners note what they hear."""
        return self.site.content / "noted.log"

    def noted(self) -> list[dict[str, Any]]:
        """What was noted so far."""
        if not self.log.exists():
            return []
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def until(self, enough: Callable[[list[dict[str, Any]]], bool], seconds: float = 8) -> list[dict[str, Any]]:
        """Wait until what was noted is enough."""
        end = time.monotonic() + seconds
        while not enough(self.noted()) and time.monotonic() < end:
            time.sleep(0.03)
        return self.noted()

    @contextmanager
    def listening(self, code: str, name: str = "acceptance") -> Iterator[None]:
        """A must-use plugin of that code, known to the backend."""
        self.log.unlink(missing_ok=True)
        try:
            with self.site.must_use(name, NOTE + code):
                self.record()
                yield
        finally:
            self.record()

    def record(self) -> None:
        """Let WordPress note who listens, as any page does, and the backend read it."""
        before = self.fingerprint()
        assert self.site.page("/?record").status < 500
        end = time.monotonic() + 2
        while self.fingerprint() == before and time.monotonic() < end:
            time.sleep(0.02)
        self.forget_copy()

    def fingerprint(self) -> str:
        """What the record was made under, and whom it names."""
        return str(self.site.value("SELECT option_value FROM wp_options WHERE option_name = 'learnomy_record'"))

    def forget_copy(self) -> None:
        """Let the backend read the record anew, which it does every two seconds by itself."""
        with redis.Redis.from_url(self.site.redis_url) as connection:
            for key in connection.scan_iter("*site*record*"):
                connection.delete(key)

    # --- which door it was -------------------------------------------------------------

    def door_of(self, answer: Answer) -> str:
        """The door by which the backend says that it gave this answer; '' where it did not give it."""
        return door_of(self.site, answer)

    def forget_limits(self) -> None:
        """Nobody has logged in or failed to, as far as limits go; the minute has time enough left for a test."""
        left = 60 - time.time() % 60
        if left < COUNTED_SECONDS:
            time.sleep(left)
        with redis.Redis.from_url(self.site.redis_url) as connection:
            connection.flushdb()
