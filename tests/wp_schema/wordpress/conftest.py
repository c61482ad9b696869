"""The exchange with each version's site, made once a test process."""

from collections.abc import Iterator

import pytest

from tests.site import Site, start_site
from tests.wp_schema.wordpress.exchange import Exchange

_made: dict[str, Exchange] = {}


@pytest.fixture
def exchange(bare_site: Site) -> Exchange:
    """What PHP wrote, read by Python, and what Python wrote, judged by PHP."""
    if bare_site.version not in _made:
        _made[bare_site.version] = Exchange(bare_site)
    return _made[bare_site.version]


@pytest.fixture(scope="session")
def networks() -> Iterator[dict[str, Site]]:
    """Networks by the name of their folder, let go of at the end."""
    made: dict[str, Site] = {}
    yield made
    for network in made.values():
        network.close()


@pytest.fixture
def network(bare_site: Site, networks: dict[str, Site]) -> Site:
    """A network of two sites, beside the single site of the same test process."""
    name = f"network-{bare_site.folder.name}"
    if name not in networks:
        networks[name] = start_site(bare_site.version, name=name, options=("--multisite", "--only", "wordpress"))
    return networks[name]
