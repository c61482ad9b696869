"""Builds what one process needs to serve a site, and enters it for a request, a job or a command."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from learnomy_wp.config import Config
from learnomy_wp.kernel import db, log, metrics, site
from learnomy_wp.kernel.db import Database
from learnomy_wp.kernel.engines import ANSWER_SECONDS
from learnomy_wp.kernel.keystore import DatabaseKeyStore, KeyStore, RedisKeyStore
from learnomy_wp.kernel.site import Site


@dataclass
class Runtime:
    """Configuration, database, key store and site of this process."""

    config: Config
    database: Database
    store: KeyStore
    site: Site

    def request_stack(self) -> ExitStack:
        """Enter this runtime; closing the stack leaves it."""
        stack = ExitStack()
        stack.enter_context(db.using(self.database))
        stack.enter_context(site.entered(self.site))
        stack.enter_context(db.session())
        return stack


def share_metrics(config: Config) -> None:
    """Count together with the site's other processes; the first thing that a process of a site does."""
    if config.metrics and not config.embedded:
        metrics.share(config.state_dir / "metrics")


def start(config: Config, *, answer_seconds: int | None = ANSWER_SECONDS) -> Runtime:
    """Build the runtime and make it this process's own. Raises `ConfigError` on a weak secret.

    Processes that answer no requests wait longer for the database, or for ever (None).
    """
    log.configure(config.log_level, config.log_format)
    metrics.switch(config.metrics)
    holder: list[Site] = []

    def prefixes(blog_id: int) -> tuple[str, str]:
        return holder[0].prefixes(blog_id) if holder else (config.base_prefix, config.base_prefix)

    database = Database(config.database_url, prefixes, answer_seconds=answer_seconds)
    store: KeyStore = DatabaseKeyStore()
    if config.redis_url:
        store = RedisKeyStore(config.redis_url, namespace=config.redis_namespace)
    here = Site(config, store)
    holder.append(here)
    db.use(database)
    site.use(here)
    with db.using(database):
        here.refresh_secret()
    return Runtime(config, database, store, here)
