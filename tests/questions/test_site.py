"""The question bank on a real WordPress: files by every door, prompts as WordPress renders them, listeners in PHP."""

from __future__ import annotations

import io
import secrets
import time
import zipfile
from typing import Any

import pytest

from learnomy_wp.questions.formats import FORMATS
from tests.questions.bank import CONTENTS, example
from tests.settling import settle
from tests.site import DOORS, PASSWORD, Answer, Site

HTTP_DOORS = ("direct", "early", "full")
TYPES = """
add_filter( 'learnomy_question_types', function ( array $types ): array {
	$types['rating'] = array( 'label' => 'Rating', 'category' => 'survey', 'base' => 'single_choice' );
	return $types;
} );
"""
LISTENERS = """
add_filter( 'learnomy_rest_question_payload', function ( array $payload ): array {
	$payload['said'] = 'by PHP';
	return $payload;
} );
add_filter( 'learnomy_question_query', function ( array $query ): array {
	$query['type'] = 'essay';
	return $query;
} );
"""


@pytest.fixture
def teacher(site: Site) -> dict[str, str]:
    return token(site, "teacher")


def token(site: Site, who: str) -> dict[str, str]:
    answer = site.post("/auth/token", json={"username": who, "password": PASSWORD})
    assert answer.status == 200, answer.text
    return {"Authorization": f"Bearer {answer.data['access_token']}"}


def how(door: str, headers: dict[str, str]) -> dict[str, Any]:
    return {"door": door, "user": "teacher"} if door == "internal" else {"door": door, "headers": headers}


def finished(site: Site, job_id: int, headers: dict[str, str]) -> dict[str, Any]:
    until = time.monotonic() + 30
    while True:
        job = site.get(f"/jobs/{job_id}", headers=headers).data
        if job["state"] in ("done", "failed"):
            assert job["state"] == "done", job
            return dict(job["report"])
        assert time.monotonic() < until, job
        time.sleep(0.1)


def send(site: Site, door: str, headers: dict[str, str], data: bytes, query: str) -> Answer:
    files = {"file": ("questions.zip", data, "application/octet-stream")}
    return site.post(f"/questions?{query}", door=door, headers=headers, files=files, timeout=60)


def test_questions_are_made_and_read_by_every_door(site: Site, teacher: dict[str, str]) -> None:
    tag = secrets.token_hex(4)
    for door in DOORS:
        made = site.post("/questions", json=example(tags=[tag], title=f"By {door}"), **how(door, teacher))
        assert made.status == 201, made.text
        changed = site.patch(f"/questions/{made.data['id']}", json={"points": 2}, **how(door, teacher))
        assert (changed.status, changed.data["points"]) == (200, 2)
    listed = [site.get(f"/questions?tag={tag}&sort=created_at", **how(door, teacher)) for door in DOORS]
    assert [row["title"] for row in listed[0].data] == [f"By {door}" for door in DOORS]
    assert all(answer.data == listed[0].data for answer in listed)
    assert site.get("/questions", headers=token(site, "student")).data == []


@pytest.mark.parametrize("door", HTTP_DOORS)
def test_files_come_and_go_by_every_door(site: Site, teacher: dict[str, str], door: str) -> None:
    tag = secrets.token_hex(4)
    for kind in ("single_choice", "matching", "ordering"):
        made = site.post("/questions", json=example(type=kind, tags=[tag]), headers=teacher)
        assert made.status == 201, made.text
    names = ("qti21", "moodle_xml", "csv")
    exported = [
        site.get(f"/questions?format={name}&tag={tag}&sort=created_at", door=door, headers=teacher, timeout=60)
        for name in names
    ]
    for name, answer in zip(names, exported, strict=True):
        assert answer.status == 200, answer.text
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["Content-Type"] == FORMATS[name].mime_type
        if name == "qti21":
            with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
                assert archive.testzip() is None
                assert len(archive.namelist()) == 4
        job = send(site, door, teacher, answer.body, f"format={name}")
        assert job.status == 201, job.text
        assert finished(site, job.data["job_id"], teacher)["imported"] == 3


def test_an_imported_prompt_is_rendered_as_one_that_is_written(site: Site, teacher: dict[str, str]) -> None:
    prompt = '<!-- wp:paragraph --><p>It\'s "here"</p><!-- /wp:paragraph -->\n\nA line'
    written = site.post("/questions", json=example(prompt=prompt), headers=teacher)
    assert written.status == 201, written.text
    row = {**written.data, "category": None}
    job = send(site, "direct", teacher, FORMATS["csv"].write([row]), "format=csv")
    ids = finished(site, job.data["job_id"], teacher)["question_ids"]
    found = site.get(f"/questions?ids={ids[0]}", headers=teacher).data[0]
    assert found["prompt"] == written.data["prompt"]
    assert found["prompt_html"] == written.data["prompt_html"]
    assert "wp:paragraph" not in found["prompt_html"]


@pytest.mark.parametrize("door", ["direct", "full"])
def test_a_plugin_brings_a_type(site: Site, teacher: dict[str, str], door: str) -> None:
    body = {**example(), "type": "rating", "content": CONTENTS["single_choice"]}
    assert site.post("/questions", json=body, door=door, headers=teacher).status == 422
    with site.plugin("more-types", TYPES):
        settle(site)
        made = site.post("/questions", json=body, door=door, headers=teacher)
        assert made.status == 201, made.text
        assert (made.data["type"], made.data["content"]["base"]) == ("rating", "single_choice")
        assert site.post("/questions", json=example(), door=door, headers=teacher).status == 201
    # Without the plugin it stays what it is, and may be changed in what is not its type's.
    kept = site.patch(f"/questions/{made.data['id']}", json={"points": 3}, door=door, headers=teacher)
    assert (kept.status, kept.data["type"]) == (200, "rating")


@pytest.mark.parametrize("door", ["direct", "full"])
def test_listeners_change_answers_and_queries(site: Site, teacher: dict[str, str], door: str) -> None:
    for kind in ("essay", "true_false"):
        assert site.post("/questions", json=example(type=kind), headers=teacher).status == 201
    with site.plugin("listeners", LISTENERS):
        settle(site)
        answer = site.get("/questions", door=door, headers=teacher)
        assert answer.status == 200, answer.text
        assert {row["type"] for row in answer.data} == {"essay"}
        assert {row["said"] for row in answer.data} == {"by PHP"}
        made = site.post("/questions", json=example(), door=door, headers=teacher)
        assert made.data["said"] == "by PHP"
