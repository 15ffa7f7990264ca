"""The generated markets of the golden sets: small, with the blemishes of real prices, where engines differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import polars as pl

from engine.generate import generate_market, scored, weekdays
from engine.model import PRICES


def blemished_market() -> pl.DataFrame:
    """Return a small market with late and early listings, halts, gaps, zero volume and a decimal slip."""
    bars = generate_market(symbols=14, bars=240, seed=11)
    step = pl.col("timestamp").rank("dense").cast(pl.Int64)
    bars = bars.with_columns(step.alias("step"))

    def of(symbol: int) -> pl.Expr:
        return pl.col("symbol") == f"S{symbol:04d}"

    missing = (
        (of(1) & (pl.col("step") <= 90))  # lists late
        | (of(2) & (pl.col("step") <= 235))  # lists too late for any feature
        | (of(3) & (pl.col("step") > 150))  # is delisted
        | (of(4) & pl.col("step").is_between(100, 112))  # is halted
        | (of(5) & (pl.col("step") % 7 == 3))  # trades now and then
        | (of(6) & (pl.col("step") != 120))  # has one bar
        | (of(7) & pl.col("step").is_between(60, 61))
    )
    factor = (
        pl.when(of(8) & (pl.col("step") >= 110))  # gaps down through its stops, for good
        .then(0.72)
        .when(of(9) & (pl.col("step") >= 130))  # gaps up through its targets
        .then(1.375)
        .when(of(10) & (pl.col("step") == 140))  # slips a decimal for a day
        .then(0.1)
        .otherwise(1.0)
    )
    no_volume = of(11) & pl.col("step").is_between(100, 104)
    return (
        bars.with_columns(*(pl.col(price) * factor for price in PRICES))
        .with_columns(pl.when(no_volume).then(0.0).otherwise(pl.col("volume")).alias("volume"))
        .filter(~missing)
        .drop("step")
    )


def bad_market() -> pl.DataFrame:
    """Return a market that is refused: a high below its low, a price of 0, and a bar that stands there twice."""
    bars = blemished_market().head(400)
    row = pl.int_range(pl.len())
    bars = bars.with_columns(
        high=pl.when(row == 120).then(pl.col("low") * 0.5).otherwise(pl.col("high")),
        open=pl.when(row == 250).then(0.0).otherwise(pl.col("open")),
    )
    return pl.concat([bars, bars[60:61]])


_TARGET = 100.0 * (1.0 + 0.10)  # what the take-profit level of an entry at 100 comes to, to the last bit
_TIES: dict[str, list[tuple[float, float, float, float]]] = {
    "AT_STOP": [(99.0, 99.5, 95.0, 98.0)],  # the low is the stop, to the last bit
    "ABOVE_STOP": [(99.0, 99.5, 95.00000000000001, 98.0)],
    "AT_TARGET": [(101.0, _TARGET, 100.5, 102.0)],  # the high is the target
    "OPEN_AT_TARGET": [(_TARGET, 112.0, 94.0, 96.0)],  # opens at the target, then falls through the stop
    "OPEN_AT_TRAIL": [(105.0, 107.0, 104.0, 106.0), (107.0 * (1.0 - 0.08), 98.5, 94.0, 96.0)],
    "AT_TRAIL": [(104.0, 125.0, 103.0, 120.0), (118.0, 119.0, 125.0 * (1.0 - 0.08), 116.0)],
    "BOTH": [(100.0, 115.0, 90.0, 100.0)],  # reaches the stop and the target
    "WAITS": [],  # nothing happens until the averages cross back
}


def ties_market() -> pl.DataFrame:
    """Return a market in which prices meet levels, averages each other, and costs the cash, exactly.

    Every symbol stands at 100 for 60 bars, so that its averages are equal, closes at 101, which makes them
    cross, and opens at 100 again, where the entry fills. Then comes what its name says.
    """
    flat = (100.0, 100.0, 100.0, 100.0)
    series = {}
    for symbol, events in _TIES.items():
        bars = [flat] * 60 + [(100.0, 101.0, 100.0, 101.0), (100.0, 101.0, 99.5, 100.5), *events]
        bars += [(100.0, 100.5, 99.5, 100.0)] * (75 - len(bars)) + [(99.0, 99.5, 97.0, 97.5)] * 15 + [flat] * 10
        series[symbol] = bars
    return _scripted(series, 100)


_UP, _DOWN, _FLAT = (10.0, 11.0, 10.0, 11.0), (9.0, 10.0, 8.0, 9.0), (10.0, 10.0, 10.0, 10.0)
_NONE = None
_EDGES: dict[str, list[tuple[float, float, float, float] | None]] = {
    # delisted with an order queued, at the step before the next symbol lists
    "A_QUEUED": [_FLAT, _FLAT, _FLAT, _UP, _NONE, _NONE, _NONE, _NONE, _NONE, _NONE],
    "B_LISTS": [_NONE, _NONE, _NONE, _NONE, _FLAT, _UP, _UP, _DOWN, _FLAT, _FLAT],
    # delisted while held, at the step before the next symbol lists
    "C_HELD": [_FLAT, _UP, _UP, _UP, _UP, _NONE, _NONE, _NONE, _NONE, _NONE],
    "D_LISTS": [_NONE, _NONE, _NONE, _NONE, _NONE, _FLAT, _UP, _UP, _DOWN, _FLAT],
    # halted right after its exit signal, with the exit queued through the halt
    "E_HALTED": [_FLAT, _UP, _UP, _DOWN, _NONE, _NONE, _NONE, _DOWN, _UP, _UP],
    # the last symbol, delisted with an order queued, and one that lists at the very last step
    "Y_LAST_STEP": [_NONE] * 9 + [_UP],
    "Z_QUEUED": [_FLAT, _FLAT, _FLAT, _FLAT, _FLAT, _UP, _NONE, _NONE, _NONE, _NONE],
}


def edges_market() -> pl.DataFrame:
    """Return a market whose symbols list, halt and are delisted next to each other's bars."""
    return _scripted(_EDGES, len(_EDGES["A_QUEUED"]))


