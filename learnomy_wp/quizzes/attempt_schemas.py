"""What the attempt endpoints take and give."""

from __future__ import annotations

from marshmallow import fields, validate

from learnomy_wp.kernel.page import PageQuery
from learnomy_wp.kernel.serialize import Id, IdList, In, Out, Time
from learnomy_wp.quizzes.attempt_listing import LISTING
from learnomy_wp.quizzes.rules import MODES, MOMENTS
from learnomy_wp.quizzes.schemas import MAX_POINTS, MAX_SECONDS, MAX_SLOTS, ThingsOut

ATTEMPT_STATES = ("in_progress", "submitted", "needs_grading", "graded", "abandoned")
MAX_SEQUENCE = 2**31 - 1
# What one autosave may carry; a whole attempt of the largest quiz fits into a submission.
MAX_SAVED = 200
OUTCOMES = ("saved", "superseded", "late", "refused")


class AttemptQuery(PageQuery):
    """Which attempts."""

    sort = LISTING.sort_field()
    quiz_id = Id(strict=False)
    quiz = Id(strict=False, metadata={"description": "The same as quiz_id."})
    user_id = Id(strict=False)
    user = Id(strict=False, metadata={"description": "The same as user_id."})
    course_id = Id(strict=False)
    status = fields.String(
        validate=validate.OneOf(ATTEMPT_STATES), metadata={"description": "needs_grading is the grading inbox."}
    )
    ids = IdList(metadata={"description": "Only these, comma-separated."})


class AttemptQuizOut(Out):
    """The quiz of an attempt."""

    id = fields.Integer(required=True)
    title = fields.String(required=True)
    slug = fields.String(required=True)


class AttemptUserOut(Out):
    """Who takes the quiz."""

    id = fields.Integer(required=True)
    display_name = fields.String(required=True)


class AttemptBaseOut(Out):
    """What lists and single attempts have in common."""

    id = fields.Integer(required=True)
    quiz_id = fields.Integer(required=True)
    user_id = fields.Integer(required=True)
    course_id = fields.Integer(required=True, allow_none=True)
    number = fields.Integer(required=True)
    mode = fields.String(required=True, validate=validate.OneOf(MODES))
    status = fields.String(required=True, validate=validate.OneOf(ATTEMPT_STATES))
    started_at = Time(required=True)
    due_at = Time(required=True, allow_none=True)
    submitted_at = Time(required=True, allow_none=True)
    graded_at = Time(required=True, allow_none=True)
    abandoned_at = Time(required=True, allow_none=True)
    score = fields.Float(required=True, allow_none=True)
    max_score = fields.Float(required=True)
    percent = fields.Float(required=True, allow_none=True)
    passed = fields.Boolean(required=True, allow_none=True)
    pending_count = fields.Integer(required=True, metadata={"description": "Answers that a person has to grade."})
    is_late = fields.Boolean(required=True)
    is_auto_submitted = fields.Boolean(required=True)
    is_voided = fields.Boolean(required=True)
    quiz = fields.Nested(
        AttemptQuizOut, required=True, allow_none=True, metadata={"description": "null where it was withdrawn."}
    )
    user = fields.Nested(AttemptUserOut, required=True, allow_none=True)


class AttemptRowOut(AttemptBaseOut):
    """An attempt in a list."""


class RegradeOut(Out):
    """One regrading of an attempt."""

    at = fields.String(required=True)
    by = fields.Integer(required=True)
    from_percent = fields.Float(required=True, allow_none=True)
    to_percent = fields.Float(required=True, allow_none=True)
    versions = fields.List(fields.Dict(), required=True, metadata={"description": "position, from, to: version ids"})


class AttemptQuestionStaffOut(Out):
    """What staff see beside."""

    question_id = fields.Integer(required=True)
    version_id = fields.Integer(required=True)
    regraded_from = fields.Integer(required=True, allow_none=True)
    needs_grading = fields.Boolean(required=True)
    fraction = fields.Float(required=True, allow_none=True)
    rubric = fields.Raw(required=True, allow_none=True, metadata={"description": "The question's."})
    is_manual = fields.Boolean(required=True)
    graded_by = fields.Integer(required=True, allow_none=True)
    is_late = fields.Boolean(required=True)
    late_answer = fields.Raw(required=True, allow_none=True)
    late_saved_at = Time(required=True, allow_none=True)
    seconds_spent = fields.Integer(required=True)


