"""The history of benchmarks: what runs have measured of the same thing, in order of time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from optimizer.run_documents import FINAL, Measured, RunDocument

UP, DOWN, SAME = "up", "down", ""


@dataclass(frozen=True)
class Point:
    """One measurement of a benchmark.

    `moved` says whether its ratio moved up or down beyond both intervals since the last one that it can be compared
    with: same hardware, data and control.
    """

    run: RunDocument
    measured: Measured
    moved: str

    def row(self) -> dict[str, Any]:
        """Return it as JSON has it: seconds, ratio before / after."""
        one = self.measured
        return {
            "run_id": self.run.run_id,
            "started_at": self.run.started_at,
            "machine": self.run.machine,
            "name": one.name,
            "scenario": one.scenario,
            "figure": one.figure,
            "data": one.data,
            "data_sha256": self.run.data_sha256,
            "control": list(one.control),
            "build_after": list(self.run.build_after) if one.name == FINAL else [*one.control, one.name],
            "ecn": one.ecn or None,
            "verdict": one.verdict or None,
            "seconds_before": one.before,
            "seconds_after": one.after,
            "ratio": one.ratio,
            "low": one.low,
            "high": one.high,
            "moved": self.moved or None,
        }


@dataclass(frozen=True)
class Series:
    """A benchmark over time: a change, or the final build, judged on one figure of one scenario."""

    name: str
    benchmark: str
    points: tuple[Point, ...]


def history_of(runs: Iterable[RunDocument], *, wanted: str | None = None, machine: str | None = None) -> list[Series]:
    """Return the benchmarks of runs, each with its points in order of time.

    `wanted` is an optimization, a scenario, or `scenario, figure`; `machine` the beginning of a fingerprint.
    """
    groups: dict[tuple[str, str], list[tuple[RunDocument, Measured]]] = {}
    for run in sorted(runs, key=lambda run: (run.started_at, run.run_id)):
        if machine is not None and not run.machine.startswith(machine):
            continue
        for one in (*run.changes, *run.totals):
            if wanted in (None, one.name, one.scenario, one.benchmark) and one.ratio is not None:
                groups.setdefault((one.name, one.benchmark), []).append((run, one))
    found = [Series(name, benchmark, _points(group)) for (name, benchmark), group in groups.items()]
    return sorted(found, key=lambda series: (series.name == FINAL, series.name, series.benchmark))


def names_in(runs: Iterable[RunDocument]) -> list[str]:
    """Return all that history can be asked about in these runs."""
    found: dict[str, None] = {}
    for run in runs:
        for one in (*run.changes, *run.totals):
            found |= dict.fromkeys((one.name, one.scenario))
    return [name for name in found if name]


def _points(group: Sequence[tuple[RunDocument, Measured]]) -> tuple[Point, ...]:
    last: dict[tuple[object, ...], Measured] = {}
    found = []
    for run, one in group:
        key = (run.machine, one.data, run.data_sha256, one.control)
        before = last.get(key)
        found.append(Point(run, one, _moved(one, before)))
        if one.low is not None:
            last[key] = one
    return tuple(found)


def _moved(one: Measured, before: Measured | None) -> str:
    """Return which way a ratio went beyond both intervals."""
    if before is None or not one.moved_from(before) or one.ratio is None or before.ratio is None:
        return SAME
    return UP if one.ratio > before.ratio else DOWN
