"""What reading alone takes, in a process of its own: `python -m tests.races.floor_side JOB`, a job in JSON."""

from __future__ import annotations

import itertools
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine import load
from engine.disk import cache_root
from engine.jit import compiled
from tests.races.clock import median_time, tell

_BLOCK = 1 << 20
_MOST_COPIES = 64  # more are asked for by tiny markets alone, whose figures mean nothing
Words = npt.NDArray[np.int64]


@compiled
def xor(words: Words) -> int:
    """Return all words in one, by the cheapest operation that needs each of them; compiled, it is vectorized."""
    folded = 0
    for place in range(len(words)):
        folded ^= words[place]
    return folded


@compiled
def xor_of_bars(opens: Words, highs: Words, lows: Words, closes: Words) -> int:
    """Return all words of four matrices in one; four streams at once are faster than one after the other."""
    of_open = of_high = of_low = of_close = 0
    for place in range(len(opens)):
        of_open ^= opens[place]
        of_high ^= highs[place]
        of_low ^= lows[place]
        of_close ^= closes[place]
    return of_open ^ of_high ^ of_low ^ of_close


def stream(job: Mapping[str, Any]) -> None:
    """Time one pass over open, high, low and close, by one thread.

    The matrices are copied until all copies together take `bytes`, twice the last cache, and the passes go round
    among them: so each streams from memory, and none finds what the one before has read.
    """
    with np.load(job["matrices"]) as kept:
        fields = [kept[name] for name in ("open", "high", "low", "close")]
    whole = sum(field.nbytes for field in fields)
    copies = min(max(2, -(-job["bytes"] // whole)), _MOST_COPIES)
    rings = [[field.copy().view(np.int64).ravel() for field in fields] for _ in range(copies)]
    turn = itertools.cycle(rings)
    seconds = median_time(lambda: xor_of_bars(*next(turn)), warm_ups=copies)
    tell({job["name"]: seconds}, floor={"bytes": whole, "copies": copies})


def read(job: Mapping[str, Any]) -> None:
    """Time reading the file's raw bytes, as they come from the system's memory, and those of its store, mapped."""
    load(Path(job["data"]), on_bad_bars=job["on_bad_bars"])
    stored = sorted((cache_root() / "markets").rglob("*.arrow"))
    buffer = bytearray(_BLOCK)

    def raw() -> None:
        handle = os.open(job["data"], os.O_RDONLY)
        try:
            while os.readv(handle, [buffer]):
                pass
        finally:
            os.close(handle)

    def mapped() -> None:
        for path in stored:
            words = path.stat().st_size // 8
            xor(np.memmap(path, np.int64, "r", shape=(words,)))

    of_file, of_store = job["names"]
    sizes = {"file": Path(job["data"]).stat().st_size, "store": sum(path.stat().st_size for path in stored)}
    times = {of_file: median_time(raw)}
    if stored:
        times[of_store] = median_time(mapped)
    tell(times, read=sizes)


if __name__ == "__main__":
    wanted = json.loads(sys.argv[1])
    {"stream": stream, "read": read}[wanted["kind"]](wanted)
