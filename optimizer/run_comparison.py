"""Two runs side by side: what differs between them, and whether the same changes came out otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optimizer.run_documents import FINAL, Measured, RunDocument

BEYOND, WITHIN, NOT_COMPARABLE = "beyond the intervals", "within the intervals", "not to be compared"
_HARDWARE = ("cpu", "cores", "memory_bytes", "simd", "system")
_VERSIONS = ("python", "numpy", "polars", "numba")


@dataclass(frozen=True)
class Difference:
    """Something that is not the same in both runs."""

    what: str
    first: str
    second: str


@dataclass(frozen=True)
class Pair:
    """The same change, or the final build, as both runs have measured it; None where one has not.

    `standing` is one of BEYOND, WITHIN and NOT_COMPARABLE, `why` its reason where the two may not be compared.
    """

    name: str
    benchmark: str
    first: Measured | None
    second: Measured | None
    standing: str
    why: str = ""


@dataclass(frozen=True)
class Comparison:
    """Two runs side by side."""

    first: RunDocument
    second: RunDocument
    differences: tuple[Difference, ...]
    pairs: tuple[Pair, ...]

    def value(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "first": self.first.run_id,
            "second": self.second.run_id,
            "differences": [vars(one) for one in self.differences],
            "changes": [_pair_value(one) for one in self.pairs if one.name != FINAL],
            "totals": [_pair_value(one) for one in self.pairs if one.name == FINAL],
        }


def compare_runs(first: RunDocument, second: RunDocument) -> Comparison:
    """Return two runs side by side."""
    pairs = [*_pairs(first, second, _by_name), *_pairs(first, second, _totals)]
    return Comparison(first, second, tuple(_differences(first, second)), tuple(pairs))


def _by_name(run: RunDocument) -> dict[tuple[str, str], Measured]:
    return {(one.name, ""): one for one in run.changes}


def _totals(run: RunDocument) -> dict[tuple[str, str], Measured]:
    return {(one.name, one.benchmark): one for one in run.totals}


def _pairs(first: RunDocument, second: RunDocument, of: Any) -> list[Pair]:
    one, other = of(first), of(second)
    return [_pair(first, second, one.get(key), other.get(key)) for key in dict.fromkeys((*one, *other))]


def _pair(first: RunDocument, second: RunDocument, one: Measured | None, other: Measured | None) -> Pair:
    either = one or other
    assert either is not None, "a name is in one of the two"  # noqa: S101
    if one is None or other is None:
        told = "only the first run has it" if other is None else "only the second run has it"
        return Pair(either.name, either.benchmark, one, other, NOT_COMPARABLE, told)
    if why := _why_not(first, second, one, other):
        return Pair(one.name, one.benchmark, one, other, NOT_COMPARABLE, why)
    beyond = one.moved_from(other)
    if beyond is None:
        return Pair(one.name, one.benchmark, one, other, NOT_COMPARABLE, "it was not measured in both")
    return Pair(one.name, one.benchmark, one, other, BEYOND if beyond else WITHIN)


def _why_not(first: RunDocument, second: RunDocument, one: Measured, other: Measured) -> str:
    """Return why two figures are not of the same thing, or nothing."""
    if not first.data_sha256 or first.data_sha256 != second.data_sha256:
        return "other data"
    if one.data != other.data:
        return f"the data in another form: {one.data} and {other.data}"
    if one.benchmark != other.benchmark:
        return f"judged on another workload: {one.benchmark}; {other.benchmark}"
    if one.control != other.control:
        return "measured on another control"
    return ""


def _differences(first: RunDocument, second: RunDocument) -> list[Difference]:
    rows: list[tuple[str, object, object]] = [("machine", first.machine, second.machine)]
    rows += [(name, first.hardware.get(name), second.hardware.get(name)) for name in (*_HARDWARE, *_VERSIONS)]
    rows += [
        ("golden set", first.golden_digest[:12], second.golden_digest[:12]),
        ("data", f"{first.data} ({first.data_sha256[:12]})", f"{second.data} ({second.data_sha256[:12]})"),
        ("build before", _build(first.build_before), _build(second.build_before)),
        ("build after", _build(first.build_after), _build(second.build_after)),
    ]
    rows += _sources(first, second)
    return [Difference(what, str(one), str(other)) for what, one, other in rows if one != other]


def _sources(first: RunDocument, second: RunDocument) -> list[tuple[str, object, object]]:
    digests: list[Mapping[str, str]] = [
        {one.name: one.source_digest for one in run.changes if one.source_digest} for run in (first, second)
    ]
    both = [name for name in digests[0] if name in digests[1]]
    return [(f"source of {name}", digests[0][name][:12], digests[1][name][:12]) for name in both]


def _build(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "the reference"


def _pair_value(pair: Pair) -> dict[str, Any]:
    sides = {"first": pair.first, "second": pair.second}
    figures = {
        side: one
        and {
            "seconds_before": one.before,
            "seconds_after": one.after,
            "ratio": one.ratio,
            "low": one.low,
            "high": one.high,
            "verdict": one.verdict or None,
        }
        for side, one in sides.items()
    }
    return {"name": pair.name, "benchmark": pair.benchmark, **figures, "standing": pair.standing, "why": pair.why}
