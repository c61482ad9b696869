"""The path of a request through an endpoint: door, identity, limit, rule, input, body, answer."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

import flask
import orjson
from flask import Response, request
from marshmallow import Schema, ValidationError

from learnomy_wp.kernel import (
    answers,
    auth,
    avatars,
    db,
    doors,
    envelope,
    idempotency,
    limits,
    local,
    log,
    rounds,
    site,
    uploads,
    wordpress,
)
from learnomy_wp.kernel import call as calls
from learnomy_wp.kernel.actor import NOBODY, Actor
from learnomy_wp.kernel.call import Call
from learnomy_wp.kernel.endpoint import Endpoint
from learnomy_wp.kernel.errors import (
    ApiError,
    BadRequest,
    Detail,
    InternalError,
    MalformedJson,
    NotFound,
    PreconditionFailed,
    RateLimited,
    UnsupportedMediaType,
    ValidationFailed,
)
from learnomy_wp.kernel.page import Page

MAX_ID = 2**63 - 1
MAX_DETAILS = 100
_VERSION = re.compile("[0-9]{1,18}")
_CODES = {"Unknown field.": "unknown_field", "Missing data for required field.": "required"}


def view(declared: Endpoint) -> Callable[..., Response]:
    """The Flask view of a declaration."""

    def serve(**path: Any) -> Response:
        call = calls.current()
        assert call is not None
        call.endpoint_name = declared.name
        try:
            return _serve(declared, call, path)
        except wordpress.WordPressNeeded as needed:
            return rounds.hand_over(call, needed.reason)
        except wordpress.Ask as ask:
            return rounds.ask(call, ask.questions)

    serve.__name__ = declared.name
    serve.__doc__ = declared.function.__doc__
    return serve


def _serve(declared: Endpoint, call: Call, path: Mapping[str, Any]) -> Response:
    answers.foresee(declared, call)
    reason = doors.wordpress_needed(declared, call, request)
    if reason:
        return rounds.hand_over(call, reason)
    if any(isinstance(value, int) and value > MAX_ID for value in path.values()):
        raise NotFound
    actor = _identify(call)
    limit_headers = _charge(declared, call, actor)
    try:
        response = _answer(declared, call, actor, path)
    except ApiError as error:
        error.headers = {**limit_headers, **error.headers}
        raise
    except wordpress.WordPressNeeded:
        if limit_headers:
            limits.give_back(declared.limit, _subject(call, actor))
        raise
    response.headers.extend(limit_headers)
    return response


def _answer(declared: Endpoint, call: Call, actor: Actor, path: Mapping[str, Any]) -> Response:
    try:
        found = declared.rule.check(actor, path)
    except ApiError:
        # What was done under this key is told again, though the object may be out of reach by now.
        stored = _stored_answer(declared, call, actor)
        if stored is None:
            raise
        return _replay(stored)
    kept = answers.lookup(declared, call, actor)
    if isinstance(kept, Response):
        return kept
    arguments = _arguments(declared, actor, path, found)
    if declared.is_write:
        return _write(declared, call, actor, arguments)
    response = _finish(declared, declared.function(**arguments), actor)
    answers.keep(kept, response)
    return response


# --- identity and limits ---------------------------------------------------------------


def _identify(call: Call) -> Actor:
    actor = auth.identify(call, request)
    if call.has_wordpress and actor.is_logged_in:
        actor = auth.as_filtered(actor)
    flask.g.actor = actor
    log.bind(user_id=actor.id)
    return actor


def _charge(declared: Endpoint, call: Call, actor: Actor) -> dict[str, str]:
    if declared.limit == "none":
        return {}
    if "limit" in call.round_state:  # charged in an earlier round
        return dict(call.round_state["limit"])
    is_exempt = declared.limit != "login" and (actor.is_manager or actor.is_instructor)
    state = limits.charge(declared.limit, _subject(call, actor), exempt=is_exempt)
    if state is None:
        return {}
    headers = state.headers()
    if not state.allowed:
        raise RateLimited(headers={**headers, "Retry-After": str(state.reset_seconds)})
    call.round_state["limit"] = headers
    return headers


def _subject(call: Call, actor: Actor) -> str:
    """Whom limits and idempotency keys count for."""
    return f"user:{actor.id}" if actor.is_logged_in else f"address:{call.client}"


# --- input -----------------------------------------------------------------------------


def _arguments(declared: Endpoint, actor: Actor, path: Mapping[str, Any], found: Any) -> dict[str, Any]:
    offered: dict[str, Any] = {"actor": actor, "found": found, **path}
    if declared.query is not None:
        offered["query"] = _load(declared.query, request.args, is_query=True)
    form = _form(declared)
    if declared.takes_file:
        offered["upload"] = form.upload if form is not None else None
    if declared.body is not None:
        offered["body"] = _load(declared.body, json_body() if form is None else form.fields)
    return {name: offered[name] for name in declared.takes if name in offered}


def _form(declared: Endpoint) -> uploads.Form | None:
    """The form of a request that brings a file."""
    call = calls.current()
    assert call is not None
    if not declared.takes_file or not uploads.is_form(call.content_type):
        return None
    return uploads.form_of(call, request)


def json_body() -> Any:
    """The request's JSON. An absent body is an empty object."""
    call = calls.current()
    assert call is not None
    if not call.body.strip():
        return {}
    if call.content_type.partition(";")[0].strip().lower() not in ("application/json", ""):
        raise UnsupportedMediaType
    try:
        return orjson.loads(call.body)
    except orjson.JSONDecodeError:
        raise MalformedJson from None


