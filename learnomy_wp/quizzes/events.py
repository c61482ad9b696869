"""What happens to attempts."""

from __future__ import annotations

from dataclasses import dataclass

from learnomy_wp.kernel.events import Event

# As progress has it: a course's events of one learner keep their order. Without a course it is 0.
AGGREGATE = "course_user:{course_id}:{user_id}"
ABOUT = ("quiz_attempt", "attempt_id")


@dataclass(frozen=True)
class AttemptSubmitted(Event):
    """A learner handed in an attempt, or its time was over."""

    topic = "quiz.attempt.submitted"
    action = "learnomy_quiz_submitted"
    arguments = ("attempt_id", "user_id", "quiz_id")
    aggregate = AGGREGATE
    about = ABOUT
    summary = "A student submitted a quiz."

    attempt_id: int
    user_id: int
    quiz_id: int
    course_id: int


@dataclass(frozen=True)
class AttemptGraded(Event):
    """Everything in an attempt is graded, for the first time."""

    topic = "quiz.attempt.graded"
    action = "learnomy_quiz_graded"
    arguments = ("attempt_id", "user_id", "quiz_id")
    aggregate = AGGREGATE
    about = ABOUT
    summary = "A quiz attempt was graded."

    attempt_id: int
    user_id: int
    quiz_id: int
    course_id: int


@dataclass(frozen=True)
class AttemptPassed(Event):
    """An attempt of a graded quiz is passed; `score` is its percentage, an int where it is whole."""

    topic = "quiz.attempt.passed"
    action = "learnomy_quiz_passed"
    arguments = ("attempt_id", "user_id", "quiz_id", "score")
    aggregate = AGGREGATE
    about = ABOUT
    summary = "A student passed a quiz."

    attempt_id: int
    user_id: int
    quiz_id: int
    course_id: int
    score: int | float
