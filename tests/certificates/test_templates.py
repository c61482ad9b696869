"""Templates: what they hold, who may change them, which one a certificate is printed with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.certificates.academy import Academy, decoded, file_of, picture, text_of
from tests.courses.school import made, together
from wp_schema.tables import certificate_templates

FIELDS: list[dict[str, Any]] = [
    {"kind": "text", "text": "Diploma of {recipient}", "x": 10, "y": 20, "width": 190, "font": "serif", "size": 24},
    {"kind": "course", "x": 10, "y": 60, "width": 190},
    {"kind": "issued_on", "x": 10, "y": 90, "width": 80, "align": "left", "color": "#aa0000", "bold": True},
    {"kind": "qr", "x": 150, "y": 240, "width": 40, "height": 40},
    {"kind": "signatures", "x": 10, "y": 200, "width": 190},
]
BODY: dict[str, Any] = {
    "title": "Portrait",
    "page_size": "letter",
    "orientation": "portrait",
    "layout": {"frame": "single", "date_format": "%d.%m.%Y", "items": FIELDS},
    "signatures": [{"name": "Prof. Grace Rector", "role": "Rector"}, {"name": "Dr. Ada Teacher"}],
    "valid_days": 365,
}


def template(academy: Academy, **body: Any) -> dict[str, Any]:
    return made(academy.as_("admin").post("/certificate-templates", json={**BODY, **body}))


def test_a_template_is_kept_as_it_was_given(academy: Academy) -> None:
    found = template(academy)
    assert (found["status"], found["is_default"], found["valid_days"]) == ("active", False, 365)
    assert found["layout"]["date_format"] == "%d.%m.%Y"
    first = found["layout"]["items"][0]
    assert (first["text"], first["font"], first["size"], first["align"]) == (FIELDS[0]["text"], "serif", 24, "center")
    assert found["signatures"] == [
        {"name": "Prof. Grace Rector", "role": "Rector"},
        {"name": "Dr. Ada Teacher", "role": None},
    ]
    listed = academy.as_("teacher").get("/certificate-templates?per_page=100")
    assert found in listed.data
    assert academy.as_("student").get("/certificate-templates").status == 403
    assert academy.as_("teacher").post("/certificate-templates", json=BODY).status == 403


def test_it_is_what_its_courses_print(academy: Academy, tmp_path: Path) -> None:
    chosen = template(academy)
    found = academy.certified(certificate_template_id=chosen["id"])
    assert (found["template_id"], found["expires_at"] is None) == (chosen["id"], False)
    content = file_of(academy.as_("student"), f"/certificates/{found['id']}/pdf")[1]
    seen = picture(content, tmp_path)
    assert seen.height > seen.width
    assert decoded(seen, tmp_path) == [found["verify_url"]]
    text = text_of(content, tmp_path)
    day = f"{found['issued_at'][8:10]}.{found['issued_at'][5:7]}.{found['issued_at'][:4]}"
    for part in ("Diploma of Student", found["title"], day, "Prof. Grace Rector", "Rector", "Dr. Ada Teacher"):
        assert part in text
    assert "Certificate of Completion" not in text
    path = f"/certificate-templates/{chosen['id']}"
    fields = [{**FIELDS[0], "text": "Renamed {course}"}]
    assert academy.as_("admin").patch(path, json={"layout": {"items": fields}}).status == 200
    assert f"Renamed {found['title']}" in text_of(
        file_of(academy.as_("student"), f"/certificates/{found['id']}/pdf")[1], tmp_path
    )


def test_the_default_is_one_and_serves_courses_that_name_none(academy: Academy) -> None:
    first, second = template(academy, is_default=True), template(academy, is_default=True)
    assert defaults(academy) == [second["id"]]
    assert academy.certified()["template_id"] == second["id"]
    own = academy.certified("student2", certificate_template_id=first["id"])
    assert own["template_id"] == first["id"]
    archived = academy.as_("admin").patch(f"/certificate-templates/{second['id']}", json={"status": "archived"})
    assert (archived.data["status"], archived.data["is_default"]) == ("archived", False)
    assert defaults(academy) == []
    assert academy.certified("student3")["template_id"] is None
    assert second["id"] not in [row["id"] for row in academy.as_("teacher").get("/certificate-templates").data]
    old = academy.as_("teacher").get("/certificate-templates?status=archived&sort=-created_at")
    assert second["id"] in [row["id"] for row in old.data]
    course = academy.course()
    refused = academy.as_("teacher").patch(f"/courses/{course['id']}", json={"certificate_template_id": second["id"]})
    assert refused.status == 422
    both = {"status": "archived", "is_default": True}
    assert academy.as_("admin").patch(f"/certificate-templates/{first['id']}", json=both).status == 422


def defaults(academy: Academy) -> list[int]:
    wanted = select(certificate_templates.c.id).where(certificate_templates.c.is_default.is_(True))
    return [row["id"] for row in academy.rows(wanted)]


def test_becoming_the_default_at_once_leaves_one(academy: Academy) -> None:
    made_ids = [template(academy)["id"] for _ in range(6)]
    admin = academy.as_("admin")
    answers = together(
        [lambda n=n: admin.patch(f"/certificate-templates/{n}", json={"is_default": True}) for n in made_ids]
    )
    assert {answer.status for answer in answers} <= {200, 409}
    assert 200 in {answer.status for answer in answers}
    assert len(defaults(academy)) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"title": " "}, "title"),
        ({"page_size": "A0"}, "page_size"),
        ({"layout": {"items": []}}, "layout.items"),
        ({"layout": {"items": [{**FIELDS[1], "kind": "spell"}]}}, "layout.items.0.kind"),
        ({"layout": {"items": [{"kind": "text", "x": 1, "y": 1, "width": 9}]}}, "layout.items.0.text"),
        ({"layout": {"items": [{**FIELDS[1], "text": "No"}]}}, "layout.items.0.text"),
        ({"layout": {"items": [{**FIELDS[1], "color": "red"}]}}, "layout.items.0.color"),
        ({"layout": {"items": [{**FIELDS[1], "x": -1}]}}, "layout.items.0.x"),
        ({"layout": {"items": [{**FIELDS[1], "x": "NaN"}]}}, "layout.items.0.x"),
        ({"layout": {"items": [FIELDS[1]] * 61}}, "layout.items"),
        ({"layout": {"items": [FIELDS[1]], "date_format": "%A"}}, "layout.date_format"),
        ({"signatures": [{"name": "x"}] * 5}, "signatures"),
        ({"background_id": 999_999_999}, "background_id"),
        ({"logo_id": 999_999_999}, "logo_id"),
        ({"valid_days": 0}, "valid_days"),
        ({"surprise": 1}, "surprise"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_not_possible_is_refused_by_name(academy: Academy, body: dict[str, Any], field: str) -> None:
    answer = academy.as_("admin").post("/certificate-templates", json={**BODY, **body})
    assert (answer.status, [each["field"] for each in answer.body["error"]["details"]]) == (422, [field])


def test_an_edit_names_its_version(academy: Academy) -> None:
    found = template(academy)
    path = f"/certificate-templates/{found['id']}"
    first = academy.as_("admin").patch(path, json={"title": "Renamed"})
    assert (first.data["title"], first.headers["ETag"][1]) == ("Renamed", "2")
    stale = academy.as_("admin").patch(path, json={"title": "Again"}, headers={"If-Match": '"1.x"'})
    assert stale.status == 412
    same = academy.as_("admin").patch(path, json={"title": "Renamed"})
    assert same.headers["ETag"] == first.headers["ETag"]
    assert academy.as_("admin").patch("/certificate-templates/999999999", json={"title": "x"}).status == 404
    emptied = academy.as_("admin").patch(path, json={"layout": None, "signatures": None, "valid_days": None})
    assert emptied.data["layout"]["items"][1]["text"] == "Certificate of Completion"
    assert emptied.data["valid_days"] is None
