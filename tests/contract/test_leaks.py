"""What each role reads: no field that fields.tsv does not grant it, and nothing of what it may not know of.

Every GET of the matrix that a role may ask is asked, and its whole answer is walked. The school holds marks in
drafts, in the trash, in private courses, in raw content and in lessons: whoever may not know of them must never
meet one, in no field and in no total.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from marshmallow import Schema, fields

from learnomy_wp import features
from learnomy_wp.kernel.endpoint import ENDPOINTS, NAMESPACE, Endpoint
from tests.client import PASSWORD, SECRET, Answer, make_api
from tests.contract.test_matrix import ROWS, Row, ask, unlimit
from tests.contract.world import MARKS, ROLES, World, build

features.blueprints()
LINES = list(csv.DictReader((Path(__file__).parent / "fields.tsv").read_text().splitlines(), delimiter="\t"))
READS = [
    declared
    for declared in ENDPOINTS.values()
    if declared.namespace == NAMESPACE and declared.is_built and declared.method == "GET" and not declared.is_raw
]
GRANTED: dict[str, dict[str, str]] = {}
for line in LINES:
    GRANTED.setdefault(line["path"], {})[line["field"]] = line["who"]

WHO = ("anybody", "user", "staff", "manager")
OWN_STAFF = {"stripped", "assistant", "co", "owner", "admin"}
FOREIGN_STAFF = {"other_teacher", "admin"}
# Where managers, and they alone, read the addresses of other people.
WITH_ADDRESSES = ("/admin/students",)
EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")


def declared_fields(schema: Schema, prefix: str = "", seen: frozenset[type] = frozenset()) -> Iterator[str]:
    """The fields that an answer may have; a schema within itself is walked once."""
    for name, field in schema.dump_fields.items():
        inner = field.inner if isinstance(field, fields.List) else field
        if not isinstance(inner, fields.Nested):
            yield prefix + name
        elif type(inner.schema) not in seen:
            yield from declared_fields(inner.schema, f"{prefix}{name}.", seen | {type(inner.schema)})


def shown_fields(value: Any, prefix: str = "") -> Iterator[str]:
    """The fields that an answer has, and that are not null or empty."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from shown_fields(inner, f"{prefix}.{name}" if prefix else name)
    elif isinstance(value, list):
        for inner in value:
            yield from shown_fields(inner, prefix)
    elif value is not None:
        yield prefix


def named(value: Any) -> str:
    return value.name if isinstance(value, Endpoint) else ""


# --- the table is whole ------------------------------------------------------------------


@pytest.mark.parametrize("declared", READS, ids=named)
def test_every_field_is_decided(declared: Endpoint) -> None:
    assert declared.returns is not None
    decided = GRANTED.get(declared.contract_path, {})
    wanted = set(declared_fields(declared.returns, seen=frozenset({type(declared.returns)})))
    assert set(decided) == wanted, "fields.tsv does not say who may see each field"
    assert set(decided.values()) <= set(WHO)


def test_no_line_is_of_an_endpoint_that_is_not_built() -> None:
    assert set(GRANTED) == {declared.contract_path for declared in READS}


# --- nobody sees more --------------------------------------------------------------------


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("leaks")
    api = make_api(f"sqlite:///{folder / 'site.sqlite3'}", folder)
    unlimit(api)
    yield build(api)
    api.runtime.database.dispose()


def granted(role: str, row: Row) -> set[str]:
    """As what a role reads the objects of a row."""
    found = {"anybody"} | ({"user"} if role != "guest" else set())
    target = row["object"].rpartition("=")[2]
    if role in (FOREIGN_STAFF if target[:1] in "FG" and target else OWN_STAFF) or (
        not target and role == "other_teacher"
    ):
        found.add("staff")
    return found | ({"manager"} if role == "admin" else set())


def forbidden_marks(role: str) -> set[str]:
    """What a role must never meet, wherever it looks."""
    if role == "admin":
        return set()
    if role in OWN_STAFF:
        return {MARKS["foreign"]}
    hidden = {MARKS[name] for name in ("draft", "trash", "raw", "private", "lesson", "foreign")}
    if role == "enrolled":
        hidden -= {MARKS["private"], MARKS["lesson"]}
    if role == "other_teacher":
        hidden -= {MARKS["foreign"], MARKS["raw"], MARKS["lesson"]}  # of this teacher's own
    return hidden


