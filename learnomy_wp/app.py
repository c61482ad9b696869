"""The Flask application: builds the kernel and registers the features, in order."""

from __future__ import annotations

import os
import time
from typing import Any

import flask
from flask import Flask, Response, request
from flask_smorest import Api
from redis import RedisError
from werkzeug.exceptions import HTTPException

from learnomy_wp import features
from learnomy_wp.config import Config
from learnomy_wp.kernel import bridge, clock, db, envelope, errors, log, metrics, openapi, page, rounds
from learnomy_wp.kernel import call as calls
from learnomy_wp.kernel.call import Call
from learnomy_wp.kernel.runtime import Runtime, start
from learnomy_wp.kernel.wordpress import WordPressNeeded
from learnomy_wp.kernel.wsgi import IdConverter, Middleware

CORS = {
    "Access-Control-Allow-Methods": "OPTIONS, GET, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Expose-Headers": "X-WP-Total, X-WP-TotalPages, Link, ETag, Location, Retry-After, "
    "RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, X-Request-ID, Idempotency-Replayed",
    "Access-Control-Allow-Headers": "Authorization, X-WP-Nonce, Content-Disposition, Content-MD5, Content-Type, "
    "Idempotency-Key, If-Match, If-None-Match, X-Learnomy-Authorization, X-Request-ID",
}
_BY_STATUS = {
    400: errors.BadRequest,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    413: errors.PayloadTooLarge,
    415: errors.UnsupportedMediaType,
    416: errors.RangeNotSatisfiable,
}


class EnvelopeApi(Api):  # type: ignore[misc]
    """flask-smorest with this API's own error answers."""

    def handle_http_exception(self, error: HTTPException) -> Response:
        return _answer_error(error)


def create_app(config: Config | None = None) -> Flask:
    """The application over one site. Raises `ConfigError` where it must not boot."""
    runtime = start(config or Config.load(os.environ))
    app = Flask("learnomy_wp", static_folder=None)
    app.config.update(openapi.SETTINGS, MAX_CONTENT_LENGTH=bridge.MAX_BODY_BYTES)
    app.extensions["learnomy"] = runtime
    app.url_map.converters["int"] = IdConverter
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    api = EnvelopeApi(app, spec_kwargs=openapi.SPEC_OPTIONS)
    for blueprint in features.blueprints():
        api.register_blueprint(blueprint.build())
    app.extensions["learnomy_api"] = api
    app.register_blueprint(bridge.blueprint)
    app.add_url_rule("/metrics", "metrics", _metrics)
    _add_handlers(app, runtime)
    app.wsgi_app = Middleware(app.wsgi_app)  # type: ignore[method-assign]
    return app


def _metrics() -> Response:
    """Prometheus's own address; web servers pass only `/wp-json/learnomy*` on."""
    body, content_type = metrics.exposition()
    return Response(body, content_type=content_type)


def _add_handlers(app: Flask, runtime: Runtime) -> None:
    page.use_cursor_key(runtime.site.cursor_key)

    @app.before_request
    def begin() -> Response | None:
        flask.g.began = time.perf_counter()
        stack = flask.g.stack = runtime.request_stack()
        call = flask.g.call = Call(request_id=bridge.request_id_of(request))
        stack.callback(call.close)
        try:
            bridge.receive(call, request)
        except WordPressNeeded as needed:
            return rounds.hand_over(call, needed.reason)
        flask.g.began = log.begin(request_id=call.request_id, door=call.door)
        stack.enter_context(calls.serving(call))
        stack.enter_context(db.blog(call.blog_id))
        db.set_deadline(bridge.deadline_of(call, request))
        stack.enter_context(clock.fixed(rounds.resume(call)))
        if len(call.body) > bridge.MAX_BODY_BYTES and not bridge.brings_file(call, request):
            raise errors.PayloadTooLarge
        return None

    @app.after_request
    def finish(response: Response) -> Response:
        call: Call = flask.g.call
        response.headers["X-Request-ID"] = call.request_id
        _add_cors(response)
        if call.signed:
            purpose = "pair-response" if request.path == bridge.PREFIX + "pair" else "response"
            bridge.seal(call, response, purpose=purpose)
        if runtime.config.server_timing:
            response.headers["Server-Timing"] = f'db;desc="{db.query_count()}"'
        name = call.endpoint_name or "none"
        seconds = log.finish(name, response.status_code, flask.g.began, method=request.method)
        metrics.observe_request(name, call.door, response.status_code, seconds)
        return response

    @app.teardown_request
    def end(_error: BaseException | None) -> None:
        stack = flask.g.pop("stack", None)
        if stack is not None:
            stack.close()

    app.register_error_handler(Exception, _answer_error)


def _answer_error(error: Exception) -> Response:
    return envelope.error_response(_translate(error), flask.g.call.request_id)


def _translate(error: Exception) -> errors.ApiError:
    if isinstance(error, errors.ApiError):
        return error
    if isinstance(error, HTTPException):
        known = _BY_STATUS.get(error.code or 500)
        if known is not None:
            return known(headers=_allow_header(error)) if known is errors.MethodNotAllowed else known()
    if isinstance(error, db.DeadlinePassed):
        return errors.BackendUnavailable("This took too long; nothing was changed. Try again.")
    if db.is_unavailable(error) or isinstance(error, RedisError):
        return errors.BackendUnavailable(headers={"Retry-After": "5"})
    log.get().exception("unhandled_error", error=type(error).__name__)
    return errors.InternalError()


def _allow_header(error: HTTPException) -> dict[str, str]:
    methods: Any = getattr(error, "valid_methods", None)
    return {"Allow": ", ".join(sorted(methods))} if methods else {}


def _add_cors(response: Response) -> None:
    origin = request.headers.get("Origin")
    if origin:
        response.headers["Access-Control-Allow-Origin"] = origin if origin != "null" else "null"
        response.headers.extend(CORS)
    response.headers.add("Vary", "Origin, Authorization, X-Learnomy-Authorization, Cookie")
    response.headers["X-Content-Type-Options"] = "nosniff"
