"""The school in which certificates are tested."""

from __future__ import annotations

import pytest

from tests.certificates.academy import Academy
from tests.client import Api


@pytest.fixture
def academy(api: Api) -> Academy:
    return Academy(api)
