"""README is true: its example works, and what it names is there."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import learnomy_wp
from learnomy_wp import features
from learnomy_wp.kernel.endpoint import ENDPOINTS, Blueprint
from tests.client import Api, make_api

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """The API with the endpoint that README's code blocks make."""
    for path, code in re.findall(r"```python\n# learnomy_wp/(\S+)\n(.*?)```", README, re.DOTALL):
        written = tmp_path / path
        written.parent.mkdir(parents=True, exist_ok=True)
        written.write_text(code)
    monkeypatch.setattr(learnomy_wp, "__path__", [*learnomy_wp.__path__, str(tmp_path)])
    routes = importlib.import_module("learnomy_wp.greetings.routes")
    before = features.blueprints

    def with_example() -> list[Blueprint]:
        return [*before(), routes.bp]

    monkeypatch.setattr(features, "blueprints", with_example)
    api = make_api(f"sqlite:///{tmp_path / 'site.sqlite3'}", tmp_path)
    yield api
    api.runtime.database.dispose()
    ENDPOINTS.pop("get_greeting")
    for name in [name for name in sys.modules if name.startswith("learnomy_wp.greetings")]:
        del sys.modules[name]


def test_the_worked_example_works(example: Api) -> None:
    greeted = example.as_("student").get("/greetings")
    assert greeted.status == 200, greeted.body
    assert greeted.data == {"text": "Hello, Student", "course_count": 0}
    assert example.as_(None).get("/greetings").status == 401
    assert "/wp-json/learnomy/v1/greetings" in example.as_(None).get("/openapi.json").body["paths"]


def test_every_make_target_it_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"^make ([a-z-]+)", README, re.MULTILINE)) | set(re.findall(r"`make ([a-z-]+)`", README))
    assert {"run", "test"} <= named <= targets


def test_every_path_it_names_exists() -> None:
    paths = re.findall(r"`((?:bridge|docker|docs|learnomy_wp|tests|wp_schema)(?:/[\w./-]+)?)`", README)
    paths += re.findall(r"\]\((\S+?)\)", README)
    assert len(paths) > 10
    for path in paths:
        assert (ROOT / path).exists() or "greetings" in path, path


def test_every_feature_is_on_the_map() -> None:
    folders = {path.parent.name for path in (ROOT / "learnomy_wp").glob("*/routes.py")}
    row = next(line for line in README.splitlines() if line.startswith("| `learnomy_wp/<feature>`"))
    assert all(folder in row for folder in folders), folders
