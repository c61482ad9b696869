"""The one shape of every answer: `{"data"}`, `{"data", "meta"}` or `{"error"}`, written by orjson."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
from flask import Response

from learnomy_wp.kernel.errors import ApiError

JSON = "application/json; charset=UTF-8"
# What is somebody's own, or an error, is kept by nobody.
PRIVATE = "private, no-store"
_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC | orjson.OPT_OMIT_MICROSECONDS | orjson.OPT_NON_STR_KEYS


def dumps(value: Any) -> bytes:
    """JSON bytes; datetimes become ISO 8601 UTC with `Z`, to the second."""
    return orjson.dumps(value, option=_OPTIONS)


def respond(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON response of any value."""
    return raw(dumps(value), status, headers)


def raw(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON response of ready bytes."""
    response = Response(body, status=status, content_type=JSON)
    if headers:
        response.headers.extend(headers)
    return response


def error_body(error: ApiError, request_id: str) -> dict[str, Any]:
    """The envelope of an error."""
    return {
        "error": {
            "code": error.code,
            "message": error.text,
            "details": [{"field": d.field, "code": d.code, "message": d.message} for d in error.details],
            "request_id": request_id,
        }
    }


def error_response(error: ApiError, request_id: str) -> Response:
    """An error in the envelope, never cached."""
    headers = {"Cache-Control": PRIVATE, **error.headers}
    if error.status == 401:
        headers.setdefault("WWW-Authenticate", 'Bearer realm="learnomy"')
    return respond(error_body(error, request_id), error.status, headers)


def etag(version: int, body: bytes) -> str:
    """`"version.hash"`: the version counts edits, the hash is of the bytes."""
    return f'"{version}.{hashlib.blake2b(body, digest_size=8).hexdigest()}"'


def select_fields(data: Any, wanted: str) -> Any:
    """WordPress's `_fields`: a comma-separated list of names, dotted for nested ones."""
    tree: dict[str, Any] = {}
    for name in wanted.split(","):
        node = tree
        for part in name.strip().split(".")[:8]:
            if part:
                node = node.setdefault(part, {})
    return _pick(data, tree)


def _pick(data: Any, tree: dict[str, Any]) -> Any:
    if not tree:
        return data
    if isinstance(data, list):
        return [_pick(item, tree) for item in data]
    if isinstance(data, dict):
        return {key: _pick(data[key], below) for key, below in tree.items() if key in data}
    return data
