"""Shorthands for files of lessons."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from learnomy_wp.attachments import storage
from tests.attachments.samples import PDF
from tests.client import Answer, Session
from tests.courses.school import School, made

API = "/wp-json/learnomy/v1"


class Files:
    """One course's files."""

    def __init__(self, school: School, course: dict[str, Any]) -> None:
        self.school, self.course = school, course
        self.lesson: int = course["lessons"][0]
        self.whole: dict[str, Any] | None = None

    def send(
        self,
        name: str = "paper.pdf",
        content: bytes = PDF,
        who: str | None = "teacher",
        *,
        lesson: int = 0,
        headers: dict[str, str] | None = None,
        field: str = "file",
        **fields: Any,
    ) -> Answer:
        """Upload a file as a browser's form does."""
        session = self.school.as_(who)
        form = {key: str(value) for key, value in fields.items()}
        boundary, body = encode_multipart({**form, field: FileStorage(io.BytesIO(content), name)})
        sent = session.app.test_client().post(
            f"{API}/lessons/{lesson or self.lesson}/attachments",
            data=body,
            headers={**session.headers, **(headers or {})},
            content_type=f"multipart/form-data; boundary={boundary}",
        )
        return Answer(sent.status_code, sent.get_json(silent=True), sent.headers)

    def add(self, name: str = "paper.pdf", content: bytes = PDF, **options: Any) -> dict[str, Any]:
        return made(self.send(name, content, **options))

    def get(self, attachment_id: int, who: str | None = "student", **headers: str) -> Bytes:
        """Download by one's own login."""
        return self.open(f"{API}/attachments/{attachment_id}/download", who, **headers)

    def open(self, address: str, who: str | None = None, method: str = "GET", **headers: str) -> Bytes:
        """Follow a link."""
        session = self.school.as_(who)
        place = urlsplit(address)
        sent = session.app.test_client().open(
            f"{place.path}?{place.query}",
            method=method,
            headers={**session.headers, **{name.replace("_", "-"): value for name, value in headers.items()}},
        )
        with sent:
            return Bytes(sent.status_code, sent.get_data(), sent.headers, sent.get_json(silent=True))

    def of_lesson(self, who: str | None = "student", lesson: int = 0) -> list[dict[str, Any]]:
        answer = self.school.as_(who).get(f"/lessons/{lesson or self.lesson}")
        assert answer.status == 200, answer.body
        return list(answer.data["attachments"])

    def on_disk(self) -> set[Path]:
        """Every kept file."""
        with self.school.api.inside():
            return {path for path in storage.root().rglob("*") if path.is_file()}


class Bytes:
    """What a download gave."""

    def __init__(self, status: int, body: bytes, headers: Any, json: Any) -> None:
        self.status, self.body, self.headers, self.json = status, body, headers, json

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])


__all__ = ["API", "Bytes", "Files", "Session"]
