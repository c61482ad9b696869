"""Keeps a lease alive from a second thread while the work under it goes on."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from learnomy_wp.kernel import log


@contextmanager
def renewed(renew: Callable[[], bool], every_seconds: float) -> Iterator[None]:
    """Call `renew` again and again until the block ends, or until it gives False.

    It runs in this context's copy, so blog and database are the same.
    """
    over = threading.Event()

    def beat() -> None:
        while not over.wait(every_seconds):
            try:
                if not renew():
                    return
            except Exception:
                log.get().exception("lease_not_renewed")

    thread = threading.Thread(target=contextvars.copy_context().run, args=(beat,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
