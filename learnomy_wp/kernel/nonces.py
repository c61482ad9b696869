"""Nonces of signed requests: each is good once, whichever process of this backend it reaches."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from redis import RedisError
from sqlalchemy.exc import DBAPIError

from learnomy_wp.kernel import channel, db, site
from learnomy_wp.kernel.keystore import DatabaseKeyStore, KeyStore

SCOPE = "bridge"
_NO_SUCH_TABLE = 1146


def take(nonce: str, blog_id: int) -> bool:
    """Use up a nonce that a blog's plugin sent; False where it was used before.

    The shared store keeps them, and while Redis is away the database. A plugin pairs, and has
    its tables made, before there are any: until then each is a file.
    """
    with db.blog(blog_id):
        try:
            try:
                return _add(site.current().store, nonce)
            except RedisError:
                return _add(DatabaseKeyStore(), nonce)
        except DBAPIError as error:
            if not _says_no_table(error):
                raise
            return _add_file(site.current().config.state_dir / "nonces", nonce)


def _add(store: KeyStore, nonce: str) -> bool:
    return store.add(SCOPE, nonce, ttl_seconds=channel.NONCE_SECONDS)


def _says_no_table(error: DBAPIError) -> bool:
    code = error.orig.args[0] if error.orig is not None and error.orig.args else None
    return code == _NO_SUCH_TABLE or "no such table" in str(error.orig)


def _add_file(folder: Path, nonce: str) -> bool:
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        with suppress(FileNotFoundError):
            if time.time() - old.stat().st_mtime > channel.NONCE_SECONDS:
                old.unlink()
    try:
        os.close(os.open(folder / nonce, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return False
    return True
