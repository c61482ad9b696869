"""A site as if nobody had been there: what one module of tests left behind must not reach the next."""

from __future__ import annotations

import json
import time

import redis

from tests.site import Answer, Site

SECONDS = 30


def door_of(site: Site, answer: Answer) -> str:
    """The door by which the backend says that it gave this answer; '' where it did not give it."""
    wanted = answer.headers["X-Request-ID"]
    for line in reversed((site.folder / "logs" / "api.log").read_text().splitlines()):
        if wanted in line and line.startswith("{"):
            return str(json.loads(line).get("door", ""))
    return ""


def settle(site: Site) -> None:
    """Wait until the listeners are recorded, the backend has heard of it, and the direct door is open."""
    deadline = time.monotonic() + SECONDS
    while True:
        site.page("/?settle")
        if site.get("/health", door="full").status == 200 and door_of(site, site.get("/health")) == "direct":
            return
        assert time.monotonic() < deadline, f"the direct door stays closed: {why_closed(site)}"
        time.sleep(0.2)


def await_recovery(site: Site) -> None:
    """Wait until the plugin asks the backend again after an outage: its breaker closes by itself, within seconds.

    Nobody can close it from here: PHP-FPM keeps it in its own memory.
    """
    deadline = time.monotonic() + SECONDS
    while site.get("/health", door="early").status != 200:
        assert time.monotonic() < deadline, "the breaker stays open"
        time.sleep(0.2)


def why_closed(site: Site) -> str:
    """What the record says, for whoever must find out."""
    return str(site.value("SELECT option_value FROM wp_options WHERE option_name = 'learnomy_record'"))[:2000]


def begin_anew(site: Site) -> None:
    """Forget limits and kept answers, and settle: the breaker of an outage before closes by itself."""
    with redis.Redis.from_url(site.redis_url) as connection:
        connection.flushdb()
    settle(site)
