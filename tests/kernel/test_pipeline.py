"""The path of a request: envelope, errors, methods, CORS, fields, conditions, limits and the deadline."""

from __future__ import annotations

import re
import time
from typing import Any

import orjson
import pytest
import time_machine

from learnomy_wp.kernel import db
from tests.client import Answer, Api
from tests.kernel import probe
from tests.kernel.probe import SWITCHES

ROOT = "/wp-json/learnomy/v1"


def raw(api: Api, method: str, path: str, *, login: str | None = "student", **options: Any) -> Answer:
    """A request with a body and headers of any kind."""
    headers = {**api.as_(login).headers, **options.pop("headers", {})}
    answer = api.app.test_client().open(ROOT + path, method=method, headers=headers, **options)
    return Answer(answer.status_code, answer.get_json(silent=True), answer.headers)


def is_envelope(answer: Answer) -> bool:
    """Whether an error is in our envelope, with an id that the header repeats."""
    error = answer.body["error"]
    assert set(error) == {"code", "message", "details", "request_id"}
    assert error["request_id"] == answer.headers["X-Request-ID"] != ""
    assert re.fullmatch(r"[a-z_]+", error["code"])
    assert isinstance(error["details"], list)
    return answer.headers["Content-Type"] == "application/json; charset=UTF-8"


# --- answers -----------------------------------------------------------------------------


def test_a_creation_is_201_with_its_place(probe_api: Api) -> None:
    answer = probe_api.as_("student").post("/probe/things", json={"name": "one"})
    assert answer.status == 201
    assert answer.data["name"] == "one"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", answer.data["at"])
    assert answer.headers["Location"] == f"{ROOT}/probe/things/7"
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_a_list_has_total_and_cursor(probe_api: Api) -> None:
    answer = probe_api.as_(None).get("/probe/things")
    assert answer.body == {"data": [], "meta": {"total": 0, "cursor_next": None}}


@pytest.mark.parametrize("wanted", ["short", "a" * 65, "with space", "ünï-code", "semi;colon", "8888888\t"])
def test_an_odd_request_id_is_replaced(probe_api: Api, wanted: str) -> None:
    answer = raw(probe_api, "GET", "/probe/still/1", headers={"X-Request-ID": wanted.encode().decode("latin-1")})
    assert answer.headers["X-Request-ID"] != wanted
    assert len(answer.headers["X-Request-ID"]) == 26


def test_a_sane_request_id_is_kept(probe_api: Api) -> None:
    answer = raw(probe_api, "GET", "/probe/nothing", headers={"X-Request-ID": "my-request.0001"})
    assert is_envelope(answer)
    assert answer.body["error"]["request_id"] == "my-request.0001"


# --- errors ------------------------------------------------------------------------------


def sent(data: Any, content_type: str = "application/json", status: int = 400, code: str = "malformed_json") -> Any:
    """A body that is sent as it is."""
    return "POST", "/probe/things", {"data": data, "content_type": content_type}, status, code


def refused(mode: str, status: int, code: str) -> Any:
    """A thing that is not made."""
    return "POST", "/probe/things", {"json": {"name": "a", "mode": mode}}, status, code


