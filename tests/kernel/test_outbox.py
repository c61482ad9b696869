"""The outbox: what is put in, who may claim it, and in which order, whatever else happens."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from learnomy_wp.kernel import cache, clock, db, hooks, loopback, outbox, site
from learnomy_wp.kernel.keystore import RedisKeyStore
from tests.client import Api
from tests.kernel.databases import several_writers
from tests.kernel.paired import Paired, paired
from tests.kernel.probe import ProbeDone
from wp_schema.tables import outbox as rows_of

PLUGIN = "foreign/foreign.php"


@pytest.fixture
def api(probe_api: Api) -> Api:
    """An empty outbox."""
    with probe_api.inside():
        db.write(delete(rows_of))
    return probe_api


def add(api: Api, aggregate: str, name: str = "", **changes: Any) -> int:
    """One row, as a committed change leaves it."""
    row = {
        "aggregate": aggregate,
        "event": "probe.done",
        "kind": "action",
        "hook": "learnomy_probe_done",
        "args": [1, name],
        "payload": {"thing_id": 1, "name": name},
        "actor_id": 0,
        "request_id": "",
        "state": "pending",
        "cursor_position": 0,
        "attempts": 0,
        "created_at": clock.now(),
        **changes,
    }
    with api.inside():
        return db.insert_id(db.write(insert(rows_of), row))


def row_of(api: Api, row_id: int) -> dict[str, Any]:
    with api.inside():
        found = db.row(select(rows_of).where(rows_of.c.id == row_id))
    assert found is not None
    return found


def all_rows(api: Api) -> list[dict[str, Any]]:
    with api.inside():
        return db.rows(select(rows_of).order_by(rows_of.c.id))


def claim(api: Api, limit: int = outbox.BATCH) -> list[int]:
    with api.inside():
        return [row["id"] for row in outbox.claim(limit)[1]]


def finish(api: Api, *ids: int, state: str = "done") -> None:
    with api.inside():
        db.write(update(rows_of).where(rows_of.c.id.in_(ids)).values(state=state, done_at=clock.now()))


@contextmanager
def listening(listener: Any, name: str = "learnomy_probe_done") -> Iterator[None]:
    hooks.add_action(name, listener)
    try:
        yield
    finally:
        hooks.remove(name, listener)


# --- what is put in ----------------------------------------------------------------------


def test_what_nobody_hears_is_born_done(api: Api) -> None:
    assert api.as_("student").post("/probe/things", json={"name": "unheard"}).status == 201
    (row,) = all_rows(api)
    assert (row["state"], row["note"], row["done_at"] is not None) == ("done", "unheard", True)


def test_a_row_says_all_that_is_needed_to_fire_it(api: Api) -> None:
    with listening(lambda *_: None):
        answer = api.as_("student").post(
            "/probe/things", json={"name": "said"}, headers={"X-Request-ID": "of-the-caller"}
        )
    (row,) = all_rows(api)
    assert row["state"] == "pending"
    assert (row["aggregate"], row["event"], row["hook"]) == ("thing:7", "probe.done", "learnomy_probe_done")
    assert (row["args"], row["payload"]) == ([7, "said"], {"thing_id": 7, "name": "said"})
    assert (row["actor_id"], row["request_id"]) == (api.ids["student"], answer.headers["X-Request-ID"])
    assert (row["claim_token"], row["claimed_until"], row["attempts"], row["cursor_position"]) == (None, None, 0, 0)


def test_what_is_rolled_back_is_never_there(api: Api) -> None:
    with listening(lambda *_: None):
        for mode in ("full", "crash", "conflict"):
            api.as_("student").post("/probe/things", json={"name": "back", "mode": mode})
    assert all_rows(api) == []


@pytest.fixture
def wp(api: Api) -> Iterator[Paired]:
    with paired(api) as found:
        found.record(listeners={"learnomy_probe_done": [PLUGIN]})
        yield found


def test_by_the_direct_door_rows_wait_for_the_drain(wp: Paired) -> None:
    token = wp.api.as_("student").headers["Authorization"]
    assert wp.direct("POST", "/probe/things", body={"name": "direct"}, Authorization=token).status == 201
    early = wp.signed("POST", "/probe/things", body={"name": "early"}, Door="early", User="", authorization=token)
    assert (early.status, early.fire) == (201, "")
    assert [row["state"] for row in all_rows(wp.api)] == ["pending", "pending"]


@pytest.mark.parametrize("door", ["full", "internal"])
def test_rows_of_the_full_door_are_born_claimed_by_their_request(wp: Paired, door: str) -> None:
    user = {"User": str(wp.api.ids["student"]), "Via": "cookie", "Door": door}
    reply = wp.signed("POST", "/probe/things", body={"name": "full"}, **user)
    (row,) = all_rows(wp.api)
    assert (row["state"], row["claim_token"], row["attempts"]) == ("claimed", reply.fire, 1)
    lease = wp.api.runtime.config.lease_seconds
    assert timedelta(seconds=lease - 5) < row["claimed_until"] - clock.now() <= timedelta(seconds=lease)
    assert claim(wp.api) == []
    behind = wp.signed("POST", "/probe/things", body={"name": "behind"}, **user)
    assert behind.fire == "", "an earlier row of the aggregate is open: this one is not its to fire"
    assert [row["state"] for row in all_rows(wp.api)] == ["claimed", "pending"]
    read = wp.signed("GET", "/probe/still/1", **user)
    assert read.fire == ""


def test_a_plugin_that_is_harmless_to_answers_still_gets_its_actions(wp: Paired) -> None:
    wp.record(listeners={"learnomy_probe_done": [PLUGIN]}, bridge={"harmless": [PLUGIN]})
    token = wp.api.as_("student").headers["Authorization"]
    wp.direct("POST", "/probe/things", body={"name": "harmless"}, Authorization=token)
    assert [row["state"] for row in all_rows(wp.api)] == ["pending"]


def test_while_the_record_is_not_to_be_trusted_nothing_counts_as_unheard(wp: Paired) -> None:
    """A plugin was activated a moment ago; the record is renewed at the end of this very request."""
    user = {"User": str(wp.api.ids["student"]), "Via": "cookie"}
    for changes in ({"plugins": "0" * 32}, {"stylesheet": "other"}):
        wp.record(listeners={}, **changes)
        wp.signed("POST", "/probe/things", body={"name": "new plugin"}, **user)
    wp.set_options(learnomy_record=None)
    wp.signed("POST", "/probe/things", body={"name": "no record"}, **user)
    assert "done" not in [row["state"] for row in all_rows(wp.api)]
    wp.record(listeners={})
    wp.signed("POST", "/probe/things", body={"name": "trusted"}, **user)
    assert all_rows(wp.api)[-1]["note"] == "unheard"


# --- claims ------------------------------------------------------------------------------


def test_a_claim_takes_the_first_row_of_each_aggregate(api: Api) -> None:
    first, second, other = add(api, "a"), add(api, "a"), add(api, "b")
    assert claim(api) == [first, other]
    assert claim(api) == []
    finish(api, first)
    assert claim(api) == [second]
    row = row_of(api, first)
    assert (row["attempts"], len(row["claim_token"])) == (1, 32)


@pytest.mark.parametrize("state", ["claimed", "firing"])
def test_an_earlier_row_that_is_being_fired_keeps_later_ones(api: Api, state: str) -> None:
    until = clock.now() + timedelta(seconds=30)
    add(api, "a", state=state, claim_token="0" * 32, claimed_until=until)
    later = add(api, "a")
    assert claim(api) == []
    finish(api, later - 1, state="skipped")
    assert claim(api) == [later]


@pytest.mark.parametrize("state", ["claimed", "firing"])
def test_a_lease_that_is_over_is_claimed_again(api: Api, state: str) -> None:
    over = clock.now() - timedelta(seconds=1)
    row_id = add(api, "a", state=state, claim_token="0" * 32, claimed_until=over, attempts=1, cursor_position=2)
    add(api, "a")
    assert claim(api) == [row_id]
    row = row_of(api, row_id)
    assert (row["state"], row["attempts"], row["cursor_position"]) == ("claimed", 2, 2)
    assert row["claim_token"] != "0" * 32


def test_two_claimers_share_no_row_and_overtake_nobody(api: Api) -> None:
    """Both claim all the time; the rows of each aggregate come in their order, each once."""
    with api.inside():
        everything = [
            {
                **dict.fromkeys(("claim_token", "claimed_until", "note", "done_at")),
                "aggregate": f"thing:{number % 4}",
                "event": "probe.done",
                "kind": "action",
                "hook": "learnomy_probe_done",
                "args": [number],
                "payload": {},
                "actor_id": 0,
                "request_id": "",
                "state": "pending",
                "cursor_position": 0,
                "attempts": 0,
                "created_at": clock.now(),
            }
            for number in range(60)
        ]
        db.write(insert(rows_of), everything)
    fired: list[tuple[str, int]] = []
    guard = threading.Lock()

    def work() -> None:
        for _ in range(400):
            with api.inside():
                for row in outbox.claim(3)[1]:
                    with guard:
                        fired.append((row["aggregate"], row["args"][0]))
                    db.write(outbox.DONE, {"row_id": row["id"], "at": clock.now()})
            if len(fired) >= 60:
                return

    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(work) for _ in range(3)]:
            done.result()
    assert len(fired) == 60
    for aggregate in {aggregate for aggregate, _ in fired}:
        numbers = [number for its, number in fired if its == aggregate]
        assert numbers == sorted(numbers)


@several_writers
def test_a_row_that_commits_late_is_not_missed(api: Api) -> None:
    """An id below one that was fired already: a reader that remembers the last id would lose it."""
    begun, go_on = threading.Event(), threading.Event()

    def late() -> None:
        with api.inside():

            def work() -> None:
                from learnomy_wp.kernel import events

                events.emit(ProbeDone(thing_id=1, name="late"))
                begun.set()
                assert go_on.wait(10)

            db.transaction(work)

    with listening(lambda *_: None), ThreadPoolExecutor(1) as pool:
        running = pool.submit(late)
        assert begun.wait(10)
        quick = add(api, "thing:2")
        assert claim(api) == [quick]
        finish(api, quick)
        go_on.set()
        running.result()
    (slow,) = claim(api)
    assert slow < quick


def test_a_claim_has_a_limit(api: Api) -> None:
    ids = [add(api, f"thing:{number}") for number in range(5)]
    assert claim(api, 2) == ids[:2]
    assert claim(api, 2) == ids[2:4]


def test_many_rows_of_a_stuck_aggregate_keep_nobody_else_waiting(api: Api) -> None:
    until = clock.now() + timedelta(seconds=30)
    add(api, "stuck", state="firing", claim_token="0" * 32, claimed_until=until)
    with api.inside():
        waiting = row_of(api, add(api, "stuck"))
        waiting.pop("id")
        db.write(insert(rows_of), [waiting] * 1200)
    other = add(api, "other")
    assert claim(api) == [other]


# --- the drain of the embedded default ---------------------------------------------------


def drain(api: Api) -> int:
    handed = 0
    with api.inside():
        for _ in range(10):
            handed += outbox.drain_once()
    return handed


def test_listeners_in_python_get_the_arguments_in_order(api: Api) -> None:
    got: list[tuple[Any, ...]] = []

    def broken(*_: Any) -> None:
        raise RuntimeError("a listener that fails")

    with listening(broken), listening(lambda *arguments: got.append(arguments)):
        for name in ("first", "second", "third"):
            api.as_("student").post("/probe/things", json={"name": name})
        assert got == [], "nothing fires inside the request"
        assert drain(api) == 3
    assert got == [(7, "first"), (7, "second"), (7, "third")]
    assert [row["state"] for row in all_rows(api)] == ["done"] * 3
    assert drain(api) == 0


def test_the_drain_ends_kept_answers_once_more(api: Api) -> None:
    """Whoever committed may have been killed before it ended them."""
    with listening(lambda *_: None):
        add(api, "a")
        with api.inside():
            before = cache.stamp(["probe"])
            outbox.drain_once()
            assert cache.stamp(["probe"]) != before


# --- the drain beside a WordPress --------------------------------------------------------


def test_a_redis_that_is_away_holds_up_no_action(api: Api) -> None:
    row_id = add(api, "thing:1")
    site_of_app, before = api.runtime.site, api.runtime.store
    site_of_app.store = RedisKeyStore("redis://127.0.0.1:1/0")
    try:
        with api.inside():
            assert outbox.drain_once() == 1
    finally:
        site_of_app.store = before
    assert row_of(api, row_id)["state"] == "done"


def test_where_wordpress_does_not_answer_rows_are_pending_again(wp: Paired) -> None:
    wp.pair(loopback="http://127.0.0.1:1")
    row_id = add(wp.api, "a")
    with wp.api.inside(), pytest.raises(loopback.LoopbackFailed):
        outbox.drain_once()
    row = row_of(wp.api, row_id)
    assert (row["state"], row["claim_token"], row["claimed_until"]) == ("pending", None, None)


def test_what_fired_before_the_call_broke_off_stays_fired(wp: Paired) -> None:
    fired, hung, waiting = add(wp.api, "a"), add(wp.api, "b"), add(wp.api, "c")

    def half_done(verb: str, payload: dict[str, Any], **_: Any) -> dict[str, Any]:
        assert (verb, payload["ids"]) == ("fire", [fired, hung, waiting])
        finish(wp.api, fired)
        finish(wp.api, hung, state="firing")
        raise loopback.LoopbackTimeout("no answer")

    with pytest.MonkeyPatch.context() as patched, wp.api.inside():
        patched.setattr(loopback, "call", half_done)
        assert outbox.drain_once() == 3
    assert [row_of(wp.api, row_id)["state"] for row_id in (fired, hung, waiting)] == ["done", "firing", "pending"]
    assert claim(wp.api) == [waiting]


def test_status_counts_what_waits(wp: Paired) -> None:
    from learnomy_wp.system import queries

    add(wp.api, "a")
    add(wp.api, "a", state="skipped", done_at=clock.now())
    add(wp.api, "b", state="done", attempts=2, done_at=clock.now())
    with wp.api.inside():
        state = queries.outbox_state()
        assert site.current().is_paired
    assert (state["waiting"], state["skipped"], state["repeated"]) == (1, 1, 1)
    assert state["last_fired_at"] is not None
