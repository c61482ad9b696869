"""The plugin's end of the signed channel, against backends that hang, lie, redirect or vanish."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any

import pytest

from learnomy_wp.kernel import channel
from tests.settling import await_recovery
from tests.site import Site
from tests.wordpress.channel_ends import Peer, door_of

READS_SECONDS = 2.0
WRITES_SECONDS = 10.5
PHP_DOORS = ("early", "full")


@pytest.fixture
def site(site: Site) -> Iterator[Site]:
    """A recorded site, whose breaker is closed before and after."""
    await_recovery(site)
    site.get("/health", door="full")
    yield site
    await_recovery(site)


def timed(site: Site, path: str, **options: Any) -> tuple[Any, float]:
    began = time.monotonic()
    answer = site.request(options.pop("method", "GET"), path, **options)
    return answer, time.monotonic() - began


def assert_unavailable(answer: Any) -> None:
    assert answer.status == 503
    assert answer.error["code"] == "backend_unavailable"
    assert answer.error["details"] == []
    assert answer.error["request_id"] == answer.headers["X-Request-ID"]
    assert 1 <= int(answer.headers["Retry-After"]) <= 30
    assert answer.headers["Content-Type"] == "application/json; charset=UTF-8"


# --- what is sent ----------------------------------------------------------------------------


@pytest.mark.wordpress("6.1", "7.1")
def test_every_request_is_signed_and_says_by_which_door_it_came(site: Site) -> None:
    peer = Peer.of(site)
    headers = {"Idempotency-Key": "k-1", "Accept-Language": "de", "Cookie": "other=1", "X-Other": "2"}
    with site.backend_replaced(peer):
        for door in ("early", "full", "internal"):
            answer = site.get("/courses?per_page=2&search=a%20b&_fields=id", door=door, headers=headers)
            assert answer.status == 200, door
    mine = [sent for sent in peer.seen if sent["target"].startswith("/wp-json/")]
    assert [sent["headers"]["x-learnomy-door"] for sent in mine] == ["early", "full", "internal"]
    assert all(peer.is_signed(sent) for sent in peer.seen)
    for sent in mine:
        assert sent["target"] == "/wp-json/learnomy/v1/courses?per_page=2&search=a%20b&_fields=id"
        assert sent["headers"]["x-learnomy-blog"] == "1"
        assert "cookie" not in sent["headers"]
        assert "x-other" not in sent["headers"]
        assert "content-type" not in sent["headers"]
    assert [sent["headers"].get("x-learnomy-user", "") for sent in mine] == ["", "0", "0"]
    assert [sent["headers"].get("x-learnomy-via", "") for sent in mine] == ["", "", "internal"]
    assert len({sent["headers"]["x-learnomy-nonce"] for sent in peer.seen}) == len(peer.seen)


@pytest.mark.parametrize("door", PHP_DOORS)
def test_a_write_carries_its_body_its_key_and_a_deadline(site: Site, door: str) -> None:
    peer = Peer.of(site)
    with site.backend_replaced(peer):
        sent_at = time.time() * 1000
        site.patch(
            "/me", door=door, json={"display_name": "Ü"}, headers={"Idempotency-Key": "k 1", "If-Match": '"1.a"'}
        )
    sent = next(sent for sent in peer.seen if sent["method"] == "PATCH")
    assert json.loads(sent["body"]) == {"display_name": "Ü"}
    assert sent["headers"]["idempotency-key"] == "k 1"
    assert sent["headers"]["if-match"] == '"1.a"'
    assert sent["headers"]["content-type"] == "application/json"
    assert 8_000 < int(sent["headers"]["x-learnomy-deadline"]) - sent_at < 10_000
    assert peer.is_signed(sent)


def test_reads_have_no_deadline(site: Site) -> None:
    peer = Peer.of(site)
    with site.backend_replaced(peer):
        site.get("/health", door="early")
    assert "x-learnomy-deadline" not in peer.seen[-1]["headers"]


def test_an_upload_is_rebuilt_and_signed_as_rebuilt(site: Site) -> None:
    peer = Peer.of(site)
    content = bytes(range(256)) * 5000
    with site.backend_replaced(peer):
        answer = site.post(
            "/questions",
            door="early",
            data={"dry_run": "1", 'odd"name': "it's\r\n", "a[b][]": "x"},
            files={"file": ('questions "1".csv', content, "text/csv"), "more[]": ("b.txt", b"", "text/plain")},
        )
    assert answer.status == 200
    sent = next(sent for sent in peer.seen if sent["method"] == "POST" and "/questions" in sent["target"])
    assert sent["headers"]["x-learnomy-door"] == "full"
    assert peer.is_signed(sent)
    boundary = sent["headers"]["content-type"].partition("boundary=")[2].encode()
    parts = sent["body"].split(b"--" + boundary)
    assert any(b'filename="questions %221%22.csv"' in part and content in part for part in parts)
    assert any(b'name="a[b][0]"\r\n\r\nx\r\n' in part for part in parts)
    assert any(b"it's\r\n\r\n" in part for part in parts)


def test_an_upload_that_did_not_arrive_whole_is_not_passed_on(site: Site) -> None:
    peer = Peer.of(site)
    with site.backend_replaced(peer):
        answer = site.post(
            "/questions", door="early", data={"MAX_FILE_SIZE": "5"}, files={"file": ("a.csv", b"x" * 50)}
        )
    assert (answer.status, answer.error["code"]) == (413, "payload_too_large")
    assert not [sent for sent in peer.seen if "/questions" in sent["target"]]


def test_a_raised_client_or_identity_header_is_not_passed_on(site: Site) -> None:
    peer = Peer.of(site)
    forged = {
        "X-Learnomy-User": "1",
        "X-Learnomy-Via": "cookie",
        "X-Learnomy-Door": "full",
        "X-Learnomy-Client": "9.9.9.9",
    }
    with site.backend_replaced(peer):
        site.get("/health", door="early", headers=forged)
        site.get("/health", door="full", headers=forged)
    early, full = (sent["headers"] for sent in peer.seen[-2:])
    assert early.get("x-learnomy-user", "") == ""
    assert full["x-learnomy-user"] == "0"
    assert early["x-learnomy-door"] == "early"
    assert {early["x-learnomy-client"], full["x-learnomy-client"]} == {"127.0.0.1"}


# --- answers that are none --------------------------------------------------------------------


def unsigned(_peer: Peer, handler: BaseHTTPRequestHandler, _body: bytes) -> None:
    document = b'{"data":{"status":"ok"}}'
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("X-Learnomy-Control", "answer")
    handler.send_header("Content-Length", str(len(document)))
    handler.end_headers()
    handler.wfile.write(document)


def of_another_request(peer: Peer, handler: BaseHTTPRequestHandler, _body: bytes) -> None:
    handler.headers.replace_header("X-Learnomy-Nonce", "0" * 32)
    peer.reply(handler, {"data": {}})


def of_another_key(peer: Peer, handler: BaseHTTPRequestHandler, _body: bytes) -> None:
    Peer(peer.request_key, b"x" * 32).reply(handler, {"data": {}})


def redirect(peer: Peer, handler: BaseHTTPRequestHandler, _body: bytes) -> None:
    peer.reply(handler, {"data": {}}, status=302, headers={"Location": "http://127.0.0.1:1/"})


def noise(_peer: Peer, handler: BaseHTTPRequestHandler, _body: bytes) -> None:
    handler.wfile.write(b"\x00\xff" * 4000)
    handler.close_connection = True


def goodbye(_peer: Peer, handler: BaseHTTPRequestHandler, _body: bytes) -> None:
    handler.connection.close()
    handler.close_connection = True


def half(_peer: Peer, handler: BaseHTTPRequestHandler, _body: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "5000")
    handler.end_headers()
    handler.wfile.write(b"{")
    handler.close_connection = True


def endless(_peer: Peer, handler: BaseHTTPRequestHandler, _body: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    piece = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    try:
        for _ in range(64):
            handler.wfile.write(piece)
    except OSError:
        handler.close_connection = True


def unknown_control(peer: Peer, handler: BaseHTTPRequestHandler, _body: bytes) -> None:
    peer.reply(handler, {"data": {}}, control="please")


@pytest.mark.parametrize("door", PHP_DOORS)
@pytest.mark.parametrize(
    "answer", [unsigned, of_another_request, of_another_key, redirect, noise, goodbye, half, endless]
)
def test_what_is_no_signed_answer_is_503(site: Site, door: str, answer: Any) -> None:
    peer = Peer.of(site)
    peer.answer = answer
    with site.backend_replaced(peer):
        came, took = timed(site, "/health", door=door)
    assert_unavailable(came)
    assert took < READS_SECONDS


def test_a_control_that_nobody_knows_is_an_error_of_ours(site: Site) -> None:
    peer = Peer.of(site)
    peer.answer = unknown_control
    with site.backend_replaced(peer):
        answer = site.get("/health", door="early")
    # The early door leaves it to the full one, which knows it no better.
    assert (answer.status, answer.error["code"]) == (500, "internal_error")
    assert [sent["headers"]["x-learnomy-door"] for sent in peer.seen if "/health" in sent["target"]] == [
        "early",
        "full",
    ]


# --- time ---------------------------------------------------------------------------------------


@pytest.mark.wordpress("6.1", "7.1")
@pytest.mark.parametrize("door", PHP_DOORS)
def test_a_hanging_backend_costs_a_read_two_seconds_and_then_nothing(site: Site, door: str) -> None:
    with site.hanging_backend():
        for _ in range(3):
            answer, took = timed(site, "/health", door=door)
            assert_unavailable(answer)
            assert took < READS_SECONDS
        # Now the breaker is open: nobody waits, by no door, and WordPress goes on at its own speed.
        for other in PHP_DOORS:
            answer, took = timed(site, "/health", door=other)
            assert_unavailable(answer)
            assert took < 0.5
        for path in ("/", "/wp-json/wp/v2/posts"):
            began = time.monotonic()
            assert site.page(path).status == 200
            assert time.monotonic() - began < 1.0
    await_recovery(site)


@pytest.mark.parametrize("door", PHP_DOORS)
def test_a_backend_that_is_down_costs_nothing(site: Site, door: str) -> None:
    with site.without("api"):
        answer, took = timed(site, "/health", door=door)
        assert_unavailable(answer)
        assert took < 1.0
    await_recovery(site)


def test_a_write_waits_as_long_as_its_deadline(site: Site) -> None:
    with site.hanging_backend():
        answer, took = timed(site, "/auth/token/refresh", method="POST", door="early", json={"refresh_token": "lrr_x"})
    assert_unavailable(answer)
    assert 8 < took < WRITES_SECONDS


def test_while_half_open_one_request_tries_and_the_others_do_not_wait(site: Site) -> None:
    with site.hanging_backend():
        for _ in range(3):
            site.get("/health", door="early")
        time.sleep(4)
        took: list[float] = []

        def ask() -> None:
            began = time.monotonic()
            site._http.send("GET", f"{site.php_url}/wp-json/learnomy/v1/health")
            took.append(time.monotonic() - began)

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len([seconds for seconds in took if seconds > 1]) == 1


def test_refusals_before_the_signature_do_not_open_the_breaker(site: Site) -> None:
    def refuse(_peer: Peer, handler: BaseHTTPRequestHandler, _body: bytes) -> None:
        handler.send_response(431)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    peer = Peer.of(site)
    peer.answer = refuse
    with site.backend_replaced(peer):
        for _ in range(5):
            assert_unavailable(site.get("/health", door="early"))
        peer.answer = None
        assert site.get("/health", door="early").status == 200


def test_a_secret_that_is_too_short_signs_nothing(site: Site) -> None:
    with site.config("define( 'LEARNOMY_SECRET', 'short' );"):
        peer = Peer.of(site)
        with site.backend_replaced(peer):
            assert site.get("/health", door="full").status == 503
    assert peer.seen == []


@pytest.mark.wordpress("6.8", "7.1")
def test_the_breaker_also_works_without_apcu(site: Site) -> None:
    """On the command line there is none: 6.8 has an object cache, 7.1 keeps it in an option."""
    code = """
    $one = new \\Learnomy\\Breaker( 'http://127.0.0.1:9' );
    $said = array( $one->allows() );
    for ( $i = 0; $i < 3; $i++ ) { ( new \\Learnomy\\Breaker( 'http://127.0.0.1:9' ) )->failure(); }
    $said[] = ( new \\Learnomy\\Breaker( 'http://127.0.0.1:9' ) )->allows();
    $said[] = ( new \\Learnomy\\Breaker( 'http://127.0.0.1:10' ) )->allows();
    sleep( 4 );
    $said[] = ( new \\Learnomy\\Breaker( 'http://127.0.0.1:9' ) )->allows();
    $said[] = ( new \\Learnomy\\Breaker( 'http://127.0.0.1:9' ) )->allows();
    ( new \\Learnomy\\Breaker( 'http://127.0.0.1:9' ) )->success();
    $said[] = ( new \\Learnomy\\Breaker( 'http://127.0.0.1:9' ) )->allows();
    $said[] = function_exists( 'apcu_enabled' ) && apcu_enabled();
    return $said;
    """
    assert site.php(code) == [True, False, True, True, False, True, False]


# --- both ways to speak HTTP ---------------------------------------------------------------------


class UnixServer(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True


@contextmanager
def full_queue() -> Iterator[str]:
    """A port that takes no more connections, and says nothing of it."""
    with ExitStack() as open_sockets:
        server = open_sockets.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(3):
            waiting = open_sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def listening(folder: Path, answer: Any) -> Iterator[tuple[str, str]]:
    """The same backend at a port and at a socket; gives both addresses."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            answer(self)

        do_GET = do_POST  # noqa: N815  # named by the library

        def address_string(self) -> str:
            return "local"

        def log_message(self, format: str, *args: Any) -> None:
            pass

    for above in (folder, folder.parent, folder.parent.parent, folder.parent.parent.parent):
        above.chmod(0o755)  # PHP runs as another user
    servers: list[Any] = [ThreadingHTTPServer(("127.0.0.1", 0), Handler), UnixServer(str(folder / "s.sock"), Handler)]
    (folder / "s.sock").chmod(0o666)
    threads = [threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield f"http://127.0.0.1:{servers[0].server_address[1]}", f"unix:{folder / 's.sock'}"
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            server.server_close()
            thread.join()


@pytest.mark.parametrize("client", ["Channel_Curl", "Channel_Stream"])
@pytest.mark.parametrize("place", [0, 1])
def test_both_clients_speak_to_ports_and_sockets(site: Site, tmp_path: Path, client: str, place: int) -> None:
    ports: list[int] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        ports.append(handler.client_address[1] if handler.client_address else 0)
        handler.send_response(200)
        handler.send_header(
            "X-Seen", f"{handler.command} {handler.path} {len(body)} {handler.headers.get('Content-Type')}"
        )
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"5;x=y\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")

    with listening(tmp_path, answer) as addresses:
        code = f"""
        $seen = array();
        foreach ( array( 'POST 300000', 'POST 0', 'GET 0' ) as $one ) {{
            list( $method, $size ) = explode( ' ', $one );
            $reply = \\Learnomy\\{client}::exchange( array(
                'address' => '{addresses[place]}', 'method' => $method, 'target' => '/a/../b?c=%20',
                'body' => str_repeat( 'x', (int) $size ), 'headers' => array( 'Content-Type' => '', 'X-Empty' => '' ),
                'connect_ms' => 300, 'total_ms' => 2000, 'most_bytes' => 1000,
            ) );
            $seen[] = array( $reply->failure, $reply->status, $reply->body, $reply->header( 'x-seen' ) );
        }}
        return $seen;
        """
        seen = site.php(code)
    assert [(row[0], row[1], row[2]) for row in seen] == [("", 200, "hello world")] * 3
    assert [row[3] for row in seen] == [
        "POST /a/../b?c=%20 300000 None",
        "POST /a/../b?c=%20 0 None",
        "GET /a/../b?c=%20 0 None",
    ]
    if client == "Channel_Curl" and place == 0:
        assert len(set(ports)) == 1, "one process keeps its connection"


