"""`make bench`: requests per second through every door, beside WordPress's own, in one run on one machine."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.bench import load, measures, report, usage
from tests.bench.callers import Callers
from tests.bench.ground import Ground
from tests.bench.load import Series
from tests.bench.measures import Measure, Scene
from tests.bench.probe import Seen, look
from tests.site import REPOSITORY

WARM_SECONDS = 1.0
# First completions that are prepared for a second of a run; a run that needs more is refused.
PREPARED_PER_SECOND = 1500


def main() -> int:
    """Measure, print, and say by the exit code whether every target was met."""
    options = _parser().parse_args()
    began = time.monotonic()
    ground = Ground.prepare(options.scale, options.dir or folder_of(options.scale))
    scene = Scene(ground, Callers(ground))
    print(f"WordPress {ground.site.exact_version}, {ground.courses} courses, {len(ground.students)} students, "
          f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start", flush=True)  # fmt: skip
    bench = Bench(scene, options)
    bench.run()
    print(report.table(bench.figures, bench.seen))
    judged = report.judge(bench.figures, bench.seen)
    print(f"\n{report.verdicts(judged)}\n\n{time.monotonic() - began:.0f} s in all")
    return 0 if all(verdict.is_met for verdict in judged) else 1


def folder_of(scale: int) -> Path:
    """A site holds one scale: the academy only grows."""
    return REPOSITORY / "var" / ("bench-site" if scale == 20 else f"bench-site-{scale}")


class Bench:
    """The runs of one invocation, and what they came to."""

    def __init__(self, scene: Scene, options: argparse.Namespace) -> None:
        self.scene, self.options = scene, options
        self.figures: dict[tuple[str, int], Series] = {}
        self.seen: dict[str, Seen] = {}
        self.work: Path = scene.ground.folder / "run"

    def run(self) -> None:
        """The measures without the cache of answers, then all others, so that the backend starts twice."""
        wanted = [m for m in measures.MEASURES if not self.options.only or self.options.only in m.label]
        for cached in (False, True):
            phase = [m for m in wanted if m.cached == cached]
            if phase:
                self.scene.ground.restart_backend(response_cache=cached)
                self._phase(phase)

    def _phase(self, phase: Sequence[Measure]) -> None:
        with self.scene.ground.without_worker():
            for measure in phase:
                self.seen[measure.label] = look(self.scene, measure)
        good = [m for m in phase if self._is_good(m)]
        for clients in self.options.clients:
            # Round after round, so that whatever else the machine does meets all measures alike.
            for number in range(self.options.runs):
                for measure in good:
                    self._measure(measure, clients, number)

    def _is_good(self, measure: Measure) -> bool:
        seen = self.seen[measure.label]
        if not seen.is_good:
            print(f"{measure.label}: left out, it answers {seen.status}", flush=True)
        return seen.is_good

    def _measure(self, measure: Measure, clients: int, number: int) -> None:
        if not number:
            self._one(measure, clients, WARM_SECONDS)
        run = self._one(measure, clients, self.options.seconds)
        self.figures.setdefault((measure.label, clients), Series()).runs.append(run)
        if self.options.verbose:
            cpu = {part: round(seconds * 1000 / run.requests, 2) for part, seconds in run.cpu.items() if seconds}
            print(f"  {measure.label}, {clients}: {run.per_second:.0f}/s, p50 {run.p50:.2f} ms, cpu {cpu}", flush=True)

    def _one(self, measure: Measure, clients: int, seconds: float) -> load.Run:
        lines = measure.lines(self.scene, int(PREPARED_PER_SECOND * seconds))
        before = self.scene.callers.completed() if measure.writes else 0
        used = usage.seconds(self.scene.ground.site)
        run = load.run(
            measure.base(self.scene.ground), lines, method=measure.method, again=not measure.writes,
            clients=clients, seconds=seconds, work=self.work,
        )  # fmt: skip
        after = usage.seconds(self.scene.ground.site)
        run = replace(run, cpu={part: after[part] - used[part] for part in used})
        if measure.writes:
            missing = run.requests - run.refused - (self.scene.callers.completed() - before)
            return replace(run, failed=run.failed + max(0, missing))
        return run


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument("--scale", type=int, default=20, help="of the model academy: 20 is 20,000 enrolments")
    parser.add_argument("--seconds", type=float, default=10, help="of one run")
    parser.add_argument("--runs", type=int, default=3, help="of which the median counts")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 16])
    parser.add_argument("--only", default="", help="measures whose label holds this text")
    parser.add_argument("--dir", type=Path, help="the site's folder (var/bench-site)")
    parser.add_argument("--verbose", action="store_true", help="print every run")
    return parser


if __name__ == "__main__":
    sys.exit(main())