NO_OBJECT = {"status": 422, "code": "validation_failed"}
NO_JSON = {"status": 415, "code": "unsupported_media_type"}
ERRORS = {
    "malformed": sent(b'{"name": '),
    "not utf-8": sent(b'{"name": "\xff"}'),
    "lone surrogate": sent(b'{"name": "\\ud800"}'),
    "not a number": sent(b'{"name": NaN}'),
    "with a mark": sent(b'\xef\xbb\xbf{"name": "a"}'),
    "nested deep": sent(b'{"name":' + b"[" * 5000 + b"]" * 5000 + b"}"),
    "a list": sent(b"[]", **NO_OBJECT),
    "a string": sent(b'"name"', **NO_OBJECT),
    "null": sent(b"null", **NO_OBJECT),
    "nothing": sent(b"", **NO_OBJECT),
    "a form": sent(b"name=a", "application/x-www-form-urlencoded", **NO_JSON),
    "text": sent(b'{"name": "a"}', "text/plain", **NO_JSON),
    "multipart": sent({"name": "a"}, "multipart/form-data", **NO_JSON),
    "too large": sent(b'"' + b"a" * 1024 * 1024 + b'"', status=413, code="payload_too_large"),
    "no such path": ("GET", "/probe/nowhere", {}, 404, "not_found"),
    "not a number in the path": ("GET", "/probe/things/abc", {}, 404, "not_found"),
    "a negative id": ("GET", "/probe/things/-1", {}, 404, "not_found"),
    "too large an id": ("GET", f"/probe/things/{2**63}", {}, 404, "not_found"),
    "a huge id": ("GET", "/probe/things/" + "9" * 400, {}, 404, "not_found"),
    "an endless id": ("GET", "/probe/things/" + "9" * 5000, {}, 404, "not_found"),
    "digits of another script": ("GET", "/probe/things/\u0663", {}, 404, "not_found"),
    "a method it has not": ("PUT", "/probe/things/1", {}, 405, "method_not_allowed"),
    "a method nobody has": ("BREW", "/probe/things/1", {}, 405, "method_not_allowed"),
    "a refusal": refused("full", 409, "probe_full"),
    "a conflict": refused("conflict", 409, "conflict"),
    "forbidden": ("DELETE", "/probe/things/1", {}, 403, "forbidden"),
    "a crash": refused("crash", 500, "internal_error"),
    "not built": ("GET", "/search", {}, 501, "not_built"),
}


@pytest.mark.parametrize(("method", "path", "options", "status", "code"), ERRORS.values(), ids=ERRORS)
def test_every_error_is_in_the_envelope(
    probe_api: Api, method: str, path: str, options: dict[str, Any], status: int, code: str
) -> None:
    answer = raw(probe_api, method, path, **options)
    assert (answer.status, answer.code) == (status, code), answer.body
    assert is_envelope(answer)
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_a_crash_tells_nothing_of_the_inside(probe_api: Api) -> None:
    answer = probe_api.as_("student").post("/probe/things", json={"name": "secret", "mode": "crash"})
    assert "probe crashed" not in orjson.dumps(answer.body).decode()


def test_nobody_is_told_how_to_log_in(probe_api: Api) -> None:
    answer = probe_api.as_(None).post("/probe/things", json={"name": "a"})
    assert (answer.status, answer.code) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert is_envelope(answer)


def test_a_wrong_method_names_the_right_ones(probe_api: Api) -> None:
    answer = raw(probe_api, "PUT", "/probe/things/1")
    assert set(re.split(", ?", answer.headers["Allow"])) == {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH"}


def test_the_rule_comes_before_the_body(probe_api: Api) -> None:
    """Who may not call learns nothing of what a body must hold."""
    assert probe_api.as_(None).post("/probe/things", json={"wrong": 1}).status == 401
    SWITCHES.hidden = True
    assert probe_api.as_("student").post("/probe/things/1/touch", json={"wrong": 1}).status == 404


# --- what is wrong in a body -------------------------------------------------------------


def details(answer: Answer) -> dict[str, str]:
    assert (answer.status, answer.code) == (422, "validation_failed"), answer.body
    for detail in answer.body["error"]["details"]:
        assert set(detail) == {"field", "code", "message"}
        assert detail["message"]
    return {detail["field"]: detail["code"] for detail in answer.body["error"]["details"]}


def test_details_name_fields_however_deep(probe_api: Api) -> None:
    body = {
        "count": 101,
        "inner": {"user_id": 0, "other": 1},
        "many": [{"user_id": 1}, {"user_id": "x"}, "text"],
        "ids": [1, None, 2**63],
        "extra": {"key": 5, "far too long a key": "x"},
        "unheard_of": True,
    }
    assert details(probe_api.as_("student").post("/probe/things", json=body)) == {
        "name": "required",
        "count": "invalid",
        "inner.user_id": "invalid",
        "inner.other": "unknown_field",
        "many.1.user_id": "invalid",
        "many.2": "invalid",
        "ids.1": "invalid",
        "ids.2": "invalid",
        "extra.key.value": "invalid",
        "extra.far too long a key.key": "invalid",
        "unheard_of": "unknown_field",
    }


def test_what_a_service_finds_wrong_is_told_alike(probe_api: Api) -> None:
    answer = probe_api.as_("student").post("/probe/things", json={"name": "a", "mode": "invalid"})
    assert details(answer) == {"inner.user_id": "unknown"}


def test_a_flood_of_wrong_fields_is_cut(probe_api: Api) -> None:
    body = {f"field{number}": 1 for number in range(20_000)}
    assert len(details(probe_api.as_("student").post("/probe/things", json=body))) == 100


WRONG: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1.5,
    2**63,
    -(2**63) - 1,
    1e308,
    "",
    "text",
    "\x00",
    "a\x00b",
    "1",
    "½",
    "x" * 100_000,
    [],
    [[]],
    [None],
    {},
    {"a": {}},
    {"": ""},
    "2026-02-30T00:00:00Z",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+23:59",
]


