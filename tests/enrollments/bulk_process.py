"""Runs one job in a process of its own: `python -m tests.enrollments.bulk_process JOB_ID`, to be killed on the way."""

from __future__ import annotations

import dataclasses
import os
import sys

from learnomy_wp.app import create_app
from learnomy_wp.config import Config
from learnomy_wp.kernel import db, jobrun
from learnomy_wp.kernel.runtime import Runtime


def main() -> int:
    config = dataclasses.replace(Config.load(os.environ), embedded=True)
    runtime: Runtime = create_app(config).extensions["learnomy"]
    with runtime.request_stack(), db.blog(1):
        jobrun.run(int(sys.argv[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
