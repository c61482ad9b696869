"""Metrics by endpoint name, over one process and over several."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from learnomy_wp.kernel import metrics

COUNTING = """
import sys
from pathlib import Path
from learnomy_wp.kernel import metrics
metrics.share(Path(sys.argv[1]), clean=sys.argv[2] == "clean")
for _ in range(int(sys.argv[3])):
    metrics.observe_request("list_courses", "direct", 200, 0.004)
if sys.argv[2] == "print":
    print(metrics.exposition()[0].decode())
"""


def value(text: str, sample: str) -> float:
    found = [line for line in text.splitlines() if line.startswith(f"{sample} ")]
    assert found, f"{sample} is not in:\n{text}"
    return float(found[0].rsplit(" ", 1)[1])


def test_requests_are_counted_by_endpoint_door_and_status() -> None:
    sample = 'learnomy_requests_total{door="early",endpoint="show_course",status="404"}'
    metrics.observe_request("show_course", "early", 404, 0.2)
    before = value(metrics.exposition()[0].decode(), sample)
    metrics.observe_request("show_course", "early", 404, 0.2)
    text, content_type = metrics.exposition()
    assert value(text.decode(), sample) == before + 1
    assert content_type.startswith("text/plain")
    assert 'learnomy_request_seconds_bucket{endpoint="show_course",le="0.25"}' in text.decode()


def test_jobs_limits_and_the_outbox_are_counted() -> None:
    metrics.observe_job("expire_enrollments", "done", 1.5)
    metrics.count_limited("login")
    metrics.count_fired(3)
    metrics.count_fired(0)
    text = metrics.exposition()[0].decode()
    assert value(text, 'learnomy_jobs_total{kind="expire_enrollments",outcome="done"}') >= 1
    assert value(text, 'learnomy_rate_limited_total{limit_class="login"}') >= 1
    assert value(text, "learnomy_outbox_fired_total") >= 3


def test_counting_can_be_switched_off() -> None:
    metrics.switch(False)
    try:
        metrics.observe_request("never_counted", "direct", 200, 0.1)
        metrics.observe_job("never_counted", "done", 0.1)
        metrics.count_limited("never_counted")
    finally:
        metrics.switch(True)
    assert b"never_counted" not in metrics.exposition()[0]


def run(folder: Path, mode: str, times: int) -> str:
    done = subprocess.run(
        [sys.executable, "-c", COUNTING, str(folder), mode, str(times)],
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    )
    return done.stdout


def test_several_processes_add_up_and_a_new_start_begins_at_zero(tmp_path: Path) -> None:
    sample = 'learnomy_requests_total{door="direct",endpoint="list_courses",status="200"}'
    folder = tmp_path / "metrics"
    run(folder, "clean", 3)
    run(folder, "join", 4)
    assert value(run(folder, "print", 5), sample) == 12
    run(folder, "clean", 0)
    assert value(run(folder, "print", 2), sample) == 2


def test_sharing_too_late_is_an_error(tmp_path: Path) -> None:
    metrics.observe_request("show_course", "early", 200, 0.2)
    with pytest.raises(RuntimeError, match="before prometheus_client is imported"):
        metrics.share(tmp_path, clean=False)
