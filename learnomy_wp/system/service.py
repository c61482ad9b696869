"""Health for load balancers, status for the owner."""

from __future__ import annotations

import time
from typing import Any

import wp_schema.install as installer
from learnomy_wp.kernel import channel, clock, db, loopback, site
from learnomy_wp.kernel.errors import BackendUnavailable, Detail
from learnomy_wp.system import queries
from learnomy_wp.version import VERSION


def health() -> dict[str, Any]:
    """That database, queue and clock work; `BackendUnavailable` names what does not. No secrets, no versions."""
    checks = [_check("database", queries.is_alive), _check("queue", _store_works), _check("clock", _clock_is_sane)]
    failing = [Detail(check["name"], "failing", check["message"]) for check in checks if not check["ok"]]
    if failing:
        raise BackendUnavailable(details=failing, headers={"Retry-After": "5"})
    return {"status": "ok", "checks": checks, "time": clock.now()}


def status() -> dict[str, Any]:
    """How this backend is doing, for the owner."""
    current, record, now = site.current(), site.record(), clock.now()
    waiting, counts = queries.outbox_state(), queries.job_counts()
    oldest = waiting.pop("oldest")
    database = db.current()
    return {
        "backend_version": VERSION,
        "protocol": channel.PROTOCOL,
        "database": database.url.get_backend_name(),
        "pending_migrations": installer.pending_migrations(database.read, db.blog_prefix()),
        "outbox": {**waiting, "oldest_seconds": int((now - oldest).total_seconds()) if oldest else None},
        "jobs": {name: counts.get(name, 0) for name in ("queued", "running", "failed")},
        "rate_limit_store": "redis" if current.store.is_shared_memory else "database",
        "clock_skew_seconds": _skew(),
        "wordpress_needed": None if current.is_embedded else record.problem or None,
        "record_age_seconds": None if current.is_embedded else int(time.time()) - record.time,
    }


def _check(name: str, works: Any) -> dict[str, Any]:
    try:
        ok = bool(works())
    except Exception:
        ok = False
    return {"name": name, "ok": ok, "message": "works" if ok else f"The {name} does not answer."}


def _store_works() -> bool:
    """Read only: anybody may ask as often as they like."""
    site.current().store.get("health", "probe")
    return True


def _clock_is_sane() -> bool:
    return clock.now().year >= 2025


def _skew() -> float | None:
    """WordPress's clock minus ours, in seconds; None where it cannot be asked."""
    if site.current().is_embedded or not site.current().is_paired:
        return None
    began = time.time()
    try:
        answer = loopback.call("ping", {})
    except loopback.LoopbackFailed:
        return None
    return round(float(answer["time_ms"]) / 1000 - (began + time.time()) / 2, 3)
