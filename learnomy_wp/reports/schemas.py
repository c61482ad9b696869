"""What analytics, reports and the list of students take and give."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate

from learnomy_wp.kernel.page import PageQuery
from learnomy_wp.kernel.serialize import FIRST_YEAR, LAST_YEAR, Id, IdList, Out, Query, Time
from learnomy_wp.reports.enrollments import DAY, INTERVALS
from learnomy_wp.reports.students import ALL


def _percent(description: str, *, allow_none: bool = False) -> fields.Float:
    return fields.Float(required=True, allow_none=allow_none, metadata={"description": description})


class StandingCountsOut(Out):
    """How many enrolments stand where now."""

    pending = fields.Integer(required=True)
    active = fields.Integer(required=True)
    completed = fields.Integer(required=True)
    cancelled = fields.Integer(required=True)
    expired = fields.Integer(required=True)
    refunded = fields.Integer(required=True)


class CourseEnrollmentsOut(StandingCountsOut):
    """How many enrolments a course has, and how many of them may open it now."""

    total = fields.Integer(required=True)
    with_access = fields.Integer(required=True)


class FunnelStepOut(Out):
    """How many came so far."""

    step = fields.String(
        required=True,
        validate=validate.OneOf(
            ("enrolled", "started", "reached_25", "reached_50", "reached_75", "reached_100", "completed")
        ),
    )
    count = fields.Integer(required=True)
    percent = _percent("Of those who are or were enrolled.")


class LessonNumbersOut(Out):
    """One lesson or topic, in the curriculum's order."""

    id = fields.Integer(required=True)
    parent_id = fields.Integer(required=True, allow_none=True)
    title = fields.String(required=True)
    slug = fields.String(required=True)
    started = fields.Integer(required=True, metadata={"description": "Learners who began or completed it."})
    completed = fields.Integer(required=True)
    completed_percent = _percent("Of those who are or were enrolled.")
    dropped = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Who completed the lesson before and not this one; null for a topic."},
    )
    dropped_percent = _percent("Of those who completed the lesson before.", allow_none=True)


class DurationOut(Out):
    """Completions that took so long, and longer than the one before."""

    up_to_seconds = fields.Integer(required=True, allow_none=True)
    count = fields.Integer(required=True)


class TimeToCompleteOut(Out):
    """From the enrolment, or the last start anew, to the completion."""

    count = fields.Integer(required=True)
    average_seconds = fields.Integer(required=True, allow_none=True)
    distribution = fields.List(fields.Nested(DurationOut), required=True)


class QuizNumbersOut(Out):
    """How hard a quiz is."""

    id = fields.Integer(required=True)
    title = fields.String(required=True)
    slug = fields.String(required=True)
    attempt_count = fields.Integer(required=True)
    passed_count = fields.Integer(required=True)
    passed_percent = _percent("Of all attempts.", allow_none=True)
    average_percent = _percent("What graded attempts reach, as the quiz's statistics say.", allow_none=True)


class AnalyticsOut(Out):
    """A course in numbers."""

    course_id = fields.Integer(required=True)
    enrollments = fields.Nested(CourseEnrollmentsOut, required=True)
    funnel = fields.List(fields.Nested(FunnelStepOut), required=True)
    lessons = fields.List(fields.Nested(LessonNumbersOut), required=True)
    time_to_complete = fields.Nested(TimeToCompleteOut, required=True)
    quizzes = fields.List(fields.Nested(QuizNumbersOut), required=True)
    generated_at = Time(required=True)


