"""The academy that the acceptance tests share on each site."""

from __future__ import annotations

import pytest

from tests.site import Site
from tests.wordpress.acceptance.academy import Academy

_academies: dict[str, Academy] = {}


@pytest.fixture
def academy(site: Site) -> Academy:
    """The site with its courses and people, and its listeners recorded."""
    key = str(site.folder)
    if key not in _academies:
        _academies[key] = Academy(site)
        _academies[key].record()
    return _academies[key]
