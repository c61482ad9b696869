"""The school in which files hang on lessons."""

from __future__ import annotations

import pytest

from tests.attachments.files import Files
from tests.client import Api
from tests.courses.school import School


@pytest.fixture
def school(api: Api) -> School:
    return School(api)


@pytest.fixture
def files(school: School) -> Files:
    """A published course that the student is in, and shorthands for its files."""
    course = school.filled()
    school.enrol(course["id"])
    return Files(school, course)
