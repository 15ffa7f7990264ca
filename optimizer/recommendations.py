"""What to expect of a laptop, a server and a CI runner, from what was measured on one machine.

The machine that was measured is taken for the kind that it is nearest to, and its figures are measured ones. Those
of the other kinds are modelled, and each says by what model. What was not measured gives no figure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]
SettingsFor = Callable[[Document], Mapping[str, Any] | None]
MEASURED, MODELLED = "measured", "modelled"
MEMORY_SHARE = 0.7  # of the memory for a run; the rest is the budget of the caches
MARKET = 500  # symbols: the market whose time is told of
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of machine: what one of them is assumed to have."""

    name: str
    cores: int
    memory_bytes: int
    last_cache_bytes: int
    storage: str = "ssd"

    def hardware(self) -> dict[str, Any]:
        """Return it in the form of a hardware profile."""
        return {
            "cores": self.cores,
            "memory_bytes": self.memory_bytes,
            "memory_available_bytes": self.memory_bytes,
            "caches": {"L3": self.last_cache_bytes},
            "storage": {"kind": self.storage, "filesystem": None},
        }


KINDS = (
    Kind("laptop", 8, 16 * GIB, 16 << 20),
    Kind("server", 32, 128 * GIB, 64 << 20),
    Kind("CI runner", 2, 8 * GIB, 32 << 20),
)


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


def recommendations(documents: Document, settings_for: SettingsFor | None = None) -> list[dict[str, Any]]:
    """Return a row for each kind of machine: what is assumed of it, its settings, and the figures to expect.

    Args:
        documents: what there is of `run` (run.json), `scaling` (scaling.json), `hardware` (hardware.json) and
            `profile_after` (profile-after.json); a document that is missing gives no figures.
        settings_for: returns the settings for a hardware profile. Without it they are those that hardware.json has
            under `settings_of_kinds`.

    Returns:
        Rows of `kind`, `here` (whether it is the kind of the machine that was measured), `assumed`, `settings` and
        `figures`, each of these with `name`, `value`, `unit`, `basis` ("measured" or "modelled") and `how`.
    """
    machine = _part(_part(documents, "run"), "hardware") or _part(documents, "hardware")
    here = nearest(machine)
    written = _part(_part(documents, "hardware"), "settings_of_kinds")
    rows = []
    for kind in KINDS:
        if kind is here:
            profile: Document = machine
        else:
            profile = kind.hardware()
        chosen = settings_for(profile) if settings_for else _part(written, kind.name)
        figures = _figures(documents, machine, profile, dict(chosen or {}), measured=kind is here)
        rows.append(
            {
                "kind": kind.name,
                "here": kind is here,
                "assumed": {
                    "cores": profile.get("cores"),
                    "memory_bytes": profile.get("memory_bytes"),
                    "storage": _part(profile, "storage").get("kind"),
                },
                "settings": dict(chosen or {}),
                "figures": [figure.document() for figure in figures],
            }
        )
    return rows


def nearest(machine: Document) -> Kind | None:
    """Return the kind that a machine is nearest to, by the logarithms of its cores and its memory."""
    cores, memory = _positive(machine.get("cores")), _positive(machine.get("memory_bytes"))
    if cores is None or memory is None:
        return None
    return min(KINDS, key=lambda kind: abs(math.log2(cores / kind.cores)) + abs(math.log2(memory / kind.memory_bytes)))


def _figures(
    documents: Document, machine: Document, profile: Document, settings: Document, *, measured: bool
) -> Iterator[Figure]:
    yield from _runs(_part(documents, "run"), measured)
    yield from _sweeps(
        _part(_part(documents, "profile_after"), "parallel"), _positive(settings.get("workers")), measured
    )
    scaling = _part(documents, "scaling")
    same = not scaling or _part(scaling, "hardware").get("machine") in (None, machine.get("machine"))
    yield from _market(scaling, measured and same)
    yield from _largest(scaling, _positive(profile.get("memory_limit_bytes")) or _positive(profile.get("memory_bytes")))
    if measured:
        yield from _machine(_part(documents, "hardware") or machine)


