"""The clock of the race, for the processes of both environments; it imports the standard library only."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter
from typing import Any

WARM_UPS = 2
_SECONDS, _LEAST, _MOST = 1.0, 1, 41


def median_time(run: Callable[[], object], *, warm_ups: int = WARM_UPS, least: int = _LEAST) -> float:
    """Return the median seconds of runs, after runs to warm up: until 1 s has gone into them or 41 are done.

    Args:
        run: what is timed.
        warm_ups: runs before the clock starts.
        least: so many runs are timed, however long they take.
    """
    for _ in range(warm_ups):
        run()
    times: list[float] = []
    while len(times) < least or (len(times) < _MOST and sum(times) < _SECONDS):
        gc.collect()  # what a run leaves behind is not cleared away in the next one
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    return median(times)


def tell(times: Mapping[str, float], **more: Any) -> None:
    """Print what a process found, as the one line that `rounds` reads: seconds by contender, and what else it says."""
    print(json.dumps({"times": times, **more}), flush=True)
