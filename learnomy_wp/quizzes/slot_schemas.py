"""What the questions of a quiz look like to its staff."""

from __future__ import annotations

from marshmallow import fields, validate

from learnomy_wp.kernel.page import PageQuery
from learnomy_wp.kernel.serialize import Id, In, Line, Out, Time
from learnomy_wp.questions.schemas import DIFFICULTIES, QuestionIn
from learnomy_wp.quizzes.schemas import MAX_POINTS, MAX_SLOTS
from learnomy_wp.quizzes.slots import LISTING


class SlotQuery(PageQuery):
    """Which part of a quiz; the whole of it, if nothing is said."""

    sort = LISTING.sort_field()
    per_page = fields.Integer(
        load_default=MAX_SLOTS,
        validate=validate.Range(1, MAX_SLOTS),
        metadata={"description": "Rows in a page; an editor loads a whole quiz at once."},
    )


class SlotQuestionOut(Out):
    """The question of a slot, with its answers, in the version that a new attempt would get."""

    id = fields.Integer(required=True)
    version_id = fields.Integer(required=True)
    version_number = fields.Integer(required=True)
    newest_version_id = fields.Integer(required=True)
    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.String(required=True)
    points = fields.Float(required=True)
    difficulty = fields.String(required=True)
    category_id = fields.Integer(required=True, allow_none=True)
    tags = fields.List(fields.String(), required=True)
    prompt_raw = fields.String(required=True)
    prompt_html = fields.String(required=True)
    content = fields.Raw(required=True, allow_none=True)
    feedback = fields.Raw(required=True, allow_none=True)
    rubric = fields.Raw(required=True, allow_none=True)
    is_answered = fields.Boolean(required=True, metadata={"description": "A change makes a new version."})


class DrawOut(Out):
    """A random draw: so many questions of a category of the bank."""

    category_id = fields.Integer(required=True, allow_none=True)
    count = fields.Integer(required=True)
    tags = fields.List(fields.String(), required=True)
    difficulty = fields.List(fields.String(), required=True)
    subcategories = fields.Boolean(required=True)


class SlotOut(Out):
    """One place of a quiz."""

    id = fields.Integer(required=True)
    quiz_id = fields.Integer(required=True)
    position = fields.Integer(required=True)
    page = fields.Integer(required=True)
    heading = fields.String(required=True, allow_none=True)
    points = fields.Float(required=True, allow_none=True, metadata={"description": "null: the question's own."})
    is_required = fields.Boolean(required=True)
    version_id = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Always this version; null: the newest."}
    )
    question = fields.Nested(SlotQuestionOut, required=True, allow_none=True)
    draw = fields.Nested(DrawOut, required=True, allow_none=True)
    created_at = Time(required=True)
    updated_at = Time(required=True)


class DrawIn(In):
    """What to draw from the bank."""

    category_id = Id(load_default=None, allow_none=True, metadata={"description": "null: the whole bank."})
    subcategories = fields.Boolean(load_default=True)
    count = fields.Integer(required=True, strict=True, validate=validate.Range(1, MAX_SLOTS))
    tags = fields.List(
        Line(64),
        load_default=list,
        validate=validate.Length(max=20),
        metadata={"description": "Those that have all of them."},
    )
    difficulty = fields.List(
        fields.String(validate=validate.OneOf(DIFFICULTIES)),
        load_default=list,
        validate=validate.Length(max=3),
        metadata={"description": "Those of any of them; all, if empty."},
    )


class SlotIn(In):
    """A new place: one of `question_id`, `question` and `draw`."""

    question_id = Id(metadata={"description": "One from the bank."})
    question = fields.Nested(QuestionIn, metadata={"description": "A new one, as POST /questions takes it."})
    draw = fields.Nested(DrawIn)
    position = fields.Integer(
        strict=True, validate=validate.Range(0, MAX_SLOTS), metadata={"description": "Its place; else the last."}
    )
    page = fields.Integer(strict=True, validate=validate.Range(1, MAX_SLOTS))
    heading = Line(255, allow_none=True)
    points = fields.Float(allow_none=True, allow_nan=False, validate=validate.Range(0, MAX_POINTS))
    is_required = fields.Boolean(load_default=False)
    version_id = Id(allow_none=True)
