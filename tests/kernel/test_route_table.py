"""The route table that WordPress registers from: read by PHP itself."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learnomy_wp import features
from learnomy_wp.kernel import route_table
from learnomy_wp.kernel.endpoint import ENDPOINTS, NAMESPACE, Endpoint

features.blueprints()
DECLARED = [declared for declared in ENDPOINTS.values() if declared.namespace == NAMESPACE]
# What rest_get_allowed_schema_keywords() and the arguments of a route know.
KEYWORDS = set(route_table.KEPT) | {"required"}
ROUTES = Path(__file__).resolve().parents[2] / "bridge" / "learnomy" / "includes" / "routes.php"
TYPES = {"array", "object", "string", "number", "integer", "boolean", "null"}


def read_by_php(source: str, folder: Path) -> Any:
    """What PHP makes of an expression."""
    file = folder / "table.php"
    file.write_text(source)
    code = f'define("ABSPATH", "/"); echo json_encode( require {json.dumps(str(file))}, JSON_THROW_ON_ERROR );'
    return json.loads(subprocess.run(["php", "-r", code], capture_output=True, check=True, text=True).stdout)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The rows as the plugin puts them together."""
    folder = tmp_path_factory.mktemp("plugin")
    (folder / "includes").mkdir()
    (folder / "includes" / "route-table.php").write_text(route_table.render())
    source = f"""<?php
        define( 'LEARNOMY_DIR', '{folder}' );
        require '{ROUTES}';
        return Learnomy\\Routes::table();
    """
    return read_by_php(source, folder)[NAMESPACE]


def row_of(table: list[dict[str, Any]], declared: Endpoint) -> dict[str, Any]:
    (found,) = [row for row in table if row["name"] == declared.name]
    return found


def test_every_endpoint_has_one_row(table: list[dict[str, Any]]) -> None:
    assert len(table) == len(DECLARED) == 166
    assert len({(row["method"], row["path"]) for row in table}) == 166
    assert {row["method"] for row in table} == {"GET", "POST", "PUT", "PATCH", "DELETE"}


def test_paths_are_what_wordpress_matches(table: list[dict[str, Any]]) -> None:
    for row in table:
        bare = re.sub(r"\(\?P<\w+>\[(?:\\d|\\w%-)\]\+\)", "1", row["path"])
        assert re.fullmatch(r"(/[a-z0-9.-]+)+", bare), row["path"]
        assert re.fullmatch(row["path"], bare)
    by_slug = {row["path"] for row in table if r"[\w%-]" in row["path"]}
    assert r"/courses/(?P<id>[\w%-]+)" in by_slug
    assert not any(path.startswith("/courses/(?P<id>[\\w%-]+)/") for path in by_slug), "a slug stands alone"


def test_only_what_the_contract_calls_public_is(table: list[dict[str, Any]]) -> None:
    for declared in DECLARED:
        assert row_of(table, declared)["public"] is (declared.rule.name == "public"), declared.name


def test_arguments_describe_what_the_schemas_take(table: list[dict[str, Any]]) -> None:
    for declared in DECLARED:
        arguments = row_of(table, declared)["args"] or {}
        wanted = {name for schema in (declared.query, declared.body) if schema for name in schema.load_fields}
        wanted |= set(re.findall(r"<(?:\w+:)?(\w+)>", declared.path))
        assert set(arguments) == wanted, declared.name
        for name, described in arguments.items():
            assert set(described) <= KEYWORDS, (declared.name, name)
            _check_types(described)


def _check_types(described: dict[str, Any]) -> None:
    kinds = described.get("type", [])
    assert set([kinds] if isinstance(kinds, str) else kinds) <= TYPES
    if described.get("items"):
        _check_types(described["items"])
    for inner in (described.get("properties") or {}).values():
        _check_types(inner)


def test_what_the_plugin_goes_by_is_there(table: list[dict[str, Any]]) -> None:
    for declared in DECLARED:
        row = row_of(table, declared)
        assert row["deadline"] in ("read", "write", "upload")
        assert (row["deadline"] == "read") == (declared.method == "GET") or row["deadline"] == "upload"
        assert row.get("authenticate", False) is declared.checks_password
        assert row.get("list", False) is declared.is_list
        filters = row.get("filters") or {}
        named = [filters.get("payload", ""), filters.get("query", ""), *filters.get("rules", [])]
        assert {name for name in named if name} == set(declared.filters)
        assert all(name.startswith("learnomy_") for name in declared.filters)


def test_no_argument_is_described_twice(tmp_path: Path) -> None:
    """Nor is what differs from machine to machine: the list of all time zones."""
    shared = read_by_php(route_table.render(), tmp_path)["arguments"]
    described = [(key.partition(":")[0], json.dumps(value)) for key, value in shared.items()]
    assert len(set(described)) == len(described)
    assert all(len(value.get("enum") or ()) <= route_table.MOST_VALUES for value in shared.values())
    assert set(shared["timezone"]) == {"type", "maxLength"}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc_'\\$\"", min_size=1), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=10, deadline=None)
@given(st.lists(VALUES, min_size=20, max_size=30))
def test_php_reads_what_python_wrote(tmp_path_factory: pytest.TempPathFactory, values: list[Any]) -> None:
    values = [value for value in values if "\x00" not in json.dumps(value) and value != {}]
    try:
        json.dumps(values, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return
    got = read_by_php(f"<?php return {route_table.to_php(values)};", tmp_path_factory.mktemp("php"))
    assert got == json.loads(json.dumps(values).replace("{}", "[]"))
