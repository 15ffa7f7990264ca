"""What `optimize scale` prints: a table along each axis, and how both quantities grow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from optimizer.limits import Limits
from optimizer.reporters.templates import mebibytes, seconds

_QUANTITIES = {"seconds": "time", "bytes": "memory above an empty process"}


def scale_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """Return the lines for a document of `optimize scale`."""
    limits = Limits(**document["limits"])
    if limits:
        yield f"Each process under {limits}"
    yield f"An empty process, with the engine imported: {mebibytes(document['baseline_bytes'])}"
    for axis in dict.fromkeys(one["axis"] for one in document["points"]):
        yield ""
        yield f"{'build':<10} {'symbols':>8} {'timestamps':>10} {'a warm run':>12} {'processes':>9} {'peak memory':>12}"
        for point in document["points"]:
            if point["axis"] == axis:
                yield _row(point)
        for fit in document["fits"]:
            if fit["axis"] == axis:
                yield _law(fit)
    if document["left_out"]:
        yield ""
    for one in document["left_out"]:
        yield f"left out: {one['build']}, {one['symbols']} symbols, {one['timestamps']} timestamps: {one['why']}"


def _row(point: Mapping[str, Any]) -> str:
    place = f"{point['build']:<10} {point['symbols']:>8} {point['timestamps']:>10}"
    if point["error"] is not None:
        return f"{place}  {point['error']}"
    count = len(point["seconds_all"])
    return f"{place} {seconds(point['seconds_median']):>12} {count:>9} {mebibytes(point['peak_bytes']):>12}"


def _law(fit: Mapping[str, Any]) -> str:
    return (
        f"{fit['build']}: {_QUANTITIES[fit['quantity']]} ~ {fit['axis']}^{fit['exponent']:.2f} "
        f"(95 %: {fit['low']:.2f} to {fit['high']:.2f}; R² {fit['r2']:.3f}; {fit['points']} points)"
    )
