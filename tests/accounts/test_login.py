"""POST /auth/token: which passwords open a session, and what a wrong one gives away (nothing)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import bcrypt
import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from learnomy_wp.accounts import service
from tests.accounts.conftest import allow
from tests.accounts.people import PASSWORD, Person, who
from tests.client import Answer, Api, Session
from tests.kernel.paired import Paired, paired
from wp_schema import passwords

WRONG = {"code": "unauthenticated", "message": service.WRONG, "details": []}


def log_in(api: Api, username: Any, password: Any, address: str = "127.0.0.1", **more: Any) -> Answer:
    headers = {"X-Real-IP": address} if address != "127.0.0.1" else {}
    body = {"username": username, "password": password, **more}
    return Session(api.app, {}).post("/auth/token", json=body, headers=headers)


def is_wrong(answer: Answer) -> bool:
    assert answer.status == 401, answer.body
    error = dict(answer.body["error"])
    error.pop("request_id")
    return error == WRONG


# --- stored passwords --------------------------------------------------------------------


def argon2(password: str) -> str:
    made = Argon2id(salt=b"s" * 16, length=32, iterations=1, lanes=1, memory_cost=64)
    return made.derive_phc_encoded(password.encode())


STORED = {
    "md5": lambda password: hashlib.md5(password.encode()).hexdigest(),
    "phpass": lambda password: passwords.hash_password(password, "phpass"),
    "of 6.8": lambda password: passwords.hash_password(password, cost=4),
    "bcrypt": lambda password: bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode().replace("$2b$", "$2y$"),
    "argon2": argon2,
}
TYPED = ["plain", 'it\'s "quoted" and \\slashed\\', " spaces around \t", "ünïcödé ✓", "a\x00b", "p" * 70]


@pytest.mark.parametrize("kind", STORED)
def test_every_format_of_wordpress_is_judged(api: Api, kind: str) -> None:
    """What a form posts is slashed and trimmed before WordPress hashes it: so is what we compare."""
    person = Person(api)
    for typed in TYPED if kind != "bcrypt" else TYPED[:4]:
        person.change(user_pass=STORED[kind](passwords.as_posted(typed)))
        assert person.log_in(typed).status == 200, typed
        assert is_wrong(person.log_in(typed + "x"))


def test_a_format_of_a_plugin_is_judged_by_nobody_here(api: Api) -> None:
    person = Person(api, stored="$custom$format$of$another$plugin")
    assert is_wrong(person.log_in())


@pytest.mark.parametrize("stored", ["", "*", "!", "d41d8cd98f00b204e9800998ecf8427e", "$wp", "$P$", "$argon2id$x"])
def test_a_stored_value_that_is_no_hash_opens_nothing(api: Api, stored: str) -> None:
    person = Person(api, stored=stored)
    for typed in ("x", " ", "*", "!", stored or "y"):
        assert is_wrong(person.log_in(typed))


@pytest.mark.parametrize("password", [" ", "\t\n", "\x00"])
def test_nothing_but_space_is_no_password(api: Api, password: str) -> None:
    posted = passwords.as_posted(password)
    person = Person(api, stored=hashlib.md5(posted.encode()).hexdigest())
    assert person.log_in(password).status == (401 if not posted else 200)


# --- who ---------------------------------------------------------------------------------


def test_by_name_or_address(api: Api) -> None:
    person = Person(api)
    for name in (person.login, f"{person.login}@example.test"):
        assert log_in(api, name, PASSWORD).data["user"]["id"] == person.id
    assert log_in(api, f"{person.login}@EXAMPLE.test", PASSWORD).status in (200, 401)  # the collation decides


@pytest.mark.parametrize("name", ["nobody", "nobody@example.test", "' OR 1=1 --", "\x00", "%", "admin\x00", "x" * 255])
def test_an_unknown_name_is_wrong_as_a_password_is(api: Api, name: str) -> None:
    assert is_wrong(log_in(api, name, PASSWORD))


def test_who_is_barred_is_told_no_more(api: Api) -> None:
    person = Person(api)
    person.change(user_status=1)
    assert is_wrong(person.log_in())
    assert person.tokens() == []


def test_names_that_exist_and_names_that_do_not_take_the_same_way(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """One hash of the same kind is computed for each, so that neither is quicker."""
    known = Person(api, stored=passwords.hash_password(PASSWORD))
    barred = Person(api, stored=passwords.hash_password(PASSWORD))
    barred.change(user_status=1)
    log_in(api, "warm", "up")
    seen: list[str] = []
    verify = passwords.verify

    def noted(password: str, stored: str) -> bool:
        seen.append(stored[:7])
        return verify(password, stored)

    monkeypatch.setattr(passwords, "verify", noted)
    for name in (known.login, barred.login, "nobody-at-all", "nobody@example.test"):
        seen.clear()
        assert is_wrong(log_in(api, name, "wrong"))
        assert seen == ["$wp$2y$"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "username"),
        ({"username": "x"}, "password"),
        ({"username": "", "password": "x"}, "username"),
        ({"username": "x", "password": ""}, "password"),
        ({"username": ["x"], "password": "x"}, "username"),
        ({"username": "x", "password": {"$ne": ""}}, "password"),
        ({"username": "x" * 256, "password": "x"}, "username"),
        ({"username": "x", "password": "x" * 4097}, "password"),
        ({"username": "x", "password": "x", "extra": "code"}, "extra"),
        ({"username": "x", "password": "x", "extra": {"code": 5}}, "extra.code.value"),
        ({"username": "x", "password": "x", "role": "administrator"}, "role"),
    ],
)
def test_a_wrong_body_is_422(api: Api, body: dict[str, Any], field: str) -> None:
    answer = api.as_(None).post("/auth/token", json=body)
    assert answer.status == 422
    assert field in {detail["field"] for detail in answer.body["error"]["details"]}


def test_a_session_keeps_what_it_was_begun_with(api: Api) -> None:
    person = Person(api, "lrn_instructor")
    person.log_in()
    (row,) = person.tokens()
    assert row["capabilities"] == sorted(
        [
            "lrn_instructor",
            "learnomy_edit_courses",
            "learnomy_publish_courses",
            "learnomy_grade",
            "learnomy_view_reports",
        ]
    )
    assert len(row["password_fingerprint"]) == 32


def test_answers_with_tokens_are_kept_by_nobody(api: Api) -> None:
    answer = Person(api).log_in(headers={"Idempotency-Key": "login"})
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "Idempotency-Replayed" not in Person(api).log_in(headers={"Idempotency-Key": "login"}).headers


# --- limits ------------------------------------------------------------------------------


def test_ten_wrong_passwords_close_the_account_to_the_address(api: Api) -> None:
    person = Person(api)
    for _ in range(10):
        assert is_wrong(log_in(api, person.login, "wrong", "198.51.100.7"))
    for password in ("wrong", PASSWORD):
        blocked = log_in(api, person.login, password, "198.51.100.7")
        assert (blocked.status, blocked.code) == (429, "rate_limited")
        assert 0 < int(blocked.headers["Retry-After"]) <= 900
    assert log_in(api, person.login.upper(), PASSWORD, "198.51.100.7").status == 429
    assert log_in(api, person.login, PASSWORD, "198.51.100.8").status == 200


def test_ten_wrong_passwords_over_many_accounts_close_the_address(api: Api) -> None:
    person = Person(api)
    for number in range(10):
        assert is_wrong(log_in(api, f"guess{number}", "wrong", "198.51.100.9"))
    assert log_in(api, person.login, PASSWORD, "198.51.100.9").status == 429


def test_right_ones_count_for_nothing(api: Api) -> None:
    person = Person(api)
    for _ in range(15):
        assert log_in(api, person.login, PASSWORD, "198.51.100.10").status == 200


def test_refreshing_and_logging_in_share_a_class(api: Api) -> None:
    allow(api, 3)
    statuses = [log_in(api, f"class{number}", "x", "198.51.100.11").status for number in range(5)]
    assert statuses[-1] == 429


def test_those_who_run_the_school_are_limited_here_too(api: Api) -> None:
    admin = api.as_("admin")
    allow(api, 2)
    body = {"username": "admin", "password": "wrong"}
    answers = [admin.post("/auth/token", json=body, headers={"X-Real-IP": "198.51.100.12"}) for _ in range(5)]
    assert answers[-1].status == 429
    assert answers[-1].headers["RateLimit-Limit"] == "2"


# --- beside a WordPress ------------------------------------------------------------------


@pytest.fixture
def wp(api: Api) -> Iterator[Paired]:
    with paired(api) as found:
        yield found


def test_the_direct_door_judges_what_it_can(wp: Paired) -> None:
    person = Person(wp.api)
    body = {"username": person.login, "password": PASSWORD}
    assert wp.direct("POST", "/auth/token", body=body).status == 200
    person.change(user_pass="$plugin$" + "h" * 40)
    answer = wp.direct("POST", "/auth/token", body=body)
    assert answer.headers["X-Accel-Redirect"] == "@wordpress"
    early = wp.signed("POST", "/auth/token", body=body, Door="early", User="")
    assert early.control == "handover"


def test_a_login_that_is_handed_over_is_charged_once(wp: Paired) -> None:
    person = Person(wp.api, stored="$plugin$" + "h" * 40)
    wp.set_options(learnomy_settings={"limits": {"login": 4}})
    body = {"username": person.login, "password": PASSWORD}
    for _ in range(8):
        answer = wp.direct("POST", "/auth/token", body=body, X_Real_IP="198.51.100.20")
        assert answer.headers.get("X-Accel-Redirect"), answer.body


def test_where_wordpress_judged_its_word_counts(wp: Paired) -> None:
    """With a second factor in the way, the right password alone opens nothing."""
    person = Person(wp.api)
    body = {"username": person.login, "password": PASSWORD}
    for password in (PASSWORD, "wrong"):
        refused = wp.signed("POST", "/auth/token", body={**body, "password": password}, User="0", Via="authenticate")
        assert (refused.status, refused.answer.code) == (401, "unauthenticated")
    assert person.tokens() == []
    accepted = wp.signed(
        "POST", "/auth/token", body={**body, "password": "of the plugin"}, User=str(person.id), Via="authenticate"
    )
    assert accepted.body["data"]["user"]["id"] == person.id
    assert who(wp.api, accepted.body["data"]["access_token"]).status == 200


def test_in_a_loaded_wordpress_nobody_else_judges(wp: Paired) -> None:
    """What the plugin does not hand to `authenticate` (a blank password) is wrong."""
    person = Person(wp.api)
    for user, via in (("0", ""), ("", ""), (str(person.id), "cookie"), (str(person.id), "internal")):
        body = {"username": person.login, "password": PASSWORD}
        assert wp.signed("POST", "/auth/token", body=body, User=user, Via=via).status == 401
    assert person.tokens() == []


def test_what_wordpress_refuses_counts_as_a_failure(wp: Paired) -> None:
    person = Person(wp.api)
    body = {"username": person.login, "password": PASSWORD}
    options: dict[str, str] = {"User": "0", "Via": "authenticate", "Client": "198.51.100.30"}
    for _ in range(10):
        assert wp.signed("POST", "/auth/token", body=body, **options).status == 401
    blocked = wp.signed("POST", "/auth/token", body=body, **{**options, "User": str(person.id)})
    assert (blocked.status, blocked.answer.code) == (429, "rate_limited")


def test_unknown_names_take_the_way_of_an_older_wordpress(wp: Paired, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before 6.8 people had phpass, which takes another time than bcrypt."""
    seen: list[str] = []
    monkeypatch.setattr(passwords, "verify", lambda _password, stored: bool(seen.append(stored[:4])))
    for version, prefix in (("6.1.9", "$P$B"), ("6.7", "$P$B"), ("6.8", "$wp$"), ("6.10", "$wp$"), ("7.1.4", "$wp$")):
        wp.pair(wp_version=version)
        seen.clear()
        wp.direct("POST", "/auth/token", body={"username": "nobody", "password": "x"}, X_Real_IP="198.51.100.40")
        assert seen == [prefix], version


def test_base64_is_no_way_around(api: Api) -> None:
    person = Person(api)
    basic = base64.b64encode(f"{person.login}:{PASSWORD}".encode()).decode()
    answer = Session(api.app, {"Authorization": f"Basic {basic}"}).get("/auth/me")
    assert answer.status == 401, "a password is no application password"