def _load(schema: Schema, data: Any, *, is_query: bool = False) -> dict[str, Any]:
    if not is_query and not isinstance(data, dict):
        raise ValidationFailed("The body must be a JSON object.")
    try:
        loaded: dict[str, Any] = schema.load(data)
    except ValidationError as error:
        raise ValidationFailed(details=_details(error.messages)[:MAX_DETAILS]) from None
    return loaded


def _details(messages: Any, prefix: str = "") -> list[Detail]:
    if isinstance(messages, dict):
        found = []
        for name, below in messages.items():
            here = prefix if name == "_schema" else f"{prefix}.{name}" if prefix else str(name)
            found += _details(below, here)
        return found
    texts = messages if isinstance(messages, list) else [messages]
    return [Detail(prefix, _CODES.get(str(text), "invalid"), str(text)) for text in texts]


# --- writes ----------------------------------------------------------------------------


def _write(declared: Endpoint, call: Call, actor: Actor, arguments: dict[str, Any]) -> Response:
    _check_match_header()
    lease = _lease(declared, call, actor)
    if isinstance(lease, idempotency.Answer):
        return _replay(lease)

    def run() -> Response:
        response = _finish(declared, declared.function(**arguments), actor)
        if lease is not None and call.control == "answer":
            idempotency.finish(lease, _stored(response))
        return response

    try:
        response = db.transaction(run) if declared.is_transactional else run()
    except ApiError as error:
        if lease is not None:
            _settle(lease, error, call)
        raise
    except wordpress.Ask:
        # The next round goes on under the same lease.
        if lease is not None:
            call.round_state["lease"] = lease.number
        raise
    except BaseException:
        if lease is not None:
            idempotency.release(lease)
        raise
    if lease is not None and call.control == "effect":  # WordPress has the last word on it
        idempotency.release(lease)
    return response


def _settle(lease: idempotency.Lease, error: ApiError, call: Call) -> None:
    if not error.is_refusal:
        idempotency.release(lease)
        return
    body = envelope.dumps(envelope.error_body(error, call.request_id))
    db.transaction(lambda: idempotency.finish(lease, idempotency.Answer(error.status, {}, body)))


def _lease(declared: Endpoint, call: Call, actor: Actor) -> idempotency.Lease | idempotency.Answer | None:
    key = _idempotency_key(declared)
    if key is None:
        return None
    held = call.round_state.get("lease")
    return idempotency.begin(key, _subject(call, actor), _fingerprint(declared, call), held=held)


def _stored_answer(declared: Endpoint, call: Call, actor: Actor) -> idempotency.Answer | None:
    if declared.takes_file and not actor.is_logged_in:
        return None  # nobody's file is read, to find out whether it was sent before
    key = _idempotency_key(declared)
    return None if key is None else idempotency.recall(key, _subject(call, actor), _fingerprint(declared, call))


