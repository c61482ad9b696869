"""The receiving end of the signed channel: who sent this request, and the plugin's own verbs.

A request with a valid signature speaks for the plugin. An unsigned one may not carry any of
the channel's headers, so that nobody who reaches the port can claim an identity.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Request, Response, request

from learnomy_wp.kernel import (
    auth,
    avatars,
    cache,
    channel,
    envelope,
    ids,
    nonces,
    pipeline,
    rounds,
    settings,
    site,
    uploads,
)
from learnomy_wp.kernel import call as calls
from learnomy_wp.kernel.auth import keys
from learnomy_wp.kernel.call import Call
from learnomy_wp.kernel.endpoint import endpoint_of
from learnomy_wp.kernel.errors import (
    BadRequest,
    BridgeForbidden,
    BridgeProtocol,
    BridgeReplayed,
    BridgeStale,
    NotFound,
    Unauthenticated,
)
from learnomy_wp.kernel.wordpress import Ask, WordPressNeeded
from learnomy_wp.version import VERSION

PREFIX = "/learnomy-bridge/v1/"
MAX_BODY_BYTES = 1024 * 1024
# A later round carries the body in base 64, and WordPress's answers.
MAX_SIGNED_BYTES = 8 * MAX_BODY_BYTES
DIRECT_SECONDS = {"write": 10, "upload": 60}
DOORS = frozenset({"early", "full", "internal", "page", "system"})
VISITORS_DOORS = frozenset({"early", "internal"})
_SANE_REQUEST_ID = re.compile(r"[\w.:-]{8,64}", re.ASCII)
_NONCE = re.compile(r"[0-9a-f]{32}")
_IDENTITY_KEYS = tuple(f"HTTP_{channel.HEADER}{name}".upper().replace("-", "_") for name in channel.IDENTITY_HEADERS)
_REQUEST_START = re.compile(r"t=(\d{9,11}(?:\.\d{1,6})?)")

Verb = Callable[[dict[str, Any]], dict[str, Any]]
_verbs: dict[str, Verb] = {}


def verb(name: str) -> Callable[[Verb], Verb]:
    """Register a verb of the channel: a function from its payload to the answer's `data`."""

    def register(function: Verb) -> Verb:
        _verbs[name] = function
        return function

    return register


def request_id_of(incoming: Request) -> str:
    """The caller's own id of the request, if it is a sane one, else a new one."""
    wanted = incoming.headers.get("X-Request-ID", "")
    return wanted if _SANE_REQUEST_ID.fullmatch(wanted) else ids.request_id()


def receive(call: Call, incoming: Request) -> None:
    """Find out what call a request makes. Raises where its signature or its claims do not hold.

    `WordPressNeeded` where only WordPress can know the site of a network that was asked for.
    """
    environ = incoming.environ
    is_signed = any(environ.get(key) for key in _IDENTITY_KEYS)
    call.authorization = environ.get("HTTP_AUTHORIZATION") or environ.get("HTTP_X_LEARNOMY_AUTHORIZATION") or ""
    call.content_type = environ.get("CONTENT_TYPE", "")
    _take_body(call, incoming, is_signed=is_signed)
    if not is_signed:
        _direct(call, incoming)
        return
    header = {name: incoming.headers.get(channel.HEADER + name, "") for name in (*channel.IDENTITY_HEADERS, "Time")}
    header["Nonce"] = incoming.headers.get("X-Learnomy-Nonce", "")
    header["Idempotency-Key"] = incoming.headers.get("Idempotency-Key", "")
    _check_signature(call, incoming, header)
    _take_over(call, header)


def brings_file(call: Call, incoming: Request) -> bool:
    """Whether the body is a form with a file, sent to an endpoint that takes one."""
    declared = endpoint_of(incoming)
    return declared is not None and declared.takes_file and uploads.is_form(call.content_type)


def _take_body(call: Call, incoming: Request, *, is_signed: bool) -> None:
    if brings_file(call, incoming):
        incoming.max_content_length = uploads.max_bytes() + uploads.MAX_BESIDE
        if is_signed:
            call.spool, call.spool_digest = uploads.spool(incoming.stream)
            call.opened.append(call.spool)
        return  # else it stays unread until the caller may send it
    if is_signed:
        declared = endpoint_of(incoming)
        again = 2 * uploads.max_bytes() if declared is not None and declared.takes_file else 0  # a later round's
        incoming.max_content_length = max(MAX_SIGNED_BYTES, again)
    call.body = incoming.get_data()


def _direct(call: Call, incoming: Request) -> None:
    if incoming.path.startswith(PREFIX):
        raise BridgeForbidden
    call.door = "local" if site.current().is_embedded else "direct"
    call.client, call.scheme = incoming.remote_addr or "", incoming.scheme
    call.host = incoming.host
    if site.current().config.trusts(call.client):
        call.client = incoming.headers.get("X-Real-IP") or call.client
        call.scheme = incoming.headers.get("X-Forwarded-Proto") or call.scheme
    call.blog_id = _blog_of(call.host.lower(), incoming.script_root)


def _blog_of(host: str, script_root: str) -> int:
    pairing = site.current().pairing
    if not pairing.get("multisite"):
        return int(pairing.get("main_site", 1))
    path = script_root.rstrip("/") + "/"
    for blog in pairing["blogs"]:
        if blog["domain"] == host and blog["path"] == path:
            return int(blog["id"])
    raise WordPressNeeded("a site that is not known here")


