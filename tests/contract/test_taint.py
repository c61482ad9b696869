"""Text of the caller's never becomes SQL: a marked text in every parameter, then a search of what was sent.

The marker is full of what ends strings, comments and parameters. It goes into every query parameter, every text in a
body however deep, text in paths, and every header that is read. No statement may hold it; only bound values may.
"""

from __future__ import annotations

import base64
import copy
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest
from marshmallow import Schema, fields
from sqlalchemy import event

from learnomy_wp import features
from learnomy_wp.kernel import db
from learnomy_wp.kernel.endpoint import ENDPOINTS, NAMESPACE, Endpoint
from tests.client import Api, Session
from tests.contract.test_matrix import ROWS, forget_failures, roll_back, unlimit
from tests.contract.world import World, build

features.blueprints()
CORE = "tAiNtEd"
MARKER = f"{CORE}'\"`);-- /*%s%(x)s:x?{{0}}\\"
BUILT = [declared for declared in ENDPOINTS.values() if declared.namespace == NAMESPACE and declared.is_built]
HEADERS = (
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "X-Request-ID",
    "User-Agent",
    "Accept-Language",
    "X-WP-Nonce",
    "Origin",
    "Referer",
    "X-Real-IP",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Request-Start",
    "X-HTTP-Method-Override",
    "Host",
    "Cookie",
    "Range",
)


@pytest.fixture(scope="module")
def world(api: Api) -> World:
    unlimit(api)
    return build(api)


@contextmanager
def statements(world: World) -> Iterator[list[tuple[str, Any]]]:
    """All that is sent to the database within."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        sent.append((statement, parameters))

    engines = (world.api.runtime.database.read, world.api.runtime.database.write)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


def named(declared: Endpoint) -> str:
    return declared.name


def texts_in(schema: Schema, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Where a body can hold text; `[]` stands for one item of a list."""
    for name, field in schema.load_fields.items():
        yield from _texts_in_field(field, (*path, name))


def _texts_in_field(field: fields.Field[Any], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(field, fields.Nested):
        items = (*path, "[]") if field.many else path
        yield from texts_in(field.schema, items)
    elif isinstance(field, fields.List):
        yield from _texts_in_field(field.inner, (*path, "[]"))
    elif isinstance(field, fields.Dict):
        yield (*path, MARKER)
        yield (*path, "key")
    else:
        yield path


def put(body: Any, path: tuple[str, ...], value: Any) -> Any:
    """A body with a value at a place."""
    if not path:
        return value
    name, rest = path[0], path[1:]
    if name == "[]":
        held = list(body) if isinstance(body, list) else []
        return [put(held[0] if held else None, rest, value), *held[1:]]
    held = dict(body) if isinstance(body, dict) else {}
    return {**held, name: put(held.get(name), rest, value)}


def example(world: World, declared: Endpoint) -> tuple[str, Any]:
    """A path and a body that the endpoint takes, from the matrix."""
    rows = [row for row in ROWS if (row["method"], row["path"]) == (declared.method, declared.contract_path)]
    row = next((row for row in rows if row["admin"][0] == "2"), rows[0])
    path = row["path"]
    for pair in row["object"].split():
        name, _, target = pair.partition("=")
        path = path.replace(f"{{{name}}}", str(world.id(target)))
    body = re.sub(r'"\$([\w.]+)"', lambda match: str(world.id(match[1])), row["body"])
    return path, json.loads(body) if body else None


def check(world: World, session: Session, method: str, path: str, where: str, **options: Any) -> list[str]:
    """What a request with the marker in it does wrong."""
    with statements(world) as sent:
        answer = session.app.test_client(use_cookies=False).open(
            f"/wp-json/learnomy/v1{path}",
            method=method,
            json=options.get("json"),
            headers={**session.headers, **options.get("headers", {})},
        )
    unbound = [statement for statement, _ in sent if CORE in statement]
    return [f"{where}: {statement}" for statement in unbound] + ([f"{where}: 5xx"] if answer.status_code >= 500 else [])


@pytest.mark.parametrize("declared", BUILT, ids=named)
def test_no_text_of_the_callers_becomes_sql(world: World, declared: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    path, body = example(world, declared)
    forget_failures(world)
    monkeypatch.setattr(db, "_attempt", roll_back)
    wrong: list[str] = []
    for role in ("admin", "owner", "guest"):
        session, method = world.sessions[role], declared.method
        for name in (*(declared.query.load_fields if declared.query else ()), "_fields", "_method", CORE):
            tried = f"{path}?{quote(name)}={quote(MARKER)}"
            wrong += check(world, session, method, tried, f"?{name} as {role}", json=body)
        for place in texts_in(declared.body) if declared.body else ():
            tainted = put(copy.deepcopy(body), place, MARKER)
            wrong += check(world, session, method, path, f"{'.'.join(place)} as {role}", json=tainted)
        for at in re.findall(r"\d+", path):
            tried = path.replace(f"/{at}", f"/{quote(MARKER)}", 1)
            wrong += check(world, session, method, tried, f"path as {role}", json=body)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", HEADERS)
def test_no_header_becomes_sql(world: World, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "_attempt", roll_back)
    wrong: list[str] = []
    for declared in BUILT:
        if declared.method in ("GET", "POST"):
            path, body = example(world, declared)
            wrong += check(
                world, world.sessions["owner"], declared.method, path, declared.name, json=body, headers={name: MARKER}
            )
    assert not wrong, "\n".join(wrong)


CREDENTIALS = {
    "bearer": f"Bearer {MARKER}",
    "api key": f"Bearer lrn_{MARKER}",
    "basic": "Basic " + base64.b64encode(f"{MARKER}:{MARKER}".encode()).decode(),
    "basic by address": "Basic " + base64.b64encode(f"{MARKER}@example.test:{MARKER}".encode()).decode(),
    "garbage": MARKER,
    "token": "Bearer " + ".".join(
        base64.urlsafe_b64encode(json.dumps({"kid": f"lrn-{MARKER}", "sub": MARKER, "sid": MARKER}).encode()).decode()
        for _ in range(3)
    ),
}  # fmt: skip


@pytest.mark.parametrize("header", ["Authorization", "X-Learnomy-Authorization"])
@pytest.mark.parametrize("kind", CREDENTIALS)
def test_no_credential_becomes_sql(world: World, header: str, kind: str) -> None:
    session = Session(world.api.app, {header: CREDENTIALS[kind]})
    assert check(world, session, "GET", "/auth/me", kind) == []


def test_what_is_sent_is_bound(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The marker does reach the database, as a value."""
    monkeypatch.setattr(db, "_attempt", roll_back)
    with statements(world) as sent:
        made = world.sessions["owner"].post("/courses", json={"title": MARKER})
        world.sessions["guest"].get(f"/courses?search={CORE}&language={CORE}")
    assert made.data["title"] == MARKER
    assert any(MARKER in str(parameters) or CORE in str(parameters) for _, parameters in sent)


def test_the_search_finds_what_is_not_bound(world: World) -> None:
    """The run itself would notice: a statement that holds the marker is found."""
    from sqlalchemy import text

    with statements(world) as sent, world.api.inside():
        db.value(text(f"SELECT 1 -- {CORE}"))
        db.value(text("SELECT :x"), {"x": CORE})
    assert [CORE in statement for statement, _ in sent if "SELECT" in statement] == [True, False]
