"""The outbound HTTP client: it cannot be led into the private network, hung, or flooded.

A host is resolved once, its address is judged and the connection goes to that very address,
with the right SNI and Host. Redirects are answers, not instructions; proxies, netrc and
cookies of the environment are not used. Calls to the site itself go another way (loopback.py).
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import orjson
import requests
from requests.adapters import HTTPAdapter
from requests_hardened import Config as HardenedConfig
from requests_hardened import HTTPSession
from requests_hardened.ip_filter import InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from learnomy_wp.kernel import site
from learnomy_wp.kernel.addresses import OutboundRefused, Target, parse_target, require_public
from learnomy_wp.kernel.addresses import check_url as check_address
from learnomy_wp.version import VERSION

__all__ = ["OutboundFailed", "OutboundRefused", "Response", "check_url", "fetch"]

USER_AGENT = f"Learnomy/{VERSION}"
CONNECT_SECONDS = 5.0
DEFAULT_SECONDS = 10.0
DEFAULT_BYTES = 1024 * 1024
_CHUNK = 65_536


class OutboundFailed(Exception):
    """The call was allowed and did not come to an answer: no connection, too slow, too large."""


@dataclass(frozen=True)
class Response:
    """An answer of whatever status, redirects among them. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; raises OutboundFailed where it is none."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise OutboundFailed("the answer is not JSON") from error


def check_url(url: str) -> None:
    """Raise OutboundRefused where this address may not be registered for later calls."""
    check_address(url, site.current().config.outbound_hosts)


def fetch(
    method: str,
    url: str,
    *,
    json: Any = None,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = DEFAULT_SECONDS,
    max_bytes: int = DEFAULT_BYTES,
    trusted_hosts: Collection[str] | None = None,
) -> Response:
    """Send one request and read its whole answer within `timeout` seconds and `max_bytes`.

    `trusted_hosts` are those the owner allows although they are private or plain http; by
    default the configuration's. Raises OutboundRefused or OutboundFailed.
    """
    owners = site.current().config.outbound_hosts if trusted_hosts is None else trusted_hosts
    target = parse_target(url, owners)
    sent = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **(headers or {})}
    if any(name.lower() == "host" for name in sent):
        raise ValueError("the Host header is the address's own")
    if json is not None:
        body = orjson.dumps(json)
        sent.setdefault("Content-Type", "application/json")
    limits = (min(CONNECT_SECONDS, timeout), timeout)
    how: dict[str, Any] = {"timeout": limits, "stream": True, "allow_redirects": False}
    try:
        with _session(target) as session, _hung_up_after(timeout):
            answer = session.request(method, url, data=body, headers=sent, **how)
            return Response(answer.status_code, _lower(answer.headers), _read(answer, max_bytes))
    except InvalidIPAddress as error:
        raise OutboundRefused("The address leads into a private or reserved network.") from error
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        raise OutboundFailed(f"{target.host}: {type(error).__name__}") from error


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


# --- the connection --------------------------------------------------------------------


class _Watch:
    """The sockets of one call, and whether its time ran out."""

    def __init__(self) -> None:
        self.sockets: list[socket.socket] = []

    def add(self, opened: socket.socket) -> None:
        self.sockets.append(opened.dup())  # TLS takes the socket itself over

    def hang_up(self) -> None:
        for opened in self.sockets:
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for opened in self.sockets:
            opened.close()


_watch: ContextVar[_Watch | None] = ContextVar("learnomy_outbound", default=None)


@contextmanager
def _hung_up_after(seconds: float) -> Iterator[None]:
    """End the call's connection after `seconds`, however slowly its bytes trickle in.

    The timeouts of sockets count from byte to byte, so a hostile server could hold a worker.
    """
    watch = _Watch()
    timer = threading.Timer(seconds, watch.hang_up)
    timer.daemon = True
    token = _watch.set(watch)
    began = time.monotonic()
    timer.start()
    try:
        yield
        if time.monotonic() - began >= seconds:
            raise TimeoutError("the answer took too long")
    finally:
        timer.cancel()
        timer.join()
        _watch.reset(token)
        watch.close()


class _WatchedConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        opened = super()._new_conn()
        if (watch := _watch.get()) is not None:
            watch.add(opened)
        return opened


class _WatchedTlsConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        opened = super()._new_conn()
        if (watch := _watch.get()) is not None:
            watch.add(opened)
        return opened


class _WatchedPool(HTTPConnectionPool):
    ConnectionCls = _WatchedConnection


class _WatchedTlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTlsConnection


_POOLS = {"http": _WatchedPool, "https": _WatchedTlsPool}


class _TrustedAdapter(HTTPAdapter):
    """For hosts that the owner named."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS


class _PinnedAdapter(IPFilterAdapter):  # type: ignore[misc]
    """Connects to the one address that the host was resolved to, if it is a public one."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def build_connection_pool_key_attributes(self, *args: Any, **kwargs: Any) -> Any:
        place, options = super().build_connection_pool_key_attributes(*args, **kwargs)
        require_public(ipaddress.ip_address(str(place["host"]).strip("[]")))
        return place, options


_HARDENED = HardenedConfig(
    ip_filter_enable=True,
    ip_filter_allow_loopback_ips=False,
    never_redirect=True,
    default_timeout=(CONNECT_SECONDS, DEFAULT_SECONDS),
)


def _session(target: Target) -> HTTPSession:
    """A session for one call: no cookie or connection is carried to the next."""
    session = HTTPSession(_HARDENED)
    session.trust_env = False
    session.mount("https://", _TrustedAdapter() if target.is_trusted else _PinnedAdapter(is_https_proto=True))
    session.mount("http://", _TrustedAdapter() if target.is_trusted else _PinnedAdapter(is_https_proto=False))
    return session


# --- the body --------------------------------------------------------------------------


def _read(answer: requests.Response, max_bytes: int) -> bytes:
    """The body, as sent and as unpacked within `max_bytes`."""
    declared = answer.headers.get("Content-Length", "")
    if declared.isdigit() and int(declared) > max_bytes:
        raise OutboundFailed(f"the answer has {declared} bytes, {max_bytes} are allowed")
    packed = bytearray()
    while chunk := answer.raw.read1(_CHUNK, decode_content=False):
        packed += chunk
        if len(packed) > max_bytes:
            raise OutboundFailed(f"the answer is longer than {max_bytes} bytes")
    return _unpacked(bytes(packed), answer.headers.get("Content-Encoding", "identity").strip().lower(), max_bytes)


def _unpacked(packed: bytes, encoding: str, max_bytes: int) -> bytes:
    if encoding in {"identity", ""} or not packed:
        return packed
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise OutboundFailed(f"the answer is encoded as {encoding}, which was not asked for")
    try:
        body = zlib.decompressobj(47).decompress(packed, max_bytes + 1)  # 47: gzip or zlib, as its header says
    except zlib.error as error:
        raise OutboundFailed("the answer cannot be unpacked") from error
    if len(body) > max_bytes:
        raise OutboundFailed(f"the answer is longer than {max_bytes} bytes when unpacked")
    return body
