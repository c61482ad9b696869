"""Many at once: versions, categories, imports."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from learnomy_wp.kernel import db
from learnomy_wp.questions import versions
from tests.courses.school import together
from tests.questions.bank import Bank, example
from wp_schema.tables import question_versions, questions, terms


def at_once(count: int, call: Callable[[], Any]) -> list[Any]:
    return together([call] * count)


def test_of_twenty_who_name_a_new_category_one_makes_it(bank: Bank) -> None:
    session = bank.as_("teacher")
    answers = at_once(20, lambda: session.post("/questions", json=example(category="Busy/Place")))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.data["category"]["id"] for answer in answers}) == 1
    assert len(bank.rows(select(terms.c.id).where(terms.c.name.in_(["Busy", "Place"])))) == 2


def test_changes_and_first_answers_that_meet_lose_nothing(bank: Bank) -> None:
    """Whoever is given a version has it as it was when they were given it."""
    made = bank.question()
    session = bank.as_("teacher")
    seen: list[tuple[int, str]] = []

    def act(number: int) -> Any:
        if number % 2:
            return session.patch(f"/questions/{made['id']}", json={"prompt": f"<p>Version {number}</p>"}).status
        with bank.api.inside():
            return db.transaction(take)

    def take() -> int:
        current = db.value(select(questions.c.current_version_id).where(questions.c.id == made["id"]))
        versions.mark_answered([current])
        prompt = db.value(select(question_versions.c.prompt_raw).where(question_versions.c.id == current))
        seen.append((current, prompt))
        return 200

    assert set(together([partial(act, number) for number in range(16)])) == {200}
    wanted = select(question_versions).where(question_versions.c.question_id == made["id"])
    kept = {row["id"]: row for row in bank.rows(wanted)}
    assert len(seen) >= 8
    for version_id, prompt in seen:
        assert kept[version_id]["prompt_raw"] == prompt
        assert kept[version_id]["is_answered"]
    numbers = sorted(row["number"] for row in kept.values())
    assert numbers == list(range(1, len(numbers) + 1))
    row = bank.row(questions, made["id"])
    assert row is not None
    assert row["version_count"] == len(numbers)


@pytest.mark.parametrize("count", [8])
def test_the_same_key_imports_a_file_once(bank: Bank, count: int) -> None:
    session = bank.as_("teacher")
    session.headers = {**session.headers, "Idempotency-Key": f"import-{bank.api.runtime.database.is_sqlite}"}
    data = b"::Imported together:: One? {T}"
    answers = at_once(count, lambda: bank.send_by(session, data, "format=gift"))
    assert {answer.status for answer in answers} <= {201, 409}
    jobs = {answer.data["job_id"] for answer in answers if answer.status == 201}
    assert len(jobs) == 1
    bank.run_jobs()
    assert len(bank.rows(select(questions.c.id).where(questions.c.title == "Imported together"))) == 1