def _idempotency_key(declared: Endpoint) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if not key or not declared.idempotent:
        return None
    if len(key) > idempotency.MAX_KEY_LENGTH or not key.isprintable():
        raise BadRequest("The Idempotency-Key must be 1 to 255 printable characters.")
    return key


def _fingerprint(declared: Endpoint, call: Call) -> bytes:
    form = _form(declared)
    body = call.body if form is None else form.digest()
    return hashlib.sha256(f"{request.method}\n{request.full_path}\n".encode() + body).digest()


def _replay(stored: idempotency.Answer) -> Response:
    replayed = Response(stored.body, stored.status, content_type=envelope.JSON)
    replayed.headers.extend({**stored.headers, "Idempotency-Replayed": "true", "Cache-Control": envelope.PRIVATE})
    return replayed


def _stored(response: Response) -> idempotency.Answer:
    kept = {name: response.headers[name] for name in ("Location", "ETag") if name in response.headers}
    return idempotency.Answer(response.status_code, kept, response.get_data())


def _check_match_header() -> None:
    header = request.headers.get("If-Match")
    flask.g.if_match = None
    if header and header.strip() != "*":
        version = header.strip().removeprefix("W/").strip('"').partition(".")[0]
        if not _VERSION.fullmatch(version):
            raise PreconditionFailed
        flask.g.if_match = int(version)


def check_version(version: int) -> None:
    """Refuse a write whose `If-Match` names another version; called once the row is locked."""
    wanted = flask.g.get("if_match") if flask.has_request_context() else None
    if wanted is not None and wanted != version:
        raise PreconditionFailed


# --- answers ---------------------------------------------------------------------------


def _finish(declared: Endpoint, result: Any, actor: Actor) -> Response:
    if isinstance(result, Response):
        return result
    if isinstance(result, wordpress.Effects):
        return _with_effects(declared, result, actor)
    document, version = _document(declared, result)
    avatars.settle()
    wanted = ",".join(request.args.getlist("_fields") + request.args.getlist("_fields[]"))
    if wanted:
        document = {**document, "data": envelope.select_fields(document["data"], wanted)}
    body = envelope.dumps(document)
    headers = {"Cache-Control": cache_control(declared, actor)}
    if not declared.is_write or declared.status == 200:
        headers["ETag"] = envelope.etag(version, body)
    if declared.status == 201 and flask.g.get("location"):
        headers["Location"] = flask.g.location
    if not declared.is_write and answers.is_unchanged(request, headers["ETag"]):
        return Response(status=304, headers=headers)
    return envelope.raw(body, declared.status, headers)


def _document(declared: Endpoint, result: Any) -> tuple[dict[str, Any], int]:
    dump = declared.dump
    if isinstance(result, Page):
        rows = [dump(row) for row in result.rows] if dump else result.rows
        return {"data": rows, "meta": {"total": result.total, "cursor_next": result.cursor_next, **result.meta}}, 0
    if result is None:
        raise InternalError(f"{declared.name} returned nothing")
    version = result.get("version") if isinstance(result, dict) else None
    return {"data": dump(result) if dump else result}, int(version or 0)


def locate(path: str) -> None:
    """Name the created object's path below the namespace, for `Location`."""
    if flask.has_request_context():
        flask.g.location = f"/wp-json/learnomy/v1{path}"


def cache_control(declared: Endpoint, actor: Actor) -> str:
    """Shared caches keep nothing but what anybody may see, and revalidate that."""
    if declared.is_write or actor is not NOBODY or not declared.rule.is_public:
        return envelope.PRIVATE
    return "public, no-cache"


def _with_effects(declared: Endpoint, result: wordpress.Effects, actor: Actor) -> Response:
    call = calls.current()
    assert call is not None
    answer = _finish(declared, result.answer, actor)
    if site.current().is_embedded:
        db.transaction(lambda: local.perform(result.effects))
        return answer
    call.control = "effect"
    document = {
        "effects": result.effects,
        "answer": {
            "status": answer.status_code,
            "headers": dict(answer.headers),
            "body": orjson.loads(answer.get_data()),
        },
    }
    return envelope.respond(document)
