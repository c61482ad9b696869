"""People of a test's own, and what WordPress could do to them meanwhile."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

from sqlalchemy import delete, insert, select, update

from learnomy_wp.kernel import db, local, site
from tests.client import Answer, Api, Session
from wp_schema import php
from wp_schema.tables import auth_tokens, options, usermeta, users

PASSWORD = "correct horse"
HOST = {"Host": "learnomy.test"}
_numbers = itertools.count()


class Person:
    """A user of the site, by login and id."""

    def __init__(self, api: Api, role: str = "lrn_student", *, stored: str | None = None) -> None:
        self.api, self.login, self.role = api, f"person{next(_numbers)}", role
        hashed = stored if stored is not None else hashlib.md5(PASSWORD.encode()).hexdigest()
        row = {
            "user_login": self.login,
            "user_pass": hashed,
            "user_nicename": self.login,
            "user_email": f"{self.login}@example.test",
            "display_name": self.login,
        }
        with api.inside():
            self.id = db.transaction(lambda: db.insert_id(db.execute(insert(users), row)))
        self.set_capabilities({role: True})

    def log_in(self, password: str = PASSWORD, **options: Any) -> Answer:
        """The answer of POST /auth/token."""
        body = {"username": self.login, "password": password}
        return Session(self.api.app, HOST).post("/auth/token", json=body, **options)

    def set_capabilities(self, capabilities: dict[str, bool]) -> None:
        self.change_meta("wp_capabilities", capabilities)

    def change_meta(self, key: str, value: Any) -> None:
        with self.api.inside():
            db.transaction(lambda: local.set_user_meta(self.id, key, value))

    def change(self, **columns: Any) -> None:
        """Change columns of the user's row."""
        with self.api.inside():
            db.write(update(users).where(self.id == users.c.ID).values(**columns))

    def delete(self) -> None:
        with self.api.inside():
            db.write(delete(users).where(self.id == users.c.ID))
            db.write(delete(usermeta).where(usermeta.c.user_id == self.id))

    def tokens(self) -> list[dict[str, Any]]:
        """The rows of this user's sessions."""
        with self.api.inside():
            return db.rows(select(auth_tokens).where(auth_tokens.c.user_id == self.id).order_by(auth_tokens.c.id))


def with_token(api: Api, token: str, header: str = "Authorization") -> Session:
    """Requests with an access token."""
    return Session(api.app, {**HOST, header: f"Bearer {token}"})


def who(api: Api, token: str) -> Answer:
    """What /auth/me says to a token."""
    return with_token(api, token).get("/auth/me")


def refresh(api: Api, token: str) -> Answer:
    """Exchange a refresh token."""
    return Session(api.app, HOST).post("/auth/token/refresh", json={"refresh_token": token})


def change_role(api: Api, role: str, **capabilities: bool | None) -> None:
    """Change what a role may do, for the whole site; None takes the capability out."""
    with api.inside():
        stored = php.unserialize(
            db.value(select(options.c.option_value).where(options.c.option_name == "wp_user_roles"))
        )
        for name, granted in capabilities.items():
            if granted is None:
                stored[role]["capabilities"].pop(name, None)
            else:
                stored[role]["capabilities"][name] = granted
        db.transaction(lambda: local.set_option("wp_user_roles", stored))
        site.current().forget_record()
