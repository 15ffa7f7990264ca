"""The rows of reports/bench.json, and the tables that the terminal and the page show."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from optimizer.reporters.templates import seconds
from tests.races.contenders import COLD, COLD_INSIDE, REFERENCE, RUST, STREAM
from tests.races.rounds import Found

_FIRST = (COLD, COLD_INSIDE)  # not warm runs


def write_rows(path: Path, found: Found) -> None:
    """Put the race's rows into the file, in place of older ones of the same workloads; others stay."""
    mine = list(rows(found))
    raced = {row["workload"] for row in mine}
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    whole = [*(row for row in kept if row["workload"] not in raced), *mine]
    path.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")


def rows(found: Found) -> Iterator[dict[str, Any]]:
    """Return a row a workload and contender: seconds over the processes, and their number."""
    for workload, contender in found.order:
        times = found.times[workload, contender]
        yield {
            "workload": workload,
            "contender": contender,
            "figure": "cold" if contender in _FIRST else "run",
            "median_s": found.median(workload, contender),
            "min_s": min(times),
            "max_s": max(times),
            "runs": len(times),
        }


def table(found: Found, workload: str) -> tuple[list[str], list[list[str]]]:
    """Return the heads and the rows of a workload's table, with ratios.

    Against another, above 1 is faster than it; of the floor, it is how many times its time was taken.
    """
    against = [name for name in (REFERENCE, RUST) if found.median(workload, name)]
    floor = found.median(workload, STREAM)
    heads = ["contender", "median", "least", "most", "processes", *(f"against {name}" for name in against)]
    heads += ["times the streaming floor"] if floor else []
    return heads, [_row(found, workload, name, against, floor) for name in found.contenders(workload)]


def _row(found: Found, workload: str, contender: str, against: Sequence[str], floor: float | None) -> list[str]:
    times = found.times[workload, contender]
    middle = found.median(workload, contender) or 0.0
    ratios = [times_text((found.median(workload, one) or 0.0) / middle) for one in against]
    of_floor = [times_text(middle / floor)] if floor else []
    return [contender, *map(seconds, (middle, min(times), max(times))), str(len(times)), *ratios, *of_floor]


def times_text(ratio: float) -> str:
    """Return a ratio as it reads."""
    return f"{ratio:,.0f}x" if ratio >= 100 else f"{ratio:.3g}x"
