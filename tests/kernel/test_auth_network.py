"""Users of a network: super admins, those marked as spam or deleted, and what a blog of its own means."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, event, insert, text, update

from learnomy_wp.kernel import db
from learnomy_wp.kernel.auth import users as identity
from tests.accounts.people import PASSWORD, Person, refresh, who
from tests.client import Api, make_api
from tests.kernel.conftest import engine
from tests.kernel.paired import Paired, paired
from wp_schema.ddl import CreateWholeTable
from wp_schema.tables import blogs, network_users, sitemeta

NETWORK = {
    "multisite": True,
    "main_site": 1,
    "blogs": [
        {
            "id": 1,
            "prefix": "wp_",
            "home": "http://learnomy.test",
            "siteurl": "http://learnomy.test",
            "domain": "learnomy.test",
            "path": "/",
        },
        {
            "id": 2,
            "prefix": "wp_2_",
            "home": "http://learnomy.test/second",
            "siteurl": "http://learnomy.test/second",
            "domain": "learnomy.test",
            "path": "/second/",
        },
    ],
}


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def api(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A database with a network's tables."""
    folder: Path = tmp_path_factory.mktemp("network")
    with engine(request, request.param, folder) as (url, changes):
        made = make_api(url, folder, **changes)
        with made.inside(), made.runtime.database.write.begin() as connection:
            for table in (blogs, sitemeta):
                connection.execute(CreateWholeTable(table))
            for column in ("spam", "deleted"):
                connection.execute(text(f"ALTER TABLE wp_users ADD COLUMN {column} INTEGER NOT NULL DEFAULT 0"))
        with made.inside():
            for blog_id in (1, 2):
                db.write(insert(blogs), {"blog_id": blog_id, "site_id": 3, "domain": "learnomy.test"})
        yield made
        made.runtime.database.dispose()


@pytest.fixture(scope="module")
def network(api: Api) -> Iterator[Paired]:
    with paired(api) as found:
        found.pair(**NETWORK)
        yield found


def set_super_admins(api: Api, value: str | None, network_id: int = 3) -> None:
    with api.inside():
        db.write(delete(sitemeta))
        if value is not None:
            db.write(insert(sitemeta), {"site_id": network_id, "meta_key": "site_admins", "meta_value": value})


def php_list(*logins: str) -> str:
    items = "".join(f'i:{index};s:{len(login)}:"{login}";' for index, login in enumerate(logins))
    return f"a:{len(logins)}:{{{items}}}"


def capabilities(network: Paired, person: Person) -> set[str]:
    answer = who(network.api, person.log_in().data["access_token"])
    assert answer.status == 200, answer.body
    return set(answer.data["capabilities"])


def test_a_super_admin_may_do_everything(network: Paired) -> None:
    person, other = Person(network.api, "subscriber"), Person(network.api, "subscriber")
    set_super_admins(network.api, php_list("somebody", person.login))
    assert len(capabilities(network, person)) == 6
    assert capabilities(network, other) == set()
    person.change_meta("wp_capabilities", {})
    assert len(capabilities(network, person)) == 6, "without being a member of the blog"
    person.set_capabilities({"subscriber": True, "learnomy_manage": False})
    assert len(capabilities(network, person)) == 6, "nothing is denied to one"


def test_who_is_no_longer_one_loses_the_session(network: Paired) -> None:
    person = Person(network.api, "subscriber")
    set_super_admins(network.api, php_list(person.login))
    pair = person.log_in().data
    set_super_admins(network.api, php_list("somebody"))
    assert who(network.api, pair["access_token"]).status == 401
    assert refresh(network.api, pair["refresh_token"]).status == 401
    assert capabilities(network, person) == set()


