"""What is raced: markets and the scenarios on them, as the issue on speed names them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl

from engine import generate_market
from engine.scenarios import WORKLOADS as JUDGED_ON
from tests.races.strategies import find

US500 = "us500_2007_2017_daily.parquet"
_ROOT = Path(__file__).parents[2]
_MINUTES = 390  # of a trading day


@dataclass(frozen=True)
class Size:
    """How large the generated markets are."""

    symbols: int
    bars: int
    minute_symbols: int
    minute_bars: int
    has_real_prices: bool


FULL = Size(symbols=500, bars=2_520, minute_symbols=100, minute_bars=8_580, has_real_prices=True)
QUICK = Size(symbols=12, bars=200, minute_symbols=4, minute_bars=400, has_real_prices=False)


@dataclass(frozen=True)
class Workload:
    """A market and a scenario on it.

    `judged_on` is the workload of the engine's whose optimizations are its rungs, if it has some; `peers` says whether
    vectorbt's `from_signals` can run it. A market is made, or else it is the file of real prices.
    """

    name: str
    about: str
    scenario: str
    market: Callable[[Size], pl.DataFrame] | None
    judged_on: str = ""
    peers: bool = False
    on_bad_bars: str = "refuse"

    @property
    def slug(self) -> str:
        """Return its name for a file."""
        return self.name.replace(" ", "-")


def _w(size: Size) -> pl.DataFrame:
    return generate_market(symbols=size.symbols, bars=size.bars)


def _late(size: Size) -> pl.DataFrame:
    return generate_market(symbols=size.symbols, bars=size.bars, late=0.3)


def _scored(size: Size) -> pl.DataFrame:
    """Return W with a score that is drawn anew on every bar, so that the ranking turns over daily."""
    bars = _w(size)
    random = np.random.Generator(np.random.PCG64(11))
    return bars.with_columns(score=random.integers(0, 1 << 40, len(bars)).astype(np.float64))


def _minutes(size: Size) -> pl.DataFrame:
    """Return bars of a minute: so many days of 390, from 09:30 on."""
    bars = generate_market(symbols=size.minute_symbols, bars=size.minute_bars)
    step = bars["timestamp"].rle_id().cast(pl.Int64)
    minute = (step // _MINUTES) * 1_440 + 570 + step % _MINUTES
    start = pl.lit(datetime(2010, 1, 4)).cast(pl.Datetime("us"))
    return bars.with_columns(timestamp=start + pl.duration(minutes=minute))


def _judged(name: str, otherwise: str = "") -> str:
    """Return the scenario of a workload of the engine's; another, or none, where it has no such workload."""
    return JUDGED_ON[name].scenario if name in JUDGED_ON else otherwise


_ALL = (
    Workload("W", "the declared cross", "sma_cross", _w, "cross", peers=True),
    Workload(
        "W on_bar", "the cross in plain Python, called on every bar", _judged("plain", "sma_cross_plain"), _w, "plain"
    ),
    Workload("W on_bar with waits", "the same, declaring what it waits for", _judged("waits"), _w, "waits"),
    Workload("W on_bars", "the cross in plain Python, on slices of arrays", _judged("slices"), _w, "slices"),
    Workload("W-dense", "the cross's averages as level signals", "race_level", _w, peers=True),
    Workload("W-late", "30 % of the symbols list late", "sma_cross", _late, peers=True),
    Workload("W-turnover", "ranked daily by a score, long and short", _judged("turnover"), _scored, "turnover"),
    Workload("W-sweep", "100 combinations of stop and target", "race_sweep", _w, peers=True),
    Workload("W-minute", "100 symbols in bars of a minute", "sma_cross", _minutes, peers=True),
    Workload("us500", "real daily prices, bad rows dropped", "sma_cross", None, on_bad_bars="drop"),
)


def workloads(size: Size) -> Iterator[Workload]:
    """Return what can be raced here: whose scenario the engine has, and whose data is on this machine."""
    for one in _ALL:
        if one.scenario and (one.market is not None or (size.has_real_prices and real_prices())):
            yield one


def real_prices() -> Path | None:
    """Return the file of real prices; None where it is not on this machine."""
    folders = [*os.environ.get("EXACT_CHANGE_DATA", "").split(os.pathsep), str(_ROOT.parent / "shared" / "data")]
    return next((Path(one) / US500 for one in folders if one and (Path(one) / US500).is_file()), None)


def is_sweep(workload: Workload) -> bool:
    """Whether it is a sweep."""
    return find(workload.scenario).parameters is not None
