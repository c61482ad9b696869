"""Many logins from one address: the limit of a minute is lifted and failures are forgotten, test by test."""

from __future__ import annotations

import pytest
from sqlalchemy import delete

from learnomy_wp.kernel import db, local, site
from tests.client import Api
from wp_schema.tables import expiring_keys


def allow(api: Api, per_minute: int) -> None:
    """Set how many logins a minute an address has."""
    with api.inside():
        db.transaction(lambda: local.set_option("learnomy_settings", {"limits": {"login": per_minute}}))
        site.current().forget_record()


@pytest.fixture(autouse=True)
def _unlimited(api: Api) -> None:
    allow(api, 100_000)
    with api.inside():
        db.write(delete(expiring_keys))