@pytest.mark.parametrize(
    "stored", [None, "", "garbage", 'O:8:"stdClass":0:{}', "a:0:{}", 's:5:"admin";', "a:1:{i:0;i:1;}"]
)
def test_what_cannot_be_read_makes_nobody_one(network: Paired, stored: str | None) -> None:
    person = Person(network.api, "subscriber")
    set_super_admins(network.api, stored)
    assert capabilities(network, person) == set()
    assert "learnomy_manage" in capabilities(network, Person(network.api, "administrator"))


def test_another_networks_admins_are_not_ours(network: Paired) -> None:
    person = Person(network.api, "subscriber")
    set_super_admins(network.api, php_list(person.login), network_id=4)
    assert capabilities(network, person) == set()


@pytest.mark.parametrize("column", ["spam", "deleted"])
def test_who_is_marked_is_out_at_once(network: Paired, column: str) -> None:
    person = Person(network.api, "lrn_student")
    pair = person.log_in().data
    mark(network, person, **{column: 1})
    assert who(network.api, pair["access_token"]).status == 401
    assert refresh(network.api, pair["refresh_token"]).status == 401
    assert person.log_in().status == 401
    mark(network, person, **{column: 0})
    assert person.log_in().status == 200


def mark(network: Paired, person: Person, **columns: Any) -> None:
    with network.api.inside():
        db.write(update(network_users).where(person.id == network_users.c.ID).values(**columns))


def test_a_single_site_reads_none_of_it(network: Paired) -> None:
    """Its users have no such columns, and it has no such tables."""
    person = Person(network.api)
    network.pair()
    with network.api.inside():
        before = db.query_count()
        found = identity.find(person.id)
        assert db.query_count() - before == 1
    network.pair(**NETWORK)
    assert found is not None
    assert not {"spam", "deleted", "super_admins"} & set(found)


def test_a_network_costs_no_further_query(network: Paired) -> None:
    person = Person(network.api)
    with network.api.inside():
        before = db.query_count()
        found = identity.find(person.id)
        assert db.query_count() - before == 1
    assert found is not None
    assert {"spam", "deleted", "super_admins"} <= set(found)


def test_a_blog_is_found_by_host_and_path(network: Paired) -> None:
    client = network.api.app.test_client()
    body = {"username": Person(network.api).login, "password": PASSWORD}
    for host in ("learnomy.test", "LEARNOMY.test"):
        assert client.post("/wp-json/learnomy/v1/auth/token", json=body, headers={"Host": host}).status_code == 200
    for path, host in (("", "elsewhere.test"), ("/third", "learnomy.test"), ("/second/deep", "learnomy.test")):
        answer = client.post(f"{path}/wp-json/learnomy/v1/auth/token", json=body, headers={"Host": host})
        assert answer.headers["X-Accel-Redirect"] == "@wordpress", "WordPress knows whether there is such a site"
        assert answer.headers["X-Request-ID"]


@contextmanager
def statements(api: Api) -> Iterator[list[str]]:
    """The statements that read meanwhile."""
    sent: list[str] = []

    def note(*facts: Any) -> None:
        sent.append(facts[2])

    event.listen(api.runtime.database.read, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(api.runtime.database.read, "before_cursor_execute", note)


@pytest.mark.parametrize(("facts", "queries"), [(NETWORK, 2), ({}, 1)], ids=["network", "single"])
def test_the_networks_plugins_cost_a_query_on_networks_only(
    network: Paired, facts: dict[str, Any], queries: int
) -> None:
    with network.api.inside():
        db.write(delete(sitemeta))
        db.write(insert(sitemeta), {"site_id": 3, "meta_key": "active_sitewide_plugins", "meta_value": "a:0:{}"})
    network.pair(**facts)
    try:
        for noted, why in ((b"a:0:{}", ""), (b"a:1:{...}", "the network's plugins changed")):
            network.record(network=hashlib.md5(noted).hexdigest())
            with network.api.inside(), statements(network.api) as sent:
                found = network.api.runtime.site.record()
            assert (found.problem, len(sent)) == (why if facts else "", queries)
    finally:
        network.pair(**NETWORK)
