"""What is read of a run's document, run.json of schema 1 or 2: nothing in it is trusted to be there."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from optimizer.errors import InputError
from optimizer.printable import printable

SCHEMAS = (1, 2)
_HINT = "It has to be a run.json as optimize writes it"
_HARDWARE = ("cpu", "cores", "memory_bytes", "simd", "system")
FINAL = "reference against final build"


@dataclass(frozen=True)
class Measured:
    """What a run measured of one change, or of all of them together. Seconds; ratio before / after; None: not measured.

    `low` to `high` is the interval that the verdict rests on, where the run tells of one, and else the 95 % interval.
    """

    name: str
    scenario: str
    figure: str
    data: str
    control: tuple[str, ...]
    verdict: str
    ecn: str
    source_digest: str | None
    before: float | None
    after: float | None
    ratio: float | None
    low: float | None
    high: float | None

    @property
    def benchmark(self) -> str:
        """What was judged, in words."""
        return f"{self.scenario}, {self.figure}"

    def moved_from(self, other: Measured) -> bool | None:
        """Whether the two intervals have no value in common; None where one was not measured."""
        if self.low is None or self.high is None or other.low is None or other.high is None:
            return None
        return self.low > other.high or self.high < other.low


@dataclass(frozen=True)
class RunDocument:
    """A run as its document tells of it."""

    run_id: str
    started_at: str
    focus: str
    machine: str
    hardware: Mapping[str, Any]
    golden_digest: str
    data: str
    data_sha256: str
    build_before: tuple[str, ...]
    build_after: tuple[str, ...]
    changes: tuple[Measured, ...]
    totals: tuple[Measured, ...]
    raw: Mapping[str, Any]


def run_document(value: object, where: object) -> RunDocument:
    """Return the document of a run.

    Raises:
        InputError: where it has no run's identity, time, and lists.
    """
    if not isinstance(value, dict) or value.get("schema") not in SCHEMAS:
        raise InputError("is not a run of a schema that this version knows", where=where, hint=_HINT)
    hardware, data, golden = (mapping(value.get(name)) for name in ("hardware", "data", "golden"))
    run_id, started = _text(value.get("run_id")), _text(value.get("started_at"))
    if not run_id or not started:
        raise InputError("has no run_id, or no started_at", where=where, hint=_HINT)
    totals = listed(value.get("totals")) or [mapping(value.get("total"))]
    return RunDocument(
        run_id=run_id,
        started_at=started,
        focus=_text(value.get("focus")),
        machine=machine_of(hardware),
        hardware=hardware,
        golden_digest=_text(golden.get("digest")),
        data=_text(data.get("path")),
        data_sha256=_text(data.get("sha256")),
        build_before=texts(value.get("build_before")),
        build_after=texts(value.get("build_after")),
        changes=tuple(_change(one) for one in map(mapping, listed(value.get("changes"))) if one.get("name")),
        totals=tuple(_total(one) for one in map(mapping, totals) if one.get("workload")),
        raw=value,
    )


def machine_of(hardware: Mapping[str, Any]) -> str:
    """Return the fingerprint of the hardware alone; of a run that has none, one of what it tells of the hardware."""
    if named := _text(hardware.get("machine")):
        return named
    told = repr([(name, hardware.get(name)) for name in _HARDWARE])
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def interval(entry: Mapping[str, Any], name: str) -> tuple[float, float] | tuple[None, None]:
    """Return an interval of a measured figure, or two times None."""
    ends = [number(end) for end in listed(entry.get(name))]
    if len(ends) != 2 or ends[0] is None or ends[1] is None:
        return None, None
    return ends[0], ends[1]


def number(value: object) -> float | None:
    """Return a figure, or None where it is not one."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if plain and math.isfinite(value) else None  # type: ignore[arg-type]  # plain says that it is


def mapping(value: object) -> Mapping[str, Any]:
    """Return a JSON object, or an empty one where it is none."""
    return value if isinstance(value, dict) else {}


def listed(value: object) -> Sequence[Any]:
    """Return a JSON list, or an empty one where it is none."""
    return value if isinstance(value, list) else []


def texts(value: object) -> tuple[str, ...]:
    """Return the texts of a list."""
    return tuple(printable(one) for one in listed(value) if isinstance(one, str))


def _change(one: Mapping[str, Any]) -> Measured:
    workload, seconds = mapping(one.get("workload")), mapping(one.get("seconds"))
    low, high = interval(seconds, "bounds" if seconds.get("bounds") else "ci95")
    return Measured(
        name=_text(one.get("name")),
        scenario=_text(workload.get("scenario")),
        figure=_text(workload.get("figure")),
        data=PurePath(_text(workload.get("data"))).name,
        control=texts(one.get("control")),
        verdict=_text(one.get("verdict")),
        ecn=_text(one.get("ecn")),
        source_digest=_text(one.get("source_digest")) or None,
        before=number(seconds.get("before")),
        after=number(seconds.get("after")),
        ratio=number(seconds.get("ratio")),
        low=low,
        high=high,
    )


def _total(one: Mapping[str, Any]) -> Measured:
    low, high = interval(one, "bounds" if one.get("bounds") else "ci95")
    return Measured(
        name=FINAL,
        scenario=_text(one.get("workload")),
        figure=_text(one.get("figure")) or "run",
        data=_text(one.get("data")),
        control=(),
        verdict="",
        ecn="",
        source_digest=None,
        before=number(one.get("reference_seconds")),
        after=number(one.get("final_seconds")),
        ratio=number(one.get("ratio")),
        low=low,
        high=high,
    )


def _text(value: object) -> str:
    return printable(value) if isinstance(value, str) else ""
