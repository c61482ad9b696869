"""Why a quiz or an attempt is refused."""

from __future__ import annotations

from learnomy_wp.kernel.errors import refusal

QuizLocked = refusal("quiz_locked", "This quiz is not open to you yet.", status=403)
QuizNotOpen = refusal("quiz_not_open", "This quiz has not opened yet.")
QuizClosed = refusal("quiz_closed", "This quiz has closed.")
QuizEmpty = refusal("quiz_empty", "This quiz has no questions yet.")
AttemptLimitReached = refusal("attempt_limit_reached", "You have used all attempts of this quiz.")
AttemptCooldown = refusal("attempt_cooldown", "Wait before you try this quiz again.")
AccessCodeWrong = refusal("access_code_wrong", "This is not the access code of this quiz.")
AttemptClosed = refusal("attempt_closed", "This attempt was submitted. Its answers cannot be changed any more.")
AttemptOpen = refusal("attempt_open", "This attempt is still going on. It can be graded once it is submitted.")
NotGradable = refusal("not_gradable", "A survey is not graded.")
QuestionInQuiz = refusal("question_in_quiz", "This quiz has that question already.")
TooManyQuestions = refusal("too_many_questions", "A quiz holds up to 1,000 questions.")

START_ERRORS = (
    QuizNotOpen,
    QuizClosed,
    QuizEmpty,
    AttemptLimitReached,
    AttemptCooldown,
    AccessCodeWrong,
)
