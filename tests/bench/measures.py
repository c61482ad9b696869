"""What is measured: endpoints through doors, and WordPress's own endpoints beside them."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.bench.callers import Callers
from tests.bench.ground import Ground
from tests.bench.load import Line

LEARNOMY = "/wp-json/learnomy/v1"
BARE = (("X-Bench-Bare", "1"),)
FULL = (("X-Learnomy-Test-Door", "full"),)
SLUGS, STUDENTS = 50, 200

Lines = Callable[["Scene", int], Sequence[Line]]


@dataclass(frozen=True)
class Scene:
    """Where and by whom the requests are made."""

    ground: Ground
    callers: Callers

    def slugs(self) -> list[str]:
        """Courses to open one after another."""
        found = self.ground.site.rows("SELECT slug FROM wp_lrn_courses WHERE status = 'published' ORDER BY id")
        return [row["slug"] for row in random.Random(1).sample(found, SLUGS)]


@dataclass(frozen=True)
class Measure:
    """One endpoint through one door. `lines` gives the requests of a run that wants so many."""

    name: str
    door: str
    lines: Lines
    cached: bool = True
    writes: bool = False
    bare: bool = False

    @property
    def label(self) -> str:
        """How tables and `--only` call it."""
        cache = "" if self.door != "direct" or self.cached or self.writes else ", cache off"
        return f"{self.name} [{self.door}{cache}]"

    @property
    def method(self) -> str:
        return "POST" if self.writes else "GET"

    def base(self, ground: Ground) -> str:
        """The address that leads to the door."""
        return ground.site.url if self.door == "direct" else ground.site.php_url


def _headers(door: str) -> tuple[tuple[str, str], ...]:
    return {"full": FULL, "WordPress": BARE}.get(door, ())


def _get(path: str, door: str) -> Lines:
    return lambda _scene, _wanted: [Line(path, headers=_headers(door))]


def _by_slug(door: str) -> Lines:
    return lambda scene, _wanted: [Line(f"{LEARNOMY}/courses/{slug}", headers=_headers(door)) for slug in scene.slugs()]


def _as_students(path: str, door: str) -> Lines:
    def lines(scene: Scene, _wanted: int) -> list[Line]:
        issued = scene.callers.tokens(scene.ground.students[:STUDENTS])
        return [Line(LEARNOMY + path, f"Bearer {token}", _headers(door)) for token in issued.values()]

    return lines


def _completions(door: str) -> Lines:
    def lines(scene: Scene, wanted: int) -> list[Line]:
        pairs = scene.callers.first_completions(wanted)
        return [
            Line(f"{LEARNOMY}/lessons/{lesson}/complete", f"Bearer {token}", _headers(door)) for token, lesson in pairs
        ]

    return lines


def _as_administrator(path: str) -> Lines:
    def lines(scene: Scene, _wanted: int) -> list[Line]:
        packed = base64.b64encode(":".join(scene.ground.application_password).encode()).decode()
        return [Line(path, f"Basic {packed}", BARE)]

    return lines


LIST, COURSE, MINE, COMPLETE = "GET /courses", "GET /courses/{slug}", "GET /me/courses", "POST /lessons/{id}/complete"
POSTS = Measure("GET /wp/v2/posts", "WordPress", _get("/wp-json/wp/v2/posts?per_page=20", "WordPress"))
USERS_ME = Measure("GET /wp/v2/users/me", "WordPress", _as_administrator("/wp-json/wp/v2/users/me"))
NOTHING = Measure("GET /bench/v1/nothing", "WordPress", _get("/wp-json/bench/v1/nothing", "WordPress"))
DOORS = ("direct", "early", "full")


def _through(door: str, *, cached: bool = True) -> tuple[Measure, ...]:
    path = f"{LEARNOMY}/courses?per_page=20"
    return Measure(LIST, door, _get(path, door), cached), Measure(COURSE, door, _by_slug(door), cached)


WORDPRESS = (POSTS, USERS_ME, NOTHING)
ANONYMOUS = (*_through("direct"), *_through("early"), *_through("full"))
UNCACHED = _through("direct", cached=False)
PERSONAL = tuple(Measure(MINE, door, _as_students("/me/courses", door)) for door in DOORS)
WRITES = tuple(Measure(COMPLETE, door, _completions(door), writes=True) for door in DOORS)
MEASURES = (*WORDPRESS, *UNCACHED, *ANONYMOUS, *PERSONAL, *WRITES)


def find(name: str, door: str, *, cached: bool = True) -> Measure:
    """The measure of an endpoint through a door."""
    return next(m for m in MEASURES if m.name == name and m.door == door and (m.cached == cached or m.writes))
