"""The school in which lessons are discussed."""

from __future__ import annotations

import pytest

from tests.client import Api
from tests.courses.school import School
from tests.discussions.talk import Talk


@pytest.fixture
def school(api: Api) -> School:
    return School(api)


@pytest.fixture
def talk(school: School) -> Talk:
    """A lesson of a published course that two students are in."""
    course = school.filled()
    for who in ("student", "student2"):
        school.enrol(course["id"], who)
    return Talk(school, course)