def check(world: World, answer: Answer, role: str, row: Row) -> Iterator[str]:
    """What is wrong with an answer."""
    text = json.dumps(answer.body, ensure_ascii=False)
    for mark in sorted(forbidden_marks(role)):
        if mark in text:
            yield f"{mark} is met"
    own = {f"{name}@example.test" for name in (world.logins[role],)} if role != "guest" else set()
    allowed = own if row["path"] in ("/me", "/auth/me") else set()
    is_for_managers = row["path"] in WITH_ADDRESSES and role == "admin"
    for address in set() if is_for_managers else set(EMAIL.findall(text)) - allowed:
        yield f"the address {address} is shown"
    for secret in (SECRET, hashlib.md5(PASSWORD.encode()).hexdigest(), "$wp$2y$", "session_tokens"):
        if secret in text:
            yield "a secret is shown"
    if answer.status == 200 and "data" in answer.body:
        may = granted(role, row)
        table = GRANTED[row["path"]]
        for name in sorted(set(shown_fields(answer.body["data"]))):
            who = _who(table, name)
            if who not in may:
                yield f"{name} is for {who}"


def _who(table: dict[str, str], name: str) -> str:
    """Whose a field is; what stands in a map, or in a schema within itself, is its map's."""
    known = re.sub(r"(?:children\.)+", "", name)
    while known:
        if known in table:
            return table[known]
        known = known.rpartition(".")[0]
    return "nobody"


EXTRA = [
    {"method": "GET", "path": "/courses", "object": "", "query": f"search={mark}", "body": ""}
    for mark in MARKS.values()
] + [
    {"method": "GET", "path": "/courses", "object": "", "query": "per_page=100&sort=title", "body": ""},
    {"method": "GET", "path": "/courses", "object": "", "query": "status=pending", "body": ""},
    {"method": "GET", "path": "/courses", "object": "", "query": "status=archived", "body": ""},
    {"method": "GET", "path": "/lessons", "object": "", "query": "per_page=100", "body": ""},
    {"method": "GET", "path": "/enrollments", "object": "", "query": "per_page=100", "body": ""},
]


@pytest.mark.parametrize("role", ROLES)
def test_a_role_reads_only_what_it_may(world: World, role: str) -> None:
    wrong = []
    for row in [*(row for row in ROWS if row["method"] == "GET"), *EXTRA]:
        if ENDPOINT_OF[row["path"]].is_raw:
            continue
        answer = ask(world, row, role)
        assert answer.status < 500, answer.body
        for problem in check(world, answer, role, row):
            wrong.append(f"{row['path']} {row['object']} {row['query']}: {problem}")
    assert not wrong, f"as {role}:\n" + "\n".join(wrong)


ENDPOINT_OF = {declared.contract_path: declared for declared in ENDPOINTS.values() if declared.method == "GET"}


@pytest.mark.parametrize("role", ROLES)
def test_slugs_of_what_is_hidden_are_unknown(world: World, role: str) -> None:
    """A guessed slug tells no more than a guessed id; what is refused says nothing of what it refuses."""
    session = world.sessions[role]
    for name in "DNVAXG":
        slug = world.slugs[name]
        by_slug, by_id = session.get(f"/courses/{slug}"), session.get(f"/courses/{world.ids[name]}")
        assert by_slug.status == by_id.status
        if by_slug.status == 404:
            assert by_slug.body["error"]["message"] == session.get("/courses/no-such-course").body["error"]["message"]


@pytest.mark.parametrize("role", ["guest", "subscriber", "student", "enrolled", "other_teacher", "editor"])
def test_no_total_counts_what_is_hidden(world: World, role: str) -> None:
    session = world.sessions[role]
    for mark in ("draft", "trash", "private"):
        answer = session.get(f"/courses?search={MARKS[mark]}")
        assert (answer.data, answer.body["meta"]["total"]) == ([], 0), mark
    everything = session.get("/courses?per_page=100")
    assert everything.body["meta"]["total"] == len(everything.data) == 2
    categories = session.get("/course-categories")
    assert {row["course_count"] for row in categories.data} == {0}


def test_answers_about_others_students_hold_no_one_else(world: World) -> None:
    """Staff see only their own courses' students."""
    for role in ("owner", "co", "assistant"):
        answer = world.sessions[role].get("/enrollments?per_page=100")
        courses = {row["course_id"] for row in answer.data}
        assert world.ids["F"] not in courses
        assert answer.body["meta"]["total"] == len(answer.data)
        for query in (f"course_id={world.ids['F']}", f"ids={world.ids['F.others']}"):
            assert world.sessions[role].get(f"/enrollments?{query}").body["meta"]["total"] == 0
    theirs = world.sessions["other_teacher"].get("/enrollments?per_page=100")
    assert {row["course_id"] for row in theirs.data} <= {world.ids["F"], world.ids["G"]}
    for role in ("enrolled", "student", "subscriber"):
        own = world.sessions[role].get("/enrollments?per_page=100")
        assert {row["user_id"] for row in own.data} <= {world.user_ids[role]}
        other = world.sessions[role].get(f"/enrollments?user_id={world.user_ids['outsider']}")
        assert other.status in (200, 403)
        assert other.status == 403 or other.body["meta"]["total"] == 0
