"""Importing and exporting through the API: whole or not at all, with a report."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from sqlalchemy import select

from tests.questions.bank import CONTENTS, Bank
from wp_schema.tables import jobs, question_versions, questions

GOOD = b"::First::One? {T}\n\n$CATEGORY: Imports/Deep\n\n::Second::Two? {=two =%50%deux}\n\nJust a text\n"
MIXED = GOOD + b"\n::Broken::Three? {=a -> b}\n"
_courses = itertools.count(1)


def titled(bank: Bank, *titles: str) -> list[dict[str, Any]]:
    return bank.rows(select(questions).where(questions.c.title.in_(titles)))


def test_a_file_becomes_questions(bank: Bank) -> None:
    course = bank.course()
    report = bank.import_file(GOOD, "gift", course_id=str(course["id"]), category="Mine", status="draft")
    assert {name: report[name] for name in ("found", "importable", "left_out", "refused", "imported")} == {
        "found": 3,
        "importable": 2,
        "left_out": 1,
        "refused": 0,
        "imported": 2,
    }
    assert [one["importable"] for one in report["questions"]] == [True, True, False]
    assert report["questions"][2]["problems"][0]["code"] == "description"
    listed = bank.as_("teacher").get(f"/questions?course_id={course['id']}&sort=created_at").data
    assert [one["id"] for one in listed] == report["question_ids"]
    assert [one["title"] for one in listed] == ["First", "Second"]
    assert [one["category"]["path"] for one in listed] == ["Mine", "Mine/Imports/Deep"]
    assert {one["status"] for one in listed} == {"draft"}
    assert listed[1]["content"]["answers"][1]["fraction"] == 0.5
    assert {one["version_count"] for one in listed} == {1}


def test_a_question_is_stored_the_same_whichever_way_it_comes(bank: Bank) -> None:
    made = [bank.question(type=kind, title=f"Same {kind}", tags=["same"], points=2, hints=["h"]) for kind in CONTENTS]
    data = bank.export("format=csv&tag=same&sort=created_at")
    report = bank.import_file(data, "csv")
    assert report["imported"] == len(CONTENTS)
    for before, after in zip(made, report["question_ids"], strict=True):
        old, new = bank.row(questions, before["id"]), bank.row(questions, after)
        assert old is not None
        assert new is not None
        assert lasting(old) == lasting(new)
        one, other = (bank.row(question_versions, row["current_version_id"]) for row in (old, new))
        assert one is not None
        assert other is not None
        assert lasting(one) == lasting(other)


def lasting(row: dict[str, Any]) -> dict[str, Any]:
    """A row without what is another's in any case."""
    apart = ("id", "question_id", "current_version_id", "created_at", "updated_at")
    return {name: value for name, value in row.items() if name not in apart}


def test_where_one_question_cannot_come_in_none_does(bank: Bank) -> None:
    before = len(bank.rows(select(questions.c.id)))
    report = bank.import_file(MIXED, "gift")
    assert (report["importable"], report["refused"], report["imported"]) == (2, 1, 0)
    broken = next(one for one in report["questions"] if one["title"] == "Broken")
    assert broken["problems"][0]["field"] == "content.pairs"
    assert len(bank.rows(select(questions.c.id))) == before
    report = bank.import_file(MIXED, "gift", query="&skip_invalid=true")
    assert (report["refused"], report["imported"]) == (1, 2)


def test_a_dry_run_tells_and_writes_nothing(bank: Bank) -> None:
    before = len(bank.rows(select(questions.c.id)))
    report = bank.import_file(GOOD, "gift", query="&dry_run=true")
    assert (report["dry_run"], report["importable"], report["imported"]) == (True, 2, 0)
    assert len(bank.rows(select(questions.c.id))) == before


def test_a_failing_write_leaves_nothing_behind(bank: Bank) -> None:
    """The second question cannot be written: the first is not kept either."""
    title = f"Whole {next(_courses)}"
    good = f"::{title}:: a {{T}}\n\n::{title}:: b {{T}}".encode()
    answer = bank.send("teacher", good, "format=gift")
    assert answer.status == 201
    row = bank.row(jobs, answer.data["job_id"])
    assert row is not None
    payload = row["payload"]
    payload["questions"][1]["points"] = "no number"
    bank.write(jobs.update().where(jobs.c.id == row["id"]).values(payload=payload))
    bank.run_jobs()
    assert titled(bank, title) == []


