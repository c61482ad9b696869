"""The API in one process for feature tests: the real application over a real SQLite or MariaDB.

`api` runs a module's tests on both engines. People: admin, editor, teacher, teacher2, co, assistant (all four
instructors), student, student2, student3, subscriber.
"""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert

from learnomy_wp.app import create_app
from learnomy_wp.config import Config
from learnomy_wp.kernel import db, local
from learnomy_wp.kernel.auth import keys
from learnomy_wp.kernel.runtime import Runtime
from wp_schema import install
from wp_schema.tables import users

PASSWORD = "learnomy-demo"
PEOPLE = {
    "admin": "administrator",
    "editor": "editor",
    "teacher": "lrn_instructor",
    "teacher2": "lrn_instructor",
    "co": "lrn_instructor",
    "assistant": "lrn_instructor",
    "student": "lrn_student",
    "student2": "lrn_student",
    "student3": "lrn_student",
    "subscriber": "subscriber",
}
SECRET = "4f1c9b7de2a84c06b3d5a9e17c60f28be45d93a1c7f802b6"


@dataclasses.dataclass
class Answer:
    """What came back."""

    status: int
    body: Any
    headers: Any

    @property
    def data(self) -> Any:
        return self.body["data"]

    @property
    def code(self) -> str:
        return str(self.body["error"]["code"])


class Session:
    """Requests as one person."""

    def __init__(self, app: Flask, headers: dict[str, str]) -> None:
        self.app, self.headers = app, headers

    def request(self, method: str, path: str, *, json: Any = None, headers: dict[str, str] | None = None) -> Answer:
        answer = self.app.test_client().open(
            f"/wp-json/learnomy/v1{path}", method=method, json=json, headers={**self.headers, **(headers or {})}
        )
        with answer:
            return Answer(answer.status_code, answer.get_json(silent=True), answer.headers)

    def get(self, path: str, **options: Any) -> Answer:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Answer:
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> Answer:
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> Answer:
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        return self.request("DELETE", path, **options)


class Api:
    """The application, its people and its database."""

    def __init__(self, app: Flask, runtime: Runtime, ids: dict[str, int]) -> None:
        self.app, self.runtime, self.ids = app, runtime, ids
        self._tokens: dict[str, str] = {}
        self._lock = threading.Lock()

    def as_(self, login: str | None) -> Session:
        """A session of one person; None is a guest."""
        if login is None:
            return Session(self.app, {})
        with self._lock:
            if login not in self._tokens:
                answer = Session(self.app, {}).post("/auth/token", json={"username": login, "password": PASSWORD})
                assert answer.status == 200, answer.body
                self._tokens[login] = answer.data["access_token"]
        return Session(self.app, {"Authorization": f"Bearer {self._tokens[login]}"})

    @contextmanager
    def inside(self) -> Iterator[None]:
        """The kernel's context, to read and write the database or run jobs directly."""
        with self.runtime.request_stack(), db.blog(1):
            yield


def make_api(url: str, state_dir: Path, **changes: Any) -> Api:
    """A bare WordPress with Learnomy's tables and people in `url`, and the application over it."""
    environ = {"DATABASE_URL": url, "LEARNOMY_STATE_DIR": str(state_dir), "LEARNOMY_SECRET": SECRET}
    environ["LEARNOMY_LOG_LEVEL"] = "error"
    config = dataclasses.replace(Config.load(environ), embedded=True, **changes)
    app = create_app(config)
    runtime: Runtime = app.extensions["learnomy"]
    install.install_bare_wordpress(runtime.database.write, prefix="wp_", home="http://learnomy.test")
    install.install(runtime.database.write, base_prefix="wp_", blog_prefix="wp_", charset="utf8mb4", collate="")
    with runtime.request_stack(), db.blog(1):
        ids = db.transaction(_make_people)
        keys.ensure()
    return Api(app, runtime, ids)


def _make_people() -> dict[str, int]:
    hashed = hashlib.md5(PASSWORD.encode()).hexdigest()  # WordPress still takes its oldest hash, and it is quick
    ids = {}
    for login, role in PEOPLE.items():
        row = {"user_login": login, "user_pass": hashed, "user_nicename": login, "display_name": login.capitalize()}
        ids[login] = db.insert_id(db.execute(insert(users), {**row, "user_email": f"{login}@example.test"}))
        local.set_user_meta(ids[login], "wp_capabilities", {role: True})
    return ids


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def api(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The API on SQLite and on MariaDB."""
    folder = tmp_path_factory.mktemp("api")
    if request.param == "sqlite":
        url = f"sqlite:///{folder / 'site.sqlite3'}"
    else:
        url = request.getfixturevalue("database_url")
    made = make_api(url, folder)
    yield made
    made.runtime.database.dispose()
