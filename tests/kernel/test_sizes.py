"""What is read at one glance stays so: no function of the machinery is longer than 34 lines."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "learnomy_wp"
LONGEST = 34


@pytest.mark.parametrize("folder", ["kernel", "seed", "system", "accounts", "settings"])
def test_functions_are_short(folder: str) -> None:
    found = [
        f"{path.name}:{node.lineno} {node.name}"
        for path in sorted((PACKAGE / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= LONGEST
    ]
    assert found == []