def long_market() -> pl.DataFrame:
    """Return one symbol with more bars than any block that a build works in, and one that lists halfway."""
    return generate_market(symbols=2, bars=1_300, seed=5, late=0.5)


def _scripted(series: Mapping[str, Sequence[tuple[float, float, float, float] | None]], count: int) -> pl.DataFrame:
    rows = [
        (day, symbol, *bar, 1_000.0)
        for symbol, bars in series.items()
        for day, bar in zip(weekdays(count), bars, strict=True)
        if bar is not None
    ]
    table = pl.DataFrame(rows, schema=["timestamp", "symbol", *PRICES, "volume"], orient="row")
    return table.sort("timestamp", "symbol")


def one_bar() -> pl.DataFrame:
    """Return the smallest market that there is."""
    return generate_market(symbols=1, bars=1, seed=3)


def wide_market() -> pl.DataFrame:
    """Return a market with columns that the engine does not need."""
    bars = generate_market(symbols=6, bars=80, seed=7)
    return bars.with_columns((pl.col("close") * (1.0 + number)).alias(f"extra_{number}") for number in range(20))


def scored_market() -> pl.DataFrame:
    """Return the blemished market with a column "score", as a model might give it: see `with_score`."""
    return with_score(blemished_market())


def with_score(bars: pl.DataFrame) -> pl.DataFrame:
    """Return bars, sorted by timestamp, with a column "score": the fall over five bars; null where it is not known.

    Now and then it is -0.0, which only its sign tells from nothing.
    """
    before = pl.col("close").shift(5).over("symbol")
    score = 1.0 - pl.col("close") / before
    return bars.with_columns(score=pl.when(pl.int_range(pl.len()) % 97 == 96).then(pl.lit(-0.0)).otherwise(score))


def crowded_market() -> pl.DataFrame:
    """Return more symbols than a word of bits has, some of which list late, with scores that turn a ranking over."""
    return scored(generate_market(symbols=70, bars=50, seed=17, late=0.2))


def twin_market() -> pl.DataFrame:
    """Return the scored market with other closes: what is kept of the one by its highs is not the other's."""
    bars = scored_market()
    moved = (pl.col("close") * 0.5 + (pl.col("low") + pl.col("high")) * 0.25).clip("low", "high")
    return bars.with_columns(close=moved)


def one_symbol() -> pl.DataFrame:
    """Return one symbol with two bars, of the same values as the two symbols of `two_symbols`."""
    return _scripted({"A": _PAIR_OF_BARS}, 2)


def two_symbols() -> pl.DataFrame:
    """Return two symbols with one bar each: in a column of values they can't be told from one with two."""
    return _scripted({"A": _PAIR_OF_BARS[:1], "B": _PAIR_OF_BARS[1:]}, 1)


_PAIR_OF_BARS = [(100.0, 102.0, 99.0, 101.0), (101.0, 106.0, 100.0, 105.0)]


NEW_YORK = "America/New_York"
_SESSIONS = [  # in UTC: where an hour is struck twice, no other clock says which
    (datetime(2010, 11, 5, 19, 0), datetime(2010, 11, 5, 19, 59)),  # Friday afternoon
    (datetime(2010, 11, 7, 3, 30), datetime(2010, 11, 7, 7, 29)),  # over midnight and the end of daylight saving time
    (datetime(2010, 11, 8, 14, 30), datetime(2010, 11, 8, 14, 59)),  # Monday morning
]


def minute_market() -> pl.DataFrame:
    """Return four symbols in bars of a minute, in New York, over the night on which clocks go back."""
    sessions = [pl.datetime_range(first, last, "1m", time_zone="UTC", eager=True) for first, last in _SESSIONS]
    minutes = pl.concat(sessions).dt.convert_time_zone(NEW_YORK)
    step = pl.col("timestamp").rank("dense").cast(pl.Int64) - 1
    bars = generate_market(symbols=4, bars=len(minutes), seed=13).with_columns(step.alias("step"))
    missing = (pl.col("symbol") == "S0001") & (pl.col("step") % 7 == 3)  # trades now and then
    return bars.with_columns(minutes.gather(bars["step"]).alias("timestamp")).filter(~missing).drop("step")
