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

    Garbage is collected before the first one, and then no more, as in `timeit`: to look for it between two runs empties
    the processor's caches, which a short run feels and a long one does not.

    Args:
        run: what is timed.
        warm_ups: runs before the clock starts.
        least: so many runs are timed, however long they take.
    """
    for _ in range(warm_ups):
        run()
    times: list[float] = []
    gc.collect()
    gc.disable()
    try:
        while len(times) < least or (len(times) < _MOST and sum(times) < _SECONDS):
            start = perf_counter()
            run()
            times.append(perf_counter() - start)
    finally:
        gc.enable()
    return median(times)


def tell(times: Mapping[str, float], **more: Any) -> None:
    """Print what a process found, as the one line that `rounds` reads: seconds by contender, and what else it says."""
    print(json.dumps({"times": times, **more}), flush=True)
