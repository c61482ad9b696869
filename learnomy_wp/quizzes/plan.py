"""What the body of a quiz means as columns: judged and rendered before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select

from learnomy_wp.courses import lookups, policies
from learnomy_wp.kernel import db, wordpress
from learnomy_wp.kernel.actor import EDIT_COURSES, Actor
from learnomy_wp.kernel.errors import Detail, NotFound, ValidationFailed
from learnomy_wp.kernel.slugs import Slugs
from learnomy_wp.quizzes import rules
from wp_schema.folding import sort_title
from wp_schema.tables import lessons, quizzes, sections

Row = dict[str, Any]

# What is more than a column of the same name.
WORKED_OUT = frozenset(
    {"title", "slug", "content", "course_id", "section_id", "lesson_id", "review_rule", "status", "slots", "overrides"}
)
TAKEN = select(quizzes.c.slug).where(quizzes.c.slug.in_(bindparam("slugs", expanding=True)))
SECTION = select(sections.c.id).where(
    sections.c.id == bindparam("id"), sections.c.course_id == bindparam("of_course"), sections.c.status != "trash"
)
LESSON = select(lessons.c.id, lessons.c.section_id).where(
    lessons.c.id == bindparam("id"), lessons.c.course_id == bindparam("of_course"), lessons.c.status != "trash"
)
# Before an attempt ends, nothing may be shown that helps with it, but where nothing depends on it.
_SECRET_DURING = frozenset(rules.THINGS) - {"answer"}


def columns_of(actor: Actor, body: Mapping[str, Any]) -> Row:
    """The columns that a body sets. WordPress may be asked to render content, which ends a round."""
    found = {name: value for name, value in body.items() if name not in WORKED_OUT}
    if "title" in body:
        found |= {"title": body["title"], "sort_title": sort_title(body["title"])}
    if "review_rule" in body:
        found["review_rule"] = body["review_rule"] or None
    if "content" in body:
        made = wordpress.render_content(body["content"], actor.id)
        found |= {"content_raw": body["content"], "content_html": made["html"], "content_slots": made["slots"] or None}
    return found


def check_whole(quiz: Mapping[str, Any]) -> None:
    """Refuse a quiz whose settings do not go together."""
    wrong = []
    opens_at, closes_at = quiz.get("opens_at"), quiz.get("closes_at")
    if opens_at is not None and closes_at is not None and opens_at >= closes_at:
        wrong.append(Detail("closes_at", "too_early", "This must be later than opens_at."))
    during = (quiz.get("review_rule") or {}).get("during") or {}
    if quiz["mode"] == rules.GRADED and any(during.get(thing) for thing in _SECRET_DURING):
        text = "While a graded quiz is being taken, only the learner's own answers can be shown."
        wrong.append(Detail("review_rule.during", "not_possible", text))
    if wrong:
        raise ValidationFailed(details=wrong)


def course_of(actor: Actor, course_id: int) -> Row:
    """The course that a new quiz is for. Raises `ValidationFailed` where the caller edits no such course."""
    try:
        course = lookups.find_course(actor, course_id)
    except NotFound:
        course = None
    if course is None or not policies.has_role(actor, course, policies.EDITORS, EDIT_COURSES):
        raise ValidationFailed.of("course_id", "You edit no such course.", "unknown")
    if course["status"] == "trash":
        raise ValidationFailed.of("course_id", "This course is in the trash.", "in_trash")
    return course


def place_of(course_id: int | None, body: Mapping[str, Any]) -> Row:
    """The section and lesson that a body puts a quiz into. Raises `ValidationFailed` for what is not of its course."""
    found: Row = {name: body[name] for name in ("section_id", "lesson_id") if name in body}
    section_id, lesson_id = found.get("section_id"), found.get("lesson_id")
    if course_id is None:
        for name, value in found.items():
            if value is not None:
                raise ValidationFailed.of(name, "This quiz belongs to no course.", "not_possible")
        return found
    if section_id is not None and db.value(SECTION, {"id": section_id, "of_course": course_id}) is None:
        raise ValidationFailed.of("section_id", "This course has no such section.", "unknown")
    if lesson_id is not None:
        lesson = db.row(LESSON, {"id": lesson_id, "of_course": course_id})
        if lesson is None:
            raise ValidationFailed.of("lesson_id", "This course has no such lesson.", "unknown")
        found["section_id"] = lesson["section_id"]  # a quiz stands where its lesson stands
    return found


def _find_taken(wanted: list[str]) -> list[str]:
    return db.values(TAKEN, {"slugs": wanted})


SLUGS = Slugs(_find_taken, "quiz")
