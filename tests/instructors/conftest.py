"""The school whose teachers are looked up."""

from __future__ import annotations

import pytest

from tests.client import Api
from tests.courses.school import School


@pytest.fixture
def school(api: Api) -> School:
    return School(api)
