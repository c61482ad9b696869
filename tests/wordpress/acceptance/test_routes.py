"""Every endpoint of the contract stands in WordPress and answers, and wrong input is answered alike by every door."""

from __future__ import annotations

import csv
import json
import re
from typing import Any

import pytest

from tests.site import REPOSITORY, Answer
from tests.wordpress.acceptance.academy import DOORS, HTTP_DOORS, Academy

CONTRACT = list(csv.DictReader((REPOSITORY / "tests/contract/endpoints.tsv").read_text().splitlines(), delimiter="\t"))
UNBUILT = list(csv.DictReader((REPOSITORY / "learnomy_wp/unbuilt.tsv").read_text().splitlines(), delimiter="\t"))


def example(path: str) -> str:
    """A path with something in place of its parameters."""
    path = path.replace("{uuid}", "0b5a9c6e-3b1c-4a63-9d0e-0c5d1f1e2a3b").replace("{gateway}", "stripe")
    return re.sub(r"\{\w+\}", "1", path)


@pytest.mark.wordpress("6.1", "6.8", "7.1")
def test_all_166_are_routes_of_wordpress_with_arguments(academy: Academy) -> None:
    found = academy.site.php(
        """
        $seen = array();
        foreach ( rest_get_server()->get_routes( 'learnomy/v1' ) as $route => $handlers ) {
            foreach ( $handlers as $handler ) {
                if ( empty( $handler['learnomy'] ) ) { continue; }
                foreach ( array_keys( $handler['methods'] ) as $method ) {
                    $public = '__return_true' === $handler['permission_callback'];
                    $seen[] = array( $method, $route, $public, $handler['args'] );
                }
            }
        }
        return $seen;
        """
    )
    assert len(CONTRACT) == len(found) == 166
    for line in CONTRACT:
        target = "/learnomy/v1" + example(line["path"])
        mine = [row for row in found if row[0] == line["method"] and re.fullmatch(row[1], target)]
        if line["path"].endswith("{id}") or "{" not in line["path"]:
            assert mine, target
        exact = [row for row in mine if row[1].count("/") == target.count("/")]
        assert len(exact) == 1, (line, [row[1] for row in exact])
        _method, route, is_public, arguments = exact[0]
        assert is_public == (line["rule"] == "public"), line
        named = re.findall(r"\(\?P<(\w+)>", route)
        assert set(named) <= set(arguments or {}), "what stands in the path is described"
        for name, argument in (arguments or {}).items():
            assert argument["type"], (route, name)
            assert argument["sanitize_callback"] is None


