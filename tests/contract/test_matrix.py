"""The role matrix: every built endpoint, on every object it is tried on, as every role.

matrix.tsv beside this file holds the decided status of each cell; the rules are the contract's.
An endpoint or object without a line, or a line without an endpoint, fails: nothing is allowed
because nobody thought of it. `python -m tests.contract.test_matrix` prints what is answered now,
for the cells that are new.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from learnomy_wp import features
from learnomy_wp.kernel.endpoint import ENDPOINTS
from tests.client import Api, make_api
from tests.contract.objects import OBJECTS, Make, Target, World

ROLES = {
    "guest": None,
    "subscriber": "subscriber",
    "enrolled": "student",
    "student": "student2",
    "owner": "teacher",
    "co": "co",
    "assistant": "assistant",
    "instructor": "teacher2",
    "editor": "editor",
    "admin": "admin",
}
TABLE = Path(__file__).parent / "matrix.tsv"
features.blueprints()
BUILT = {name: declared for name, declared in ENDPOINTS.items() if declared.is_built}
CASES = [(name, thing) for name in BUILT for thing in OBJECTS.get(name, {})]


def decided() -> dict[tuple[str, str], dict[str, str]]:
    if not TABLE.exists():
        return {}
    lines = csv.DictReader(TABLE.read_text().splitlines(), delimiter="\t")
    return {(line["endpoint"], line["object"]): line for line in lines}


DECIDED = decided()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("matrix")
    api = make_api(f"sqlite:///{folder / 'site.sqlite3'}", folder)
    yield World(api)
    api.runtime.database.dispose()


def statuses(world: World, name: str, make: Make) -> dict[str, int]:
    """What each role gets. The object is made anew once a write on it succeeded."""
    declared, target, found = BUILT[name], None, {}
    for role, login in ROLES.items():
        target = target or make(world)
        found[role] = send(world.api, declared.method, target, login)
        if declared.is_write and found[role] < 300:
            target = None
    return found


def send(api: Api, method: str, target: Target, login: str | None) -> int:
    answer = api.as_(login).request(method, target.path + target.query, json=target.body)
    return answer.status


@pytest.mark.parametrize(("name", "thing"), CASES, ids=lambda value: str(value).replace(" ", "-"))
def test_every_role_gets_what_was_decided(world: World, name: str, thing: str) -> None:
    line = DECIDED.get((name, thing))
    assert line is not None, f"matrix.tsv has no line for {name} on {thing}"
    wanted = {role: line[role] for role in ROLES}
    got = {role: str(status) for role, status in statuses(world, name, OBJECTS[name][thing]).items()}
    assert got == wanted


def test_no_built_endpoint_is_undecided() -> None:
    assert set(OBJECTS) == set(BUILT)


def test_no_line_is_about_nothing() -> None:
    assert sorted(DECIDED) == sorted(CASES)


def main() -> None:
    """Print the table as it is answered now, with what was decided kept."""
    import tempfile

    folder = Path(tempfile.mkdtemp())
    world = World(make_api(f"sqlite:///{folder / 'site.sqlite3'}", folder))
    out = csv.writer(sys.stdout, delimiter="\t", lineterminator="\n")
    out.writerow(["endpoint", "object", *ROLES])
    for name, thing in CASES:
        line = DECIDED.get((name, thing)) or statuses(world, name, OBJECTS[name][thing])
        out.writerow([name, thing, *(line[role] for role in ROLES)])


if __name__ == "__main__":
    main()
