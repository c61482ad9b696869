"""The table of figures, and the ratios that have to be met."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.bench import measures
from tests.bench.load import Series
from tests.bench.measures import Measure, find
from tests.bench.probe import Seen

Figures = Mapping[tuple[str, int], Series]


@dataclass(frozen=True)
class Target:
    """One demand: so many times another measure's requests/s, or so many milliseconds more at most."""

    about: str
    ours: Measure
    theirs: Measure
    times: float = 0
    milliseconds: float = 0
    clients: int = 8
    same_rows: bool = True


_list, _mine, _complete = measures.LIST, measures.MINE, measures.COMPLETE
TARGETS = (
    Target("list, direct door, cache off", find(_list, "direct", cached=False), measures.POSTS, times=12),
    Target("list, direct door, cache on", find(_list, "direct"), measures.POSTS, times=40),
    Target("list, early door", find(_list, "early"), measures.POSTS, times=4),
    # A list of several courses against one user: more rows than theirs, never fewer.
    Target("my courses, direct door", find(_mine, "direct"), measures.USERS_ME, times=6, same_rows=False),
    Target("completing a lesson, direct door", find(_complete, "direct"), measures.USERS_ME, times=5),
    Target(
        "list, full door, over a bare WordPress REST request",
        find(_list, "full"), measures.NOTHING, milliseconds=15, clients=1, same_rows=False,
    ),
)  # fmt: skip

COLUMNS = ("clients", "requests/s", "p50 ms", "p99 ms", "spread %", "cpu ms", "rows", "bytes", "queries", "statements")


def table(figures: Figures, seen: Mapping[str, Seen]) -> str:
    """Every series in a line, with rows, bytes and queries beside it."""
    lines = [_line("", COLUMNS)]
    for (label, clients), series in figures.items():
        one = seen[label]
        queries = "-" if one.queries is None else str(one.queries)
        lines.append(
            _line(
                label,
                (
                    str(clients),
                    f"{series.per_second:.0f}",
                    f"{series.p50:.2f}",
                    f"{series.p99:.2f}",
                    f"{series.spread:.0f}",
                    f"{sum(series.cpu.values()):.2f}",
                    str(one.rows),
                    str(one.size),
                    queries,
                    str(one.statements),
                ),
            )
        )
        if series.failures:
            lines.append(f"    {series.failures} requests failed")
    return "\n".join(lines)


def _line(label: str, cells: tuple[str, ...]) -> str:
    return f"{label:<46}" + "".join(f"{cell:>11}" for cell in cells)


@dataclass(frozen=True)
class Verdict:
    """What became of a target."""

    target: Target
    text: str
    is_met: bool


def judge(figures: Figures, seen: Mapping[str, Seen]) -> list[Verdict]:
    """Every target that was measured."""
    return [
        _judge(target, figures, seen)
        for target in TARGETS
        if all((measure.label, target.clients) in figures for measure in (target.ours, target.theirs))
    ]


def _judge(target: Target, figures: Figures, seen: Mapping[str, Seen]) -> Verdict:
    ours, theirs = (figures[measure.label, target.clients] for measure in (target.ours, target.theirs))
    mine, other = seen[target.ours.label], seen[target.theirs.label]
    if target.same_rows and mine.rows != other.rows:
        return Verdict(target, f"refused: {mine.rows} rows against {other.rows}", is_met=False)
    if ours.failures or theirs.failures:
        return Verdict(target, f"refused: {ours.failures + theirs.failures} requests failed", is_met=False)
    if target.milliseconds:
        added = ours.p50 - theirs.p50
        return Verdict(target, f"adds {added:.1f} ms (at most {target.milliseconds:g})", added < target.milliseconds)
    ratio = ours.per_second / theirs.per_second
    return Verdict(target, f"{ratio:.1f} times (at least {target.times:g})", ratio >= target.times)


def verdicts(judged: list[Verdict]) -> str:
    """The targets, one in a line."""
    lines = [
        f"{'pass' if verdict.is_met else 'MISS':<6}{verdict.target.about} at {verdict.target.clients} "
        f"client{'s' if verdict.target.clients > 1 else ''}: {verdict.text}"
        for verdict in judged
    ]
    return "\n".join(lines)
