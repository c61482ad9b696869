"""What health and status give."""

from __future__ import annotations

from marshmallow import fields

from learnomy_wp.kernel.serialize import Out, Time


class CheckOut(Out):
    """One part that must work."""

    name = fields.String(required=True)
    ok = fields.Boolean(required=True)
    message = fields.String(required=True)


class HealthOut(Out):
    """Whether this backend can serve."""

    status = fields.String(required=True, metadata={"description": "ok; what fails answers 503."})
    checks = fields.List(fields.Nested(CheckOut), required=True)
    time = Time(required=True)


class OutboxOut(Out):
    """Events on their way to WordPress."""

    waiting = fields.Integer(required=True)
    oldest_seconds = fields.Integer(required=True, allow_none=True)
    last_fired_at = Time(required=True, allow_none=True)
    skipped = fields.Integer(required=True, metadata={"description": "Rows with a listener that was skipped."})
    repeated = fields.Integer(required=True, metadata={"description": "Rows begun again after a killed process."})


class JobsOut(Out):
    """Long work."""

    queued = fields.Integer(required=True)
    running = fields.Integer(required=True)
    failed = fields.Integer(required=True)


class StatusOut(Out):
    """How this backend is doing."""

    backend_version = fields.String(required=True)
    protocol = fields.Integer(required=True)
    database = fields.String(required=True)
    pending_migrations = fields.List(fields.String(), required=True)
    outbox = fields.Nested(OutboxOut, required=True)
    jobs = fields.Nested(JobsOut, required=True)
    rate_limit_store = fields.String(required=True)
    clock_skew_seconds = fields.Float(required=True, allow_none=True)
    wordpress_needed = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Why the direct and early doors hand over, if they do."},
    )
    record_age_seconds = fields.Integer(required=True, allow_none=True)
