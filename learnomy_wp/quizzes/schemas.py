"""What the quiz endpoints take and give."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from learnomy_wp.kernel.page import PageQuery
from learnomy_wp.kernel.serialize import Id, IdList, In, Line, Out, Time
from learnomy_wp.quizzes.listing import LISTING
from learnomy_wp.quizzes.rules import MODES, MOMENTS, ON_LATE, SCORE_POLICIES, THINGS

STATUSES = ("draft", "published", "trash")
TEMPLATES = ("focused", "classic")
MAX_DAYS = 36_500
MAX_SECONDS = 10_000_000
MAX_ATTEMPTS = 10_000
MAX_SLOTS = 1000
MAX_OVERRIDES = 500
MAX_POINTS = 1_000_000


def _whole(most: int, least: int = 0, **options: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(least, most), **options)


class QuizQuery(PageQuery):
    """Which quizzes of the caller's."""

    sort = LISTING.sort_field()
    course_id = Id(strict=False)
    section_id = Id(strict=False)
    lesson_id = Id(strict=False)
    standalone = fields.Boolean(metadata={"description": "Only those without a course."})
    mode = fields.String(validate=validate.OneOf(MODES))
    status = fields.String(
        validate=validate.OneOf(STATUSES), metadata={"description": "All but the trash, if not named."}
    )
    ids = IdList(metadata={"description": "Only these, comma-separated."})


# --- a quiz ------------------------------------------------------------------------------


class ThingsOut(Out):
    """What a learner is shown of an attempt at one moment."""

    answer = fields.Boolean(required=True)
    correctness = fields.Boolean(required=True)
    points = fields.Boolean(required=True)
    right_answer = fields.Boolean(required=True)
    feedback = fields.Boolean(required=True)


class ReviewRuleOut(Out):
    """What is shown while an attempt goes on, right after it, later, and once the quiz has closed."""

    during = fields.Nested(ThingsOut, required=True)
    after = fields.Nested(ThingsOut, required=True)
    later = fields.Nested(ThingsOut, required=True)
    closed = fields.Nested(ThingsOut, required=True)


class QuizCourseOut(Out):
    """The course of a quiz."""

    id = fields.Integer(required=True)
    title = fields.String(required=True)
    slug = fields.String(required=True)
    status = fields.String(required=True)


class OverrideOut(Out):
    """What holds for one user instead of the quiz's own rules."""

    user_id = fields.Integer(required=True)
    extra_time_seconds = fields.Integer(required=True)
    extra_attempts = fields.Integer(required=True)
    opens_at = Time(required=True, allow_none=True)
    closes_at = Time(required=True, allow_none=True)


class QuizBaseOut(Out):
    """What lists and single quizzes have in common."""

    id = fields.Integer(required=True)
    course_id = fields.Integer(required=True, allow_none=True)
    section_id = fields.Integer(required=True, allow_none=True)
    lesson_id = fields.Integer(required=True, allow_none=True)
    title = fields.String(required=True)
    slug = fields.String(required=True)
    permalink = fields.String(required=True)
    mode = fields.String(required=True, validate=validate.OneOf(MODES))
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    template = fields.String(required=True)
    time_limit_seconds = fields.Integer(required=True, allow_none=True)
    passing_percent = fields.Float(required=True)
    attempt_limit = fields.Integer(required=True, allow_none=True)
    attempts_left = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Of the caller; null without a limit, and in lists."}
    )
    opens_at = Time(required=True, allow_none=True)
    closes_at = Time(required=True, allow_none=True)
    is_required = fields.Boolean(required=True)
    question_count = fields.Integer(required=True)
    created_at = Time(required=True)
    updated_at = Time(required=True)


class QuizRowOut(QuizBaseOut):
    """A quiz in a list of staff's."""

    course = fields.Nested(QuizCourseOut, required=True, allow_none=True)
    author_id = fields.Integer(required=True)
    position = fields.Integer(required=True)
    attempt_count = fields.Integer(required=True)
    passed_count = fields.Integer(required=True)
    deleted_at = Time(required=True, allow_none=True)


class QuizOut(QuizBaseOut):
    """A quiz with its rules, and where the caller stands with it."""

    content_html = fields.String(required=True)
    max_score = fields.Float(required=True)
    cooldown_seconds = fields.Integer(required=True, allow_none=True)
    requires_access_code = fields.Boolean(required=True)
    grace_seconds = fields.Integer(required=True)
    on_late = fields.String(required=True, validate=validate.OneOf(ON_LATE))
    shuffle_questions = fields.Boolean(required=True)
    shuffle_answers = fields.Boolean(required=True)
    one_per_page = fields.Boolean(required=True)
    allow_back = fields.Boolean(required=True)
    score_policy = fields.String(required=True, validate=validate.OneOf(SCORE_POLICIES))
    review_rule = fields.Nested(ReviewRuleOut, required=True)
    drip_days = fields.Integer(required=True, allow_none=True)
    drip_at = Time(required=True, allow_none=True)
    attempts_used = fields.Integer(required=True, metadata={"description": "By the caller."})
    next_attempt_at = Time(
        required=True, allow_none=True, metadata={"description": "When the caller may start again; null: now or never."}
    )
    open_attempt_id = fields.Integer(required=True, allow_none=True)
    best_percent = fields.Float(
        required=True, allow_none=True, metadata={"description": "The caller's result, by the score policy."}
    )
    passed = fields.Boolean(required=True, allow_none=True)
    author_id = fields.Integer(required=True, allow_none=True, metadata={"description": "For staff."})
    content_raw = fields.String(required=True, allow_none=True, metadata={"description": "For staff."})
    access_code = fields.String(required=True, allow_none=True, metadata={"description": "For staff."})
    attempt_count = fields.Integer(required=True, allow_none=True, metadata={"description": "For staff."})
    passed_count = fields.Integer(required=True, allow_none=True, metadata={"description": "For staff."})
    overrides = fields.List(
        fields.Nested(OverrideOut), required=True, allow_none=True, metadata={"description": "For staff."}
    )
    deleted_at = Time(required=True, allow_none=True)


