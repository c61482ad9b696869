"""Who gets which answer from which endpoint on which object: every cell is decided in matrix.tsv.

The table says what the contract wants, not what the code does. A built endpoint without rows, an id in a body
that no row tries with somebody else's object, or an empty cell fails. Each request runs in a transaction that is
rolled back, so that no cell changes the school for another.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from marshmallow import Schema, fields
from sqlalchemy import delete

from learnomy_wp import features
from learnomy_wp.kernel import db, local, site
from learnomy_wp.kernel.endpoint import ENDPOINTS, NAMESPACE, Endpoint
from learnomy_wp.kernel.serialize import Id
from tests.client import Api, Session, make_api
from tests.contract.world import ROLES, World, build
from wp_schema.tables import expiring_keys

features.blueprints()
HERE = Path(__file__).parent
Row = dict[str, str]
LINES = (HERE / "matrix.tsv").read_text().splitlines()
ROWS: list[Row] = list(csv.DictReader(LINES, delimiter="\t", quoting=csv.QUOTE_NONE))
BUILT = [declared for declared in ENDPOINTS.values() if declared.namespace == NAMESPACE and declared.is_built]
# Fields that name objects, by ids or otherwise.
NAMING = ("id", "ids", "categories", "tags")
CELL = re.compile(r"[2-5]\d\d( [a-z_]+)?")


def rows_of(declared: Endpoint) -> list[Row]:
    return [row for row in ROWS if (row["method"], row["path"]) == (declared.method, declared.contract_path)]


def named(value: Any) -> str:
    return value.name if isinstance(value, Endpoint) else ""


# --- the table is whole ------------------------------------------------------------------


def test_every_cell_is_decided() -> None:
    assert set(ROWS[0]) == {"method", "path", "object", "query", "body", *ROLES}
    for number, row in enumerate(ROWS, start=2):
        for role in ROLES:
            assert CELL.fullmatch(row[role] or ""), f"line {number}: {row['method']} {row['path']}: {role} is undecided"


def test_no_row_is_of_an_endpoint_that_is_not_built() -> None:
    built = {(declared.method, declared.contract_path) for declared in BUILT}
    assert {(row["method"], row["path"]) for row in ROWS} - built == set()


def test_no_row_stands_twice() -> None:
    seen = [tuple(row[name] for name in ("method", "path", "object", "query", "body")) for row in ROWS]
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("declared", BUILT, ids=named)
def test_every_built_endpoint_has_rows(declared: Endpoint) -> None:
    assert rows_of(declared), f"{declared.method} {declared.contract_path} has no row in matrix.tsv"


@pytest.mark.parametrize("declared", [each for each in BUILT if "{" in each.contract_path], ids=named)
def test_an_object_in_a_path_is_tried_as_own_foreign_and_absent(declared: Endpoint) -> None:
    tried = {pair.partition("=")[2] for row in rows_of(declared) for pair in row["object"].split()}
    assert "absent" in tried
    if declared.rule.name not in ("manage", "user"):
        assert any(name[0] in "FG" for name in tried), "nobody else's object is tried"
        assert any(name[0] in "DNVAX" or name.startswith("P.draft") for name in tried), "no unpublished one is tried"


def ids_in(schema: Schema, prefix: str = "") -> Iterator[str]:
    """The fields of a body that name objects."""
    for name, field in schema.load_fields.items():
        yield from _ids_in_field(f"{prefix}{name}", name, field)


def _ids_in_field(path: str, name: str, field: fields.Field[Any]) -> Iterator[str]:
    if isinstance(field, fields.Nested):
        yield from ids_in(field.schema, f"{path}.")
    elif isinstance(field, fields.List):
        yield from _ids_in_field(path, name, field.inner)
    elif isinstance(field, Id) or name in NAMING or name.endswith("_id"):
        yield path


def objects_in(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Which objects a row's body names, and where."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from objects_in(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for inner in value:
            yield from objects_in(inner, path)
    elif isinstance(value, str) and value.startswith("$"):
        yield path, value[1:]


@pytest.mark.parametrize("declared", [each for each in BUILT if each.body is not None], ids=named)
def test_an_id_in_a_body_is_tried_with_what_is_not_ones_own(declared: Endpoint) -> None:
    assert declared.body is not None
    tried: dict[str, set[str]] = {}
    for row in rows_of(declared):
        for path, name in objects_in(json.loads(row["body"] or "{}")):
            tried.setdefault(path, set()).add(name)
    for path in ids_in(declared.body):
        foreign = {name for name in tried.get(path, ()) if name == "absent" or name[0] in "FG"}
        assert foreign, f"{declared.method} {declared.contract_path}: no row puts somebody else's id into {path}"


# --- the code is as the table ------------------------------------------------------------


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("matrix")
    api = make_api(f"sqlite:///{folder / 'site.sqlite3'}", folder)
    unlimit(api)
    yield build(api)
    api.runtime.database.dispose()


def unlimit(api: Api) -> None:
    with api.inside():
        db.transaction(
            lambda: local.set_option("learnomy_settings", {"limits": {"login": 100_000}, "review_min_progress": 0})
        )
        site.current().forget_record()


def roll_back(work: Any) -> Any:
    """A unit of work as it is, but for its end."""
    with db.current().write.connect() as connection:
        transaction = connection.begin()
        token = db._unit.set(db._Unit(connection))
        try:
            return work()
        finally:
            db._unit.reset(token)
            transaction.rollback()


def ask(world: World, row: Row, role: str) -> Any:
    """One cell's request."""
    path = row["path"]
    for pair in row["object"].split():
        name, _, target = pair.partition("=")
        path = path.replace(f"{{{name}}}", str(world.id(target)))
    assert "{" not in path, f"{row['path']} needs an object"
    query = re.sub(r"\$([\w.]+)", lambda match: str(world.id(match[1])), row["query"])
    body = re.sub(r'"\$([\w.]+)"', lambda match: str(world.id(match[1])), row["body"])
    session: Session = world.sessions[role]
    whole = f"{path}?{query}" if query else path
    return session.request(row["method"], whole, json=json.loads(body) if body else None)


def forget_failures(world: World) -> None:
    """Wrong passwords are counted beside the transaction that is rolled back."""
    with world.api.inside(), world.api.runtime.database.write.begin() as connection:
        connection.execute(delete(expiring_keys))


@pytest.mark.parametrize("declared", BUILT, ids=named)
def test_every_role_gets_what_the_table_says(world: World, declared: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "_attempt", roll_back)
    wrong = []
    for row in rows_of(declared):
        for role in ROLES:
            if "password" in row["body"]:
                forget_failures(world)
            answer = ask(world, row, role)
            status, _, code = row[role].partition(" ")
            got = f"{answer.status} {answer.code}" if answer.status >= 400 else str(answer.status)
            if answer.status != int(status) or (code and answer.code != code):
                wrong.append(f"{row['object']} {row['query']} {row['body']} as {role}: {got}, not {row[role]}")
    assert not wrong, f"{declared.method} {declared.contract_path}\n" + "\n".join(wrong)
