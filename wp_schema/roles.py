"""WordPress's roles and capabilities as WP_User resolves them, and Learnomy's own.

Roles are the option `{prefix}user_roles`, a user's are the meta `{prefix}capabilities`; both
prefixes are the blog's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from wp_schema import php

LEARNOMY_CAPABILITIES = (
    "learnomy_manage",
    "learnomy_edit_courses",
    "learnomy_publish_courses",
    "learnomy_edit_others_courses",
    "learnomy_grade",
    "learnomy_view_reports",
)
STUDENT = "lrn_student"
INSTRUCTOR = "lrn_instructor"
ADMINISTRATOR = "administrator"
SUPER_ADMINS_OPTION = "site_admins"  # of the network: `options.read_network`
DEFAULT_SUPER_ADMINS = frozenset({"admin"})


@dataclass(frozen=True, slots=True)
class Role:
    """A role's display name and its capabilities; False denies one that another role gives."""

    name: str
    capabilities: Mapping[str, bool]


LEARNOMY_ROLES = {
    STUDENT: Role("Student", {"read": True}),
    INSTRUCTOR: Role(
        "Instructor",
        {
            "read": True,
            "upload_files": True,
            "learnomy_edit_courses": True,
            "learnomy_publish_courses": True,
            "learnomy_grade": True,
            "learnomy_view_reports": True,
        },
    ),
}


@dataclass(frozen=True, eq=False)
class Roles:
    """The roles of one blog. Compared by identity: `parse_roles` gives the same for the same text."""

    roles: Mapping[str, Role]
    _resolved: dict[str, tuple[tuple[str, ...], frozenset[str]]] = field(default_factory=dict, repr=False)

    def capabilities_of(self, caps_meta: str | None) -> tuple[tuple[str, ...], frozenset[str]]:
        """A user's roles and granted capabilities: WP_User::get_role_caps() and has_cap().

        The capabilities of the roles in the order held, then the user's own, which may deny. As in
        WordPress the names of roles count as capabilities, and everybody may `exist`.
        """
        text = caps_meta or ""
        resolved = self._resolved.get(text)
        if resolved is None:
            if len(self._resolved) >= 1000:
                self._resolved.clear()
            resolved = self._resolved[text] = self._resolve(parse_capabilities(text))
        return resolved

    def _resolve(self, own: Mapping[str, bool]) -> tuple[tuple[str, ...], frozenset[str]]:
        held = tuple(name for name in own if name in self.roles)
        merged: dict[str, bool] = {}
        for name in held:
            merged.update(self.roles[name].capabilities)
        merged.update(own)
        merged.update(exist=True, do_not_allow=False)
        return held, frozenset(name for name, is_granted in merged.items() if is_granted)

    def all_capabilities(self) -> frozenset[str]:
        """What a network's super admin may do: whatever any role of the blog names, and Learnomy's."""
        named = {name for role in self.roles.values() for name in role.capabilities}
        return frozenset(named | {"exist", *LEARNOMY_CAPABILITIES} - {"do_not_allow"})

    def to_option(self) -> dict[str, Any]:
        """The value of the option `{prefix}user_roles`."""
        return {slug: {"name": role.name, "capabilities": dict(role.capabilities)} for slug, role in self.roles.items()}


def capabilities_key(blog_prefix: str) -> str:
    """The user meta that holds a user's capabilities on a blog."""
    return f"{blog_prefix}capabilities"


def roles_option(blog_prefix: str) -> str:
    """The option that holds a blog's roles."""
    return f"{blog_prefix}user_roles"


def parse_capabilities(meta_value: str | None) -> dict[str, bool]:
    """A user's own capabilities, in order; {} where the meta is missing or no array."""
    return _flags(php.maybe_unserialize(meta_value or ""))


@lru_cache(maxsize=64)
def parse_roles(option_value: str) -> Roles:
    """The roles of the option's stored text; none where it cannot be read."""
    decoded = php.maybe_unserialize(option_value)
    found = decoded if isinstance(decoded, dict) else {}
    return Roles(
        {
            str(slug): Role(str(role.get("name", slug)), _flags(role.get("capabilities")))
            for slug, role in found.items()
            if isinstance(role, dict)
        }
    )


def super_admins_of(option: Any) -> frozenset[str]:
    """The logins in a network's decoded option `site_admins`; get_super_admins() gives `admin` without it."""
    if option is None:
        return DEFAULT_SUPER_ADMINS
    logins = option.values() if isinstance(option, dict) else option if isinstance(option, list) else ()
    return frozenset(login for login in logins if isinstance(login, str))


def with_learnomy_roles(roles: Roles) -> Roles:
    """The same roles with Learnomy's two, and all its capabilities for administrators."""
    merged = dict(roles.roles)
    for slug, role in LEARNOMY_ROLES.items():
        merged[slug] = _with_capabilities(merged.get(slug, role), role.capabilities)
    if ADMINISTRATOR in merged:
        merged[ADMINISTRATOR] = _with_capabilities(merged[ADMINISTRATOR], dict.fromkeys(LEARNOMY_CAPABILITIES, True))
    return Roles(merged)


def wordpress_roles() -> Roles:
    """The five roles of a new WordPress, capability by capability (the embedded default's)."""
    return Roles({slug: Role(slug.capitalize(), dict.fromkeys(names, True)) for slug, names in _CORE.items()})


def _with_capabilities(role: Role, added: Mapping[str, bool]) -> Role:
    return Role(role.name, {**role.capabilities, **added})


def _flags(decoded: Any) -> dict[str, bool]:
    pairs = decoded.items() if isinstance(decoded, dict) else enumerate(decoded) if isinstance(decoded, list) else ()
    return {str(name): php.is_truthy(value) for name, value in pairs}


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_CORE_CONTRIBUTOR = _names("edit_posts read level_1 level_0 delete_posts")
_CORE_AUTHOR = _CORE_CONTRIBUTOR + _names(
    "upload_files edit_published_posts publish_posts level_2 delete_published_posts"
)
_CORE_EDITOR = _CORE_AUTHOR + _names(
    """moderate_comments manage_categories manage_links unfiltered_html edit_others_posts edit_pages
    level_7 level_6 level_5 level_4 level_3 edit_others_pages edit_published_pages publish_pages delete_pages
    delete_others_pages delete_published_pages delete_others_posts delete_private_posts edit_private_posts
    read_private_posts delete_private_pages edit_private_pages read_private_pages"""
)
_CORE_ADMINISTRATOR = _CORE_EDITOR + _names(
    """switch_themes edit_themes activate_plugins edit_plugins edit_users edit_files manage_options import
    level_10 level_9 level_8 delete_users create_users unfiltered_upload edit_dashboard update_plugins
    delete_plugins install_plugins update_themes install_themes update_core list_users remove_users
    promote_users edit_theme_options delete_themes export"""
)
_CORE = {
    ADMINISTRATOR: _CORE_ADMINISTRATOR,
    "editor": _CORE_EDITOR,
    "author": _CORE_AUTHOR,
    "contributor": _CORE_CONTRIBUTOR,
    "subscriber": _names("read level_0"),
}