class ThingsIn(In):
    """What a learner is shown; what is not named is not shown."""

    answer = fields.Boolean(load_default=False)
    correctness = fields.Boolean(load_default=False)
    points = fields.Boolean(load_default=False)
    right_answer = fields.Boolean(load_default=False)
    feedback = fields.Boolean(load_default=False)


class ReviewRuleIn(In):
    """What is shown at each moment; a moment that is not named stays as it is."""

    during = fields.Nested(ThingsIn)
    after = fields.Nested(ThingsIn, metadata={"description": "The first two minutes after submission."})
    later = fields.Nested(ThingsIn)
    closed = fields.Nested(ThingsIn, metadata={"description": "After closes_at."})


class OverrideIn(In):
    """What holds for one user; replaces the user's override as a whole."""

    user_id = Id(required=True)
    extra_time_seconds = _whole(MAX_SECONDS, load_default=0)
    extra_attempts = _whole(MAX_ATTEMPTS, load_default=0)
    opens_at = Time(load_default=None, allow_none=True)
    closes_at = Time(load_default=None, allow_none=True)
    remove = fields.Boolean(load_default=False, metadata={"description": "The quiz's own rules hold again."})
    reset_attempts = fields.Boolean(
        load_default=False, metadata={"description": "The user's attempts so far count no more."}
    )


class QuizFields(In):
    """What may be set of a quiz, at creation and later."""

    slug = fields.String(validate=validate.Length(1, 200))
    content = fields.String(validate=validate.Length(max=200_000))
    section_id = Id(allow_none=True)
    lesson_id = Id(allow_none=True, metadata={"description": "A lesson of the same course; it opens with it."})
    mode = fields.String(validate=validate.OneOf(MODES))
    template = fields.String(validate=validate.Regexp(r"^[a-z0-9][a-z0-9_-]{0,31}\Z"))
    opens_at = Time(allow_none=True)
    closes_at = Time(allow_none=True)
    cooldown_seconds = _whole(MAX_SECONDS, allow_none=True)
    attempt_limit = _whole(MAX_ATTEMPTS, 1, allow_none=True)
    access_code = Line(64, allow_none=True)
    time_limit_seconds = _whole(MAX_SECONDS, 1, allow_none=True)
    grace_seconds = _whole(86_400, metadata={"description": "How long after the deadline a save is in time."})
    on_late = fields.String(
        validate=validate.OneOf(ON_LATE),
        metadata={
            "description": "When time is over: submit what was saved in time; count what is saved later too, marked"
            " late; or abandon the attempt."
        },
    )
    passing_percent = fields.Float(allow_nan=False, validate=validate.Range(0, 100))
    shuffle_questions = fields.Boolean()
    shuffle_answers = fields.Boolean()
    one_per_page = fields.Boolean()
    allow_back = fields.Boolean()
    score_policy = fields.String(validate=validate.OneOf(SCORE_POLICIES))
    review_rule = fields.Nested(ReviewRuleIn)
    is_required = fields.Boolean(metadata={"description": "Counts among the quizzes of the course."})
    drip_days = _whole(MAX_DAYS, allow_none=True)
    drip_at = Time(allow_none=True)


class QuizIn(QuizFields):
    """A new quiz, a draft if nothing else is said."""

    title = Line(255, required=True)
    course_id = Id(allow_none=True, metadata={"description": "Without one it is open to any user, once published."})
    status = fields.String(load_default="draft", validate=validate.OneOf(("draft", "published")))


class SlotOrderIn(In):
    """A slot in its place; what is not named of it stays."""

    id = Id(required=True)
    page = _whole(MAX_SLOTS, 1)
    heading = Line(255, allow_none=True)
    points = fields.Float(allow_none=True, allow_nan=False, validate=validate.Range(0, MAX_POINTS))
    is_required = fields.Boolean()
    version_id = Id(allow_none=True, metadata={"description": "Always this version; null is the newest."})


class QuizPatch(QuizFields):
    """Changes to a quiz; what is not named stays."""

    title = Line(255)
    status = fields.String(
        validate=validate.OneOf(STATUSES),
        metadata={"description": "Another than trash also brings it back from the trash, within 30 days."},
    )
    slots = fields.List(
        fields.Nested(SlotOrderIn),
        validate=validate.Length(max=MAX_SLOTS),
        metadata={"description": "The order of the questions. What is left out is taken out of the quiz."},
    )
    overrides = fields.List(fields.Nested(OverrideIn), validate=validate.Length(max=MAX_OVERRIDES))


assert set(ReviewRuleOut().fields) == set(MOMENTS)
assert set(ThingsOut().fields) == set(THINGS)
