"""One exchange with a real WordPress: what PHP writes is kept for Python to read, then what Python
writes is given to PHP. Two PHP processes a version, whatever the number of tests."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import secrets
import string
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import bcrypt
from sqlalchemy import create_engine
from sqlalchemy.engine import Connection

from tests.site import Site
from wp_schema import application_passwords, cookies, meta, options, passwords, php, roles
from wp_schema.tables import bind_prefix

HERE = Path(__file__).parent

CAPABILITIES = [
    *roles.LEARNOMY_CAPABILITIES,
    *("read", "upload_files", "edit_posts", "publish_posts", "manage_options", "level_2"),
    *("author", "exist", "do_not_allow", "no_such_thing", "fmt_numeric"),
]
STORED: dict[str, Any] = {
    "text": 'plain ünïcode 🎓 it\'s "quoted" \\slashed\\',
    "array": {"version": 1, "é": ["x", None, True, {"deep": [1.5, -3]}], "7": "int key"},
    "list": ["a", "b"],
    "empty": [],
    "looks": 'a:1:{i:0;s:1:"x";}',
    "looks_loosely": "i:5;x",
    "true": True,
    "false": False,
    "int": 42,
    "float": 0.1 + 0.2,
    "large": 1e15,
    "blank": "",
    "zero": "0",
}
PASSWORDS = [
    "simple",
    "  spaces around\t\n",
    "ünïcode 🎓",
    'it\'s "quoted" \\slashed\\',
    "x" * 72,
    "x" * 73,
    "x" * 4096,
    "x" * 4097,
    "",
    "0",
    "ab\0cd",
]
COST = 4


def random_value(source: random.Random, depth: int = 0) -> Any:
    """A value that JSON carries to PHP unchanged."""
    kind = source.randrange(8 if depth < 4 else 6)
    if kind == 0:
        return source.choice([None, True, False])
    if kind == 1:
        return source.choice([0, -1, 2**63 - 1, -(2**63), source.randrange(-(2**40), 2**40)])
    if kind in {2, 3}:
        return source.uniform(-1, 1) * 10.0 ** source.randrange(-30, 30)
    if kind in {4, 5}:
        return "".join(source.choice(string.printable + "éü🎓") for _ in range(source.randrange(12)))
    items = [random_value(source, depth + 1) for _ in range(source.randrange(5))]
    if kind == 6:
        return items
    return {source.choice(["k", "é", "", "05"]) + str(number): item for number, item in enumerate(items)}


def random_texts(source: random.Random, values: list[Any]) -> list[bytes]:
    """Serialized values, most of them damaged in a place or two."""
    texts = []
    for value in values:
        raw = bytearray(php.serialize(value)[:120])
        texts.append(bytes(raw))
        for _ in range(source.randrange(1, 3)):
            place = source.randrange(len(raw))
            raw[place : place + source.randrange(2)] = source.choice([b"", b"0", b"1", b":", b";", b"}", b"-", b"R:1;"])
        texts.append(bytes(raw))
    fixed = ["i:+5;", "d:.5;", "d:1.;", "a:00:{}", "a:2:{i:0;i:7;i:1;R:2;}", "a:1:{i:0;R:2;}", "b:2;", "d:INF;", "N;"]
    fixed += ["i:5;x", 's:1:"é";', "a:2:{i:0;i:1;i:0;i:2;}", 'a:1:{s:2:"-5";i:1;}', " i:5; ", "a:1:;", "d:0.5E+3;"]
    return texts + [text.encode() for text in fixed]


def encoded(parts: Iterable[bytes]) -> list[str]:
    return [base64.b64encode(part).decode() for part in parts]


def decoded(part: str) -> bytes:
    return base64.b64decode(part)


@dataclass
class Exchange:
    """What went both ways with one site."""

    site: Site

    def __post_init__(self) -> None:
        self.tag = secrets.token_hex(5)
        source = random.Random(f"wordpress {self.site.version}")
        self.values = [random_value(source) for _ in range(250)]
        self.floats = [source.uniform(-10, 10) * 10.0 ** source.randrange(-25, 25) for _ in range(200)]
        self.texts = random_texts(source, self.values)
        self.is_old = self.site.version == "6.1"
        self.php: dict[str, Any] = self._run("write.php", self._for_php())
        self.browser, self.browser_nonce = self.site.log_in(self.php["login"], PASSWORDS[3])
        self._read_rows()
        self._write()
        self.verdict: dict[str, Any] = self._run("read.php", self._from_python)

    def _run(self, script: str, given: dict[str, Any]) -> Any:
        code = (HERE / script).read_text().removeprefix("<?php")
        passed = base64.b64encode(json.dumps({"tag": self.tag, **given}).encode()).decode()
        return self.site.php(f"$given = json_decode( base64_decode( '{passed}' ), true );{code}")

    def _for_php(self) -> dict[str, Any]:
        return {
            "values": self.values,
            "floats": self.floats,
            "texts": encoded(self.texts),
            "passwords": PASSWORDS,
            "posted": PASSWORDS[3],
            "capabilities": CAPABILITIES,
            "stored": STORED,
        }

    # --- what PHP wrote, as Python finds it in the database --------------------------------

    def _read_rows(self) -> None:
        engine = bind_prefix(create_engine(self.site.database_url), lambda: ("wp_", "wp_"))
        try:
            with engine.connect() as connection:
                self._read(connection)
        finally:
            engine.dispose()

    def _read(self, connection: Connection) -> None:
        names = {f"fmt_{self.tag}_{name}": name for name in [*STORED, "object"]}
        found = options.read(connection.execute, list(names))
        self.options = {names[name]: value for name, value in found.items()}
        keys = {f"fmt_{name}": name for name in STORED}
        user_id = self.php["user_id"]
        self.meta = {keys[key]: value for key, value in meta.read(connection.execute, user_id, list(keys)).items()}
        self.raw = {
            (row["user_id"], row["meta_key"]): row["meta_value"]
            for row in self.site.rows(
                "SELECT user_id, meta_key, meta_value FROM wp_usermeta WHERE meta_key IN"
                " ('session_tokens', '_application_passwords', 'wp_capabilities')"
            )
        }
        self.roles_option = self.site.value("SELECT option_value FROM wp_options WHERE option_name = 'wp_user_roles'")
        self.user_pass = self.site.value("SELECT user_pass FROM wp_users WHERE ID = %s", user_id)

    # --- what Python writes ------------------------------------------------------------------

    def _write(self) -> None:
        now = int(time.time())
        style = "phpass" if self.is_old else "bcrypt-wp"
        self.style = style
        expiration = now + 7200
        self.token, session = cookies.make_session(now=now, expiration=expiration, ip="127.0.0.1")
        over_token, over = cookies.make_session(now=now - 20, expiration=now - 10)
        made = [application_passwords.make(f"app {n}", now=now, style="phpass") for n in range(2)]
        if not self.is_old:
            made.append(application_passwords.make("app 2", now=now))
        self.application_entries = [entry for _, entry in made]
        self.new_roles = roles.with_learnomy_roles(
            roles.Roles({**roles.wordpress_roles().roles, "fmt": roles.Role("Odd", {"edit_posts": False, "x": True})})
        )
        self.capability_meta = [
            {"lrn_instructor": True},
            {"lrn_student": True},
            {"administrator": True},
            {"author": True, "fmt": True},
            {"fmt": True, "author": True},
            {"author": False},
            {"vanished": True},
            {"editor": True, "learnomy_grade": True, "upload_files": False},
            {},
        ]
        self._from_python = {
            "user_id": self.php["user_id"],
            "login": self.php["login"],
            "values": encoded(php.serialize(value) for value in self.values),
            "stored": {name: base64.b64encode(php.to_text(value).encode()).decode() for name, value in STORED.items()},
            "pairs": [
                {"password": base64.b64encode(password.encode()).decode(), "hash": hashed}
                for password, hashed in self.pairs
            ],
            "hashes": self.stored_hashes,
            "messages": ["", "abcd1234EFGH5678ijkl9012", "ünïcode"],
            "logins": [
                {"password": PASSWORDS[3], "hash": passwords.hash_password(passwords.as_posted(PASSWORDS[3]), style)},
                {"password": "wrong", "hash": passwords.hash_password("right", style)},
            ],
            "sessions": php.to_text({cookies.verifier(self.token): session, cookies.verifier(over_token): over}),
            "cookies": self._cookies(expiration, now, over_token),
            **self._nonces(now),
            "application_passwords": php.to_text(self.application_entries),
            "presented": [
                *(application_passwords.in_groups(password) for password, _ in made),
                made[0][0] + "x",
                "",
            ],
            "roles": php.to_text(self.new_roles.to_option()),
            "capability_meta": [php.to_text(held) for held in self.capability_meta],
            "capabilities": CAPABILITIES,
        }

    @cached_property
    def stored_hashes(self) -> list[str]:
        """A hash of each kind, of the password `simple`, and broken ones."""
        plain = bcrypt.hashpw(b"simple", bcrypt.gensalt(COST)).decode().replace("$2b$", "$2y$")
        portable = passwords.hash_password("simple", "phpass")
        return [
            passwords.hash_password("simple", cost=COST),
            passwords.hash_password("simple", cost=10),
            plain,
            portable,
            hashlib.md5(b"simple").hexdigest(),
            "$argon2id$v=19$m=1024,t=2,p=1$R296VmJWQXlyTmVaUFM2WQ$uFy1c92JdFMU2sdqQUGglpUF2y9cOMb/4Iu/tLBv7hc",
            "$argon2i$v=19$m=1024,t=2,p=1$VXB5YmtWa3NPVThybFVJcg$xtz4d6fPXEyt7lEreMWqlALmkdwn3pjFJDmmy17m3Dg",
            portable.replace("$P$", "$H$"),
            plain[:-1],
            "$wp" + plain[:-1],
            "$2y$04$" + "a" * 53,
            portable[:-1],
            portable + "x",
            "*",
            "",
        ]

    @cached_property
    def pairs(self) -> list[tuple[str, str]]:
        """Passwords and hashes for which both sides give a verdict."""
        found = [(password, hashed) for hashed in self.stored_hashes for password in ("simple", "simple ", "other", "")]
        for password in PASSWORDS:
            plain = bcrypt.hashpw(password.encode().partition(b"\0")[0][:72], bcrypt.gensalt(COST)).decode()
            for hashed in (
                passwords.hash_password(password, cost=COST),
                passwords.hash_password(password, "phpass"),
                plain.replace("$2b$", "$2y$"),
            ):
                found += [(tried, hashed) for tried in (password, password.strip(), password[:72])]
        return found

    def _cookies(self, expiration: int, now: int, over_token: str) -> list[dict[str, str]]:
        salt, login = self.php["salts"]["logged_in"], self.php["login"]
        made = []
        for user_pass in self.stored_hashes[:8]:
            cookie = cookies.make_login_cookie(login, user_pass, expiration, self.token, salt, before_6_8=self.is_old)
            made.append({"user_pass": user_pass, "cookie": str(cookie)})
        user_pass = self.stored_hashes[0]

        def cookie_of(expires: int, token: str, its_salt: str) -> str:
            return str(cookies.make_login_cookie(login, user_pass, expires, token, its_salt, before_6_8=self.is_old))

        refused = [
            cookie_of(now - 10, over_token, salt),
            cookie_of(expiration, over_token, salt),
            cookie_of(expiration, "no such token", salt),
            cookie_of(expiration, self.token, salt + "x"),
            made[0]["cookie"][:-1],
        ]
        return made + [{"user_pass": user_pass, "cookie": cookie} for cookie in refused]

    def _nonces(self, now: int) -> dict[str, list[str]]:
        salt, user_id = self.php["salts"]["nonce"], self.php["user_id"]
        ages = (0, 43200, 86400)
        return {
            "guest_nonces": [cookies.make_nonce("wp_rest", 0, "", salt, now - age) for age in ages],
            "user_nonces": [cookies.make_nonce("wp_rest", user_id, self.token, salt, now - age) for age in ages],
        }
