"""Rules about reports: those of a course are for its owner and co-instructors who may view reports."""

from __future__ import annotations

from learnomy_wp.courses.policies import BY_COURSE, EDITORS, course_rule
from learnomy_wp.kernel.actor import VIEW_REPORTS

ANALYTICS = course_rule("course-staff", BY_COURSE, EDITORS, VIEW_REPORTS)
