"""Kept anonymous answers: whose they are, what ends them, and that no reader can bring an old one back."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import pytest

from learnomy_wp.kernel import answers, cache, db, site
from learnomy_wp.kernel.admission import Doorkeeper
from learnomy_wp.kernel.endpoint import ENDPOINTS
from learnomy_wp.kernel.keystore import RedisKeyStore
from tests.client import Answer, Api
from tests.kernel.databases import with_redis
from tests.kernel.paired import paired
from tests.kernel.probe import SWITCHES


def get(api: Api, path: str = "/probe/things/1", login: str | None = None, **headers: str) -> Answer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.as_(login).get(path, headers=sent)


def bump(api: Api, *tags: str) -> None:
    with api.inside():
        cache.bump(tags)


@pytest.fixture
def fresh(probe_api: Api) -> Api:
    """Nothing is kept."""
    bump(probe_api, "probe")
    answers.doorkeeper = Doorkeeper()
    SWITCHES.runs = 0
    return probe_api


def test_the_same_answer_is_made_once(fresh: Api) -> None:
    first, second = get(fresh), get(fresh)
    assert SWITCHES.runs == 1
    assert second.body == first.body
    for name in ("ETag", "Cache-Control", "Content-Type", "Vary"):
        assert second.headers[name] == first.headers[name]
    assert second.headers["X-Request-ID"] != first.headers["X-Request-ID"]


def test_a_kept_answer_can_be_unchanged(fresh: Api) -> None:
    tag = get(fresh).headers["ETag"]
    assert get(fresh, If_None_Match=tag).status == 304
    assert get(fresh, If_None_Match='"3.0"').status == 200
    assert SWITCHES.runs == 1


def test_a_bumped_tag_ends_it(fresh: Api) -> None:
    get(fresh)
    bump(fresh, "another")
    get(fresh)
    assert SWITCHES.runs == 1
    bump(fresh, "probe")
    assert get(fresh).data["name"] == "run 2"


def test_a_committed_event_ends_it(fresh: Api) -> None:
    get(fresh)
    assert fresh.as_("student").post("/probe/things", json={"name": "event"}).status == 201
    assert get(fresh).data["name"] != "run 1"
    get(fresh)
    before = SWITCHES.runs
    assert fresh.as_("student").post("/probe/things", json={"name": "event", "mode": "crash"}).status == 500
    get(fresh)
    assert SWITCHES.runs == before + 1, "a change that was rolled back ends nothing"


@pytest.mark.parametrize("login", ["student", "admin"])
def test_whoever_is_known_gets_no_kept_answer(fresh: Api, login: str) -> None:
    get(fresh)
    own = get(fresh, login=login)
    assert SWITCHES.runs == 2
    assert own.headers["Cache-Control"] == "private, no-store"
    assert get(fresh).data["name"] == "run 1", "and leaves none behind"
    assert SWITCHES.runs == 2


def test_a_wrong_token_is_told_so_though_an_answer_is_kept(fresh: Api) -> None:
    get(fresh)
    assert get(fresh, Authorization="Bearer nonsense").status == 401


def test_each_path_and_choice_of_fields_is_another_answer(fresh: Api) -> None:
    assert get(fresh, "/probe/things/1").data["id"] == 1
    assert get(fresh, "/probe/things/2").data["id"] == 2
    assert get(fresh, "/probe/things/2?_fields=id").data == {"id": 2}
    assert get(fresh, "/probe/things/2?_fields[]=id").data == {"id": 2}
    assert get(fresh, "/probe/things/2").data["name"] == "run 2"


def test_parameters_that_nobody_reads_fill_no_store(fresh: Api) -> None:
    """Whoever makes addresses up neither gets around the kept answer nor has each kept apart."""
    for number in range(5):
        get(fresh, f"/probe/things/1?utm_source={number}&_={number}")
    assert SWITCHES.runs == 1


def kept_answers(api: Api, paths: list[str]) -> int:
    """How many of these addresses have an answer in the store."""
    keys = []
    for path in paths:
        with api.app.test_request_context(f"/wp-json/learnomy/v1{path}"):
            keys.append(answers._key(ENDPOINTS["get_probe_thing"]))
    with api.inside():
        return sum(entry is not None for entry in site.current().store.get_many([(answers.SCOPE, k) for k in keys]))


def test_query_strings_that_nobody_asks_for_again_fill_no_store(fresh: Api) -> None:
    paths = [f"/probe/things/1?_fields=id,nonsense{number}" for number in range(20)]
    for path in paths:
        assert get(fresh, path).status == 200
    assert kept_answers(fresh, paths) == 0
    for path in paths[:3]:
        get(fresh, path)
    assert kept_answers(fresh, paths) == 3
    assert SWITCHES.runs == 23


def test_a_query_string_is_kept_from_its_second_miss_on(fresh: Api) -> None:
    path = "/probe/things/1?_fields=name"
    assert [get(fresh, path).data["name"] for _ in range(4)] == ["run 1", "run 2", "run 2", "run 2"]
    bump(fresh, "probe")
    names = [get(fresh, path).data["name"] for _ in range(2)]
    assert names == ["run 3", "run 3"], "what was kept is wanted, and made once after a change"


def test_the_memory_of_misses_is_bounded_and_ends() -> None:
    keeper = Doorkeeper(places=64, seconds=0.2)
    keys = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(5000)]
    assert not any(keeper.admits(key) for key in keys)
    assert len(keeper._keys) == len(keeper._until) == 64
    assert keeper.admits(keys[-1])
    time.sleep(0.25)
    assert not keeper.admits(keys[-1])


def test_errors_are_not_kept(fresh: Api) -> None:
    with pytest.MonkeyPatch.context() as patched:
        from learnomy_wp.kernel import pipeline

        def fail(*_: Any) -> Any:
            raise RuntimeError

        patched.setattr(pipeline, "_document", fail)
        assert get(fresh).status == 500
    assert get(fresh).status == 200


def test_a_change_between_the_rows_and_the_keeping_is_not_lost(fresh: Api) -> None:
    """The stamp is read before the rows: an answer that was overtaken is kept under the old one, and never served."""
    with pytest.MonkeyPatch.context() as patched:
        keep = answers.keep

        def overtaken(slot: Any, response: Any) -> None:
            cache.bump(["probe"])
            keep(slot, response)

        patched.setattr(answers, "keep", overtaken)
        assert get(fresh).data["name"] == "run 1"
    assert get(fresh).data["name"] == "run 2"
    assert get(fresh).data["name"] == "run 2"


def test_where_wordpress_stands_behind_nothing_is_kept(fresh: Api) -> None:
    """A filter may change the answer there."""
    with paired(fresh) as wp:
        wp.direct("GET", "/probe/things/1")
        assert wp.direct("GET", "/probe/things/1").data["name"] == "run 1"
        assert wp.signed("GET", "/probe/things/1").body["data"]["name"] == "run 2"
        assert wp.signed("GET", "/probe/things/1").body["data"]["name"] == "run 3"
        early = wp.signed("GET", "/probe/things/1", Door="early", User="")
        assert early.body["data"]["name"] == "run 1"


def test_a_new_listener_is_heard_though_an_answer_is_kept(fresh: Api) -> None:
    with paired(fresh) as wp:
        wp.direct("GET", "/probe/things/1")
        wp.record(gates={"rest_authentication_errors": ["private/private.php"]})
        assert wp.direct("GET", "/probe/things/1").headers["X-Accel-Redirect"] == "@wordpress"


def test_each_blog_has_its_own(fresh: Api) -> None:
    with fresh.inside():
        store = site.current().store
        store.put("answer", "k", b"of blog 1", 60)
        if store.is_shared_memory:
            with db.blog(2):
                assert store.get("answer", "k") is None
                cache.bump(["probe"])
        stamp = cache.stamp(["probe"])
    assert stamp


def test_it_can_be_switched_off(fresh: Api) -> None:
    import dataclasses

    before = fresh.runtime.site.config
    fresh.runtime.site.config = dataclasses.replace(before, response_cache=False)
    try:
        get(fresh)
        get(fresh)
        assert SWITCHES.runs == 2
    finally:
        fresh.runtime.site.config = before


def test_a_count_is_made_once_for_each_stamp(fresh: Api) -> None:
    counted: list[int] = []

    def count() -> int:
        counted.append(1)
        return 40 + len(counted)

    with fresh.inside():
        total = cache.cached_count("probe", "all", ["members"])
        assert [total(count), total(count)] == [41, 41]
        cache.bump(["members"])
        assert total(count) == 42
        assert cache.cached_count("probe", "some", ["members"])(count) == 43

        def overtaken() -> int:
            cache.bump(["members"])
            return 0

        cache.bump(["members"])
        assert total(overtaken) == 0
        assert total(count) == 44, "a change while it was counted is not lost"


@with_redis
def test_while_redis_is_away_answers_are_made_anew(fresh: Api) -> None:
    gone = RedisKeyStore("redis://127.0.0.1:1/0")
    site_of_app, before = fresh.runtime.site, fresh.runtime.store
    site_of_app.store = gone
    try:
        assert [get(fresh).status, get(fresh).status] == [200, 200]
        assert SWITCHES.runs == 2
        assert fresh.as_("student").post("/probe/things", json={"name": "away"}).status == 201
        with fresh.inside():
            assert cache.cached_count("probe", "away", ["members"])(lambda: 3) == 3
    finally:
        site_of_app.store = before
