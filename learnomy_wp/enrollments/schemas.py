"""What the enrolment endpoints take and give."""

from __future__ import annotations

from marshmallow import fields, validate

from learnomy_wp.enrollments.grants import SOURCES, STATUSES
from learnomy_wp.enrollments.listing import LISTING
from learnomy_wp.kernel.page import PageQuery
from learnomy_wp.kernel.serialize import Id, IdList, In, MoneyOut, Out, Time

# A learner's own doing is not for others to claim.
GIVEN_SOURCES = tuple(source for source in SOURCES if source != "self")


class EnrollmentQuery(PageQuery):
    """Which enrolments, in what order."""

    sort = LISTING.sort_field()
    course_id = Id(strict=False)
    user_id = Id(strict=False)
    course = Id(strict=False, metadata={"description": "The same as course_id."})
    user = Id(strict=False, metadata={"description": "The same as user_id."})
    status = fields.String(validate=validate.OneOf(STATUSES))
    ids = IdList(metadata={"description": "Only these, comma-separated."})


class EnrollmentIn(In):
    """A grant of a course to somebody."""

    course_id = Id(required=True)
    user_id = Id(required=True)
    source = fields.String(load_default="manual", validate=validate.OneOf(GIVEN_SOURCES))
    source_id = Id(
        load_default=0,
        validate=validate.Range(0, 2**63 - 1),
        metadata={"description": "What the source calls it: an order, a subscription, a cohort."},
    )
    starts_at = Time(metadata={"description": "When access begins; at once where not given."})
    expires_at = Time(
        allow_none=True,
        metadata={"description": "When it ends; null = never. Not given, the course's access_days count."},
    )


class BulkIn(In):
    """A list of grants: `rows`, or a CSV in `csv` or as the file of a form, whose first line names the columns.

    A row names its course (`course_id`, or `course` with a slug) and one user (`user_id`, `email` or `username`), and
    may have a `source`, `source_id`, `starts_at` and `expires_at` of its own; the fields here count for the others.
    """

    rows = fields.List(fields.Dict(keys=fields.String()), validate=validate.Length(1, 5000))
    csv = fields.String(
        validate=validate.Length(1, 1024 * 1024),  # a JSON body is no longer; a file may be
        metadata={"description": "Parted by commas, semicolons or tabs; at most 5,000 rows."},
    )
    course_id = Id(strict=False, metadata={"description": "For rows that name no course."})
    source = fields.String(load_default="import", validate=validate.OneOf(GIVEN_SOURCES))
    source_id = Id(strict=False, load_default=0, validate=validate.Range(0, 2**63 - 1))
    starts_at = Time(metadata={"description": "When access begins; at once where not given."})
    expires_at = Time(allow_none=True, metadata={"description": "When it ends; null = never."})
    dry_run = fields.Boolean(load_default=False, metadata={"description": "Say what would happen, and do nothing."})


class EnrollmentPatch(In):
    """Changes to the grants; the status follows them."""

    status = fields.String(
        validate=validate.OneOf(("active", "completed", "cancelled", "expired", "refunded")),
        metadata={
            "description": "active approves a request or gives access again, completed completes by hand, "
            "the others end access."
        },
    )
    expires_at = Time(allow_none=True, metadata={"description": "When access ends; null = never."})


class EnrolledCourseOut(Out):
    """The course."""

    id = fields.Integer(required=True)
    title = fields.String(required=True)
    slug = fields.String(required=True)
    status = fields.String(required=True)
    permalink = fields.String(required=True)


class LearnerOut(Out):
    """The learner."""

    id = fields.Integer(required=True)
    display_name = fields.String(required=True)
    avatar_url = fields.String(required=True)


class EnrollmentOut(Out):
    """Somebody in a course."""

    enrollment_id = fields.Integer(required=True)
    id = fields.Integer(required=True)
    course_id = fields.Integer(required=True)
    user_id = fields.Integer(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    source = fields.String(required=True)
    has_access = fields.Boolean(required=True)
    progress_percent = fields.Integer(required=True)
    lessons_completed = fields.Integer(required=True)
    lessons_total = fields.Integer(required=True)
    next_lesson_id = fields.Integer(required=True, allow_none=True)
    completion_no = fields.Integer(required=True, metadata={"description": "How often the course was completed."})
    enrolled_at = Time(required=True)
    started_at = Time(required=True, allow_none=True)
    completed_at = Time(required=True, allow_none=True)
    expires_at = Time(required=True, allow_none=True)
    last_activity_at = Time(required=True)
    updated_at = Time(required=True)
    course = fields.Nested(EnrolledCourseOut, required=True, allow_none=True)
    user = fields.Nested(LearnerOut, required=True, allow_none=True)


class EndedOut(Out):
    """Whose access was ended; the enrolment stays with its history."""

    id = fields.Integer(required=True)
    deleted = fields.Boolean(required=True)


class AccessReasonOut(Out):
    """One thing in the way."""

    code = fields.String(required=True)
    message = fields.String(required=True)


class PrerequisiteOut(Out):
    """A course to be completed before."""

    id = fields.Integer(required=True)
    title = fields.String(required=True)
    slug = fields.String(required=True)
    is_completed = fields.Boolean(required=True)


class AccessOut(Out):
    """Whether the caller may open a course, and what is in the way."""

    course_id = fields.Integer(required=True)
    can_access = fields.Boolean(required=True)
    can_enroll = fields.Boolean(required=True)
    is_enrolled = fields.Boolean(required=True)
    enrollment_id = fields.Integer(required=True, allow_none=True)
    status = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True, metadata={"description": "The first of the reasons."})
    reasons = fields.List(fields.Nested(AccessReasonOut), required=True)
    price = fields.Nested(MoneyOut, required=True, allow_none=True)
    is_free = fields.Boolean(required=True, allow_none=True)
    needs_approval = fields.Boolean(required=True, allow_none=True)
    capacity = fields.Integer(required=True, allow_none=True)
    seats_left = fields.Integer(required=True, allow_none=True)
    opens_at = Time(required=True, allow_none=True)
    closes_at = Time(required=True, allow_none=True)
    access_starts_at = Time(required=True, allow_none=True)
    access_ends_at = Time(required=True, allow_none=True)
    access_days = fields.Integer(required=True, allow_none=True)
    expires_at = Time(required=True, allow_none=True)
    prerequisites = fields.List(fields.Nested(PrerequisiteOut), required=True)
