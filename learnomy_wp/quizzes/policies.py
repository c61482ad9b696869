"""Who may open, take, edit and grade a quiz.

A quiz of a course belongs to the course's staff, one without a course to its author. Learners open it like a
lesson: a quiz of a lesson with that lesson, any other by access to the course and by its own or its section's drip.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, bindparam, func, select

from learnomy_wp.courses import policies
from learnomy_wp.enrollments import access
from learnomy_wp.kernel import clock, db
from learnomy_wp.kernel.actor import EDIT_COURSES, EDIT_OTHERS_COURSES, GRADE, VIEW_REPORTS, Actor
from learnomy_wp.kernel.errors import Forbidden, NotFound, Unauthenticated
from learnomy_wp.kernel.policy import Params, Rule, on_object, open_object
from learnomy_wp.progress.state import LESSON_ACCESS, opens_at
from learnomy_wp.quizzes import rules
from learnomy_wp.quizzes.errors import QuizLocked
from wp_schema.tables import course_instructors, courses, enrollments, progress, quiz_attempts, quizzes, sections

Row = dict[str, Any]

_with_course = quizzes.outerjoin(courses, courses.c.id == quizzes.c.course_id)
_member = and_(course_instructors.c.course_id == courses.c.id, course_instructors.c.user_id == bindparam("actor_id"))
_role = (
    quizzes.c.course_id,
    quizzes.c.author_id,
    quizzes.c.status.label("quiz_status"),
    courses.c.status.label("course_status"),
    course_instructors.c.role,
)
BY_QUIZ = (
    select(quizzes.c.id.label("quiz_id"), *_role)
    .select_from(_with_course.outerjoin(course_instructors, _member))
    .where(quizzes.c.id == bindparam("id"))
)
BY_ATTEMPT = (
    select(
        quiz_attempts.c.id.label("attempt_id"),
        quiz_attempts.c.user_id,
        quiz_attempts.c.quiz_id,
        quiz_attempts.c.enrollment_id,
        *_role,
    )
    .select_from(
        quiz_attempts.join(quizzes, quizzes.c.id == quiz_attempts.c.quiz_id)
        .outerjoin(courses, courses.c.id == quizzes.c.course_id)
        .outerjoin(course_instructors, _member)
    )
    .where(quiz_attempts.c.id == bindparam("id"))
)
OWNER = select(
    quiz_attempts.c.id.label("attempt_id"),
    quiz_attempts.c.user_id,
    quiz_attempts.c.quiz_id,
    quiz_attempts.c.enrollment_id,
).where(quiz_attempts.c.id == bindparam("id"))
FACTS = (
    select(
        quizzes,
        courses.c.slug.label("course_slug"),
        courses.c.status.label("course_status"),
        courses.c.drip_mode,
        courses.c.access_starts_at,
        func.coalesce(quizzes.c.drip_days, sections.c.drip_days).label("drip_days_in_force"),
        func.coalesce(quizzes.c.drip_at, sections.c.drip_at).label("drip_at_in_force"),
        *access.CALLER_COLUMNS,
        enrollments.c.reset_at,
        progress.c.state.label("progress_state"),
        progress.c.best_percent,
        progress.c.completed_at.label("passed_at"),
        progress.c.overrides.label("override"),
    )
    .select_from(
        access.with_caller(_with_course)
        .outerjoin(sections, sections.c.id == quizzes.c.section_id)
        .outerjoin(
            progress,
            and_(
                progress.c.user_id == bindparam("actor_id"),
                progress.c.object_type == "quiz",
                progress.c.object_id == quizzes.c.id,
            ),
        )
    )
    .where(quizzes.c.id == bindparam("id"))
)


def has_role(actor: Actor, facts: Row, roles: tuple[str, ...], capability: str = "") -> bool:
    """Whether the caller holds one of the roles over a quiz; without a course its author holds all of them."""
    if facts["course_id"] is not None:
        return policies.has_role(actor, facts, roles, capability)
    is_author = facts["author_id"] == actor.id and actor.can(capability or EDIT_COURSES)
    return is_author or actor.can(EDIT_OTHERS_COURSES)


def is_staff(actor: Actor, facts: Row) -> bool:
    """Whether the caller is staff of the quiz, or manages the site."""
    return actor.is_manager or has_role(actor, facts, policies.STAFF)


def _is_known(facts: Row) -> bool:
    """Whether anybody who may see content may know of the quiz."""
    return facts["quiz_status"] == "published" and facts["course_status"] in (None, "published")


def quiz_rule(name: str, roles: tuple[str, ...], capability: str = "") -> Rule:
    """A rule about the staff of the quiz in the path; gives the endpoint its facts."""

    def load(actor: Actor, params: Params) -> Row:
        facts = db.row(BY_QUIZ, {"id": params["id"], "actor_id": actor.id})
        if facts is None:
            raise NotFound("quiz")
        if has_role(actor, facts, roles, capability):
            return facts
        raise Forbidden if facts["role"] or _is_known(facts) else NotFound("quiz")

    return on_object(name, load)


# --- quiz-access -------------------------------------------------------------------------


def find_quiz_facts(actor: Actor, quiz_id: int) -> Row | None:
    """A quiz with all that decides whether the caller may open it; one query."""
    facts = db.row(FACTS, {"id": quiz_id, "actor_id": actor.id, "now": clock.now()})
    if facts is not None:
        facts["is_staff"] = is_staff(actor, facts)
        facts["access"] = access.access_of(facts, clock.now())
    return facts


def check_quiz(actor: Actor, params: Params) -> Row:
    """The quiz of the path for the caller; raises why it stays closed. Gives the columns of `FACTS`."""
    policies.check_content(actor, params)
    facts = find_quiz_facts(actor, params["id"])
    if facts is None or facts["status"] == "trash":
        raise NotFound("quiz")
    if facts["is_staff"]:
        return facts
    if facts["status"] != "published" or not _is_course_known(facts):
        raise NotFound("quiz")
    if facts["lesson_id"] is not None:
        LESSON_ACCESS.check(actor, {"id": facts["lesson_id"]})
        return facts
    if not actor.is_logged_in:
        raise Unauthenticated
    if facts["course_id"] is not None:
        _check_course(actor, facts)
    return facts


def _is_course_known(facts: Row) -> bool:
    if facts["course_id"] is None or facts["course_status"] == "published":
        return True
    return facts["course_status"] in rules.OPEN_STATES and bool(facts["is_live"])


def _check_course(actor: Actor, facts: Row) -> None:
    standing: access.Access = facts["access"]
    if standing.reason is not None:
        raise access.refuse(standing.reason)
    if facts["started_at"] is None and access.is_prerequisite_unmet(facts, actor.id, facts["course_id"]):
        raise access.PrerequisitesUnmet
    drip = {"drip_days": facts["drip_days_in_force"], "drip_at": facts["drip_at_in_force"]}
    opens = opens_at(drip, facts["drip_mode"], facts["enrolled_at"])
    if opens is not None and opens > clock.now():
        raise QuizLocked(f"This quiz opens at {clock.iso(opens)}.")


QUIZ_ACCESS: Rule = open_object("quiz-access", check_quiz)
# The same for what is kept of a learner: nobody has no attempts, not even in a preview.
TAKE: Rule = on_object("quiz-access", check_quiz)
EDIT = quiz_rule("course-editor", policies.EDITORS, EDIT_COURSES)
STAFF = quiz_rule("course-staff", policies.STAFF)
REPORTS = quiz_rule("course-staff", policies.STAFF, VIEW_REPORTS)


# --- attempts ----------------------------------------------------------------------------


def _load_own(actor: Actor, params: Params) -> Row:
    facts = db.row(OWNER, {"id": params["id"]})
    if facts is None or facts["user_id"] != actor.id:
        raise NotFound("attempt")
    return facts


def _load_own_or_staffed(actor: Actor, params: Params) -> Row:
    facts = db.row(BY_ATTEMPT, {"id": params["id"], "actor_id": actor.id})
    if facts is None:
        raise NotFound("attempt")
    facts["is_staff"] = is_staff(actor, facts)
    if not facts["is_staff"] and facts["user_id"] != actor.id:
        raise NotFound("attempt")
    return facts


def _load_gradable(actor: Actor, params: Params) -> Row:
    facts = _load_own_or_staffed(actor, params)
    if not has_role(actor, facts, policies.STAFF, GRADE):
        raise Forbidden
    return facts


OWN_ATTEMPT = on_object("owner", _load_own)
READ_ATTEMPT = on_object("owner-or-staff", _load_own_or_staffed)
GRADE_ATTEMPT = on_object("course-staff", _load_gradable)
