"""The exchange with each version's site, made once a test process."""

import pytest

from tests.site import Site
from tests.wp_schema.wordpress.exchange import Exchange

_made: dict[str, Exchange] = {}


@pytest.fixture
def exchange(site: Site) -> Exchange:
    """What PHP wrote, read by Python, and what Python wrote, judged by PHP."""
    if site.version not in _made:
        _made[site.version] = Exchange(site)
    return _made[site.version]
