"""The direct door's snippet in a real nginx, with a small program in the backend's place."""

from __future__ import annotations

import hashlib
import json
import os
import time
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from tests.site import Site

# What WordPress answers when a request is handed over: what arrived.
MIRROR = """
add_action( 'rest_api_init', function () {
    foreach ( array( 'learnomy/v1', 'learnomy-pro/v1' ) as $namespace ) {
        register_rest_route( $namespace, '/mirror', array(
            'methods' => 'GET,POST,PUT,PATCH,DELETE',
            'permission_callback' => '__return_true',
            'callback' => function ( $request ) {
                return array(
                    'from' => 'wordpress',
                    'method' => $_SERVER['REQUEST_METHOD'],
                    'target' => $_SERVER['REQUEST_URI'],
                    'body' => md5( $request->get_body() ),
                    'authorization' => $_SERVER['HTTP_AUTHORIZATION'] ?? '',
                    'host' => $_SERVER['HTTP_HOST'],
                );
            },
        ) );
    }
} );
"""


def reply(handler: BaseHTTPRequestHandler, body: bytes, **headers: str) -> None:
    handler.send_response(200)
    for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def tell(handler: BaseHTTPRequestHandler) -> None:
    """Say what arrived."""
    size = int(handler.headers.get("Content-Length") or 0)
    told = {
        "from": "backend",
        "method": handler.command,
        "target": handler.path,
        "headers": {name.lower(): value for name, value in handler.headers.items()},
        "body": hashlib.md5(handler.rfile.read(size)).hexdigest(),
    }
    reply(handler, json.dumps(told).encode())


def hand_over(handler: BaseHTTPRequestHandler) -> None:
    """Say that WordPress is needed."""
    handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    reply(handler, b"", X_Accel_Redirect="@wordpress")


def hang(_handler: BaseHTTPRequestHandler) -> None:
    time.sleep(3)


@pytest.mark.parametrize("path", ["/wp-json/learnomy/v1/x", "/wp-json/learnomy-pro/v1/x/9"])
def test_our_routes_reach_the_backend_without_php(bare_site: Site, path: str) -> None:
    with bare_site.backend_replaced(tell), bare_site.without("php-fpm"):
        came = bare_site.request("PATCH", path + "?a=%2F&b=1", json={"x": 1}, headers={"Authorization": "Bearer t"})
    told = came.json()
    assert (told["from"], told["method"], told["target"]) == ("backend", "PATCH", path + "?a=%2F&b=1")
    assert told["headers"]["authorization"] == "Bearer t"
    assert told["headers"]["host"] == bare_site.url.removeprefix("http://")


def test_a_visitor_cannot_say_where_he_comes_from(bare_site: Site) -> None:
    lies = {
        "X-Real-IP": "203.0.113.9",
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Proto": "https",
        "X-Request-Start": "t=9999999999.0",
    }
    before = time.time()
    with bare_site.backend_replaced(tell):
        headers = bare_site.get("/x", headers=lies).json()["headers"]
    assert headers["x-real-ip"] == headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert before - 1 < float(headers["x-request-start"].removeprefix("t=")) < time.time() + 1


@pytest.mark.parametrize(
    "path",
    ["/wp-json/", "/wp-json/learnomy/v1", "/wp-json/learnomy-addon/v1/x", "/?rest_route=/learnomy/v1/mirror", "/"],
)
def test_everything_else_stays_with_wordpress(bare_site: Site, path: str) -> None:
    with bare_site.must_use("mirror", MIRROR), bare_site.backend_replaced(tell):
        came = bare_site.get(path)
    assert b'"backend"' not in came.body
    assert came.status in {200, 404}


@pytest.mark.parametrize("path", ["/.learnomy", "/.learnomy-read", "/.learnomy-write"])
def test_the_inner_locations_are_closed(bare_site: Site, path: str) -> None:
    with bare_site.backend_replaced(tell):
        assert bare_site.page(path).status in {403, 404}
        came = bare_site._http.send("GET", bare_site.url + path)
    assert came.status in {403, 404}
    assert b'"backend"' not in came.body


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("namespace", ["learnomy", "learnomy-pro"])
def test_a_request_is_handed_over_whole(bare_site: Site, method: str, namespace: str) -> None:
    path = f"/wp-json/{namespace}/v1/mirror?a=%2F&b%5B%5D=1"
    body = b"" if method == "GET" else os.urandom(2_000_000)
    headers = {"Authorization": "Bearer t", "Content-Type": "application/octet-stream"}
    with bare_site.must_use("mirror", MIRROR), bare_site.backend_replaced(hand_over):
        told = bare_site.request(method, path, data=body, headers=headers).json()
    assert told == {
        "from": "wordpress",
        "method": method,
        "target": path,
        "body": hashlib.md5(body).hexdigest(),
        "authorization": "Bearer t",
        "host": bare_site.url.removeprefix("http://"),
    }


def test_maintenance_is_wordpresss_to_tell(bare_site: Site) -> None:
    with bare_site.backend_replaced(tell), bare_site.maintenance():
        came = bare_site.get("/x")
    assert came.status == 503
    assert b"backend" not in came.body


def unavailable(came: Any) -> None:
    assert came.status == 503
    assert came.error["code"] == "backend_unavailable"
    assert came.error["details"] == []
    assert came.error["request_id"] == came.headers["X-Request-ID"]
    assert came.headers["Content-Type"] == "application/json"
    assert came.headers["Retry-After"]
    assert came.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_backend_that_is_down_is_said_at_once_and_without_php(bare_site: Site, method: str) -> None:
    began = time.monotonic()
    with bare_site.without("php-fpm", "api"):
        unavailable(bare_site.request(method, "/x"))
    assert time.monotonic() - began < 8  # almost all of it stops and starts PHP


def test_a_read_waits_two_seconds_and_pages_wait_for_nothing(bare_site: Site) -> None:
    with bare_site.backend_replaced(hang):
        began = time.monotonic()
        unavailable(bare_site.get("/x"))
        assert 1.5 < time.monotonic() - began < 2.9
        assert bare_site.page("/").status == 200


def test_a_write_may_take_longer_than_a_read(bare_site: Site) -> None:
    def slow(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(2.5)
        tell(handler)

    with bare_site.backend_replaced(slow):
        assert bare_site.post("/x", json={}).json()["from"] == "backend"


def test_an_error_of_the_backends_own_is_passed_on(bare_site: Site) -> None:
    def refuse(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(503)
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"{}")

    with bare_site.backend_replaced(refuse):
        came = bare_site.get("/x")
    assert (came.status, came.body) == (503, b"{}")


def test_garbage_from_the_backend_is_said_to_be_unavailable(bare_site: Site) -> None:
    def babble(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\x00\x01 garbage\r\n\r\n{}")
        handler.close_connection = True

    with bare_site.backend_replaced(babble):
        unavailable(bare_site.get("/x"))
