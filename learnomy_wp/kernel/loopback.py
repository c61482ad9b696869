"""Signed calls from this backend into the loaded WordPress (`/?learnomy-bridge=<verb>`)."""

from __future__ import annotations

import secrets
import time
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests

from learnomy_wp.kernel import channel, db, site

PATIENCE_SECONDS = 2.0

_session = requests.Session()
_session.trust_env = False


class LoopbackFailed(Exception):
    """WordPress did not answer, or not with a signed reply."""


class LoopbackTimeout(LoopbackFailed):
    """WordPress took the call and did not answer in time; it may still be at work."""


def call(verb: str, payload: dict[str, Any], *, patience: float = PATIENCE_SECONDS) -> dict[str, Any]:
    """The `data` of WordPress's signed reply.

    The address is the pairing's own loopback, where the owner gave one, else the site's home;
    the Host header is the site's, or mail would be sent from a wrong one.
    """
    current, blog_id = site.current(), db.blog_id()
    home = _home(current.pairing, blog_id)
    base = str(current.pairing.get("loopback") or home).rstrip("/")
    body = orjson.dumps(payload)
    nonce, now = secrets.token_hex(16), str(int(time.time() * 1000))
    headers = {
        "Content-Type": "application/json",
        "Host": urlsplit(home).netloc,
        "X-Learnomy-Bridge": str(channel.PROTOCOL),
        "X-Learnomy-Blog": str(blog_id),
        "X-Learnomy-Time": now,
        "X-Learnomy-Nonce": nonce,
        "X-Learnomy-Signature": channel.sign(current.key("call"), *channel.call_parts(verb, body, blog_id, now, nonce)),
    }
    answer = _send(verb, f"{base}/?learnomy-bridge={verb}", body, headers, patience)
    signature = answer.headers.get("X-Learnomy-Response-Signature", "")
    if not channel.is_signed_by(
        signature, current.key("reply"), *channel.reply_parts(nonce, answer.status_code, answer.content)
    ):
        raise LoopbackFailed(f"{verb}: HTTP {answer.status_code} without a valid signature")
    if answer.status_code != 200:
        raise LoopbackFailed(f"{verb}: HTTP {answer.status_code}")
    data: dict[str, Any] = orjson.loads(answer.content)["data"]
    return data


def _send(verb: str, url: str, body: bytes, headers: dict[str, str], patience: float) -> requests.Response:
    try:
        return _session.post(url, data=body, headers=headers, timeout=(1, patience), allow_redirects=False)
    except requests.ReadTimeout as error:
        raise LoopbackTimeout(f"{verb}: no answer within {patience} s") from error
    except requests.RequestException as error:
        raise LoopbackFailed(f"{verb}: {error}") from error


def _home(pairing: dict[str, Any], blog_id: int) -> str:
    for blog in pairing.get("blogs", ()):
        if int(blog["id"]) == blog_id:
            return str(blog["home"])
    return str(pairing.get("home") or site.record().home)
