"""The bank in which questions are tested."""

from __future__ import annotations

import pytest

from tests.client import Api
from tests.questions.bank import Bank


@pytest.fixture
def bank(api: Api) -> Bank:
    return Bank(api)
