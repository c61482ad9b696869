"""An attempt with its questions, as its learner or staff may see it now.

What is shown is decided here alone: a field that is not for this moment is null, whatever it would say.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, select

from learnomy_wp.kernel import clock, db
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import NotFound
from learnomy_wp.questions import types
from learnomy_wp.quizzes import rules
from learnomy_wp.quizzes.answers import seconds_left
from wp_schema.tables import attempt_answers, courses, progress, question_versions, quiz_attempts, quizzes, users

Row = dict[str, Any]

_QUIZ = ("title", "slug", "status", "closes_at", "opens_at", "review_rule", "attempt_limit", "cooldown_seconds")
ATTEMPT = (
    select(
        quiz_attempts,
        users.c.display_name,
        progress.c.overrides.label("override"),
        *(quizzes.c[name].label(f"quiz_{name}") for name in _QUIZ),
        quizzes.c.time_limit_seconds.label("quiz_time_limit_seconds"),
        quizzes.c.grace_seconds.label("quiz_grace_seconds"),
        courses.c.status.label("quiz_course_status"),
    )
    .select_from(
        quiz_attempts.join(quizzes, quizzes.c.id == quiz_attempts.c.quiz_id)
        .outerjoin(courses, courses.c.id == quizzes.c.course_id)
        .outerjoin(users, quiz_attempts.c.user_id == users.c.ID)
        .outerjoin(
            progress,
            and_(
                progress.c.user_id == quiz_attempts.c.user_id,
                progress.c.object_type == "quiz",
                progress.c.object_id == quiz_attempts.c.quiz_id,
            ),
        )
    )
    .where(quiz_attempts.c.id == bindparam("id"))
)
QUESTIONS = (
    select(
        attempt_answers,
        question_versions.c.type,
        question_versions.c.prompt_html,
        question_versions.c.content,
        question_versions.c.feedback,
        question_versions.c.rubric.label("own_rubric"),
    )
    .join_from(attempt_answers, question_versions, question_versions.c.id == attempt_answers.c.version_id)
    .where(attempt_answers.c.attempt_id == bindparam("attempt_id"))
    .order_by(attempt_answers.c.position)
)
EVERYTHING = dict.fromkeys(rules.THINGS, True)


def get_attempt(actor: Actor, attempt_id: int, *, is_staff: bool) -> Row:
    """An attempt that the caller may read: all of it for staff, else what the review rule shows now.

    Staff see their own attempts as learners do, while they go on. Raises `NotFound`.
    """
    attempt = db.row(ATTEMPT, {"id": attempt_id})
    if attempt is None:
        raise NotFound("attempt")
    now = clock.now()
    quiz = {name.removeprefix("quiz_"): value for name, value in attempt.items() if name.startswith("quiz_")}
    moment = rules.moment_of(attempt, rules.terms_of(quiz, attempt["override"]).closes_at, now)
    is_staff = is_staff and not (attempt["user_id"] == actor.id and moment == "during")
    shown = EVERYTHING if is_staff else rules.review_rule_of(quiz)[moment]
    rows = db.rows(QUESTIONS, {"attempt_id": attempt_id})
    found = {
        **attempt,
        **_framework(attempt, quiz, now, is_known=is_staff or rules.is_known(quiz)),
        "moment": moment,
        "review": shown,
        "feedback_html": attempt["feedback_html"] if shown["feedback"] else None,
        "regrades": (attempt["regrades"] or []) if is_staff else None,
        "questions": [_question(row, attempt, shown, is_staff=is_staff) for row in rows],
    }
    if not shown["points"]:
        found |= {"score": None, "percent": None, "passed": None}
    return found


def _framework(attempt: Row, quiz: Mapping[str, Any], now: datetime, *, is_known: bool) -> Row:
    named = {"id": attempt["quiz_id"], "title": quiz["title"], "slug": quiz["slug"]}
    return {
        "quiz": named if is_known else None,
        "user": {"id": attempt["user_id"], "display_name": attempt["display_name"] or ""},
        "server_time": now,
        "seconds_left": seconds_left(attempt, now),
        "one_per_page": attempt["settings"]["one_per_page"],
        "allow_back": attempt["settings"]["allow_back"],
        "current_page": attempt["current_position"],
    }


def _question(row: Row, attempt: Row, shown: Mapping[str, bool], *, is_staff: bool) -> Row:
    layout = row["layout"]
    asked = types.present(row, layout["drawn"])
    says_hints = shown["feedback"] or attempt["mode"] == rules.PRACTICE
    return {
        "position": row["position"],
        "page": layout["page"],
        "heading": layout["heading"],
        "is_required": layout["is_required"],
        "type": row["type"],
        "prompt_html": asked.prompt_html,
        "content": asked.content,
        "max_points": row["max_points"],
        "hints": types.hints(row) if says_hints else None,
        "sequence": row["sequence"],
        "is_answered": row["answer"] is not None,
        "is_flagged": row["is_flagged"],
        "answer": row["answer"] if shown["answer"] else None,
        **_result(row, attempt, shown),
        "staff": _for_staff(row) if is_staff else None,
    }


def _result(row: Row, attempt: Row, shown: Mapping[str, bool]) -> Row:
    """What is shown of a question's grade. While an attempt goes on it is made of what is saved, and not kept."""
    is_final = attempt["status"] != "in_progress"
    if not (is_final or row["answer"] is not None):
        return dict.fromkeys(("result", "points", "right_answer", "feedback", "feedback_html", "rubric"))
    drawn, fraction, points = row["layout"]["drawn"], row["fraction"], row["points"]
    if not is_final and attempt["mode"] != rules.SURVEY and (shown["correctness"] or shown["points"]):
        fraction = types.grade(row, drawn, row["answer"])
        points = None if fraction is None else round(fraction * float(row["max_points"]), rules.PLACES)
    reveals = shown["right_answer"] or shown["feedback"]
    told = types.reveal(row, drawn, row["answer"]) if reveals else types.Revealed(None)
    return {
        "result": rules.result_word(fraction) if shown["correctness"] else None,
        "points": points if shown["points"] else None,
        "right_answer": told.right_answer if shown["right_answer"] else None,
        "feedback": told.feedback if shown["feedback"] else None,
        "feedback_html": row["feedback_html"] if shown["feedback"] else None,
        "rubric": row["rubric"] if shown["feedback"] else None,
    }


def _for_staff(row: Row) -> Row:
    return {
        "question_id": row["question_id"],
        "version_id": row["version_id"],
        "regraded_from": row["regraded_from"],
        "needs_grading": row["state"] == "needs_grading",
        "fraction": row["fraction"],
        "rubric": row["own_rubric"],
        "is_manual": row["is_manual"],
        "graded_by": row["graded_by"],
        "is_late": row["is_late"],
        "late_answer": row["late_answer"],
        "late_saved_at": row["late_saved_at"],
        "seconds_spent": row["seconds_spent"],
    }
