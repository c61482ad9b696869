"""Logs are one JSON line per event, and no credential is ever in one."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from learnomy_wp.kernel import log

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI1In0.c2lnbmF0dXJlLXNpZw"
SECRETS = [
    "Bearer abcdef0123456789",
    "Basic YWRtaW46aHVudGVyMg==",
    JWT,
    "lrn_8d7f6a5b4c3d2e1f",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "$wp$2y$10$607XKVrBjPEqujeOXNwbYuOJ.gPMd2TelMMknmeV70Kap1E81Ovo6",
    "$2y$10$607XKVrBjPEqujeOXNwbYuOJ.gPMd2TelMMknmeV70Kap1E81Ovo6",
    "$P$B7889EMq/erHIuZapMB8GEizebcIy9.",
    "$generic$-r4FB5NrhNs1VZlhj9uMueqVu30SZqjhd5q-NUtA",
    "wordpress_logged_in_0123456789abcdef0123456789abcdef=admin%7C1700000000%7Ctok%7Cmac",
]


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_request_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(form="json")
    started = log.begin(request_id="01ABC", door="early")
    log.bind(user_id=7)
    seconds = log.finish("list_courses", 200, started, queries=4)
    (line,) = lines(capsys)
    assert line["ms"] == round(seconds * 1000, 1)
    expected = {"event": "request", "endpoint": "list_courses", "status": 200, "request_id": "01ABC", "door": "early"}
    assert expected.items() <= line.items()
    assert (line["user_id"], line["queries"], line["level"]) == (7, 4, "info")
    assert line["timestamp"].endswith("Z")


def test_facts_of_one_request_do_not_reach_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(form="json")
    log.finish("one", 200, log.begin(request_id="1", user_id=9))
    log.finish("two", 503, log.begin(request_id="2"))
    one, two = lines(capsys)
    assert (one["user_id"], one["level"], two["level"]) == (9, "info", "error")
    assert "user_id" not in two


def test_the_level_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("warning", "json")
    log.get().info("hidden")
    log.get().warning("shown")
    assert [line["event"] for line in lines(capsys)] == ["shown"]


def test_libraries_log_in_the_same_form_and_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(form="json")
    logging.getLogger("some.library").warning("sent %s", "Bearer abcdef0123456789", extra={"password": "hunter2"})
    (line,) = lines(capsys)
    assert line["event"] == f"sent {log.MASK}"
    assert (line["logger"], line["password"]) == ("some.library", log.MASK)


def test_the_console_is_readable(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(form="console")
    log.get().info("started", port=8000, secret="hunter2")
    printed = capsys.readouterr().err
    assert "started" in printed
    assert "port=8000" in printed
    assert "hunter2" not in printed


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("place", ["field", "text", "event", "nested", "list", "bytes", "key", "object"])
def test_no_secret_is_logged_wherever_it_stands(capsys: pytest.CaptureFixture[str], secret: str, place: str) -> None:
    class Holder:
        def __repr__(self) -> str:
            return f"Holder({secret})"

    log.configure(form="json")
    event = f"failed with {secret} here" if place == "event" else "failed"
    facts: dict[str, Any] = (
        {
            "field": {"detail": secret},
            "text": {"detail": f"before {secret}, after"},
            "event": {},
            "nested": {"body": {"a": [{"b": secret}]}},
            "list": {"headers": [("X-Any", secret)]},
            "bytes": {"raw": secret.encode()},
            "key": {"headers": {"Authorization": secret}},
            "object": {"thing": Holder()},
        }[place]
        if place != "event"
        else {}
    )
    log.get().info(event, **facts)
    printed = capsys.readouterr().err
    assert secret not in printed
    assert log.MASK in printed


@pytest.mark.parametrize(
    "name",
    [
        "authorization",
        "Authorization",
        "X-Learnomy-Authorization",
        "HTTP_AUTHORIZATION",
        "cookie",
        "Set-Cookie",
        "password",
        "user_pass",
        "new_password",
        "passwd",
        "access_token",
        "refresh_token",
        "claim_token",
        "api_key",
        "apiKey",
        "client_secret",
        "LEARNOMY_SECRET",
        "X-WP-Nonce",
        "X-Learnomy-Signature",
        "private_key",
        "auth_salt",
        "session_tokens",
    ],
)
def test_fields_named_for_a_secret_are_masked(capsys: pytest.CaptureFixture[str], name: str) -> None:
    log.configure(form="json")
    log.get().info("x", **{name: "plain"}, headers={name: ["plain"]}, pairs=[(name, "plain")])
    assert "plain" not in capsys.readouterr().err


def test_what_is_no_secret_stays(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(form="json")
    log.get().info("x", path="/courses?search=token", passed=True, tokens_revoked=3, note="a basic course", user_id=5)
    (line,) = lines(capsys)
    assert (line["path"], line["passed"], line["tokens_revoked"]) == ("/courses?search=token", True, 3)
    assert (line["note"], line["user_id"]) == ("a basic course", 5)


def test_addresses_and_queries_lose_their_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(form="json")
    log.get().info(
        "x",
        database="mysql+pymysql://root:hunter2@db:3306/wp",
        address="/x?access_token=hunter3&page=2&password=hunter4",
    )
    printed = capsys.readouterr().err
    assert "hunter" not in printed
    assert "page=2" in printed


def test_an_exception_is_written_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(form="json")
    try:
        raise ValueError(f"cannot use {JWT}")
    except ValueError:
        log.get().exception("failed")
    (line,) = lines(capsys)
    assert "ValueError" in line["exception"]
    assert JWT not in line["exception"]


def test_anything_can_be_logged(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(form="json")
    deep: Any = "bottom"
    for _ in range(50):
        deep = {"below": [deep]}
    log.get().info(
        "x", deep=deep, odd=object(), binary=b"\xff\xfe", number=2**80, broken="\ud800", keys={1: "a", None: "b"}
    )
    (line,) = lines(capsys)
    assert line["event"] == "x"
