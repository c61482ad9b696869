"""What WordPress would do, done here on the embedded default: content, media and effects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import nh3
from sqlalchemy import bindparam, select, update

from learnomy_wp.kernel import db, site
from learnomy_wp.kernel.actor import Actor
from wp_schema import meta, options, passwords, roles
from wp_schema.tables import postmeta, posts, users

_BLOCK_COMMENT = re.compile(r"<!--\s*/?wp:.*?-->", re.DOTALL)
_parents = posts.alias("parents")
_IMAGE = (
    select(
        posts.c.guid,
        posts.c.post_author,
        posts.c.post_status,
        _parents.c.post_status.label("parent_status"),
        _parents.c.post_password.label("parent_password"),
    )
    .select_from(posts.outerjoin(_parents, posts.c.post_parent == _parents.c.ID))
    .where(
        bindparam("id") == posts.c.ID, posts.c.post_type == "attachment", posts.c.post_mime_type.startswith("image/")
    )
)
_path = (
    select(postmeta.c.meta_value)
    .where(postmeta.c.post_id == posts.c.ID, postmeta.c.meta_key == "_wp_attached_file")
    .limit(1)
    .scalar_subquery()
)
_FILE = (
    select(
        posts.c.post_title,
        posts.c.post_author,
        posts.c.post_status,
        _path.label("path"),
        _parents.c.post_status.label("parent_status"),
        _parents.c.post_password.label("parent_password"),
    )
    .select_from(posts.outerjoin(_parents, posts.c.post_parent == _parents.c.ID))
    .where(bindparam("id") == posts.c.ID, posts.c.post_type == "attachment")
)
SETTINGS = "learnomy_settings"
_USER_COLUMNS = {"display_name", "user_email", "user_pass", "user_url"}


def render_content(content: str) -> dict[str, Any]:
    """Static HTML that is safe to show; block comments are dropped, nothing is dynamic here."""
    html = nh3.clean(_BLOCK_COMMENT.sub("", content))
    if "<p" not in html and html.strip():
        html = "".join(f"<p>{part.strip()}</p>" for part in re.split(r"\n\s*\n", html) if part.strip())
    return {"html": html, "slots": []}


def image_url(image_id: int, user: Actor) -> str | None:
    """The stored address of an image that a user may see, as the plugin's `Asks` judges it."""
    found = db.row(_IMAGE, {"id": image_id})
    return str(found["guid"]) if found and _is_seen(found, user) else None


def media_file(media_id: int, user: Actor) -> dict[str, str] | None:
    """Where a file of the media library is, below the folder `uploads` of the state's; None as `image_url`."""
    found = db.row(_FILE, {"id": media_id})
    if found is None or not found["path"] or not _is_seen(found, user):
        return None
    base = site.current().config.state_dir / "uploads"
    path = base / str(found["path"])
    return {"path": str(path), "base": str(base), "name": path.name, "title": str(found["post_title"])}


def _is_seen(image: Mapping[str, Any], user: Actor) -> bool:
    if image["post_author"] == user.id or user.can("edit_others_posts"):
        return True
    if image["post_status"] not in ("inherit", "publish"):
        return False
    if image["parent_status"] is None:
        return user.can("upload_files")
    return bool(image["parent_status"] == "publish" and not image["parent_password"])


def perform(effects: list[dict[str, Any]]) -> None:
    """Do the effects that WordPress would perform; called inside a unit of work."""
    for effect in effects:
        _PERFORMERS[effect["kind"]](effect)


def set_option(name: str, value: Any, *, autoload: bool = True) -> None:
    """Write one option, serialized where it is no text."""
    options.write(db.execute, name, value, autoload=autoload)


def set_user_meta(user_id: int, key: str, value: Any) -> None:
    """Write one user meta value, serialized where it is no text."""
    meta.write(db.execute, user_id, key, value)


def _update_settings(effect: dict[str, Any]) -> None:
    stored = options.read(db.execute, [SETTINGS]).get(SETTINGS)
    set_option(SETTINGS, {**(stored if isinstance(stored, dict) else {}), **effect["settings"]})
    db.after_commit(site.current().forget_record)


def _update_user(effect: dict[str, Any]) -> None:
    columns = {name: value for name, value in effect["fields"].items() if name in _USER_COLUMNS}
    if "user_pass" in columns:
        columns["user_pass"] = passwords.hash_password(passwords.as_posted(columns["user_pass"]))
    if columns:
        db.execute(update(users).where(effect["user_id"] == users.c.ID).values(**columns))
    for key, value in {**_meta_fields(effect["fields"]), **effect.get("meta", {})}.items():
        set_user_meta(effect["user_id"], key, value)


def _meta_fields(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in _USER_COLUMNS}


def _add_role(effect: dict[str, Any]) -> None:
    key = roles.capabilities_key(db.blog_prefix())
    held = meta.read(db.execute, effect["user_id"], [key]).get(key)
    set_user_meta(effect["user_id"], key, {**(held if isinstance(held, dict) else {}), effect["role"]: True})


_PERFORMERS = {"update_settings": _update_settings, "update_user": _update_user, "add_role": _add_role}
