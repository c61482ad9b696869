"""Refresh tokens: rotated at every use, one successor each, and a family that ends together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import time_machine

from tests.accounts.people import Person, change_role, refresh, who, with_token
from tests.client import Api

NOW = dt.datetime(2027, 1, 15, 9, 0, tzinfo=dt.UTC)


@pytest.fixture
def person(api: Api) -> Person:
    return Person(api)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def test_a_login_gives_a_pair(api: Api, person: Person) -> None:
    pair = person.log_in().data
    assert set(pair) == {"access_token", "refresh_token", "expires_in", "token_type", "user"}
    assert (pair["expires_in"], pair["token_type"]) == (900, "Bearer")
    assert pair["user"] == {**who(api, pair["access_token"]).data, "credential": "jwt"}


def test_a_token_is_stored_hashed(person: Person) -> None:
    token = person.log_in(headers={"User-Agent": "App/1.0"}).data["refresh_token"]
    (row,) = person.tokens()
    assert token not in str(row)
    assert len(row["token_hash"]) == 64
    assert (row["user_agent"], row["kind"], row["ip"]) == ("App/1.0", "refresh", "127.0.0.1")
    assert row["expires_at"] - row["created_at"] == dt.timedelta(days=30)


def test_rotation_goes_on_and_the_access_token_lives(api: Api, person: Person) -> None:
    pair = person.log_in().data
    first_access = pair["access_token"]
    for _ in range(3):
        answer = refresh(api, pair["refresh_token"])
        assert answer.status == 200
        assert answer.data["refresh_token"] != pair["refresh_token"]
        assert answer.data["user"]["id"] == person.id
        pair = answer.data
        assert who(api, pair["access_token"]).status == 200
    assert who(api, first_access).status == 200, "it is of the same session, and not over"
    assert len({row["family_id"] for row in person.tokens()}) == 1


def test_a_lost_answer_is_given_again_for_ten_seconds(api: Api, person: Person, clock: time_machine.Traveller) -> None:
    first = person.log_in().data["refresh_token"]
    second = refresh(api, first).data["refresh_token"]
    clock.shift(10)
    assert refresh(api, first).data["refresh_token"] == second
    assert refresh(api, second).status == 200


def test_reuse_after_that_ends_the_family(api: Api, person: Person, clock: time_machine.Traveller) -> None:
    pair = person.log_in().data
    successor = refresh(api, pair["refresh_token"]).data
    other = person.log_in().data
    clock.shift(11)
    stolen = refresh(api, pair["refresh_token"])
    assert (stolen.status, stolen.code) == (401, "unauthenticated")
    assert refresh(api, successor["refresh_token"]).status == 401
    for token in (pair["access_token"], successor["access_token"]):
        assert who(api, token).status == 401
    assert {row["revoke_reason"] for row in person.tokens() if row["revoked_at"]} == {"reused"}
    assert who(api, other["access_token"]).status == 200, "another session goes on"
    assert refresh(api, other["refresh_token"]).status == 200


def test_only_the_direct_parent_is_forgiven(api: Api, person: Person) -> None:
    first = person.log_in().data["refresh_token"]
    second = refresh(api, first).data["refresh_token"]
    third = refresh(api, second).data["refresh_token"]
    assert refresh(api, first).status == 401
    assert refresh(api, third).status == 401


def test_twenty_at_once_get_one_successor(api: Api, person: Person) -> None:
    first = person.log_in().data["refresh_token"]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: refresh(api, first), range(20)))
    assert {answer.status for answer in answers} == {200}
    (successor,) = {answer.data["refresh_token"] for answer in answers}
    assert len(person.tokens()) == 2
    assert all(who(api, answer.data["access_token"]).status == 200 for answer in answers[:3])
    assert refresh(api, successor).status == 200


def test_it_is_over_after_thirty_days_of_rest(api: Api, person: Person, clock: time_machine.Traveller) -> None:
    first = person.log_in().data["refresh_token"]
    clock.shift(dt.timedelta(days=29, hours=23))
    second = refresh(api, first).data["refresh_token"]
    clock.shift(dt.timedelta(days=30))
    assert refresh(api, second).status == 401


@pytest.mark.parametrize("token", ["x", "lrr_" + "A" * 43, "lrn_key", "' OR 1=1 --", "\x00", "ü" * 200, "a.b.c"])
def test_what_is_no_token_is_refused(api: Api, token: str) -> None:
    answer = refresh(api, token)
    assert (answer.status, answer.code) == (401, "unauthenticated")


@pytest.mark.parametrize(
    "body", [{}, {"refresh_token": ""}, {"refresh_token": None}, {"refresh_token": 5}, {"token": "x"}]
)
def test_a_wrong_body_is_422(api: Api, body: object) -> None:
    answer = api.as_(None).post("/auth/token/refresh", json=body)
    assert (answer.status, answer.body["error"]["details"][0]["field"] in ("refresh_token", "token")) == (422, True)


def test_the_access_token_is_no_refresh_token(api: Api, person: Person) -> None:
    pair = person.log_in().data
    assert refresh(api, pair["access_token"][:255]).status == 401
    assert who(api, pair["refresh_token"]).status == 401


# --- logging out -------------------------------------------------------------------------


def test_logging_out_ends_one_session_at_once(api: Api, person: Person) -> None:
    one, other = person.log_in().data, person.log_in().data
    session = with_token(api, one["access_token"])
    assert session.post("/auth/token/revoke", json={"refresh_token": one["refresh_token"]}).data == {"revoked": True}
    assert who(api, one["access_token"]).status == 401
    assert refresh(api, one["refresh_token"]).status == 401
    assert who(api, other["access_token"]).status == 200


def test_an_older_token_of_the_family_ends_it_too(api: Api, person: Person) -> None:
    first = person.log_in().data
    second = refresh(api, first["refresh_token"]).data
    session = with_token(api, second["access_token"])
    assert session.post("/auth/token/revoke", json={"refresh_token": first["refresh_token"]}).data == {"revoked": True}
    assert refresh(api, second["refresh_token"]).status == 401


def test_logging_out_everywhere_ends_all_of_ones_own(api: Api, person: Person) -> None:
    pairs, other = [person.log_in().data for _ in range(3)], Person(api)
    others = other.log_in().data
    assert with_token(api, pairs[0]["access_token"]).post("/auth/token/revoke", json={"all": True}).status == 200
    for pair in pairs:
        assert who(api, pair["access_token"]).status == 401
        assert refresh(api, pair["refresh_token"]).status == 401
    assert who(api, others["access_token"]).status == 200


def test_nobody_ends_a_session_of_another(api: Api, person: Person) -> None:
    mine, theirs = person.log_in().data, Person(api).log_in().data
    answer = with_token(api, mine["access_token"]).post(
        "/auth/token/revoke", json={"refresh_token": theirs["refresh_token"]}
    )
    assert (answer.status, answer.data) == (200, {"revoked": False})
    assert who(api, theirs["access_token"]).status == 200
    assert refresh(api, theirs["refresh_token"]).status == 200


def test_logging_out_needs_to_be_told_what(api: Api, person: Person) -> None:
    session = with_token(api, person.log_in().data["access_token"])
    assert session.post("/auth/token/revoke", json={}).status == 422
    assert api.as_(None).post("/auth/token/revoke", json={"all": True}).status == 401


# --- what happens to the user meanwhile --------------------------------------------------


def ended(api: Api, pair: dict[str, str]) -> None:
    for _ in range(2):
        assert who(api, pair["access_token"]).status == 401
        assert refresh(api, pair["refresh_token"]).status == 401


def test_a_new_password_ends_every_session_at_once(api: Api, person: Person) -> None:
    pairs = [person.log_in().data, person.log_in().data]
    person.change(user_pass="0" * 32)
    for pair in pairs:
        ended(api, pair)


def test_it_does_so_within_the_grace_of_a_lost_answer(api: Api, person: Person) -> None:
    first = person.log_in().data["refresh_token"]
    refresh(api, first)
    person.change(user_pass="0" * 32)
    again = refresh(api, first)
    assert again.status == 401


def test_a_deleted_user_is_nobody(api: Api, person: Person) -> None:
    pair = person.log_in().data
    person.delete()
    ended(api, pair)


@pytest.mark.parametrize("status", [1, 2])
def test_a_user_marked_as_spam_is_out(api: Api, person: Person, status: int) -> None:
    pair = person.log_in().data
    person.change(user_status=status)
    ended(api, pair)
    assert person.log_in().status == 401


def test_a_role_taken_away_ends_it_and_one_given_does_not(api: Api) -> None:
    person = Person(api, "lrn_instructor")
    pair = person.log_in().data
    person.set_capabilities({"lrn_instructor": True, "editor": True})
    assert set(who(api, pair["access_token"]).data["roles"]) == {"lrn_instructor", "editor"}
    person.set_capabilities({"editor": True})
    ended(api, pair)


def test_another_role_in_its_place_ends_it(api: Api, person: Person) -> None:
    pair = person.log_in().data
    person.set_capabilities({"lrn_instructor": True})
    ended(api, pair)


def test_a_capability_of_ones_own_taken_away_ends_it(api: Api) -> None:
    person = Person(api)
    person.set_capabilities({"lrn_student": True, "learnomy_grade": True})
    pair = person.log_in().data
    assert who(api, pair["access_token"]).data["capabilities"] == ["learnomy_grade"]
    person.set_capabilities({"lrn_student": True, "learnomy_grade": True, "learnomy_manage": True})
    assert len(who(api, pair["access_token"]).data["capabilities"]) == 2
    person.set_capabilities({"lrn_student": True, "learnomy_grade": False})
    ended(api, pair)


def test_a_role_that_may_do_less_ends_it_and_more_does_not(api: Api) -> None:
    person = Person(api, "lrn_instructor")
    pair = person.log_in().data
    change_role(api, "lrn_instructor", learnomy_edit_others_courses=True)
    assert "learnomy_edit_others_courses" in who(api, pair["access_token"]).data["capabilities"]
    change_role(api, "lrn_instructor", learnomy_edit_others_courses=None)
    assert who(api, pair["access_token"]).status == 200, "it had not been there when the session began"
    change_role(api, "lrn_instructor", learnomy_grade=None)
    try:
        ended(api, pair)
    finally:
        change_role(api, "lrn_instructor", learnomy_grade=True)


def test_other_changes_end_nothing(api: Api, person: Person) -> None:
    pair = person.log_in().data
    person.change(display_name="Another", user_email="another@example.test")
    answer = who(api, pair["access_token"])
    assert (answer.data["display_name"], answer.data["email"]) == ("Another", "another@example.test")
    assert refresh(api, pair["refresh_token"]).status == 200
