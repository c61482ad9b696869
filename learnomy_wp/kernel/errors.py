"""The errors a client can get: one class per code, catalogued in docs/errors.md.

A feature raises one of these, or declares its own refusals with `refusal()`; the envelope is
made in `envelope.py`. Codes are stable, messages are written for the person who reads them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Detail:
    """One field at fault: its name in the query or body, a code and a message."""

    field: str
    code: str
    message: str


CATALOGUE: dict[str, type[ApiError]] = {}


class ApiError(Exception):
    """Base of every error answer: `status`, `code` and a default `message`."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = ""
    message: ClassVar[str] = ""
    # Decided inside the write's transaction, so the answer is kept for its Idempotency-Key.
    is_refusal: ClassVar[bool] = False

    def __init__(
        self,
        message: str | None = None,
        *,
        details: Sequence[Detail] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message or self.message)
        self.text = message or self.message
        self.details = list(details)
        self.headers = dict(headers or {})

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.code:
            known = CATALOGUE.setdefault(cls.code, cls)
            if known is not cls and known.status == cls.status and known.message != cls.message:
                raise TypeError(f"error code {cls.code} is declared twice")


class BadRequest(ApiError):
    status, code, message = 400, "bad_request", "The request is not one this server can read."


class MalformedJson(ApiError):
    status, code, message = 400, "malformed_json", "The body is not valid JSON."


class Unauthenticated(ApiError):
    status, code, message = 401, "unauthenticated", "Log in, or send a valid token."


class TokenExpired(ApiError):
    status, code, message = 401, "token_expired", "The access token has expired. Refresh it and try again."


class Forbidden(ApiError):
    status, code, message = 403, "forbidden", "You are not allowed to do this."


class NotFound(ApiError):
    status, code, message = 404, "not_found", "There is nothing here."

    def __init__(self, what: str | None = None) -> None:
        super().__init__(f"This {what} does not exist." if what else None)


class MethodNotAllowed(ApiError):
    status, code, message = 405, "method_not_allowed", "This address does not take that method."


class Conflict(ApiError):
    status, code, message = 409, "conflict", "This does not fit the current state."


class PreconditionFailed(ApiError):
    status, code, message = 412, "precondition_failed", "Somebody changed this since you read it. Read it again."


class PayloadTooLarge(ApiError):
    status, code, message = 413, "payload_too_large", "The body is too large."


class UnsupportedMediaType(ApiError):
    status, code, message = 415, "unsupported_media_type", "Send the body as application/json."


class RangeNotSatisfiable(ApiError):
    status, code, message = 416, "range_not_satisfiable", "The file has no such range."


class ValidationFailed(ApiError):
    status, code, message = 422, "validation_failed", "Some fields are not valid."

    @classmethod
    def of(cls, field: str, message: str, code: str = "invalid") -> ValidationFailed:
        """One field at fault."""
        return cls(details=[Detail(field, code, message)])


class RateLimited(ApiError):
    status, code, message = 429, "rate_limited", "Too many requests. Wait a moment and try again."


class InternalError(ApiError):
    status, code, message = 500, "internal_error", "Something went wrong on our side. It has been logged."


class NotBuilt(ApiError):
    status, code, message = 501, "not_built", "This endpoint is declared, but not built yet."


class BackendUnavailable(ApiError):
    status, code, message = 503, "backend_unavailable", "The learning service is not available. Try again shortly."


class BridgeForbidden(ApiError):
    status, code, message = 401, "bridge_forbidden", "The signature of this bridge request is not valid."


class BridgeStale(ApiError):
    status, code, message = 401, "bridge_stale", "This bridge request is too old, or the clocks differ."


class BridgeReplayed(ApiError):
    status, code, message = 401, "bridge_replayed", "This bridge request was already used."


class BridgeProtocol(ApiError):
    status, code, message = 503, "bridge_protocol", "The plugin and the backend speak different protocol versions."


class IdempotencyMismatch(ApiError):
    status, code = 422, "idempotency_mismatch"
    message = "This Idempotency-Key was used with another request."


class IdempotencyInFlight(ApiError):
    status, code = 409, "idempotency_in_flight"
    message = "A request with this Idempotency-Key is still running."


def refusal(code: str, message: str, status: int = 409) -> type[ApiError]:
    """Declare a business refusal: 409, or 403 where the object may be seen but not opened."""
    return type(
        code.title().replace("_", ""),
        (ApiError,),
        {"code": code, "message": message, "status": status, "is_refusal": True, "__doc__": message},
    )
