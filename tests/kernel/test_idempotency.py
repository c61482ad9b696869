"""Idempotency-Key: one effect however often a request is sent, and the first answer again."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from learnomy_wp.kernel import clock, db, idempotency
from learnomy_wp.kernel.endpoint import ENDPOINTS
from tests.client import Answer, Api
from tests.kernel import probe
from tests.kernel.databases import several_writers
from tests.kernel.paired import paired
from tests.kernel.probe import SWITCHES
from wp_schema.tables import expiring_keys

PATH = "/probe/things"


def send(
    api: Api, name: str, key: str, *, mode: str = "ok", login: str = "student", path: str = PATH, **body: Any
) -> Answer:
    """One POST under a key."""
    body = {"name": name, "mode": mode, **body}
    return api.as_(login).post(path, json=body, headers={"Idempotency-Key": key})


def stored(api: Api) -> list[dict[str, Any]]:
    """What is kept of keys."""
    with api.inside():
        return db.rows(select(expiring_keys).where(expiring_keys.c.scope == idempotency.SCOPE))


def let_expire(api: Api) -> None:
    """As if every lease and answer were over."""
    with api.inside():
        over = update(expiring_keys).where(expiring_keys.c.scope == idempotency.SCOPE)
        db.write(over.values(expires_at=clock.now() - timedelta(seconds=1)))


def test_a_repeated_request_gets_the_first_answer(probe_api: Api) -> None:
    first = send(probe_api, "repeated", "key-1")
    again = send(probe_api, "repeated", "key-1")
    assert (first.status, again.status) == (201, 201)
    assert again.body == first.body
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert again.headers["Cache-Control"] == "private, no-store"
    assert probe.effects(probe_api, "repeated") == 1


def test_another_body_or_path_under_the_key_is_refused(probe_api: Api) -> None:
    assert send(probe_api, "mine", "key-2").status == 201
    for other in (
        send(probe_api, "other", "key-2"),
        send(probe_api, "mine", "key-2", count=1),
        send(probe_api, "mine", "key-2", path="/probe/things?x=1"),
        send(probe_api, "mine", "key-2", path="/probe/things/5/touch"),
    ):
        assert (other.status, other.code) == (422, "idempotency_mismatch")
    assert probe.effects(probe_api, "other") == 0


def test_a_key_is_the_callers_own(probe_api: Api) -> None:
    assert send(probe_api, "of both", "key-3").status == 201
    other = send(probe_api, "of both", "key-3", login="student2")
    assert (other.status, other.headers.get("Idempotency-Replayed")) == (201, None)
    assert probe.effects(probe_api, "of both") == 2


def test_fifty_at_once_have_one_effect(probe_api: Api) -> None:
    probe_api.as_("student")
    with ThreadPoolExecutor(25) as pool:
        answers = list(pool.map(lambda _: send(probe_api, "fifty", "key-4"), range(50)))
    assert {answer.status for answer in answers} <= {201, 409}
    assert all(answer.code == "idempotency_in_flight" for answer in answers if answer.status == 409)
    assert all(answer.headers["Retry-After"] for answer in answers if answer.status == 409)
    assert sum(answer.status == 201 and "Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    assert probe.effects(probe_api, "fifty") == 1
    assert send(probe_api, "fifty", "key-4").headers["Idempotency-Replayed"] == "true"


@several_writers
def test_while_it_runs_the_key_is_in_flight(probe_api: Api) -> None:
    SWITCHES.held = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(send, probe_api, "running", "key-5")
        assert SWITCHES.entered.wait(10)
        other = send(probe_api, "running", "key-5")
        different = send(probe_api, "different", "key-5")
        SWITCHES.held.set()
        assert running.result().status == 201
    assert (other.status, other.code, other.headers["Retry-After"]) == (409, "idempotency_in_flight", "1")
    assert (different.status, different.code) == (422, "idempotency_mismatch")
    assert send(probe_api, "running", "key-5").headers["Idempotency-Replayed"] == "true"


def test_a_crashed_request_can_be_sent_again(probe_api: Api) -> None:
    assert send(probe_api, "crashed", "key-6", mode="crash").status == 500
    again = send(probe_api, "crashed", "key-6", mode="crash")
    assert (again.status, again.headers.get("Idempotency-Replayed")) == (500, None)
    assert send(probe_api, "crashed", "key-6").status == 201


def leave_lease(api: Api, name: str, key: str) -> idempotency.Lease:
    """What a process that was killed in the middle of a request leaves behind."""
    left: list[idempotency.Lease] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(idempotency, "release", left.append)
        assert send(api, name, key, mode="crash").status == 500
    return left[0]


def test_a_killed_request_runs_again_once_its_lease_is_over(probe_api: Api) -> None:
    leave_lease(probe_api, "killed", "key-7")
    assert send(probe_api, "killed", "key-7", mode="crash").status == 409
    let_expire(probe_api)
    assert send(probe_api, "killed", "key-7").status == 201
    assert probe.effects(probe_api, "killed") == 1
    assert send(probe_api, "killed", "key-7").headers["Idempotency-Replayed"] == "true"


def test_many_find_an_expired_lease_and_one_takes_it(probe_api: Api) -> None:
    leave_lease(probe_api, "expired", "key-8")
    let_expire(probe_api)
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: send(probe_api, "expired", "key-8"), range(10)))
    assert {answer.status for answer in answers} <= {201, 409}
    assert probe.effects(probe_api, "expired") == 1


@several_writers
def test_who_lost_the_lease_commits_nothing(probe_api: Api) -> None:
    """The first is so slow that a second takes over: one of them has an effect."""
    SWITCHES.held = held = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(send, probe_api, "overtaken", "key-9")
        assert SWITCHES.entered.wait(10)
        let_expire(probe_api)
        SWITCHES.held = None
        quick = send(probe_api, "overtaken", "key-9")
        held.set()
        late = slow.result()
    assert (quick.status, late.status) == (201, 409)
    assert probe.effects(probe_api, "overtaken") == 1
    assert send(probe_api, "overtaken", "key-9").body == quick.body


def test_giving_up_a_lease_leaves_the_answer_that_was_committed_under_it(probe_api: Api) -> None:
    """The connection was lost at the commit: the request failed, and its effect stands."""
    lease = leave_lease(probe_api, "lost", "key-lost")
    with probe_api.inside():
        db.transaction(lambda: idempotency.finish(lease, idempotency.Answer(201, {}, b"{}")))
        idempotency.release(lease)
    again = send(probe_api, "lost", "key-lost", mode="crash")
    assert (again.status, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert probe.effects(probe_api, "lost") == 0


def test_a_refusal_is_stored(probe_api: Api) -> None:
    first = send(probe_api, "full", "key-10", mode="full")
    again = send(probe_api, "full", "key-10", mode="full")
    assert (first.status, first.code) == (409, "probe_full")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.body == first.body
    assert probe.effects(probe_api, "full") == 0


@pytest.mark.parametrize(("mode", "status"), [("invalid", 422), ("conflict", 409), ("crash", 500)])
def test_what_may_go_well_next_time_is_not_stored(probe_api: Api, mode: str, status: int) -> None:
    key = f"key-11-{mode}"
    for _ in range(2):
        answer = send(probe_api, "again", key, mode=mode)
        assert (answer.status, answer.headers.get("Idempotency-Replayed")) == (status, None)


def test_errors_before_the_write_leave_the_key_free(probe_api: Api) -> None:
    before = len(stored(probe_api))
    session = probe_api.as_("student")
    key = {"Idempotency-Key": "key-12"}
    assert session.post(PATH, json={}, headers=key).status == 422
    assert session.request("POST", PATH, headers={**key, "Content-Type": "text/plain"}).status == 422
    assert probe_api.as_(None).post(PATH, json={"name": "a"}, headers=key).status == 401
    assert len(stored(probe_api)) == before
    assert session.post(PATH, json={"name": "free"}, headers=key).status == 201


def test_what_was_done_is_told_though_its_object_is_out_of_reach_by_now(probe_api: Api) -> None:
    first = send(probe_api, "gone", "key-13", path="/probe/things/9/touch")
    SWITCHES.hidden = True
    again = send(probe_api, "gone", "key-13", path="/probe/things/9/touch")
    assert (again.status, again.body) == (200, first.body)
    assert again.headers["Idempotency-Replayed"] == "true"
    for other in (
        send(probe_api, "gone", "key-13", path="/probe/things/9/touch", login="student2"),
        send(probe_api, "gone too", "key-13", path="/probe/things/9/touch"),
        send(probe_api, "gone", "key-14", path="/probe/things/9/touch"),
    ):
        assert other.status == 404


@pytest.mark.parametrize("key", ["x" * 256, "tab\tin it", "bell\x07"])
def test_an_odd_key_is_refused(probe_api: Api, key: str) -> None:
    answer = send(probe_api, "odd key", key)
    assert (answer.status, answer.code) == (400, "bad_request")


def test_an_empty_key_is_none(probe_api: Api) -> None:
    for _ in range(2):
        assert "Idempotency-Replayed" not in send(probe_api, "no key", "").headers
    assert probe.effects(probe_api, "no key") == 2


def test_answers_are_encrypted_and_kept_for_a_day(probe_api: Api) -> None:
    send(probe_api, "in the clear", "key-15")
    rows = stored(probe_api)
    assert not any(b"in the clear" in bytes(row["value"]) for row in rows)
    newest = max(row["expires_at"] for row in rows)
    assert timedelta(hours=23, minutes=59) < newest - clock.now() <= timedelta(hours=24)


def test_other_methods_take_no_key(probe_api: Api) -> None:
    session, key = probe_api.as_("student"), {"Idempotency-Key": "key-16"}
    for name in ("first", "second"):
        answer = session.patch("/probe/things/1", json={"name": f"patched {name}"}, headers=key)
        assert (answer.status, answer.data["name"]) == (200, f"patched {name}")


def test_what_wordpress_still_has_to_do_is_not_stored(probe_api: Api) -> None:
    """The effect may fail there, so the answer is not the last word."""
    with paired(probe_api) as wp:
        user = {"User": str(probe_api.ids["student"]), "Via": "cookie"}
        for _ in range(2):
            body = {"name": "effect", "mode": "effect"}
            reply = wp.signed("POST", PATH, body=body, headers={"Idempotency-Key": "key-17"}, **user)
            assert (reply.control, reply.status) == ("effect", 200)
            assert reply.body["answer"]["status"] == 201


def test_every_endpoint_that_takes_a_key_can_keep_its_answer() -> None:
    for declared in ENDPOINTS.values():
        if declared.idempotent and declared.is_built:
            assert declared.is_transactional, f"{declared.name} has no transaction to store its answer in"
            assert not declared.is_raw, f"{declared.name} answers with what cannot be stored"
