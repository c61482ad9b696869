"""The world in which reports are tested."""

from __future__ import annotations

import pytest

from tests.client import Api
from tests.progress.world import World


@pytest.fixture
def world(api: Api) -> World:
    return World(api)
