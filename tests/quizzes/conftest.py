"""The school in which quizzes are tested."""

from __future__ import annotations

import pytest

from learnomy_wp.kernel import db, local, site
from tests.client import Api
from tests.quizzes.exam import Exams

LIMITS = {"limits": {"quiz-start": 100_000, "autosave": 100_000, "login": 100_000}}


@pytest.fixture
def exams(api: Api) -> Exams:
    with api.inside():
        db.transaction(lambda: local.set_option("learnomy_settings", LIMITS))
        site.current().forget_record()
    return Exams(api)
