"""Items of WordPress's media library, for tests without a WordPress."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert

from learnomy_wp.kernel import db
from tests.client import Api
from wp_schema.tables import posts


def upload(api: Api, guid: str, **columns: Any) -> int:
    """An attachment, or another post; gives its id. Whose it is and where it hangs stands in `columns`."""
    row = {"post_type": "attachment", "post_status": "inherit", "post_mime_type": "image/png", "post_title": "x"}
    with api.inside():
        return db.transaction(lambda: db.insert_id(db.execute(insert(posts), {**row, "guid": guid, **columns})))
