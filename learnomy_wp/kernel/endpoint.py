"""Endpoints as declarations: `Blueprint.endpoint(...)` is the one decorator.

The declaration (method, path, schemas, rule, limit, caching) is data. It yields the view, the
OpenAPI document, docs/endpoints.md, WordPress's route table and the role matrix of the tests.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

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


@dataclass
class Blueprint:
    """The endpoints of one feature. `group` is the contract's group, and the OpenAPI tag."""

    name: str
    group: str
    namespace: str = NAMESPACE
    views: list[Endpoint] = field(default_factory=list)

    def endpoint(
        self,
        method: str,
        path: str,
        *,
        can: Rule,
        returns: Schema | type[Schema] | None = None,
        query: Schema | type[Schema] | None = None,
        body: Schema | type[Schema] | None = None,
        many: bool = False,
        status: int = 200,
        limit: str | None = None,
        idempotent: bool | None = None,
        cache: Sequence[str] = (),
        filters: Sequence[str] = (),
        payload_filter: str = "",
        query_filter: str = "",
        errors: Sequence[type[ApiError]] = (),
        writes_wordpress: bool = False,
        checks_password: bool = False,
        deadline: str | None = None,
        transactional: bool = True,
        raw: bool = False,
        takes_file: bool = False,
    ) -> Callable[[Body], Body]:
        """Declare an endpoint.

        The function gets, by name, what it asks for of: `actor`, the path's parameters,
        `query` and `body` (validated dicts), `found` (what the rule loaded), and with `takes_file`
        `upload`, the file of a form whose fields are the body (None for a JSON body). It returns a dict,
        a `Page` (with `many=True`), `Effects`, or a Response (with `raw=True`). `cache` names the
        tags that end a kept anonymous answer; `filters` the filters asked within its rule;
        `errors` the refusals it may give beyond the usual ones. A write runs in one unit of work,
        unless `transactional=False` leaves it to the service.
        """
        verb = method.upper()

        def declare(function: Body) -> Body:
            limit_class = limit or ("read" if verb == "GET" else "write")
            payload = (payload_filter,) if payload_filter else ()
            asked = (query_filter,) if query_filter else ()
            declared = Endpoint(
                name=function.__name__,
                method=verb,
                path=path,
                group=self.group,
                rule=can,
                function=function,
                returns=instance(returns),
                query=instance(query),
                body=instance(body),
                status=status,
                limit=limit_class,
                idempotent=(verb == "POST") if idempotent is None else idempotent,
                cache_tags=tuple(cache),
                filters=(*payload, *asked, *filters),
                payload_filter=payload_filter,
                query_filter=query_filter,
                errors=tuple(errors),
                writes_wordpress=writes_wordpress,
                checks_password=checks_password,
                deadline=deadline or ("read" if verb == "GET" else "write"),
                is_transactional=transactional,
                is_list=many,
                is_raw=raw,
                takes_file=takes_file,
                namespace=self.namespace,
            )
            self.add(declared)
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


def endpoint_of(request: flask.Request) -> Endpoint | None:
    """The declaration that serves a request, None where there is none."""
    return ENDPOINTS.get((request.endpoint or "").rpartition(".")[2])
