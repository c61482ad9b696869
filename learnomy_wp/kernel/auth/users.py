"""The identity query: a user, the roles' capabilities and the token session in one SELECT.

On a network the same SELECT also reads the user's flags and who its super admins are.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any

from sqlalchemy import Select, Table, and_, bindparam, select

from learnomy_wp.kernel import db, site
from learnomy_wp.kernel.actor import Actor
from wp_schema import php, roles
from wp_schema.application_passwords import META_KEY as APPLICATION_PASSWORDS
from wp_schema.tables import auth_tokens, blogs, network_users, options, sitemeta, usermeta, users

USER_FIELDS = ("ID", "user_login", "user_email", "user_pass", "user_status", "display_name", "user_nicename")
NETWORK_FIELDS = ("spam", "deleted")

_roles = (
    select(options.c.option_value).where(options.c.option_name == bindparam("roles_option")).limit(1).scalar_subquery()
)
_network = select(blogs.c.site_id).where(blogs.c.blog_id == bindparam("blog_id")).scalar_subquery()
_super_admins = (
    select(sitemeta.c.meta_value)
    .where(sitemeta.c.site_id == _network, sitemeta.c.meta_key == roles.SUPER_ADMINS_OPTION)
    .limit(1)
    .scalar_subquery()
)


class Statements:
    """The identity query, by what a user is found by."""

    def __init__(self, people: Table, *extra: Any) -> None:
        self.people, self.extra = people, extra

    def _meta(self, key: str) -> Any:
        return (
            select(usermeta.c.meta_value)
            .where(usermeta.c.user_id == self.people.c.ID, usermeta.c.meta_key == bindparam(key))
            .limit(1)
            .correlate(self.people)
            .scalar_subquery()
        )

    @cached_property
    def _base(self) -> Select[Any]:
        return select(
            *(self.people.c[name] for name in USER_FIELDS),
            *self.extra,
            self._meta("capabilities_key").label("capabilities"),
            self._meta("locale_key").label("locale"),
            _roles.label("roles"),
        )

    @cached_property
    def by_id(self) -> Select[Any]:
        return self._base.where(bindparam("user_id") == self.people.c.ID)

    @cached_property
    def by_login(self) -> Select[Any]:
        return self._base.where(self.people.c.user_login == bindparam("login")).limit(1)

    @cached_property
    def by_email(self) -> Select[Any]:
        return self._base.where(self.people.c.user_email == bindparam("login")).limit(1)

    @cached_property
    def basic_by_login(self) -> Select[Any]:
        return self.by_login.add_columns(self._meta("app_passwords_key").label("application_passwords"))

    @cached_property
    def basic_by_email(self) -> Select[Any]:
        return self.by_email.add_columns(self._meta("app_passwords_key").label("application_passwords"))

    @cached_property
    def with_session(self) -> Select[Any]:
        live = and_(
            auth_tokens.c.family_id == bindparam("family_id"),
            auth_tokens.c.user_id == self.people.c.ID,
            auth_tokens.c.revoked_at.is_(None),
            auth_tokens.c.rotated_at.is_(None),
        )
        return (
            self.by_id.add_columns(
                auth_tokens.c.password_fingerprint,
                auth_tokens.c.capabilities.label("issued_capabilities"),
                auth_tokens.c.id.label("token_id"),
            )
            .select_from(self.people.outerjoin(auth_tokens, live))
            .limit(1)
        )


ON_A_SITE = Statements(users)
ON_A_NETWORK = Statements(
    network_users, *(network_users.c[name] for name in NETWORK_FIELDS), _super_admins.label("super_admins")
)


def _statements() -> Statements:
    return ON_A_NETWORK if site.current().is_multisite else ON_A_SITE


def _keys() -> dict[str, Any]:
    prefix = db.blog_prefix()
    keys: dict[str, Any] = {
        "capabilities_key": roles.capabilities_key(prefix),
        "locale_key": "locale",
        "roles_option": roles.roles_option(prefix),
    }
    return {**keys, "blog_id": db.blog_id()} if site.current().is_multisite else keys


def find(user_id: int) -> dict[str, Any] | None:
    """The user's row with capabilities, or None."""
    return db.row(_statements().by_id, {"user_id": user_id, **_keys()})


def find_with_session(user_id: int, family_id: str) -> dict[str, Any] | None:
    """The same with the live token of a session; `token_id` is None where it ended."""
    return db.row(_statements().with_session, {"user_id": user_id, "family_id": family_id, **_keys()})


def find_by_login(login: str) -> dict[str, Any] | None:
    """By user name, else by e-mail address, as WordPress logs in."""
    statements, keys = _statements(), _keys()
    found = db.row(statements.by_login, {"login": login, **keys})
    if found is None and "@" in login:
        found = db.row(statements.by_email, {"login": login, **keys})
    return found


def find_for_basic(login: str) -> dict[str, Any] | None:
    """As `find_by_login`, with the user's application passwords."""
    statements, keys = _statements(), {**_keys(), "app_passwords_key": APPLICATION_PASSWORDS}
    found = db.row(statements.basic_by_login, {"login": login, **keys})
    if found is None and "@" in login:
        found = db.row(statements.basic_by_email, {"login": login, **keys})
    return found


def is_barred(found: dict[str, Any]) -> bool:
    """Marked as spam or not yet activated (`user_status`); on a network marked as spam or deleted."""
    return any(found.get(name) for name in ("user_status", *NETWORK_FIELDS))


@lru_cache(maxsize=64)
def _logins(super_admins: str | None) -> frozenset[str]:
    return roles.super_admins_of(php.maybe_unserialize(super_admins))


def to_actor(found: dict[str, Any], *, credential: str, session_id: str = "") -> Actor:
    """The actor that a user's row describes."""
    known = roles.parse_roles(found["roles"] or "")
    held, capabilities = known.capabilities_of(found["capabilities"])
    if "super_admins" in found and found["user_login"] in _logins(found["super_admins"]):
        capabilities = known.all_capabilities()
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
