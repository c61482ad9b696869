"""The first contact of a plugin: no pairing, no tables, no Redis, and a table prefix of the owner's own."""

from __future__ import annotations

import dataclasses
import secrets
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask

from learnomy_wp.app import create_app
from learnomy_wp.config import Config
from learnomy_wp.kernel import channel
from learnomy_wp.kernel.keystore import RedisKeyStore
from tests.client import SECRET
from tests.kernel.paired import HOME, SALT, SALTS
from wp_schema import install

PREFIX = "school_"
BLOG = {"id": 1, "prefix": PREFIX, "home": HOME, "siteurl": HOME, "domain": "learnomy.test", "path": "/"}
PAIRING = {
    "protocol": 1,
    "base_prefix": PREFIX,
    "blogs": [BLOG],
    "salts": SALTS,
    "bridge_salt": SALT,
    "home": HOME,
    "siteurl": HOME,
    "wp_version": "7.1",
    "multisite": False,
}


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Flask:
    """A backend beside a WordPress that has never heard of it."""
    environ = {"DATABASE_URL": database_url, "LEARNOMY_STATE_DIR": str(tmp_path), "LEARNOMY_SECRET": SECRET}
    config = Config.load({**environ, "LEARNOMY_TABLE_PREFIX": PREFIX, "LEARNOMY_LOG_LEVEL": "critical"})
    made = create_app(dataclasses.replace(config, embedded=False))
    install.install_bare_wordpress(made.extensions["learnomy"].database.write, prefix=PREFIX, home=HOME)
    return made


def call(app: Flask, verb: str, body: dict[str, Any], *, salt: str, nonce: str = "") -> Any:
    """One verb, as the plugin sends it."""
    data, path = orjson.dumps(body), f"/learnomy-bridge/v1/{verb}"
    sent = {"Bridge": "1", "Door": "system", "Blog": "1", "Time": str(int(time.time() * 1000))}
    sent["Nonce"] = nonce or secrets.token_hex(16)
    parts = channel.request_parts("POST", path, data, "application/json", sent, "")
    key = channel.key(SECRET, salt, "pair" if verb == "pair" else "request")
    headers = {channel.HEADER + name: value for name, value in {**sent, "Signature": channel.sign(key, *parts)}.items()}
    return app.test_client().post(path, data=data, content_type="application/json", headers=headers)


def test_a_plugin_pairs_before_there_are_tables_and_then_has_them_made(app: Flask) -> None:
    assert call(app, "pair", PAIRING, salt="").status_code == 200
    installed = call(app, "install", {}, salt=SALT)
    assert installed.status_code == 200
    assert installed.get_json()["data"]["revisions"]
    assert call(app, "ping", {}, salt=SALT).status_code == 200


def test_a_replay_is_refused_whatever_the_prefix(app: Flask) -> None:
    call(app, "pair", PAIRING, salt="")
    call(app, "install", {}, salt=SALT)
    nonce = secrets.token_hex(16)
    assert call(app, "ping", {}, salt=SALT, nonce=nonce).status_code == 200
    assert call(app, "ping", {}, salt=SALT, nonce=nonce).get_json()["error"]["code"] == "bridge_replayed"


def test_while_redis_is_away_the_database_keeps_nonces(app: Flask) -> None:
    call(app, "pair", PAIRING, salt="")
    call(app, "install", {}, salt=SALT)
    app.extensions["learnomy"].site.store = RedisKeyStore("redis://127.0.0.1:1/0")
    nonce = secrets.token_hex(16)
    assert call(app, "ping", {}, salt=SALT, nonce=nonce).status_code == 200
    assert call(app, "ping", {}, salt=SALT, nonce=nonce).get_json()["error"]["code"] == "bridge_replayed"
