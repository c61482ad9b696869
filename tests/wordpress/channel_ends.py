"""Both ends of the signed channel, for tests that stand in for one of them, and the backend's own log."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import requests

from learnomy_wp.kernel import channel
from tests.settling import door_of, settle
from tests.site import Site

__all__ = ["Caller", "Peer", "door_of", "key_of", "settle"]


def key_of(site: Site, purpose: str) -> bytes:
    """A key of the site's channel."""
    secret = site.php("return \\Learnomy\\Bridge_Options::secret();")
    salt = "" if purpose.startswith("pair") else site.php("return \\Learnomy\\Channel_Keys::bridge_salt();")
    return channel.key(secret, salt, purpose)


@dataclass
class Caller:
    """The backend as it calls WordPress."""

    site: Site
    call_key: bytes
    reply_key: bytes

    @classmethod
    def of(cls, site: Site) -> Caller:
        return cls(site, key_of(site, "call"), key_of(site, "reply"))

    def headers(self, verb: str, body: bytes, **changed: str) -> dict[str, str]:
        """Signed headers; what is changed is changed after the signature."""
        now, nonce = changed.pop("time", str(int(time.time() * 1000))), changed.pop("nonce", secrets.token_hex(16))
        parts = channel.call_parts(verb, body, 1, now, nonce)
        headers = {"Bridge": "1", "Blog": "1", "Time": now, "Nonce": nonce}
        headers["Signature"] = channel.sign(self.call_key, *parts)
        headers.update({name.title(): value for name, value in changed.items()})
        return {f"X-Learnomy-{name}": value for name, value in headers.items()}

    def post(self, verb: str, body: bytes, headers: dict[str, str]) -> requests.Response:
        """Send it as it is."""
        with requests.Session() as session:
            session.trust_env = False
            url = f"{self.site.php_url}/?learnomy-bridge={verb}"
            return session.post(url, data=body, headers=headers, timeout=30, allow_redirects=False)

    def call(self, verb: str, payload: dict[str, Any], **changed: str) -> requests.Response:
        """A signed call."""
        body = json.dumps(payload).encode()
        return self.post(verb, body, self.headers(verb, body, **changed))

    def is_signed(self, sent_nonce: str, reply: requests.Response) -> bool:
        """Whether the reply to that nonce is WordPress's own."""
        parts = channel.reply_parts(sent_nonce, reply.status_code, reply.content)
        return channel.is_signed_by(reply.headers.get("X-Learnomy-Response-Signature", ""), self.reply_key, *parts)


@dataclass
class Peer:
    """A backend that answers as a test wants, and keeps what it was sent."""

    request_key: bytes
    response_key: bytes
    answer: Callable[[Peer, BaseHTTPRequestHandler, bytes], None] | None = None
    seen: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, site: Site) -> Peer:
        return cls(key_of(site, "request"), key_of(site, "response"))

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.seen.append({"method": handler.command, "target": handler.path, "headers": headers, "body": body})
        if self.answer is not None:
            self.answer(self, handler, body)
        else:
            self.reply(handler, {"data": {"target": handler.path}})

    def is_signed(self, sent: dict[str, Any]) -> bool:
        """Whether what was sent bears the plugin's signature."""
        header = {
            name: sent["headers"].get(f"x-learnomy-{name.lower()}", "") for name in (*channel.IDENTITY_HEADERS, "Time")
        }
        header["Nonce"] = sent["headers"].get("x-learnomy-nonce", "")
        header["Idempotency-Key"] = sent["headers"].get("idempotency-key", "")
        credential = sent["headers"].get("authorization") or sent["headers"].get("x-learnomy-authorization") or ""
        content_type = sent["headers"].get("content-type", "")
        parts = channel.request_parts(sent["method"], sent["target"], sent["body"], content_type, header, credential)
        return channel.is_signed_by(header["Signature"], self.request_key, *parts)

    def reply(
        self,
        handler: BaseHTTPRequestHandler,
        document: Any,
        *,
        status: int = 200,
        control: str = "answer",
        fire: str = "",
        headers: dict[str, str] | None = None,
    ) -> None:
        """A signed reply."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        content_type = "application/json; charset=UTF-8"
        nonce = handler.headers.get("X-Learnomy-Nonce", "")
        parts = channel.response_parts(nonce, status, content_type, body, control, fire)
        handler.send_response(status)
        handler.send_header("Content-Type", content_type)
        handler.send_header("Content-Length", str(len(body)))
        handler.send_header("X-Learnomy-Control", control)
        handler.send_header("X-Learnomy-Fire", fire)
        handler.send_header("X-Learnomy-Response-Signature", channel.sign(self.response_key, *parts))
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)
