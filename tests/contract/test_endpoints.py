"""The API against its contract: endpoints.tsv beside this file lists what must be there."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from learnomy_wp import features
from learnomy_wp.kernel import docs, route_table
from learnomy_wp.kernel.endpoint import ENDPOINTS, NAMESPACE, Endpoint
from learnomy_wp.kernel.errors import CATALOGUE
from tests.client import Api, make_api

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
CONTRACT = list(csv.DictReader((HERE / "endpoints.tsv").read_text().splitlines(), delimiter="\t"))
features.blueprints()
DECLARED = [e for e in ENDPOINTS.values() if e.namespace == NAMESPACE]
# Bounded otherwise: by the path's pattern, by their signature, and by the size of the whole body.
FREE = ("id", "uuid", "cursor", "content", "faq_html")
BUILT = [e for e in DECLARED if e.is_built]


def named(declared: Endpoint) -> str:
    return declared.name


def test_exactly_the_166_endpoints_are_declared() -> None:
    wanted = {(line["method"], line["path"]) for line in CONTRACT}
    declared = [(e.method, e.contract_path) for e in DECLARED]
    assert len(wanted) == 166
    assert sorted(declared) == sorted(wanted)


@pytest.mark.parametrize("line", CONTRACT, ids=lambda line: f"{line['method']} {line['path']}")
def test_rule_limit_and_group_are_the_contracts(line: dict[str, str]) -> None:
    found = next(e for e in DECLARED if (e.method, e.contract_path) == (line["method"], line["path"]))
    assert (found.rule.name, found.limit, found.group) == (line["rule"], line["limit"], line["group"])
    assert found.rule.is_public == (line["rule"] == "public")


@pytest.mark.parametrize("declared", BUILT, ids=named)
def test_a_built_endpoint_declares_all_that_is_derived_from_it(declared: Endpoint) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)+", declared.name)
    assert declared.summary.endswith(".")
    assert declared.is_raw or declared.returns is not None
    assert declared.function.__module__.endswith("routes")
    assert declared.is_list == (declared.query is not None and "cursor" in declared.query.fields)
    if declared.is_write and declared.method != "DELETE" and declared.body is None:
        assert declared.method == "POST"


@pytest.mark.parametrize("declared", BUILT, ids=named)
def test_what_a_client_sends_is_bounded(declared: Endpoint) -> None:
    """No string without a length, no number without a range: what is too large is refused, not stored."""
    for schema in (declared.query, declared.body):
        if schema is None:
            continue
        described = route_table.arguments(declared)
        for name, argument in described.items():
            types = argument.get("type")
            if types == "string" or types == ["string", "null"]:
                bounded = {"maxLength", "enum", "pattern", "format"} & argument.keys()
                assert bounded or name in FREE, (declared.name, name)


def test_the_generated_pages_are_up_to_date() -> None:
    for name, text in docs.pages().items():
        assert (ROOT / "docs" / name).read_text() == text, f"docs/{name} is stale: run `learnomy docs`"
    stored = (ROOT / "bridge/learnomy/includes/route-table.php").read_text()
    assert stored == route_table.render(), "the plugin's route table is stale: run `learnomy docs`"


def test_error_codes_are_snake_case_and_say_what_to_do() -> None:
    for code, error in CATALOGUE.items():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", code)
        assert error.message.endswith((".", "!", "?")), code


def test_the_openapi_document_validates(spec: Api) -> None:
    document = spec.as_(None).get("/openapi.json").body
    validate(document)
    operations = [o for path in document["paths"].values() for o in path.values() if "operationId" in o]
    assert len(operations) == 166
    assert len({o["operationId"] for o in operations}) == 166
    built = [o for o in operations if "x-not-built" not in o]
    assert len(built) == len(BUILT)


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder = tmp_path_factory.mktemp("spec")
    api = make_api(f"sqlite:///{folder / 'site.sqlite3'}", folder)
    yield api
    api.runtime.database.dispose()
