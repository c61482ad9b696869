"""What hangs on the school's lessons beside their content: notes, discussions, files; and who applied to teach.

Names: `P.note` is of the enrolled one's, `F.note` of the outsider's; `P.question` of the enrolled one's, `P.theirs`,
`P.hidden` and `P.gone_question` of the outsider's; `P.file`, `P.preview_file`, `P.draft_file` hang on these lessons.
"""

from __future__ import annotations

import io
from typing import Any

from sqlalchemy import insert
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from learnomy_wp.kernel import clock
from tests import media
from tests.client import Session
from tests.courses.school import School, made
from wp_schema.tables import instructor_applications, postmeta

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\ntrailer<<>>\n%%EOF\n"


def add(
    school: School, people: dict[str, int], sessions: dict[str, Session], ids: dict[str, int], marks: dict[str, str]
) -> None:
    """Make all of it, while every course is published still and its students are in."""
    _notes(school, ids, marks)
    _discussions(school, ids, marks)
    for name in "PDVXFG":
        ids[f"{name}.file"] = _file(school, ids[f"{name}.lesson"], "teacher2" if name in "FG" else "teacher", name)
    ids["P.preview_file"] = _file(school, ids["P.preview"], "teacher", "preview")
    ids["P.draft_file"] = _file(school, ids["P.draft"], "teacher", marks["draft"])
    ids["media"] = _media(school)
    ids["application"] = _application(school, people["newcomer"])
    ids["F.teacher"], ids["N.teacher"] = people["other_teacher"], people["newcomer"]


def _notes(school: School, ids: dict[str, int], marks: dict[str, str]) -> None:
    for name, who, body in (("P", "student", "mine"), ("D", "student", "mine"), ("F", "student3", marks["foreign"])):
        path = f"/lessons/{ids[f'{name}.lesson']}/notes"
        ids[f"{name}.note"] = made(school.as_(who).post(path, json={"body": body}))["id"]


def _discussions(school: School, ids: dict[str, int], marks: dict[str, str]) -> None:
    def ask(name: str, course: str, who: str, title: str) -> None:
        path = f"/lessons/{ids[f'{course}.lesson']}/discussions"
        ids[f"{course}.{name}"] = made(school.as_(who).post(path, json={"title": title, "body": title}))["id"]

    ask("question", "P", "student", "Public")
    ask("theirs", "P", "student3", "Public")
    ask("hidden", "P", "student3", marks["draft"])
    ask("gone_question", "P", "student3", marks["trash"])
    ask("question", "D", "student", marks["draft"])
    ask("question", "V", "student", marks["private"])
    ask("question", "F", "student3", "Foreign")
    teacher = school.as_("teacher")
    path = f"/lessons/{ids['P.lesson']}/discussions"
    for name in ("P.question", "P.gone_question"):
        reply = made(teacher.post(path, json={"body": "An answer", "parent_id": ids[name]}))
        ids[f"{name}.reply"] = reply["id"]
    assert teacher.patch(f"/discussions/{ids['P.hidden']}", json={"status": "hidden"}).status == 200
    assert school.as_("student3").delete(f"/discussions/{ids['P.gone_question']}").status == 200


def _file(school: School, lesson_id: int, who: str, title: str) -> int:
    form: dict[str, Any] = {"title": title, "file": FileStorage(io.BytesIO(PDF), "paper.pdf")}
    boundary, body = encode_multipart(form)
    session = school.as_(who)
    sent = session.app.test_client().post(
        f"/wp-json/learnomy/v1/lessons/{lesson_id}/attachments",
        data=body,
        headers=session.headers,
        content_type=f"multipart/form-data; boundary={boundary}",
    )
    assert sent.status_code == 201, sent.get_json()
    return int(sent.get_json()["data"]["id"])


def _media(school: School) -> int:
    folder = school.api.runtime.site.config.state_dir / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "paper.pdf").write_bytes(PDF)
    media_id = media.upload(school.api, "http://learnomy.test/paper.pdf", post_mime_type="application/pdf")
    school.write(insert(postmeta).values(post_id=media_id, meta_key="_wp_attached_file", meta_value="paper.pdf"))
    return media_id


def _application(school: School, user_id: int) -> int:
    now = clock.now()
    row = {"user_id": user_id, "about": "x", "course_idea": "x", "created_at": now, "updated_at": now}
    school.write(insert(instructor_applications).values(row))
    (found,) = school.rows(instructor_applications.select().where(instructor_applications.c.user_id == user_id))
    return int(found["id"])
