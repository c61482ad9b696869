"""Endpoints that only the tests of the kernel know, on the real application: one for each thing the kernel does.

`probe_api` gives the application with them on SQLite, on MariaDB, and on MariaDB with Redis.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from marshmallow import fields, validate
from sqlalchemy import select

from learnomy_wp.kernel import clock, db, events, pipeline, wordpress
from learnomy_wp.kernel.endpoint import ENDPOINTS, Blueprint
from learnomy_wp.kernel.errors import CATALOGUE, Conflict, Forbidden, NotFound, ValidationFailed, refusal
from learnomy_wp.kernel.events import EVENTS, Event
from learnomy_wp.kernel.hooks import FILTERS, Filter
from learnomy_wp.kernel.page import Filter as ListFilter
from learnomy_wp.kernel.page import Listing, Page, PageQuery, Sort
from learnomy_wp.kernel.policy import ANY, MANAGER, PUBLIC, USER, open_object
from learnomy_wp.kernel.serialize import Id, In, Out, Time
from tests.client import Api, make_api
from wp_schema.tables import activity

PROBE_FULL = refusal("probe_full", "Nothing more fits in.")
PRICE = Filter("learnomy_probe_price", "A price.", ("course_id",), result=int)
TITLE = Filter("learnomy_probe_title", "A title.", (), result=str)


@dataclass
class Switches:
    """How the probe behaves; each test sets what it needs."""

    runs: int = 0
    hidden: bool = False
    barrier: threading.Barrier | None = None
    held: threading.Event | None = None
    entered: threading.Event = field(default_factory=threading.Event)
    questions: int = 1
    seen: list[Any] = field(default_factory=list)

    def reset(self) -> None:
        """As they are at first."""
        self.__dict__.update(Switches().__dict__)


SWITCHES = Switches()


@dataclass(frozen=True)
class ProbeDone(Event):
    """Something was done."""

    topic: ClassVar[str] = "probe.done"
    action: ClassVar[str] = "learnomy_probe_done"
    arguments: ClassVar[tuple[str, ...]] = ("thing_id", "name")
    aggregate: ClassVar[str] = "thing:{thing_id}"
    about: ClassVar[tuple[str, str]] = ("thing", "thing_id")
    tags: ClassVar[tuple[str, ...]] = ("probe",)

    thing_id: int
    name: str


# The documents that are generated from these registries must not know the probe.
for registry, registered in (
    (EVENTS, "probe.done"),
    (CATALOGUE, "probe_full"),
    (FILTERS, PRICE.name),
    (FILTERS, TITLE.name),
):
    registry.pop(registered)  # type: ignore[attr-defined]


class InnerIn(In):
    """Something within the body."""

    user_id = Id(required=True)
    label = fields.String(validate=validate.Length(1, 20))


class ThingIn(In):
    """A body with every kind of field."""

    name = fields.String(required=True, validate=validate.Length(1, 50))
    mode = fields.String(load_default="ok", validate=validate.Length(max=20))
    count = fields.Integer(strict=True, validate=validate.Range(0, 100))
    is_open = fields.Boolean()
    starts_at = Time()
    inner = fields.Nested(InnerIn)
    many = fields.List(fields.Nested(InnerIn), validate=validate.Length(max=5))
    ids = fields.List(Id(), validate=validate.Length(max=5))
    extra = fields.Dict(keys=fields.String(validate=validate.Length(max=10)), values=fields.String())


class ThingOut(Out):
    """What was made."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    inner = fields.Dict(dump_default=None)
    at = Time(required=True)


class ListOut(Out):
    """A line of the activity."""

    id = fields.Integer(required=True)
    event = fields.String(required=True)
    object_id = fields.Integer(required=True)


THINGS = Listing(
    select(activity.c.id, activity.c.event, activity.c.object_id).where(activity.c.object_type == "listed"),
    table=activity,
    key=activity.c.id,
    default="-id",
    sorts={
        "-id": Sort(activity.c.id, descending=True),
        "event": Sort(activity.c.event),
        "-at": Sort(activity.c.at, descending=True),
    },
    filters={
        "event": ListFilter(lambda value: activity.c.event == value),
        "ids": ListFilter(lambda value: activity.c.id.in_(value), many=True),
    },
)


class ListQuery(PageQuery):
    """Which lines."""

    event = fields.String(validate=validate.Length(max=60))
    sort = THINGS.sort_field()


def _visible(_actor: Any, params: Any) -> Any:
    if SWITCHES.hidden:
        raise NotFound("thing")
    return {"id": params["id"], "version": 3}


VISIBLE = open_object("probe", _visible)


