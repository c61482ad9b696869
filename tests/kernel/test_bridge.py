"""The signed channel, as whoever reaches the port would try it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator

import orjson
import pytest

from learnomy_wp.kernel import channel
from tests.client import SECRET, Answer, Api, make_api

SALT = "ab" * 32
TARGET = "/wp-json/learnomy/v1/auth/me"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A backend that takes itself for paired with a WordPress."""
    folder = tmp_path_factory.mktemp("bridge")
    api = make_api(f"sqlite:///{folder / 'site.sqlite3'}", folder)
    blog = {"id": 1, "prefix": "wp_", "home": "http://learnomy.test", "siteurl": "http://learnomy.test"}
    api.runtime.site.save_pairing(
        {
            "protocol": 1,
            "base_prefix": "wp_",
            "blogs": [blog],
            "salts": {name: name * 9 for name in ("auth", "secure_auth", "logged_in", "nonce")},
            "bridge_salt": SALT,
            "home": blog["home"],
            "siteurl": blog["siteurl"],
        }
    )
    yield api
    api.runtime.database.dispose()


def signed(
    api: Api,
    *,
    method: str = "GET",
    target: str = TARGET,
    body: bytes = b"",
    purpose: str = "request",
    tamper: dict[str, str] | None = None,
    **changes: str,
) -> Answer:
    """Send a request signed as the plugin signs; `tamper` changes headers after signing."""
    header = {
        "Bridge": "1",
        "Door": "full",
        "Blog": "1",
        "User": str(api.ids["student"]),
        "Via": "cookie",
        "Client": "203.0.113.9",
        "Host": "learnomy.test",
        "Proto": "https",
        "Time": str(int(time.time() * 1000)),
        "Nonce": secrets.token_hex(16),
        "Deadline": "",
        **changes,
    }
    content_type = "application/json" if body else ""
    parts = channel.request_parts(method, target, body, content_type, header, "")
    salt = "" if purpose == "pair" else SALT
    header["Signature"] = channel.sign(channel.key(SECRET, salt, purpose), *parts)
    header |= tamper or {}
    headers = {channel.HEADER + name: value for name, value in header.items()}
    answer = api.app.test_client().open(
        target, method=method, data=body, headers=headers, content_type=content_type or None
    )
    return Answer(answer.status_code, answer.get_json(silent=True), answer.headers)


def test_a_signed_user_is_believed_and_the_reply_is_signed(site: Api) -> None:
    nonce = secrets.token_hex(16)
    answer = signed(site, Nonce=nonce)
    assert answer.status == 200
    assert answer.data["username"] == "student"
    assert answer.data["credential"] == "cookie"
    body = orjson.dumps(answer.body)
    parts = channel.response_parts(nonce, 200, answer.headers["Content-Type"], body, "answer", "")
    assert answer.headers["X-Learnomy-Control"] == "answer"
    assert answer.headers["X-Learnomy-Response-Signature"] == channel.sign(
        channel.key(SECRET, SALT, "response"), *parts
    )


@pytest.mark.parametrize("claim", ["Bridge", "Door", "Blog", "User", "Via", "Client"])
def test_an_unsigned_claim_is_refused(site: Api, claim: str) -> None:
    answer = site.as_(None).get("/auth/me", headers={f"X-Learnomy-{claim}": "1"})
    assert (answer.status, answer.code) == (400, "bad_request")


@pytest.mark.parametrize(
    "tamper",
    [
        {"User": "1"},
        {"Via": "jwt"},
        {"Blog": "2"},
        {"Door": "page"},
        {"Client": "198.51.100.1"},
        {"Host": "evil.test"},
        {"Proto": "http"},
        {"Deadline": "99999999999999"},
        {"Nonce": "0" * 32},
        {"Signature": "0" * 64},
    ],
    ids=lambda tamper: next(iter(tamper)),
)
def test_an_altered_header_is_refused(site: Api, tamper: dict[str, str]) -> None:
    answer = signed(site, tamper=tamper)
    assert (answer.status, answer.code) == (401, "bridge_forbidden")


def test_a_replay_is_refused(site: Api) -> None:
    nonce = secrets.token_hex(16)
    assert signed(site, Nonce=nonce).status == 200
    again = signed(site, Nonce=nonce)
    assert (again.status, again.code) == (401, "bridge_replayed")


@pytest.mark.parametrize("seconds", [-61, 61, -3600])
def test_a_stale_request_is_refused(site: Api, seconds: int) -> None:
    answer = signed(site, Time=str(int((time.time() + seconds) * 1000)))
    assert (answer.status, answer.code) == (401, "bridge_stale")


@pytest.mark.parametrize("purpose", ["response", "call", "reply", "pair"])
def test_a_key_of_another_purpose_is_refused(site: Api, purpose: str) -> None:
    answer = signed(site, purpose=purpose)
    assert (answer.status, answer.code) == (401, "bridge_forbidden")


def test_another_protocol_is_told_apart(site: Api) -> None:
    answer = signed(site, Bridge="7")
    assert (answer.status, answer.code) == (503, "bridge_protocol")


def test_the_plugins_verbs_need_a_signature(site: Api) -> None:
    for verb in ("pair", "whoami", "ping", "changed", "seed", "unseed"):
        answer = site.app.test_client().post(f"/learnomy-bridge/v1/{verb}", json={})
        assert answer.status_code == 401, verb


def test_a_late_write_changes_nothing(site: Api) -> None:
    past = str(int((time.time() - 1) * 1000))
    body = b'{"all":true}'
    answer = signed(site, method="POST", target="/wp-json/learnomy/v1/auth/token/revoke", body=body, Deadline=past)
    assert (answer.status, answer.code) == (503, "backend_unavailable")


def test_an_asserted_user_who_is_gone_is_nobody(site: Api) -> None:
    assert signed(site, User="999999").status == 401


def test_whoami_judges_the_forwarded_token(site: Api) -> None:
    target = "/learnomy-bridge/v1/whoami"
    refused = signed(site, method="POST", target=target, User="")
    assert refused.status == 401


def test_pairing_takes_the_pair_key_only(site: Api) -> None:
    target = "/learnomy-bridge/v1/pair"
    pairing = dict(site.runtime.site.pairing)
    body = orjson.dumps(pairing)
    assert signed(site, method="POST", target=target, body=body).status == 401
    answer = signed(site, method="POST", target=target, body=body, purpose="pair", Door="system", User="")
    assert answer.status == 200
    assert answer.data["protocol"] == 1
