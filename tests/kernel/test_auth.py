"""Every credential: right, wrong, altered, of somebody else, and several at once."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import jwt as pyjwt
import orjson
import pytest

from learnomy_wp.kernel import db, local, site
from learnomy_wp.kernel.auth import application_password, keys
from learnomy_wp.kernel.auth import jwt as our_jwt
from tests.accounts.people import PASSWORD, Person
from tests.client import Answer, Api
from tests.kernel.paired import Paired, paired
from wp_schema import application_passwords, cookies

ME = "/auth/me"
HOME = "http://learnomy.test"


def ask(api: Api, path: str = ME, *, method: str = "GET", **headers: str) -> Answer:
    """A request with these headers and no cookies of the client's own."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = api.app.test_client(use_cookies=False).open(
        f"/wp-json/learnomy/v1{path}", method=method, headers={"Host": "learnomy.test", **sent}
    )
    return Answer(answer.status_code, answer.get_json(silent=True), answer.headers)


def is_refused(answer: Answer, code: str = "unauthenticated") -> bool:
    assert (answer.status, answer.code) == (401, code), answer.body
    assert answer.headers["Cache-Control"] == "private, no-store"
    return answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.fixture(scope="module")
def student(api: Api) -> Person:
    return Person(api)


@pytest.fixture(scope="module")
def token(student: Person) -> str:
    return student.log_in().data["access_token"]


@pytest.fixture(scope="module")
def key(api: Api) -> tuple[str, bytes]:
    """The signing key, which nobody outside has."""
    with api.inside():
        return keys.jwt_keys()[0]


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = pyjwt.decode(token, options={"verify_signature": False})
    return claims


def forge(
    token: str, key: tuple[str, bytes], *, without: str = "", header: dict[str, Any] | None = None, **changes: Any
) -> str:
    """The token with other claims, signed as we sign."""
    claims = {name: value for name, value in {**claims_of(token), **changes}.items() if name != without}
    head = {"kid": key[0], "alg": "HS256", "typ": "JWT", **(header or {})}
    packed = b".".join(_part(orjson.dumps(part)) for part in (head, claims))
    signer = pyjwt.get_algorithm_by_name("HS256")
    return (packed + b"." + _part(signer.sign(packed, key[1]))).decode()


def _part(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


# --- our tokens --------------------------------------------------------------------------


def test_a_token_is_its_users(api: Api, student: Person, token: str) -> None:
    for header in (f"Bearer {token}", f"bearer {token}", f"BEARER   {token} "):
        answer = ask(api, Authorization=header)
        assert (answer.data["id"], answer.data["credential"]) == (student.id, "jwt")
    claims = claims_of(token)
    assert set(claims) == {"iss", "aud", "sub", "iat", "exp", "jti", "sid"}
    assert (claims["iss"], claims["aud"], claims["sub"]) == (HOME, "learnomy/v1", str(student.id))
    assert claims["exp"] - claims["iat"] == 900
    assert claims_of(student.log_in().data["access_token"])["jti"] != claims["jti"]


def test_a_forgery_of_ours_is_a_right_one(api: Api, student: Person, token: str, key: tuple[str, bytes]) -> None:
    """So that the refusals below are for what they change."""
    assert ask(api, Authorization=f"Bearer {forge(token, key)}").data["id"] == student.id


def test_an_expired_token_says_so(api: Api, token: str, key: tuple[str, bytes]) -> None:
    for expired in (int(time.time()) - 1, 0, -5):
        assert is_refused(ask(api, Authorization=f"Bearer {forge(token, key, exp=expired)}"), "token_expired")


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "other/v1"},
        {"aud": ["other/v1"]},
        {"iss": "https://elsewhere.test"},
        {"iss": HOME + "/"},
        {"iss": ""},
        {"sub": "1"},
        {"sub": "0"},
        {"sub": "-1"},
        {"sub": "abc"},
        {"sub": ""},
        {"sub": 5},
        {"sub": "9" * 30},
        {"sid": "0" * 32},
        {"sid": ""},
        {"sid": 7},
        {"sid": None},
        {"exp": "soon"},
        {"exp": None},
        {"exp": 10**30},
        *({"without": name} for name in ("iss", "aud", "sub", "iat", "exp", "jti", "sid")),
    ],
    ids=str,
)
def test_other_claims_are_refused(api: Api, token: str, key: tuple[str, bytes], changes: dict[str, Any]) -> None:
    if changes.get("exp") == 10**30:
        changes = {"exp": 2**53, "sid": "0" * 32}
    assert is_refused(ask(api, Authorization=f"Bearer {forge(token, key, **changes)}"))


