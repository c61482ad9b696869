"""Where private files are: a folder of the backend's own, under names that say nothing of them.

A file is written whole before its row is committed, and goes once no row names it: what a request that failed left
behind is swept up a day later.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from sqlalchemy import bindparam, delete, select
from sqlalchemy.engine import make_url

from learnomy_wp.kernel import clock, db, retention, schedules, site, trash
from learnomy_wp.kernel.errors import refusal
from wp_schema.tables import attachments

StorageNotPrivate = refusal(
    "storage_not_private",
    "The folder for private files lies within the web server's. Set LEARNOMY_FILES_DIR to one outside of it.",
)

SWEPT_AFTER_SECONDS = 24 * 3600
NAMED = select(attachments.c.path).where(attachments.c.path.in_(bindparam("paths", expanding=True)))
OLD = (
    select(attachments.c.id, attachments.c.path)
    .where(attachments.c.deleted_at < bindparam("before"))
    .order_by(attachments.c.deleted_at)
    .limit(retention.BATCH)
    .with_hint(attachments, "FORCE INDEX (zblog_lrn_attachments_deleted)", "mysql")
)
REMOVE = delete(attachments).where(
    attachments.c.id.in_(bindparam("ids", expanding=True)), attachments.c.deleted_at < bindparam("before")
)


def root() -> Path:
    """The folder of the current blog's files. Raises `StorageNotPrivate`."""
    folder = site.current().config.files_dir.resolve()
    public = str(site.current().pairing.get("abspath") or "")
    if public and folder.is_relative_to(Path(public).resolve()):
        raise StorageNotPrivate
    return folder / str(db.blog_id())


@lru_cache(maxsize=8)
def _mark(database_url: str, prefix: str) -> str:
    """What this site's files end in: of sites that were given one folder, none sweeps up another's."""
    place = make_url(database_url).set(username=None, password=None)
    return hashlib.sha256(f"{place}|{prefix}".encode()).hexdigest()[:8]


def _own_mark() -> str:
    config = site.current().config
    return _mark(config.database_url, config.base_prefix)


def keep(pieces: Iterable[bytes]) -> str:
    """Write a file under a new name; gives its path within the folder."""
    name = f"{secrets.token_hex(16)}-{_own_mark()}"
    path = f"{name[:2]}/{name}"
    target = root() / path
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = target.with_suffix(".part")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return path


def discard(path: str) -> None:
    """Remove a file that no row is going to name; nothing for ''."""
    if path:
        (root() / path).unlink(missing_ok=True)


def find(path: str) -> Path | None:
    """Where a kept file is; None where it is gone."""
    found = root() / path
    return found if found.is_file() else None


def forget(paths: Iterable[str]) -> int:
    """Remove those files that no row names; gives how many."""
    wanted = sorted(set(paths))
    named = set(db.values(NAMED, {"paths": wanted})) if wanted else set()
    gone = [path for path in wanted if path not in named]
    for path in gone:
        (root() / path).unlink(missing_ok=True)
    return len(gone)


@retention.removes("attachments")
def remove_old() -> int:
    """Remove for good what was deleted so long ago that nobody wants it back, with its files."""
    before = clock.now() - timedelta(days=trash.KEPT.days)
    rows = db.rows(OLD, {"before": before})
    if rows:
        db.write(REMOVE, {"ids": [row["id"] for row in rows], "before": before})
        forget(row["path"] for row in rows if row["path"])
    return len(rows)


@schedules.every(SWEPT_AFTER_SECONDS)
def sweep_attachments() -> int:
    """Remove files that no row names, once no request can be about to name them; gives how many."""
    with suppress(StorageNotPrivate):
        return sum(forget(batch) for batch in _old_files())
    return 0


def _old_files() -> Iterator[list[str]]:
    folder, latest = root(), time.time() - SWEPT_AFTER_SECONDS
    batch: list[str] = []
    for file in folder.glob(f"??/*-{_own_mark()}*"):
        with suppress(FileNotFoundError):
            if file.stat().st_mtime < latest:
                batch.append(str(file.relative_to(folder)))
        if len(batch) == retention.BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
