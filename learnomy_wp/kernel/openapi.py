"""The OpenAPI 3.1 operation of each declaration, and the document of the namespace."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from marshmallow import Schema, fields

from learnomy_wp.kernel import uploads
from learnomy_wp.kernel.endpoint import Endpoint
from learnomy_wp.kernel.errors import (
    ApiError,
    Forbidden,
    IdempotencyInFlight,
    MalformedJson,
    NotBuilt,
    NotFound,
    PayloadTooLarge,
    PreconditionFailed,
    RateLimited,
    Unauthenticated,
    UnsupportedMediaType,
    ValidationFailed,
)
from learnomy_wp.version import VERSION

SETTINGS = {
    "API_TITLE": "Learnomy",
    "API_VERSION": "v1",
    "OPENAPI_VERSION": "3.1.0",
}
SPEC_OPTIONS = {
    "info": {
        "description": "Courses, enrolments, progress and the rest of a school on WordPress.",
        "license": {"name": "GPL-2.0-or-later", "identifier": "GPL-2.0-or-later"},
        "version": VERSION,
    },
    "components": {
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer", "description": "An access token, or an API key (`lrn_`)."},
            "applicationPassword": {
                "type": "http",
                "scheme": "basic",
                "description": "A WordPress Application Password.",
            },
            "cookie": {
                "type": "apiKey",
                "in": "header",
                "name": "X-WP-Nonce",
                "description": "Login cookie and nonce.",
            },
        }
    },
}
SECURITY: list[dict[str, list[str]]] = [{"bearer": []}, {"applicationPassword": []}, {"cookie": []}]


class DetailOut(Schema):
    field = fields.String(required=True)
    code = fields.String(required=True)
    message = fields.String(required=True)


class ErrorOut(Schema):
    code = fields.String(required=True)
    message = fields.String(required=True)
    details = fields.List(fields.Nested(DetailOut), required=True)
    request_id = fields.String(required=True)


class ErrorEnvelope(Schema):
    error = fields.Nested(ErrorOut, required=True)


class MetaOut(Schema):
    total = fields.Integer(required=True, metadata={"description": "Exact number of rows in the list."})
    cursor_next = fields.String(required=True, allow_none=True, metadata={"description": "Cursor of the next page."})


def operation(declared: Endpoint) -> dict[str, Any]:
    """What is documented of one endpoint."""
    documented: dict[str, Any] = {
        "operationId": declared.name,
        "tags": [declared.group],
        "summary": declared.summary,
        "responses": _responses(declared),
        "x-rule": declared.rule.name,
        "x-limit": declared.limit,
        "security": [{}, *SECURITY] if declared.rule.is_open else SECURITY,
    }
    if declared.description:
        documented["description"] = declared.description
    if not declared.is_built:
        documented["x-not-built"] = True
    parameters = _parameters(declared)
    if parameters:
        documented["parameters"] = parameters
    if declared.body is not None:
        documented["requestBody"] = {
            "required": any(field.required for field in declared.body.load_fields.values()),
            "content": _contents(declared.body, takes_file=declared.takes_file),
        }
    return documented


def _contents(body: Schema, *, takes_file: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"application/json": {"schema": body}}
    if takes_file:
        file = {"type": "object", "properties": {uploads.FIELD: {"type": "string", "format": "binary"}}}
        found[uploads.FORM] = {"schema": {"allOf": [body, file]}}
    return found


def _parameters(declared: Endpoint) -> list[Any]:
    found: list[Any] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "integer", "minimum": 1} if kind == "int:" else {"type": "string"},
        }
        for kind, name in re.findall(r"<(\w+:)?(\w+)>", declared.path)
    ]
    if declared.query is not None:
        found.append({"in": "query", "schema": declared.query})
    if not declared.is_raw:
        found.append(
            {
                "name": "_fields",
                "in": "query",
                "schema": {"type": "string"},
                "description": "Only these fields of `data`, comma-separated, dotted for nested ones.",
            }
        )
    if declared.idempotent and declared.is_write:
        found.append({"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 255}})
    return found


def _responses(declared: Endpoint) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if declared.is_built:
        success: dict[str, Any] = {"description": declared.summary or "Done."}
        if declared.returns is not None:
            success["content"] = {"application/json": {"schema": _envelope(type(declared.returns), declared.is_list)}}
        found[str(declared.status)] = success
    by_status: dict[int, list[type[ApiError]]] = {}
    for error in usual_errors(declared):
        by_status.setdefault(error.status, []).append(error)
    for status, errors in sorted(by_status.items()):
        found[str(status)] = {
            "description": "; ".join(f"`{error.code}`: {error.message}" for error in errors),
            "content": {"application/json": {"schema": ErrorEnvelope}},
        }
    return found


def usual_errors(declared: Endpoint) -> list[type[ApiError]]:
    """Every error this endpoint may answer with."""
    if not declared.is_built:
        return [NotBuilt, Unauthenticated]
    errors: list[type[ApiError]] = [Unauthenticated]
    if not declared.rule.is_public:
        errors.append(Forbidden)
    if "<" in declared.path or not declared.rule.is_open:
        errors.append(NotFound)
    if declared.query is not None or declared.body is not None:
        errors.append(ValidationFailed)
    if declared.is_write:
        errors += [MalformedJson, PayloadTooLarge, UnsupportedMediaType]
        if declared.method in ("PATCH", "PUT"):
            errors.append(PreconditionFailed)
        if declared.idempotent:
            errors.append(IdempotencyInFlight)
    if declared.limit != "none":
        errors.append(RateLimited)
    return [*errors, *declared.errors]


@cache
def _envelope(schema: type[Schema], is_list: bool) -> type[Schema]:
    name = schema.__name__.removesuffix("Out")
    if is_list:
        return type(
            f"{name}ListEnvelope",
            (Schema,),
            {
                "data": fields.List(fields.Nested(schema), required=True),
                "meta": fields.Nested(MetaOut, required=True),
            },
        )
    return type(f"{name}Envelope", (Schema,), {"data": fields.Nested(schema, required=True)})