@pytest.mark.parametrize("client", ["Channel_Curl", "Channel_Stream"])
def test_both_clients_give_up_in_time(site: Site, tmp_path: Path, client: str) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        try:
            for _ in range(50):
                handler.wfile.write(b"x")
                handler.wfile.flush()
                time.sleep(0.1)
        except OSError:
            handler.close_connection = True

    with listening(tmp_path, drip) as addresses, full_queue() as full:
        code = f"""
        $took = array();
        foreach ( array( '{addresses[0]}', 'http://127.0.0.1:1', 'unix:/no/such.sock', '{full}' ) as $address ) {{
            $began = microtime( true );
            $reply = \\Learnomy\\{client}::exchange( array(
                'address' => $address, 'method' => 'GET', 'target' => '/', 'body' => '', 'headers' => array(),
                'connect_ms' => 300, 'total_ms' => 700, 'most_bytes' => 1000000,
            ) );
            $took[] = array( $reply->failure, microtime( true ) - $began );
        }}
        return $took;
        """
        took = site.php(code)
    assert [row[0] for row in took] == ["timeout", "connect", "connect", "connect"]
    assert all(row[1] < 1.0 for row in took)


def test_keys_are_those_of_the_backend(site: Site) -> None:
    """Both sides derive the same keys, whatever the secret is made of."""
    for purpose in ("request", "response", "call", "reply", "pair", "pair-response"):
        made = site.php(f"return array( bin2hex( \\Learnomy\\Channel_Keys::key( '{purpose}' ) ) );")
        secret = site.php("return \\Learnomy\\Bridge_Options::secret();")
        salt = "" if purpose.startswith("pair") else site.php("return \\Learnomy\\Channel_Keys::bridge_salt();")
        assert made == [channel.key(secret, salt, purpose).hex()]


def test_the_backend_really_answers_by_the_early_door(site: Site) -> None:
    assert door_of(site, site.get("/health", door="early")) == "early"
