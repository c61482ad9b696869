"""The school in which reviews are tested."""

from __future__ import annotations

import pytest

from tests.client import Api
from tests.reviews.readers import Readers


@pytest.fixture
def readers(api: Api) -> Readers:
    return Readers(api)