@pytest.mark.parametrize("name", ["name", "mode", "count", "is_open", "starts_at", "inner", "many", "ids", "extra"])
def test_a_wrong_type_is_no_crash(probe_api: Api, name: str) -> None:
    session = probe_api.as_("student")
    for value in WRONG:
        answer = session.post("/probe/things", json={"name": "ok", name: value})
        assert answer.status in (201, 422), (name, value, answer.body)
        if answer.status == 422:
            assert details(answer)


def test_null_bytes_go_in_and_come_out(probe_api: Api) -> None:
    answer = probe_api.as_("student").post(
        "/probe/things", json={"name": "a\x00b", "inner": {"user_id": 1, "label": "\x00"}}
    )
    assert answer.data["name"] == "a\x00b"


@pytest.mark.parametrize(
    "query",
    [
        *(f"per_page={value}" for value in ("0", "101", "x", "9" * 5000, "1e3")),
        *(f"page={value}" for value in ("0", "-1")),
        *(f"sort={value}" for value in ("name", "id;--", "")),
        *(f"cursor={value}" for value in ("x", "%00", "%ff")),
        "event=" + "x" * 61,
    ],
)
def test_a_wrong_parameter_is_422_with_its_name(probe_api: Api, query: str) -> None:
    assert set(details(raw(probe_api, "GET", f"/probe/things?{query}"))) == {query.partition("=")[0]}


def test_an_unknown_parameter_is_ignored(probe_api: Api) -> None:
    assert raw(probe_api, "GET", "/probe/things?nobody=1&%ff=%fe&a[]=1&&=&per_page=5").status == 200


# --- methods -----------------------------------------------------------------------------


def test_head_is_get_without_its_body(probe_api: Api) -> None:
    got, head = raw(probe_api, "GET", "/probe/still/1"), probe_api.app.test_client().head(f"{ROOT}/probe/still/1")
    assert head.status_code == 200
    assert head.data == b""
    assert head.headers["ETag"] == got.headers["ETag"]
    assert int(head.headers["Content-Length"]) > 0


def test_options_names_the_methods(probe_api: Api) -> None:
    answer = raw(probe_api, "OPTIONS", "/probe/things/1", login=None, headers={"Origin": "https://app.example"})
    assert answer.status == 200
    assert "PATCH" in answer.headers["Allow"]
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"


