"""RQ's worker over our queue in Redis: it runs our one function, and ends where Redis goes away.

RQ itself would wait for Redis, longer each time; meanwhile the jobs' table can be worked on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job as QueuedJob
from rq.queue import Queue

from learnomy_wp.kernel import jobs, log
from learnomy_wp.kernel.keystore import RedisKeyStore

# RQ waits for a job for 15 seconds less, and then once more; a Redis that hangs is noticed soon.
_SECONDS = 18
_ANSWER_SECONDS = 2


class _Lost(StopRequested):
    """Redis is away; RQ ends its loop as when it is asked to stop."""


class _EndingQueue(Queue):
    """A queue whose loss ends the work."""

    @classmethod
    def dequeue_any(cls, *arguments: Any, **options: Any) -> Any:
        try:
            return super().dequeue_any(*arguments, **options)
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise _Lost from error


class QueueWorker(SimpleWorker):
    """Works in this process until Redis goes away or a signal comes, for which `on_stop` is called.

    It runs nothing else that stands in Redis, and takes no commands from there.
    """

    queue_class = _EndingQueue
    _is_lost = False

    def __init__(self, on_stop: Callable[[], None], store: RedisKeyStore) -> None:
        queue = jobs.queue(store)
        super().__init__(
            [queue.name],
            connection=connect(store),
            serializer=queue.serializer,
            log_job_description=False,
            worker_ttl=_SECONDS,
        )
        self._on_stop = on_stop

    @property
    def connection_timeout(self) -> int:
        return int(self.dequeue_timeout) + _ANSWER_SECONDS

    def dequeue_job_and_maintain_ttl(self, *arguments: Any, **options: Any) -> Any:
        try:
            return super().dequeue_job_and_maintain_ttl(*arguments, **options)
        except _Lost:
            self._is_lost = True
            raise

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        try:
            super().heartbeat(timeout, pipeline)
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise _Lost from error

    def register_death(self) -> None:
        """Leave word in Redis, unless it is gone: there we are forgotten by ourselves."""
        if not self._is_lost:
            super().register_death()  # type: ignore[no-untyped-call]

    def subscribe(self) -> None:
        """Commands by way of Redis are not taken."""

    def unsubscribe(self) -> None:
        """Nothing was subscribed to."""

    def handle_warm_shutdown_request(self) -> None:
        self._on_stop()

    def execute_job(self, job: QueuedJob, queue: Queue) -> None:
        if job.func_name != jobs.PERFORM:
            log.get().error("foreign_job_refused", function=job.func_name)
            job.delete()
            return
        super().execute_job(job, queue)


def connect(store: RedisKeyStore) -> redis.Redis:
    """A connection for the queue, which reports a loss instead of hiding it."""
    return redis.Redis.from_url(store.url, socket_connect_timeout=1.0, retry=Retry(NoBackoff(), 0))


def is_there(store: RedisKeyStore) -> bool:
    """Whether Redis answers now."""
    try:
        with redis.Redis.from_url(
            store.url, socket_connect_timeout=0.5, socket_timeout=0.5, retry=Retry(NoBackoff(), 0)
        ) as connection:
            return bool(connection.ping())
    except RedisError:
        return False
