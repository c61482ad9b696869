"""Plan, ask, write: a request that WordPress answers questions for, and what could be slipped in between."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from learnomy_wp.kernel import clock, rounds
from learnomy_wp.kernel.wordpress import MAX_ROUNDS
from tests.client import Api
from tests.kernel import probe
from tests.kernel.paired import Control, Paired, paired
from tests.kernel.probe import PRICE, SWITCHES, TITLE

PLUGIN = "foreign/foreign.php"


@pytest.fixture(scope="module")
def of_module(probe_app: Api) -> Iterator[Paired]:
    with paired(probe_app) as found:
        found.record(listeners={PRICE.name: [PLUGIN], TITLE.name: [PLUGIN]})
        yield found


@pytest.fixture
def wp(of_module: Paired, probe_api: Api) -> Paired:
    """A paired application where a plugin filters prices and titles."""
    return of_module


def as_student(wp: Paired) -> dict[str, str]:
    return {"User": str(wp.api.ids["student"]), "Via": "cookie"}


def test_a_question_and_its_answer(wp: Paired) -> None:
    asked = wp.signed("GET", "/probe/asked")
    assert (asked.control, asked.status) == ("ask", 200)
    (question,) = asked.body["asks"]
    assert question == {"id": question["id"], "kind": "filter", "name": PRICE.name, "value": 10, "args": [5]}
    answered = wp.go_on("GET", "/probe/asked", asked, {PRICE.name: 12})
    assert (answered.control, answered.body["data"]["id"]) == ("answer", 12)


@pytest.mark.parametrize(("given", "read"), [("12", 12), (12.7, 12), (True, 1)])
def test_what_a_listener_gives_is_coerced(wp: Paired, given: Any, read: int) -> None:
    asked = wp.signed("GET", "/probe/asked")
    assert wp.go_on("GET", "/probe/asked", asked, {PRICE.name: given}).body["data"]["id"] == read


@pytest.mark.parametrize("given", [None, "much", [], {}, [1]])
def test_what_cannot_be_coerced_leaves_the_value(wp: Paired, given: Any) -> None:
    """A listener that gives nonsense breaks no request: it is as if it had not been there."""
    asked = wp.signed("GET", "/probe/asked")
    answered = wp.go_on("GET", "/probe/asked", asked, {PRICE.name: given})
    assert (answered.status, answered.body["data"]["id"]) == (200, 10)


def test_an_answer_that_is_missing_is_asked_for_again(wp: Paired) -> None:
    asked = wp.signed("GET", "/probe/asked")
    again = wp.go_on("GET", "/probe/asked", asked, {})
    assert again.control == "ask"
    assert again.body["asks"] == asked.body["asks"]


def test_each_question_has_a_round_and_four_are_the_most(wp: Paired) -> None:
    SWITCHES.questions = MAX_ROUNDS
    reply = wp.signed("GET", "/probe/asked")
    for number in range(MAX_ROUNDS):
        assert reply.control == "ask"
        assert reply.body["asks"][0]["value"] == 10 + number
        reply = wp.go_on("GET", "/probe/asked", reply, {PRICE.name: 11 + number})
    assert (reply.control, reply.body["data"]["id"]) == ("answer", 10 + MAX_ROUNDS)
    SWITCHES.questions = MAX_ROUNDS + 1
    reply = wp.signed("GET", "/probe/asked")
    for number in range(MAX_ROUNDS):
        reply = wp.go_on("GET", "/probe/asked", reply, {PRICE.name: 11 + number})
    assert (reply.control, reply.status) == ("answer", 500)


def test_the_rounds_share_one_time(wp: Paired) -> None:
    asked = wp.signed("GET", "/probe/asked")
    state = orjson.loads(base64.b64decode(asked.body["round"])[32:])
    began = state["at"]
    time.sleep(1.1)
    answered = wp.go_on("GET", "/probe/asked", asked, {PRICE.name: 12})
    assert answered.body["data"]["at"] == clock.iso(clock.datetime.fromisoformat(began))


def test_the_rounds_are_charged_once(wp: Paired) -> None:
    def left(reply: Control) -> int:
        return int(reply.answer.headers["RateLimit-Remaining"])

    before = left(wp.signed("GET", "/probe/limited"))
    asked = wp.signed("GET", "/probe/asked")
    answered = wp.go_on("GET", "/probe/asked", asked, {PRICE.name: 12})
    assert before - left(answered) in (1, -59)
    assert left(answered) - left(wp.signed("GET", "/probe/limited")) in (1, -59)


# --- writes ------------------------------------------------------------------------------


def test_a_write_asks_first_and_writes_once(wp: Paired) -> None:
    body = {"name": "asked", "mode": "asks"}
    options: dict[str, Any] = {"body": body, "headers": {"Idempotency-Key": "rounds-1"}, **as_student(wp)}
    asked = wp.signed("POST", "/probe/things", **options)
    assert asked.control == "ask"
    assert probe.effects(wp.api, "asked by a plugin") == 0
    answered = wp.go_on("POST", "/probe/things", asked, {TITLE.name: "asked by a plugin"}, **options)
    assert (answered.control, answered.status) == ("answer", 201)
    assert answered.body["data"]["name"] == "asked by a plugin"
    assert probe.effects(wp.api, "asked by a plugin") == 1
    repeated = wp.signed("POST", "/probe/things", **options)
    assert repeated.answer.headers["Idempotency-Replayed"] == "true"
    assert repeated.body == answered.body
    assert probe.effects(wp.api, "asked by a plugin") == 1


def test_between_the_rounds_the_key_is_in_use(wp: Paired) -> None:
    options: dict[str, Any] = {
        "body": {"name": "slow", "mode": "asks"},
        "headers": {"Idempotency-Key": "rounds-2"},
        **as_student(wp),
    }
    asked = wp.signed("POST", "/probe/things", **options)
    other = wp.signed("POST", "/probe/things", **options)
    assert (other.status, other.answer.code) == (409, "idempotency_in_flight")
    answered = wp.go_on("POST", "/probe/things", asked, {TITLE.name: "slow but sure"}, **options)
    assert answered.status == 201


def test_a_large_body_goes_through_all_rounds(wp: Paired) -> None:
    """Its rounds carry it in base 64, which is longer than a body may be."""
    body = {"name": "large", "mode": "asks", "extra": {"x": "y" * 1_000_000}}
    asked = wp.signed("POST", "/probe/things", body=body, **as_student(wp))
    answered = wp.go_on("POST", "/probe/things", asked, {TITLE.name: "l" * 400_000}, body=body, **as_student(wp))
    assert answered.status == 201
    too_large = {**body, "extra": {"x": "y" * 1_100_000}}
    refused = wp.signed("POST", "/probe/things", body=too_large, **as_student(wp))
    assert (refused.control, refused.status, refused.answer.code) == ("answer", 413, "payload_too_large")


# --- what is no round of this request ----------------------------------------------------


def refusal(reply: Control) -> str:
    assert (reply.control, reply.status) == ("answer", 400), reply.body
    return str(reply.answer.body["error"]["message"])


def test_a_round_is_bound_to_its_request(wp: Paired) -> None:
    body = {"name": "bound", "mode": "asks"}
    mine = as_student(wp)
    asked = wp.signed("POST", "/probe/things", body=body, **mine)
    answers = {TITLE.name: "bound"}
    other = "belongs to another request"
    assert other in refusal(wp.go_on("POST", "/probe/things", asked, answers, body={**body, "count": 1}, **mine))
    assert other in refusal(wp.go_on("POST", "/probe/things?x=1", asked, answers, body=body, **mine))
    assert other in refusal(wp.go_on("POST", "/probe/things/7/touch", asked, answers, body=body, **mine))
    assert other in refusal(wp.go_on("PATCH", "/probe/things/7", asked, answers, body=body, **mine))
    teacher = {"User": str(wp.api.ids["teacher"]), "Via": "cookie"}
    assert other in refusal(wp.go_on("POST", "/probe/things", asked, answers, body=body, **teacher))
    assert probe.effects(wp.api, "bound") == 0


def test_a_round_is_bound_to_its_token(wp: Paired) -> None:
    first = wp.api.as_("student").headers["Authorization"]
    second = wp.api.as_("student2").headers["Authorization"]
    asked = wp.signed("GET", "/probe/asked", User="", Via="jwt", authorization=first)
    reply = wp.go_on("GET", "/probe/asked", asked, {PRICE.name: 1}, User="", Via="jwt", authorization=second)
    assert "belongs to another request" in refusal(reply)


@pytest.mark.parametrize(
    "wrapped",
    [
        {},
        [],
        "round",
        {"round": "", "content_type": "", "body": "", "answers": {}},
        {"round": "%%%", "content_type": "", "body": "", "answers": {}},
        {"round": 5, "content_type": "", "body": "", "answers": {}},
        {"round": base64.b64encode(b"\0" * 40).decode(), "content_type": "", "body": "", "answers": {}},
        {"round": base64.b64encode(b"\0" * 40).decode(), "content_type": "", "body": "", "answers": 7},
        {"round": base64.b64encode(b"\0" * 40).decode(), "content_type": "", "body": None, "answers": {}},
    ],
)
def test_what_is_no_round_is_refused(wp: Paired, wrapped: Any) -> None:
    refusal(wp.signed("GET", "/probe/asked", raw=orjson.dumps(wrapped), content_type=rounds.ROUND_TYPE))


def test_a_forged_state_is_refused(wp: Paired) -> None:
    asked = wp.signed("GET", "/probe/asked")
    token = base64.b64decode(asked.body["round"])
    state = orjson.loads(token[32:])
    forged = {**asked.body, "round": base64.b64encode(token[:32] + orjson.dumps({**state, "n": 0})).decode()}
    reply = wp.go_on("GET", "/probe/asked", Control(asked.answer, "ask", ""), {})
    assert reply.control == "ask"
    wrapped = {"round": forged["round"], "content_type": "", "body": "", "answers": {}}
    assert "not begun here" in refusal(wp.signed("GET", "/probe/asked", body=wrapped, content_type=rounds.ROUND_TYPE))


def test_nobody_answers_for_wordpress_by_the_other_doors(wp: Paired) -> None:
    wp.record(listeners={})
    try:
        asked = {"round": "x", "content_type": "", "body": "", "answers": {}}
        direct = wp.direct("POST", "/probe/things", body=asked, Content_Type=rounds.ROUND_TYPE)
        assert direct.status == 401
        token = wp.api.as_("student").headers["Authorization"]
        direct = wp.direct("POST", "/probe/things", body=asked, Content_Type=rounds.ROUND_TYPE, Authorization=token)
        assert direct.status in (415, 422)
        early = wp.signed(
            "POST",
            "/probe/things",
            body=asked,
            content_type=rounds.ROUND_TYPE,
            Door="early",
            User="",
            authorization=token,
        )
        assert early.status == 415
    finally:
        wp.record(listeners={PRICE.name: [PLUGIN], TITLE.name: [PLUGIN]})


def test_no_question_is_asked_inside_the_transaction(wp: Paired) -> None:
    """What was written before a question is rolled back with it."""
    before = SWITCHES.runs
    asked = wp.signed("POST", "/probe/things", body={"name": "planned", "mode": "asks"}, **as_student(wp))
    assert asked.control == "ask"
    assert SWITCHES.runs == before + 1
    assert probe.effects(wp.api, "planned") == 0
    assert wp.api.runtime.database.write.pool.checkedout() == 0  # type: ignore[attr-defined]