def test_another_origin_may_read_every_answer(probe_api: Api) -> None:
    """As rest_send_cors_headers(): any origin, with credentials; the answer says that it hangs on them."""
    for path in ("/probe/still/1", "/probe/nowhere"):
        answer = raw(probe_api, "GET", path, headers={"Origin": "https://app.example"})
        assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        assert "X-Request-ID" in answer.headers["Access-Control-Expose-Headers"]
        assert {"Origin", "Authorization", "Cookie"} <= set(re.split(", ?", answer.headers["Vary"]))
    assert "Access-Control-Allow-Origin" not in raw(probe_api, "GET", "/probe/still/1").headers


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "/probe/things/1", {"X-HTTP-Method-Override": "DELETE"}),
        ("POST", "/probe/things/1", {"X-HTTP-Method-Override": "delete"}),
        ("POST", "/probe/things/1?_method=DELETE", {}),
        ("GET", "/probe/things/1?_method=delete", {}),
        ("POST", "/probe/things/1?_method=DELETE", {"X-HTTP-Method-Override": "PATCH"}),
    ],
)
def test_the_method_can_be_overridden(probe_api: Api, method: str, path: str, headers: dict[str, str]) -> None:
    """As WP_REST_Server::serve_request()."""
    assert raw(probe_api, method, path, login="admin", headers=headers).data["id"] == 1
    assert raw(probe_api, method, path, login="student", headers=headers).status == 403


def test_an_override_that_is_no_method_is_refused_or_ignored(probe_api: Api) -> None:
    assert raw(probe_api, "POST", "/probe/things/1?_method=BREW", login="admin").status == 405
    assert raw(probe_api, "GET", "/probe/still/1?_method=").status == 200
    assert raw(probe_api, "GET", "/probe/still/1", headers={"X-HTTP-Method-Override": "GET / HTTP/1.1"}).status == 200


# --- fields and conditions ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "data"),
    [
        ("_fields=id", {"id": 1}),
        ("_fields=name,id", {"id": 1, "name": "still"}),
        ("_fields= name , nothing ,", {"name": "still"}),
        ("_fields=inner.b.c", {"inner": {"b": {"c": 2}}}),
        ("_fields=inner.a,inner.b", {"inner": {"a": 1, "b": {"c": 2}}}),
        ("_fields[]=id&_fields[]=name", {"id": 1, "name": "still"}),
        ("_fields=nothing", {}),
    ],
)
def test_fields_are_chosen_inside_data(probe_api: Api, query: str, data: Any) -> None:
    assert raw(probe_api, "GET", f"/probe/still/1?{query}").body == {"data": data}


def test_no_fields_are_all_fields(probe_api: Api) -> None:
    whole = raw(probe_api, "GET", "/probe/still/1").body
    for query in ("_fields=", "_fields=,", "_fields=" + "." * 3000):
        assert raw(probe_api, "GET", f"/probe/still/1?{query}").body == whole


def test_an_etag_is_version_and_hash(probe_api: Api) -> None:
    answer = raw(probe_api, "GET", "/probe/still/1")
    tag = answer.headers["ETag"]
    assert re.fullmatch(r'"3\.[0-9a-f]{16}"', tag)
    assert raw(probe_api, "GET", "/probe/still/1?_fields=id").headers["ETag"] != tag
    for sent in (tag, f'"1.0", {tag}', f"W/{tag}", "*"):
        unchanged = raw(probe_api, "GET", "/probe/still/1", headers={"If-None-Match": sent})
        assert (unchanged.status, unchanged.body) == (304, None)
        assert unchanged.headers["ETag"] == tag
        assert unchanged.headers["Cache-Control"] == "private, no-store"
    for sent in (tag.replace("3.", "4."), '"3"', "", tag.strip('"')):
        assert raw(probe_api, "GET", "/probe/still/1", headers={"If-None-Match": sent}).status == 200


def test_the_etag_of_a_list_has_version_0(probe_api: Api) -> None:
    assert raw(probe_api, "GET", "/probe/things").headers["ETag"].startswith('"0.')


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ('"3.0123456789abcdef"', 200),
        ('"3"', 200),
        ("*", 200),
        ("", 200),
        ('"2.0123456789abcdef"', 412),
        ('"x"', 412),
        ("nonsense", 412),
        ('"\u00b2.x"', 412),
        ("9" * 5000, 412),
    ],
)
def test_if_match_compares_the_version(probe_api: Api, sent: str, status: int) -> None:
    name = f"match {sent[:40]}"
    answer = raw(probe_api, "PATCH", "/probe/things/1", json={"name": name}, headers={"If-Match": sent})
    assert answer.status == status
    assert probe.effects(probe_api, name) == (1 if status == 200 else 0)


