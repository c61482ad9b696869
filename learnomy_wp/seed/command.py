"""`learnomy seed-model-site`: the academy on this site, at any scale."""

from __future__ import annotations

import time
from typing import Any

from learnomy_wp.kernel import db
from learnomy_wp.kernel.bridge import verb
from learnomy_wp.kernel.loopback import call as loopback
from learnomy_wp.kernel.runtime import Runtime
from learnomy_wp.kernel.site import current as site
from learnomy_wp.seed import academy, people, removing

STUDENTS = 100
INSTRUCTORS = 10
PEOPLE_PATIENCE_SECONDS = 600


def run(runtime: Runtime, *, scale: int, password: str, remove: bool) -> int:
    """Seed, or remove what was seeded. On a WordPress site the plugin makes the people."""
    began = time.monotonic()
    with runtime.request_stack(), db.blog(1):
        if remove:
            gone = removing.remove()
            _people({"remove": True}, scale, "")
            print(f"Removed {gone} courses.")  # noqa: T201
            return 0
        made = _people({}, scale, password)
        built = academy.build(made["students"], made["instructors"], scale=scale)
    print(  # noqa: T201
        f"{built.courses} courses, {built.lessons} lessons, {len(made['students'])} students, "
        f"{len(made['instructors'])} instructors, {built.enrollments} enrolments "
        f"in {time.monotonic() - began:.1f} s."
    )
    return 0


def _people(options: dict[str, Any], scale: int, password: str) -> dict[str, Any]:
    if site().is_embedded:
        if options.get("remove"):
            people.remove()
            return {}
        return {
            "students": people.ensure("student", STUDENTS * scale, "lrn_student", password),
            "instructors": people.ensure("instructor", INSTRUCTORS * min(scale, 10), "lrn_instructor", password),
        }
    return loopback("seed_people", {**options, "scale": scale, "password": password}, patience=PEOPLE_PATIENCE_SECONDS)


@verb("seed")
def seed(payload: dict[str, Any]) -> dict[str, Any]:
    """Build the academy for people whom the plugin made."""
    built = academy.build(
        [int(user_id) for user_id in payload.get("students", [])],
        [int(user_id) for user_id in payload.get("instructors", [])],
        scale=max(1, int(payload.get("scale") or 1)),
    )
    return {"courses": built.courses, "lessons": built.lessons, "enrollments": built.enrollments}


@verb("unseed")
def unseed(_payload: dict[str, Any]) -> dict[str, Any]:
    """Remove the academy's rows."""
    return {"courses": removing.remove()}
