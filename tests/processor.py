"""Processor time of what a test does, without what the test process itself brings along."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def processor_seconds() -> Iterator[Callable[[], float]]:
    """Gives a function that tells the seconds this thread has computed since.

    Meanwhile nothing is collected: going through what hundreds of tests before have left takes a second by itself.
    """
    gc.collect()
    gc.disable()
    began = time.thread_time()
    try:
        yield lambda: time.thread_time() - began
    finally:
        gc.enable()
