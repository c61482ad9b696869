"""A worker process for tests: `python -m tests.kernel.worker_process`, configured by the environment.

Its kinds of jobs write a line to the file that their payload names.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from learnomy_wp.config import Config
from learnomy_wp.kernel import runtime
from learnomy_wp.kernel.jobrun import Job
from learnomy_wp.kernel.jobs import job
from learnomy_wp.kernel.worker import Worker


def note(running: Job, word: str) -> None:
    """Append a line in one write."""
    with Path(running.payload["file"]).open("a") as file:
        file.write(f"{word} {running.id} {running.attempt} {os.getpid()}\n")


@job("test.note")
def note_it(running: Job) -> dict[str, Any]:
    """Say that it ran."""
    note(running, "ran")
    return {"ran": True}


@job("test.long")
def take_long(running: Job) -> None:
    """Run for the payload's seconds, telling the progress."""
    note(running, "began")
    ends = time.monotonic() + running.payload["seconds"]
    while time.monotonic() < ends:
        time.sleep(0.05)
        running.progress(running.done + 1)
    note(running, "ended")


def main() -> int:
    """Work until told to stop; the outbox of this test is empty."""
    started = runtime.start(Config.load(os.environ))
    print("started", flush=True)
    return Worker(started, drain_once=lambda: 0).run()


if __name__ == "__main__":
    sys.exit(main())
