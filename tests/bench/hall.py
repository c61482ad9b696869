"""The examination hall: a real site with a course, a quiz of many questions, and students with sessions of their own.

WordPress and the backend run as in production, the cache of answers off; what is there from an earlier run is kept.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from learnomy_wp.accounts import tokens
from learnomy_wp.config import Config
from learnomy_wp.kernel import db, local
from learnomy_wp.kernel.auth import jwt, users
from learnomy_wp.kernel.runtime import Runtime
from learnomy_wp.serve import boot
from tests.bench.ground import API_THREADS, API_WORKERS
from tests.site import EXTRA_CONFIG, REPOSITORY, Layout, Site
from wp_schema.tables import users as people

Row = dict[str, Any]

LOGIN = "exam_student_"
WORDS = ("alpha", "beta", "gamma", "delta")


@dataclass
class Hall:
    """One site with its students. `tokens` are access tokens, one session each."""

    folder: Path
    site: Site
    tokens: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, folder: Path) -> Hall:
        """Bring the site up."""
        os.environ["LEARNOMY_RESPONSE_CACHE"] = "off"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "extra-config.php").write_text(EXTRA_CONFIG)
        command: list[object] = [
            REPOSITORY / "docker/bin/site", "start", "--quiet", "--dir", folder, "--no-debug", "--sockets",
            "--api-workers", API_WORKERS, "--api-threads", API_THREADS, "--fpm-workers", 4,
        ]  # fmt: skip
        words = [str(word) for word in command]
        ran = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        if ran.returncode != 0:
            raise SystemExit(f"the site does not come up:\n{ran.stdout}{ran.stderr}")
        hall = cls(folder, Site(Layout.load(folder)))
        hall.site.get("/courses?per_page=1")  # writes the record that the direct door needs
        return hall

    @cached_property
    def runtime(self) -> Runtime:
        """The backend's runtime in this process, to issue tokens."""
        own = {"LEARNOMY_LOG_LEVEL": "error", "LEARNOMY_METRICS": "off"}
        return boot(Config.load({**os.environ, **self.site.environment, **own}))

    def seat(self, count: int) -> None:
        """So many students, each with a new session."""
        with self.runtime.request_stack(), db.blog(1):
            self.tokens = db.transaction(lambda: [self._session(self._student(number)) for number in range(count)])

    def teacher(self) -> str:
        """An access token of the teacher's."""
        with self.runtime.request_stack(), db.blog(1):
            return db.transaction(lambda: self._session(self.site.user_id("teacher")))

    def _student(self, number: int) -> int:
        login = f"{LOGIN}{number}"
        known = db.value(select(people.c.ID).where(people.c.user_login == login))
        if known is not None:
            return int(known)
        row = {"user_login": login, "user_pass": "*", "user_nicename": login, "display_name": login}
        user_id = db.insert_id(db.execute(insert(people), {**row, "user_email": f"{login}@example.test"}))
        local.set_user_meta(user_id, f"{db.blog_prefix()}capabilities", {"lrn_student": True})
        return user_id

    def _session(self, user_id: int) -> str:
        found = users.find(user_id)
        assert found is not None
        actor = users.to_actor(found, credential="jwt")
        return jwt.issue(user_id, tokens.begin_session(actor, found["user_pass"], "exam").session_id)


# --- questions of every kind that a machine grades, and answers to them --------------------


def questions(count: int) -> list[Row]:
    """So many questions, of all kinds in turn."""
    return [KINDS[number % len(KINDS)](number) for number in range(count)]


def _question(kind: str, number: int, prompt: str, content: Row) -> Row:
    return {"type": kind, "title": f"Question {number}", "prompt": f"<p>{number}. {prompt}</p>", "content": content}


def _single(number: int) -> Row:
    answers = [{"text_html": word, "fraction": float(word == "alpha")} for word in WORDS]
    return _question("single_choice", number, "Choose alpha.", {"answers": answers})


def _several(number: int) -> Row:
    answers = [{"text_html": word, "fraction": 0.5 if word in WORDS[:2] else 0.0} for word in WORDS]
    return _question("multiple_choice", number, "Choose alpha and beta.", {"answers": answers})


def _truth(number: int) -> Row:
    return _question("true_false", number, "True.", {"answer": True})


def _short(number: int) -> Row:
    return _question("short_answer", number, "Write alpha.", {"answers": [{"text": "alpha"}]})


def _numeric(number: int) -> Row:
    return _question("numeric", number, "Write 42.", {"answers": [{"value": 42.0}]})


def _matching(number: int) -> Row:
    pairs = [{"prompt_html": f"{word} first", "answer_html": f"{word} second"} for word in WORDS]
    return _question("matching", number, "Match them.", {"pairs": pairs})


def _ordering(number: int) -> Row:
    items = [{"text_html": word} for word in WORDS]
    return _question("ordering", number, "By the Greek alphabet.", {"items": items, "scoring": "exact"})


KINDS = (_single, _several, _truth, _short, _numeric, _matching, _ordering)


def respond(asked: Row, *, right: bool) -> Any:
    """A wholly right or a wholly wrong answer to a question, by what a student can see of it."""
    content = asked["content"] or {}
    by_text = {item["text_html"]: item["id"] for name in ("choices", "items") for item in content.get(name, ())}
    match asked["type"]:
        case "single_choice":
            return by_text["alpha" if right else "gamma"]
        case "multiple_choice":
            return [by_text[word] for word in (WORDS[:2] if right else WORDS[2:])]
        case "true_false":
            return right
        case "short_answer":
            return "Alpha" if right else "omega"
        case "numeric":
            return "42" if right else "41"
        case "matching":
            return _match(content, right=right)
        case "ordering":
            return [by_text[word] for word in (WORDS if right else WORDS[::-1])]
    raise LookupError(asked["type"])


def _match(content: Row, *, right: bool) -> Row:
    prompts = {item["text_html"].split()[0]: item["id"] for item in content["prompts"]}
    answers = {item["text_html"].split()[0]: item["id"] for item in content["answers"]}
    others: Sequence[str] = WORDS if right else (*WORDS[1:], WORDS[0])
    return {prompts[word]: answers[other] for word, other in zip(WORDS, others, strict=True)}
