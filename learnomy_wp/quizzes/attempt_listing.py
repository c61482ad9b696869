"""Lists of attempts: the learner's own, for staff those of their courses, which is the grading inbox too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, and_, bindparam, exists, or_, select

from learnomy_wp.courses.policies import STAFF
from learnomy_wp.kernel import clock, db
from learnomy_wp.kernel.actor import EDIT_OTHERS_COURSES, Actor
from learnomy_wp.kernel.page import Condition, Filter, Listing, Page, Sort
from learnomy_wp.quizzes import policies, rules
from wp_schema.tables import course_instructors, courses, progress, quiz_attempts, quizzes, users

Row = dict[str, Any]

ROW = (
    "id",
    "quiz_id",
    "user_id",
    "course_id",
    "number",
    "mode",
    "status",
    "started_at",
    "due_at",
    "submitted_at",
    "graded_at",
    "abandoned_at",
    "score",
    "max_score",
    "percent",
    "passed",
    "pending_count",
    "is_late",
    "is_auto_submitted",
    "is_voided",
)
_INDEX = "zblog_lrn_quiz_attempts_"
# Up to so many attempts of a teacher's courses are found by course and sorted; more than that are frequent
# enough among all to be met soon when reading in order.
FEW = 1000


def _by_start(index: str) -> dict[str, str]:
    return dict.fromkeys(("-started_at", "started_at"), f"{_INDEX}{index}")


def _is(column: Column[Any]) -> Condition:
    return lambda value: column == value


def _staffed(course_ids: Any) -> Any:
    standalone = quizzes.alias("standalone")
    own = exists().where(
        standalone.c.id == quiz_attempts.c.quiz_id,
        standalone.c.course_id.is_(None),
        standalone.c.author_id == bindparam("author_id"),
    )
    return or_(
        quiz_attempts.c.user_id == bindparam("caller_id"),
        quiz_attempts.c.course_id.in_(course_ids),
        and_(quiz_attempts.c.course_id.is_(None), own),
    )


LISTING = Listing(
    select(*(quiz_attempts.c[name] for name in ROW)),
    table=quiz_attempts,
    key=quiz_attempts.c.id,
    default="-started_at",
    sorts={
        "-started_at": Sort(quiz_attempts.c.started_at, descending=True, index=f"{_INDEX}started"),
        "started_at": Sort(quiz_attempts.c.started_at, index=f"{_INDEX}started"),
    },
    filters={
        "ids": Filter(quiz_attempts.c.id.in_, many=True, narrow=True),
        "own": Filter(_is(quiz_attempts.c.user_id), narrow=True),
        "user_with_status": Filter(_is(quiz_attempts.c.user_id), indexes=_by_start("user_status")),
        "user_id": Filter(_is(quiz_attempts.c.user_id), indexes=_by_start("user")),
        "quiz_with_status": Filter(_is(quiz_attempts.c.quiz_id), indexes=_by_start("quiz_status")),
        "quiz_id": Filter(_is(quiz_attempts.c.quiz_id), indexes=_by_start("quiz")),
        "course_with_status": Filter(_is(quiz_attempts.c.course_id), indexes=_by_start("course_status")),
        "course_id": Filter(_is(quiz_attempts.c.course_id), indexes=_by_start("course")),
        "few_of_staff": Filter(_staffed, many=True, narrow=True),
        "many_of_staff": Filter(_staffed, many=True),
        "status": Filter(_is(quiz_attempts.c.status), indexes=_by_start("status")),
    },
)
STAFFED = select(course_instructors.c.course_id).where(
    course_instructors.c.user_id == bindparam("user_id"), course_instructors.c.role.in_(STAFF)
)
COUNT = select(quiz_attempts.c.id).where(_staffed(bindparam("staffed", expanding=True))).limit(FEW + 1)
_QUIZ = ("id", "title", "slug", "status", "course_id", "author_id", "review_rule")
_TERMS = ("opens_at", "closes_at", "attempt_limit", "time_limit_seconds", "cooldown_seconds", "grace_seconds")
QUIZZES = (
    select(*(quizzes.c[name] for name in (*_QUIZ, *_TERMS)), courses.c.status.label("course_status"))
    .select_from(quizzes.outerjoin(courses, courses.c.id == quizzes.c.course_id))
    .where(quizzes.c.id.in_(bindparam("ids", expanding=True)))
)
PEOPLE = select(users.c.ID.label("id"), users.c.display_name).where(users.c.ID.in_(bindparam("ids", expanding=True)))
OVERRIDES = select(progress.c.object_id, progress.c.overrides).where(
    progress.c.user_id == bindparam("user_id"),
    progress.c.object_type == "quiz",
    progress.c.object_id.in_(bindparam("ids", expanding=True)),
    progress.c.overrides.is_not(None),
)


def list_attempts(actor: Actor, query: Mapping[str, Any]) -> Page:
    """The caller's own attempts; for staff those of their quizzes too, for managers all.

    A learner reads of the results what the quiz's review rule shows now.
    """
    values = {
        **query,
        "quiz_id": query.get("quiz_id") or query.get("quiz"),
        "user_id": query.get("user_id") or query.get("user"),
    }
    sees_all = actor.is_manager or actor.can(EDIT_OTHERS_COURSES)
    staffed = [] if sees_all else db.values(STAFFED, {"user_id": actor.id})
    values |= {} if sees_all else _scope(actor, values, staffed)
    if values.get("status") is not None:
        values |= _with_status(values)
    binds = {"caller_id": actor.id, "author_id": actor.id if actor.is_instructor else 0}
    page = LISTING.page(values, binds, owner=actor.id)
    return page.with_rows(_complete(actor, page.rows, set(staffed), sees_all=sees_all))


def _scope(actor: Actor, values: Mapping[str, Any], staffed: list[int]) -> Row:
    """The filter that leaves what the caller may see."""
    if values["user_id"] == actor.id or values.get("course_id") in staffed:
        return {}
    if values["quiz_id"] is not None:
        facts = db.row(policies.BY_QUIZ, {"id": values["quiz_id"], "actor_id": actor.id})
        if facts is not None and policies.is_staff(actor, facts):
            return {}
    if values["user_id"] is None and values["quiz_id"] is None and values.get("course_id") is None:
        if not staffed and not actor.is_instructor:
            return {"user_id": actor.id}
        # An empty list would be no condition.
        listed = staffed or [0]
        count = len(db.values(COUNT, {"staffed": listed, "caller_id": actor.id, "author_id": actor.id}))
        return {"few_of_staff" if count <= FEW else "many_of_staff": listed}
    if values["user_id"] is not None and staffed:
        return {"few_of_staff": staffed}
    return {"own": actor.id}


def _with_status(values: Mapping[str, Any]) -> Row:
    """A quiz, course or user together with a status has an index of its own."""
    for name in ("quiz", "course", "user"):
        if values.get(f"{name}_id") is not None:
            return {f"{name}_with_status": values[f"{name}_id"], f"{name}_id": None}
    return {}


# --- rows as the caller may read them -----------------------------------------------------


def _complete(actor: Actor, rows: list[Row], staffed: set[int], *, sees_all: bool) -> list[Row]:
    if not rows:
        return []
    tests = _by_id(QUIZZES, {row["quiz_id"] for row in rows})
    people = _by_id(PEOPLE, {row["user_id"] for row in rows})
    mine = sorted({row["quiz_id"] for row in rows if row["user_id"] == actor.id})
    found = db.rows(OVERRIDES, {"user_id": actor.id, "ids": mine}) if mine else []
    overrides = {row["object_id"]: row["overrides"] for row in found}
    complete = []
    for row in rows:
        quiz = tests[row["quiz_id"]]
        is_standalone = quiz["course_id"] is None and quiz["author_id"] == actor.id and actor.is_instructor
        row |= {"quiz": quiz, "user": people.get(row["user_id"])}
        if sees_all or row["course_id"] in staffed or is_standalone:
            complete.append(row)
        else:
            complete.append(_veiled(row, quiz, overrides.get(row["quiz_id"])))
    return complete


def _veiled(attempt: Row, quiz: Mapping[str, Any], override: Mapping[str, Any] | None) -> Row:
    """An attempt as its learner may see it: without results that the review rule hides, and withdrawn quizzes."""
    attempt = {**attempt, "quiz": quiz if rules.is_known(quiz) else None}
    closes_at = rules.terms_of(quiz, override).closes_at
    moment = rules.moment_of(attempt, closes_at, clock.now())
    if rules.review_rule_of(quiz)[moment]["points"]:
        return attempt
    return {**attempt, "score": None, "percent": None, "passed": None}


def _by_id(statement: Any, ids: set[int]) -> dict[int, Row]:
    return {row["id"]: row for row in db.rows(statement, {"ids": sorted(ids)})} if ids else {}
