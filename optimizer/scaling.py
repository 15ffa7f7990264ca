"""How time and memory of the reference and of a build grow with the number of symbols and of timestamps.

Every point is measured in fresh processes, on data that the engine generates for it. A first pass goes from small to
large and leaves out what the time would not be enough for; further passes repeat the points in random order.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from optimizer.errors import CheckError, InputError
from optimizer.files import write_with
from optimizer.power_law import PowerLaw, fit_power_law
from optimizer.processes import Observation, Processes
from optimizer.scaling_points import AXES, Plan, Point, Size, place_of, point_of
from optimizer.subject import Build, ScaledData

_SURPLUS = 1.5  # a point may take so much more than its size says, by those before it
_WARM_SECONDS = 0.3
_MOST_WARM_RUNS = 3


class Scaling:
    """Measures the points of a plan for some builds, by name; the first is the one whose bits the others must give."""

    def __init__(
        self, processes: Processes, plan: Plan, builds: Mapping[str, Build], folder: Path, tick: Callable[[str], None]
    ) -> None:
        self._processes = processes
        self._plan = plan
        self._builds = builds
        self._folder = folder
        self._tick = tick
        scaled_data_of(processes)
        self._end = time.monotonic() + plan.budget_seconds
        self.points = [Point(name, size) for size in plan.sizes() for name in builds]
        self.baseline_bytes = self._baseline()

    def measure(self) -> None:
        """Measure all points once, the small ones first, and again while there is time.

        Before the first, each build runs once on the smallest market, uncounted: it may have code to compile.

        Raises:
            InputError: where a process can't even be started under the limits.
            CheckError: where a build does not give the bits of the reference.
        """
        for point in self.points[: len(self._builds)]:
            self._tick(f"{point.build}: loading its code")
            self._observed(point)
        for point in self.points:
            if why := self._why_not(point):
                point.left_out = why
            else:
                self._once(point)
        order = random.Random(0)  # noqa: S311 - shuffling runs, not keeping secrets
        for _ in range(1, self._plan.passes):
            again = [point for point in self.points if point.told]
            order.shuffle(again)
            for point in again:
                if time.monotonic() + point.process_seconds < self._end:
                    self._once(point)
        self._check_bits()

    def fits(self) -> list[tuple[str, str, str, PowerLaw]]:
        """Return the power laws that there are: the build, the axis, the quantity (seconds or bytes), and the law."""
        found = []
        for build in self._builds:
            for axis in AXES:
                points = [one for one in self.points if (one.build, one.size.axis) == (build, axis) and one.told]
                above = [(one.size.value, median(one.peak_bytes) - self.baseline_bytes) for one in points]
                of = {
                    "seconds": [(one.size.value, median(one.seconds)) for one in points],
                    "bytes": [pair for pair in above if pair[1] > 0],
                }
                for quantity, pairs in of.items():
                    law = fit_power_law([size for size, _ in pairs], [value for _, value in pairs])
                    if law is not None:
                        found.append((build, axis, quantity, law))
        return found

    def _baseline(self) -> int:
        """Return the peak memory of a process that has imported the engine and does nothing, in bytes; time it."""
        start = time.monotonic()
        seen = self._processes.run("idle", (), {})
        self._idle_seconds = time.monotonic() - start
        if not seen.ok:
            hint = "Give it more memory" if seen.out_of_memory else "See optimize check"
            raise InputError(f"no process can be started: {seen.error}", where=str(self._processes.limits), hint=hint)
        return seen.peak_bytes

    def _why_not(self, point: Point) -> str:
        """Return why a point is left out, or nothing."""
        smaller = [one for one in self.points if (one.build, one.size.axis) == (point.build, point.size.axis)]
        smaller = smaller[: smaller.index(point)]
        if failed := next((one for one in smaller if one.error or one.left_out), None):
            return f"the smaller one failed ({failed.size})" if failed.error else str(failed.left_out)
        left = self._end - time.monotonic()
        if left <= 0:
            return "the time was up"
        if smaller:
            last = smaller[-1]
            grows = max(last.work_seconds, last.process_seconds - self._idle_seconds)
            wanted = self._idle_seconds + _SURPLUS * grows * point.size.bars / last.size.bars
            if wanted > left:
                return f"it would have taken about {wanted:.0f} s, and {left:.0f} s were left"
        return ""

    def _once(self, point: Point) -> None:
        """Measure a point in one more process."""
        self._tick(f"{point.build}: {point.size}")
        start = time.monotonic()
        seen = self._observed(point)
        point.process_seconds = time.monotonic() - start
        self._note(point, seen)

    def _observed(self, point: Point) -> Observation:
        job = {
            "data": str(self._data(point.size)),
            "on_bad_bars": "refuse",
            "scenarios": [self._plan.scenario],
            "warm_seconds": _WARM_SECONDS,
            "most_runs": _MOST_WARM_RUNS,
            "loads": 1,
        }
        return self._processes.run("measure", self._builds[point.build], job)

    def _note(self, point: Point, seen: Observation) -> None:
        if seen.result is None:
            point.error = seen.error
            return
        runs = seen.result["runs"][self._plan.scenario]
        point.work_seconds = (seen.result["load_ns"] + sum(run["wall_ns"] + run["tables_ns"] for run in runs)) / 1e9
        point.rows = point.size.bars
        point.seconds.append(median(run["wall_ns"] for run in runs[1:]) / 1e9)
        point.peak_bytes.append(seen.peak_bytes)
        point.digests += [run["digests"] for run in runs]

    def _data(self, size: Size) -> Path:
        """Return the market of a size, generated once."""
        path = self._folder / f"{size.symbols}x{size.timestamps}.parquet"
        if not path.exists():
            table = scaled_data_of(self._processes)(symbols=size.symbols, timestamps=size.timestamps)
            write_with(path, table.write_parquet)
        return path

    def _check_bits(self) -> None:
        """Hold every run of a market to the first that there is of it: all builds must give the same bits."""
        expected: dict[Size, Mapping[str, str]] = {}
        for point in self.points:
            for digests in point.digests:
                if digests != expected.setdefault(point.size, digests):
                    raise CheckError(f"{point.build} gives other bits with {point.size}: see optimize check")

    def document(self, command: str, hardware: Mapping[str, object]) -> dict[str, Any]:
        """Return all that was found, as scaling.json has it; seconds, and bytes of the largest resident memory."""
        laws = self.fits()
        return {
            "schema": 1,
            "command": command,
            "hardware": dict(hardware),
            "scenario": self._plan.scenario,
            "limits": self._processes.limits.as_document(),
            "builds": {name: list(build) for name, build in self._builds.items()},
            "baseline_bytes": self.baseline_bytes,
            "points": [point_of(one) for one in self.points if one.left_out is None],
            "left_out": [place_of(one) | {"why": one.left_out} for one in self.points if one.left_out is not None],
            "fits": [
                {"build": build, "axis": axis, "quantity": quantity}
                | {"exponent": law.exponent, "low": law.low, "high": law.high, "r2": law.r2, "points": law.points}
                for build, axis, quantity, law in laws
            ],
        }


def scaled_data_of(processes: Processes) -> Callable[..., Any]:
    """Return what generates markets of any size.

    Raises:
        InputError: where the engine can't.
    """
    if not isinstance(subject := processes.subject, ScaledData):
        hint = "Give the subject a method scaled_data(*, symbols, timestamps) that returns a table of bars"
        raise InputError("the engine generates no markets of a given size", where=processes.subject.name, hint=hint)
    return subject.scaled_data
