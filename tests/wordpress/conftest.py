"""More sites for the tests that run on a real WordPress."""

from __future__ import annotations

import pytest
from learnomy_site.servers import Servers

from tests import site as harness
from tests.conftest import DEFAULT_VERSION, running_site
from tests.site import Site


@pytest.fixture
def network(mariadb: Servers) -> Site:
    """A network of two sites in subfolders, `/` and `/second/`, with plugin, backend and worker."""
    found = running_site(DEFAULT_VERSION, "--multisite", kind="network")
    harness.note("wordpress", found.exact_version)
    return found
