"""The demo academy's people where this backend owns wp_users: on the embedded default.

On a WordPress site the plugin makes them.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from functools import partial

from sqlalchemy import delete, insert, select

from learnomy_wp.kernel import clock, db
from learnomy_wp.seed.bulk import DEMO, chunks
from wp_schema import passwords, php
from wp_schema.tables import usermeta, users

FIRST = ("Ada", "Ben", "Carla", "Deniz", "Elif", "Femi", "Grace", "Hana", "Ivo", "Jun", "Kofi", "Lena", "Mira", "Noor")
LAST = ("Adler", "Bauer", "Costa", "Duarte", "Eriksen", "Farouk", "Garcia", "Huang", "Ito", "Jansen", "Kaya", "Lopez")


def ensure(kind: str, count: int, role: str, password: str = "") -> list[int]:
    """The ids of so many demo people of a kind, made where they are missing.

    Without a password nobody can log in as them: each gets a random one.
    """
    logins = [f"{DEMO}{kind}_{number}" for number in range(count)]
    known = _ids(logins)
    missing = [login for login in logins if login not in known]
    stored = _stored(password or secrets.token_urlsafe(24)) if missing else ""
    for chunk in chunks(missing, 500):
        db.transaction(partial(_make, chunk, role, stored))
    known = _ids(logins)
    return [known[login] for login in logins]


def person(login: str, name: str, role: str, password: str) -> int:
    """One person with a login of their own."""
    known = _ids([login])
    if login not in known:
        db.transaction(lambda: _make([login], role, _stored(password), name))
        known = _ids([login])
    return known[login]


def remove() -> int:
    """Remove the demo people; gives how many went."""
    ids = db.values(select(users.c.ID).where(users.c.user_login.startswith(DEMO, autoescape=True)))
    for chunk in chunks(ids, 500):
        db.write(delete(usermeta).where(usermeta.c.user_id.in_(chunk)))
        db.write(delete(users).where(users.c.ID.in_(chunk)))
    return len(ids)


def _stored(password: str) -> str:
    return passwords.hash_password(passwords.as_posted(password))


def _ids(logins: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for chunk in chunks(logins, 500):
        rows = db.rows(select(users.c.ID, users.c.user_login).where(users.c.user_login.in_(chunk)))
        found |= {row["user_login"]: row["ID"] for row in rows}
    return found


def _make(logins: Sequence[str], role: str, stored: str, name: str = "") -> None:
    db.execute(insert(users), [_user(login, index, stored, name) for index, login in enumerate(logins)])
    ids = _ids(logins)
    capabilities = php.serialize({role: True}).decode()
    key = f"{db.blog_prefix()}capabilities"
    rows = [{"user_id": ids[login], "meta_key": key, "meta_value": capabilities} for login in logins]
    db.execute(insert(usermeta), rows)


def _user(login: str, index: int, stored: str, name: str) -> dict[str, object]:
    shown = name or f"{FIRST[index % len(FIRST)]} {LAST[(index * 5 + index // len(FIRST)) % len(LAST)]}"
    return {
        "user_login": login,
        "user_pass": stored,
        "user_nicename": login.replace("_", "-"),
        "user_email": f"{login}@example.com",
        "display_name": shown,
        "user_registered": clock.now(),
    }
