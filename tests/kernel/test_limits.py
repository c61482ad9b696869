"""Rate limits count across processes, in Redis and in the database, by the site's own numbers."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from marshmallow import ValidationError
from sqlalchemy import delete, insert

from learnomy_wp.kernel import call as calls
from learnomy_wp.kernel import clock, db, limits, settings, site
from learnomy_wp.kernel.call import Call
from learnomy_wp.kernel.keystore import RedisKeyStore
from tests.kernel.databases import kernel_site
from wp_schema import php
from wp_schema.tables import expiring_keys, options

# Ahead of the machine's time, so that what is counted here has not expired in Redis.
AT = datetime(2040, 1, 1, 12, 0, 30, tzinfo=UTC)


@pytest.fixture(params=["redis", "mariadb", "sqlite"])
def _site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    kind = request.param
    redis_url = request.getfixturevalue("redis_url") if kind == "redis" else ""
    url = request.getfixturevalue("database_url" if kind == "mariadb" else "sqlite")
    with kernel_site(url, tmp_path, redis_url), clock.fixed(AT):
        set_option([])
        db.transaction(lambda: db.execute(delete(expiring_keys)))
        yield


pytestmark = pytest.mark.usefixtures("_site")


def set_option(limits_setting: Any) -> None:
    """As WordPress stores the setting: a PHP array in the option."""

    def store() -> None:
        db.execute(delete(options).where(options.c.option_name == "learnomy_settings"))
        value = php.serialize({"limits": limits_setting}).decode()
        db.execute(insert(options), {"option_name": "learnomy_settings", "option_value": value, "autoload": "yes"})

    db.transaction(store)
    site.current().forget_record()


def charged(limit_class: str, subject: str = "user:1") -> limits.LimitState:
    state = limits.charge(limit_class, subject)
    assert state is not None
    return state


def test_every_class_of_the_contract_has_its_default() -> None:
    for limit_class in ("login", "quiz-start", "autosave", "coupon", "checkout", "sync", "batch", "verify"):
        assert limits.per_minute(limit_class) == 60
    for limit_class in ("read", "write", "none"):
        assert limits.charge(limit_class, "user:1") is None


def test_a_class_counts_down_and_then_refuses() -> None:
    set_option({"coupon": 3})
    states = [charged("coupon") for _ in range(5)]
    assert [state.allowed for state in states] == [True, True, True, False, False]
    assert [state.remaining for state in states] == [2, 1, 0, 0, 0]
    assert states[0].headers() == {"RateLimit-Limit": "3", "RateLimit-Remaining": "2", "RateLimit-Reset": "30"}


def test_the_minute_ends() -> None:
    set_option({"coupon": 1})
    assert charged("coupon").allowed
    assert not charged("coupon").allowed
    with clock.fixed(AT + timedelta(seconds=29.5)):
        refused = charged("coupon")
        assert (refused.allowed, refused.reset_seconds) == (False, 1)
    with clock.fixed(AT + timedelta(seconds=30)):
        assert charged("coupon").allowed


def test_subjects_classes_and_blogs_are_counted_apart() -> None:
    set_option({"coupon": 1, "sync": 1})
    assert charged("coupon", "user:1").allowed
    assert charged("coupon", "user:2").allowed
    assert charged("coupon", "address:203.0.113.1").allowed
    assert charged("sync", "user:1").allowed
    assert not charged("coupon", "user:1").allowed


def test_the_owner_can_open_and_close_classes() -> None:
    set_option({"coupon": 0, "read": 2})
    assert limits.charge("coupon", "user:1") is None
    assert [charged("read").allowed for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize("stored", [[], "", None, {"coupon": "7"}, {"coupon": "many"}, {"coupon": -5}, {"coupon": []}])
def test_whatever_stands_in_the_option_something_sane_applies(stored: Any) -> None:
    set_option(stored)
    expected = 7 if stored == {"coupon": "7"} else 60
    assert limits.per_minute("coupon") == expected


def test_the_exempt_are_not_counted() -> None:
    set_option({"batch": 1})
    assert [limits.charge("batch", "user:1", exempt=True) for _ in range(3)] == [None] * 3
    assert charged("batch").remaining == 0


def test_one_ipv6_network_is_one_subject() -> None:
    set_option({"coupon": 2})
    assert charged("coupon", "address:2001:db8:1:2::1").remaining == 1
    assert charged("coupon", "address:2001:db8:1:2:ffff::9").remaining == 0
    assert charged("coupon", "address:2001:db8:1:3::1").remaining == 1
    assert charged("coupon", "address:::ffff:203.0.113.7").remaining == 1
    assert charged("coupon", "address:203.0.113.7").remaining == 0
    assert charged("coupon", "address:unix:").remaining == 1


def test_of_many_at_once_exactly_the_limit_gets_through() -> None:
    set_option({"checkout": 7})
    barrier = threading.Barrier(20)

    def call(_: int) -> bool:
        barrier.wait(30)
        return charged("checkout").allowed

    with ThreadPoolExecutor(20) as pool:
        futures = [pool.submit(contextvars.copy_context().run, call, number) for number in range(20)]
        assert sum(future.result(60) for future in futures) == 7


def test_the_setting_is_declared_and_validates() -> None:
    _, field = settings.DECLARED["limits"]
    assert field.deserialize({"coupon": 5}) == {"coupon": 5}
    for wrong in ({"other": 5}, {"coupon": -1}, {"coupon": "x"}, {"none": 1}):
        with pytest.raises(ValidationError):
            field.deserialize(wrong)


# --- failed logins -----------------------------------------------------------------------


def test_ten_failures_block_the_pair_and_not_the_account_elsewhere() -> None:
    for _ in range(9):
        limits.record_login_failure("anna", "203.0.113.5")
    assert limits.login_blocked("anna", "203.0.113.5") == 0
    limits.record_login_failure(" Anna ", "203.0.113.5")
    assert 890 < limits.login_blocked("ANNA", "203.0.113.5") <= 900
    assert limits.login_blocked("anna", "198.51.100.9") == 0


def test_ten_failures_over_many_accounts_block_the_address() -> None:
    for number in range(10):
        assert limits.login_blocked(f"user{number}", "203.0.113.6") == 0
        limits.record_login_failure(f"user{number}", "203.0.113.6")
    assert limits.login_blocked("somebody new", "203.0.113.6") > 0
    assert limits.login_blocked("somebody new", "203.0.113.7") == 0


def test_an_ipv6_network_cannot_rotate_its_addresses() -> None:
    for number in range(10):
        limits.record_login_failure(f"user{number}", f"2001:db8::{number:x}")
    assert limits.login_blocked("anna", "2001:db8::ffff") > 0


def test_failures_of_many_at_once_all_count() -> None:
    with ThreadPoolExecutor(20) as pool:
        work = [
            pool.submit(contextvars.copy_context().run, limits.record_login_failure, "anna", "203.0.113.8")
            for _ in range(10)
        ]
        for future in work:
            future.result(60)
    assert limits.login_blocked("anna", "203.0.113.8") > 0


def test_a_dead_redis_lets_calls_through() -> None:
    current = site.current()
    with calls.serving(Call(request_id="1", record=current.record())):
        current.store = RedisKeyStore("redis://127.0.0.1:1/0")
        assert charged("coupon").allowed
        limits.record_login_failure("anna", "203.0.113.5")
        assert limits.login_blocked("anna", "203.0.113.5") == 0
