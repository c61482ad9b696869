"""Kept anonymous answers and conditional requests.

A public GET of nobody may be kept whole, with the stamp of its tags read before its rows.
It is served again while the stamp is unchanged, for a few seconds at most. Of the many query
strings that one may ask with, only those are kept that are asked for again.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass

import orjson
from flask import Request, Response, request
from redis import RedisError

from learnomy_wp.kernel import cache, settings, site
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.admission import Doorkeeper
from learnomy_wp.kernel.call import Call
from learnomy_wp.kernel.endpoint import Endpoint
from learnomy_wp.kernel.envelope import JSON
from learnomy_wp.kernel.keystore import TAG_SCOPE

SCOPE = "answer"
# Numbers of students and ratings end no kept answer, and may lag as long.
KEPT_SECONDS = 10
KEPT_HEADERS = ("ETag", "Cache-Control")

doorkeeper = Doorkeeper()


@dataclass(frozen=True)
class Slot:
    """Where an answer may be kept, and the stamp read before its rows."""

    key: str
    stamp: str
    is_wanted: bool  # as it is, without being asked for again


def foresee(declared: Endpoint, call: Call) -> None:
    """Read a kept answer and its stamps together with the site's record: one round trip for all three."""
    store = site.current().store
    if not store.is_shared_memory or call.authorization or not _may_be_kept(declared, call):
        return
    key = _key(declared)
    with suppress(RedisError):
        packed, *found = store.get_many([site.RECORD, *_names(declared, key)])
        call.foreseen = key, found
        if packed is not None and call.record is None:
            call.record = site.parse_record(packed)


def lookup(declared: Endpoint, call: Call, actor: Actor) -> Response | Slot | None:
    """The kept answer, else the slot for a new one, else None where answers are not kept."""
    if actor.is_logged_in or not _may_be_kept(declared, call):
        return None
    try:
        key, (entry, *stamps) = call.foreseen or _read(declared)
    except RedisError:
        return None
    stamp = cache.joined(stamps)
    if entry is not None:
        head, _, body = entry.partition(b"\n")
        kept_stamp, headers = orjson.loads(head)
        if kept_stamp == stamp:
            if is_unchanged(request, headers["ETag"]):
                return Response(status=304, headers=headers)
            return Response(body, headers=headers, content_type=JSON)
    is_plain = request.args.keys().isdisjoint(declared.read_parameters)
    return Slot(key, stamp, is_wanted=is_plain or entry is not None)


def _may_be_kept(declared: Endpoint, call: Call) -> bool:
    return bool(declared.cache_tags) and site.current().config.response_cache and not call.has_wordpress


def _read(declared: Endpoint) -> tuple[str, list[bytes | None]]:
    key = _key(declared)
    return key, site.current().store.get_many(_names(declared, key))


def _names(declared: Endpoint, key: str) -> list[tuple[str, str]]:
    return [(SCOPE, key), *((TAG_SCOPE, tag) for tag in (settings.TAG, *declared.cache_tags))]


def _key(declared: Endpoint) -> str:
    """Of the path and what the endpoint reads of the query: other parameters make no other answer."""
    known = declared.read_parameters
    asked = sorted((name, value) for name, value in request.args.items(multi=True) if name in known)
    return hashlib.sha256(orjson.dumps([request.path, asked])).hexdigest()


def keep(slot: Slot | Response | None, response: Response) -> None:
    """Keep a fresh 200 in its slot."""
    if not isinstance(slot, Slot) or response.status_code != 200:
        return
    if not slot.is_wanted and not doorkeeper.admits(slot.key):
        return
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    head = orjson.dumps([slot.stamp, headers])
    with suppress(RedisError):
        site.current().store.put(SCOPE, slot.key, head + b"\n" + response.get_data(), KEPT_SECONDS)


def is_unchanged(asked: Request, etag: str) -> bool:
    """Whether `If-None-Match` names this whole tag."""
    header = asked.headers.get("If-None-Match", "")
    return header == "*" or etag in (tag.strip().removeprefix("W/") for tag in header.split(","))
