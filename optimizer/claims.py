"""What a notice claims beside its verdict, made alike when it is written and when it is verified."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from optimizer.run_documents import interval, mapping, number
from optimizer.subject import Build, Candidate

_DIGITS = 4  # of a ratio, after the point
_SIGNIFICANT = 6  # digits of seconds: a microsecond of a second


def engine_digest(root: Path) -> str:
    """Return one SHA-256 of all Python sources under a folder, by their paths; what stands in other files is not code.

    Raises:
        OSError: where one can't be read.
    """
    found = hashlib.sha256()
    for path in sorted(root.rglob("*.py"), key=lambda path: path.relative_to(root).as_posix()):
        name = path.relative_to(root).as_posix()
        found.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()


def sources_of(candidates: Iterable[Candidate], build: Build) -> dict[str, str]:
    """Return the SHA-256 of the source of each optimization of a build that there is."""
    known = {one.name: one.source_digest for one in candidates}
    return {name: known[name] for name in build if name in known}


def outputs_digest(golden_digest: str, by_scenario: Mapping[str, Mapping[str, str]]) -> str:
    """Return one SHA-256 of what was given: the golden set's outputs, and those of each scenario on the judged data."""
    said = {"golden": golden_digest, "scenarios": {name: dict(one) for name, one in by_scenario.items()}}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def figures_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures that a notice has of a change's entry in run.json (`seconds`, `peak_bytes`), rounded alike.

    Ratios have 4 digits after the point, seconds 6 significant ones, bytes none after the point.
    """
    seconds, peak = mapping(entry.get("seconds")), mapping(entry.get("peak_bytes"))
    ratio, pairs = number(seconds.get("ratio")), number(seconds.get("pairs"))
    return {
        "ratio": None if ratio is None else round(ratio, _DIGITS),
        "ci95": _rounded(seconds, "ci95"),
        "bounds": _rounded(seconds, "bounds"),
        "pairs": int(pairs) if pairs else None,
        "seconds": _pair(seconds, lambda value: float(f"{value:.{_SIGNIFICANT}g}")),
        "peak_bytes": _pair(peak, lambda value: float(round(value))),
    }


def _rounded(entry: Mapping[str, Any], name: str) -> tuple[float, float] | None:
    low, high = interval(entry, name)
    return None if low is None or high is None else (round(low, _DIGITS), round(high, _DIGITS))


def _pair(entry: Mapping[str, Any], rounded: Any) -> tuple[float, float] | None:
    before, after = number(entry.get("before")), number(entry.get("after"))
    return None if before is None or after is None else (rounded(before), rounded(after))
