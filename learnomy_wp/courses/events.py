"""What happens to courses."""

from __future__ import annotations

from dataclasses import dataclass

from learnomy_wp.kernel.events import Event


@dataclass(frozen=True)
class CoursePublished(Event):
    """A course became visible to students."""

    topic = "course.published"
    action = "learnomy_course_published"
    arguments = ("course_id", "user_id")
    aggregate = "course:{course_id}"
    tags = ("courses", "course-list", "course:{course_id}")
    about = ("course", "course_id")
    summary = "A course was published."

    course_id: int
    user_id: int


@dataclass(frozen=True)
class CourseUpdated(Event):
    """A published course's own fields changed."""

    topic = "course.updated"
    action = "learnomy_course_updated"
    arguments = ("course_id", "user_id")
    aggregate = "course:{course_id}"
    tags = ("courses", "course-list", "course:{course_id}")
    about = ("course", "course_id")
    summary = "A course was changed."

    course_id: int
    user_id: int


@dataclass(frozen=True)
class CourseDeleted(Event):
    """A course was deleted for good."""

    topic = "course.deleted"
    action = "learnomy_course_deleted"
    arguments = ("course_id", "user_id")
    aggregate = "course:{course_id}"
    tags = ("courses", "course-list", "course:{course_id}")
    about = ("course", "course_id")
    summary = "A course was deleted for good."

    course_id: int
    user_id: int