def test_an_import_that_is_run_again_writes_nothing_twice(bank: Bank) -> None:
    title = f"Twice {next(_courses)}"
    answer = bank.send("teacher", f"::{title}:: a {{T}}".encode(), "format=gift")
    bank.run_jobs()
    job_id = answer.data["job_id"]
    # Its worker was lost after the commit, before the job was told done.
    bank.write(jobs.update().where(jobs.c.id == job_id).values(state="queued", finished_at=None, attempts=1))
    bank.run_jobs()
    assert len(titled(bank, title)) == 1
    assert bank.as_("teacher").get(f"/jobs/{job_id}").data["report"]["imported"] == 1


@pytest.mark.parametrize(
    ("query", "form", "field"),
    [
        ("", {}, "format"),
        ("format=word", {}, "format"),
        ("format=gift", {"course_id": "999999"}, "course_id"),
        ("format=gift", {"category_id": "999999"}, "category_id"),
        ("format=gift", {"title": "All"}, "title"),
        ("format=gift", {"status": "trash"}, "status"),
        ("format=gift&dry_run=perhaps", {}, "dry_run"),
    ],
)
def test_what_an_import_does_not_take_is_refused(bank: Bank, query: str, form: dict[str, str], field: str) -> None:
    answer = bank.send("teacher", GOOD, query, **form)
    assert answer.status == 422, answer.body
    assert [detail["field"] for detail in answer.body["error"]["details"]] == [field]


def test_imports_are_for_instructors_and_their_own_courses(bank: Bank) -> None:
    course = bank.course()
    assert bank.send("student", GOOD, "format=gift").status == 403
    assert bank.send("teacher2", GOOD, "format=gift", course_id=str(course["id"])).status == 422
    job = bank.send("teacher", GOOD, "format=gift&dry_run=1").data
    assert bank.as_("teacher2").get(f"/jobs/{job['job_id']}").status == 404


def test_an_empty_file_is_refused(bank: Bank) -> None:
    answer = bank.send("teacher", b"\n\n", "format=gift")
    assert answer.body["error"]["details"][0]["field"] == "file"


@pytest.mark.parametrize("name", ["csv", "gift", "moodle_xml", "qti21", "qti30"])
def test_an_export_is_what_an_import_takes(bank: Bank, name: str) -> None:
    tag = f"trip{name}"
    for kind in ("single_choice", "multiple_choice", "true_false", "short_answer", "matching"):
        bank.question(type=kind, tags=[tag])
    data = bank.export(f"format={name}&tag={tag}&sort=created_at")
    report = bank.import_file(data, name)
    assert (report["imported"], report["refused"]) == (5, 0)


def test_an_export_holds_what_the_caller_may_see(bank: Bank) -> None:
    bank.question(title="Of teacher alone")
    assert b"Of teacher alone" in bank.export("format=csv")
    assert b"Of teacher alone" not in bank.export("format=csv", "teacher2")
    assert b"Of teacher alone" not in bank.export("format=csv", "student")
    assert b"Of teacher alone" in bank.export("format=csv&search=alone&per_page=1", "admin")


def test_what_a_format_cannot_hold_is_named(bank: Bank) -> None:
    made = bank.question(type="math_expression", tags=["nogift"])
    answer = bank.as_("teacher").get("/questions?format=gift&tag=nogift")
    assert answer.status == 422
    detail = answer.body["error"]["details"][0]
    assert detail["field"] == "format"
    assert f"Question {made['id']}:" in detail["message"]


def test_two_thousand_questions_come_and_go_in_one_piece(bank: Bank) -> None:
    data = "\n\n".join(f"::Bulk {n}::Is {n} even? {{{'TF'[n % 2]}}}" for n in range(2000)).encode()
    report = bank.import_file(data, "gift", category="Bulk")
    assert report["imported"] == 2000
    category = bank.as_("teacher").get(f"/questions?ids={report['question_ids'][0]}").data[0]["category"]["id"]
    with bank.queries() as sent:
        exported = bank.export(f"format=moodle_xml&category_id={category}")
    assert exported.count(b'<question type="truefalse">') == 2000
    assert len([one for one in sent if "lrn_question" in one]) <= 5
