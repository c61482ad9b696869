"""A job as answers show it."""

from __future__ import annotations

from typing import Any

from marshmallow import fields
from sqlalchemy import bindparam, select

from learnomy_wp.kernel import db, pipeline
from learnomy_wp.kernel.errors import NotFound
from learnomy_wp.kernel.serialize import Out, Time
from wp_schema.tables import jobs

BY_ID = select(
    jobs.c.id,
    jobs.c.owner_id,
    jobs.c.kind,
    jobs.c.state,
    jobs.c.done,
    jobs.c.total,
    jobs.c.report,
    jobs.c.created_at,
    jobs.c.finished_at,
).where(jobs.c.id == bindparam("id"))


class JobOut(Out):
    """Long work: how far it is, and what came of it."""

    id = fields.Integer(required=True)
    job_id = fields.Integer(required=True)
    kind = fields.String(required=True)
    state = fields.String(required=True)
    done = fields.Integer(required=True)
    total = fields.Integer(required=True)
    report = fields.Dict(required=True, allow_none=True)
    created_at = Time(required=True)
    finished_at = Time(required=True, allow_none=True)


def find_job(job_id: int) -> dict[str, Any]:
    """The job's row. Raises `NotFound`."""
    found = db.row(BY_ID, {"id": job_id})
    if found is None:
        raise NotFound("job")
    return {**found, "job_id": found["id"], "report": found["report"] or None}


def started(job_id: int) -> dict[str, Any]:
    """The answer of a call that has just enqueued a job: the job, and its place as `Location`."""
    pipeline.locate(f"/jobs/{job_id}")
    return find_job(job_id)
