"""Kept anonymous answers and conditional requests.

A public GET of nobody may be kept whole, with the stamp of its tags read before its rows.
It is served again while the stamp is unchanged, for a few seconds at most.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass

import orjson
from flask import Request, Response, request
from redis import RedisError

from learnomy_wp.kernel import settings, site
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.call import Call
from learnomy_wp.kernel.endpoint import Endpoint
from learnomy_wp.kernel.envelope import JSON

SCOPE = "answer"
# Numbers of students and ratings end no kept answer, and may lag as long.
KEPT_SECONDS = 10
KEPT_HEADERS = ("ETag", "Cache-Control")


@dataclass(frozen=True)
class Slot:
    """Where an answer may be kept, and the stamp read before its rows."""

    key: str
    stamp: bytes


def lookup(declared: Endpoint, call: Call, actor: Actor) -> Response | Slot | None:
    """The kept answer, else the slot for a new one, else None where answers are not kept."""
    current = site.current()
    if not declared.cache_tags or actor.is_logged_in or not current.config.response_cache or call.has_wordpress:
        return None
    key = _key(declared)
    names = [("tag", tag) for tag in (settings.TAG, *declared.cache_tags)]
    try:
        entry, *stamps = current.store.get_many([(SCOPE, key), *names])
    except RedisError:
        return None
    stamp = b".".join(value or b"0" for value in stamps)
    if entry is not None:
        head, _, body = entry.partition(b"\n")
        kept_stamp, headers = orjson.loads(head)
        if kept_stamp == stamp.decode("latin-1"):
            if is_unchanged(request, headers["ETag"]):
                return Response(status=304, headers=headers)
            return Response(body, headers=headers, content_type=JSON)
    return Slot(key, stamp)


def _key(declared: Endpoint) -> str:
    """Of the path and what the endpoint reads of the query: other parameters make no other answer."""
    known = {"_fields", "_fields[]", *(declared.query.fields if declared.query else ())}
    asked = sorted((name, value) for name, value in request.args.items(multi=True) if name in known)
    return hashlib.sha256(orjson.dumps([request.path, asked])).hexdigest()


def keep(slot: Slot | Response | None, response: Response) -> None:
    """Keep a fresh 200 in its slot."""
    if not isinstance(slot, Slot) or response.status_code != 200:
        return
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    head = orjson.dumps([slot.stamp.decode("latin-1"), headers])
    with suppress(RedisError):
        site.current().store.put(SCOPE, slot.key, head + b"\n" + response.get_data(), KEPT_SECONDS)


def is_unchanged(asked: Request, etag: str) -> bool:
    """Whether `If-None-Match` names this whole tag."""
    header = asked.headers.get("If-None-Match", "")
    return header == "*" or etag in (tag.strip().removeprefix("W/") for tag in header.split(","))
