"""What the body of a lesson means as columns: judged and rendered before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select

from learnomy_wp.kernel import db, wordpress
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import ValidationFailed
from learnomy_wp.kernel.slugs import Slugs
from wp_schema.folding import sort_title
from wp_schema.tables import lessons, quizzes

RESERVED = frozenset({"page", "feed", "embed"})
# What is more than a column of the same name.
WORKED_OUT = frozenset({"title", "slug", "content", "completion_rules", "status", "position", "section_id"})
TAKEN = select(lessons.c.slug).where(
    lessons.c.course_id == bindparam("of_course"), lessons.c.slug.in_(bindparam("slugs", expanding=True))
)
QUIZ = select(quizzes.c.id).where(
    quizzes.c.id == bindparam("id"), quizzes.c.course_id == bindparam("of_course"), quizzes.c.status != "trash"
)


def columns_of(actor: Actor, course_id: int, body: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that a body sets. WordPress may be asked to render content, which ends a round."""
    found = {name: value for name, value in body.items() if name not in WORKED_OUT}
    if "title" in body:
        found |= {"title": body["title"], "sort_title": sort_title(body["title"])}
    rules = dict(body.get("completion_rules", ()))
    quiz_id = rules.get("required_quiz_id")
    if quiz_id is not None and db.value(QUIZ, {"id": quiz_id, "of_course": course_id}) is None:
        raise ValidationFailed.of("completion_rules.required_quiz_id", "This course has no such quiz.", "unknown")
    if "content" in body:
        made = wordpress.render_content(body["content"], actor.id)
        found |= {"content_raw": body["content"], "content_html": made["html"], "content_slots": made["slots"] or None}
    return found | rules


def check_whole(lesson: Mapping[str, Any]) -> None:
    """Refuse a lesson whose settings do not go together."""
    begins, ends = lesson.get("live_starts_at"), lesson.get("live_ends_at")
    if begins is not None and ends is not None and begins >= ends:
        raise ValidationFailed.of("live_ends_at", "This must be later than live_starts_at.", "too_early")


def slugs_of(course_id: int) -> Slugs:
    """The slugs of a course's lessons."""

    def find_taken(wanted: list[str]) -> list[str]:
        return db.values(TAKEN, {"of_course": course_id, "slugs": wanted})

    return Slugs(find_taken, "lesson", lambda slug: slug in RESERVED or slug.isdigit())