# --- who may keep an answer --------------------------------------------------------------


def test_only_what_anybody_may_see_is_kept_by_others(probe_api: Api) -> None:
    assert raw(probe_api, "GET", "/probe/things", login=None).headers["Cache-Control"] == "public, no-cache"
    for login, path in (("student", "/probe/things"), (None, "/probe/still/1"), ("student", "/probe/nowhere")):
        assert raw(probe_api, "GET", path, login=login).headers["Cache-Control"] == "private, no-store"


# --- limits ------------------------------------------------------------------------------


def test_a_limited_endpoint_says_what_is_left_until_nothing_is(probe_api: Api) -> None:
    client = probe_api.as_("student2")
    next_minute = (time.time() // 60 + 1) * 60  # so that it does not end in between
    with time_machine.travel(next_minute):
        answers = [client.get("/probe/limited") for _ in range(61)]
    statuses = [answer.status for answer in answers]
    first, last = answers[0], answers[60]
    assert statuses[:60] == [200] * 60
    assert (first.headers["RateLimit-Limit"], first.headers["RateLimit-Remaining"]) == ("60", "59")
    assert 1 <= int(first.headers["RateLimit-Reset"]) <= 60
    assert (last.status, last.code) == (429, "rate_limited")
    assert last.headers["RateLimit-Remaining"] == "0"
    assert last.headers["Retry-After"] == last.headers["RateLimit-Reset"]
    assert client.get("/probe/still/1").status == 200
    assert probe_api.as_(None).get("/probe/limited").status == 200, "another subject has limits of its own"


def test_those_who_run_the_school_are_not_limited(probe_api: Api) -> None:
    for login in ("admin", "teacher"):
        assert "RateLimit-Limit" not in probe_api.as_(login).get("/probe/limited").headers


def test_an_error_says_what_is_left_too(probe_api: Api) -> None:
    answer = probe_api.as_("student3").get("/probe/limited")
    assert answer.status == 403
    assert int(answer.headers["RateLimit-Remaining"]) < 60


# --- the deadline ------------------------------------------------------------------------


def test_a_write_that_was_waited_for_too_long_changes_nothing(probe_api: Api) -> None:
    """The web server says when the request arrived; after ten seconds nobody waits for the answer."""
    late = {"X-Request-Start": f"t={time.time() - 11:.3f}"}
    answer = raw(probe_api, "POST", "/probe/things", json={"name": "too late"}, headers=late)
    assert (answer.status, answer.code) == (503, "backend_unavailable")
    assert probe.effects(probe_api, "too late") == 0
    early = {"X-Request-Start": f"t={time.time() - 1:.3f}"}
    assert raw(probe_api, "POST", "/probe/things", json={"name": "in time"}, headers=early).status == 201
    assert raw(probe_api, "GET", "/probe/still/1", headers=late).status == 200


@pytest.mark.parametrize("start", ["", "t=", "t=now", "1700000000", "t=-5", "t=1e9"])
def test_an_odd_start_is_no_deadline(probe_api: Api, start: str) -> None:
    answer = raw(probe_api, "POST", "/probe/things", json={"name": "odd start"}, headers={"X-Request-Start": start})
    assert answer.status == 201


def test_a_stranger_sets_no_deadline(probe_api: Api) -> None:
    headers = {"X-Request-Start": f"t={time.time() - 11:.3f}"}
    answer = raw(
        probe_api,
        "POST",
        "/probe/things",
        json={"name": "a"},
        headers=headers,
        environ_base={"REMOTE_ADDR": "203.0.113.5"},
    )
    assert answer.status == 201


def test_no_connection_is_left_open(probe_api: Api) -> None:
    for method, path in (("GET", "/probe/still/1"), ("POST", "/probe/things"), ("GET", "/probe/nowhere")):
        raw(probe_api, method, path)
    assert probe_api.runtime.database.read.pool.checkedout() == 0  # type: ignore[attr-defined]
    assert probe_api.runtime.database.write.pool.checkedout() == 0  # type: ignore[attr-defined]
    assert not db.in_unit_of_work()
