"""What the question endpoints take and give."""

from __future__ import annotations

from marshmallow import fields, validate

from learnomy_wp.kernel.page import PageQuery
from learnomy_wp.kernel.search import search_field
from learnomy_wp.kernel.serialize import Id, IdList, In, Line, Matches, Out, Query, Time
from learnomy_wp.questions.formats import FORMATS
from learnomy_wp.questions.listing import LISTING
from learnomy_wp.questions.types.base import Html

STATUSES = ("draft", "published", "trash")
DIFFICULTIES = ("easy", "medium", "hard")
MAX_POINTS = 10_000
MAX_PROMPT = 100_000
MAX_TAGS = 50
MAX_HINTS = 20
MAX_CRITERIA = 50
TYPE = Matches(r"^[a-z0-9][a-z0-9_-]{0,31}$", error="Lower-case letters, digits and dashes.")
_FORMATS = validate.OneOf(sorted(FORMATS))


class QuestionQuery(PageQuery):
    """Which questions: those of the caller's courses and own bank, for managers all."""

    sort = LISTING.sort_field()
    search = search_field()
    type = fields.String(validate=TYPE)
    category_id = Id(strict=False)
    course_id = Id(strict=False)
    author_id = Id(strict=False)
    difficulty = fields.String(validate=validate.OneOf(DIFFICULTIES))
    tag = Line(100)
    status = fields.String(
        validate=validate.OneOf(STATUSES), metadata={"description": "All but the trash, if not named."}
    )
    ids = IdList(metadata={"description": "Only these, comma-separated."})
    format = fields.String(
        validate=_FORMATS, metadata={"description": "Exports all that the filters find as a file, instead of a page."}
    )


class FeedbackIn(In):
    """What is said after an answer: always, and by what it is worth."""

    general_html = Html()
    correct_html = Html()
    partial_html = Html()
    incorrect_html = Html()


class LevelIn(In):
    """One level of a criterion."""

    title = Line(255, required=True)
    points = fields.Float(required=True, allow_nan=False, validate=validate.Range(0, MAX_POINTS))


class CriterionIn(In):
    """One criterion of a rubric."""

    id = fields.String(required=True, validate=validate.Regexp(r"[A-Za-z0-9_-]{1,64}\Z"))
    title = Line(255, required=True)
    levels = fields.List(fields.Nested(LevelIn), load_default=list, validate=validate.Length(max=20))


class QuestionPatch(In):
    """Changes to a question. What is not named stays; `content` is replaced as a whole."""

    title = Line(255, metadata={"description": "How authors find it; else the beginning of its prompt."})
    type = fields.String(validate=TYPE)
    prompt = fields.String(
        validate=validate.Length(max=MAX_PROMPT),
        metadata={"description": "HTML or blocks; [[id]] is the place of a blank, {name} of a variable."},
    )
    content = fields.Dict(metadata={"description": "Answers, pairs, blanks and the like, as its type has them."})
    feedback = fields.Nested(FeedbackIn, allow_none=True)
    hints = fields.List(Html(minimum=1), validate=validate.Length(max=MAX_HINTS))
    rubric = fields.List(fields.Nested(CriterionIn), allow_none=True, validate=validate.Length(max=MAX_CRITERIA))
    points = fields.Float(allow_nan=False, validate=validate.Range(0, MAX_POINTS))
    difficulty = fields.String(validate=validate.OneOf(DIFFICULTIES))
    category_id = Id(strict=False, allow_none=True)
    category = fields.String(
        validate=validate.Length(1, 1000),
        metadata={"description": "Instead of its id, names from the highest down, with slashes; made where new."},
    )
    tags = fields.List(Line(100), validate=validate.Length(max=MAX_TAGS))
    course_id = Id(strict=False, allow_none=True, metadata={"description": "null = the author's own bank."})
    status = fields.String(
        validate=validate.OneOf(STATUSES),
        metadata={"description": "Another than trash also brings it back from the trash, within 30 days."},
    )
    idnumber = Line(100, allow_none=True, metadata={"description": "Its name in another system."})


class QuestionIn(QuestionPatch):
    """A new question; or, as a form with a `file`, what all questions of an import have in common."""

    status = fields.String(load_default="published", validate=validate.OneOf(("draft", "published")))


class ImportQuery(Query):
    """How a file is imported."""

    format = fields.String(validate=_FORMATS, metadata={"description": "With a file: what it is."})
    dry_run = fields.Boolean(load_default=False, metadata={"description": "Only report what would come of it."})
    skip_invalid = fields.Boolean(
        load_default=False,
        metadata={"description": "Import the others where some cannot be; else nothing is imported then."},
    )


class CategoryOut(Out):
    """The category of a question."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    path = fields.String(required=True)


class QuestionOut(Out):
    """A question with its newest version, the key included."""

    id = fields.Integer(required=True)
    title = fields.String(required=True)
    type = fields.String(required=True)
    status = fields.String(required=True)
    author_id = fields.Integer(required=True)
    course_id = fields.Integer(required=True, allow_none=True)
    category = fields.Nested(CategoryOut, required=True, allow_none=True)
    tags = fields.List(fields.String(), required=True)
    difficulty = fields.String(required=True)
    points = fields.Float(required=True)
    prompt = fields.String(required=True)
    prompt_html = fields.String(required=True)
    content = fields.Dict(required=True)
    feedback = fields.Dict(required=True, allow_none=True)
    hints = fields.List(fields.String(), required=True)
    rubric = fields.List(fields.Dict(), required=True, allow_none=True)
    idnumber = fields.String(required=True, allow_none=True)
    version_id = fields.Integer(required=True)
    version_number = fields.Integer(required=True)
    version_count = fields.Integer(required=True)
    is_answered = fields.Boolean(required=True, metadata={"description": "Whether a change of it makes a new version."})
    use_count = fields.Integer(required=True, metadata={"description": "Quizzes that it has a place in."})
    created_at = Time(required=True)
    updated_at = Time(required=True)
    deleted_at = Time(required=True, allow_none=True)


class CreatedOut(QuestionOut):
    """A new question; for an import the job that does it, with its report."""

    job_id = fields.Integer()
    kind = fields.String()
    state = fields.String()
    done = fields.Integer()
    total = fields.Integer()
    report = fields.Dict(allow_none=True)
    finished_at = Time(allow_none=True)
