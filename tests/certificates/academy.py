"""Courses that award certificates, people who complete them, and what their PDFs look like."""

from __future__ import annotations

import io
import itertools
import subprocess
from pathlib import Path
from typing import Any

from PIL import Image
from sqlalchemy import insert, select, update

from learnomy_wp.kernel import db, local
from tests.client import Answer, Session
from tests.courses.school import School, together
from wp_schema.tables import certificates, enrollments, outbox, users

_people = itertools.count(1)


class Academy(School):
    """A school with shorthands for certificates."""

    def awarding(self, **body: Any) -> dict[str, Any]:
        """A published course of the teacher's, with lessons, that awards a certificate."""
        course = self.filled(lessons=2)
        answer = self.as_("teacher").patch(f"/courses/{course['id']}", json={"awards_certificate": True, **body})
        assert answer.status == 200, answer.body
        return {**course, **answer.data}

    def complete(self, course: dict[str, Any], who: str = "student") -> None:
        """Enrol somebody and complete every lesson."""
        self.enrol(course["id"], who)
        for lesson in course["lessons"]:
            answer = self.as_(who).post(f"/lessons/{lesson}/complete")
            assert answer.status == 200, answer.body

    def certified(self, who: str = "student", **body: Any) -> dict[str, Any]:
        """The certificate of a course that somebody has just completed."""
        course = self.awarding(**body)
        self.complete(course, who)
        return self.only(course["id"], who)

    def only(self, course_id: int, who: str = "student") -> dict[str, Any]:
        """The one certificate of a person's in a course."""
        answer = self.as_(who).get(f"/certificates?course_id={course_id}&user_id={self.ids[who]}")
        assert (answer.status, answer.body["meta"]["total"]) == (200, 1), answer.body
        return dict(answer.data[0])

    def verify(self, uuid: str) -> dict[str, Any]:
        """What a guest is told of a certificate."""
        answer = self.as_(None).get(f"/certificates/verify/{uuid}")
        assert answer.status == 200, answer.body
        return dict(answer.data)

    def stored(self, certificate_id: int) -> dict[str, Any]:
        found = self.row(certificates, certificate_id)
        assert found is not None
        return found

    def change(self, certificate_id: int, **values: Any) -> None:
        """Write into a certificate's row behind the API's back."""
        self.write(update(certificates).where(certificates.c.id == certificate_id).values(**values))

    def hooks(self, course_id: int, who: str = "student") -> list[tuple[str, list[Any]]]:
        """The actions of a learner in a course, in order."""
        aggregate = f"course_user:{course_id}:{self.ids[who]}"
        wanted = select(outbox.c.hook, outbox.c.args).where(outbox.c.aggregate == aggregate).order_by(outbox.c.id)
        return [(row["hook"], row["args"]) for row in self.rows(wanted)]

    def person(self, name: str) -> int:
        """A further student with a display name."""
        login = f"certified{next(_people)}"
        row = {"user_login": login, "user_pass": "", "user_nicename": login, "display_name": name}
        with self.api.inside():

            def make() -> int:
                made = db.insert_id(db.execute(insert(users), {**row, "user_email": f"{login}@example.test"}))
                local.set_user_meta(made, "wp_capabilities", {"lrn_student": True})
                return made

            return db.transaction(make)

    def completed_by_hand(self, course_id: int, user_id: int) -> dict[str, Any]:
        """The certificate of somebody whom staff enrol and declare done."""
        answer = self.as_("teacher").post("/enrollments", json={"course_id": course_id, "user_id": user_id})
        assert answer.status == 201, answer.body
        path = f"/enrollments/{answer.data['id']}"
        assert self.as_("teacher").patch(path, json={"status": "completed"}).status == 200
        answer = self.as_("teacher").get(f"/certificates?course_id={course_id}&user_id={user_id}")
        assert answer.body["meta"]["total"] == 1, answer.body
        return dict(answer.data[0])

    def enrollment(self, course_id: int, who: str = "student") -> dict[str, Any]:
        wanted = select(enrollments).where(enrollments.c.course_id == course_id, enrollments.c.user_id == self.ids[who])
        return self.rows(wanted)[0]


def file_of(session: Session, path: str) -> tuple[Answer, bytes]:
    """A file as it was sent."""
    answer = session.app.test_client().get(f"/wp-json/learnomy/v1{path}", headers=session.headers)
    return Answer(answer.status_code, answer.get_json(silent=True), answer.headers), answer.get_data()


def picture(pdf: bytes, folder: Path, *, dots: int = 110) -> Image.Image:
    """The first page as a picture, drawn by a renderer that is not ours."""
    source = folder / "certificate.pdf"
    source.write_bytes(pdf)
    command = ["pdftoppm", "-r", str(dots), "-png", "-singlefile", str(source), str(folder / "certificate")]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return Image.open(io.BytesIO((folder / "certificate.png").read_bytes())).convert("RGB")


def text_of(pdf: bytes, folder: Path) -> str:
    """The text of a PDF, as a reader copies it."""
    source = folder / "text.pdf"
    source.write_bytes(pdf)
    done = subprocess.run(["pdftotext", "-layout", str(source), "-"], check=True, capture_output=True, timeout=60)
    return done.stdout.decode()


def decoded(seen: Image.Image, folder: Path) -> list[str]:
    """What a QR decoder reads in a picture."""
    file = folder / "seen.png"
    seen.save(file)
    done = subprocess.run(
        ["zbarimg", "--quiet", "--raw", "--nodbus", "-Sdisable", "-Sqrcode.enable", str(file)],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return done.stdout.decode().split()


def together_of(academy: Academy, who: str, path: str, body: dict[str, Any], times: int) -> list[Answer]:
    """The same write by one person, so many times at the same moment."""
    session = academy.as_(who)
    return together([lambda: session.post(path, json=body) for _ in range(times)])
