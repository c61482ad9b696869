"""Prometheus metrics, labelled by endpoint name and never by path.

Several worker processes share a folder of files (`share`), which must be named before
prometheus_client is imported; that is why it is imported late here.
"""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Counter, Histogram

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_JOB_BUCKETS = (0.01, 0.1, 1, 10, 60, 300, 1800)

_is_on = True


@dataclass(frozen=True)
class _Instruments:
    registry: CollectorRegistry
    requests: Counter
    request_seconds: Histogram
    limited: Counter
    jobs: Counter
    job_seconds: Histogram
    fired: Counter


def switch(is_on: bool) -> None:
    """Turn counting on or off for this process."""
    global _is_on
    _is_on = is_on


def share(folder: Path) -> None:
    """Let the processes of this machine that name the same folder count together.

    What they counted is kept while one of them lives, and forgotten at the next start.
    """
    here = folder / socket.gethostname()
    if os.environ.get(_FOLDER) != str(here) and "prometheus_client" in sys.modules:
        raise RuntimeError("metrics.share() must come before prometheus_client is imported")
    here.mkdir(parents=True, exist_ok=True)
    left = list(here.glob("*.db"))
    if not any(_is_alive(path.stem.rpartition("_")[2]) for path in left):
        for path in left:
            path.unlink(missing_ok=True)
    os.environ[_FOLDER] = str(here)


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


@cache
def _instruments() -> _Instruments:
    from prometheus_client import CollectorRegistry, Counter, Histogram

    registry = CollectorRegistry()
    return _Instruments(
        registry,
        Counter("learnomy_requests", "Requests answered.", ("endpoint", "door", "status"), registry=registry),
        Histogram(
            "learnomy_request_seconds", "Time to answer.", ("endpoint",), registry=registry, buckets=_REQUEST_BUCKETS
        ),
        Counter("learnomy_rate_limited", "Requests refused by a rate limit.", ("limit_class",), registry=registry),
        Counter("learnomy_jobs", "Runs of background jobs.", ("kind", "outcome"), registry=registry),
        Histogram("learnomy_job_seconds", "Time of a run.", ("kind",), registry=registry, buckets=_JOB_BUCKETS),
        Counter("learnomy_outbox_fired", "Outbox rows handed to their listeners.", registry=registry),
    )


def observe_request(endpoint: str, door: str, status: int, seconds: float) -> None:
    """Count one answered request."""
    if _is_on:
        count, histogram = _of_request(endpoint, door, status)
        count.inc()
        histogram.observe(seconds)


@lru_cache(maxsize=5000)
def _of_request(endpoint: str, door: str, status: int) -> tuple[Counter, Histogram]:
    found = _instruments()
    return found.requests.labels(endpoint, door, str(status)), found.request_seconds.labels(endpoint)


def count_limited(limit_class: str) -> None:
    """Count one request that a rate limit refused."""
    if _is_on:
        _instruments().limited.labels(limit_class).inc()


def observe_job(kind: str, outcome: str, seconds: float) -> None:
    """Count one run of a job; `outcome` is done, retry or failed."""
    if _is_on:
        found = _instruments()
        found.jobs.labels(kind, outcome).inc()
        found.job_seconds.labels(kind).observe(seconds)


def count_fired(rows: int) -> None:
    """Count outbox rows that a drain handed over."""
    if _is_on and rows:
        _instruments().fired.inc(rows)


def exposition() -> tuple[bytes, str]:
    """What `/metrics` answers: the text over all processes, and its content type."""
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = _instruments().registry
    if os.environ.get(_FOLDER):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry), CONTENT_TYPE_LATEST
