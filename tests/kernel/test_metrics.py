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
metrics.share(Path(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    metrics.observe_request("list_courses", "direct", 200, 0.004)
print(metrics.exposition()[0].decode(), flush=True)
print("ready", flush=True)
sys.stdin.read()
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


class Process:
    """A process that has counted and lives on until it is ended."""

    def __init__(self, folder: Path, times: int) -> None:
        command = [sys.executable, "-c", COUNTING, str(folder), str(times)]
        self.running = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.running.stdout is not None
        self.text = "".join(iter(self.running.stdout.readline, "ready\n"))

    def end(self) -> None:
        self.running.communicate(timeout=30)


def test_several_processes_add_up_and_a_new_start_begins_at_zero(tmp_path: Path) -> None:
    sample = 'learnomy_requests_total{door="direct",endpoint="list_courses",status="200"}'
    one, two = Process(tmp_path, 3), Process(tmp_path, 4)
    assert value(two.text, sample) == 7
    one.end()
    three = Process(tmp_path, 5)
    assert value(three.text, sample) == 12
    two.end()
    three.end()
    four = Process(tmp_path, 2)
    four.end()
    assert value(four.text, sample) == 2


def test_sharing_too_late_is_an_error(tmp_path: Path) -> None:
    metrics.observe_request("show_course", "early", 200, 0.2)
    with pytest.raises(RuntimeError, match="before prometheus_client is imported"):
        metrics.share(tmp_path)