class AttemptQuestionOut(Out):
    """One question of an attempt: what it asks, what was answered, and what of the result is shown now."""

    position = fields.Integer(required=True)
    page = fields.Integer(required=True)
    heading = fields.String(required=True, allow_none=True)
    type = fields.String(required=True)
    prompt_html = fields.String(required=True)
    content = fields.Dict(
        required=True, allow_none=True, metadata={"description": "Choices, blanks, pairs: as its type has it."}
    )
    max_points = fields.Float(required=True)
    is_required = fields.Boolean(required=True)
    hints = fields.List(
        fields.String(), required=True, allow_none=True, metadata={"description": "In practice, else with feedback."}
    )
    sequence = fields.Integer(required=True)
    is_answered = fields.Boolean(required=True)
    is_flagged = fields.Boolean(required=True)
    answer = fields.Raw(required=True, allow_none=True)
    result = fields.String(
        required=True, allow_none=True, validate=validate.OneOf(("right", "partial", "wrong", "ungraded"))
    )
    points = fields.Float(required=True, allow_none=True)
    right_answer = fields.Raw(required=True, allow_none=True)
    feedback = fields.Raw(required=True, allow_none=True, metadata={"description": "What the question says itself."})
    feedback_html = fields.String(required=True, allow_none=True, metadata={"description": "From who graded it."})
    rubric = fields.Raw(required=True, allow_none=True, metadata={"description": "How a rubric was filled in."})
    staff = fields.Nested(AttemptQuestionStaffOut, required=True, allow_none=True)


class AttemptOut(AttemptBaseOut):
    """An attempt with its questions."""

    server_time = Time(required=True)
    seconds_left = fields.Integer(required=True, allow_none=True)
    moment = fields.String(required=True, validate=validate.OneOf(MOMENTS))
    review = fields.Nested(ThingsOut, required=True, metadata={"description": "What is shown at this moment."})
    one_per_page = fields.Boolean(required=True)
    allow_back = fields.Boolean(required=True)
    current_page = fields.Integer(required=True)
    feedback_html = fields.String(required=True, allow_none=True)
    regrades = fields.List(fields.Nested(RegradeOut), required=True, allow_none=True)
    questions = fields.List(fields.Nested(AttemptQuestionOut), required=True)


class StartIn(In):
    """What starting asks for."""

    access_code = fields.String(validate=validate.Length(max=64))


class AnswerIn(In):
    """One answer. Of two saves of one question the one with the greater `sequence` stands."""

    position = fields.Integer(required=True, strict=True, validate=validate.Range(1, MAX_SLOTS))
    sequence = fields.Integer(required=True, strict=True, validate=validate.Range(1, MAX_SEQUENCE))
    answer = fields.Raw(required=True, allow_none=True, metadata={"description": "null takes the answer back."})
    is_flagged = fields.Boolean()
    seconds_spent = fields.Integer(
        strict=True,
        validate=validate.Range(0, MAX_SECONDS),
        metadata={"description": "In all, as the client measured it."},
    )


class AnswersIn(In):
    """An autosave."""

    answers = fields.List(fields.Nested(AnswerIn), required=True, validate=validate.Length(1, MAX_SAVED))
    current_page = fields.Integer(strict=True, validate=validate.Range(1, MAX_SLOTS))


class SubmitIn(In):
    """What was not saved yet."""

    answers = fields.List(fields.Nested(AnswerIn), load_default=list, validate=validate.Length(max=MAX_SLOTS))


class SavedAnswerOut(Out):
    """What became of one answer. `superseded`: a save of a greater or the same sequence is kept instead."""

    position = fields.Integer(required=True)
    sequence = fields.Integer(required=True, metadata={"description": "Of the answer that is kept."})
    outcome = fields.String(required=True, validate=validate.OneOf(OUTCOMES))


class SavedOut(Out):
    """What became of an autosave."""

    attempt_id = fields.Integer(required=True)
    status = fields.String(required=True, validate=validate.OneOf(ATTEMPT_STATES))
    server_time = Time(required=True)
    due_at = Time(required=True, allow_none=True)
    seconds_left = fields.Integer(required=True, allow_none=True)
    answers = fields.List(fields.Nested(SavedAnswerOut), required=True)


class MarkIn(In):
    """Points and feedback for one answer."""

    position = fields.Integer(required=True, strict=True, validate=validate.Range(1, MAX_SLOTS))
    points = fields.Float(required=True, allow_nan=False, validate=validate.Range(0, MAX_POINTS))
    feedback = fields.String(validate=validate.Length(max=20_000))
    rubric = fields.Dict(
        keys=fields.String(validate=validate.Length(1, 64)),
        values=fields.String(validate=validate.Length(max=1000)),
        allow_none=True,
        validate=validate.Length(max=50),
        metadata={"description": "By criterion of the question's rubric, what was chosen."},
    )


class GradeIn(In):
    """Grades by hand, for essays and for whatever a machine got wrong."""

    answers = fields.List(fields.Nested(MarkIn), load_default=list, validate=validate.Length(max=MAX_SLOTS))
    feedback = fields.String(validate=validate.Length(max=20_000), metadata={"description": "On the whole attempt."})