def _runs(run: Document, measured: bool) -> Iterator[Figure]:
    """Tell the time of each workload that the whole build was judged on."""
    for total in _parts(run, "totals") or _parts({"totals": [run.get("total")]}, "totals"):
        what = " ".join(str(total[key]) for key in ("workload", "figure") if total.get(key)) or "the whole build"
        for build, key, side in (
            ("reference", "reference_seconds", "before"),
            ("final build", "final_seconds", "after"),
        ):
            if (seconds := _positive(total.get(key))) is not None:
                yield Figure(f"{what}, {build}", seconds, "s", *_one_core(measured, f"run.json, totals, {key}"))
            if (peak := _positive(_part(total, "peak").get(side))) is not None:
                how = f"run.json, totals, peak {side}"
                basis = (MEASURED, how) if measured else (MODELLED, f"as {how}: memory does not hang on the machine")
                yield Figure(f"{what}, {build}, peak memory", peak, "bytes", *basis)


def _one_core(measured: bool, where: str) -> tuple[str, str]:
    if measured:
        return MEASURED, where
    return MODELLED, f"as {where}: one run is on one core, taken to be as fast as the one that was measured"


def _sweeps(parallel: Document, workers: float | None, measured: bool) -> Iterator[Figure]:
    """Tell what workers gain, by Amdahl's law with the part that the measured efficiency stands for."""
    used, efficiency = _positive(parallel.get("workers")), _positive(parallel.get("efficiency"))
    if used is None or efficiency is None or used < 2 or workers is None:
        return
    if measured and workers == used:
        how = f"profile-after.json, parallel: efficiency {efficiency:.2f} of {used:g} workers"
        yield Figure(f"speed of a sweep with {workers:g} workers over one", efficiency * used, "x", MEASURED, how)
        return
    part = parallel_part(efficiency, used)
    how = (
        f"Amdahl's law, 1 / (1 - p + p / n) for n workers, with the p = {part:.3f} at which the {used:g} workers "
        f"of profile-after.json have their efficiency of {efficiency:.2f}"
    )
    yield Figure(f"speed of a sweep with {workers:g} workers over one", amdahl(part, workers), "x", MODELLED, how)


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
    room = MEMORY_SHARE * memory
    if room < last["peak_bytes"]:
        return
    value = math.floor(last["symbols"] * (room / last["peak_bytes"]) ** (1.0 / exponent))
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
        if _positive(point.get(quantity)) is not None and _positive(point.get("symbols")) is not None
    ]
    return sorted(found, key=lambda point: float(point["symbols"]))


def _exponent(scaling: Document, build: str, quantity: str) -> float | None:
    for fit in _parts(scaling, "fits"):
        if (fit.get("build"), fit.get("axis"), fit.get("quantity")) == (build, "symbols", quantity):
            return _positive(fit.get("exponent"))
    return None


def _machine(hardware: Document) -> Iterator[Figure]:
    """Tell how fast the memory and the storage are."""
    storage = _part(hardware, "storage")
    how = f"hardware.json, {storage.get('how')}"
    if (rate := _positive(hardware.get("bandwidth_bytes_per_second"))) is not None:
        yield Figure("memory bandwidth, one core", rate, "bytes/s", MEASURED, "hardware.json, median of copies")
    if (rate := _positive(storage.get("sequential_read_bytes_per_second"))) is not None:
        yield Figure("sequential reading", rate, "bytes/s", MEASURED, how)
    if (rate := _positive(storage.get("random_read_per_second"))) is not None:
        yield Figure("random reading of 4 KiB", rate, "reads/s", MEASURED, how)


def _part(document: Document, key: str) -> Document:
    value = document.get(key)
    return value if isinstance(value, Mapping) else {}


def _parts(document: Document, key: str) -> list[Document]:
    value = document.get(key)
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _positive(value: object) -> float | None:
    """Return a number above 0; anything else is not a figure."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value if value > 0 else None
