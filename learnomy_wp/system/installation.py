"""Making and removing a blog's tables when the plugin asks for it."""

from __future__ import annotations

from typing import Any

import wp_schema.install as installer
from learnomy_wp.kernel import db, site
from learnomy_wp.kernel.bridge import verb


@verb("install")
def install(_payload: dict[str, Any]) -> dict[str, Any]:
    """Create or update the tables of the calling blog; gives the revisions that ran."""
    return {"revisions": install_blog(db.blog_id())}


@verb("uninstall")
def uninstall(_payload: dict[str, Any]) -> dict[str, Any]:
    """Drop the tables of the calling blog."""
    installer.uninstall(db.current().patient, db.blog_prefix())
    return {"dropped": True}


def install_blog(blog_id: int) -> list[str]:
    """Create or update one blog's tables."""
    pairing = site.current().pairing
    base, prefix = site.current().prefixes(blog_id)
    return installer.install(
        db.current().patient,
        base_prefix=base,
        blog_prefix=prefix,
        charset=str(pairing.get("charset") or "utf8mb4"),
        collate=str(pairing.get("collate") or ""),
    )


def install_all() -> None:
    """Create or update the tables of every blog."""
    for blog in site.current().pairing.get("blogs") or [{"id": 1}]:
        install_blog(int(blog["id"]))
