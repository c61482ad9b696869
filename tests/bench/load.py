"""Runs of wrk, and what several runs of the same requests come to."""

from __future__ import annotations

import json
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Line:
    """One request: path with query, Authorization, other headers."""

    path: str
    authorization: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    def text(self) -> str:
        """As requests.lua reads it."""
        return f"{self.path}\t{self.authorization}\t{'|'.join(f'{name}: {value}' for name, value in self.headers)}"


@dataclass(frozen=True)
class Run:
    """What wrk counted; times in milliseconds."""

    requests: int
    per_second: float
    p50: float
    p99: float
    failed: int
    refused: int
    cpu: dict[str, float] = field(default_factory=dict)


@dataclass
class Series:
    """Runs of one thing at one number of clients; the median is what counts."""

    runs: list[Run] = field(default_factory=list)

    def _median(self, name: str) -> float:
        return statistics.median(getattr(run, name) for run in self.runs)

    @property
    def per_second(self) -> float:
        return self._median("per_second")

    @property
    def p50(self) -> float:
        return self._median("p50")

    @property
    def p99(self) -> float:
        return self._median("p99")

    @property
    def cpu(self) -> dict[str, float]:
        """Milliseconds of processor time a request, by part of the site."""
        total = sum(run.requests for run in self.runs) or 1
        parts = self.runs[0].cpu
        return {part: sum(run.cpu[part] for run in self.runs) * 1000 / total for part in parts}

    @property
    def spread(self) -> float:
        """How far apart the runs lie, in percent of their median."""
        values = [run.per_second for run in self.runs]
        return (max(values) - min(values)) / statistics.median(values) * 100

    @property
    def failures(self) -> int:
        """Requests without a good answer, over all runs."""
        return sum(run.failed + run.refused for run in self.runs)


def run(base: str, lines: Sequence[Line], *, method: str, again: bool, clients: int, seconds: float, work: Path) -> Run:
    """One run of wrk over the requests, for so many seconds."""
    requests = work / "requests.txt"
    requests.write_text("".join(f"{line.text()}\n" for line in lines))
    command = [
        "wrk", "-t", "1", "-c", str(clients), "-d", f"{seconds:g}s", "--timeout", "10s",
        "-s", str(HERE / "requests.lua"), base, "--", str(requests), method, "again" if again else "once",
    ]  # fmt: skip
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60)
    _, found, result = ran.stdout.rpartition("RESULT ")
    if not found:
        raise RuntimeError(f"wrk printed no result:\n{ran.stdout}{ran.stderr}")
    counted = json.loads(result)
    return Run(
        requests=counted["requests"],
        per_second=counted["requests"] / (counted["microseconds"] / 1e6),
        p50=counted["p50"] / 1000,
        p99=counted["p99"] / 1000,
        failed=counted["failed"],
        refused=counted["refused"],
    )
