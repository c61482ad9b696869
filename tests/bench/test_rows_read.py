"""Lists read no more rows than the contract allows, and endpoints ask no more than their queries."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from learnomy_wp.seed import academy, people
from tests.bench import rowsread
from tests.client import Api, make_api

# The resource's own queries, the identity, the site's record and, on a miss, the total.
BUDGETS = [
    ("/courses?per_page=20", None, 3 + 1 + 1),
    ("/courses?per_page=5", None, 3 + 1 + 1),
    ("/me/courses", "student", 1 + 1 + 1 + 1),
]


@pytest.fixture(scope="module")
def school(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The model academy at scale 1 on MariaDB; nothing is answered from a kept answer."""
    api = make_api(database_url, tmp_path_factory.mktemp("school"), server_timing=True, response_cache=False)
    with api.inside():
        students = people.ensure("student", 100, "lrn_student", "")
        academy.build([api.ids["student"], *students], people.ensure("instructor", 10, "lrn_instructor", ""))
    yield api
    api.runtime.database.dispose()


def test_every_list_reads_few_rows_at_every_position(school: Api) -> None:
    with school.inside():
        counted = [page for walked in rowsread.lists() for page in rowsread.count(walked)]
    assert len(counted) > 60
    assert [page for page in counted if not page.is_within] == []


@pytest.mark.parametrize(("path", "login", "most"), BUDGETS)
def test_an_endpoint_keeps_its_budget(school: Api, path: str, login: str | None, most: int) -> None:
    answer = school.as_(login).get(path)
    assert answer.status == 200
    assert answer.data
    assert int(answer.headers["Server-Timing"].split('"')[1]) <= most + _key_store(school)


def _key_store(school: Api) -> int:
    """What counts and stamps cost where there is no Redis: one read, and one write on a miss."""
    return 0 if school.runtime.store.is_shared_memory else 2


def test_a_page_that_reads_too_much_is_found() -> None:
    assert rowsread.Counted("list", "last", 20, rowsread.MOST_READ).is_within
    assert not rowsread.Counted("list", "last", 20, rowsread.MOST_READ + 1).is_within
