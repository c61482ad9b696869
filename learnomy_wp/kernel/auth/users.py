"""The identity query: a user, the roles' capabilities and the token session in one SELECT."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, bindparam, select

from learnomy_wp.kernel import db
from learnomy_wp.kernel.actor import Actor
from wp_schema import roles
from wp_schema.tables import auth_tokens, options, usermeta, users

USER_FIELDS = ("ID", "user_login", "user_email", "user_pass", "user_status", "display_name", "user_nicename")


def _meta(key: str) -> Any:
    return (
        select(usermeta.c.meta_value)
        .where(usermeta.c.user_id == users.c.ID, usermeta.c.meta_key == bindparam(key))
        .limit(1)
        .correlate(users)
        .scalar_subquery()
    )


_roles = (
    select(options.c.option_value).where(options.c.option_name == bindparam("roles_option")).limit(1).scalar_subquery()
)
_columns = (
    *(users.c[name] for name in USER_FIELDS),
    _meta("capabilities_key").label("capabilities"),
    _meta("locale_key").label("locale"),
    _roles.label("roles"),
)
BY_ID = select(*_columns).where(bindparam("user_id") == users.c.ID)
BY_LOGIN = select(*_columns).where(users.c.user_login == bindparam("login")).limit(1)
BY_EMAIL = select(*_columns).where(users.c.user_email == bindparam("login")).limit(1)
WITH_SESSION = (
    select(
        *_columns,
        auth_tokens.c.password_fingerprint,
        auth_tokens.c.capabilities.label("issued_capabilities"),
        auth_tokens.c.id.label("token_id"),
    )
    .select_from(
        users.outerjoin(
            auth_tokens,
            and_(
                auth_tokens.c.family_id == bindparam("family_id"),
                auth_tokens.c.user_id == users.c.ID,
                auth_tokens.c.revoked_at.is_(None),
                auth_tokens.c.rotated_at.is_(None),
            ),
        )
    )
    .where(bindparam("user_id") == users.c.ID)
    .limit(1)
)
APPLICATION_PASSWORDS = _meta("app_passwords_key").label("application_passwords")
BASIC_BY_LOGIN = select(*_columns, APPLICATION_PASSWORDS).where(users.c.user_login == bindparam("login")).limit(1)
BASIC_BY_EMAIL = select(*_columns, APPLICATION_PASSWORDS).where(users.c.user_email == bindparam("login")).limit(1)


def _keys() -> dict[str, str]:
    prefix = db.blog_prefix()
    return {
        "capabilities_key": f"{prefix}capabilities",
        "locale_key": "locale",
        "roles_option": f"{prefix}user_roles",
    }


def find(user_id: int) -> dict[str, Any] | None:
    """The user's row with capabilities, or None."""
    return db.row(BY_ID, {"user_id": user_id, **_keys()})


def find_with_session(user_id: int, family_id: str) -> dict[str, Any] | None:
    """The same with the live token of a session; `token_id` is None where it ended."""
    return db.row(WITH_SESSION, {"user_id": user_id, "family_id": family_id, **_keys()})


def find_by_login(login: str) -> dict[str, Any] | None:
    """By user name, else by e-mail address, as WordPress logs in."""
    found = db.row(BY_LOGIN, {"login": login, **_keys()})
    if found is None and "@" in login:
        found = db.row(BY_EMAIL, {"login": login, **_keys()})
    return found


def find_for_basic(login: str) -> dict[str, Any] | None:
    """As `find_by_login`, with the user's application passwords."""
    keys = {**_keys(), "app_passwords_key": "_application_passwords"}
    found = db.row(BASIC_BY_LOGIN, {"login": login, **keys})
    if found is None and "@" in login:
        found = db.row(BASIC_BY_EMAIL, {"login": login, **keys})
    return found


def is_barred(found: dict[str, Any]) -> bool:
    """Marked as spam or not yet activated (`user_status`)."""
    return bool(found["user_status"])


def to_actor(found: dict[str, Any], *, credential: str, session_id: str = "") -> Actor:
    """The actor that a user's row describes."""
    held, capabilities = roles.parse_roles(found["roles"] or "").capabilities_of(found["capabilities"] or "")
    return Actor(
        id=int(found["ID"]),
        login=found["user_login"],
        email=found["user_email"],
        display_name=found["display_name"],
        roles=held,
        capabilities=capabilities,
        credential=credential,
        session_id=session_id,
        profile={"locale": found["locale"] or "", "nicename": found["user_nicename"]},
    )
