"""What regrading and statistics take and give."""

from __future__ import annotations

from marshmallow import fields, validate

from learnomy_wp.kernel.serialize import Id, In, Out, Time
from learnomy_wp.quizzes.schemas import MAX_SLOTS


class RegradeIn(In):
    """What to grade again. Grades that a person gave stay."""

    dry_run = fields.Boolean(
        load_default=False, metadata={"description": "Only tell whose grade would move from what to what."}
    )
    question_ids = fields.List(
        Id(),
        validate=validate.Length(1, MAX_SLOTS),
        metadata={"description": "Only these questions; all, if not named."},
    )
    include_open = fields.Boolean(
        load_default=False, metadata={"description": "Give the newest versions to attempts that still go on, too."}
    )


class ChoiceCountOut(Out):
    """How often one choice was taken."""

    choice = fields.String(required=True)
    count = fields.Integer(required=True)


class QuestionStatisticsOut(Out):
    """One question of a quiz."""

    question_id = fields.Integer(required=True)
    title = fields.String(required=True)
    type = fields.String(required=True)
    given_count = fields.Integer(required=True, metadata={"description": "Graded attempts that had it."})
    answered_count = fields.Integer(required=True)
    facility = fields.Float(
        required=True, allow_none=True, metadata={"description": "The mean share of its points, in percent."}
    )
    discrimination = fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "Correlation with the rest of the attempt, -1 to 1; null where either never varies."},
    )
    average_seconds = fields.Float(required=True, allow_none=True)
    choices = fields.List(fields.Nested(ChoiceCountOut), required=True)


class StatisticsOut(Out):
    """What graded attempts say of a quiz. Counted by a job, a minute after the last one was graded."""

    quiz_id = fields.Integer(required=True)
    counted_at = Time(required=True, allow_none=True)
    attempt_count = fields.Integer(required=True)
    graded_count = fields.Integer(required=True, metadata={"description": "The newest that were counted."})
    passed_count = fields.Integer(required=True)
    average_percent = fields.Float(required=True, allow_none=True)
    questions = fields.List(fields.Nested(QuestionStatisticsOut), required=True)
