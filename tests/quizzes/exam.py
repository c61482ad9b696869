"""Quizzes with questions, people who take them, and a clock that can be moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine
from sqlalchemy import select

from learnomy_wp.quizzes import jobs as quiz_jobs
from tests.client import Answer, Api
from tests.courses.school import School, made
from wp_schema.tables import attempt_answers, outbox, progress, question_versions, quiz_attempts, quizzes

Row = dict[str, Any]

RIGHT, WRONG = "The right one", "A wrong one"


def single(title: str = "Which?", *, points: float = 1, wrong: int = 2) -> Row:
    """A single choice; the texts say which is right."""
    answers = [{"text_html": RIGHT, "fraction": 1}, *({"text_html": f"{WRONG} {number}"} for number in range(wrong))]
    return {"type": "single_choice", "title": title, "prompt": title, "points": points, "content": {"answers": answers}}


def essay(title: str = "Why?", *, points: float = 4) -> Row:
    """An essay, which a person grades."""
    return {"type": "essay", "title": title, "prompt": title, "points": points, "content": {}}


def pick(question: Row, text: str) -> Any:
    """The answer that takes the choice whose text begins so, as a learner reads the choices."""
    return next(choice["id"] for choice in question["content"]["choices"] if choice["text_html"].startswith(text))


class Exams(School):
    """The school with shorthands for its quizzes."""

    def __init__(self, api: Api) -> None:
        super().__init__(api)

    # -- making

    def quiz(self, who: str = "teacher", *, questions: Sequence[Row] = (), **body: Any) -> Row:
        """A published quiz with these questions, whose places are its `slots`."""
        quiz = made(self.as_(who).post("/quizzes", json={"title": "A quiz", "status": "published", **body}))
        slots = [self.ask(quiz["id"], question, who) for question in questions]
        return {**quiz, "slots": slots}

    def ask(self, quiz_id: int, question: Row, who: str = "teacher", **place: Any) -> Row:
        """Add a new question to a quiz; gives its slot."""
        return made(self.as_(who).post(f"/quizzes/{quiz_id}/questions", json={"question": question, **place}))

    def in_course(self, *, questions: Sequence[Row] = (), who: str = "student", **body: Any) -> Row:
        """A quiz of a published course of the teacher's, in which `who` is enrolled."""
        course = self.course(published=True)
        self.enrol(course["id"], who)
        return self.quiz(course_id=course["id"], questions=questions, **body)

    # -- taking

    def start(self, quiz_id: int, who: str = "student", **body: Any) -> Row:
        return made(self.as_(who).post(f"/quizzes/{quiz_id}/attempts", json=body))

    def save(self, attempt_id: int, answers: Sequence[Row], who: str = "student", **body: Any) -> Answer:
        return self.as_(who).put(f"/quiz-attempts/{attempt_id}/answers", json={"answers": list(answers), **body})

    def submit(self, attempt_id: int, who: str = "student", **body: Any) -> Row:
        answer = self.as_(who).post(f"/quiz-attempts/{attempt_id}/submit", json=body)
        assert answer.status == 200, answer.body
        return dict(answer.data)

    def attempt(self, attempt_id: int, who: str = "student") -> Row:
        answer = self.as_(who).get(f"/quiz-attempts/{attempt_id}")
        assert answer.status == 200, answer.body
        return dict(answer.data)

    def take(self, quiz_id: int, who: str = "student", *, right: int = 0) -> Row:
        """A whole attempt: so many of its single choices are answered right, the others wrong."""
        attempt = self.start(quiz_id, who)
        answers = []
        for number, question in enumerate(attempt["questions"]):
            answer = "A text" if question["type"] == "essay" else pick(question, RIGHT if number < right else WRONG)
            answers.append({"position": question["position"], "sequence": 1, "answer": answer})
        return self.submit(attempt["id"], who, answers=answers)

    def end_due(self) -> None:
        """What the worker does every few seconds: end the attempts whose time is over."""
        with self.api.inside():
            quiz_jobs.end_due_attempts()
        self.run_jobs()

    # -- reading

    def stored(self, attempt_id: int) -> Row:
        """The attempt's row."""
        found = self.row(quiz_attempts, attempt_id)
        assert found is not None
        return found

    def row_of(self, quiz_id: int) -> Row:
        """The quiz's row."""
        found = self.row(quizzes, quiz_id)
        assert found is not None
        return found

    def version(self, version_id: int) -> Row:
        """A version's row."""
        found = self.row(question_versions, version_id)
        assert found is not None
        return found

    def answers(self, attempt_id: int) -> list[Row]:
        """The rows of its answers."""
        wanted = select(attempt_answers).where(attempt_answers.c.attempt_id == attempt_id)
        return self.rows(wanted.order_by(attempt_answers.c.position))

    def place(self, quiz_id: int, who: str = "student") -> Row | None:
        """A learner's progress row of a quiz."""
        mine = (progress.c.object_type == "quiz", progress.c.object_id == quiz_id, progress.c.user_id == self.ids[who])
        found = self.rows(select(progress).where(*mine))
        return found[0] if found else None

    def hooks(self, attempt_id: int) -> list[tuple[str, list[Any]]]:
        """The actions of an attempt, in order, with their arguments."""
        wanted = select(outbox.c.hook, outbox.c.args).where(outbox.c.event.like("quiz.attempt.%"))
        rows = self.rows(wanted.order_by(outbox.c.id))
        return [(row["hook"], row["args"]) for row in rows if row["args"][0] == attempt_id]

    @contextmanager
    def at(self, when: datetime) -> Iterator[None]:
        """Everything within happens at that moment; who was logged in logs in again."""
        held, self.api._tokens = self.api._tokens, {}
        try:
            with time_machine.travel(when, tick=False):
                yield
        finally:
            self.api._tokens = held


def from_now(**span: float) -> datetime:
    """A moment so far from now."""
    return datetime.now(UTC) + timedelta(**span)


def text(at: datetime) -> str:
    """A moment as bodies take it."""
    return at.astimezone(UTC).isoformat()
