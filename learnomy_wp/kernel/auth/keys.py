"""The keys that sign tokens: the option `learnomy_keys`, encrypted under the site's AUTH_KEY.

The plugin makes and rotates them on a WordPress site; on the embedded default this module does.
"""

from __future__ import annotations

import base64
import os
import secrets
import time
from functools import lru_cache
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import select

from learnomy_wp.kernel import db, local, site
from learnomy_wp.kernel.errors import BackendUnavailable
from wp_schema import php
from wp_schema.tables import options

OPTION = "learnomy_keys"
KID_PREFIX = "lrn-"
KEPT_SECONDS = 60
_STORED = select(options.c.option_value).where(options.c.option_name == OPTION)
_kept: dict[int, tuple[float, str]] = {}


def jwt_keys() -> list[tuple[str, bytes]]:
    """(kid, key) pairs, the signing one first; the others still verify."""
    blog_id = db.blog_id()
    kept = _kept.get(blog_id)
    if kept is None or time.monotonic() - kept[0] > KEPT_SECONDS:
        kept = _read(blog_id)
    try:
        return _open(kept[1])
    except BackendUnavailable:
        # Another process was told that the keys or the salts changed, this one was not.
        fresh = _read(blog_id)
        if fresh[1] == kept[1]:
            raise
        return _open(fresh[1])


def _read(blog_id: int) -> tuple[float, str]:
    kept = _kept[blog_id] = (time.monotonic(), db.value(_STORED) or "")
    return kept


def _open(stored: str) -> list[tuple[str, bytes]]:
    if not stored:
        raise BackendUnavailable("This site has no signing keys yet. Activate the plugin again.")
    return _decrypt(stored, site.current().salt("auth"))


def forget() -> None:
    """Read the option again at the next use, as after a rotation."""
    _kept.clear()


@lru_cache(maxsize=16)
def _decrypt(stored: str, salt: str) -> list[tuple[str, bytes]]:
    try:
        box = base64.b64decode(php.unserialize(stored)["box"])
        plain = ChaCha20Poly1305(_wrapping_key(salt)).decrypt(box[:12], box[12:], OPTION.encode())
    except (InvalidTag, ValueError, KeyError, TypeError):
        raise BackendUnavailable(
            "The signing keys cannot be read: AUTH_KEY has changed. Pair the site again."
        ) from None
    ring: dict[str, Any] = orjson.loads(plain)
    return [(entry["kid"], base64.b64decode(entry["key"])) for entry in ring["jwt"]]


def ensure() -> None:
    """Make the key ring of the embedded default, where there is none."""
    if not db.value(_STORED):
        db.transaction(lambda: local.set_option(OPTION, _make_option(site.current().salt("auth")), autoload=False))
        forget()


def _make_option(salt: str) -> dict[str, Any]:
    entry = {
        "kid": KID_PREFIX + secrets.token_hex(4),
        "key": base64.b64encode(secrets.token_bytes(32)).decode(),
        "created": int(time.time()),
    }
    nonce = os.urandom(12)
    box = nonce + ChaCha20Poly1305(_wrapping_key(salt)).encrypt(nonce, orjson.dumps({"jwt": [entry]}), OPTION.encode())
    return {"v": 1, "box": base64.b64encode(box).decode()}


def _wrapping_key(salt: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"learnomy keys 1").derive(salt.encode())