class Day(fields.Date):
    """A day of the calendar, in a year that every engine and every arithmetic of ours can have."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        day = super()._deserialize(value, attr, data, **kwargs)
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise ValidationError(f"Give a year from {FIRST_YEAR} to {LAST_YEAR}.")
        return day


class EnrollmentReportQuery(Query):
    """Which days, together how."""

    interval = fields.String(load_default=DAY, validate=validate.OneOf(INTERVALS))
    from_date = Day(metadata={"description": "The first day, of UTC; else 30 days up to the last."})
    to_date = Day(metadata={"description": "The last day, itself included; else today."})
    course_id = Id(strict=False, metadata={"description": "One course only."})


class HappenedOut(Out):
    """What happened in a while."""

    enrolled = fields.Integer(required=True, metadata={"description": "Access began, also again after an end."})
    completed = fields.Integer(required=True)
    cancelled = fields.Integer(required=True)
    refunded = fields.Integer(required=True)
    expired = fields.Integer(required=True)


class PeriodOut(HappenedOut):
    """One day, week (from Monday) or month."""

    starts_at = Time(required=True)


class EnrollmentSourceOut(Out):
    """Where enrolments came from."""

    source = fields.String(required=True)
    enrolled = fields.Integer(required=True)


class TopCourseOut(Out):
    """A course with many students."""

    id = fields.Integer(required=True)
    title = fields.String(required=True)
    slug = fields.String(required=True)
    student_count = fields.Integer(required=True)
    completion_count = fields.Integer(required=True)


class EnrollmentReportOut(Out):
    """Enrolments by day, week or month."""

    from_date = fields.Date(required=True)
    to_date = fields.Date(required=True)
    interval = fields.String(required=True, validate=validate.OneOf(INTERVALS))
    course_id = fields.Integer(required=True, allow_none=True)
    totals = fields.Nested(HappenedOut, required=True)
    by_status = fields.Nested(StandingCountsOut, required=True)
    by_source = fields.List(fields.Nested(EnrollmentSourceOut), required=True)
    periods = fields.List(fields.Nested(PeriodOut), required=True)
    courses = fields.List(
        fields.Nested(TopCourseOut),
        required=True,
        metadata={"description": "The ten with most students now; none in the report of one course."},
    )


class StudentsQuery(PageQuery):
    """Which students, in what order."""

    sort = ALL.sort_field()
    user_id = Id(strict=False)
    user = Id(strict=False, metadata={"description": "The same as user_id."})
    course_id = Id(strict=False, metadata={"description": "Who is or was in this course."})
    course = Id(strict=False, metadata={"description": "The same as course_id."})
    active_since = Time(metadata={"description": "Something happened since then; with a course, in that course."})
    inactive_since = Time(metadata={"description": "Nothing happened since then."})
    ids = IdList(metadata={"description": "Only these users, comma-separated."})


class StudentCountsOut(Out):
    """How many courses, by state."""

    enrolled = fields.Integer(required=True)
    in_progress = fields.Integer(required=True)
    completed = fields.Integer(required=True)


class StudentCourseOut(Out):
    """The course of an enrolment."""

    id = fields.Integer(required=True)
    title = fields.String(required=True)
    slug = fields.String(required=True)
    status = fields.String(required=True)


class StudentEnrollmentOut(Out):
    """The enrolment in which something happened last; with a course, the one in it."""

    id = fields.Integer(required=True)
    enrollment_id = fields.Integer(required=True)
    course_id = fields.Integer(required=True)
    status = fields.String(required=True)
    has_access = fields.Boolean(required=True)
    progress_percent = fields.Integer(required=True)
    enrolled_at = Time(required=True)
    completed_at = Time(required=True, allow_none=True)
    last_activity_at = Time(required=True)
    course = fields.Nested(StudentCourseOut, required=True, allow_none=True)


class StudentOut(Out):
    """Somebody who is or was in a course."""

    id = fields.Integer(required=True)
    username = fields.String(required=True)
    display_name = fields.String(required=True)
    email = fields.String(required=True)
    avatar_url = fields.String(required=True, allow_none=True)
    registered_at = Time(required=True, allow_none=True)
    last_activity_at = Time(required=True)
    counts = fields.Nested(StudentCountsOut, required=True)
    average_progress = fields.Integer(required=True, metadata={"description": "Percent, over all enrolments."})
    enrollment = fields.Nested(StudentEnrollmentOut, required=True)
