"""Drains the outbox of a site in children that kill themselves with SIGKILL at a given step.

A step is anything the drain does to the world: a statement to the database, a commit, a call into WordPress, each
before and after it. Run with the site's own environment; each line it reads is the step at which the next child dies.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sqlalchemy import event

from learnomy_wp.config import Config
from learnomy_wp.kernel import db, loopback, outbox
from learnomy_wp.kernel.runtime import Runtime, start

SURVIVED = 0


class Fuse:
    """Ends the process at its n-th step."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def step(self, *_: Any, **__: Any) -> None:
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **named: Any) -> Any:
            self.step()
            outcome = function(*arguments, **named)
            self.step()
            return outcome

        return wrapped

    def watch(self, runtime: Runtime) -> None:
        for engine in (runtime.database.read, runtime.database.write):
            event.listen(engine, "before_cursor_execute", self.step)
            event.listen(engine, "after_cursor_execute", self.step)
            event.listen(engine, "commit", self.step)
        loopback._session.send = self.around(loopback._session.send)  # type: ignore[method-assign]


def drain(steps: int) -> int:
    """One child: drains once, or is killed at that step."""
    child = os.fork()
    if child == 0:
        runtime = start(Config.load(os.environ))
        with runtime.request_stack(), db.blog(1):
            fuse = Fuse(steps)
            fuse.watch(runtime)
            with suppress(loopback.LoopbackFailed):
                outbox.drain_once()
        os._exit(SURVIVED)
    return os.waitpid(child, 0)[1]


def main() -> None:
    for line in sys.stdin:
        status = drain(int(line))
        print("survived" if status == SURVIVED else f"ended with {status}", flush=True)


if __name__ == "__main__":
    main()
