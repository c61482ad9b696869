"""Endpoints as declarations: `Blueprint.endpoint(...)` is the one decorator.

The declaration (method, path, schemas, rule, limit, caching) is data. It yields the view, the
OpenAPI document, docs/endpoints.md, WordPress's route table and the role matrix of the tests.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypedDict, Unpack

import flask
from flask_smorest import Blueprint as SmorestBlueprint
from marshmallow import Schema

from learnomy_wp.kernel.errors import ApiError
from learnomy_wp.kernel.policy import Rule
from learnomy_wp.kernel.serialize import Dump, compile_dump

NAMESPACE = "learnomy/v1"
Body = Callable[..., Any]


@dataclass(frozen=True)
class Endpoint:
    """One method and path of the API, and all that is declared of it."""

    name: str
    method: str
    path: str
    group: str
    rule: Rule
    function: Body
    returns: Schema | None = None
    query: Schema | None = None
    body: Schema | None = None
    status: int = 200
    limit: str = "read"
    idempotent: bool = False
    cache_tags: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    payload_filter: str = ""
    query_filter: str = ""
    errors: tuple[type[ApiError], ...] = ()
    writes_wordpress: bool = False
    checks_password: bool = False
    deadline: str = "read"
    is_transactional: bool = True
    is_list: bool = False
    is_raw: bool = False
    takes_file: bool = False
    is_built: bool = True
    namespace: str = NAMESPACE

    @property
    def contract_path(self) -> str:
        """The path as the contract writes it: `/courses/{id}/enroll`."""
        return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", self.path)

    @property
    def is_write(self) -> bool:
        return self.method != "GET"

    @cached_property
    def dump(self) -> Dump | None:
        return compile_dump(self.returns) if self.returns is not None else None

    @cached_property
    def read_parameters(self) -> frozenset[str]:
        """What of the query string has a say in the answer."""
        return frozenset({"_fields", "_fields[]", *(self.query.fields if self.query else ())})

    @cached_property
    def takes(self) -> frozenset[str]:
        return frozenset(inspect.signature(self.function).parameters)

    @cached_property
    def summary(self) -> str:
        """The first line of the docstring."""
        return (inspect.getdoc(self.function) or "").split("\n")[0]

    @cached_property
    def description(self) -> str:
        """The docstring after its first line."""
        return (inspect.getdoc(self.function) or "").partition("\n")[2].strip()


# Every declared endpoint, by name, in the order of declaration.
ENDPOINTS: dict[str, Endpoint] = {}


def instance(schema: Schema | type[Schema] | None) -> Schema | None:
    """Schemas are instances: a class would be built anew at every request."""
    return schema() if isinstance(schema, type) else schema


SchemaLike = Schema | type[Schema] | None


class Options(TypedDict, total=False):
    """What may be declared of an endpoint beside its method, path and rule."""

    returns: SchemaLike  # what it answers, of each row where there are many
    query: SchemaLike
    body: SchemaLike
    many: bool  # it is a list
    status: int  # of a good answer (200)
    limit: str | None  # its class of rate limits: read or write, as the method is
    idempotent: bool | None  # whether an Idempotency-Key is taken: POST is
    cache: Sequence[str]  # the tags that end a kept anonymous answer
    filters: Sequence[str]  # those asked within its rule
    payload_filter: str
    query_filter: str
    errors: Sequence[type[ApiError]]  # the refusals it may give beyond the usual ones
    writes_wordpress: bool
    checks_password: bool
    deadline: str | None  # how long the plugin waits: read or write, as the method is
    transactional: bool  # a write runs in one unit of work, unless False leaves it to the service
    raw: bool
    takes_file: bool


# Options that are facts of the endpoint as they are given.
_PLAIN = ("status", "payload_filter", "query_filter", "writes_wordpress", "checks_password", "takes_file")


@dataclass
class Blueprint:
    """The endpoints of one feature. `group` is the contract's group, and the OpenAPI tag."""

    name: str
    group: str
    namespace: str = NAMESPACE
    views: list[Endpoint] = field(default_factory=list)

    def endpoint(self, method: str, path: str, *, can: Rule, **options: Unpack[Options]) -> Callable[[Body], Body]:
        """Declare an endpoint by the function that serves it.

        The function gets, by name, what it asks for of: `actor`, the path's parameters,
        `query` and `body` (validated dicts), `found` (what the rule loaded), and with `takes_file`
        `upload`, the file of a form whose fields are the body (None for a JSON body). It returns a dict,
        a `Page` (with `many=True`), `Effects`, or a Response (with `raw=True`).
        """

        def declare(function: Body) -> Body:
            self.add(_declared(self, method.upper(), path, can, function, options))
            return function

        return declare

    def add(self, declared: Endpoint) -> None:
        """Register a ready declaration."""
        known = ENDPOINTS.setdefault(declared.name, declared)
        if known is not declared and known.function is not declared.function:
            raise TypeError(f"endpoint name {declared.name} is taken")
        self.views.append(declared)

    def build(self) -> SmorestBlueprint:
        """The flask-smorest blueprint that serves and documents the endpoints."""
        from learnomy_wp.kernel import openapi, pipeline

        blueprint = SmorestBlueprint(
            self.name, self.name, url_prefix=f"/wp-json/{self.namespace}", description=self.group
        )
        for declared in self.views:
            view = pipeline.view(declared)
            documented = blueprint.doc(**openapi.operation(declared))(view)
            blueprint.route(declared.path, methods=[declared.method], endpoint=declared.name)(documented)
        return blueprint


def _declared(
    blueprint: Blueprint, verb: str, path: str, rule: Rule, function: Body, options: Mapping[str, Any]
) -> Endpoint:
    kind = "read" if verb == "GET" else "write"
    idempotent = options.get("idempotent")
    around = [options[name] for name in ("payload_filter", "query_filter") if options.get(name)]
    plain = {name: options[name] for name in _PLAIN if name in options}
    return Endpoint(
        name=function.__name__,
        method=verb,
        path=path,
        group=blueprint.group,
        rule=rule,
        function=function,
        returns=instance(options.get("returns")),
        query=instance(options.get("query")),
        body=instance(options.get("body")),
        limit=options.get("limit") or kind,
        idempotent=(verb == "POST") if idempotent is None else idempotent,
        cache_tags=tuple(options.get("cache", ())),
        filters=(*around, *options.get("filters", ())),
        errors=tuple(options.get("errors", ())),
        deadline=options.get("deadline") or kind,
        is_transactional=options.get("transactional", True),
        is_list=options.get("many", False),
        is_raw=options.get("raw", False),
        namespace=blueprint.namespace,
        **plain,
    )


def endpoint_of(request: flask.Request) -> Endpoint | None:
    """The declaration that serves a request, None where there is none."""
    return ENDPOINTS.get((request.endpoint or "").rpartition(".")[2])