def _check_signature(call: Call, incoming: Request, header: dict[str, str]) -> None:
    if header["Bridge"] not in map(str, channel.SPOKEN):
        if not header["Signature"]:
            raise BadRequest("Identity headers are the plugin's; they count only on a signed request.")
        raise BridgeProtocol
    if not header["Signature"]:
        raise BadRequest("Identity headers are the plugin's; they count only on a signed request.")
    current = site.current()
    purpose = "pair" if incoming.path == PREFIX + "pair" else "request"
    target = incoming.environ.get("LEARNOMY_TARGET") or incoming.full_path.rstrip("?")
    parts = channel.request_parts(
        incoming.method, target, call.body_digest, call.content_type, header, call.authorization
    )
    if not channel.is_signed_by(header["Signature"], current.key(purpose), *parts):
        current.refresh_secret()
        if not channel.is_signed_by(header["Signature"], current.key(purpose), *parts):
            raise BridgeForbidden
    if not header["Time"].isdigit() or abs(time.time() * 1000 - int(header["Time"])) > channel.MAX_SKEW_SECONDS * 1000:
        raise BridgeStale
    if not _NONCE.fullmatch(header["Nonce"]):
        raise BridgeForbidden
    if header["Door"] not in DOORS or not header["Blog"].isdigit():
        raise BadRequest("The door or the blog of this bridge request is not known.")
    if not nonces.take(header["Nonce"], int(header["Blog"])):
        raise BridgeReplayed


def _take_over(call: Call, header: dict[str, str]) -> None:
    call.signed, call.nonce = True, header["Nonce"]
    call.door, call.blog_id, call.via = header["Door"], int(header["Blog"]), header["Via"]
    call.client, call.host, call.scheme = header["Client"], header["Host"], header["Proto"] or "http"
    call.asserted_user = int(header["User"]) if header["User"].isdigit() else None
    call.fire_token = ids.token_hex(16)


def deadline_of(call: Call, incoming: Request) -> float | None:
    """When a write must be committed, as a `time.monotonic()`.

    The plugin signs it; on the direct door the web server says when the request arrived.
    """
    if call.signed:
        value = incoming.headers.get("X-Learnomy-Deadline", "")
        return time.monotonic() + int(value) / 1000 - time.time() if value.isdigit() else None
    began = _REQUEST_START.fullmatch(incoming.headers.get("X-Request-Start", ""))
    declared = endpoint_of(incoming)
    seconds = DIRECT_SECONDS.get(declared.deadline) if declared else None
    if began is None or seconds is None or not site.current().config.trusts(incoming.remote_addr):
        return None
    return time.monotonic() + float(began[1]) + seconds - time.time()


def seal(call: Call, response: Response, *, purpose: str) -> Response:
    """Sign the reply to a signed request."""
    if response.status_code == 304:
        response.headers.pop("Content-Type", None)  # WSGI servers drop it, so it is not signed either
    fire = call.fire_token if call.fires else ""
    response.headers["X-Learnomy-Control"] = call.control
    response.headers["X-Learnomy-Fire"] = fire
    response.headers["X-Learnomy-Response-Signature"] = channel.sign(
        site.current().key(purpose),
        *channel.response_parts(
            call.nonce,
            response.status_code,
            response.headers.get("Content-Type", ""),
            response.get_data(),
            call.control,
            fire,
        ),
    )
    return response


# --- the verbs ---------------------------------------------------------------------------

blueprint = Blueprint("bridge", __name__, url_prefix=PREFIX.rstrip("/"))


@blueprint.post("/<name>")
def serve_verb(name: str) -> Response:
    """Answer one verb."""
    call = calls.current()
    # The plugin's own calls, never a visitor's request that it passes on.
    if call is None or not call.signed or call.door in VISITORS_DOORS or name not in _verbs:
        raise NotFound
    call.endpoint_name = f"bridge_{name}"
    payload = pipeline.json_body()
    try:
        data = _verbs[name](payload if isinstance(payload, dict) else {})
        avatars.settle()
    except Ask as ask:
        return rounds.ask(call, ask.questions)
    return envelope.respond({"data": data})


@verb("pair")
def pair(payload: dict[str, Any]) -> dict[str, Any]:
    """Keep what the plugin hands over."""
    if payload.get("protocol") not in channel.SPOKEN:
        raise BridgeProtocol
    needed = ("base_prefix", "blogs", "salts", "bridge_salt", "home", "siteurl")
    missing = [name for name in needed if not payload.get(name)]
    if missing:
        raise BadRequest(f"The pairing lacks {', '.join(missing)}.")
    site.current().save_pairing(payload)
    site.current().forget_record()
    keys.forget()
    return {"protocol": channel.PROTOCOL, "backend_version": VERSION, "time_ms": int(time.time() * 1000)}


@verb("ping")
def ping(_payload: dict[str, Any]) -> dict[str, Any]:
    """Versions and clock."""
    return {"protocol": channel.PROTOCOL, "backend_version": VERSION, "time_ms": int(time.time() * 1000)}


@verb("changed")
def changed(_payload: dict[str, Any]) -> dict[str, Any]:
    """Options of the site changed: drop what is kept of them, and what was made with them."""
    site.current().forget_record()
    keys.forget()
    cache.bump((settings.TAG,))
    return {"dropped": True}


@verb("whoami")
def whoami(_payload: dict[str, Any]) -> dict[str, Any]:
    """Whose credential the forwarded Authorization is."""
    call = calls.current()
    assert call is not None
    call.asserted_user = None
    if auth.kind_of(call.authorization) not in ("jwt", "api_key"):
        raise Unauthenticated
    actor = auth.identify(call, request)
    return {"user_id": actor.id, "credential": actor.credential}
