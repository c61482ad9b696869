"""GET and PATCH /settings: what features declare, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from learnomy_wp.kernel import db, local, settings, site
from tests.client import Answer, Api
from tests.kernel.paired import Paired, paired
from wp_schema import options
from wp_schema.tables import options as table


@pytest.fixture(autouse=True)
def _defaults(api: Api) -> Iterator[None]:
    yield
    with api.inside():
        db.transaction(lambda: options.remove(db.execute, "learnomy_settings"))
        site.current().forget_record()


def stored(api: Api) -> Any:
    with api.inside():
        found = select(table.c.option_value).where(table.c.option_name == "learnomy_settings")
        return options.decode([{"option_name": "x", "option_value": db.value(found)}])["x"]


def patch(api: Api, **body: Any) -> Answer:
    return api.as_("admin").patch("/settings", json=body)


def fields_of(answer: Answer) -> set[str]:
    assert (answer.status, answer.code) == (422, "validation_failed"), answer.body
    return {detail["field"] for detail in answer.body["error"]["details"]}


def test_all_settings_have_their_defaults(api: Api) -> None:
    answer = api.as_("admin").get("/settings")
    assert answer.status == 200
    expected = {name: None if default == {} else default for name, (default, _) in settings.DECLARED.items()}
    assert answer.data == expected


@pytest.mark.parametrize("login", [None, "subscriber", "student", "teacher", "editor"])
def test_only_managers_read_or_change_them(api: Api, login: str | None) -> None:
    status = 401 if login is None else 403
    assert api.as_(login).get("/settings").status == status
    assert api.as_(login).patch("/settings", json={"currency": "USD"}).status == status
    assert api.as_(login).patch("/settings", json={"wrong": 1}).status == status


def test_a_change_is_kept_and_the_rest_stays(api: Api) -> None:
    before = api.as_("admin").get("/settings").data
    answer = patch(api, currency="USD")
    assert (answer.status, answer.data) == (200, {**before, "currency": "USD"})
    assert stored(api) == {"currency": "USD"}
    assert patch(api, limits={"coupon": 3}).data == {**before, "currency": "USD", "limits": {"coupon": 3}}
    assert api.as_("admin").get("/settings").data == {**before, "currency": "USD", "limits": {"coupon": 3}}
    assert patch(api).status == 200
    assert patch(api, limits={}).data["limits"] is None


def test_a_change_counts_at_once(api: Api) -> None:
    student = api.as_("student")
    patch(api, limits={"read": 2})
    statuses = [student.get("/auth/me").status for _ in range(4)]
    assert 429 in statuses
    patch(api, limits={})
    assert student.get("/auth/me").status == 200


def test_what_others_keep_in_the_option_stays(api: Api) -> None:
    with api.inside():
        kept = {"of_another_version": [1, 2], "currency": "CHF"}
        db.transaction(lambda: local.set_option("learnomy_settings", kept))
        site.current().forget_record()
    assert patch(api, limits={"sync": 5}).data["currency"] == "CHF"
    assert stored(api) == {**kept, "limits": {"sync": 5}}


def test_two_changes_at_once_are_both_kept(api: Api) -> None:
    api.as_("admin")
    both = threading.Barrier(2)

    def change(**body: Any) -> None:
        both.wait(10)
        assert patch(api, **body).status == 200

    threads = [
        threading.Thread(target=change, kwargs=body) for body in ({"currency": "USD"}, {"limits": {"coupon": 4}})
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if api.runtime.database.is_sqlite:
        assert stored(api) == {"currency": "USD", "limits": {"coupon": 4}}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"unheard_of": 1}, "unheard_of"),
        ({"currency": "XXX1"}, "currency"),
        ({"currency": None}, "currency"),
        ({"limits": {"coupon": -1}}, "limits.coupon.value"),
        ({"limits": {"coupon": "5"}}, "limits.coupon.value"),
        ({"limits": {"unheard_of": 5}}, "limits.unheard_of.key"),
        ({"limits": []}, "limits"),
        ({"slugs": {"courses": "Kurse & mehr"}}, "slugs.courses.value"),
        ({"slugs": {"courses": "../../x"}}, "slugs.courses.value"),
        ({"slugs": {"unheard_of": "x"}}, "slugs.unheard_of.key"),
    ],
)
def test_a_wrong_value_is_refused_and_nothing_changes(api: Api, body: dict[str, Any], field: str) -> None:
    assert fields_of(patch(api, **{"currency": "USD", **body})) == {field}
    assert stored(api) in (None, "", False)


@pytest.mark.parametrize("value", ["", "garbage", "i:5;", 'O:8:"stdClass":0:{}', 's:1:"x";', "a:0:{}"])
def test_an_option_that_cannot_be_read_is_as_good_as_none(api: Api, value: str) -> None:
    with api.inside():
        db.transaction(lambda: options.write(db.execute, "learnomy_settings", "x"))
        db.write(table.update().where(table.c.option_name == "learnomy_settings").values(option_value=value))
        site.current().forget_record()
    answer = api.as_("admin").get("/settings")
    assert (answer.status, answer.data["currency"]) == (200, settings.DECLARED["currency"][0])
    assert patch(api, currency="USD").status == 200
    assert stored(api) == {"currency": "USD"}


def test_no_setting_is_a_secret(api: Api) -> None:
    answer = api.as_("admin").get("/settings")
    assert not {"secret", "key", "token", "salt", "password"} & set(answer.data)


# --- beside a WordPress ------------------------------------------------------------------


@pytest.fixture
def wp(api: Api) -> Iterator[Paired]:
    with paired(api) as found:
        yield found


def test_wordpress_makes_the_change(wp: Paired) -> None:
    """It is told only what changes, so that two changes at once are both kept."""
    wp.set_options(learnomy_settings={"currency": "CHF"})
    admin = {"User": str(wp.api.ids["admin"]), "Via": "cookie"}
    reply = wp.signed("PATCH", "/settings", body={"limits": {"coupon": 3}}, **admin)
    assert (reply.control, reply.status) == ("effect", 200)
    assert reply.body["effects"] == [{"kind": "update_settings", "settings": {"limits": {"coupon": 3}}}]
    assert reply.body["answer"]["body"]["data"]["currency"] == "CHF"
    assert stored(wp.api) == {"currency": "CHF"}
    student = {"User": str(wp.api.ids["student"]), "Via": "cookie"}
    assert wp.signed("PATCH", "/settings", body={"limits": {"coupon": 3}}, **student).status == 403
