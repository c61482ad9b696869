"""One request looked at closely: its rows, its bytes and what it asked of the database."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import requests

from tests.bench.load import Line
from tests.bench.measures import Measure, Scene

TRIES = 4


@dataclass(frozen=True)
class Seen:
    """What an answer held. `queries` are the backend's own, `statements` all that MariaDB was sent."""

    status: int
    rows: int
    size: int
    queries: int | None
    statements: int

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300


def look(scene: Scene, measure: Measure) -> Seen:
    """Ask a few times: the first request may fill caches, and the fewest statements are its own."""
    lines = measure.lines(scene, TRIES)
    with requests.Session() as session:
        session.trust_env = False
        seen = [_once(scene, measure, lines[number % len(lines)], session) for number in range(TRIES)]
    statements = min(one.statements for one in seen)
    last = seen[-1]
    return Seen(last.status, last.rows, last.size, last.queries, statements)


def _once(scene: Scene, measure: Measure, line: Line, session: requests.Session) -> Seen:
    headers = dict(line.headers)
    if line.authorization:
        headers["Authorization"] = line.authorization
    before = scene.ground.statements()
    answer = session.request(measure.method, measure.base(scene.ground) + line.path, headers=headers, timeout=30)
    # Counting is itself a statement of a new connection, which sends three.
    statements = scene.ground.statements() - before - _own_statements(scene)
    timing = re.search(r'db;desc="(\d+)"', answer.headers.get("Server-Timing", ""))
    return Seen(
        answer.status_code,
        _rows(answer.json()) if answer.ok else 0,
        len(answer.content),
        int(timing[1]) if timing else None,
        statements,
    )


def _own_statements(scene: Scene) -> int:
    first = scene.ground.statements()
    return scene.ground.statements() - first


def _rows(body: Any) -> int:
    data = body.get("data", body) if isinstance(body, dict) else body
    return len(data) if isinstance(data, list) else 1
