"""What happens to reviews."""

from __future__ import annotations

from dataclasses import dataclass

from learnomy_wp.kernel.events import Event

TAG = "reviews"


@dataclass(frozen=True)
class ReviewSubmitted(Event):
    """A student reviewed a course for the first time, whether the review is shown yet or not."""

    topic = "review.submitted"
    action = "learnomy_review_submitted"
    arguments = ("review_id", "user_id", "course_id")
    aggregate = "course:{course_id}"
    about = ("review", "review_id")
    summary = "A student reviewed a course."

    review_id: int
    user_id: int
    course_id: int
