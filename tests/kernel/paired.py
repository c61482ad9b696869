"""The application as it is beside a WordPress, without one: paired, with a record of who listens.

Requests come by the direct door, or signed as the plugin signs them.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from sqlalchemy import select

from learnomy_wp.kernel import channel, db, local, rounds
from learnomy_wp.kernel.auth import keys
from tests.client import SECRET, Answer, Api
from wp_schema import options as wp_options
from wp_schema.tables import options

SALT = "ab" * 32
HOME = "http://learnomy.test"
ROOT = "/wp-json/learnomy/v1"
SALTS = {name: name * 9 for name in ("auth", "secure_auth", "logged_in", "nonce")}


@dataclasses.dataclass
class Control:
    """A reply to a signed request."""

    answer: Answer
    control: str
    fire: str

    @property
    def status(self) -> int:
        return self.answer.status

    @property
    def body(self) -> Any:
        return self.answer.body


class Paired:
    """The application, and the options that WordPress keeps for it."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def pair(self, **changes: Any) -> None:
        """Keep what the plugin would hand over."""
        blog = {"id": 1, "prefix": "wp_", "home": HOME, "siteurl": HOME, "domain": "learnomy.test", "path": "/"}
        pairing = {
            "protocol": 1,
            "base_prefix": "wp_",
            "blogs": [blog],
            "salts": SALTS,
            "bridge_salt": SALT,
            "home": HOME,
            "siteurl": HOME,
            "wp_version": "7.1",
            "multisite": False,
            "environment": "production",
            "cookies": {"logged_in": "wordpress_logged_in_" + hashlib.md5(HOME.encode()).hexdigest()},
            **changes,
        }
        self.api.runtime.site.save_pairing(pairing)
        self.api.runtime.site._pairing_seen = -1.0  # two within one tick of the file's clock

    def record(self, *, bridge: dict[str, Any] | None = None, age: int = 0, **changes: Any) -> None:
        """Write what the plugin would have noted: nothing listens, unless it is said."""
        with self.api.inside():
            stored = {row["option_name"]: row["option_value"] for row in db.rows(select(options))}
            noted = {
                "version": 1,
                "fingerprint": "f" * 32,
                "time": int(time.time()) - age,
                "plugins": hashlib.md5(stored.get("active_plugins", "").encode()).hexdigest(),
                "network": hashlib.md5(b"").hexdigest(),
                "stylesheet": stored.get("stylesheet"),
                "template": stored.get("template"),
                "listeners": {},
                "gates": {},
                "firewalls": [],
                "blog": {"archived": 0, "spam": 0, "deleted": 0},
                **changes,
            }
            self.set_options(learnomy_record=noted, learnomy_bridge={"secret": "", **(bridge or {})})

    def set_options(self, **values: Any) -> None:
        """Write options; None removes one."""
        with self.api.inside():
            for name, value in values.items():
                if value is None:
                    db.transaction(lambda name=name: wp_options.remove(db.execute, name))
                else:
                    db.transaction(lambda name=name, value=value: local.set_option(name, value))
            self.api.runtime.site.forget_record()

    def direct(self, method: str, path: str, *, body: Any = None, **headers: str) -> Answer:
        """By the direct door, as nginx passes it on."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.api.app.test_client(use_cookies=False).open(
            ROOT + path, method=method, json=body, headers={"Host": "learnomy.test", **sent}
        )
        return Answer(answer.status_code, answer.get_json(silent=True), answer.headers)

    def signed(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        raw: bytes = b"",
        content_type: str = "application/json",
        authorization: str = "",
        headers: dict[str, str] | None = None,
        prefix: str = ROOT,
        **changes: str,
    ) -> Control:
        """As the plugin sends it; `changes` are its headers by their short name."""
        data = orjson.dumps(body) if body is not None else raw
        sent = {
            "Bridge": "1",
            "Door": "full",
            "Blog": "1",
            "User": "0",
            "Via": "",
            "Client": "203.0.113.9",
            "Host": "learnomy.test",
            "Proto": "https",
            "Time": str(int(time.time() * 1000)),
            "Nonce": secrets.token_hex(16),
            "Deadline": "",
            **changes,
        }
        kind = content_type if data else ""
        parts = channel.request_parts(method, prefix + path, data, kind, {**sent, **(headers or {})}, authorization)
        sent["Signature"] = channel.sign(channel.key(SECRET, SALT, "request"), *parts)
        own = {channel.HEADER + name: value for name, value in sent.items()}
        if authorization:
            own["Authorization"] = authorization
        answer = self.api.app.test_client(use_cookies=False).open(
            prefix + path, method=method, data=data, headers={**own, **(headers or {})}, content_type=kind or None
        )
        body_sent = answer.get_data()
        control, fire = answer.headers["X-Learnomy-Control"], answer.headers["X-Learnomy-Fire"]
        expected = channel.response_parts(
            sent["Nonce"], answer.status_code, answer.headers.get("Content-Type", ""), body_sent, control, fire
        )
        assert answer.headers["X-Learnomy-Response-Signature"] == channel.sign(
            channel.key(SECRET, SALT, "response"), *expected
        )
        return Control(Answer(answer.status_code, answer.get_json(silent=True), answer.headers), control, fire)

    def go_on(
        self, method: str, path: str, asked: Control, answers: dict[str, Any], *, body: Any = None, **options: Any
    ) -> Control:
        """The next round of a request, with the answers by the name of their question."""
        by_id = {ask["id"]: answers[ask["name"]] for ask in asked.body["asks"] if ask["name"] in answers}
        data = orjson.dumps(body) if body is not None else b""
        wrapped = {
            "round": asked.body["round"],
            "content_type": "application/json" if data else "",
            "body": base64.b64encode(data).decode(),
            "answers": by_id,
        }
        changes = {"content_type": rounds.ROUND_TYPE, **options}
        return self.signed(method, path, body=wrapped, **changes)


@contextmanager
def paired(api: Api) -> Iterator[Paired]:
    """Let the application take itself for paired, with keys of its own; afterwards it is embedded again."""
    site, before = api.runtime.site, api.runtime.site.config
    with api.inside():
        own_keys = db.transaction(lambda: wp_options.read(db.execute, [keys.OPTION]))[keys.OPTION]
    site.config = dataclasses.replace(before, embedded=False)
    found = Paired(api)
    try:
        found.pair()
        found.set_options(learnomy_keys=None)
        with api.inside():
            keys.forget()
            keys.ensure()
        found.record()
        api._tokens.clear()
        yield found
    finally:
        site.config = before
        site.pairing_file.unlink()
        site._pairing = {}
        found.set_options(learnomy_keys=own_keys, learnomy_record=None, learnomy_bridge=None)
        with api.inside():
            keys.forget()
        api._tokens.clear()
