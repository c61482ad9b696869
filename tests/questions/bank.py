"""Questions made through the API, and files of them sent to it."""

from __future__ import annotations

import io
import itertools
from typing import Any

from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from tests.client import Answer, Session
from tests.courses.school import School, made

_numbers = itertools.count(1)

CONTENTS: dict[str, dict[str, Any]] = {
    "single_choice": {
        "answers": [
            {"text_html": "Paris", "fraction": 1.0, "feedback_html": "<em>Oui</em>"},
            {"text_html": "Lyon", "fraction": 0.25, "feedback_html": "Nearly"},
            {"text_html": "Rome"},
        ]
    },
    "multiple_choice": {
        "answers": [
            {"text_html": "two", "fraction": 0.5},
            {"text_html": "three", "fraction": 0.5},
            {"text_html": "four", "fraction": -0.5},
            {"text_html": "nine", "fraction": -1.0},
        ]
    },
    "true_false": {"answer": True, "feedback_true_html": "Right", "feedback_false_html": "Look again"},
    "short_answer": {"answers": [{"text": "Berlin"}, {"text": "Bonn", "fraction": 0.5}]},
    "fill_blank": {
        "blanks": [
            {"id": "1", "answers": [{"text": "cat"}]},
            {"id": "2", "kind": "select", "answers": [{"text": "mat"}, {"text": "hat", "fraction": 0.0}]},
            {"id": "3", "kind": "number", "numbers": [{"value": 4, "tolerance": 0.5}]},
        ]
    },
    "essay": {"min_words": 10, "max_words": 500},
    "matching": {
        "pairs": [
            {"prompt_html": "France", "answer_html": "Paris"},
            {"prompt_html": "Italy", "answer_html": "Rome"},
            {"prompt_html": "Spain", "answer_html": "Madrid"},
        ],
        "distractors": [{"answer_html": "Vienna"}],
    },
    "ordering": {"items": [{"text_html": "one"}, {"text_html": "two"}, {"text_html": "three"}, {"text_html": "four"}]},
    "numeric": {"answers": [{"value": 9.81, "tolerance": 0.05}, {"value": 10, "fraction": 0.5}]},
    "math_expression": {"answers": [{"expression": "(x+1)^2"}]},
    "calculated": {
        "variables": [{"name": "a", "min": 1, "max": 9}, {"name": "b", "min": 1, "max": 9}],
        "answers": [{"formula": "a*b", "tolerance": 0.0}],
    },
}
PROMPTS = {"fill_blank": "<p>The [[1]] sat on the [[2]], [[3]] times.</p>", "calculated": "<p>{a} times {b}?</p>"}


class Bank(School):
    """The API with shorthands for its questions."""

    def question(self, who: str = "teacher", **body: Any) -> dict[str, Any]:
        """A new question, of one choice if nothing else is said."""
        return made(self.as_(who).post("/questions", json=example(**body)))

    def send(self, who: str, data: bytes, query: str, **form: str) -> Answer:
        """Import a file."""
        return self.send_by(self.as_(who), data, query, **form)

    def send_by(self, session: Session, data: bytes, query: str, **form: str) -> Answer:
        """Import a file with a session's own headers."""
        boundary, body = encode_multipart({**form, "file": FileStorage(io.BytesIO(data), "questions.bin")})
        answer = session.app.test_client().post(
            f"/wp-json/learnomy/v1/questions?{query}",
            data=body,
            content_type=f"multipart/form-data; boundary={boundary}",
            headers=session.headers,
        )
        return Answer(answer.status_code, answer.get_json(silent=True), answer.headers)

    def import_file(self, data: bytes, name: str, who: str = "teacher", *, query: str = "", **form: str) -> Any:
        """Import a file, run the job, and give its report."""
        job = made(self.send(who, data, f"format={name}{query}", **form))
        self.run_jobs()
        done = self.as_(who).get(f"/jobs/{job['job_id']}").data
        assert done["state"] == "done", done
        return done["report"]

    def export(self, query: str, who: str = "teacher") -> bytes:
        session = self.as_(who)
        answer = session.app.test_client().get(f"/wp-json/learnomy/v1/questions?{query}", headers=session.headers)
        assert answer.status_code == 200, answer.get_data()
        assert answer.headers["Content-Disposition"].startswith('attachment; filename="questions-')
        return bytes(answer.get_data())


def example(**body: Any) -> dict[str, Any]:
    """A body that makes a question of a type."""
    kind = body.get("type", "single_choice")
    prompt, content = PROMPTS.get(kind, f"<p>Question {next(_numbers)}?</p>"), CONTENTS.get(kind, {})
    return {"type": kind, "title": f"Question {next(_numbers)}", "prompt": prompt, "content": content, **body}
