"""What a lesson asks for before it can be completed: watch time, share of the video, scrolling,
a quiz, its topics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import fields, validate

from learnomy_wp.kernel import settings
from learnomy_wp.kernel.errors import Detail, refusal

STRICT, ADVISORY, OFF = "strict", "advisory", "off"
MODES = (STRICT, ADVISORY, OFF)
COMPLETION_RULES = settings.declare(
    "completion_rules",
    STRICT,
    fields.String(
        validate=validate.OneOf(MODES),
        metadata={
            "description": "Whether a lesson's completion rules are enforced, only pointed out, or not looked at; "
            "a course may have its own."
        },
    ),
)

RequirementsUnmet = refusal("requirements_unmet", "This lesson asks for more before it can be completed.")


@dataclass(frozen=True)
class Requirement:
    """One thing that is still missing: the rule's field, and what to do."""

    field: str
    message: str


def mode_of(course_rules: str | None) -> str:
    """The mode in force: the course's own, else the site's."""
    return course_rules or str(settings.get(COMPLETION_RULES))


def find_unmet(
    lesson: Mapping[str, Any], done: Mapping[str, Any], *, open_topics: int, has_passed_quiz: bool
) -> list[Requirement]:
    """What is missing. `lesson` has the rules, `done` the learner's progress in it."""
    unmet = []
    if open_topics:
        unmet.append(Requirement("topics", f"Complete the {open_topics} remaining topics of this lesson."))
    if (lesson["min_watch_seconds"] or 0) > (done["watched_seconds"] or 0):
        unmet.append(Requirement("min_watch_seconds", f"Watch for at least {lesson['min_watch_seconds']} seconds."))
    if (lesson["required_video_share"] or 0) > (done["watched_share"] or 0):
        unmet.append(
            Requirement("required_video_share", f"Watch at least {lesson['required_video_share']} % of the video.")
        )
    if lesson["requires_scroll"] and not done["scrolled"]:
        unmet.append(Requirement("requires_scroll", "Read to the end of the page."))
    if lesson["required_quiz_id"] and not has_passed_quiz:
        unmet.append(Requirement("required_quiz_id", "Pass the quiz of this lesson."))
    return unmet


def enforce(unmet: list[Requirement]) -> None:
    """Refuse the completion where anything is missing, naming all of it."""
    if unmet:
        text = " ".join(["This lesson cannot be completed yet.", *(item.message for item in unmet)])
        raise RequirementsUnmet(text, details=[Detail(item.field, "unmet", item.message) for item in unmet])
