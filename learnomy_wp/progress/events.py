"""What learners achieve."""

from __future__ import annotations

from dataclasses import dataclass

from learnomy_wp.kernel.events import Event

AGGREGATE = "course_user:{course_id}:{user_id}"


@dataclass(frozen=True)
class LessonCompleted(Event):
    """A learner completed a lesson or topic."""

    topic = "lesson.completed"
    action = "learnomy_lesson_completed"
    arguments = ("user_id", "lesson_id", "course_id")
    aggregate = AGGREGATE
    about = ("lesson", "lesson_id")
    summary = "A student completed a lesson."

    user_id: int
    lesson_id: int
    course_id: int
    enrollment_id: int


@dataclass(frozen=True)
class CourseCompleted(Event):
    """A learner completed a course; `completion_no` counts how often."""

    topic = "enrollment.completed"
    action = "learnomy_course_completed"
    arguments = ("enrollment_id", "user_id", "course_id")
    aggregate = AGGREGATE
    tags = ("enrollments",)
    about = ("enrollment", "enrollment_id")
    panels_of = "user_id"
    summary = "A student completed a course."

    enrollment_id: int
    user_id: int
    course_id: int
    completion_no: int
