"""WordPress's options, of the current blog or of its network: several in one query, decoded as get_option() does.

Writing is for the embedded default, where Python owns WordPress's tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import CursorResult, Executable, bindparam, delete, insert, select, update
from sqlalchemy.engine import RowMapping

from wp_schema import php
from wp_schema.tables import options, sitemeta

# `connection.execute`, or whatever runs a statement in the caller's transaction.
Execute = Callable[[Executable, Mapping[str, Any]], CursorResult[Any]]

# Takes `names`, a list. The values are raw; `decode` reads them.
BY_NAMES = select(options.c.option_name, options.c.option_value).where(
    options.c.option_name.in_(bindparam("names", expanding=True))
)
# The same of a network; takes `names` and `network`.
NETWORK_BY_NAMES = select(sitemeta.c.meta_key.label("option_name"), sitemeta.c.meta_value.label("option_value")).where(
    sitemeta.c.site_id == bindparam("network"), sitemeta.c.meta_key.in_(bindparam("names", expanding=True))
)
_HAS = select(options.c.option_id).where(options.c.option_name == bindparam("name"))
# Somebody may have added it meanwhile.
_ADD = insert(options).prefix_with("IGNORE", dialect="mysql").prefix_with("OR IGNORE", dialect="sqlite")
_UPDATE = update(options).where(options.c.option_name == bindparam("name"))
_DELETE = delete(options).where(options.c.option_name == bindparam("name"))
_UNTRAILED = {"siteurl", "home", "category_base", "tag_base"}


def decode(rows: Iterable[Mapping[str, Any] | RowMapping]) -> dict[str, Any]:
    """The values of `BY_NAMES`' rows by name; what cannot be read is False, as in WordPress.

    A name without a row is absent. Addresses come without their last slash, and an empty `home`
    is `siteurl`, where that was read too.
    """
    found = {str(row["option_name"]): php.maybe_unserialize(row["option_value"]) for row in rows}
    if found.get("home") == "" and "siteurl" in found:
        found["home"] = found["siteurl"]
    for name in _UNTRAILED & found.keys():
        found[name] = str(found[name]).rstrip("/\\")
    return found


def read(execute: Execute, names: Sequence[str]) -> dict[str, Any]:
    """Options by name, in one query."""
    return decode(execute(BY_NAMES, {"names": list(names)}).mappings())


def read_network(execute: Execute, names: Sequence[str], network_id: int = 1) -> dict[str, Any]:
    """Options of a network by name, in one query. A site that is no network keeps them as its own."""
    return decode(execute(NETWORK_BY_NAMES, {"names": list(names), "network": network_id}).mappings())


def write(execute: Execute, name: str, value: Any, *, autoload: bool = True) -> None:
    """Create or change an option. `autoload` counts for a new one."""
    stored = php.to_text(value)
    if execute(_HAS, {"name": name}).first() is None:
        # `yes` and `no` are understood by every version; `on` and `off` are not before 6.6.
        new = {"option_name": name, "option_value": stored, "autoload": "yes" if autoload else "no"}
        if execute(_ADD, new).rowcount:
            return
    execute(_UPDATE.values(option_value=stored), {"name": name})


def remove(execute: Execute, name: str) -> None:
    """Delete an option, if it is there."""
    execute(_DELETE, {"name": name})
