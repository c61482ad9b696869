"""WordPress's user meta: several keys in one query, decoded as get_user_meta() does.

Writing is for the embedded default, where Python owns WordPress's tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.engine import RowMapping

from wp_schema import php
from wp_schema.options import Execute
from wp_schema.tables import usermeta

PREFERENCES = "learnomy_preferences"

_HERE = (usermeta.c.user_id == bindparam("of_user"), usermeta.c.meta_key == bindparam("key"))

# Takes `of_user` and `keys`, a list; rows of a key come in the order they were added.
BY_KEYS = (
    select(usermeta.c.meta_key, usermeta.c.meta_value)
    .where(usermeta.c.user_id == bindparam("of_user"), usermeta.c.meta_key.in_(bindparam("keys", expanding=True)))
    .order_by(usermeta.c.umeta_id)
)
_HAS = select(usermeta.c.umeta_id).where(*_HERE).limit(1)
_UPDATE = update(usermeta).where(*_HERE)
_DELETE = delete(usermeta).where(*_HERE)


def decode(rows: Iterable[Mapping[str, Any] | RowMapping]) -> dict[str, Any]:
    """The first value of each key in `BY_KEYS`' rows; what cannot be read is False, as in WordPress."""
    found: dict[str, Any] = {}
    for row in rows:
        if row["meta_key"] not in found:
            found[row["meta_key"]] = php.maybe_unserialize(row["meta_value"])
    return found


def read(execute: Execute, user_id: int, keys: Sequence[str]) -> dict[str, Any]:
    """A user's meta by key, in one query; a key without a row is absent."""
    return decode(execute(BY_KEYS, {"of_user": user_id, "keys": list(keys)}).mappings())


def write(execute: Execute, user_id: int, key: str, value: Any) -> None:
    """Create a user's meta value or change all of that key, as update_user_meta() does."""
    stored, here = php.to_text(value), {"of_user": user_id, "key": key}
    if execute(_HAS, here).first() is not None:
        execute(_UPDATE.values(meta_value=stored), here)
        return
    execute(insert(usermeta), {"user_id": user_id, "meta_key": key, "meta_value": stored})


def remove(execute: Execute, user_id: int, key: str) -> None:
    """Delete all values of a user's key."""
    execute(_DELETE, {"of_user": user_id, "key": key})