def blueprint() -> Blueprint:
    """The probe's endpoints."""
    bp = Blueprint("probe", group="probe")

    @bp.endpoint("post", "/probe/things", can=USER, body=ThingIn, returns=ThingOut, status=201, errors=(PROBE_FULL,))
    def create_probe_thing(actor: Any, body: dict[str, Any]) -> Any:
        """Make a thing, in the way that `mode` says."""
        made = _do(actor, body, 7)
        is_effect = body["mode"] == "effect"
        return wordpress.Effects([{"kind": "update_settings", "settings": {}}], made) if is_effect else made

    @bp.endpoint("post", "/probe/things/<int:id>/touch", can=VISIBLE, body=ThingIn, returns=ThingOut)
    def touch_probe_thing(actor: Any, id: int, body: dict[str, Any]) -> dict[str, Any]:
        """Touch a thing that may be out of sight."""
        return _do(actor, body, id)

    @bp.endpoint("patch", "/probe/things/<int:id>", can=VISIBLE, body=ThingIn, returns=ThingOut)
    def update_probe_thing(actor: Any, id: int, found: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
        """Change version 3 of a thing."""
        pipeline.check_version(found["version"])
        return {**_do(actor, body, id), "version": 4}

    @bp.endpoint("delete", "/probe/things/<int:id>", can=MANAGER, returns=ThingOut)
    def delete_probe_thing(actor: Any, id: int) -> dict[str, Any]:
        """Delete a thing."""
        return {"id": id, "name": "", "at": clock.now()}

    @bp.endpoint("get", "/probe/things/<int:id>", can=PUBLIC, returns=ThingOut, cache=("probe",))
    def get_probe_thing(id: int) -> dict[str, Any]:
        """Read a thing; anybody may."""
        SWITCHES.runs += 1
        return {
            "id": id,
            "name": f"run {SWITCHES.runs}",
            "inner": {"a": 1, "b": {"c": 2}},
            "at": clock.now(),
            "version": 3,
        }

    @bp.endpoint("get", "/probe/still/<int:id>", can=ANY, returns=ThingOut)
    def get_probe_still(id: int) -> dict[str, Any]:
        """Read a thing that never changes."""
        return {"id": id, "name": "still", "at": STILL, "version": 3, "inner": {"a": 1, "b": {"c": 2}}}

    @bp.endpoint("get", "/probe/things", can=PUBLIC, query=ListQuery, returns=ListOut, many=True)
    def list_probe_things(actor: Any, query: dict[str, Any]) -> Page:
        """List lines."""
        return THINGS.page(query, owner=actor.id)

    @bp.endpoint("get", "/probe/limited", can=ANY, returns=ThingOut, limit="verify")
    def get_probe_limited(actor: Any) -> dict[str, Any]:
        """Read something that is limited."""
        if actor.is_logged_in and actor.login == "student3":
            raise Forbidden
        return {"id": 1, "name": "", "at": clock.now()}

    @bp.endpoint("get", "/probe/asked", can=ANY, returns=ThingOut, limit="verify", filters=(PRICE.name,))
    def get_probe_asked() -> dict[str, Any]:
        """Ask WordPress, one question after the other."""
        price = 10
        for _ in range(SWITCHES.questions):
            price = PRICE(price, 5)
        return {"id": price, "name": "asked", "at": clock.now()}

    return bp


STILL = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _do(actor: Any, body: dict[str, Any], thing_id: int) -> dict[str, Any]:
    SWITCHES.runs += 1
    SWITCHES.seen.append(body)
    held = SWITCHES.held
    SWITCHES.entered.set()
    if SWITCHES.barrier is not None:
        SWITCHES.barrier.wait(10)
    mode = body.get("mode", "ok")
    if mode == "asks":
        body = {**body, "name": TITLE(body["name"])}
    if mode == "needs":
        raise wordpress.WordPressNeeded("the probe wants it")
    events.emit(ProbeDone(thing_id=thing_id, name=body["name"]), actor_id=actor.id)
    if held is not None:
        held.wait(10)
    if mode == "full":
        raise PROBE_FULL
    if mode == "conflict":
        raise Conflict
    if mode == "invalid":
        raise ValidationFailed.of("inner.user_id", "There is no such user.", "unknown")
    if mode == "crash":
        raise RuntimeError("the probe crashed")
    pipeline.locate(f"/probe/things/{thing_id}")
    return {"id": thing_id, "name": body["name"], "at": clock.now()}


def effects(api: Api, name: str) -> int:
    """How many things of a name were really made."""
    with api.inside():
        done = db.values(select(activity.c.summary).where(activity.c.event == "probe.done"))
    return sum(summary["name"] == name for summary in done)


@contextmanager
def probed(url: str, folder: Path, **changes: Any) -> Iterator[Api]:
    """The application with the probe's endpoints."""
    before = dict(ENDPOINTS)
    EVENTS[ProbeDone.topic] = ProbeDone
    api = make_api(url, folder, **changes)
    api.app.extensions["learnomy_api"].register_blueprint(blueprint().build())
    try:
        yield api
    finally:
        ENDPOINTS.clear()
        ENDPOINTS.update(before)
        EVENTS.pop(ProbeDone.topic)
        api.runtime.database.dispose()