def test_another_persons_session_is_refused(api: Api, token: str, key: tuple[str, bytes]) -> None:
    other = claims_of(Person(api).log_in().data["access_token"])
    assert is_refused(ask(api, Authorization=f"Bearer {forge(token, key, sid=other['sid'])}"))
    assert is_refused(ask(api, Authorization=f"Bearer {forge(token, key, sub=other['sub'])}"))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_altered_token_is_refused(api: Api, token: str, place: int) -> None:
    parts = token.split(".")
    for index in (0, len(parts[place]) // 2, -2):
        letters = list(parts[place])
        letters[index] = "A" if letters[index] != "A" else "B"
        changed = ".".join([*parts[:place], "".join(letters), *parts[place + 1 :]])
        assert is_refused(ask(api, Authorization=f"Bearer {changed}"))


def test_no_algorithm_but_ours(api: Api, token: str, key: tuple[str, bytes]) -> None:
    """`none`, another HMAC, and a public key taken for a secret."""
    kid, secret = key
    claims = claims_of(token)
    for algorithm in ("HS384", "HS512"):
        signed = pyjwt.encode(claims, secret * 2, algorithm=algorithm, headers={"kid": kid})
        assert is_refused(ask(api, Authorization=f"Bearer {signed}"))
    for algorithm in ("none", "None", "NONE", "RS256", "ES256", "", "HS256 ", None, ["HS256"]):
        forged = forge(token, key, header={"alg": algorithm})
        assert is_refused(ask(api, Authorization=f"Bearer {forged}"))
        assert is_refused(ask(api, Authorization=f"Bearer {forged.rpartition('.')[0]}."))


@pytest.mark.parametrize(
    "kid", ["lrn-00000000", "lrn-", "lrn-../../passwd", "lrn-' OR 1=1", "other", "", None, 5, ["lrn-"]]
)
def test_a_foreign_key_is_refused(api: Api, token: str, key: tuple[str, bytes], kid: Any) -> None:
    assert is_refused(ask(api, Authorization=f"Bearer {forge(token, key, header={'kid': kid})}"))


@pytest.mark.parametrize(
    "value",
    [
        *("", "x", ".", "..", "...", "a.b.c", "e30.e30.e30", "lrn_0123456789", "\u00e9.\u00e9.\u00e9", "A" * 9000),
        *(f"eyJraWQiOiJscm4tMSJ9.{rest}" for rest in ("e30", "", ".", "\x7f.x")),
    ],
)
def test_garbage_is_refused_and_never_anonymous(api: Api, value: str) -> None:
    header = f"Bearer {value}".encode().decode("latin-1")
    assert is_refused(ask(api, Authorization=header))
    assert is_refused(ask(api, "/health", Authorization=header)), "public endpoints too"


def test_another_kind_of_credential_is_none(api: Api) -> None:
    """A web server's own Digest or Negotiate is not meant for us."""
    for header in ("Digest username=x", "Negotiate abc", "Basic", "Basic ", "Bearer-like x", ""):
        assert is_refused(ask(api, Authorization=header))
        assert ask(api, "/health", Authorization=header).status == 200


def test_keys_can_be_rotated(api: Api, student: Person, token: str) -> None:
    """The last key still verifies; one that is gone does not, at once."""
    with api.inside():
        before = local_option(keys.OPTION)
        ring = our_ring(api)
        fresh = {"kid": "lrn-fresh000", "key": base64.b64encode(b"k" * 32).decode(), "created": 1}
        save_ring(api, {"jwt": [fresh, *ring["jwt"]]})
    try:
        assert ask(api, Authorization=f"Bearer {token}").status == 200
        new = student.log_in().data["access_token"]
        assert pyjwt.get_unverified_header(new)["kid"] == "lrn-fresh000"
        assert ask(api, Authorization=f"Bearer {new}").status == 200
        with api.inside():
            save_ring(api, {"jwt": [fresh]})
        assert is_refused(ask(api, Authorization=f"Bearer {token}"))
        assert ask(api, Authorization=f"Bearer {new}").status == 200
    finally:
        with api.inside():
            db.transaction(lambda: local.set_option(keys.OPTION, before))
            keys.forget()
    assert ask(api, Authorization=f"Bearer {token}").status == 200


def local_option(name: str) -> Any:
    from wp_schema import options

    return db.transaction(lambda: options.read(db.execute, [name]))[name]


def our_ring(api: Api) -> dict[str, Any]:
    held = keys.jwt_keys()
    return {"jwt": [{"kid": kid, "key": base64.b64encode(value).decode(), "created": 0} for kid, value in held]}


def save_ring(api: Api, ring: dict[str, Any]) -> None:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    nonce = b"n" * 12
    sealed = ChaCha20Poly1305(keys._wrapping_key(site.current().salt("auth"))).encrypt(
        nonce, orjson.dumps(ring), keys.OPTION.encode()
    )
    stored = {"v": 1, "box": base64.b64encode(nonce + sealed).decode()}
    db.transaction(lambda: local.set_option(keys.OPTION, stored))
    keys.forget()


# --- where servers strip Authorization ---------------------------------------------------


def test_our_own_header_stands_in(api: Api, student: Person, token: str) -> None:
    answer = ask(api, X_Learnomy_Authorization=f"Bearer {token}")
    assert answer.data["id"] == student.id
    assert is_refused(ask(api, X_Learnomy_Authorization="Bearer wrong"))


def test_it_never_wins_over_authorization(api: Api, token: str) -> None:
    other = Person(api)
    theirs = other.log_in().data["access_token"]
    both = {"Authorization": f"Bearer {theirs}", "X_Learnomy_Authorization": f"Bearer {token}"}
    assert ask(api, **both).data["id"] == other.id
    assert is_refused(ask(api, Authorization="Bearer wrong", X_Learnomy_Authorization=f"Bearer {token}"))


# --- Application Passwords ---------------------------------------------------------------


def give_password(person: Person, style: Any = "generic") -> tuple[str, dict[str, Any]]:
    password, entry = application_passwords.make("test", now=1, style=style)
    person.change_meta(application_passwords.META_KEY, [entry])
    return password, entry


def basic(login: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()


@pytest.mark.parametrize("style", ["generic", "phpass"])
def test_an_application_password_is_its_users(api: Api, style: str) -> None:
    person = Person(api)
    password, _ = give_password(person, style)
    for login in (person.login, f"{person.login}@example.test"):
        for given in (password, application_passwords.in_groups(password)):
            answer = ask(api, Authorization=basic(login, given))
            assert (answer.data["id"], answer.data["credential"]) == (person.id, "application_password")
    assert ask(api, X_Learnomy_Authorization=basic(person.login, password)).data["id"] == person.id


def test_a_wrong_one_is_refused(api: Api, student: Person) -> None:
    person = Person(api)
    password, _ = give_password(person)
    for login, given in (
        (person.login, password[:-1]),
        (person.login, password.swapcase()),
        (person.login, PASSWORD),
        (person.login, ""),
        (person.login, "   "),
        (student.login, password),
        ("nobody", password),
        ("", password),
        (person.login, "x" * 3000),
    ):
        assert is_refused(ask(api, Authorization=basic(login, given))), (login, given)


@pytest.mark.parametrize("value", ["x", "!!!!", "bm9jb2xvbg==", "//79", base64.b64encode(b"\xff:\xff").decode()])
def test_what_is_no_pair_is_refused(api: Api, value: str) -> None:
    assert is_refused(ask(api, Authorization=f"Basic {value}"))


def test_a_withdrawn_one_ends_at_once(api: Api) -> None:
    person = Person(api)
    password, entry = give_password(person)
    assert ask(api, Authorization=basic(person.login, password)).status == 200
    other = application_passwords.make("other", now=1)[1]
    person.change_meta(application_passwords.META_KEY, [other])
    assert is_refused(ask(api, Authorization=basic(person.login, password)))
    person.change_meta(application_passwords.META_KEY, {3: entry, 7: other})
    assert ask(api, Authorization=basic(person.login, password)).status == 200
    person.change(user_status=1)
    assert is_refused(ask(api, Authorization=basic(person.login, password)))
    person.change(user_status=0)
    person.delete()
    assert is_refused(ask(api, Authorization=basic(person.login, password)))


def test_it_is_hashed_once_a_minute_and_the_store_of_those_is_bounded(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = Person(api)
    password, _ = give_password(person)
    calls: list[int] = []
    find = application_passwords.find_match
    monkeypatch.setattr(application_passwords, "find_match", lambda *given: (calls.append(1), find(*given))[1])
    for _ in range(3):
        assert ask(api, Authorization=basic(person.login, password)).status == 200
    assert len(calls) == 1
    application_password._verified.update({str(number): 1e18 for number in range(1001)})
    other = Person(api)
    second, _ = give_password(other)
    assert ask(api, Authorization=basic(other.login, second)).status == 200
    assert len(application_password._verified) == 1


# --- cookies (judged here on the embedded default) ---------------------------------------


class Cookie:
    """A login of a person's in a browser."""

    def __init__(self, person: Person, *, expires_in: int = 3600, before_6_8: bool = False) -> None:
        self.person, now = person, int(time.time())
        self.token, session = cookies.make_session(now=now, expiration=now + expires_in)
        person.change_meta(cookies.SESSIONS_META_KEY, {cookies.verifier(self.token): session})
        with person.api.inside():
            current = site.current()
            stored = _user_pass(person)
            salt = current.salt("logged_in")
            made = cookies.make_login_cookie(
                person.login, stored, now + expires_in, self.token, salt, before_6_8=before_6_8
            )
            self.name = cookies.logged_in_name(site.record().siteurl)
            self.header = f"{self.name}={made.header_value()}"
            self.nonce = cookies.make_nonce("wp_rest", person.id, self.token, current.salt("nonce"), now)
            self.guests_nonce = cookies.make_nonce("wp_rest", 0, "", current.salt("nonce"), now)


def _user_pass(person: Person) -> str:
    from sqlalchemy import select

    from wp_schema.tables import users

    return str(db.value(select(users.c.user_pass).where(person.id == users.c.ID)))


def test_a_cookie_counts_with_its_nonce(api: Api) -> None:
    person = Person(api)
    cookie = Cookie(person)
    answer = ask(api, Cookie=cookie.header, X_WP_Nonce=cookie.nonce)
    assert (answer.data["id"], answer.data["credential"]) == (person.id, "cookie")
    assert ask(api, f"{ME}?_wpnonce={cookie.nonce}", Cookie=cookie.header).data["id"] == person.id


def test_a_cookie_of_an_older_wordpress_hangs_on_another_part_of_the_hash(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = Person(api)
    person.change(user_pass="$wp$2y$10$" + "abcdefghijklmnopqrstu" + "v" * 32)
    for version, is_old in (("6.7.2", True), ("7.1", False)):
        monkeypatch.setattr(api.runtime.site, "_pairing", {"wp_version": version})
        for before_6_8 in (True, False):
            cookie = Cookie(person, before_6_8=before_6_8)
            answer = ask(api, Cookie=cookie.header, X_WP_Nonce=cookie.nonce)
            assert answer.status == (200 if before_6_8 is is_old else 403)


def test_without_a_nonce_it_is_nobodys(api: Api) -> None:
    cookie = Cookie(Person(api))
    assert is_refused(ask(api, Cookie=cookie.header))
    assert ask(api, "/health", Cookie=cookie.header).status == 200


def test_a_wrong_nonce_is_403_as_in_wordpress(api: Api) -> None:
    cookie, other = Cookie(Person(api)), Cookie(Person(api))
    for nonce in ("wrong", "0" * 10, other.nonce, cookie.guests_nonce, cookie.nonce[:-1], "\u00e9" * 3):
        sent = nonce.encode().decode("latin-1")
        for path in (ME, "/health"):
            answer = ask(api, path, Cookie=cookie.header, X_WP_Nonce=sent)
            assert (answer.status, answer.code) == (403, "forbidden"), nonce
    assert ask(api, "/health", X_WP_Nonce="wrong").status == 403
    assert ask(api, "/health", X_WP_Nonce=cookie.guests_nonce).status == 200
    assert ask(api, "/health", X_WP_Nonce=cookie.nonce).status == 403


def test_a_cookie_that_is_over_is_a_visitors(api: Api) -> None:
    person = Person(api)
    cookie = Cookie(person)
    ended: dict[str, Any] = {
        "another password": lambda: person.change(user_pass="0" * 32),
        "logged out": lambda: person.change_meta(cookies.SESSIONS_META_KEY, {}),
    }
    for end in ended.values():
        fresh = Cookie(person)
        assert ask(api, Cookie=fresh.header, X_WP_Nonce=fresh.nonce).status == 200
        end()
        assert ask(api, Cookie=fresh.header, X_WP_Nonce=fresh.nonce).status == 403
        assert ask(api, "/health", Cookie=fresh.header, X_WP_Nonce=fresh.guests_nonce).status == 200
    expired = Cookie(person, expires_in=-10)
    assert ask(api, Cookie=expired.header, X_WP_Nonce=expired.nonce).status == 403
    forged = cookie.header.replace(quote(person.login), "admin")
    assert ask(api, Cookie=forged, X_WP_Nonce=cookie.nonce).status == 403
    fresh = Cookie(person)
    person.change(user_status=1)
    assert ask(api, Cookie=fresh.header, X_WP_Nonce=fresh.nonce).status == 403


@pytest.mark.parametrize(
    "value", ["", "x", "a|b|c|d", "admin|9999999999||", "%7C%7C%7C", "%ff|1|2|3", "a|" + "9" * 30 + "|b|c"]
)
def test_a_cookie_that_is_none_is_a_visitors(api: Api, value: str) -> None:
    with api.inside():
        name = cookies.logged_in_name(site.record().siteurl)
    assert ask(api, "/health", Cookie=f"{name}={value}").status == 200
    assert ask(api, "/health", Cookie=f"{name}={value}", X_WP_Nonce="x").status == 403


# --- several at once ---------------------------------------------------------------------


def test_a_token_beside_a_cookie_of_another(api: Api, student: Person, token: str) -> None:
    """The answer is the token's user or 401, never the cookie's."""
    cookie = Cookie(Person(api, "lrn_instructor"))
    for extra in ({}, {"X_WP_Nonce": cookie.nonce}, {"X_WP_Nonce": "wrong"}):
        answer = ask(api, Authorization=f"Bearer {token}", Cookie=cookie.header, **extra)
        assert answer.data["id"] == student.id
        for wrong in ("Bearer wrong", "Bearer lrn_0123", "Bearer a.b.c", basic("x", "y")):
            assert is_refused(ask(api, Authorization=wrong, Cookie=cookie.header, **extra))


def test_an_application_password_beside_a_cookie(api: Api) -> None:
    person, cookie = Person(api), Cookie(Person(api))
    password, _ = give_password(person)
    answer = ask(api, Authorization=basic(person.login, password), Cookie=cookie.header, X_WP_Nonce=cookie.nonce)
    assert answer.data["id"] == person.id


# --- beside a WordPress ------------------------------------------------------------------


@pytest.fixture
def wp(api: Api) -> Iterator[Paired]:
    with paired(api) as found:
        yield found
        found.set_options(using_application_passwords=None)


def test_basic_counts_only_where_wordpress_would_take_it(wp: Paired) -> None:
    """Otherwise it is the web server's own, and whoever sends it is a visitor."""
    person = Person(wp.api)
    password, _ = give_password(person)
    header = {"Authorization": basic(person.login, password)}
    https = {"X_Forwarded_Proto": "https"}
    assert wp.direct("GET", ME, **header, **https).status == 401, "no application password is in use"
    assert wp.direct("GET", "/health", **header, **https).status == 200
    wp.set_options(using_application_passwords="1")
    assert wp.direct("GET", ME, **header, **https).data["id"] == person.id
    for path in (ME, "/health"):
        plain = wp.direct("GET", path, **header)
        assert plain.headers["X-Accel-Redirect"] == "@wordpress", "WordPress alone knows whether TLS ended before us"
    early = wp.signed("GET", ME, Door="early", User="", Proto="http", authorization=header["Authorization"])
    assert early.status == 401, "not over plain HTTP"
    assert wp.direct("GET", "/health", Authorization=basic("x", "y"), **https).status == 401
    wp.pair(environment="local")
    assert wp.direct("GET", ME, **header).data["id"] == person.id
    wp.pair()


def test_a_stranger_does_not_say_that_it_was_https(wp: Paired) -> None:
    person = Person(wp.api)
    password, _ = give_password(person)
    wp.set_options(using_application_passwords="1")
    answer = wp.api.app.test_client().get(
        f"/wp-json/learnomy/v1{ME}",
        headers={"Authorization": basic(person.login, password), "X-Forwarded-Proto": "https"},
        environ_base={"REMOTE_ADDR": "203.0.113.9"},
    )
    assert answer.headers["X-Accel-Redirect"] == "@wordpress"


def test_whom_wordpress_names_is_believed_on_its_own_doors_only(wp: Paired) -> None:
    person = Person(wp.api)
    named = {"User": str(person.id), "Via": "cookie"}
    for door in ("full", "internal", "page"):
        assert wp.signed("GET", ME, Door=door, **named).body["data"]["id"] == person.id
    assert wp.signed("GET", ME, Door="early", **named).status == 401
    assert wp.signed("GET", ME, User="0").status == 401
    assert wp.signed("GET", ME, User="999999999").status == 401
    for user in ("-1", "abc", "1e3", " 5"):
        assert wp.signed("GET", ME, User=user).status == 401


def test_an_assertion_wins_over_a_header_that_wordpress_has_judged(wp: Paired, student: Person) -> None:
    person = Person(wp.api)
    reply = wp.signed("GET", ME, authorization="Bearer of.another.plugin", User=str(person.id), Via="foreign")
    assert (reply.body["data"]["id"], reply.body["data"]["credential"]) == (person.id, "foreign")
    token = student.log_in().data["access_token"]
    own = wp.signed("GET", ME, authorization=f"Bearer {token}", User="", Via="jwt")
    assert (own.body["data"]["id"], own.body["data"]["credential"]) == (student.id, "jwt")


def test_whoami_judges_tokens_and_nothing_else(wp: Paired, student: Person) -> None:
    def whoami(authorization: str, **changes: str) -> Any:
        return wp.signed("POST", "/whoami", prefix="/learnomy-bridge/v1", authorization=authorization, **changes)

    token = student.log_in().data["access_token"]
    for user in ("", "0", "1"):
        reply = whoami(f"Bearer {token}", User=user)
        assert reply.body["data"] == {"user_id": student.id, "credential": "jwt"}
    for wrong in ("", "Bearer wrong", "Bearer lrn_abc", basic("admin", "x"), f"Bearer {token}x"):
        assert whoami(wrong, User="1").status == 401
    student.change(user_status=1)
    assert whoami(f"Bearer {token}").status == 401
    student.change(user_status=0)


def test_an_identity_costs_one_query(api: Api, token: str) -> None:
    with api.runtime.request_stack(), db.blog(1):
        our_jwt.verify(token)  # the signing keys are kept
        before = db.query_count()
        our_jwt.verify(token)
        assert db.query_count() - before <= 2  # the site's record and the user
        assert db.query_count() - before >= 1
