"""Figures to expect of a machine, from the documents of what was measured on one: measured, or modelled and by what.

A document that is missing gives no figures, and what is no number above 0 is none.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]
MEASURED, MODELLED = "measured", "modelled"
MEMORY_SHARE = 0.7  # of the memory for a run; the rest is the budget of the caches
MARKET = 500  # symbols: the market whose time is told of


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure to expect: its unit, whether it was measured or modelled, and how it came about."""

    name: str
    value: float
    unit: str
    basis: str
    how: str

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {name: getattr(self, name) for name in self.__slots__}


def figures_of(
    documents: Document, machine: Document, profile: Document, settings: Document, *, measured: bool
) -> Iterator[Figure]:
    """Yield the figures to expect of a machine.

    Args:
        documents: as `optimizer.recommendations.recommendations` takes them.
        machine: the hardware profile of the machine that was measured.
        profile: that of the machine that is told of, whose memory counts.
        settings: its settings, whose workers count.
        measured: whether the two are the same.
    """
    yield from _runs(part_of(documents, "run"), measured)
    yield from _sweeps(
        part_of(part_of(documents, "profile_after"), "parallel"), positive(settings.get("workers")), measured
    )
    scaling = part_of(documents, "scaling")
    same = not scaling or part_of(scaling, "hardware").get("machine") in (None, machine.get("machine"))
    yield from _market(scaling, measured and same)
    yield from _largest(scaling, positive(profile.get("memory_limit_bytes")) or positive(profile.get("memory_bytes")))
    if measured:
        yield from _machine(part_of(documents, "hardware") or machine)


def _runs(run: Document, measured: bool) -> Iterator[Figure]:
    """Tell the time of each workload that the whole build was judged on."""
    for total in _parts(run, "totals") or _parts({"totals": [run.get("total")]}, "totals"):
        what = " ".join(str(total[key]) for key in ("workload", "figure") if total.get(key)) or "the whole build"
        for build, key, side in (
            ("reference", "reference_seconds", "before"),
            ("final build", "final_seconds", "after"),
        ):
            if (seconds := positive(total.get(key))) is not None:
                yield Figure(f"{what}, {build}", seconds, "s", *_one_core(measured, f"run.json, totals, {key}"))
            if (peak := positive(part_of(total, "peak").get(side))) is not None:
                how = f"run.json, totals, peak {side}"
                basis = (MEASURED, how) if measured else (MODELLED, f"as {how}: memory does not hang on the machine")
                yield Figure(f"{what}, {build}, peak memory", peak, "bytes", *basis)


def _one_core(measured: bool, where: str) -> tuple[str, str]:
    if measured:
        return MEASURED, where
    return MODELLED, f"as {where}: one run is on one core, taken to be as fast as the one that was measured"


def _sweeps(parallel: Document, workers: float | None, measured: bool) -> Iterator[Figure]:
    """Tell how many cores a sweep keeps busy: as measured, or by Amdahl's law from the measured efficiency."""
    used, efficiency = positive(parallel.get("workers")), positive(parallel.get("efficiency"))
    if used is None or efficiency is None or used < 2:
        return
    where = f"profile-after.json, parallel: {used:g} processes with an efficiency of {efficiency:.2f}"
    if measured:
        yield Figure(
            f"cores that a sweep in {used:g} processes keeps busy", efficiency * used, "cores", MEASURED, where
        )
    elif workers is not None:
        part = parallel_part(efficiency, used)
        how = f"Amdahl's law, 1 / (1 - p + p / n) for n workers, with the p = {part:.3f} of {where}"
        name = f"cores that a sweep in {workers:g} processes keeps busy"
        yield Figure(name, amdahl(part, workers), "cores", MODELLED, how)


def parallel_part(efficiency: float, workers: float) -> float:
    """Return the part p of a work that runs in parallel, 0 to 1, from the efficiency of two workers or more.

    From Amdahl's law (AFIPS 1967), S = 1 / (1 - p + p / n), with S = efficiency * n.
    """
    speed = max(efficiency * workers, 1.0)
    return min((1.0 - 1.0 / speed) / (1.0 - 1.0 / workers), 1.0)


