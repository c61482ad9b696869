"""Analytics of a course, and what managers see of the whole site."""

from __future__ import annotations

from typing import Any

from learnomy_wp.kernel.endpoint import Blueprint
from learnomy_wp.kernel.page import Page
from learnomy_wp.kernel.policy import MANAGER
from learnomy_wp.reports import analytics, enrollments, policies, students
from learnomy_wp.reports.schemas import (
    AnalyticsOut,
    EnrollmentReportOut,
    EnrollmentReportQuery,
    StudentOut,
    StudentsQuery,
)

courses_bp = Blueprint("course_reports", group="courses")
bp = Blueprint("reports", group="admin")


@courses_bp.endpoint(
    "get",
    "/courses/<int:id>/analytics",
    can=policies.ANALYTICS,
    returns=AnalyticsOut,
    payload_filter="learnomy_rest_analytics_payload",
)
def get_course_analytics(id: int) -> dict[str, Any]:
    """Read a course in numbers: enrolments, completion funnel, drop-off by lesson, time to complete, quizzes."""
    return analytics.describe_course(id)


@bp.endpoint(
    "get",
    "/admin/students",
    can=MANAGER,
    query=StudentsQuery,
    returns=StudentOut,
    many=True,
    query_filter="learnomy_student_query",
)
def list_students(query: dict[str, Any]) -> Page:
    """List everybody who is or was in a course, with progress; by user, course and activity."""
    return students.list_students(query)


@bp.endpoint("get", "/admin/reports/enrollments", can=MANAGER, query=EnrollmentReportQuery, returns=EnrollmentReportOut)
def get_enrollments_report(query: dict[str, Any]) -> dict[str, Any]:
    """Read what began, was completed and ended, by day, week or month: of the site, or of one course."""
    return enrollments.report(query)
