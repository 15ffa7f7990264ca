"""The timed run in our engine: the moving-average cross with a stop-loss, declared."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import polars as pl

from engine import SMA, CrossesAbove, DeclaredStrategy, Notional, Settings, StopLoss, load
from peers.our_side import frame_of
from peers.speed_clock import AMOUNT, CASH, FAST, SLOW, STOP, clock

BUILDS = {"reference": (), "accepted build": None}


def main(folder: Path, name: str) -> None:
    """Time one build, with caches of its own, which are empty at first."""
    fast, slow = SMA(FAST), SMA(SLOW)
    strategy = DeclaredStrategy(CrossesAbove(fast, slow), CrossesAbove(slow, fast), Notional(AMOUNT), (StopLoss(STOP),))

    def run(bars: pl.DataFrame) -> int:
        return len(load(bars, build=BUILDS[name]).run(strategy, Settings(cash=CASH)).trades)

    with tempfile.TemporaryDirectory() as cache:
        os.environ["EXACT_CHANGE_CACHE"] = cache
        clock(folder, frame_of, run)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
