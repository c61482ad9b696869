"""The rounds of one request: handing over to WordPress, asking it, and going on with its answers.

What the first round fixed (its time, limits charged, the idempotency lease) travels in an
opaque signed token, so that the rounds count as one request.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

import orjson
from flask import Response

from learnomy_wp.kernel import clock, envelope, site
from learnomy_wp.kernel.call import Call
from learnomy_wp.kernel.errors import BadRequest
from learnomy_wp.kernel.wordpress import Question

ROUND_TYPE = "application/vnd.learnomy.round+json"


def hand_over(call: Call, reason: str) -> Response:
    """Nothing has been done: a loaded WordPress must serve this."""
    call.control = "handover"
    response = Response(b"", status=200, content_type="text/plain; charset=utf-8")
    response.headers["X-Learnomy-Reason"] = reason.encode("ascii", "replace").decode()
    if not call.signed:
        # nginx would carry a Cache-Control of ours over to WordPress's own answer, so there is none.
        response.headers["X-Accel-Redirect"] = "@wordpress"
    return response


def ask(call: Call, questions: Sequence[Question]) -> Response:
    """End this round with questions; the same request comes again with the answers."""
    call.control = "ask"
    state = {
        "n": call.round_number + 1,
        "at": clock.now().isoformat(),
        "state": call.round_state,
        "answers": call.answers,
        "of": _identity(call, call.body_digest),
    }
    packed = orjson.dumps(state)
    token = base64.b64encode(_mac(packed) + packed).decode()
    return envelope.respond({"round": token, "asks": [question.to_json() for question in questions]})


def resume(call: Call) -> datetime | None:
    """Unwrap a later round in place: the original body, the answers so far. Gives the fixed time."""
    if not call.has_wordpress or call.content_type != ROUND_TYPE:
        return None
    try:
        wrapped = orjson.loads(call.body)
        data = base64.b64decode(wrapped["round"])
        mac, packed = data[:32], data[32:]
        body = base64.b64decode(wrapped["body"])
        content_type = str(wrapped["content_type"])
        answers = dict(wrapped["answers"])
    except (ValueError, KeyError, TypeError):
        raise BadRequest("This round cannot be read.") from None
    if not hmac.compare_digest(mac, _mac(packed)):
        raise BadRequest("This round was not begun here.")
    state = orjson.loads(packed)
    if state["of"] != _identity(call, hashlib.sha256(body).hexdigest()):
        raise BadRequest("This round belongs to another request.")
    call.body, call.content_type = body, content_type
    call.round_number, call.round_state = state["n"], state["state"]
    call.answers = {**state["answers"], **answers}
    return datetime.fromisoformat(state["at"])


def _identity(call: Call, body_digest: str) -> str:
    from flask import request

    caller = f"{call.blog_id}|{call.asserted_user}|{call.authorization}"
    facts = f"{caller}|{request.method}|{request.full_path}|{body_digest}"
    return hashlib.sha256(facts.encode("utf-8", "surrogatepass")).hexdigest()


def _mac(packed: bytes) -> bytes:
    return hmac.new(site.current().key("response"), b"round" + packed, hashlib.sha256).digest()