def test_what_is_not_built_says_so_by_every_door(academy: Academy) -> None:
    auth = academy.site.application_password("admin")

    def check(line: dict[str, str], answer: Answer) -> None:
        assert (answer.status, answer.error["code"]) == (501, "not_built"), (line, answer.text)
        assert answer.error["request_id"] == answer.headers["X-Request-ID"]

    for line in UNBUILT:
        json_body = None if line["method"] == "GET" else {}
        check(line, academy.site.request(line["method"], example(line["path"]), auth=auth, json=json_body))
    for door in ("early", "full", "internal"):
        for line in UNBUILT[:: len(UNBUILT) // 5]:
            who: dict[str, Any] = {"user": "admin"} if door == "internal" else {"auth": auth}
            body = None if line["method"] == "GET" else {}
            check(line, academy.site.request(line["method"], example(line["path"]), door=door, json=body, **who))


# method, path, what is sent, status, code, fields at fault
WRONG: list[tuple[str, str, Any, int, str, set[str]]] = [
    ("POST", "/courses", b"{not json", 400, "malformed_json", set()),
    ("POST", "/courses", b'{"title": "\xff\xfe"}', 400, "malformed_json", set()),
    ("POST", "/courses", b'{"title": NaN}', 400, "malformed_json", set()),
    ("POST", "/courses", b"[" * 5000 + b"]" * 5000, 400, "malformed_json", set()),
    ("POST", "/courses", b"[]", 422, "validation_failed", set()),
    ("POST", "/courses", b"null", 422, "validation_failed", set()),
    ("POST", "/courses", {}, 422, "validation_failed", {"title"}),
    ("POST", "/courses", {"title": ["x"], "surprise": 1}, 422, "validation_failed", {"title", "surprise"}),
    ("POST", "/courses", {"title": "x", "level": "impossible"}, 422, "validation_failed", {"level"}),
    ("POST", "/courses", {"title": "x" * 256}, 422, "validation_failed", {"title"}),
    ("PATCH", "/courses/{course}", {"capacity": "many"}, 422, "validation_failed", {"capacity"}),
    ("PATCH", "/courses/{course}", {"capacity": 10**30}, 422, "validation_failed", {"capacity"}),
    ("PATCH", "/courses/999999999", {"title": "x"}, 404, "not_found", set()),
    ("GET", "/courses/99999999999999999999999", None, 404, "not_found", set()),
    ("GET", "/courses/0", None, 404, "not_found", set()),
    ("GET", "/courses/no-such-course", None, 404, "not_found", set()),
    ("GET", "/lessons/999999999", None, 404, "not_found", set()),
    ("GET", "/courses?sort=-password", None, 422, "validation_failed", {"sort"}),
    ("GET", "/courses?sort=title;drop", None, 422, "validation_failed", {"sort"}),
    ("GET", "/courses?per_page=0", None, 422, "validation_failed", {"per_page"}),
    ("GET", "/courses?per_page=101", None, 422, "validation_failed", {"per_page"}),
    ("GET", "/courses?per_page=ten", None, 422, "validation_failed", {"per_page"}),
    ("GET", "/courses?price=cheap", None, 422, "validation_failed", {"price"}),
    ("GET", "/courses?cursor=made-up", None, 422, "validation_failed", {"cursor"}),
    ("GET", "/no/such/thing", None, 404, "not_found", set()),
    ("PUT", "/courses", {}, 405, "method_not_allowed", set()),
    ("DELETE", "/me", None, 405, "method_not_allowed", set()),
    ("POST", "/courses/{course}", {}, 405, "method_not_allowed", set()),
]


def sent(body: Any) -> dict[str, Any]:
    if isinstance(body, bytes):
        return {"data": body, "headers": {"Content-Type": "application/json"}}
    return {} if body is None else {"json": body}


@pytest.mark.parametrize("door", HTTP_DOORS)
def test_wrong_input_is_answered_in_our_envelope(academy: Academy, door: str) -> None:
    ask(academy, door)


@pytest.mark.wordpress("6.1")
def test_wrong_input_on_the_oldest_wordpress(academy: Academy) -> None:
    ask(academy, "full")


def ask(academy: Academy, door: str) -> None:
    academy.site.clear_debug_log()
    for method, path, body, status, code, at_fault in WRONG:
        target = path.replace("{course}", str(academy.course.id))
        answer = academy.site.request(method, target, door=door, auth=academy.teacher, **sent(body))
        assert answer.status == status, (method, path, answer.text)
        assert answer.headers["Content-Type"].startswith("application/json")
        error = answer.json()["error"]
        assert set(error) == {"code", "message", "details", "request_id"}
        assert error["code"] == code, (method, path)
        assert {row["field"] for row in error["details"]} == at_fault, (method, path, error)
        assert error["request_id"] == answer.headers["X-Request-ID"]
        if status == 405:
            assert method not in answer.headers["Allow"]
    assert academy.site.debug_log() == ""


def test_wrong_input_from_inside(academy: Academy) -> None:
    """All in one process, as a theme would ask."""
    cases = [
        [
            method,
            f"/learnomy/v1{path}".replace("{course}", str(academy.course.id)),
            None if body is None else json.dumps(body),
        ]
        for method, path, body, status, _code, _fields in WRONG
        if not isinstance(body, bytes) and status != 405
    ]
    code = f"""
    $given = array();
    foreach ( json_decode( {_quoted(json.dumps(cases))}, true ) as list( $method, $route, $body ) ) {{
        list( $path, $query ) = explode( '?', $route . '?' );
        $request = new WP_REST_Request( $method, $path );
        parse_str( $query, $params );
        $request->set_query_params( $params );
        if ( null !== $body ) {{
            $request->set_header( 'Content-Type', 'application/json' );
            $request->set_body( $body );
        }}
        $response = rest_do_request( $request );
        $data     = $response->get_data();
        $given[]  = array( $response->get_status(), $data['error']['code'] ?? $data['code'] );
    }}
    return $given;
    """
    given = academy.site.php(code, user="teacher")
    wanted = [
        [status, "rest_no_route" if path == "/no/such/thing" else code]  # no filter reaches core's own word inside
        for _method, path, body, status, code, _fields in WRONG
        if not isinstance(body, bytes) and status != 405
    ]
    assert given == wanted


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


@pytest.mark.parametrize("door", DOORS)
def test_no_answer_holds_an_empty_object_or_an_id_as_text(academy: Academy, door: str) -> None:
    course = academy.course
    for path in ("/courses", f"/courses/{course.id}", f"/courses/{course.id}/curriculum", "/me", "/me/dashboard"):
        answer = academy.site.get(path, **academy.as_("student", door))
        assert answer.status == 200, (path, answer.text)
        for where, value in leaves(answer.json()):
            assert value != {}, (path, where)
            if where.endswith(".id") or where.endswith("_id"):
                assert value is None or isinstance(value, int), (path, where, value)


def leaves(value: Any, where: str = "") -> list[tuple[str, Any]]:
    """Every scalar and every empty container with its place."""
    if isinstance(value, dict) and value:
        return [leaf for name, below in value.items() for leaf in leaves(below, f"{where}.{name}")]
    if isinstance(value, list) and value:
        return [leaf for below in value for leaf in leaves(below, where)]
    return [(where, value)]