def amdahl(part: float, workers: float) -> float:
    """Return the speed of n workers over one, where a part p of the work runs in parallel."""
    return 1.0 / (1.0 - part + part / workers)


def _market(scaling: Document, measured: bool) -> Iterator[Figure]:
    """Tell the time of a run over a market of 500 symbols: a point, or else by the power law fitted to the points."""
    for build in ("reference", "final"):
        points = _points(scaling, build, "seconds_median")
        what = f"a run over {MARKET} symbols, {build if build == 'reference' else 'final build'}"
        for point in points:
            if point["symbols"] == MARKET:
                where = f"scaling.json, {point['timestamps']} timestamps"
                yield Figure(what, point["seconds_median"], "s", *_one_core(measured, where))
                break
        else:
            exponent = _exponent(scaling, build, "seconds")
            if points and exponent is not None:
                last = points[-1]
                value = last["seconds_median"] * (MARKET / last["symbols"]) ** exponent
                yield Figure(what, value, "s", MODELLED, _power_law("seconds", exponent, last))


def _largest(scaling: Document, memory: float | None) -> Iterator[Figure]:
    """Tell the largest market that the memory holds, by the power law of the peak."""
    points, exponent = _points(scaling, "final", "peak_bytes"), _exponent(scaling, "final", "bytes")
    if not points or memory is None or exponent is None or exponent <= 0.0:
        return
    last = points[-1]
    baseline = positive(scaling.get("baseline_bytes")) or 0.0  # of a process that does nothing: the law is of the rest
    used, room = last["peak_bytes"] - baseline, MEMORY_SHARE * memory - baseline
    if not 0 < used <= room:
        return
    value = math.floor(last["symbols"] * (room / used) ** (1.0 / exponent))
    how = f"{MEMORY_SHARE:.0%} of the memory, by {_power_law('bytes', exponent, last)}"
    yield Figure(f"most symbols of {last['timestamps']} timestamps, final build", value, "symbols", MODELLED, how)


def _power_law(quantity: str, exponent: float, point: Document) -> str:
    return (
        f"the power law of scaling.json, {quantity} ~ symbols^{exponent:.2f}, "
        f"through its point of {point['symbols']} symbols"
    )


def _points(scaling: Document, build: str, quantity: str) -> list[Document]:
    """Return the points of a build over the symbols that have a quantity, the smallest first."""
    found = [
        point
        for point in _parts(scaling, "points")
        if point.get("build") == build and point.get("axis") == "symbols" and not point.get("error")
        if positive(point.get(quantity)) is not None and positive(point.get("symbols")) is not None
    ]
    return sorted(found, key=lambda point: float(point["symbols"]))


def _exponent(scaling: Document, build: str, quantity: str) -> float | None:
    for fit in _parts(scaling, "fits"):
        if (fit.get("build"), fit.get("axis"), fit.get("quantity")) == (build, "symbols", quantity):
            return positive(fit.get("exponent"))
    return None


def _machine(hardware: Document) -> Iterator[Figure]:
    """Tell how fast the memory and the storage are."""
    storage = part_of(hardware, "storage")
    how = f"hardware.json, {storage.get('how')}"
    if (rate := positive(hardware.get("bandwidth_bytes_per_second"))) is not None:
        yield Figure("memory bandwidth, one core", rate, "bytes/s", MEASURED, "hardware.json, median of copies")
    if (rate := positive(storage.get("sequential_read_bytes_per_second"))) is not None:
        yield Figure("sequential reading", rate, "bytes/s", MEASURED, how)
    if (rate := positive(storage.get("random_read_per_second"))) is not None:
        yield Figure("random reading of 4 KiB", rate, "reads/s", MEASURED, how)


def part_of(document: Document, key: str) -> Document:
    """Return a part of a document; one without entries where there is none."""
    value = document.get(key)
    return value if isinstance(value, Mapping) else {}


def _parts(document: Document, key: str) -> list[Document]:
    value = document.get(key)
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def positive(value: object) -> float | None:
    """Return a number above 0; None for anything else, which is no figure."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value if value > 0 else None
