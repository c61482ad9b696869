"""The worker: drains the outbox, runs due jobs, and calls the schedules.

`learnomy worker` is a process of its own, whose jobs run in its main thread beside a ticker
thread: woken by Redis where there is one, and found in the jobs' table where there is none or
it is away. On the embedded default the serving process has the ticker alone, which runs the
jobs too.
"""

from __future__ import annotations

import atexit
import contextvars
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from redis.exceptions import RedisError

from learnomy_wp.kernel import cleanup as cleanup  # declares its schedules
from learnomy_wp.kernel import db, jobrun, jobs, log, metrics, outbox, schedules
from learnomy_wp.kernel.keystore import RedisKeyStore
from learnomy_wp.kernel.queueworker import QueueWorker, is_there
from learnomy_wp.kernel.runtime import Runtime

TICK_SECONDS = 0.25
JOBS_SECONDS = 1.0
UNPAIRED_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 30.0
_BATCHES = 20


def run_forever(runtime: Runtime) -> int:
    """Work in this process until it is told to stop."""
    return Worker(runtime).run()


class Worker:
    """One worker over one runtime. `drain_once` hands over a batch of the outbox and gives its size."""

    def __init__(self, runtime: Runtime, drain_once: Callable[[], int] = outbox.drain_once) -> None:
        self._runtime = runtime
        self._drain_once = drain_once
        self._over = threading.Event()
        self._timetable = schedules.Timetable()
        self._drains: dict[int, _Pause] = {}
        self._jobs_at = 0.0
        self._thread: threading.Thread | None = None

    # -- in a thread of the serving process

    def start(self) -> None:
        """Begin in a thread that runs the jobs too; it ends with the process."""
        self._begin(runs_jobs=True)
        atexit.register(self.stop)

    def stop(self, timeout: float = 5.0) -> None:
        """End the thread; a job in it stops at its next progress."""
        jobrun.stopping.set()
        self._over.set()
        jobs.wake.set()
        if self._thread is not None:
            self._thread.join(timeout)
        jobrun.stopping.clear()
        atexit.unregister(self.stop)

    def _begin(self, *, runs_jobs: bool) -> None:
        jobrun.stopping.clear()
        target = contextvars.copy_context().run
        self._thread = threading.Thread(target=target, args=(self._tick_on, runs_jobs), name="learnomy", daemon=True)
        self._thread.start()

    def _tick_on(self, runs_jobs: bool) -> None:
        while not self._over.is_set():
            self.tick(runs_jobs=runs_jobs)
            jobs.wake.wait(TICK_SECONDS if self._runtime.site.is_paired else UNPAIRED_SECONDS)

    # -- as a process

    def run(self) -> int:
        """Work in the main thread until SIGTERM or SIGINT."""
        self._listen()
        store = self._runtime.store
        self._begin(runs_jobs=False)
        log.get().info("worker_started", queue="redis" if isinstance(store, RedisKeyStore) else "database")
        if isinstance(store, RedisKeyStore):
            self._serve_queue(store)
        else:
            self._run_jobs_until(lambda: False)
        self.stop()
        log.get().info("worker_stopped")
        return 0

    def _listen(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._end())

    def _end(self) -> None:
        jobrun.stopping.set()
        self._over.set()
        jobs.wake.set()

    def _serve_queue(self, store: RedisKeyStore) -> None:
        """Run what the queue in Redis names, and while Redis is away what the table has."""
        while not self._over.is_set():
            error = ""
            try:
                QueueWorker(self._end, store).work(logging_level="WARNING")
            except RedisError as lost:
                error = str(lost)
            self._listen()  # RQ has taken the signals
            if is_there(store):
                self._over.wait(JOBS_SECONDS)
                continue
            log.get().warning("queue_unreachable", error=error)
            self._run_jobs_until(lambda: is_there(store))

    def _run_jobs_until(self, is_enough: Callable[[], bool]) -> None:
        while not self._over.is_set() and not is_enough():
            for blog_id in self._blogs():
                self._guarded("jobs", blog_id, self._run_due)
            self._over.wait(JOBS_SECONDS)

    # -- one round

    def tick(self, *, runs_jobs: bool) -> None:
        """One round: the outbox of every blog; once a second the jobs and schedules too."""
        is_woken = jobs.wake.is_set()
        jobs.wake.clear()
        takes_jobs = is_woken or time.monotonic() >= self._jobs_at
        if takes_jobs:
            self._jobs_at = time.monotonic() + JOBS_SECONDS
        for blog_id in self._blogs():
            self._drain(blog_id)
            if takes_jobs:
                self._guarded("jobs", blog_id, self._run_due if runs_jobs else jobs.push_due)
                self._guarded("schedules", blog_id, self._timetable.run_due)

    def _blogs(self) -> list[int]:
        here = self._runtime.site
        if not here.is_paired:
            return []
        return [int(blog["id"]) for blog in here.pairing.get("blogs", ())] or [1]

    def _run_due(self) -> None:
        for job_id in jobs.due_jobs():
            if self._over.is_set():
                return
            jobrun.run(job_id)

    def _drain(self, blog_id: int) -> None:
        pause = self._drains.setdefault(blog_id, _Pause())
        if pause.is_over():
            pause.note(self._guarded("outbox", blog_id, self._drain_all))

    def _drain_all(self) -> None:
        for _ in range(_BATCHES):
            drained = self._drain_once()
            metrics.count_fired(drained)
            if not drained:
                return

    def _guarded(self, what: str, blog_id: int, work: Callable[[], Any]) -> bool:
        """Do one thing for one blog; whatever it raises is logged and stops nothing else."""
        try:
            with self._runtime.request_stack(), db.blog(blog_id):
                work()
        except Exception as error:
            log.get().warning("worker_failed", what=what, blog_id=blog_id, error=f"{type(error).__name__}: {error}")
            return False
        return True


class _Pause:
    """How long to leave a blog's outbox alone after a failure: longer each time."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._until = 0.0

    def is_over(self) -> bool:
        return time.monotonic() >= self._until

    def note(self, worked: bool) -> None:
        self._seconds = 0.0 if worked else min(LONGEST_PAUSE_SECONDS, max(1.0, self._seconds * 2))
        self._until = time.monotonic() + self._seconds
