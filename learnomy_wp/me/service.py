"""The caller's profile: read together, changed through WordPress."""

from __future__ import annotations

from typing import Any

from learnomy_wp.kernel import avatars, limits, site, wordpress
from learnomy_wp.kernel import call as calls
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.auth import users
from learnomy_wp.kernel.errors import Detail, ValidationFailed, refusal
from learnomy_wp.kernel.wordpress import Effects
from learnomy_wp.me import queries
from wp_schema import passwords

WrongPassword = refusal("wrong_password", "The current password is not right.", 403)

COUNTS = ("enrolled", "in_progress", "completed", "certificates", "unread_notifications")
RECENT = 5


def describe_me(actor: Actor) -> dict[str, Any]:
    """Profile, preferences and counts."""
    profile = queries.find_profile(actor.id)
    return _describe(actor, profile)


def change_me(actor: Actor, changes: dict[str, Any]) -> Effects:
    """The profile with these changes, as an effect for WordPress.

    A password or e-mail address needs the right `current_password`; an address that another
    account has is refused with the field named. Raises `WrongPassword`, and `RateLimited` after
    ten of them.
    """
    profile = queries.find_profile(actor.id)
    if "password" in changes or "email" in changes:
        _confirm(actor, profile["user_pass"], changes.get("current_password"))
    if "email" in changes:
        _check_email(actor, changes["email"])
    preferences = dict(profile["preferences"])
    if "timezone" in changes:
        preferences["timezone"] = changes["timezone"]
    if "avatar_id" in changes:
        preferences["avatar_id"] = changes["avatar_id"]
        preferences["avatar_url"] = _avatar(actor, changes["avatar_id"])
    names = {
        "display_name": "display_name",
        "biography": "description",
        "locale": "locale",
        "email": "user_email",
        "password": "user_pass",
    }
    effect: dict[str, Any] = {
        "kind": "update_user",
        "user_id": actor.id,
        "fields": {names[name]: value for name, value in changes.items() if name in names},
        "meta": {"learnomy_preferences": preferences} if preferences != profile["preferences"] else {},
    }
    profile = {**profile, "preferences": preferences, "biography": changes.get("biography", profile["biography"])}
    return Effects([effect], {**_describe(actor, profile), **_shown(changes)})


def build_dashboard(actor: Actor) -> dict[str, Any]:
    """What the student's home shows, in one call."""
    counts = queries.find_counts(actor.id)
    recent = queries.list_my_courses(actor, {"per_page": RECENT, "sort": "-last_activity_at", "status": "active"}).rows
    done = queries.list_my_courses(actor, {"per_page": RECENT, "sort": "-last_activity_at", "status": "completed"}).rows
    return {
        "counts": _counts(counts),
        "average_progress": int(counts["average_progress"] or 0),
        "average_quiz_score": counts["average_quiz_score"],
        "continue_learning": recent,
        "recently_completed": done,
    }


def _describe(actor: Actor, profile: dict[str, Any]) -> dict[str, Any]:
    record, preferences = site.record(), profile["preferences"]
    return {
        "id": actor.id,
        "username": actor.login,
        "display_name": actor.display_name,
        "email": actor.email,
        "biography": profile["biography"] or "",
        "avatar_url": preferences.get("avatar_url") or avatars.url(actor.email),
        "avatar_id": preferences.get("avatar_id"),
        "locale": actor.profile.get("locale") or record.locale,
        "timezone": preferences.get("timezone") or site.timezone_name(),
        "roles": list(actor.roles),
        "registered_at": profile["user_registered"],
        "preferences": {"timezone": preferences.get("timezone")},
        "counts": _counts(queries.find_counts(actor.id)),
    }


def _counts(counts: dict[str, Any]) -> dict[str, int]:
    return {name: int(counts[name] or 0) for name in COUNTS}


def _shown(changes: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {name: changes[name] for name in ("display_name", "email") if name in changes}
    if "locale" in changes:
        shown["locale"] = changes["locale"] or site.record().locale
    return shown


def _confirm(actor: Actor, stored: str, given: str | None) -> None:
    """Whoever holds a session may not guess the password behind it: wrong ones count as failed logins."""
    if not given:
        raise ValidationFailed.of("current_password", "Give your current password to change this.", "required")
    call = calls.current()
    client = call.client if call else ""
    limits.check_login(actor.login, client)
    if not _is_password(actor.id, passwords.as_posted(given), stored):
        limits.record_login_failure(actor.login, client)
        raise WrongPassword


def _is_password(user_id: int, given: str, stored: str) -> bool:
    """Whether this is the password; what a plugin stores or judges in its own way is WordPress's to say."""
    is_ours = passwords.is_known(stored) and not site.record().listens("check_password")
    if is_ours or site.current().is_embedded:
        return passwords.verify(given, stored)
    return wordpress.check_password(user_id, given)


def _check_email(actor: Actor, email: str) -> None:
    other = users.find_by_login(email)
    if other is not None and other["user_email"].lower() == email.lower() and other["ID"] != actor.id:
        raise ValidationFailed(details=[Detail("email", "taken", "Another account has this e-mail address.")])


def _avatar(actor: Actor, image_id: int | None) -> str | None:
    if image_id is None:
        return None
    found = wordpress.image_url(image_id, actor)
    if found is None:
        raise ValidationFailed.of("avatar_id", "There is no such image in the media library.", "unknown")
    return found
