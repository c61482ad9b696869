"""The outbound client against hostile addresses, servers and name answers; all on this machine."""

from __future__ import annotations

import datetime
import functools
import gzip
import ipaddress
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests.adapters
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from learnomy_wp.kernel import addresses, http
from learnomy_wp.kernel.addresses import OutboundRefused, check_url, require_public
from learnomy_wp.kernel.http import OutboundFailed, fetch

Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """A local HTTP server that notes what reaches it and answers as a test says."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.answer: Answer = plain
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.seen.append((self.command, self.path, dict(self.headers), body))
                with suppress(OSError):
                    outer.answer(self)

            do_GET = do_POST = do_HEAD = _serve  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        if context is not None:
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.port = self.http.server_address[1]
        self.host = f"127.0.0.1:{self.port}"
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()


def plain(request: BaseHTTPRequestHandler) -> None:
    send(request, 200, b'{"ok": true}', {"Content-Type": "application/json", "X-Case": "Kept"})


def send(request: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str]) -> None:
    request.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        request.send_header(name, value)
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


def get(server: Server, path: str = "/", **options: Any) -> http.Response:
    return fetch("GET", f"http://{server.host}{path}", trusted_hosts={server.host}, **options)


# --- addresses -------------------------------------------------------------------------

# {port} is a server that must never be reached.
HOSTILE = [
    "http://example.com/",
    "https://127.0.0.1:{port}/",
    "https://127.1:{port}/",
    "https://127.255.255.254:{port}/",
    "https://0:{port}/",
    "https://0.0.0.0:{port}/",
    "https://localhost:{port}/",
    "https://LOCALHOST:{port}/",
    "https://localhost.:{port}/",
    "https://2130706433:{port}/",
    "https://0x7f000001:{port}/",
    "https://0x7f.1:{port}/",
    "https://0177.0.0.1:{port}/",
    "https://017700000001:{port}/",
    "https://127.0.0.1.:{port}/",
    "https://[::1]:{port}/",
    "https://[::]:{port}/",
    "https://[0:0:0:0:0:0:0:1]:{port}/",
    "https://[::ffff:127.0.0.1]:{port}/",
    "https://[::ffff:7f00:1]:{port}/",
    "https://[::127.0.0.1]:{port}/",
    "https://[64:ff9b::127.0.0.1]:{port}/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b:1::a00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:7f00:1::]/",
    "https://[2001:db8::1]/",
    "https://[3fff::1]/",
    "https://[5f00::1]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25lo]/",
    "https://[fec0::1]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[ff02::1]/",
    "https://[100::1]/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://168.63.129.16/",
    "https://100.64.0.1/",
    "https://100.100.100.200/",
    "https://192.0.0.192/",
    "https://192.0.2.1/",
    "https://192.88.99.1/",
    "https://198.18.0.1/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://user@8.8.8.8/",
    "https://user:password@8.8.8.8/",
    "https://8.8.8.8@127.0.0.1:{port}/",
    "https://8.8.8.8#@127.0.0.1:{port}/",
    "https://8.8.8.8\\@127.0.0.1:{port}/",
    "https://127.0.0.1:{port}\\@8.8.8.8/",
    "https://127.0.0.1:{port}#@8.8.8.8/",
    "https:127.0.0.1:{port}/",
    "https:///127.0.0.1:{port}/",
    "https://",
    "https://:443/",
    "//127.0.0.1:{port}/",
    "/etc/passwd",
    "127.0.0.1:{port}",
    "",
    "https://127.0.0.1:{port}\r\nX-Injected: 1/",
    "https://127.0.0.1\t:{port}/",
    " https://127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/ x",
    "https://127.0.0.1:99999/",
    "https://127.0.0.1:port/",
    "https://\u2460\u2461\u2466.0.0.1:{port}/",
    "https://loc\u200balhost:{port}/",
    "https://127\u30020.0.1:{port}/",
    "https://[::1/",
    "https://%31%32%37.0.0.1:{port}/",
    "file:///etc/passwd",
    "ftp://8.8.8.8/",
    "gopher://127.0.0.1:{port}/_GET",
    "dict://127.0.0.1:{port}/",
    "unix:///run/mysqld/mysqld.sock",
    "http+unix://%2Frun%2Fdocker.sock/",
    "javascript:alert(1)",
    "data:text/plain,x",
    "https://8.8.8.8/" + "a" * 3000,
]


@pytest.mark.parametrize("url", HOSTILE)
def test_hostile_addresses_are_refused_without_a_connection(server: Server, url: str) -> None:
    there = url.replace("{port}", str(server.port))
    with pytest.raises(OutboundRefused):
        check_url(there)
    with pytest.raises((OutboundRefused, OutboundFailed)):
        fetch("POST", there, body=b"x", timeout=5, trusted_hosts=())
    assert server.seen == []


def test_the_table_is_long_enough() -> None:
    assert len(HOSTILE) >= 40
    assert len(set(HOSTILE)) == len(HOSTILE)


@pytest.mark.parametrize("url", ["https://8.8.8.8/", "https://8.8.8.8:8443/a?b=c%20d", "https://[2606:4700::1111]/"])
def test_public_addresses_may_be_registered(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700::1111", "2a00:1450:4001::1"])
def test_the_public_internet_is_public(address: str) -> None:
    require_public(ipaddress.ip_address(address))


def test_every_private_network_is_refused_at_both_ends() -> None:
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8", "0.0.0.0/8",
                    "100.64.0.0/10", "224.0.0.0/4", "240.0.0.0/4", "fc00::/7", "fe80::/10", "ff00::/8", "::/8",
                    "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"):  # fmt: skip
        found = ipaddress.ip_network(network)
        for address in (found[0], found[1], found[-1]):
            with pytest.raises(OutboundRefused):
                require_public(address)


def test_the_owner_can_allow_a_host_and_a_port_of_it(server: Server) -> None:
    assert get(server).json() == {"ok": True}
    check_url(f"http://{server.host}/", {server.host})
    check_url("http://127.0.0.1/", {"127.0.0.1"})
    with pytest.raises(OutboundRefused):
        check_url(f"http://127.0.0.1:{server.port + 1}/", {server.host})


# --- names -----------------------------------------------------------------------------


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """What names resolve to: at each look-up the next list of addresses."""
    table: dict[str, list[list[str]]] = {}
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in table:
            return real(host, port, *args, **kwargs)
        found = table[host].pop(0) if len(table[host]) > 1 else table[host][0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return table


def test_a_name_that_leads_inside_is_refused(server: Server, names: dict[str, list[list[str]]]) -> None:
    names["inside.example"] = [["127.0.0.1"]]
    for call in (lambda url: check_url(url), lambda url: fetch("GET", url, trusted_hosts=())):
        with pytest.raises(OutboundRefused):
            call(f"https://inside.example:{server.port}/")
    assert server.seen == []


def test_a_name_with_one_private_address_is_not_registered(names: dict[str, list[list[str]]]) -> None:
    names["mixed.example"] = [["8.8.8.8", "10.0.0.1"]]
    with pytest.raises(OutboundRefused):
        check_url("https://mixed.example/")


def test_a_name_that_changes_its_answer_gains_nothing(
    server: Server, names: dict[str, list[list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: public when judged, private when connected to."""
    names["rebind.example"] = [["203.0.114.1"], ["127.0.0.1"]]
    dialled: list[Any] = []

    def dial(self: socket.socket, place: Any) -> None:
        dialled.append(place[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", dial)
    with pytest.raises(OutboundFailed):
        fetch("GET", f"https://rebind.example:{server.port}/", timeout=2, trusted_hosts=())
    assert dialled == ["203.0.114.1"]
    assert server.seen == []


def test_an_unknown_name_is_no_crash() -> None:
    with pytest.raises(OutboundRefused, match="cannot be found"):
        check_url("https://does-not-exist.invalid/")
    with pytest.raises(OutboundFailed):
        fetch("GET", "https://does-not-exist.invalid/", trusted_hosts=())
    with pytest.raises(OutboundRefused):
        check_url(f"https://{'a' * 64}.example/")


# --- the pinned connection over TLS ----------------------------------------------------


def certificate(folder: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    """A self-signed certificate for `name`, and a server context that has it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.KeyUsage(True, False, False, False, False, True, True, False, False), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / f"{name}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return pem, context


@pytest.fixture
def tls(tmp_path: Path, names: dict[str, list[list[str]]], monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """An https server as hooks.example; loopback counts as public here, or nothing could be tried."""
    pem, context = certificate(tmp_path, "hooks.example")
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    asked: list[Any] = []
    running = Server(context)
    running.seen_names = asked  # type: ignore[attr-defined]
    names["hooks.example"] = names["other.example"] = [["127.0.0.1"]]
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(pem))
    monkeypatch.setattr(requests.adapters, "where", lambda: str(pem), raising=False)
    monkeypatch.setattr(http, "_PinnedAdapter", functools.partial(http._PinnedAdapter, allow_loopback=True))
    monkeypatch.setattr(http, "require_public", lambda _address: None)
    yield running
    running.close()


def test_the_pinned_connection_has_the_right_name(tls: Server) -> None:
    answer = fetch("POST", f"https://hooks.example:{tls.port}/x?y=1", json={"a": 1}, trusted_hosts=())
    assert answer.status == 200
    ((method, path, headers, body),) = tls.seen
    assert (method, path, body) == ("POST", "/x?y=1", b'{"a":1}')
    assert headers["Host"] == f"hooks.example:{tls.port}"
    assert tls.seen_names == ["hooks.example"]  # type: ignore[attr-defined]


def test_a_certificate_for_another_name_is_refused(tls: Server) -> None:
    with pytest.raises(OutboundFailed):
        fetch("GET", f"https://other.example:{tls.port}/", trusted_hosts=())
    assert tls.seen == []


# --- what is sent and received ---------------------------------------------------------


def test_requests_and_answers(server: Server) -> None:
    answer = fetch(
        "POST",
        f"http://{server.host}/hook",
        body=b"raw",
        headers={"X-Sent": "1", "Content-Type": "text/plain"},
        trusted_hosts={server.host},
    )
    ((method, path, headers, body),) = server.seen
    assert (method, path, body) == ("POST", "/hook", b"raw")
    assert headers["X-Sent"] == "1"
    assert headers["User-Agent"].startswith("Learnomy/")
    assert answer.headers["x-case"] == "Kept"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer(server: Server, status: int) -> None:
    inner = Server()
    server.answer = lambda request: send(request, status, b"", {"Location": f"http://{inner.host}/"})
    assert get(server).status == status
    inner.close()
    assert inner.seen == []


def test_the_environment_brings_no_proxy_and_no_password(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = Server()
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, f"http://{trap.host}")
    assert get(server).status == 200
    trap.close()
    assert trap.seen == []
    assert "Authorization" not in server.seen[0][2]


def test_cookies_are_not_kept(server: Server) -> None:
    server.answer = lambda request: send(request, 200, b"", {"Set-Cookie": "a=b"})
    get(server)
    get(server)
    assert "Cookie" not in server.seen[1][2]


@pytest.mark.parametrize("headers", [{"Host": "inside"}, {"host": "inside"}])
def test_the_host_header_cannot_be_given(server: Server, headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="Host"):
        get(server, headers=headers)


def test_header_injection_is_refused(server: Server) -> None:
    with pytest.raises(OutboundFailed):
        get(server, headers={"X-A": "b\r\nX-Injected: 1"})
    assert server.seen == []


def test_what_is_not_json_is_said_so(server: Server) -> None:
    server.answer = lambda request: send(request, 200, b"<html>", {})
    with pytest.raises(OutboundFailed, match="not JSON"):
        get(server).json()


def test_head_has_no_body(server: Server) -> None:
    answer = fetch("HEAD", f"http://{server.host}/", trusted_hosts={server.host})
    assert (answer.status, answer.body) == (200, b"")


# --- floods and bombs ------------------------------------------------------------------


def endless(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    while True:
        request.wfile.write(b"x" * 65_536)


def chunked(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    for _ in range(1000):
        request.wfile.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")


def bomb(request: BaseHTTPRequestHandler) -> None:
    send(request, 200, gzip.compress(b"\0" * 50_000_000), {"Content-Encoding": "gzip"})


def huge(request: BaseHTTPRequestHandler) -> None:
    send(request, 200, b"", {"Content-Length": "9999999999"})


@pytest.mark.parametrize("answer", [endless, chunked, bomb, huge])
def test_no_answer_is_read_beyond_its_cap(server: Server, answer: Answer) -> None:
    server.answer = answer
    with pytest.raises(OutboundFailed, match=r"bytes"):
        get(server, max_bytes=100_000)


def test_small_packed_answers_are_unpacked(server: Server) -> None:
    body = b"hello " * 100
    for encoding, packed in (("gzip", gzip.compress(body)), ("deflate", zlib.compress(body)), ("identity", body)):
        server.answer = lambda request, e=encoding, p=packed: send(request, 200, p, {"Content-Encoding": e})  # type: ignore[misc]
        assert get(server).body == body


def test_broken_and_unasked_encodings_fail(server: Server) -> None:
    for encoding in ("gzip", "br", "gzip, gzip"):
        server.answer = lambda request, e=encoding: send(request, 200, b"junk", {"Content-Encoding": e})  # type: ignore[misc]
        with pytest.raises(OutboundFailed):
            get(server)


def test_chunks_are_put_together(server: Server) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        request.wfile.write(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")

    server.answer = answer
    assert get(server).body == b"abcde"


def test_a_cut_answer_is_a_failure(server: Server) -> None:
    server.answer = lambda request: send(request, 200, b"short", {"Content-Length": "500"})
    with pytest.raises(OutboundFailed):
        get(server)


# --- slowness --------------------------------------------------------------------------


def silent(request: BaseHTTPRequestHandler) -> None:
    time.sleep(5)


def slow_headers(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for _ in range(100):
        request.wfile.write(b"X-Drip: 1\r\n")
        request.wfile.flush()
        time.sleep(0.05)


def slow_body(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    for _ in range(100):
        request.wfile.write(b"x")
        request.wfile.flush()
        time.sleep(0.05)


@pytest.mark.parametrize("answer", [silent, slow_headers, slow_body])
def test_a_slow_server_holds_nobody(server: Server, answer: Answer) -> None:
    server.answer = answer
    began = time.monotonic()
    with pytest.raises(OutboundFailed):
        get(server, timeout=0.4)
    assert time.monotonic() - began < 1.5


def test_a_tls_handshake_that_never_ends_holds_nobody() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def drip() -> None:
        connection, _ = listener.accept()
        with connection:
            for _ in range(100):
                try:
                    connection.sendall(b"\x16")
                except OSError:
                    return
                time.sleep(0.05)

    threading.Thread(target=drip, daemon=True).start()
    began = time.monotonic()
    with pytest.raises(OutboundFailed):
        fetch("GET", f"https://127.0.0.1:{port}/", timeout=0.4, trusted_hosts={"127.0.0.1"})
    assert time.monotonic() - began < 1.5
    listener.close()


def test_nothing_stays_open(server: Server) -> None:
    get(server)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        get(server)
    server.answer = huge
    for _ in range(10):
        with pytest.raises(OutboundFailed):
            get(server)
    deadline = time.monotonic() + 3
    while len(list(Path("/proc/self/fd").iterdir())) > before + 3 and time.monotonic() < deadline:
        time.sleep(0.05)  # the server's own side closes in its threads
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 3


def test_a_dead_port_fails() -> None:
    with pytest.raises(OutboundFailed):
        fetch("GET", "http://127.0.0.1:1/", trusted_hosts={"127.0.0.1"})


def test_addresses_module_has_no_default_trust() -> None:
    with pytest.raises(OutboundRefused):
        addresses.parse_target("http://8.8.8.8/")
