"""Whatever stands in a field, a parameter or a path: an answer below 500, in the envelope, on every engine."""

from __future__ import annotations

import copy
from typing import Any
from urllib.parse import quote

import pytest

from learnomy_wp.kernel import db
from learnomy_wp.kernel.endpoint import Endpoint
from tests.client import Answer, Api
from tests.contract.test_matrix import forget_failures, roll_back, unlimit
from tests.contract.test_taint import BUILT, example, named, put, texts_in
from tests.contract.world import World, build

NUMBERS: list[Any] = [0, 1, -1, 1.5, 2**31, 2**63 - 1, 2**63, 1e308]
STRINGS = [
    *("", " ", "1", "text", "\x00", "a\x00b", "½", "\u202e", "😀" * 300, "a" * 70_000),
    *("<script>alert(1)</script>", "https://example.test/" + "a" * 3000, "javascript:alert(1)", "http://[::1"),
]
TIMES = ["2026-02-30T00:00:00Z", "2026-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"]
SHAPES: list[Any] = [None, True, False, [], [[]], [None], [{}], {}, {"a": {"b": []}}, {"": ""}, ["x"] * 300]
VALUES = [*NUMBERS, *STRINGS, *TIMES, *SHAPES]
TEXTS = [
    *("", "0", "-1", "1", "1.5", "9" * 400, "9" * 5000, "1e9", "NaN", "٣", "½", "true", "null", "\x00", "\xff", "😀"),
    *("1,2,3", "1,", ",", "1 OR 1=1", "*", "../../x", "%25", "-", "a" * 3000, "[]"),
]


@pytest.fixture(scope="module")
def world(api: Api) -> World:
    unlimit(api)
    return build(api)


def is_sane(answer: Answer) -> bool:
    """Below 500 and in the envelope."""
    if answer.status >= 500 or not isinstance(answer.body, dict):
        return False
    return set(answer.body) == {"error"} if answer.status >= 400 else "data" in answer.body


@pytest.mark.parametrize("declared", [each for each in BUILT if each.body is not None], ids=named)
def test_a_body_of_any_kind(world: World, declared: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    assert declared.body is not None
    path, body = example(world, declared)
    monkeypatch.setattr(db, "_attempt", roll_back)
    session, wrong = world.sessions["admin"], []
    forget_failures(world)
    for place in texts_in(declared.body):
        for value in VALUES:
            answer = session.request(declared.method, path, json=put(copy.deepcopy(body), place, value))
            if not is_sane(answer):
                wrong.append(f"{'.'.join(place)} = {str(value)[:40]!r}: {answer.status}")
        if "password" in place:
            forget_failures(world)
    for value in VALUES:
        answer = session.request(declared.method, path, json=value)
        if not is_sane(answer):
            wrong.append(f"the body = {str(value)[:40]!r}: {answer.status}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("declared", [each for each in BUILT if each.body is not None], ids=named)
def test_a_number_without_end(world: World, declared: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    assert declared.body is not None
    monkeypatch.setattr(db, "_attempt", roll_back)
    path, _ = example(world, declared)
    session = world.sessions["admin"]
    for name in declared.body.load_fields:
        for number in ("9" * 400, "-" + "9" * 5000, "1" + "0" * 4000 + ".5e10", "1e400", "-0", "1e-400"):
            answer = session.app.test_client().open(
                f"/wp-json/learnomy/v1{path}",
                method=declared.method,
                data=f'{{"{name}": {number}}}',
                headers=session.headers,
                content_type="application/json",
            )
            assert answer.status_code < 500, (name, number[:20])


@pytest.mark.parametrize("declared", BUILT, ids=named)
def test_a_query_and_a_path_of_any_kind(world: World, declared: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    path, body = example(world, declared)
    monkeypatch.setattr(db, "_attempt", roll_back)
    session, wrong = world.sessions["admin"], []
    names = [*(declared.query.load_fields if declared.query else ()), "_fields"]
    for name in names:
        for value in TEXTS:
            asked = f"{path}?{name}={quote(value.encode('latin-1') if value == chr(255) else value)}"
            answer = session.request(declared.method, asked, json=body)
            if not (is_sane(answer) or declared.is_raw):
                wrong.append(f"?{name}={value[:40]!r}: {answer.status}")
    if "{" in declared.contract_path:
        for value in TEXTS:
            for at in [part for part in path.split("/") if part.isdigit()]:
                asked = path.replace(f"/{at}", f"/{quote(value, safe='')}", 1)
                answer = session.request(declared.method, asked, json=body)
                if answer.status >= 500:
                    wrong.append(f"{asked[:60]}: {answer.status}")
    assert not wrong, "\n".join(wrong)
